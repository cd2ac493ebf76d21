// TailValues.cpp - what a tile holds past the end of an axis
#include "compiler/Transforms/TailValues.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace fc {

/// The constant that `op` is when its operands are `operands`, null for those that are not known.
static Attribute folded(Operation &op, SmallVector<Attribute> operands,
                        llvm::function_ref<Attribute(Value)> constantOf) {
  // On a copy: folding may change an operation in place.
  Operation *copy = op.clone();
  // Folders look for constants on the right.
  if (op.hasTrait<OpTrait::IsCommutative>() && operands.size() == 2 && !operands[1]) {
    copy->setOperands({op.getOperand(1), op.getOperand(0)});
    std::swap(operands[0], operands[1]);
  }
  Attribute result;
  SmallVector<OpFoldResult> results;
  if (succeeded(copy->fold(operands, results)) && results.size() == 1) {
    auto other = dyn_cast<Value>(results[0]);
    result = other ? constantOf(other) : dyn_cast<Attribute>(results[0]);
  }
  copy->destroy();
  return result;
}

Attribute TailValues::of(Value value) {
  auto it = known.find(value);
  if (it != known.end())
    return it->second;
  Attribute result = evaluate(value);
  known[value] = result;
  return result;
}

Attribute TailValues::evaluate(Value value) {
  if (Attribute constant = seed(value))
    return constant;
  Attribute constant;
  if (matchPattern(value, m_Constant(&constant)))
    return constant;
  if (auto map = value.getDefiningOp<MapOp>()) {
    evaluate(map);
    return of(map.yield().getOperand(cast<OpResult>(value).getResultNumber()));
  }
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() || op->getNumResults() != 1 || !isPure(op))
    return {};
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands())
    if (!operands.emplace_back(of(operand)))
      return {};
  return folded(*op, operands, [&](Value other) { return of(other); });
}

/// What the language's arithmetic makes of one known operand, whatever the other is (S1; NaN comes
/// out of these only where a whole row is NaN already).
static Attribute absorbs(Operation &op, ArrayRef<Attribute> operands) {
  auto first = operands.empty() ? FloatAttr() : dyn_cast_or_null<FloatAttr>(operands[0]);
  if (!first)
    return {};
  bool lowest = first.getValue().isInfinity() && first.getValue().isNegative();
  if (isa<arith::SubFOp>(op) && lowest) // -inf - x = -inf
    return first;
  if (isa<arith::DivFOp>(op) && first.getValue().isZero()) // 0 / x = 0
    return first;
  return {};
}

void TailValues::evaluate(MapOp map) {
  for (auto [operand, argument] : llvm::zip(map.getIns(), map.block()->getArguments())) {
    Attribute constant = of(operand);
    known[argument] = constant;
  }
  for (Operation &op : map.block()->without_terminator()) {
    if (op.getNumResults() != 1)
      continue;
    if (Attribute constant = seed(op.getResult(0))) {
      known[op.getResult(0)] = constant;
      continue;
    }
    SmallVector<Attribute> operands;
    for (Value operand : op.getOperands())
      operands.push_back(known.lookup(operand));
    Attribute result = absorbs(op, operands);
    if (!result)
      result = folded(op, operands, [&](Value other) { return known.lookup(other); });
    known[op.getResult(0)] = result;
  }
}

} // namespace fc
