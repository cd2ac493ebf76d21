// FoldExp2.cpp - one FMA and one ex2 for each exponential of a score
//
// The machine has 2^x. exp(s - m) is 2^(s * log2 e - m * log2 e), and the second product is of a
// row: one FMA an element, then ex2. Where s is itself a positive factor times x (the scale of
// attention), perhaps through selects against -inf, the factor goes into the same FMA, and the row
// maximum is taken of x and scaled once a row: rounding is monotone, so it is the same maximum
// (FlashAttention-2's order of operations, Dao 2023).
//
// Three numbers bite.
//   - A factor known only at launch may be negative. Its sign goes into the operand of the product
//     that the loop leaves unchanged (exact: one XOR, once), its magnitude into the FMA.
//   - It may be 0: 0 * -inf is NaN where a mask excludes. It is kept at or above the least normal
//     number, which is 0 to every score that has a finite one.
//   - fma(x, a, -m a) is 0 at the maximum only up to the rounding of m a, which for scores of 1e30
//     (a finite mask) is more than any exponent. Rows with |m| above kExact take the form of the
//     text; a thread without such a row branches around it. Below it the rounding is a factor that
//     is common to the row within 2^-12.
#include "compiler/IR/PlaceRules.h"
#include "compiler/IR/TestMap.h"
#include "compiler/Transforms/MapBuilding.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_FOLDEXP2
#include "compiler/Transforms/Passes.h.inc"

namespace {

constexpr double kLog2E = 1.4426950408889634;
constexpr double kExact = 1024;
constexpr double kLeast = 0x1p-126;

bool isLowest(Value value) {
  APFloat number(0.0f);
  return matchPattern(value, m_ConstantFloat(&number)) && number.isInfinity() &&
         number.isNegative();
}

/// y = factor * x, where masks may make x, and then y, -inf.
struct Scaled {
  SmallVector<MapOp> maps; ///< from y down to the multiplication, which is in the last
  arith::MulFOp product;
  Value factor; ///< a scalar; null for a constant
  double constant = 1;
  Value x;
};

/// An exponential of a difference, in a map.
struct Exponential {
  MapOp map;
  math::ExpOp exp;
  arith::SubFOp difference;
  Value y, row;
};

class Folding {
public:
  Folding(KernelOp kernel, FoldOp fold)
      : fold(fold), rules(
                        kernel, kernel.getSchedule()->getWarps(), kernel.getSchedule()->getParts(),
                        [](Type type) { return axesOf(type); }, /*fragments=*/true) {}

  void run() {
    llvm::MapVector<Value, SmallVector<Exponential>> byScore;
    for (MapOp map : fold.getBody().front().getOps<MapOp>())
      for (auto exp : map.block()->getOps<math::ExpOp>())
        if (auto found = match(map, exp))
          byScore[found->y].push_back(*found);
    for (auto &[y, list] : byScore)
      rewrite(y, list);
    eraseDead(fold.getBody().front());
  }

private:
  /// exp(y - row) without a guard (`nnan`), y over more axes than row.
  std::optional<Exponential> match(MapOp map, math::ExpOp exp) {
    auto difference = exp.getOperand().getDefiningOp<arith::SubFOp>();
    if (!difference || !difference->hasOneUse() || !exp.getType().isF32() ||
        !bitEnumContainsAll(difference.getFastmath(), arith::FastMathFlags::nnan))
      return std::nullopt;
    Value y = operandOf(map, difference.getLhs()), row = operandOf(map, difference.getRhs());
    if (!y || !row || !isa<TileType>(y.getType()) || !isa<TileType>(row.getType()))
      return std::nullopt;
    auto wide = axesOf(y.getType()), narrow = axesOf(row.getType());
    if (wide.size() <= narrow.size() ||
        !llvm::all_of(narrow, [&](auto axis) { return llvm::is_contained(wide, axis); }))
      return std::nullopt;
    return Exponential{map, exp, difference, y, row};
  }

  //===-- Where the factor is ----------------------------------------------------===//

