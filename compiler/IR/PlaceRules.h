// PlaceRules.h - which place each tile of a kernel takes
//
// One rule for all tiles, so that tiles meet without conversions. The axes of a kernel are ranked:
// tile axes of the grid, then walked ones, then the rest, those that lie contiguous in a tensor
// last. In a tile of several axes the first in rank is the *row*: its points go to eight lanes,
// then to values, then to warps. The second is the *column*: four neighbouring lanes, each with
// runs of contiguous values. Any other axis is on values alone. So the rows of S over [i, j] and of
// O over [d, i] are the same slice, a row's columns lie in one quad of lanes (the shape of the
// accumulators of mma and wgmma), and a reduction along columns is two shuffles.
//
// The parts of an axis (`j.part`) are on warps alone, the slowest; the rows go to the others.
//
// A tile of one axis is the slice of the tiles that it meets. An axis that meets no other spreads
// over all threads.
//
// When products are by `mma`, the same rule gives fragments (PTX ISA, "Matrix Fragments for
// mma.m16n8k16"): rows in pairs eight apart, columns in pairs on four lanes. An accumulator over
// [row, column] and an operand A over [row, contracted] then lie the same way, so that the result
// of one product is an operand of the next where it stands. Warps that the rows leave over share
// the columns where nothing walks those (a head that is too long for the registers of one warp);
// each then has all of the scores that it multiplies its columns by.
#pragma once
#include "compiler/IR/Fc.h"
#include "compiler/IR/Place.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace fc {

class PlaceRules {
public:
  using AxisSize = TileType::AxisSize;
  /// `sizedAxes` gives a type's axes with their sizes: of a kernel before its tile stage, those of
  /// a schedule that is being tried. The warps are shared out evenly to the `parts` of a walk.
  PlaceRules(KernelOp kernel, int64_t warps, int64_t parts,
             llvm::function_ref<llvm::SmallVector<AxisSize>(mlir::Type)> sizedAxes,
             bool fragments = false);

  bool hasFragments() const { return fragments; }
  /// The place of a register tile over `axes` (in any order).
  Place placeOf(llvm::ArrayRef<AxisSize> axes) const;
  /// Axes of more than one point, by rank: the row first. Without parts.
  llvm::SmallVector<AxisSize> ranked(llvm::ArrayRef<AxisSize> axes) const;
  /// The place of an accumulator over [row, column] of `mma`, or of an operand A whose contracted
  /// axis is `column`. Rows are a multiple of 16, columns of 8; of warps that the rows leave over
  /// `columnWarps` share the columns, the rest hold copies.
  Place fragment(AxisSize row, AxisSize column, int columnWarps = 1) const;
  /// Puts those of `axes` that are parts on the slowest warps of a place of the others.
  Place withParts(Place place, llvm::ArrayRef<AxisSize> axes) const;
  /// The place in which a state over `axes` in `place` has been merged over `parts`. The warps that
  /// hold parts share out a result of several axes along one that is not the row; of what is over
  /// the row alone each has all.
  Place merged(const Place &place, llvm::ArrayRef<AxisSize> axes, llvm::StringRef parts) const;

  /// Whether registers can hold an operand A of `mma` through a loop: 32 of them, heads of 128 on
  /// 16 rows a warp.
  static bool canHold(const Place &fragment) { return fragment.count(Unit::Value) <= 64; }

  /// Whether the tile lives in shared memory from the start: a read that only products use, or maps
  /// of it alone that are operands A of `mma`.
  static bool isSharedRead(mlir::Value value);
  /// The contiguous axis that a tile takes in shared memory: of a read, that of its tensor's last
  /// index that has an axis; of a computed tile, the axis that its first product contracts.
  static mlir::StringAttr minorAxis(mlir::Value value);
  /// Whether the tile is made anew wherever it is wanted: the points of an axis, reads over one
  /// axis, and short maps over one axis of such tiles and scalars.
  static bool isCheap(mlir::Value value);
  /// Whether only the copies of shared reads use the value, as an index, a bounded index or a
  /// predicate: they compute it at their own points.
  static bool isForCopies(mlir::Value value);

private:
  int columnWarps(AxisSize row, AxisSize column) const;
  Place overAllThreads(AxisSize axis) const;

  llvm::DenseMap<mlir::StringAttr, int> rank;  ///< of axes of the grid and of walks
  llvm::DenseSet<mlir::StringAttr> contiguous; ///< in some tensor
  /// By axis, the axes of a register tile in which it has the role that it has in most.
  llvm::DenseMap<mlir::StringAttr, llvm::SmallVector<AxisSize>> meets;
  int64_t warps;  ///< of a part
  bool fragments; ///< whether products are by `mma`
};

} // namespace fc
