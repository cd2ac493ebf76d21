// TailValues.h - what a tile holds past the end of an axis, or where a test fails
//
// Constant folding over maps, started from what is known there: a test `point < end` is false, a
// read bounded by the end is 0. So a score that is masked to -inf once makes its exponential 0 by
// itself, and neither the sum nor the product that takes it needs a mask of its own.
#pragma once
#include "compiler/IR/Fc.h"
#include "llvm/ADT/DenseMap.h"
#include <functional>

namespace fc {

class TailValues {
public:
  /// `seed` gives the constants known from the start, null for all others.
  explicit TailValues(std::function<mlir::Attribute(mlir::Value)> seed) : seed(std::move(seed)) {}

  /// The constant that every element past the end is; null when that is not known.
  mlir::Attribute of(mlir::Value value);

private:
  mlir::Attribute evaluate(mlir::Value value);
  /// The yielded constants of a map whose operands are `arguments`.
  void evaluate(MapOp map);

  std::function<mlir::Attribute(mlir::Value)> seed;
  llvm::DenseMap<mlir::Value, mlir::Attribute> known;
};

} // namespace fc
