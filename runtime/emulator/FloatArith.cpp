// FloatArith.cpp - add, sub, mul, fma, div, min, max, abs, neg, copysign, testp of f32 and f64, f16
// and bf16.
//
// PTX's `.rn` is what the host does; directed roundings go through the host's rounding mode, one
// lane after the other. NaN results are canonical. f16 and bf16 compute in double and round once
// (addToOdd makes the sum safe to round again).
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Half.h"
#include "runtime/emulator/Lanes.h"

#include <bit>
#include <cfenv>
#include <type_traits>

namespace fc::emu {
FC_ISA_BEGIN

using ptx::Type;

namespace {

struct FAdd {
  template <class T> T operator()(T a, T b) const { return a + b; }
};
struct FSub {
  template <class T> T operator()(T a, T b) const { return a - b; }
};
struct FMul {
  template <class T> T operator()(T a, T b) const { return a * b; }
};
struct FDiv {
  template <class T> T operator()(T a, T b) const { return a / b; }
};
struct FFma {
  float operator()(float a, float b, float c) const { return __builtin_fmaf(a, b, c); }
  double operator()(double a, double b, double c) const { return __builtin_fma(a, b, c); }
};

template <class F, bool Ftz, bool Sat> struct Single {
  template <class... S> float operator()(S... s) const {
    float x = Ftz ? flush(F()(flush(s)...)) : F()(s...);
    return Sat ? saturate(x) : canonical(x);
  }
};

template <class F, class... S> Handler single(bool ftz, bool sat) {
  if (ftz)
    return sat ? run<Single<F, true, true>, float, S...> : run<Single<F, true, false>, float, S...>;
  return sat ? run<Single<F, false, true>, float, S...> : run<Single<F, false, false>, float, S...>;
}

// Directed rounding, by the host's mode. Volatile keeps operations between the mode switches.
int hostMode(uint32_t aux) {
  static constexpr int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
  return modes[aux & 3];
}
template <class F, class T, unsigned N> void directed(Warp &warp, const Inst &inst, uint32_t mask) {
  bool ftz = inst.aux & 4, sat = inst.aux & 8;
  auto *d = bank<T>(warp, inst.op[0]);
  int old = std::fegetround();
  std::fesetround(hostMode(inst.aux));
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    volatile T s[3] = {};
    for (unsigned k = 0; k < N; ++k) {
      T value = Of<T>::get(bank<T>(warp, inst.op[1 + k]), l);
      if constexpr (sizeof(T) == 4)
        value = ftz ? flush(value) : value;
      s[k] = value;
    }
    volatile T result;
    if constexpr (N == 2)
      result = F()(T(s[0]), T(s[1]));
    else if constexpr (std::is_same_v<T, float>)
      result = __builtin_fmaf(s[0], s[1], s[2]);
    else
      result = __builtin_fma(s[0], s[1], s[2]);
    T value = result;
    if constexpr (sizeof(T) == 4) {
      value = ftz ? flush(value) : value;
      value = sat ? saturate(value) : canonical(value);
    }
    Of<T>::set(d, l, value);
  }
  std::fesetround(old);
}

// min and max return the other operand for one NaN; -0 is below +0.
template <bool IsMax> inline float pick(float a, float b) {
  float chosen = IsMax ? (a > b ? a : b) : (a < b ? a : b);
  uint32_t x = std::bit_cast<uint32_t>(a), y = std::bit_cast<uint32_t>(b);
  float zero = std::bit_cast<float>(IsMax ? x & y : x | y);
  chosen = a == b ? zero : chosen; // equal: the same bits, or zeros of either sign
  chosen = a != a ? b : chosen;
  chosen = b != b ? a : chosen;
  return canonical(chosen);
}
template <bool IsMax, bool Ftz, bool Nan, bool XorSign> struct Pick {
  float operator()(float a, float b) const {
    if (Ftz)
      a = flush(a), b = flush(b);
    uint32_t sign = (std::bit_cast<uint32_t>(a) ^ std::bit_cast<uint32_t>(b)) & 0x80000000u;
    if (XorSign)
      a = std::fabs(a), b = std::fabs(b);
    float chosen = pick<IsMax>(a, b);
    if (Nan)
      chosen = a != a || b != b ? std::bit_cast<float>(floatNan) : chosen;
    if (XorSign && chosen == chosen)
      chosen = std::bit_cast<float>(std::bit_cast<uint32_t>(chosen) | sign);
    return chosen;
  }
};
template <bool IsMax> struct PickDouble {
  double operator()(double a, double b) const {
    if (a != a)
      return b;
    if (b != b)
      return a;
    if (a == b)
      return std::signbit(a) == IsMax ? b : a;
    return (a > b) == IsMax ? a : b;
  }
};
template <bool IsMax> Handler pickSingle(bool ftz, bool nan, bool xorSign) {
  auto choose = [&]<bool Ftz, bool Nan>() -> Handler {
    return xorSign ? run<Pick<IsMax, Ftz, Nan, true>, float, float, float>
                   : run<Pick<IsMax, Ftz, Nan, false>, float, float, float>;
  };
  if (ftz)
    return nan ? choose.template operator()<true, true>()
               : choose.template operator()<true, false>();
  return nan ? choose.template operator()<false, true>()
             : choose.template operator()<false, false>();
}

template <bool Ftz, uint32_t And, uint32_t Xor> struct SignBits {
  uint32_t operator()(uint32_t a) const {
    if (Ftz)
      a = a & 0x7f800000u ? a : a & 0x80000000u;
    return (a & And) ^ Xor;
  }
};
template <uint64_t And, uint64_t Xor> struct SignBits64 {
  uint64_t operator()(uint64_t a) const { return (a & And) ^ Xor; }
};

//===-- f16 and bf16 --------------------------------------------------------------------------===//

/// To f32 in round-to-odd, exact enough to be rounded once more to 16 bits; for normal f32 results.
FC_INLINE float narrowToOdd(double x) {
  constexpr uint64_t cut = (uint64_t(1) << 29) - 1;
  uint64_t bits = std::bit_cast<uint64_t>(x);
  bits = (bits & ~cut) | uint64_t((bits & cut) != 0) << 29;
  return float(std::bit_cast<double>(bits));
}

struct HalfFormat {
  static double decode(uint16_t h) { return fromHalf(h); }
  // What f32 cannot hold normally is far below the smallest half, or above the largest.
  static uint16_t encode(double x) { return x != x ? halfNan : toHalf(narrowToOdd(x)); }
  static constexpr uint16_t exponent = 0x7c00, nan = halfNan, one = 0x3c00;
};
struct BfloatFormat {
  static double decode(uint16_t b) { return fromBfloat(b); }
  static uint16_t encode(double x) {
    if (x != x)
      return bfloatNan;
    return std::fabs(x) < 0x1p-126 ? toBfloat(x, Round::Nearest) : toBfloat(narrowToOdd(x));
  }
  static constexpr uint16_t exponent = 0x7f80, nan = bfloatNan, one = 0x3f80;
};

enum class SmallOp { Add, Sub, Mul, Fma, Min, Max, Abs, Neg };
constexpr uint32_t smallFtz = 1, smallSat = 2, smallRelu = 4, smallNan = 8, smallPacked = 16;

template <class F, SmallOp O> uint16_t small(uint32_t flags, uint16_t a, uint16_t b, uint16_t c) {
  auto ftz = [&](uint16_t x) {
    return flags & smallFtz && !(x & F::exponent) ? uint16_t(x & 0x8000) : x;
  };
  a = ftz(a), b = ftz(b), c = ftz(c);
  auto isNan = [](uint16_t x) { return (x & 0x7fff) > F::exponent; };
  if constexpr (O == SmallOp::Abs)
    return isNan(a) ? F::nan : uint16_t(a & 0x7fff);
  if constexpr (O == SmallOp::Neg)
    return isNan(a) ? F::nan : uint16_t(a ^ 0x8000);
  if constexpr (O == SmallOp::Min || O == SmallOp::Max) {
    constexpr bool isMax = O == SmallOp::Max;
    if (flags & smallNan ? isNan(a) || isNan(b) : isNan(a) && isNan(b))
      return F::nan;
    if (isNan(a))
      return b;
    if (isNan(b))
      return a;
    // Sign and magnitude to an order in which -0 is below +0.
    auto key = [](uint16_t x) { return x & 0x8000 ? -int(x & 0x7fff) - 1 : int(x); };
    return (key(a) > key(b)) == isMax ? a : b;
  }
  double x = F::decode(a), y = F::decode(b), z = F::decode(c), result;
  if constexpr (O == SmallOp::Add)
    result = addToOdd(x, y);
  else if constexpr (O == SmallOp::Sub)
    result = addToOdd(x, -y);
  else if constexpr (O == SmallOp::Mul)
    result = x * y; // at most 22 bits
  else
    result = addToOdd(x * y, z);
  uint16_t out = ftz(F::encode(result));
  if (flags & smallRelu && (out & 0x8000) && !isNan(out))
    out = 0;
  if (flags & smallSat)
    out = isNan(out) || (out & 0x8000) ? uint16_t(0) : out > F::one ? F::one : out;
  return out;
}

template <class F, SmallOp O, unsigned N>
void smallOp(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t flags = inst.aux;
  uint32_t *d = warp.word(inst.op[0]);
  const uint32_t *s[3] = {};
  for (unsigned k = 0; k < N; ++k)
    s[k] = warp.word(inst.op[1 + k]);
  auto at = [&](unsigned k, unsigned l) { return k < N ? s[k][l] : 0; };
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint32_t a = at(0, l), b = at(1, l), c = at(2, l);
    uint32_t low = small<F, O>(flags, uint16_t(a), uint16_t(b), uint16_t(c));
    uint32_t high = flags & smallPacked ? small<F, O>(flags, uint16_t(a >> 16), uint16_t(b >> 16),
                                                      uint16_t(c >> 16))
                                        : 0;
    d[l] = low | high << 16;
  }
}

