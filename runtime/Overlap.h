// Overlap.h - whether strided tensors share memory.
#pragma once
#include <cstdint>
#include <span>

namespace fc::rt {

/// Where a tensor lies: an address, and for each dimension an extent (over 0) and a stride in bytes
/// (0 or more).
struct Region {
  uint64_t address = 0;
  uint64_t elementBytes = 1;
  std::span<const int64_t> shape, strides;
  /// One past the last byte of the last element.
  uint64_t end() const;
};

/// Whether an element of `a` shares a byte with an element of `b`. Interleaved tensors (q, k and v
/// as slices of one array) are told apart. Exact, but for layouts so tangled that the search is
/// given up: then true.
bool overlap(const Region &a, const Region &b);

/// Whether two elements of `region` may share a byte. Never false when they do; true also for a
/// layout that is not nested (each stride at least the span of the smaller ones), which no ordinary
/// tensor has.
bool overlapsItself(const Region &region);

} // namespace fc::rt
