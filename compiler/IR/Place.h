// Place.h - which thread and register holds an element of a tile: a mixed-radix map over named axes
//
// A place is a list of digits. Within a unit (value, lane, warp) digits go fastest first: the
// unit's index is a mixed-radix number over their sizes, and a digit's value times its stride adds
// to the coordinate along its axis. No power of two is assumed (except that 32 lanes are what they
// are). A digit without an axis replicates; an index past a unit's digits replicates too.
//
//   m16n8 accumulator of mma.sync:   v j:2:1 i:2:8 | l j:4:2 i:8:1
//
// Text form: units `v`, `l`, `w`, separated by `|`; digits `axis:size:stride`; `_:size` replicates.
#pragma once
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace fc {

/// Warp covers warpgroups too: wgmma's m64 is the digit (i, 4, 16) on Warp.
enum class Unit { Value, Lane, Warp };

struct Digit {
  Unit unit;
  std::string axis; ///< "" replicates
  int size;
  int stride; ///< along the axis, in elements; 0 when it replicates
  bool operator==(const Digit &) const = default;
};

/// Coordinate along each axis.
using Coord = llvm::StringMap<int>;

struct Place {
  std::vector<Digit> digits;

  bool operator==(const Place &other) const { return normal().digits == other.normal().digits; }

  /// The number of values, lanes or warps that the digits tell apart.
  int count(Unit unit) const;
  /// The number of elements along an axis; at least the tile's size, the rest are ghosts.
  int extent(llvm::StringRef axis) const;
  bool has(llvm::StringRef axis) const;
  /// (thread, value) -> element.
  Coord at(int warp, int lane, int value) const;
  /// `n` copies side by side along an axis.
  Place repeat(llvm::StringRef axis, int n, Unit unit) const;
  /// The place of a reduction over `axis`: its value digits gone, its thread digits replicate.
  Place slice(llvm::StringRef axis) const;
  /// The place restricted to `axes`: every other axis sliced away.
  Place sliceTo(llvm::ArrayRef<llvm::StringRef> axes) const;
  /// Reduced inside threads only; thread digits of `axis` become the axis `rest`.
  Place partial(llvm::StringRef axis, llvm::StringRef rest) const;
  Place rename(llvm::StringRef from, llvm::StringRef to) const;
  /// Units in order, digits of size 1 gone, contiguous digits merged, trailing replication dropped.
  Place normal() const;
  /// Whether every axis is tiled exactly once by its digits.
  bool verify() const;
  /// The digits of one unit, fastest first.
  std::vector<Digit> of(Unit unit) const;

  std::string str() const;
  /// Nothing when `text` is not of the text form; `error` then says why.
  static std::optional<Place> parse(llvm::StringRef text, std::string &error);
};

/// How a tile gets from one place to another, cheapest first: nothing to do; each thread permutes
/// its own values; lanes of a warp exchange; through shared memory.
struct Conversion {
  enum Kind { Nothing, Permute, Shuffle, Shared } kind;
  std::vector<int> from; ///< Permute: value v of the result is value from[v] of the source
};
/// Decided by asking for every element; exact. `warps` is the CTA's.
Conversion convert(const Place &from, const Place &to, int warps);

} // namespace fc
