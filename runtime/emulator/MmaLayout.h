// MmaLayout.h - which lane holds which element of the operands of mma.sync and ldmatrix, from the
// ISA's text ("Matrix Fragments for mma.m16n8k16 ...", "ldmatrix"). The compiler has its own
// tables, written apart from these; test/compiler/IR/FragmentsTest.cpp compares them.
//
// With g = lane / 4 and t = lane % 4, and i counting a lane's elements from its first register's
// low bits on. An element of `bits` bits; K = 256 / bits per "full" step, half that for the short
// shapes.
#pragma once

namespace fc::emu {

struct Element {
  unsigned row, column;
};

/// A, 16 x K. Elements come in runs that fill a register: the runs go down by 8 rows, then right by
/// a half of K.
constexpr Element mmaA(unsigned lane, unsigned i, unsigned bits) {
  unsigned run = 32 / bits, g = lane / 4, t = lane % 4;
  unsigned reg = i / run;
  return {g + 8 * (reg % 2), t * run + i % run + 4 * run * (reg / 2)};
}

/// B, K x 8: as A's columns, its rows for n.
constexpr Element mmaB(unsigned lane, unsigned i, unsigned bits) {
  unsigned run = 32 / bits, g = lane / 4, t = lane % 4;
  unsigned reg = i / run;
  return {t * run + i % run + 4 * run * reg, g};
}

/// C and D, 16 x 8, two neighbours in a row, then 8 rows further down.
constexpr Element mmaC(unsigned lane, unsigned i) {
  return {lane / 4 + 8 * (i / 2), 2 * (lane % 4) + i % 2};
}

/// Which element of its 8x8 matrix of 16-bit elements a lane holds in half `half` of a register
/// after ldmatrix, and has there before stmatrix; `.trans` swaps rows and columns.
constexpr Element ldmatrixElement(unsigned lane, unsigned half, bool transposed) {
  unsigned outer = lane / 4, inner = 2 * (lane % 4) + half;
  return transposed ? Element{inner, outer} : Element{outer, inner};
}

} // namespace fc::emu
