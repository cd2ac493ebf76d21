// ScalarValues.h - the uniform integers of a kernel's IR at an example launch
//
// Bounds of walks and flags of tiles are code in the IR: what they come to at a launch is had by
// computing them as the kernel would, so that what is counted is what is run.
#pragma once
#include "compiler/Explain/Launch.h"
#include "compiler/IR/Fc.h"

namespace fc::explain {

class ScalarValues {
public:
  ScalarValues(KernelOp kernel, Launch &launch) : kernel(kernel), launch(launch) {}

  /// A coordinate of the program, the start of a tile. Forgets what was computed from others.
  void set(mlir::Value value, int64_t number);
  /// The value of an integer or boolean; nothing, and `why`, if it cannot be had.
  std::optional<int64_t> of(mlir::Value value);
  /// The start of the next tile that a fold walks, from `from` on: by its hop, if it has one. `to`
  /// if there is none.
  std::optional<int64_t> nextTile(FoldOp fold, int64_t from, int64_t to);
  /// What stood in the way, in words.
  const std::string &why() const { return reason; }

private:
  /// Coordinates along axes, for the element of a tile; null: a uniform value.
  using Coord = llvm::DenseMap<mlir::StringAttr, int64_t>;
  std::optional<int64_t> at(mlir::Value value, const Coord *coord);
  std::optional<int64_t> compute(mlir::Value value, const Coord *coord);
  std::optional<int64_t> ofRead(ReadOp read, const Coord *coord);
  /// The first start of a hop that is walked, of those from `from` on; not below `to` if none is.
  std::optional<int64_t> search(mlir::Block &hop, int64_t from, int64_t to, int64_t step);
  std::optional<int64_t> ofExtreme(ExtremeOp extreme);
  std::optional<int64_t> refuse(const llvm::Twine &message);

  KernelOp kernel;
  Launch &launch;
  std::string reason;
  llvm::DenseMap<mlir::Value, int64_t> given;
  llvm::DenseMap<mlir::Value, std::optional<int64_t>> known;
};

} // namespace fc::explain