  bool isOutside(Value value) { return !fold->isAncestor(value.getParentRegion()->getParentOp()); }

  /// The factor of y, if everything that uses y is content with x: maxima and minima, and the
  /// exponentials of `list`.
  std::optional<Scaled> trace(Value y, ArrayRef<Exponential> list) {
    for (Operation *user : y.getUsers()) {
      auto reduce = dyn_cast<ReduceOp>(user);
      bool order = reduce &&
                   (reduce.getKind() == ReduceKind::Max || reduce.getKind() == ReduceKind::Min) &&
                   isa<TileType>(reduce.getOut().getType());
      auto map = dyn_cast<MapOp>(user);
      bool exponential = map && llvm::any_of(list, [&](const Exponential &each) {
                           return each.map == map && llvm::count(map.getIns(), y) == 1 &&
                                  llvm::all_of(map.block()->getArguments(), [&](Value argument) {
                                    return operandOf(map, argument) != y || argument.hasOneUse();
                                  });
                         });
      if (!order && !exponential)
        return std::nullopt;
    }
    Scaled scaled;
    for (Value value = y;;) {
      auto map = value.getDefiningOp<MapOp>();
      if (!map || map.getNumResults() != 1 || map->getBlock() != &fold.getBody().front() ||
          (value != y && !value.hasOneUse()))
        return std::nullopt;
      scaled.maps.push_back(map);
      Value z = map.yield().getOperand(0);
      while (auto select = z.getDefiningOp<arith::SelectOp>()) {
        if (isLowest(select.getFalseValue()))
          z = select.getTrueValue();
        else if (isLowest(select.getTrueValue()))
          z = select.getFalseValue();
        else
          return std::nullopt;
        if (!z.hasOneUse())
          return std::nullopt;
      }
      if (auto product = z.getDefiningOp<arith::MulFOp>())
        return findFactor(map, product, scaled);
      if (!isa<BlockArgument>(z) || !z.hasOneUse())
        return std::nullopt;
      value = operandOf(map, z);
      if (!isa<TileType>(value.getType()))
        return std::nullopt;
    }
  }

  std::optional<Scaled> findFactor(MapOp map, arith::MulFOp product, Scaled &scaled) {
    if (!product.getType().isF32())
      return std::nullopt;
    for (auto [factor, x] : {std::pair(product.getLhs(), product.getRhs()),
                             std::pair(product.getRhs(), product.getLhs())}) {
      Value tile = operandOf(map, x);
      if (!tile || !isa<TileType>(tile.getType()) || !x.hasOneUse())
        continue;
      scaled.product = product;
      scaled.x = tile;
      APFloat constant(0.0f);
      if (matchPattern(factor, m_ConstantFloat(&constant))) {
        scaled.constant = constant.convertToDouble();
        if (constant.isFiniteNonZero() && !constant.isNegative())
          return scaled;
        continue;
      }
      scaled.factor = operandOf(map, factor);
      if (scaled.factor && !isa<TileType>(scaled.factor.getType()) && isOutside(scaled.factor) &&
          canFlip(tile))
        return scaled;
    }
    return std::nullopt;
  }

  /// Whether x is a product whose sign can go into an operand that registers hold through the loop.
  bool canFlip(Value x) {
    auto dot = x.getDefiningOp<DotOp>();
    if (!dot || !x.hasOneUse() || dot.getAcc() || !dot.getBy().value_or("").starts_with("mma.") ||
        dot->getBlock() != &fold.getBody().front())
      return false;
    Value a = dot.getA();
    if (!isOutside(a) || elementOf(a.getType()).getIntOrFloatBitWidth() != 16)
      return false;
    auto axes = rules.ranked(axesOf(a.getType()));
    return axes.size() == 2 && axes[1].first == dot.getAxes()[0] &&
           PlaceRules::canHold(rules.fragment(axes[0], axes[1]));
  }

