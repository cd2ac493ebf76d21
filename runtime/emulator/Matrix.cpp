// Matrix.cpp - ldmatrix, stmatrix, movmatrix: 8x8 matrices of 16-bit elements, spread over a warp.
//
// Lane l holds elements 2(l%4) and 2(l%4)+1 of row l/4 (ISA, "ldmatrix"); `.trans` swaps rows and
// columns. Row r of matrix j is at the address that lane 8j+r gives; other lanes' addresses are
// ignored.
#include "runtime/emulator/Access.h"
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/MmaLayout.h"

#include <cstring>
#include <fmt/format.h>

namespace fc::emu {

using ptx::Space;

namespace {

// aux: bit 0 .trans, bit 1 a generic address
using Matrices = uint16_t[4][8][8];

void checkWhole(Warp &, const Inst &, uint32_t mask) {
  if (mask != allLanes)
    throw Fault{"ALIGNED-DIVERGENT", fmt::format("only lanes 0x{:08x} execute this", mask),
                "all 32 lanes of the warp have to execute a matrix instruction", -1, ""};
}

/// The registers that the lanes get of a matrix.
template <bool Transposed> void spread(const uint16_t (&matrix)[8][8], uint32_t *registers) {
  for (unsigned l = 0; l < warpSize; ++l) {
    Element low = ldmatrixElement(l, 0, Transposed), high = ldmatrixElement(l, 1, Transposed);
    registers[l] = matrix[low.row][low.column] | uint32_t(matrix[high.row][high.column]) << 16;
  }
}

void ldmatrix(Warp &warp, const Inst &inst, uint32_t mask) {
  checkWhole(warp, inst, mask);
  unsigned n = inst.count;
  Access access{warp,
                inst,
                n == 4 ? allLanes : (1u << (8 * n)) - 1,
                inst.aux & 2 ? Space::Generic : Space::Shared,
                16,
                false};
  access.computeAddresses(n);
  access.resolve();
  Matrices matrix;
  for (unsigned l = 0; l < 8 * n; ++l)
    std::memcpy(matrix[l / 8][l % 8], access.host[l], 16);
  for (unsigned j = 0; j < n; ++j) {
    uint32_t *d = warp.word(inst.op[j]);
    inst.aux & 1 ? spread<true>(matrix[j], d) : spread<false>(matrix[j], d);
  }
}

void stmatrix(Warp &warp, const Inst &inst, uint32_t mask) {
  checkWhole(warp, inst, mask);
  unsigned n = inst.count;
  Matrices matrix;
  for (unsigned j = 0; j < n; ++j) {
    const uint32_t *s = warp.word(inst.op[1 + j]);
    for (unsigned l = 0; l < warpSize; ++l)
      for (unsigned half = 0; half < 2; ++half) {
        Element e = ldmatrixElement(l, half, inst.aux & 1);
        matrix[j][e.row][e.column] = uint16_t(s[l] >> (16 * half));
      }
  }
  Access access{warp,
                inst,
                n == 4 ? allLanes : (1u << (8 * n)) - 1,
                inst.aux & 2 ? Space::Generic : Space::Shared,
                16,
                true};
  access.computeAddresses(0);
  access.resolve();
  for (unsigned l = 0; l < 8 * n; ++l)
    std::memcpy(access.host[l], matrix[l / 8][l % 8], 16);
}

void movmatrix(Warp &warp, const Inst &inst, uint32_t mask) {
  checkWhole(warp, inst, mask);
  uint16_t matrix[8][8];
  std::memcpy(matrix, warp.word(inst.op[1]), sizeof matrix);
  spread<true>(matrix, warp.word(inst.op[0]));
}

} // namespace

bool bindMatrix(const Match &match, Inst &inst) {
  inst.kind = Kind::Aligned;
  inst.aux = (match.has("trans") ? 1 : 0) | (match.space() == Space::Generic ? 2 : 0);
  switch (match.form.op) {
  case Op::op_ldmatrix:
    inst.run = ldmatrix;
    return true;
  case Op::op_stmatrix:
    inst.run = stmatrix;
    return true;
  case Op::op_movmatrix:
    inst.run = movmatrix;
    return true;
  default:
    return false;
  }
}

} // namespace fc::emu
