// Mma.cpp - mma.sync.
//
// The plain mode multiplies exactly and adds in f32, in the order of k: products of f16, bf16, tf32
// and f8 are exact in f32, so one rounding a step. The exact mode rounds as the hardware is known
// to (after Microsoft's MMA-Sim): the products of a step and the accumulator are aligned to the
// largest exponent, cut off F bits below it, summed exactly, and cut to f32.
//
// A register of a fragment holds, over its 32 lanes, eight rows of eight 16-bit elements in order
// (MmaLayout.h), so fragments are read as small matrices and not lane by lane.
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Half.h"
#include "runtime/emulator/Isa.h"
#include "runtime/emulator/MmaLayout.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <fmt/format.h>

namespace fc::emu {
FC_ISA_BEGIN

using ptx::Type;

namespace {

// aux: type of A 0-7, type of B 8-15, log2 of K 16-19, f16 accumulators 20, saturate 21,
// rounding of sm_90 22
struct Shape {
  uint32_t aux;
  Type a() const { return Type(aux & 0xff); }
  Type b() const { return Type(aux >> 8 & 0xff); }
  unsigned k() const { return 1u << (aux >> 16 & 15); }
  bool halfAccumulator() const { return aux >> 20 & 1; }
  bool saturate() const { return aux >> 21 & 1; }
  bool hopper() const { return aux >> 22 & 1; }
};

constexpr unsigned rows = 16, columns = 8, maxK = 32;

float decode(Type type, uint32_t bits) {
  switch (type) {
  case Type::F16:
    return fromHalf(uint16_t(bits));
  case Type::BF16:
    return fromBfloat(uint16_t(bits));
  case Type::TF32:
    return std::bit_cast<float>(bits & 0xffffe000u); // the low bits are ignored
  case Type::E4M3:
    return fromE4m3(uint8_t(bits));
  case Type::E5M2:
    return fromE5m2(uint8_t(bits));
  default:
    return 0;
  }
}
int32_t decodeInt(Type type, uint32_t bits) {
  return type == Type::S8 ? int32_t(int8_t(bits)) : int32_t(uint8_t(bits));
}

/// Reads a fragment of `count` elements a lane into a matrix, element by element.
template <class T, class Where, class Decode>
void gather(Warp &warp, const uint16_t *op, unsigned count, unsigned bits, T *matrix,
            unsigned stride, Where where, Decode decodeElement) {
  unsigned perRegister = 32 / bits;
  uint32_t mask = bits == 32 ? ~0u : (1u << bits) - 1;
  for (unsigned i = 0; i < count; ++i) {
    const uint32_t *words = warp.word(op[i / perRegister]);
    for (unsigned l = 0; l < warpSize; ++l) {
      Element e = where(l, i);
      matrix[e.row * stride + e.column] =
          decodeElement(words[l] >> (bits * (i % perRegister)) & mask);
    }
  }
}

template <class Convert>
FC_INLINE void convertRows(const uint32_t *unit, float *to, unsigned stride, Convert convert) {
  uint16_t half[64];
  std::memcpy(half, unit, sizeof half);
  float wide[64];
  for (unsigned i = 0; i < 64; ++i)
    wide[i] = convert(half[i]);
  for (unsigned r = 0; r < 8; ++r)
    std::memcpy(to + r * stride, wide + 8 * r, 8 * sizeof(float));
}

/// A and the transpose of B for 16-bit types.
template <class Convert>
FC_INLINE void gather16(Warp &warp, const uint16_t *a, const uint16_t *b, unsigned k,
                        float (&A)[rows][maxK], float (&B)[maxK][columns], Convert convert) {
  float turned[columns][maxK];
  for (unsigned step = 0; step < k / 8; ++step) {
    convertRows(warp.word(a[2 * step]), &A[0][8 * step], maxK, convert);
    convertRows(warp.word(a[2 * step + 1]), &A[8][8 * step], maxK, convert);
    convertRows(warp.word(b[step]), &turned[0][8 * step], maxK, convert);
  }
  for (unsigned kk = 0; kk < k; ++kk)
    for (unsigned n = 0; n < columns; ++n)
      B[kk][n] = turned[n][kk];
}

template <unsigned K>
void multiply(const float (&A)[rows][maxK], const float (&B)[maxK][columns],
              float (&C)[rows][columns]) {
  for (unsigned m = 0; m < rows; ++m) {
    float sum[columns];
    for (unsigned n = 0; n < columns; ++n)
      sum[n] = C[m][n];
    for (unsigned k = 0; k < K; ++k) {
      float a = A[m][k];
      for (unsigned n = 0; n < columns; ++n)
        sum[n] += a * B[k][n];
    }
    for (unsigned n = 0; n < columns; ++n)
      C[m][n] = sum[n];
  }
}

/// One fused step of the hardware: sum of exact terms, all cut off at F bits below the largest
/// exponent.
float fusedStep(const float *a, const float *b, unsigned stride, unsigned k, float c,
                int fraction) {
  bool nan = c != c, plus = c == HUGE_VALF, minus = c == -HUGE_VALF;
  double product[maxK];
  int largest = INT32_MIN, exponent[maxK + 1];
  for (unsigned i = 0; i < k; ++i) {
    product[i] = double(a[i]) * double(b[i * stride]);
    if (product[i] != product[i])
      nan = true;
    plus |= product[i] == HUGE_VAL;
    minus |= product[i] == -HUGE_VAL;
    // The exponent is the sum of the factors' exponents, before the product is normalised.
    exponent[i] = product[i] == 0 ? INT32_MIN : std::ilogb(a[i]) + std::ilogb(b[i * stride]);
    largest = std::max(largest, exponent[i]);
  }
  if (nan || (plus && minus))
    return std::bit_cast<float>(floatNan);
  if (plus || minus)
    return plus ? HUGE_VALF : -HUGE_VALF;
  if (c != 0)
    largest = std::max(largest, std::ilogb(c));
  if (largest == INT32_MIN)
    return 0;
  int64_t sum = 0;
  for (unsigned i = 0; i < k; ++i)
    sum += int64_t(std::ldexp(product[i], fraction - largest)); // the cast cuts off
  sum += int64_t(std::ldexp(double(c), fraction - largest));
  double exact = std::ldexp(double(sum), largest - fraction); // below 2^53: exact
  return float(roundTo(exact, 23, -126, 127, Round::Zero));
}

void multiplyExactly(const float (&A)[rows][maxK], const float (&B)[maxK][columns],
                     float (&C)[rows][columns], unsigned k, Shape shape) {
  bool small = shape.a() == Type::E4M3 || shape.a() == Type::E5M2;
  int fraction = small ? 13 : shape.hopper() ? 25 : 24;
  // sm_80 and sm_89 chain steps of 16 bytes of k, sm_90 does all of it at once.
  unsigned step = shape.hopper() || small ? k : shape.a() == Type::TF32 ? 4 : 8;
  for (unsigned m = 0; m < rows; ++m)
    for (unsigned n = 0; n < columns; ++n)
      for (unsigned first = 0; first < k; first += step)
        C[m][n] = fusedStep(&A[m][first], &B[first][n], columns, std::min(step, k - first), C[m][n],
                            fraction);
}

void checkWhole(uint32_t mask) {
  if (mask != allLanes)
    throw Fault{"ALIGNED-DIVERGENT", fmt::format("only lanes 0x{:08x} execute this", mask),
                "all 32 lanes of the warp have to execute a matrix instruction", -1, ""};
}

/// A multiplication counts as useful unless one of its factors is zero, as masked scores and
/// padding are.
template <class T>
uint64_t usefulProducts(const T (&A)[rows][maxK], const T (&B)[maxK][columns], unsigned k) {
  uint32_t inA[maxK] = {}, inB[maxK] = {};
  for (unsigned m = 0; m < rows; ++m)
    for (unsigned kk = 0; kk < maxK; ++kk)
      inA[kk] += A[m][kk] != 0;
  uint64_t useful = 0;
  for (unsigned kk = 0; kk < k; ++kk) {
    for (unsigned n = 0; n < columns; ++n)
      inB[kk] += B[kk][n] != 0;
    useful += uint64_t(inA[kk]) * inB[kk];
  }
  return useful;
}

void count(Warp &warp, unsigned k, uint64_t useful) {
  warp.countMatrix(uint64_t(2) * rows * columns * k, 2 * useful);
}

void mmaFloat(Warp &warp, const Inst &inst, uint32_t mask) {
  checkWhole(mask);
  Shape shape{inst.aux};
  unsigned k = shape.k(), bits = shape.a() == Type::TF32 ? 32 : ptx::bitsOf(shape.a());
  unsigned inC = shape.halfAccumulator() ? 2 : 4;
  unsigned inA = rows * k * bits / (32 * warpSize), inB = columns * k * bits / (32 * warpSize);
  const uint16_t *d = inst.op, *a = d + inC, *b = a + inA, *c = b + inB;
  float A[rows][maxK] = {}, B[maxK][columns], C[rows][columns];
  if (shape.a() == Type::F16)
    gather16(warp, a, b, k, A, B, [](uint16_t x) { return fromHalf(x); });
  else if (shape.a() == Type::BF16)
    gather16(warp, a, b, k, A, B, [](uint16_t x) { return fromBfloat(x); });
  else {
    gather(
        warp, a, inA * 32 / bits, bits, &A[0][0], maxK,
        [=](unsigned l, unsigned i) { return mmaA(l, i, bits); },
        [=](uint32_t x) { return decode(shape.a(), x); });
    gather(
        warp, b, inB * 32 / bits, bits, &B[0][0], columns,
        [=](unsigned l, unsigned i) { return mmaB(l, i, bits); },
        [=](uint32_t x) { return decode(shape.b(), x); });
  }
  if (shape.halfAccumulator()) {
    gather(warp, c, 4, 16, &C[0][0], columns, mmaC,
           [](uint32_t x) { return fromHalf(uint16_t(x)); });
  } else {
    for (unsigned i = 0; i < 4; ++i) {
      const uint32_t *words = warp.word(c[i]);
      for (unsigned l = 0; l < warpSize; ++l)
        C[l / 4 + 8 * (i / 2)][2 * (l % 4) + i % 2] = std::bit_cast<float>(words[l]);
    }
  }
  if (warp.cta->grid->launch->exactMma)
    multiplyExactly(A, B, C, k, shape);
  else
    k == 16   ? multiply<16>(A, B, C)
    : k == 8  ? multiply<8>(A, B, C)
    : k == 32 ? multiply<32>(A, B, C)
              : multiply<4>(A, B, C);
  if (shape.halfAccumulator()) {
    for (unsigned r = 0; r < 2; ++r) {
      uint32_t *words = warp.word(d[r]);
      for (unsigned l = 0; l < warpSize; ++l)
        words[l] = toHalf(C[l / 4 + 8 * r][2 * (l % 4)]) |
                   uint32_t(toHalf(C[l / 4 + 8 * r][2 * (l % 4) + 1])) << 16;
    }
  } else {
    for (unsigned i = 0; i < 4; ++i) {
      uint32_t *words = warp.word(d[i]);
      for (unsigned l = 0; l < warpSize; ++l)
        words[l] = std::bit_cast<uint32_t>(canonical(C[l / 4 + 8 * (i / 2)][2 * (l % 4) + i % 2]));
    }
  }
  count(warp, k, usefulProducts(A, B, k));
}

void mmaInt(Warp &warp, const Inst &inst, uint32_t mask) {
  checkWhole(mask);
  Shape shape{inst.aux};
  unsigned k = shape.k(), inA = k / 8, inB = k / 16;
  const uint16_t *d = inst.op, *a = d + 4, *b = a + inA, *c = b + inB;
  int32_t A[rows][maxK] = {}, B[maxK][columns] = {}, C[rows][columns];
  gather(
      warp, a, inA * 4, 8, &A[0][0], maxK, [](unsigned l, unsigned i) { return mmaA(l, i, 8); },
      [=](uint32_t x) { return decodeInt(shape.a(), x); });
  gather(
      warp, b, inB * 4, 8, &B[0][0], columns, [](unsigned l, unsigned i) { return mmaB(l, i, 8); },
      [=](uint32_t x) { return decodeInt(shape.b(), x); });
  gather(warp, c, 4, 32, &C[0][0], columns, mmaC, [](uint32_t x) { return int32_t(x); });
  for (unsigned m = 0; m < rows; ++m)
    for (unsigned n = 0; n < columns; ++n) {
      int64_t sum = C[m][n];
      for (unsigned kk = 0; kk < k; ++kk)
        sum += int64_t(A[m][kk]) * B[kk][n];
      C[m][n] = shape.saturate() ? int32_t(std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX))
                                 : int32_t(uint32_t(uint64_t(sum)));
    }
  for (unsigned i = 0; i < 4; ++i) {
    uint32_t *words = warp.word(d[i]);
    for (unsigned l = 0; l < warpSize; ++l) {
      Element e = mmaC(l, i);
      words[l] = uint32_t(C[e.row][e.column]);
    }
  }
  count(warp, k, usefulProducts(A, B, k));
}

} // namespace

bool bindMma(const Match &match, Inst &inst) {
  if (match.form.op != Op::op_mma || match.types.size() != 4)
    return false;
  Type a = match.types[1], b = match.types[2];
  std::string_view shape = match.words[2];
  uint32_t logK = shape == "m16n8k4" ? 2 : shape == "m16n8k8" ? 3 : shape == "m16n8k16" ? 4 : 5;
  inst.aux = uint32_t(a) | uint32_t(b) << 8 | logK << 16 |
             uint32_t(match.types[0] == Type::F16) << 20 | uint32_t(match.has("satfinite")) << 21 |
             uint32_t(match.sm >= 90) << 22;
  inst.kind = Kind::Aligned;
  inst.run = match.types[0] == Type::S32 ? mmaInt : mmaFloat;
  return true;
}

FC_ISA_END
} // namespace fc::emu
