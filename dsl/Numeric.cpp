// Numeric.cpp - bit patterns of the element types, and the counter-based random numbers.
#include "dsl/Numeric.h"
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

namespace fc::dsl {
namespace {

/// An IEEE-like binary format below float64.
struct Format {
  int exponentBits, mantissaBits;
  bool saturates; ///< overflow gives the largest finite value
  bool hasInf;    ///< false: f8e4m3, whose only special pattern is all ones, a NaN

  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  uint32_t signBit() const { return 1u << (exponentBits + mantissaBits); }
  uint32_t infinity() const { return ((1u << exponentBits) - 1) << mantissaBits; }
  uint32_t largest() const { return hasInf ? infinity() - 1 : signBit() - 2; }
  uint32_t nan() const { return hasInf ? infinity() | 1u << (mantissaBits - 1) : signBit() - 1; }
};

Format formatOf(Elem elem) {
  switch (elem) {
  case Elem::F32:
    return {8, 23, false, true};
  case Elem::F16:
    return {5, 10, false, true};
  case Elem::BF16:
    return {8, 7, false, true};
  case Elem::F8E4M3:
    return {4, 3, true, false};
  case Elem::F8E5M2:
    return {5, 2, true, true};
  default:
    assert(false && "not a float type");
    return {8, 23, false, true};
  }
}

/// Bits of an integer type and whether it has a sign; 64 for I64.
struct IntFormat {
  int bits;
  bool isSigned;
};

IntFormat intFormatOf(Elem elem) {
  switch (elem) {
  case Elem::I8:
    return {8, true};
  case Elem::U8:
    return {8, false};
  case Elem::I16:
    return {16, true};
  case Elem::I32:
    return {32, true};
  case Elem::U32:
    return {32, false};
  default:
    return {64, true};
  }
}

} // namespace

double decodeFloat(Elem elem, uint32_t pattern) {
  Format format = formatOf(elem);
  double sign = pattern & format.signBit() ? -1.0 : 1.0;
  uint32_t magnitude = pattern & (format.signBit() - 1);
  if (format.hasInf ? magnitude > format.infinity() : magnitude == format.nan())
    return std::numeric_limits<double>::quiet_NaN();
  if (format.hasInf && magnitude == format.infinity())
    return sign * std::numeric_limits<double>::infinity();
  int exponent = magnitude >> format.mantissaBits;
  uint32_t mantissa = magnitude & ((1u << format.mantissaBits) - 1);
  if (exponent == 0) // subnormal
    exponent = 1;
  else
    mantissa |= 1u << format.mantissaBits;
  return sign * std::ldexp(double(mantissa), exponent - format.bias() - format.mantissaBits);
}

uint32_t encodeFloat(Elem elem, double value) {
  Format format = formatOf(elem);
  uint32_t sign = std::signbit(value) ? format.signBit() : 0;
  if (std::isnan(value))
    return format.nan();
  uint32_t overflow = format.saturates ? format.largest() : format.infinity();
  double magnitude = std::fabs(value);
  if (std::isinf(magnitude))
    return sign | overflow;
  if (magnitude == 0)
    return sign;
  // Scale so that one unit in the last place of the result is 1, and round once.
  int exponent = std::max(std::ilogb(magnitude), 1 - format.bias());
  double scaled = std::nearbyint(std::ldexp(magnitude, format.mantissaBits - exponent));
  // Adding, not or-ing, carries a mantissa that rounded up into the exponent; a subnormal has no
  // hidden bit, which the same sum takes care of.
  int64_t pattern =
      (int64_t(exponent + format.bias() - 1) << format.mantissaBits) + int64_t(scaled);
  return sign | (pattern > int64_t(format.largest()) ? overflow : uint32_t(pattern));
}

double roundToElem(Elem elem, double value) { return decodeFloat(elem, encodeFloat(elem, value)); }

int64_t wrapToElem(Elem elem, int64_t value) {
  if (elem == Elem::Bool)
    return value != 0;
  IntFormat format = intFormatOf(elem);
  int shift = 64 - format.bits;
  uint64_t top = uint64_t(value) << shift;
  return format.isSigned ? int64_t(top) >> shift : int64_t(top >> shift);
}

int64_t saturateToElem(Elem elem, double value) {
  if (std::isnan(value))
    return 0;
  IntFormat format = intFormatOf(elem);
  double rounded = std::nearbyint(value);
  int valueBits = format.bits - format.isSigned;
  double bound = std::ldexp(1.0, valueBits); // the first value too large
  int64_t largest =
      valueBits == 63 ? std::numeric_limits<int64_t>::max() : (int64_t(1) << valueBits) - 1;
  if (rounded >= bound)
    return largest;
  if (!format.isSigned)
    return rounded < 0 ? 0 : int64_t(rounded);
  return rounded <= -bound ? -largest - 1 : int64_t(rounded);
}

double philoxUniform(int64_t seed, int64_t c0, int64_t c1, int64_t c2, int64_t c3) {
  // The quotient floors, as `/` of the language does; the word is never negative.
  int64_t word = c3 & 3;
  std::array<uint32_t, 4> counter = {uint32_t(c0), uint32_t(c1), uint32_t(c2),
                                     uint32_t((c3 - word) / 4)};
  uint32_t key0 = uint32_t(seed), key1 = uint32_t(uint64_t(seed) >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t(0xD2511F53u) * counter[0];
    uint64_t product1 = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(product1 >> 32) ^ counter[1] ^ key0, uint32_t(product1),
               uint32_t(product0 >> 32) ^ counter[3] ^ key1, uint32_t(product0)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return (counter[word] >> 8) * 0x1p-24;
}

} // namespace fc::dsl
