// TailValues.cpp - what a tile holds past the end of an axis
#include "compiler/Transforms/TailValues.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace fc {

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
  return {};
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
    if (!result) {
      // On a copy: folding may change an operation in place.
      Operation *copy = op.clone();
      // Folders look for constants on the right.
      if (op.hasTrait<OpTrait::IsCommutative>() && operands.size() == 2 && !operands[1]) {
        copy->setOperands({op.getOperand(1), op.getOperand(0)});
        std::swap(operands[0], operands[1]);
      }
      SmallVector<OpFoldResult> folded;
      if (succeeded(copy->fold(operands, folded)) && folded.size() == 1) {
        auto other = dyn_cast<Value>(folded[0]);
        result = other ? known.lookup(other) : dyn_cast<Attribute>(folded[0]);
      }
      copy->destroy();
    }
    known[op.getResult(0)] = result;
  }
}

} // namespace fc