template <SmallOp O, unsigned N> bool bindSmall(const Match &match, Inst &inst) {
  Type type = match.type();
  inst.aux = (match.has("ftz") ? smallFtz : 0) | (match.has("sat") ? smallSat : 0) |
             (match.has("relu") ? smallRelu : 0) | (match.has("NaN") ? smallNan : 0) |
             (type == Type::F16x2 || type == Type::BF16x2 ? smallPacked : 0);
  bool half = type == Type::F16 || type == Type::F16x2;
  inst.run = half ? smallOp<HalfFormat, O, N> : smallOp<BfloatFormat, O, N>;
  return true;
}

bool isSmall(Type type) {
  return type == Type::F16 || type == Type::F16x2 || type == Type::BF16 || type == Type::BF16x2;
}

uint32_t roundingOf(const Match &match) {
  return match.has("rz") ? 1 : match.has("rm") ? 2 : match.has("rp") ? 3 : 0;
}

template <class F, unsigned N> bool bindFloat(const Match &match, Inst &inst) {
  bool ftz = match.has("ftz"), sat = match.has("sat");
  uint32_t rounding = roundingOf(match);
  if (match.type() == Type::F32) {
    if constexpr (N == 2)
      inst.run = single<F, float, float>(ftz, sat);
    else
      inst.run = single<F, float, float, float>(ftz, sat);
  } else if constexpr (N == 2) {
    inst.run = run<F, double, double, double>;
  } else {
    inst.run = run<F, double, double, double, double>;
  }
  if (rounding) {
    inst.aux = rounding | (ftz ? 4 : 0) | (sat ? 8 : 0);
    inst.run = match.type() == Type::F32 ? directed<F, float, N> : directed<F, double, N>;
  }
  return true;
}

