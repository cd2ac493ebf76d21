// Elem.cpp - element types; see Elem.h.
#include "runtime/Elem.h"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace fc::rt {
namespace {

struct Info {
  std::string_view name;
  int bytes;
  bool isFloat;
};
constexpr std::array<Info, numElems> infos{{{"f32", 4, true},
                                            {"f16", 2, true},
                                            {"bf16", 2, true},
                                            {"f8e4m3", 1, true},
                                            {"f8e5m2", 1, true},
                                            {"i8", 1, false},
                                            {"u8", 1, false},
                                            {"i16", 2, false},
                                            {"i32", 4, false},
                                            {"u32", 4, false},
                                            {"i64", 8, false},
                                            {"bool", 1, false}}};

/// A binary float of 1 sign bit, `exponent` and `mantissa` bits. E4M3 has no infinity: its largest
/// exponent holds numbers but for the one NaN (all ones). The 8-bit ones saturate, as PTX converts
/// them.
struct Format {
  int exponent, mantissa;
  bool finiteOnly, saturates;
  int bias() const { return (1 << (exponent - 1)) - 1; }
};
constexpr Format half{5, 10, false, false}, bfloat{8, 7, false, false}, e4m3{4, 3, true, true},
    e5m2{5, 2, false, true};

uint64_t encode(const Format &format, double value) {
  const uint64_t sign = uint64_t{std::signbit(value)} << (format.exponent + format.mantissa);
  const uint64_t exponentMask = (uint64_t{1} << format.exponent) - 1;
  const uint64_t infinity = exponentMask << format.mantissa;
  const uint64_t allOnes = infinity | ((uint64_t{1} << format.mantissa) - 1);
  if (std::isnan(value))
    return sign | (format.finiteOnly ? allOnes : infinity | uint64_t{1} << (format.mantissa - 1));
  const uint64_t largest = format.finiteOnly  ? allOnes - 1
                           : format.saturates ? infinity - 1
                                              : infinity;
  if (std::isinf(value))
    return sign | largest;
  if (value == 0)
    return sign;
  // In units of the last place at this exponent, nearbyint (to nearest even) does the rounding; a
  // carry into the next exponent comes out right because the encodings are consecutive.
  int exponent = 0;
  std::frexp(value, &exponent); // |value| in [2^(exponent-1), 2^exponent)
  const int smallest = 1 - format.bias();
  const int scale = std::max(exponent - 1, smallest);
  const double units = std::nearbyint(std::ldexp(std::fabs(value), format.mantissa - scale));
  const uint64_t bits =
      (static_cast<uint64_t>(scale - smallest) << format.mantissa) + static_cast<uint64_t>(units);
  return sign | std::min(bits, largest);
}

double decode(const Format &format, uint64_t bits) {
  const uint64_t mantissa = bits & ((uint64_t{1} << format.mantissa) - 1);
  const int exponent = static_cast<int>(bits >> format.mantissa) & ((1 << format.exponent) - 1);
  const double sign = (bits >> (format.exponent + format.mantissa)) & 1 ? -1 : 1;
  const bool top = exponent == (1 << format.exponent) - 1;
  if (top && format.finiteOnly && mantissa == (uint64_t{1} << format.mantissa) - 1)
    return std::numeric_limits<double>::quiet_NaN();
  if (top && !format.finiteOnly)
    return mantissa ? std::numeric_limits<double>::quiet_NaN()
                    : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0)
    return sign * std::ldexp(static_cast<double>(mantissa), 1 - format.bias() - format.mantissa);
  return sign * std::ldexp(static_cast<double>(mantissa + (uint64_t{1} << format.mantissa)),
                           exponent - format.bias() - format.mantissa);
}

template <class Int> uint64_t saturate(double value) {
  using Limits = std::numeric_limits<Int>;
  if (std::isnan(value))
    return 0;
  const double rounded = std::nearbyint(value);
  // The largest int64_t is no double, so compare with the first value that does not fit.
  if (rounded >= std::ldexp(1.0, Limits::digits))
    return static_cast<uint64_t>(Limits::max());
  if (rounded <= static_cast<double>(Limits::min()))
    return static_cast<uint64_t>(static_cast<int64_t>(Limits::min()));
  return static_cast<uint64_t>(static_cast<int64_t>(rounded));
}

} // namespace

std::string_view name(Elem elem) { return infos[static_cast<size_t>(elem)].name; }
int bytesOf(Elem elem) { return infos[static_cast<size_t>(elem)].bytes; }
bool isFloat(Elem elem) { return infos[static_cast<size_t>(elem)].isFloat; }

std::optional<Elem> parseElem(std::string_view text) {
  for (int i = 0; i < numElems; ++i)
    if (infos[static_cast<size_t>(i)].name == text)
      return static_cast<Elem>(i);
  return std::nullopt;
}

double toDouble(Elem elem, uint64_t bits) {
  switch (elem) {
  case Elem::F32:
    return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  case Elem::F16:
    return decode(half, bits & 0xffff);
  case Elem::BF16:
    return decode(bfloat, bits & 0xffff);
  case Elem::F8E4M3:
    return decode(e4m3, bits & 0xff);
  case Elem::F8E5M2:
    return decode(e5m2, bits & 0xff);
  case Elem::I8:
    return static_cast<int8_t>(bits);
  case Elem::U8:
    return static_cast<uint8_t>(bits);
  case Elem::I16:
    return static_cast<int16_t>(bits);
  case Elem::I32:
    return static_cast<int32_t>(bits);
  case Elem::U32:
    return static_cast<uint32_t>(bits);
  case Elem::I64:
    return static_cast<double>(static_cast<int64_t>(bits));
  case Elem::Bool:
    return (bits & 0xff) != 0;
  }
  return 0;
}

uint64_t fromDouble(Elem elem, double value) {
  switch (elem) {
  case Elem::F32:
    return std::bit_cast<uint32_t>(static_cast<float>(value));
  case Elem::F16:
    return encode(half, value);
  case Elem::BF16:
    return encode(bfloat, value);
  case Elem::F8E4M3:
    return encode(e4m3, value);
  case Elem::F8E5M2:
    return encode(e5m2, value);
  case Elem::I8:
    return saturate<int8_t>(value) & 0xff;
  case Elem::U8:
    return saturate<uint8_t>(value);
  case Elem::I16:
    return saturate<int16_t>(value) & 0xffff;
  case Elem::I32:
    return saturate<int32_t>(value) & 0xffffffff;
  case Elem::U32:
    return saturate<uint32_t>(value);
  case Elem::I64:
    return saturate<int64_t>(value);
  case Elem::Bool:
    return value != 0;
  }
  return 0;
}

// Every host this runs on is little-endian (x86-64, aarch64), so the low bytes come first.
static_assert(std::endian::native == std::endian::little);

double load(Elem elem, const void *array, size_t index) {
  uint64_t bits = 0;
  const auto size = static_cast<size_t>(bytesOf(elem));
  std::memcpy(&bits, static_cast<const char *>(array) + index * size, size);
  return toDouble(elem, bits);
}

void store(Elem elem, void *array, size_t index, double value) {
  const uint64_t bits = fromDouble(elem, value);
  const auto size = static_cast<size_t>(bytesOf(elem));
  std::memcpy(static_cast<char *>(array) + index * size, &bits, size);
}

} // namespace fc::rt
