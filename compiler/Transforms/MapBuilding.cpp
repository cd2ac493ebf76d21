// MapBuilding.cpp - making and trimming maps
#include "compiler/Transforms/MapBuilding.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fc {

Value realConstant(OpBuilder &builder, Location loc, double value) {
  return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(float(value)));
}

MapOp makeMap(OpBuilder &builder, Location loc, ValueRange ins,
              llvm::function_ref<Value(OpBuilder &, Block::BlockArgListType)> body) {
  SmallVector<Type> types;
  for (Value in : ins)
    types.push_back(elementOf(in.getType()));
  OpBuilder inside(builder.getContext());
  Region region;
  Block *block = inside.createBlock(&region, {}, types, SmallVector<Location>(types.size(), loc));
  Value result = body(inside, block->getArguments());
  YieldOp::create(inside, loc, result);
  auto axes = *unionOfAxes(ins.getTypes(), [&] { return emitError(loc); });
  auto map = MapOp::create(builder, loc, TypeRange{TileType::get(result.getType(), axes)}, ins);
  map.getBody().takeBody(region);
  return map;
}

Value operandOf(MapOp map, Value argument) {
  auto number = dyn_cast<BlockArgument>(argument);
  return number ? map.getIns()[number.getArgNumber()] : Value();
}

/// Whether the results have their axes without operand `dropped`.
static bool keepsAxes(MapOp map, int dropped) {
  SmallVector<Type> rest;
  for (auto [i, in] : llvm::enumerate(map.getIns()))
    if (int(i) != dropped)
      rest.push_back(in.getType());
  auto axes = unionOfAxes(rest, [&] { return map.emitOpError(); });
  return axes == axesOf(map.getResult(0).getType());
}

void pruneMap(MapOp map) {
  eraseDead(*map.block());
  for (int i = int(map.getIns().size()) - 1; i >= 0; --i)
    if (map.block()->getArgument(i).use_empty() && keepsAxes(map, i)) {
      map.block()->eraseArgument(i);
      map->eraseOperand(i);
    }
}

void eraseDead(Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

} // namespace fc