template <bool IsMax> bool bindPick(const Match &match, Inst &inst) {
  if (isSmall(match.type()))
    return bindSmall<IsMax ? SmallOp::Max : SmallOp::Min, 2>(match, inst);
  if (match.type() == Type::F32)
    inst.run = pickSingle<IsMax>(match.has("ftz"), match.has("NaN"), match.has("xorsign"));
  else
    inst.run = run<PickDouble<IsMax>, double, double, double>;
  return true;
}

bool bindSign(const Match &match, Inst &inst, bool negate) {
  if (isSmall(match.type()))
    return negate ? bindSmall<SmallOp::Neg, 1>(match, inst)
                  : bindSmall<SmallOp::Abs, 1>(match, inst);
  if (match.type() == Type::F64) {
    constexpr uint64_t top = uint64_t(1) << 63;
    inst.run = negate ? run<SignBits64<~uint64_t(0), top>, uint64_t, uint64_t>
                      : run<SignBits64<top - 1, 0>, uint64_t, uint64_t>;
  } else if (match.has("ftz")) {
    inst.run = negate ? run<SignBits<true, ~0u, 0x80000000u>, uint32_t, uint32_t>
                      : run<SignBits<true, 0x7fffffffu, 0>, uint32_t, uint32_t>;
  } else {
    inst.run = negate ? run<SignBits<false, ~0u, 0x80000000u>, uint32_t, uint32_t>
                      : run<SignBits<false, 0x7fffffffu, 0>, uint32_t, uint32_t>;
  }
  return true;
}

