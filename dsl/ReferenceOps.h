// ReferenceOps.h - the language's arithmetic on single numbers, where it differs from C++'s.
#pragma once
#include "dsl/Kernel.h"
#include <cmath>
#include <cstdint>
#include <limits>

namespace fc::dsl::ops {

inline constexpr double kInf = std::numeric_limits<double>::infinity();
/// Scores below this count as unseen (rule S1): a derived loop starts its running maximum here.
inline constexpr double kUnseen = -0x1p100;

/// Of the values that the reference computes with.
enum class Kind : uint8_t { Float, Int, Bool };
inline Kind kindOf(Elem elem) {
  return isFloat(elem) ? Kind::Float : elem == Elem::Bool ? Kind::Bool : Kind::Int;
}

// Floats: IEEE but for two sums of rule S1.
inline double add(double x, double y) { return x + y; }
/// `-inf - -inf = -inf`; a score that counts as unseen is as -inf here, so that it gets no weight
/// in a row that saw no key.
inline double sub(double x, double y) { return y == -kInf && x < kUnseen ? -kInf : x - y; }
inline double mul(double x, double y) { return x * y; }
/// `0 / 0 = 0`.
inline double div(double x, double y) { return x == 0 && y == 0 ? 0.0 : x / y; }
inline double mod(double x, double y) { return x - std::floor(x / y) * y; }
// A NaN wins, so that it is seen in the result.
inline double min(double x, double y) { return x < y || std::isnan(x) ? x : y; }
inline double max(double x, double y) { return x > y || std::isnan(x) ? x : y; }
inline double sigmoid(double x) {
  if (x >= 0)
    return 1 / (1 + std::exp(-x));
  double e = std::exp(x); // without overflow for large negative x
  return e / (1 + e);
}

// Integers wrap modulo 2^64; `/` and `%` floor (rule T2). A divisor of zero is the caller's to
// refuse.
inline int64_t add(int64_t x, int64_t y) { return int64_t(uint64_t(x) + uint64_t(y)); }
inline int64_t sub(int64_t x, int64_t y) { return int64_t(uint64_t(x) - uint64_t(y)); }
inline int64_t mul(int64_t x, int64_t y) { return int64_t(uint64_t(x) * uint64_t(y)); }
inline int64_t div(int64_t x, int64_t y) {
  if (y == -1)
    return sub(int64_t(0), x); // the quotient of the least integer would trap
  int64_t q = x / y;
  return q - (x % y != 0 && (x < 0) != (y < 0));
}
inline int64_t mod(int64_t x, int64_t y) {
  if (y == -1)
    return 0;
  int64_t r = x % y;
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}
inline int64_t min(int64_t x, int64_t y) { return x < y ? x : y; }
inline int64_t max(int64_t x, int64_t y) { return x > y ? x : y; }
inline int64_t abs(int64_t x) { return x < 0 ? sub(int64_t(0), x) : x; }
/// Bit n of x, in two's complement; bits past the 63rd repeat the sign.
inline bool bit(int64_t x, int64_t n) { return x >> (n < 0 ? 0 : n > 63 ? 63 : n) & 1; }

} // namespace fc::dsl::ops
