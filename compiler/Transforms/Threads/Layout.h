// Layout.h - a place, asked the questions of code generation: which values has a thread, at which
// coordinates
//
// The coordinate of value v of a thread along an axis is the sum of a part that depends on the
// thread (the digits of lanes and warps) and one that depends on v alone (a constant). A scalar is
// a layout without axes.
#pragma once
#include "compiler/IR/Fc.h"

namespace fc {

/// A part of a thread's index: index / div % size, worth `stride` along an axis. Replicas have
/// stride 0.
struct ThreadDigit {
  Unit unit; ///< Lane or Warp
  int div, size, stride;
  bool operator==(const ThreadDigit &) const = default;
};

struct Layout {
  llvm::SmallVector<llvm::StringRef> axes; ///< as in the type: alphabetical
  llvm::SmallVector<int64_t> sizes;        ///< elements of the tile
  llvm::SmallVector<int64_t> extents;      ///< elements of the place; past the size they are ghosts
  int values = 1;
  llvm::SmallVector<llvm::SmallVector<int>> offsets;         ///< [axis][value]
  llvm::SmallVector<llvm::SmallVector<ThreadDigit>> threads; ///< [axis]
  llvm::SmallVector<ThreadDigit> replicas; ///< threads that differ here hold the same elements

  /// Of a tile in registers, or of a scalar; `warps` of the CTA (those past the digits replicate).
  static Layout of(mlir::Type type, int warps);
  static Layout of(const Place &place, llvm::ArrayRef<TileType::AxisSize> axes, int warps);

  int rank() const { return axes.size(); }
  /// The number of an axis, or -1.
  int find(llvm::StringRef axis) const;
  bool ghosts(int axis) const { return extents[axis] > sizes[axis]; }
  /// The offsets of one value, for each axis.
  llvm::SmallVector<int> at(int value) const;
  /// Values of which all are ghosts or none is, in every thread: the offsets of their first, 0
  /// along axes without ghosts.
  llvm::SmallVector<int> ghostRun(int value) const;

  /// For each value here, the value of `other` with the same element on `other`'s axes, which must
  /// be among these. Nothing when a thread does not hold it.
  std::optional<llvm::SmallVector<int>> mapTo(const Layout &other) const;

  /// The values cut into runs along `axis`: each run is `width` consecutive elements, whose first
  /// is a multiple of `width` in every thread. `width` is the largest power of two up to `most` for
  /// which that holds.
  struct Runs {
    int width;
    llvm::SmallVector<llvm::SmallVector<int>> values; ///< of each run, ascending
  };
  Runs runs(int axis, int most) const;
};

/// Whether a ring's slots are filled by copies that must be waited for.
bool isAsynchronous(mlir::Value ring);

/// How a reduction crosses warps: through shared memory, each thread leaving its partial results
/// there.
struct WarpExchange {
  llvm::SmallVector<ThreadDigit>
      digits;        ///< of the warps that hold parts of one result; none: no exchange
  int64_t bytes = 0; ///< of shared memory, for all threads of the CTA
  static WarpExchange of(ReduceOp op, int warps);
};

/// How warps that carry parts of a walk exchange their states: through shared memory. Of a state
/// that the merged place shares out, each thread leaves there what the warps of the other parts
/// keep; of one that all keep, its own values once.
struct MergeExchange {
  struct State {
    /// [part][value of the result]: the value of the state that becomes it in that part's warps.
    llvm::SmallVector<llvm::SmallVector<int>> from;
    bool shared;    ///< whether parts keep different values
    int width;      ///< values that move at once
    int64_t bytes;  ///< of a value in memory
    int64_t offset; ///< of the state's first byte
  };
  ThreadDigit part; ///< of the warp's number
  llvm::SmallVector<State> states;
  int64_t bytes = 0; ///< of shared memory, for all threads of the CTA
  /// Fails, with a message, on places that are not those of a merge.
  static llvm::FailureOr<MergeExchange> of(MergeOp op, int warps);
};

/// Bytes through which the warps of the CTA exchange at an operation; 0 for most.
int64_t exchangeBytes(mlir::Operation *op, int warps);

} // namespace fc
