// DeferSums.cpp - carried sums stay apart in their lanes until the loop is over
//
// l' = c * l + sum_j e_j is linear, so each lane may carry the part of the sum over its own j and
// the lanes meet once, behind the loop. The part is a tile with one axis more: what is left of j on
// the lanes (Place::partial). c is of a row, the same in all lanes that share it.
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_DEFERSUMS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// How a member of the state comes from itself and from sums of the turn.
struct Linear {
  SmallVector<MapOp> maps;
  SmallVector<ReduceOp> sums;
  bool hasState = false;
};

class Deferral {
public:
  Deferral(FoldOp fold, unsigned number)
      : fold(fold), number(number), state(fold.state()[number]),
        yielded(fold.yield().getOperand(number)) {}

  bool run() {
    type = dyn_cast<TileType>(state.getType());
    if (!type || !type.registers() || !type.getElement().isF32() || !state.hasOneUse() ||
        !startsAtZero(fold.getInit()[number]))
      return false;
    auto found = linear(yielded);
    if (!found || !found->hasState || found->sums.empty())
      return false;
    PlaceAttr place = found->sums[0].getIn().getType().registers();
    ArrayAttr axes = found->sums[0].getAxes();
    for (ReduceOp sum : found->sums)
      if (sum.getIn().getType().registers() != place || sum.getAxes() != axes)
        return false;
    if (axes.size() != 1)
      return false;
    StringRef axis = cast<StringAttr>(axes[0]).getValue();
    int lanes = 1;
    for (const Digit &digit : place.place().digits)
      if (digit.axis == axis) {
        if (digit.unit == Unit::Warp)
          return false;
        lanes *= digit.unit == Unit::Lane ? digit.size : 1;
      }
    if (lanes == 1)
      return false;
    defer(*found, place.place(), axis, lanes);
    return true;
  }

private:
  static bool startsAtZero(Value init) {
    auto map = init.getDefiningOp<MapOp>();
    return map && matchPattern(map.yield().getOperand(cast<OpResult>(init).getResultNumber()),
                               m_AnyZeroFloat());
  }

  //===-- Whether it is linear -----------------------------------------------------===//

  std::optional<Linear> linear(Value value) {
    if (value.getType() != type || !value.hasOneUse())
      return std::nullopt;
    if (value == state)
      return Linear{{}, {}, /*hasState=*/true};
    Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != &fold.getBody().front())
      return std::nullopt;
    if (auto sum = dyn_cast<ReduceOp>(op); sum && sum.getKind() == ReduceKind::Sum)
      return Linear{{}, {sum}};
    auto map = dyn_cast<MapOp>(op);
    if (!map || map.getNumResults() != 1)
      return std::nullopt;
    auto result = linearIn(map, map.yield().getOperand(0));
    if (result)
      result->maps.push_back(map);
    return result;
  }

  /// Of a value in a map's region: sums of linear terms, each perhaps times what holds none.
  std::optional<Linear> linearIn(MapOp map, Value value) {
    if (!value.hasOneUse())
      return std::nullopt;
    if (auto argument = dyn_cast<BlockArgument>(value))
      return linear(map.getIns()[argument.getArgNumber()]);
    if (auto add = value.getDefiningOp<arith::AddFOp>()) {
      auto left = linearIn(map, add.getLhs()), right = linearIn(map, add.getRhs());
      if (!left || !right)
        return std::nullopt;
      left->maps.append(right->maps);
      left->sums.append(right->sums);
      left->hasState |= right->hasState;
      return left;
    }
    if (auto product = value.getDefiningOp<arith::MulFOp>())
      for (auto [term, factor] : {std::pair(product.getLhs(), product.getRhs()),
                                  std::pair(product.getRhs(), product.getLhs())})
        if (isRow(map, factor))
          if (auto result = linearIn(map, term))
            return result;
    return std::nullopt;
  }

  /// Whether a value of a map's region is made of constants and operands other than the state. What
  /// makes the state again has one use, as a term; no factor can hold it.
  bool isRow(MapOp map, Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return map.getIns()[argument.getArgNumber()] != state;
    return llvm::all_of(value.getDefiningOp()->getOperands(),
                        [&](Value operand) { return isRow(map, operand); });
  }

  //===-- Rewriting ------------------------------------------------------------------===//

  void defer(const Linear &found, const Place &place, StringRef axis, int lanes) {
    MLIRContext *context = fold.getContext();
    std::string rest = axis.str() + "q";
    while (type.has(rest))
      rest += "q";
    SmallVector<TileType::AxisSize> axes = type.axisSizes();
    axes.push_back({StringAttr::get(context, rest), lanes});
    llvm::sort(axes, [](auto &a, auto &b) { return a.first.getValue() < b.first.getValue(); });
    Place apart = place.partial(axis, rest);
    TileType wide =
        TileType::get(type.getElement(), axes).withPlace(PlaceAttr::get(context, apart));

    // The start: 0 in every lane.
    OpBuilder before(fold);
    Location loc = fold.getLoc();
    Value zero = arith::ConstantOp::create(before, loc, before.getI32IntegerAttr(0));
    auto points = TileType::get(before.getI32Type(), {{StringAttr::get(context, rest), lanes}})
                      .withPlace(PlaceAttr::get(context, apart.sliceTo({StringRef(rest)})));
    Value lane = IotaOp::create(before, loc, points, zero);
    Value init = fold.getInit()[number];
    auto start = MapOp::create(before, loc, TypeRange{wide}, ValueRange{init, lane});
    OpBuilder inside(context);
    Block *block = inside.createBlock(&start.getBody(), {},
                                      {type.getElement(), inside.getI32Type()}, {loc, loc});
    YieldOp::create(inside, loc, block->getArgument(0));
    fold.getInitMutable()[number].set(start.getResult(0));

    state.setType(wide);
    for (ReduceOp sum : found.sums) {
      sum.setInto(StringRef(rest));
      sum.getOut().setType(wide);
    }
    for (MapOp map : found.maps)
      map.getResult(0).setType(wide);
    Value result = fold.getResult(number);
    result.setType(wide);
    OpBuilder after(fold->getBlock(), std::next(fold->getIterator()));
    auto whole = ReduceOp::create(after, loc, type, ReduceKind::Sum,
                                  after.getStrArrayAttr({StringRef(rest)}), result, StringAttr());
    result.replaceAllUsesExcept(whole.getOut(), whole);
  }

  FoldOp fold;
  unsigned number;
  BlockArgument state;
  Value yielded;
  TileType type;
};

struct DeferSums : impl::DeferSumsBase<DeferSums> {
  using Base::Base;
  void runOnOperation() override {
    getOperation().walk([&](FoldOp fold) {
      bool changed = false;
      for (unsigned i = 0; i < fold.getNumResults(); ++i)
        changed |= Deferral(fold, i).run();
      if (changed && fold.derived()) {
        fold.getCombine().dropAllReferences();
        fold.getCombine().getBlocks().clear();
      }
    });
  }
};

} // namespace
} // namespace fc