template <class F, class U, unsigned Mantissa>
void testProperty(Warp &warp, const Inst &inst, uint32_t mask) {
  constexpr U magnitude = ~U(0) >> 1;
  constexpr U exponent = magnitude & ~((U(1) << Mantissa) - 1);
  uint32_t which = inst.aux;
  uint32_t bits = testLanes<U>(warp, inst, 1, [=](U x) {
    U a = x & magnitude;
    switch (which) {
    case 0:
      return a < exponent;
    case 1:
      return a == exponent;
    case 2:
      return a <= exponent;
    case 3:
      return a > exponent;
    case 4:
      return a < exponent && (a & exponent);
    default:
      return a && !(a & exponent);
    }
  });
  warp.setPred(inst.op[0], bits, mask);
}

struct CopySign {
  uint32_t operator()(uint32_t a, uint32_t b) const {
    return (b & 0x7fffffffu) | (a & 0x80000000u);
  }
};
struct CopySign64 {
  uint64_t operator()(uint64_t a, uint64_t b) const {
    constexpr uint64_t top = uint64_t(1) << 63;
    return (b & ~top) | (a & top);
  }
};

} // namespace

bool bindFloatArith(const Match &match, Inst &inst) {
  Type type = match.type();
  bool small = isSmall(type);
  switch (match.form.op) {
  case Op::op_add:
    return small ? bindSmall<SmallOp::Add, 2>(match, inst) : bindFloat<FAdd, 2>(match, inst);
  case Op::op_sub:
    return small ? bindSmall<SmallOp::Sub, 2>(match, inst) : bindFloat<FSub, 2>(match, inst);
  case Op::op_mul:
    return small ? bindSmall<SmallOp::Mul, 2>(match, inst) : bindFloat<FMul, 2>(match, inst);
  case Op::op_mad:
  case Op::op_fma:
    return small ? bindSmall<SmallOp::Fma, 3>(match, inst) : bindFloat<FFma, 3>(match, inst);
  case Op::op_div:
    // div.full and div.approx: the quotient correctly rounded is within 2 ulp of itself. The ISA
    // lets |b| above 2^126 give 0; the exact quotient is what both agree on elsewhere.
    return bindFloat<FDiv, 2>(match, inst);
  case Op::op_abs:
    return bindSign(match, inst, false);
  case Op::op_neg:
    return bindSign(match, inst, true);
  case Op::op_min:
    return bindPick<false>(match, inst);
  case Op::op_max:
    return bindPick<true>(match, inst);
  case Op::op_copysign:
    inst.run = type == Type::F32 ? run<CopySign, uint32_t, uint32_t, uint32_t>
                                 : run<CopySign64, uint64_t, uint64_t, uint64_t>;
    return true;
  case Op::op_testp: {
    static constexpr std::string_view names[] = {"finite",     "infinite", "number",
                                                 "notanumber", "normal",   "subnormal"};
    for (uint32_t i = 0; i < 6; ++i)
      if (match.has(names[i]))
        inst.aux = i;
    inst.run =
        type == Type::F32 ? testProperty<float, uint32_t, 23> : testProperty<double, uint64_t, 52>;
    return true;
  }
  default:
    return false;
  }
}

FC_ISA_END
} // namespace fc::emu
