// MultiplyReciprocals.cpp - what many elements are divided by is inverted once
//
// The machine has no division: a quotient that is rounded correctly takes eleven instructions and a
// branch, one within two units of the last place half of that, a product one. What a tile is
// divided by is mostly a row (the sum of a softmax), a parameter or a number.
//
// x / r is x * (1 / r) for 2^-126 <= |r| <= 2^126, within three units of the last place. Rows
// beyond, 0 among them, need three products; a thread that has none branches around those. Of a
// parameter the reciprocal is kept finite, so that 0 / 0 is 0 (language S1): it has to be one
// factor for what derives folds from them. docs/decisions/division.md.
#include "compiler/IR/TestMap.h"
#include "compiler/Transforms/MapBuilding.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include <limits>

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_MULTIPLYRECIPROCALS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// The axes that a value of a map's region varies over.
void collectAxes(MapOp map, Value value, llvm::SmallSetVector<StringAttr, 4> &axes) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    for (auto &[axis, size] : axesOf(map.getIns()[argument.getArgNumber()].getType()))
      axes.insert(axis);
    return;
  }
  for (Value operand : value.getDefiningOp()->getOperands())
    collectAxes(map, operand, axes);
}

/// A last place may turn what such users make of a quotient into something else.
bool isRoundedOrCompared(arith::DivFOp quotient) {
  return llvm::any_of(quotient->getUsers(), [](Operation *user) {
    return isa<math::FloorOp, math::CeilOp, math::RoundEvenOp, arith::FPToSIOp, arith::CmpFOp>(
        user);
  });
}

/// Bounds within which numbers have reciprocals that are exact to the last place.
constexpr double kLeast = 0x1p-126, kMost = 0x1p126;

Value inverseOf(OpBuilder &builder, Location loc, Value divisor) {
  using arith::FastMathFlags;
  auto flags = arith::FastMathFlagsAttr::get(builder.getContext(),
                                             FastMathFlags::nnan | FastMathFlags::arcp);
  return arith::DivFOp::create(builder, loc, realConstant(builder, loc, 1), divisor, flags);
}

/// 1 / r, of which 0 times is 0.
Value finiteInverseOf(OpBuilder &builder, Location loc, Value divisor) {
  Value inverse = inverseOf(builder, loc, divisor);
  Value magnitude = math::AbsFOp::create(builder, loc, inverse);
  Value tooLarge =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, magnitude,
                            realConstant(builder, loc, std::numeric_limits<double>::infinity()));
  Value largest = math::CopySignOp::create(
      builder, loc, realConstant(builder, loc, std::numeric_limits<float>::max()), inverse);
  return arith::SelectOp::create(builder, loc, tooLarge, largest, inverse);
}

void replace(arith::DivFOp quotient, Value by) {
  quotient.replaceAllUsesWith(by);
  quotient.erase();
}

void multiply(OpBuilder &builder, arith::DivFOp quotient, Value inverse) {
  replace(quotient, arith::MulFOp::create(builder, quotient.getLoc(), quotient.getLhs(), inverse));
}

/// A value of a map's region as a tile of its own.
Value outside(MapOp map, Value value) {
  if (Value operand = operandOf(map, value))
    return operand;
  SetVector<Operation *> steps;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitBlockArguments = true;
  (void)getBackwardSlice(value, &steps, options);
  SmallVector<Value> ins;
  SmallVector<BlockArgument> arguments;
  for (BlockArgument argument : map.block()->getArguments())
    if (llvm::any_of(argument.getUsers(), [&](Operation *user) { return steps.contains(user); })) {
      ins.push_back(operandOf(map, argument));
      arguments.push_back(argument);
    }
  OpBuilder builder(map);
  return makeMap(builder, map.getLoc(), ins,
                 [&](OpBuilder &inside, auto own) {
                   IRMapping scope;
                   for (auto [argument, copy] : llvm::zip(arguments, own))
                     scope.map(argument, copy);
                   for (Operation &step : map.block()->without_terminator())
                     if (steps.contains(&step))
                       inside.clone(step, scope);
                   return scope.lookup(value);
                 })
      .getResult(0);
}

struct MultiplyReciprocals : impl::MultiplyReciprocalsBase<MultiplyReciprocals> {
  using MultiplyReciprocalsBase::MultiplyReciprocalsBase;

  void runOnOperation() override {
    SmallVector<MapOp> maps;
    getOperation().walk([&](MapOp map) { maps.push_back(map); });
    for (MapOp map : maps) {
      auto quotients = llvm::to_vector(map.block()->getOps<arith::DivFOp>());
      for (arith::DivFOp quotient : quotients)
        if (quotient.getType().isF32() && !isRoundedOrCompared(quotient))
          invert(map, quotient);
      if (!quotients.empty())
        trim(map);
    }
  }

