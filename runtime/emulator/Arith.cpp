// Arith.cpp - add, sub, mul, mad, fma, div, rem, min, max, abs, neg, sad, dp4a, copysign, testp.
//
// Floating point: PTX's `.rn` is what the host does; directed roundings go through the host's
// rounding mode, one lane after the other. NaN results are canonical. f16 and bf16 compute in
// double and round once (addToOdd makes the sum safe to round again).
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Half.h"
#include "runtime/emulator/Lanes.h"

#include <bit>
#include <cfenv>
#include <limits>
#include <type_traits>

namespace fc::emu {
FC_ISA_BEGIN

using ptx::Type;

namespace {

//===-- integers ------------------------------------------------------------------------------===//

template <class T> using Unsigned = std::make_unsigned_t<T>;
template <class T> struct WideOf;
template <> struct WideOf<uint16_t> {
  using type = uint32_t;
};
template <> struct WideOf<int16_t> {
  using type = int32_t;
};
template <> struct WideOf<uint32_t> {
  using type = uint64_t;
};
template <> struct WideOf<int32_t> {
  using type = int64_t;
};
template <> struct WideOf<uint64_t> {
  using type = unsigned __int128;
};
template <> struct WideOf<int64_t> {
  using type = __int128;
};
template <class T> using Wide = typename WideOf<T>::type;

// Arithmetic wraps; unsigned intermediates keep that defined.
template <class T> struct Add {
  T operator()(T a, T b) const { return T(Unsigned<T>(a) + Unsigned<T>(b)); }
};
template <class T> struct Sub {
  T operator()(T a, T b) const { return T(Unsigned<T>(a) - Unsigned<T>(b)); }
};
template <class T> struct MulLo {
  // 16-bit factors would be promoted to int, whose overflow is undefined.
  T operator()(T a, T b) const { return T(uint64_t(a) * uint64_t(b)); }
};
template <class T> struct MulHi {
  T operator()(T a, T b) const { return T((Wide<T>(a) * Wide<T>(b)) >> (8 * sizeof(T))); }
};
template <class T> struct MulWide {
  Wide<T> operator()(T a, T b) const { return Wide<T>(a) * Wide<T>(b); }
};
template <class T> struct MadLo {
  T operator()(T a, T b, T c) const { return T(uint64_t(a) * uint64_t(b) + uint64_t(c)); }
};
template <class T> struct MadHi {
  T operator()(T a, T b, T c) const { return Add<T>()(MulHi<T>()(a, b), c); }
};
template <class T> struct MadWide {
  Wide<T> operator()(T a, T b, Wide<T> c) const {
    using U = Unsigned<Wide<T>>;
    return Wide<T>(U(Wide<T>(a) * Wide<T>(b)) + U(c));
  }
};
// Division by zero: all ones, and the dividend as remainder, which is what the hardware's code
// gives.
template <class T> struct Div {
  T operator()(T a, T b) const {
    if (b == 0)
      return T(-1);
    if (std::is_signed_v<T> && b == T(-1))
      return Sub<T>()(0, a);
    return T(a / b);
  }
};
template <class T> struct Rem {
  T operator()(T a, T b) const {
    if (b == 0)
      return a;
    if (std::is_signed_v<T> && b == T(-1))
      return 0;
    return T(a % b);
  }
};
template <class T> struct Min {
  T operator()(T a, T b) const { return a < b ? a : b; }
};
template <class T> struct Max {
  T operator()(T a, T b) const { return a > b ? a : b; }
};
template <class T> struct Abs {
  T operator()(T a) const { return a < 0 ? Sub<T>()(0, a) : a; }
};
template <class T> struct Neg {
  T operator()(T a) const { return Sub<T>()(0, a); }
};
template <class T> struct Sad {
  T operator()(T a, T b, T c) const {
    T distance = a < b ? Sub<T>()(b, a) : Sub<T>()(a, b);
    return Add<T>()(c, distance);
  }
};
struct AddSat {
  int32_t operator()(int32_t a, int32_t b) const {
    int64_t sum = int64_t(a) + b;
    return int32_t(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
  }
};
struct SubSat {
  int32_t operator()(int32_t a, int32_t b) const {
    int64_t sum = int64_t(a) - b;
    return int32_t(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
  }
};
template <class T, unsigned Shift> struct Mul24 {
  T operator()(T a, T b) const {
    auto low = [](T x) {
      return std::is_signed_v<T> ? int64_t(int32_t(uint32_t(x) << 8) >> 8)
                                 : int64_t(uint32_t(x) & 0xffffff);
    };
    return T((low(a) * low(b)) >> Shift);
  }
};

/// add.cc and its kin: `inst.aux` bit 0 reads the carry, bit 1 writes it; bit 2 subtracts.
template <class U> void carryAdd(Warp &warp, const Inst &inst, uint32_t mask) {
  auto *d = bank<U>(warp, inst.op[0]), *a = bank<U>(warp, inst.op[1]),
       *b = bank<U>(warp, inst.op[2]);
  bool subtract = inst.aux & 4;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    unsigned in = inst.aux & 1 ? warp.carry >> l & 1 : 0;
    unsigned __int128 x = U(a[l]), y = U(b[l]);
    unsigned __int128 sum = subtract ? x - y - in : x + y + in;
    d[l] = U(sum);
    if (inst.aux & 2)
      warp.carry = (warp.carry & ~(1u << l)) | uint32_t(sum >> (8 * sizeof(U)) & 1) << l;
  }
}

/// mad.lo.cc, madc.hi, ...: as carryAdd, with bit 3 for the high half.
template <class T> void carryMad(Warp &warp, const Inst &inst, uint32_t mask) {
  using U = Unsigned<T>;
  auto *d = bank<U>(warp, inst.op[0]), *a = bank<U>(warp, inst.op[1]),
       *b = bank<U>(warp, inst.op[2]), *c = bank<U>(warp, inst.op[3]);
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    unsigned in = inst.aux & 1 ? warp.carry >> l & 1 : 0;
    U product = inst.aux & 8 ? U(MulHi<T>()(T(a[l]), T(b[l]))) : U(MulLo<T>()(T(a[l]), T(b[l])));
    unsigned __int128 sum = (unsigned __int128)product + U(c[l]) + in;
    d[l] = U(sum);
    if (inst.aux & 2)
      warp.carry = (warp.carry & ~(1u << l)) | uint32_t(sum >> (8 * sizeof(U)) & 1) << l;
  }
}

/// Packed bytes times packed bytes; the signs of a and b are bits 0 and 1 of `aux`.
void dp4a(Warp &warp, const Inst &inst, uint32_t mask) {
  bool signedA = inst.aux & 1, signedB = inst.aux & 2;
  mapLanes<uint32_t, uint32_t, uint32_t, uint32_t>(
      warp, inst, mask, [=](uint32_t a, uint32_t b, uint32_t c) {
        for (unsigned i = 0; i < 32; i += 8) {
          int x = signedA ? int(int8_t(a >> i)) : int(uint8_t(a >> i));
          int y = signedB ? int(int8_t(b >> i)) : int(uint8_t(b >> i));
          c += uint32_t(x * y);
        }
        return c;
      });
}

template <template <class> class F> Handler binaryInt(Type type) {
  switch (type) {
  case Type::U16:
    return run<F<uint16_t>, uint16_t, uint16_t, uint16_t>;
  case Type::S16:
    return run<F<int16_t>, int16_t, int16_t, int16_t>;
  case Type::U32:
    return run<F<uint32_t>, uint32_t, uint32_t, uint32_t>;
  case Type::S32:
    return run<F<int32_t>, int32_t, int32_t, int32_t>;
  case Type::U64:
    return run<F<uint64_t>, uint64_t, uint64_t, uint64_t>;
  case Type::S64:
    return run<F<int64_t>, int64_t, int64_t, int64_t>;
  default:
    return nullptr;
  }
}
template <template <class> class F> Handler ternaryInt(Type type) {
  switch (type) {
  case Type::U16:
    return run<F<uint16_t>, uint16_t, uint16_t, uint16_t, uint16_t>;
  case Type::S16:
    return run<F<int16_t>, int16_t, int16_t, int16_t, int16_t>;
  case Type::U32:
    return run<F<uint32_t>, uint32_t, uint32_t, uint32_t, uint32_t>;
  case Type::S32:
    return run<F<int32_t>, int32_t, int32_t, int32_t, int32_t>;
  case Type::U64:
    return run<F<uint64_t>, uint64_t, uint64_t, uint64_t, uint64_t>;
  case Type::S64:
    return run<F<int64_t>, int64_t, int64_t, int64_t, int64_t>;
  default:
    return nullptr;
  }
}
template <template <class> class F> Handler unaryInt(Type type) {
  switch (type) {
  case Type::S16:
    return run<F<int16_t>, int16_t, int16_t>;
  case Type::S32:
    return run<F<int32_t>, int32_t, int32_t>;
  case Type::S64:
    return run<F<int64_t>, int64_t, int64_t>;
  default:
    return nullptr;
  }
}
template <class T> Handler wideMul() { return run<MulWide<T>, Wide<T>, T, T>; }
template <class T> Handler wideMad() { return run<MadWide<T>, Wide<T>, T, T, Wide<T>>; }

//===-- floating point ------------------------------------------------------------------------===//

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
  Type type = match.type();
  if (isSmall(type))
    return bindSmall<IsMax ? SmallOp::Max : SmallOp::Min, 2>(match, inst);
  if (type == Type::F32)
    inst.run = pickSingle<IsMax>(match.has("ftz"), match.has("NaN"), match.has("xorsign"));
  else if (type == Type::F64)
    inst.run = run<PickDouble<IsMax>, double, double, double>;
  else
    inst.run = IsMax ? binaryInt<Max>(type) : binaryInt<Min>(type);
  return inst.run;
}

bool bindSign(const Match &match, Inst &inst, bool negate) {
  Type type = match.type();
  if (isSmall(type))
    return negate ? bindSmall<SmallOp::Neg, 1>(match, inst)
                  : bindSmall<SmallOp::Abs, 1>(match, inst);
  if (type == Type::F32) {
    if (match.has("ftz"))
      inst.run = negate ? run<SignBits<true, ~0u, 0x80000000u>, uint32_t, uint32_t>
                        : run<SignBits<true, 0x7fffffffu, 0>, uint32_t, uint32_t>;
    else
      inst.run = negate ? run<SignBits<false, ~0u, 0x80000000u>, uint32_t, uint32_t>
                        : run<SignBits<false, 0x7fffffffu, 0>, uint32_t, uint32_t>;
  } else if (type == Type::F64) {
    constexpr uint64_t top = uint64_t(1) << 63;
    inst.run = negate ? run<SignBits64<~uint64_t(0), top>, uint64_t, uint64_t>
                      : run<SignBits64<top - 1, 0>, uint64_t, uint64_t>;
  } else {
    inst.run = negate ? unaryInt<Neg>(type) : unaryInt<Abs>(type);
  }
  return inst.run;
}

bool bindCarry(const Match &match, Inst &inst, bool reads, bool subtract) {
  inst.aux = (reads ? 1 : 0) | (match.has("cc") ? 2 : 0) | (subtract ? 4 : 0);
  inst.run = ptx::bitsOf(match.type()) == 64 ? carryAdd<uint64_t> : carryAdd<uint32_t>;
  return true;
}

bool bindCarryMad(const Match &match, Inst &inst, bool reads) {
  inst.aux = (reads ? 1 : 0) | (match.has("cc") ? 2 : 0) | (match.has("hi") ? 8 : 0);
  switch (match.type()) {
  case Type::U32:
    inst.run = carryMad<uint32_t>;
    break;
  case Type::S32:
    inst.run = carryMad<int32_t>;
    break;
  case Type::U64:
    inst.run = carryMad<uint64_t>;
    break;
  default:
    inst.run = carryMad<int64_t>;
    break;
  }
  return true;
}

//===-- division and tests --------------------------------------------------------------------===//

/// div.full and div.approx: the quotient correctly rounded is within 2 ulp of itself. The ISA lets
/// |b| above 2^126 give 0; the exact quotient is what both agree on elsewhere.
bool bindDiv(const Match &match, Inst &inst) {
  Type type = match.type();
  if (type == Type::F32 || type == Type::F64)
    return bindFloat<FDiv, 2>(match, inst);
  inst.run = binaryInt<Div>(type);
  return inst.run;
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

bool bindMulMad(const Match &match, Inst &inst, bool mad) {
  Type type = match.type();
  if (match.has("wide")) {
    switch (type) {
    case Type::U16:
      inst.run = mad ? wideMad<uint16_t>() : wideMul<uint16_t>();
      break;
    case Type::S16:
      inst.run = mad ? wideMad<int16_t>() : wideMul<int16_t>();
      break;
    case Type::U32:
      inst.run = mad ? wideMad<uint32_t>() : wideMul<uint32_t>();
      break;
    default:
      inst.run = mad ? wideMad<int32_t>() : wideMul<int32_t>();
      break;
    }
    return true;
  }
  if (match.has("lo"))
    inst.run = mad ? ternaryInt<MadLo>(type) : binaryInt<MulLo>(type);
  else
    inst.run = mad ? ternaryInt<MadHi>(type) : binaryInt<MulHi>(type);
  return inst.run;
}

bool isInteger(Type type) {
  return type == Type::U16 || type == Type::S16 || type == Type::U32 || type == Type::S32 ||
         type == Type::U64 || type == Type::S64;
}

} // namespace

bool bindArith(const Match &match, Inst &inst) {
  Type type = match.type();
  bool integer = isInteger(type);
  switch (match.form.op) {
  case Op::op_add:
  case Op::op_sub: {
    bool sub = match.form.op == Op::op_sub;
    if (match.has("cc"))
      return bindCarry(match, inst, false, sub);
    if (isSmall(type))
      return sub ? bindSmall<SmallOp::Sub, 2>(match, inst)
                 : bindSmall<SmallOp::Add, 2>(match, inst);
    if (!integer)
      return sub ? bindFloat<FSub, 2>(match, inst) : bindFloat<FAdd, 2>(match, inst);
    if (match.has("sat"))
      inst.run =
          sub ? run<SubSat, int32_t, int32_t, int32_t> : run<AddSat, int32_t, int32_t, int32_t>;
    else
      inst.run = sub ? binaryInt<Sub>(type) : binaryInt<Add>(type);
    return inst.run;
  }
  case Op::op_addc:
    return bindCarry(match, inst, true, false);
  case Op::op_subc:
    return bindCarry(match, inst, true, true);
  case Op::op_mul:
    if (isSmall(type))
      return bindSmall<SmallOp::Mul, 2>(match, inst);
    return integer ? bindMulMad(match, inst, false) : bindFloat<FMul, 2>(match, inst);
  case Op::op_mul24:
    if (match.has("lo"))
      inst.run = type == Type::U32 ? run<Mul24<uint32_t, 0>, uint32_t, uint32_t, uint32_t>
                                   : run<Mul24<int32_t, 0>, int32_t, int32_t, int32_t>;
    else
      inst.run = type == Type::U32 ? run<Mul24<uint32_t, 16>, uint32_t, uint32_t, uint32_t>
                                   : run<Mul24<int32_t, 16>, int32_t, int32_t, int32_t>;
    return true;
  case Op::op_mad:
    if (match.has("cc"))
      return bindCarryMad(match, inst, false);
    return integer ? bindMulMad(match, inst, true) : bindFloat<FFma, 3>(match, inst);
  case Op::op_madc:
    return bindCarryMad(match, inst, true);
  case Op::op_fma:
    return isSmall(type) ? bindSmall<SmallOp::Fma, 3>(match, inst)
                         : bindFloat<FFma, 3>(match, inst);
  case Op::op_div:
    return bindDiv(match, inst);
  case Op::op_rem:
    inst.run = binaryInt<Rem>(type);
    return inst.run;
  case Op::op_abs:
    return bindSign(match, inst, false);
  case Op::op_neg:
    return bindSign(match, inst, true);
  case Op::op_min:
    return bindPick<false>(match, inst);
  case Op::op_max:
    return bindPick<true>(match, inst);
  case Op::op_sad:
    inst.run = ternaryInt<Sad>(type);
    return inst.run;
  case Op::op_dp4a:
    inst.aux = (match.types[0] == Type::S32 ? 1 : 0) | (match.types[1] == Type::S32 ? 2 : 0);
    inst.run = dp4a;
    return true;
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
