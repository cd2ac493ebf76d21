// Half.h - f16, bf16 and the 8-bit floats as bits; conversions round once, to nearest even unless
// said otherwise. Branch-free where a handler's loop depends on it.
#pragma once
#include "runtime/emulator/Isa.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace fc::emu {

enum class Round : uint8_t { Nearest, Zero, Down, Up, Away };

constexpr uint16_t halfNan = 0x7fff; ///< what the hardware writes for any NaN
constexpr uint16_t bfloatNan = 0x7fff;
constexpr uint32_t floatNan = 0x7fffffff;

FC_INLINE float canonical(float x) { return x != x ? std::bit_cast<float>(floatNan) : x; }

FC_INLINE float fromHalf(uint16_t h) {
  uint32_t sign = uint32_t(h & 0x8000) << 16, magnitude = h & 0x7fff;
  // Normal numbers: shift and rebias. Subnormals: the integer times 2^-24, exact in f32.
  uint32_t normal = (magnitude << 13) + (112u << 23);
  uint32_t special = magnitude >= 0x7c00 ? (112u << 23) : 0; // to exponent 255
  uint32_t subnormal = std::bit_cast<uint32_t>(float(int32_t(magnitude)) * 0x1p-24f);
  return std::bit_cast<float>((magnitude < 0x400 ? subnormal : normal + special) | sign);
}

FC_INLINE uint16_t toHalf(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  // Normal results: rebias, round to nearest even on the 13 bits that go.
  uint32_t rounded = magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1);
  uint32_t normal = rounded >> 13;
  // Subnormal results: adding 0.5 puts the last place at 2^-24 and lets the FPU round.
  uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u;
  uint32_t result = magnitude < (113u << 23) ? subnormal : normal;
  result = magnitude >= 0x477ff000u ? 0x7c00u : result; // rounds to infinity
  result |= sign;
  return uint16_t(magnitude > 0x7f800000u ? halfNan : result);
}

FC_INLINE float fromBfloat(uint16_t b) { return std::bit_cast<float>(uint32_t(b) << 16); }

FC_INLINE uint16_t toBfloat(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return uint16_t((bits & 0x7fffffff) > 0x7f800000u ? bfloatNan : rounded);
}

FC_INLINE float flush(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((bits & 0x7f800000u) ? bits : bits & 0x80000000u);
}
FC_INLINE uint16_t flushHalf(uint16_t h) { return (h & 0x7c00) ? h : uint16_t(h & 0x8000); }
/// .sat: to [0, 1], NaN to 0.
FC_INLINE float saturate(float x) { return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f; }

/// Rounds a double to a format of `mantissa` stored bits and exponents from `minExponent` (of the
/// smallest normal) to `maxExponent`; the result is exact as a double, infinite on overflow.
double roundTo(double x, int mantissa, int minExponent, int maxExponent, Round round);
uint16_t toHalf(double x, Round round);
uint16_t toBfloat(double x, Round round);
float toFloat(double x, Round round);

/// a + b in round-to-odd, so that a later rounding to fewer bits is as if it were the only one.
FC_INLINE double addToOdd(double a, double b) {
  double sum = a + b;
  double bb = sum - a;
  double error = (a - (sum - bb)) + (b - bb);
  uint64_t bits = std::bit_cast<uint64_t>(sum);
  if (error != 0 && !(bits & 1) && std::isfinite(sum))
    bits = (error > 0) == (sum > 0) ? bits + 1 : bits - 1;
  return std::bit_cast<double>(bits);
}

float fromE4m3(uint8_t x);
float fromE5m2(uint8_t x);
/// satfinite: overflow gives the largest number.
uint8_t toE4m3(float x);
uint8_t toE5m2(float x);

} // namespace fc::emu