  /// Drops what maps for the quotients do now.
  static void trim(MapOp map) {
    pruneMap(map);
    if (map.getIns().size() == 1 && map.yield().getOperands() == map.block()->getArguments() &&
        map.getIns()[0].getType() == map.getResult(0).getType()) {
      map.getResult(0).replaceAllUsesWith(map.getIns()[0]);
      map.erase();
    }
  }

  void invert(MapOp map, arith::DivFOp quotient) {
    OpBuilder builder(quotient);
    Location loc = quotient.getLoc();
    APFloat number(0.0f);
    if (matchPattern(quotient.getRhs(), m_ConstantFloat(&number))) {
      APFloat inverse(1.0f);
      inverse.divide(number, APFloat::rmNearestTiesToEven);
      if (number.isNormal() && inverse.isNormal())
        multiply(builder, quotient, realConstant(builder, loc, inverse.convertToFloat()));
      return;
    }
    llvm::SmallSetVector<StringAttr, 4> shared, all;
    collectAxes(map, quotient.getRhs(), shared);
    collectAxes(map, quotient.getResult(), all);
    if (shared.empty() && !all.empty())
      multiply(builder, quotient, finiteInverseOf(builder, loc, quotient.getRhs()));
    else if (rows && shared.size() < all.size())
      invertRow(map, quotient);
    else if (rows)
      allowTwoPlaces(quotient);
  }

  static void allowTwoPlaces(arith::DivFOp quotient) {
    quotient.setFastmath(quotient.getFastmath() | arith::FastMathFlags::arcp);
  }

  /// Below kLeast, or above kMost.
  static Value isBeyond(OpBuilder &builder, Value size, double bound) {
    auto predicate = bound == kLeast ? arith::CmpFPredicate::OLT : arith::CmpFPredicate::OGT;
    return arith::CmpFOp::create(builder, size.getLoc(), predicate, size,
                                 realConstant(builder, size.getLoc(), bound));
  }

  static void invertRow(MapOp map, arith::DivFOp quotient) {
    OpBuilder inMap(quotient);
    // Where no divisor is 0, it is the sum of a softmax, which is at least 1.
    if (bitEnumContainsAll(quotient.getFastmath(), arith::FastMathFlags::nnan))
      return multiply(inMap, quotient, inverseOf(inMap, quotient.getLoc(), quotient.getRhs()));
    Location loc = quotient.getLoc();
    Value x = outside(map, quotient.getLhs()), row = outside(map, quotient.getRhs());
    OpBuilder builder(map);
    MapOp inverse = makeMap(builder, loc, row, [&](OpBuilder &inside, auto arguments) {
      return inverseOf(inside, loc, arguments[0]);
    });
    MapOp far = makeMap(builder, loc, row, [&](OpBuilder &inside, auto arguments) -> Value {
      Value size = math::AbsFOp::create(inside, loc, arguments[0]);
      return arith::OrIOp::create(inside, loc, isBeyond(inside, size, kLeast),
                                  isBeyond(inside, size, kMost));
    });
    auto product = [&](OpBuilder &inside, Value a, Value b) -> Value {
      return arith::MulFOp::create(inside, loc, a, b);
    };
    MapOp near =
        makeMap(builder, loc, {x, inverse.getResult(0)}, [&](OpBuilder &inside, auto arguments) {
          return product(inside, arguments[0], arguments[1]);
        });
    // x (1 / (r s)) s, with an s that gives r s a reciprocal: three products, so that by 0 each of
    // them can be by a number that together take all but 0 beyond the largest.
    MapOp chosen = makeMap(
        builder, loc, {far.getResult(0), near.getResult(0), x, row},
        [&](OpBuilder &inside, auto arguments) -> Value {
          auto number = [&](double value) { return realConstant(inside, loc, value); };
          auto choose = [&](Value flag, Value then, Value otherwise) -> Value {
            return arith::SelectOp::create(inside, loc, flag, then, otherwise);
          };
          Value divisor = arguments[3], size = math::AbsFOp::create(inside, loc, divisor);
          Value shift = choose(isBeyond(inside, size, kLeast), number(0x1p24),
                               choose(isBeyond(inside, size, kMost), number(0x1p-24), number(1)));
          Value isZero =
              arith::CmpFOp::create(inside, loc, arith::CmpFPredicate::OEQ, size, number(0));
          Value large = number(0x1p127);
          Value shifted = inverseOf(inside, loc, product(inside, divisor, shift));
          Value sign = math::CopySignOp::create(inside, loc, large, divisor);
          Value quotient = product(inside, arguments[2], choose(isZero, large, shifted));
          quotient = product(inside, quotient, choose(isZero, large, shift));
          return product(inside, quotient, choose(isZero, sign, number(1)));
        });
    chosen->setAttr(kRareAttr, builder.getUnitAttr());
    map->insertOperands(map->getNumOperands(), chosen.getResult(0));
    replace(quotient, map.block()->addArgument(quotient.getType(), loc));
  }
};

} // namespace
} // namespace fc
