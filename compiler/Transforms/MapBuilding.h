// MapBuilding.h - making and trimming maps
#pragma once
#include "compiler/IR/Fc.h"

namespace fc {

/// A number of f32, rounded to it.
mlir::Value realConstant(mlir::OpBuilder &builder, mlir::Location loc, double value);

/// A map over `ins`, tiles or scalars, whose region `body` writes; it gives the one result.
MapOp makeMap(
    mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange ins,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Block::BlockArgListType)> body);

/// What an argument of a map's region stands for outside it; null for other values.
mlir::Value operandOf(MapOp map, mlir::Value argument);

/// Drops what a map computes or takes for nothing. An operand that gives the results an axis stays.
void pruneMap(MapOp map);

/// Drops the operations of a block that nothing uses.
void eraseDead(mlir::Block &block);

} // namespace fc
