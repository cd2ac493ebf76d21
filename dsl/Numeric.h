// Numeric.h - the element types as numbers: bit patterns to float64 or int64 and back.
//
// Decoding is exact. Encoding a float rounds to nearest even once, straight from float64 (not by
// way of f32), so that it is the correctly rounded value. The 8-bit floats saturate as PTX's
// `cvt.rn.satfinite` does (PTX ISA, "cvt"; formats: Micikevicius et al., "FP8 Formats for Deep
// Learning", arXiv 2209.05433).
#pragma once
#include "dsl/Kernel.h"
#include <cstdint>

namespace fc::dsl {

/// The value of the low bits(elem) bits of `pattern`, for a float type.
double decodeFloat(Elem elem, uint32_t pattern);
/// The pattern of the float nearest to `value`. f32, f16 and bf16 overflow to infinity, f8e4m3 and
/// f8e5m2 saturate to their largest finite value (448, 57344), infinities included; NaN becomes the
/// canonical NaN.
uint32_t encodeFloat(Elem elem, double value);
/// `value` as the nearest value of the type: decodeFloat(encodeFloat(value)).
double roundToElem(Elem elem, double value);

/// `value` modulo 2^bits(elem), as that integer type reads it; Bool is value != 0.
int64_t wrapToElem(Elem elem, int64_t value);
/// The conversion `x as T` from a float to an integer type (rule T3): to nearest even, saturating;
/// NaN is 0.
int64_t saturateToElem(Elem elem, double value);

/// `random(seed, c0, c1, c2, c3)` (rule T5): Philox4x32-10 (Salmon et al., "Parallel Random
/// Numbers: As Easy as 1, 2, 3", SC 2011), key = seed, counter (c0, c1, c2, c3 / 4), word c3 % 4,
/// its upper 24 bits times 2^-24. The counters are taken modulo 2^32, after the division.
double philoxUniform(int64_t seed, int64_t c0, int64_t c1, int64_t c2, int64_t c3);

} // namespace fc::dsl
