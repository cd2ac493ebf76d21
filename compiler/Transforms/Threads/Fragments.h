// Fragments.h - how four 8x8 matrices make a fragment of mma.sync
#pragma once

namespace fc {

/// How four matrices lie: the steps along an operand's own axis and along the contracted one, of
/// the first and the second bit of a matrix's number.
struct Pattern {
  int own[2], contracted[2];
  bool operator==(const Pattern &) const = default;
};
constexpr Pattern kRowsThenColumns = {{8, 0}, {0, 8}}; ///< A: (0, 0), (8, 0), (0, 8), (8, 8)
constexpr Pattern kColumnsThenRows = {{0, 8}, {8, 0}}; ///< B: both halves of a step, then the next
constexpr Pattern kRows = {{8, 16}, {0, 0}};           ///< B of a half step

} // namespace fc
