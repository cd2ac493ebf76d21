// Math.h - the special functions of PTX, made of additions and multiplications in double, so that
// every host computes the same bits. Each is within half an ulp and a bit of the true value, far
// inside the bounds of the ISA (9.7.3, "Floating Point Instructions"); hardware differs from it
// within those.
#pragma once
#include "runtime/emulator/Half.h"

namespace fc::emu {

/// 2^f for |f| <= 1/2: the exponential series to the tenth power, relative error below 1e-13.
FC_INLINE double exp2Fraction(double f) {
  constexpr double ln2 = 0.69314718055994530942;
  constexpr double c[] = {1,         1,          1.0 / 2,     1.0 / 6,      1.0 / 24,     1.0 / 120,
                          1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800};
  double t = f * ln2, sum = c[10];
  for (int i = 9; i >= 0; --i)
    sum = sum * t + c[i];
  return sum;
}

/// 2^n as a double for -1022 <= n <= 1023.
FC_INLINE double powerOfTwo(int n) { return std::bit_cast<double>(uint64_t(n + 1023) << 52); }

FC_INLINE double exp2Double(double x) {
  x = x < -1000.0 ? -1000.0 : x > 1000.0 ? 1000.0 : x;
  // Adding and subtracting 1.5 * 2^52 rounds to the nearest integer, and keeps it in the low bits.
  double shifted = x + 0x1.8p52;
  int n = int(int32_t(uint32_t(std::bit_cast<uint64_t>(shifted))));
  return exp2Fraction(x - (shifted - 0x1.8p52)) * powerOfTwo(n);
}

FC_INLINE float exp2Approx(float x) {
  float result = float(exp2Double(x != x ? 0.0 : double(x)));
  return x != x ? std::bit_cast<float>(floatNan) : result;
}

FC_INLINE float log2Approx(float x) {
  if (x != x || x < 0)
    return std::bit_cast<float>(floatNan);
  if (x == 0)
    return -std::numeric_limits<float>::infinity();
  if (x == std::numeric_limits<float>::infinity())
    return x;
  uint64_t bits = std::bit_cast<uint64_t>(double(x));
  int exponent = int(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  // log2(m) = 2/ln2 * artanh(s), s = (m-1)/(m+1), |s| < 0.1716
  double s = (m - 1) / (m + 1), q = s * s, sum = 0;
  for (int k = 19; k >= 1; k -= 2)
    sum = sum * q + 1.0 / k;
  return float(exponent + s * sum * 2.8853900817779268147);
}

/// sin (0) or cos (1) of x.
FC_INLINE float sineApprox(float x, int quarter) {
  if (!std::isfinite(x))
    return std::bit_cast<float>(floatNan);
  double y = x;
  if (std::fabs(y) > 1e6)
    y = std::remainder(y, 6.28318530717958647693);
  double k = std::nearbyint(y * 0.63661977236758134308);
  double r = (y - k * 1.5707963267948965580) - k * 6.1232339957367658860e-17;
  int quadrant = int(int64_t(k) + quarter) & 3;
  double q = r * r, sum;
  if (quadrant & 1) { // cosine of r
    sum = 1;
    double term = 1;
    for (int i = 2; i <= 18; i += 2) {
      term *= -q / (double(i) * (i - 1));
      sum += term;
    }
  } else {
    sum = r;
    double term = r;
    for (int i = 3; i <= 19; i += 2) {
      term *= -q / (double(i) * (i - 1));
      sum += term;
    }
  }
  if (quadrant == 0 && quarter == 0 && x == 0)
    return x; // keeps -0
  return float(quadrant >= 2 ? -sum : sum);
}

FC_INLINE float tanhApprox(float x) {
  if (x != x)
    return std::bit_cast<float>(floatNan);
  double y = x, q = y * y;
  if (q < 1e-4)
    return float(y * (1 - q * (1.0 / 3) + q * q * (2.0 / 15)));
  if (std::fabs(y) > 20)
    return y > 0 ? 1.0f : -1.0f;
  double e = exp2Double(y * 2.8853900817779268147);
  return float((e - 1) / (e + 1));
}

} // namespace fc::emu