  /// The operand A of x, with the sign of `factor`.
  void flip(DotOp dot, Value factor) {
    OpBuilder builder(fold);
    Location loc = factor.getLoc();
    auto integer = [&](unsigned width, int64_t value) -> Value {
      return arith::ConstantOp::create(
          builder, loc, builder.getIntegerAttr(builder.getIntegerType(width), value));
    };
    Value bits = arith::BitcastOp::create(builder, loc, builder.getI32Type(), factor);
    Value negative =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, bits, integer(32, 0));
    Value sign =
        arith::SelectOp::create(builder, loc, negative, integer(16, -0x8000), integer(16, 0));
    MapOp flipped =
        makeMap(builder, dot.getA().getLoc(), {dot.getA(), sign},
                [&](OpBuilder &inside, auto arguments) -> Value {
                  Value word =
                      arith::BitcastOp::create(inside, loc, inside.getI16Type(), arguments[0]);
                  word = arith::XOrIOp::create(inside, loc, word, arguments[1]);
                  return arith::BitcastOp::create(inside, loc, arguments[0].getType(), word);
                });
    dot.getAMutable().set(flipped.getResult(0));
  }

  //===-- Rewriting --------------------------------------------------------------===//

  void rewrite(Value y, ArrayRef<Exponential> list) {
    Value x = y, factor;
    if (auto scaled = trace(y, list)) {
      OpBuilder outside(fold);
      Location loc = scaled->product.getLoc();
      if (scaled->factor) {
        flip(scaled->x.getDefiningOp<DotOp>(), scaled->factor);
        Value magnitude = math::AbsFOp::create(outside, loc, scaled->factor);
        Value least = realConstant(outside, loc, kLeast);
        Value tiny =
            arith::CmpFOp::create(outside, loc, arith::CmpFPredicate::OLT, magnitude, least);
        factor = arith::SelectOp::create(outside, loc, tiny, least, magnitude);
      } else {
        factor = realConstant(outside, loc, scaled->constant);
      }
      x = withoutFactor(*scaled);
      scaleOrders(y, x, factor);
    }
    OpBuilder outside(fold);
    Value a = realConstant(outside, y.getLoc(), kLog2E);
    if (factor)
      a = arith::MulFOp::create(outside, y.getLoc(), factor, a);
    for (const Exponential &each : list)
      rewrite(each, x, factor, a);
  }

  /// The maps of the path again, without the multiplication.
  static Value withoutFactor(Scaled &scaled) {
    Value value = scaled.x;
    for (MapOp map : llvm::reverse(scaled.maps)) {
      OpBuilder builder(map);
      auto copy = cast<MapOp>(builder.clone(*map));
      if (map == scaled.maps.back()) {
        // The one multiplication of that factor whose other side is x.
        for (auto [from, to] :
             llvm::zip(map.block()->getOperations(), copy.block()->getOperations()))
          if (&from == scaled.product.getOperation()) {
            unsigned side = operandOf(map, scaled.product.getLhs()) == scaled.x ? 0 : 1;
            to.getResult(0).replaceAllUsesWith(to.getOperand(side));
          }
        pruneMap(copy);
      } else {
        Value old =
            scaled.maps[llvm::find(scaled.maps, map) - scaled.maps.begin() + 1].getResult(0);
        copy->replaceUsesOfWith(old, value);
      }
      // A map that only multiplied is its operand.
      if (copy.yield().getOperand(0) == copy.block()->getArgument(0) && copy.getIns().size() == 1) {
        value = copy.getIns()[0];
        copy.erase();
      } else {
        value = copy.getResult(0);
      }
    }
    return value;
  }

  /// max(factor * x) = factor * max(x), and so min.
  void scaleOrders(Value y, Value x, Value factor) {
    for (Operation *user : llvm::to_vector(y.getUsers())) {
      auto reduce = dyn_cast<ReduceOp>(user);
      if (!reduce)
        continue;
      OpBuilder builder(reduce);
      Location loc = reduce.getLoc();
      Value unscaled = ReduceOp::create(builder, loc, reduce.getOut().getType(), reduce.getKind(),
                                        reduce.getAxes(), x);
      MapOp scaled = makeMap(
          builder, loc, {unscaled, factor}, [&](OpBuilder &inside, auto arguments) -> Value {
            return arith::MulFOp::create(inside, loc, arguments[0], arguments[1]);
          });
      reduce.getOut().replaceAllUsesWith(scaled.getResult(0));
    }
  }

