// RowGuards.cpp - dropping the tests for rows without a key
//
// The state of a softmax is found by its form: the carried maximum m' = max(m, max y), and the sum
// that takes exp(y - m'). With one key seen, the sum is at least 1 and the maximum is a score.
#include "compiler/Transforms/RowGuards.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace fc {

namespace {

/// What a value of a map's region stands for outside it: the operand behind an argument.
Value outsideOf(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto map = argument ? dyn_cast<MapOp>(argument.getOwner()->getParentOp()) : MapOp();
  return map ? map.getIns()[argument.getArgNumber()] : value;
}

/// The operation in a map's region that makes one of its results; null if none does.
template <class Op> Op yieldedBy(Value value) {
  auto map = value.getDefiningOp<MapOp>();
  return map ? map.yield().getOperand(cast<OpResult>(value).getResultNumber()).getDefiningOp<Op>()
             : Op();
}

/// The tile whose reduction a state takes in by `Op`.
template <class Op> Value reducedInto(Value next, ReduceKind kind) {
  auto join = yieldedBy<Op>(next);
  if (!join)
    return {};
  for (Value side : {join.getLhs(), join.getRhs()})
    if (auto reduce = outsideOf(side).template getDefiningOp<ReduceOp>();
        reduce && reduce.getKind() == kind)
      return reduce.getIn();
  return {};
}

/// Whether a score can be -inf by a constant alone, which a mask brought.
bool isFinite(Value value, int depth = 0) {
  constexpr int kDeep = 64;
  if (depth > kDeep)
    return false;
  Value outside = outsideOf(value);
  if (outside != value)
    return isFinite(outside, depth + 1);
  Operation *op = value.getDefiningOp();
  if (!op)
    return !isa<TileType>(value.getType()); // a parameter; not a state
  auto all = [&](auto operands) {
    return llvm::all_of(operands, [&](Value operand) { return isFinite(operand, depth + 1); });
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](MapOp map) {
        return isFinite(map.yield().getOperand(cast<OpResult>(value).getResultNumber()), depth + 1);
      })
      .Case([&](DotOp dot) { return !dot.getAcc(); })
      .Case([&](arith::ConstantOp) { return true; })
      .Case([&](arith::SelectOp select) {
        return all(SmallVector<Value>{select.getTrueValue(), select.getFalseValue()});
      })
      .Case<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp, arith::MaxNumFOp,
            arith::MinNumFOp, arith::ExtFOp, arith::TruncFOp, math::TanhOp>(
          [&](auto each) { return all(each->getOperands()); })
      .Case<arith::SIToFPOp, arith::UIToFPOp>([](auto) { return true; })
      .Default([](Operation *) { return false; });
}

bool isFloor(Value value) {
  FloatAttr constant;
  return matchPattern(value, m_Constant(&constant)) && constant.getValueAsDouble() == kFloor;
}

/// `result`'s uses in maps: division by it, and where it is not above the floor.
int dropTests(Value result, bool isSum) {
  int dropped = 0;
  for (OpOperand &use : result.getUses()) {
    auto map = dyn_cast<MapOp>(use.getOwner());
    if (!map)
      continue;
    BlockArgument argument = map.getBody().getArgument(use.getOperandNumber());
    for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
      if (auto divide = dyn_cast<arith::DivFOp>(user);
          divide && isSum && divide.getRhs() == argument) {
        divide.setFastmath(divide.getFastmath() | arith::FastMathFlags::nnan);
        ++dropped;
      }
      auto compare = dyn_cast<arith::CmpFOp>(user);
      if (!compare || isSum || compare.getPredicate() != arith::CmpFPredicate::OLE ||
          compare.getLhs() != argument || !isFloor(compare.getRhs()))
        continue;
      for (Operation *chosen : llvm::make_early_inc_range(compare->getUsers()))
        if (auto select = dyn_cast<arith::SelectOp>(chosen);
            select && select.getFalseValue() == argument) {
          select.replaceAllUsesWith(Value(argument));
          select.erase();
          ++dropped;
        }
    }
  }
  return dropped;
}

} // namespace

int dropRowGuards(const FoldPlan &plan) {
  if (!plan.exists() || !plan.safety.proved)
    return 0;
  FoldOp fold = plan.fold;
  ValueRange next = fold.yield().getValues();
  int dropped = 0;
  for (size_t m = 0; m < next.size(); ++m) {
    Value scores = reducedInto<arith::MaxNumFOp>(next[m], ReduceKind::Max);
    if (!scores || !isFinite(scores))
      continue;
    dropped += dropTests(fold.getResult(m), /*isSum=*/false);
    for (size_t l = 0; l < next.size(); ++l) {
      Value terms = reducedInto<arith::AddFOp>(next[l], ReduceKind::Sum);
      auto exponential = terms ? yieldedBy<math::ExpOp>(terms) : math::ExpOp();
      auto below =
          exponential ? exponential.getOperand().getDefiningOp<arith::SubFOp>() : arith::SubFOp();
      if (below && outsideOf(below.getLhs()) == scores && outsideOf(below.getRhs()) == next[m])
        dropped += dropTests(fold.getResult(l), /*isSum=*/true);
    }
  }
  return dropped;
}

} // namespace fc
