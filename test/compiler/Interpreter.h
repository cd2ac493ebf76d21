// Interpreter.h - runs fc kernels on small arrays, the oracle of the passes' tests
//
// Executes the stages import, online and tile (values and folds; no rings) operation by operation,
// in float64: what a pass must not change is then equal up to a few units of float64. Axes without
// sizes are as long as the launch makes them; walks are cut where the test says.
//
// It is strict: a read or write outside its tensor, an element written twice, a NaN that an
// operation marked `nnan` makes out of numbers, are errors.
#pragma once
#include "compiler/IR/Fc.h"
#include "dsl/Reference.h"
#include <functional>
#include <map>
#include <random>
#include <string>

namespace fc::test {

/// A float or an integer (booleans are 0 or 1, others sign-extended); the type says which.
union Number {
  double f;
  int64_t n;
};

/// A tile or a scalar while a kernel runs; axes in alphabetical order, the last fastest.
struct Tile {
  mlir::Type element;
  llvm::SmallVector<std::string, 3> axes;
  llvm::SmallVector<int64_t, 3> sizes;
  std::vector<Number> data;

  int64_t size() const { return int64_t(data.size()); }
};
using State = std::vector<Tile>;

/// A fold about to be executed, for tests of its parts. Tiles of a walk are (start, size) an axis.
struct FoldView {
  FoldOp op;
  State init;
  std::vector<int64_t> lo, hi;
  std::function<State(const State &, std::vector<int64_t> starts, std::vector<int64_t> sizes)> step;
  std::function<State(const State &, const State &)> combine; ///< null when there is none
};

struct Options {
  /// How many points the next tile of an axis takes, given how many are left; all of them by
  /// default. Asked for tiles of the grid and for walks whose tile has no size yet.
  std::function<int64_t(llvm::StringRef axis, int64_t left)> cut;
  /// With it, derived folds are executed in random parts that are merged in a random tree.
  std::mt19937 *split = nullptr;
  /// Called before each fold.
  std::function<void(FoldView &)> onFold;
};

/// What a kernel is launched with: every tensor, outputs too (their elements are set).
struct Launch {
  std::map<std::string, dsl::Array> tensors;
  dsl::Scalars scalars;
  dsl::Dims dims;
};

/// Runs a kernel over its whole grid. Returns what went wrong, or nothing.
std::string interpret(KernelOp kernel, Launch &launch, const Options &options = {});

} // namespace fc::test
