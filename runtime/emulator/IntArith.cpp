// IntArith.cpp - add, sub, mul, mad, div, rem, min, max, abs, neg, sad, dp4a of integers; with
// carries, saturated, wide and of 24 bits.
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Lanes.h"

#include <limits>
#include <type_traits>

namespace fc::emu {
FC_ISA_BEGIN

using ptx::Type;

namespace {

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

} // namespace

bool bindIntArith(const Match &match, Inst &inst) {
  Type type = match.type();
  switch (match.form.op) {
  case Op::op_add:
  case Op::op_sub: {
    bool sub = match.form.op == Op::op_sub;
    if (match.has("cc"))
      return bindCarry(match, inst, false, sub);
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
    return bindMulMad(match, inst, false);
  case Op::op_mul24:
    if (match.has("lo"))
      inst.run = type == Type::U32 ? run<Mul24<uint32_t, 0>, uint32_t, uint32_t, uint32_t>
                                   : run<Mul24<int32_t, 0>, int32_t, int32_t, int32_t>;
    else
      inst.run = type == Type::U32 ? run<Mul24<uint32_t, 16>, uint32_t, uint32_t, uint32_t>
                                   : run<Mul24<int32_t, 16>, int32_t, int32_t, int32_t>;
    return true;
  case Op::op_mad:
    return match.has("cc") ? bindCarryMad(match, inst, false) : bindMulMad(match, inst, true);
  case Op::op_madc:
    return bindCarryMad(match, inst, true);
  case Op::op_div:
    inst.run = binaryInt<Div>(type);
    return inst.run;
  case Op::op_rem:
    inst.run = binaryInt<Rem>(type);
    return inst.run;
  case Op::op_abs:
    inst.run = unaryInt<Abs>(type);
    return inst.run;
  case Op::op_neg:
    inst.run = unaryInt<Neg>(type);
    return inst.run;
  case Op::op_min:
    inst.run = binaryInt<Min>(type);
    return inst.run;
  case Op::op_max:
    inst.run = binaryInt<Max>(type);
    return inst.run;
  case Op::op_sad:
    inst.run = ternaryInt<Sad>(type);
    return inst.run;
  case Op::op_dp4a:
    inst.aux = (match.types[0] == Type::S32 ? 1 : 0) | (match.types[1] == Type::S32 ? 2 : 0);
    inst.run = dp4a;
    return true;
  default:
    return false;
  }
}

FC_ISA_END
} // namespace fc::emu
