// KernelAxes.h - the axes of a kernel by what becomes of them: cut by the grid, walked, held
#pragma once
#include "compiler/IR/Fc.h"
#include "llvm/ADT/MapVector.h"

namespace fc {

using AxisSizes = llvm::MapVector<mlir::StringAttr, int64_t>;

struct KernelAxes {
  /// Points of an axis that is held: beyond, no CTA has registers for one row of what is carried
  /// along it.
  static constexpr int64_t kMostHeld = 8192;
  llvm::SmallVector<mlir::StringAttr> grid; ///< tile axes of the grid, in its order
  llvm::SmallVector<mlir::StringAttr>
      walked;      ///< axes of folds that have no step yet, in text order
  AxisSizes fixed; ///< held axes, padded; axes of folds that have a step

  /// Reads them off the kernel. Fails, with a message, where an axis has two sizes.
  static llvm::FailureOr<KernelAxes> of(KernelOp kernel);

  /// The axes that a schedule gives a size.
  llvm::SmallVector<mlir::StringAttr> scheduled() const;

  /// The tile size of a held axis of `size` points: whole groups of lanes, that is a power of two
  /// up to 8 and multiples of 8 beyond. What it has too many is masked.
  static int64_t padded(int64_t size);
  /// Whether a tile may have this size: those that `padded` gives.
  static bool isTileSize(int64_t size) { return size >= 1 && padded(size) == size; }
};

/// The value of an integer constant.
std::optional<int64_t> constantOf(mlir::Value value);

} // namespace fc
