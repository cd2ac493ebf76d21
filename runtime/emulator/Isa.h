// Isa.h - handlers are compiled for more than one instruction set of the host and chosen at run
// time.
//
// A file of handlers puts its code between FC_ISA_BEGIN and FC_ISA_END and is compiled once plainly
// and, on x86-64, once with FC_ISA_V3 for AVX2 and FMA. Only code between the two gets the wider
// set: inline functions of the standard library stay as they are, so that the linker can never pick
// a copy that an older machine cannot run. Results are the same bit for bit.
#pragma once

#if defined(FC_ISA_V3) && defined(__clang__)
#define FC_ISA isaV3
// clang-format off: _Pragma takes one string
#define FC_ISA_BEGIN                                                                               \
  _Pragma("clang attribute push(__attribute__((target(\"avx,avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt\"))), apply_to = function)") \
  namespace FC_ISA {
// clang-format on
#define FC_ISA_END                                                                                 \
  }                                                                                                \
  _Pragma("clang attribute pop")
#else
#define FC_ISA isaBase
#define FC_ISA_BEGIN namespace FC_ISA {
#define FC_ISA_END }
#endif

/// For the small functions of a lane, so that they are compiled as their caller is.
#define FC_INLINE inline __attribute__((always_inline))