  void rewrite(const Exponential &each, Value x, Value factor, Value a) {
    MapOp map = each.map;
    math::ExpOp exp = each.exp;
    OpBuilder builder(map);
    Location loc = exp.getLoc();
    MapOp anchor = makeMap(builder, loc, {each.row}, [&](OpBuilder &inside, auto arguments) {
      return Value(
          arith::MulFOp::create(inside, loc, arguments[0], realConstant(inside, loc, -kLog2E)));
    });
    MapOp far = makeMap(builder, loc, {each.row}, [&](OpBuilder &inside, auto arguments) {
      Value magnitude = math::AbsFOp::create(inside, loc, arguments[0]);
      return Value(arith::CmpFOp::create(inside, loc, arith::CmpFPredicate::UGT, magnitude,
                                         realConstant(inside, loc, kExact)));
    });
    MapOp near =
        makeMap(builder, loc, {x, anchor.getResult(0), a}, [&](OpBuilder &inside, auto arguments) {
          Value exponent =
              math::FmaOp::create(inside, loc, arguments[0], arguments[2], arguments[1]);
          return Value(math::Exp2Op::create(inside, loc, exponent));
        });
    SmallVector<Value> ins{far.getResult(0),    near.getResult(0), x, a,
                           anchor.getResult(0), each.row};
    if (factor)
      ins.push_back(factor);
    // ((x factor) - row) log2 e step by step in a far row, and what `near` gives in others,
    // whatever rows a thread has beside them. What differs is chosen once a row.
    MapOp chosen = makeMap(builder, loc, ins, [&](OpBuilder &inside, auto arguments) {
      auto choose = [&](Value ifFar, Value ifNear) -> Value {
        return arith::SelectOp::create(inside, loc, arguments[0], ifFar, ifNear);
      };
      auto number = [&](double value) { return realConstant(inside, loc, value); };
      Value times = choose(factor ? Value(arguments[6]) : number(1), arguments[3]);
      Value plus = choose(number(-0.0), arguments[4]);
      Value less = choose(arguments[5], number(0));
      Value score = math::FmaOp::create(inside, loc, arguments[2], times, plus);
      auto flags = arith::FastMathFlagsAttr::get(inside.getContext(), arith::FastMathFlags::nnan);
      Value difference = arith::SubFOp::create(inside, loc, score, less, flags);
      Value exponent =
          arith::MulFOp::create(inside, loc, difference, choose(number(kLog2E), number(1)));
      return Value(math::Exp2Op::create(inside, loc, exponent));
    });
    chosen->setAttr(kRareAttr, builder.getUnitAttr());

    map->insertOperands(map->getNumOperands(), chosen.getResult(0));
    exp.replaceAllUsesWith(Value(map.block()->addArgument(exp.getType(), loc)));
    exp.erase();
    each.difference->erase();
    pruneMap(map);
    if (map.getIns().size() == 1 && map.yield().getOperands() == map.block()->getArguments()) {
      map.getResult(0).replaceAllUsesWith(map.getIns()[0]);
      map.erase();
    }
  }

  FoldOp fold;
  PlaceRules rules;
};

struct FoldExp2 : impl::FoldExp2Base<FoldExp2> {
  using Base::Base;
  void runOnOperation() override {
    if (!getOperation().getSchedule()) {
      getOperation().emitError("has no schedule; fc-choose-schedule comes before fc-fold-exp2");
      return signalPassFailure();
    }
    SmallVector<FoldOp> folds;
    getOperation().walk([&](FoldOp fold) { folds.push_back(fold); });
    for (FoldOp fold : folds)
      Folding(getOperation(), fold).run();
  }
};

} // namespace
} // namespace fc
