// Elem.h - the element types of tensors, and exact conversion of their bits from and to double.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace fc::rt {

/// Element types, as the manifest spells them. The values are those of `fc_dtype` in fc/runtime.h.
enum class Elem : uint8_t { F32, F16, BF16, F8E4M3, F8E5M2, I8, U8, I16, I32, U32, I64, Bool };
inline constexpr int numElems = 12;

std::string_view name(Elem elem); ///< "f32", ...
std::optional<Elem> parseElem(std::string_view text);
int bytesOf(Elem elem);
bool isFloat(Elem elem);

/// The value of the element at `bits` (its low bytes). Exact but for I64 beyond 2^53.
double toDouble(Elem elem, uint64_t bits);
/// The bits of `value` in `elem`: floats round to nearest even (the 8-bit ones saturate, the others
/// go to infinity), integers round to nearest even and saturate, a bool is `value != 0`. NaN is 0
/// in an integer.
uint64_t fromDouble(Elem elem, double value);

/// The same for element number `index` of an array.
double load(Elem elem, const void *array, size_t index);
void store(Elem elem, void *array, size_t index, double value);

} // namespace fc::rt
