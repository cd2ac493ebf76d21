// Half.cpp - the conversions of Half.h that are not in a handler's inner loop.
#include "runtime/emulator/Half.h"

namespace fc::emu {

double roundTo(double x, int mantissa, int minExponent, int maxExponent, Round round) {
  if (x == 0 || !std::isfinite(x))
    return x;
  int exponent = std::max(std::ilogb(x), minExponent);
  double unit = std::ldexp(1.0, exponent - mantissa);
  double scaled = x / unit; // exact: a power of two
  double whole = 0;
  switch (round) {
  case Round::Nearest: {
    double low = std::floor(scaled), rest = scaled - low;
    bool odd = std::fmod(low, 2.0) != 0;
    whole = rest > 0.5 || (rest == 0.5 && odd) ? low + 1 : low;
    break;
  }
  case Round::Zero:
    whole = std::trunc(scaled);
    break;
  case Round::Down:
    whole = std::floor(scaled);
    break;
  case Round::Up:
    whole = std::ceil(scaled);
    break;
  case Round::Away:
    whole = std::round(scaled);
    break;
  }
  double result = std::copysign(whole * unit, x);
  double largest = std::ldexp(2.0 - std::ldexp(1.0, -mantissa), maxExponent);
  if (std::fabs(result) > largest) {
    bool toInfinity = round == Round::Nearest || round == Round::Away ||
                      (round == Round::Up && x > 0) || (round == Round::Down && x < 0);
    result = std::copysign(toInfinity ? std::numeric_limits<double>::infinity() : largest, x);
  }
  return result;
}

uint16_t toHalf(double x, Round round) {
  // The rounded value is a half, so the conversion of its f32 image is exact.
  return toHalf(float(roundTo(x, 10, -14, 15, round)));
}
uint16_t toBfloat(double x, Round round) {
  return toBfloat(float(roundTo(x, 7, -126, 127, round)));
}
float toFloat(double x, Round round) {
  if (round == Round::Nearest)
    return canonical(float(x));
  return canonical(float(roundTo(x, 23, -126, 127, round)));
}

float fromE4m3(uint8_t x) {
  unsigned exponent = x >> 3 & 15, mantissa = x & 7;
  if ((x & 0x7f) == 0x7f)
    return std::bit_cast<float>(floatNan);
  float magnitude = exponent ? std::ldexp(float(8 + mantissa), int(exponent) - 10)
                             : std::ldexp(float(mantissa), -9);
  return x & 0x80 ? -magnitude : magnitude;
}

float fromE5m2(uint8_t x) { return fromHalf(uint16_t(x << 8)); }

namespace {
uint8_t toEightBits(float x, int mantissa, int minExponent, int maxExponent, float largest,
                    uint8_t largestBits, uint8_t nan) {
  uint8_t sign = std::signbit(x) ? 0x80 : 0;
  if (x != x)
    return nan;
  float magnitude = std::fabs(x);
  double rounded = roundTo(double(magnitude), mantissa, minExponent, maxExponent, Round::Nearest);
  if (!(rounded <= double(largest)))
    return sign | largestBits;
  if (rounded == 0)
    return sign;
  int exponent = std::max(std::ilogb(rounded), minExponent);
  unsigned units = unsigned(std::ldexp(rounded, mantissa - exponent));
  // A subnormal has fewer units than 2^mantissa and a biased exponent of 0.
  unsigned biased = units >> mantissa ? unsigned(exponent - minExponent + 1) : 0;
  return uint8_t(sign | biased << mantissa | (units & ((1u << mantissa) - 1)));
}
} // namespace

uint8_t toE4m3(float x) { return toEightBits(x, 3, -6, 8, 448.0f, 0x7e, 0x7f); }
uint8_t toE5m2(float x) { return toEightBits(x, 2, -14, 15, 57344.0f, 0x7b, 0x7f); }

} // namespace fc::emu
