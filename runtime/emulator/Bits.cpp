// Bits.cpp - logic, shifts, permutations and bit fields. Shift amounts clamp to the width; the
// exact rules are those of the ISA's "Logic and Shift Instructions" and "Extended-Precision"
// chapters.
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Lanes.h"

#include <algorithm>
#include <bit>

namespace fc::emu {
FC_ISA_BEGIN

using ptx::Type;

namespace {

template <class T> struct And {
  T operator()(T a, T b) const { return a & b; }
};
template <class T> struct Or {
  T operator()(T a, T b) const { return a | b; }
};
template <class T> struct Xor {
  T operator()(T a, T b) const { return a ^ b; }
};
template <class T> struct Not {
  T operator()(T a) const { return T(~a); }
};
template <class T> struct Cnot {
  T operator()(T a) const { return a == 0; }
};

template <class T> struct Shl {
  T operator()(T a, uint32_t n) const {
    constexpr uint32_t bits = 8 * sizeof(T);
    return n < bits ? T(uint64_t(a) << (n & (bits - 1))) : T(0);
  }
};
template <class T> struct Shr { // arithmetic for signed T
  T operator()(T a, uint32_t n) const {
    constexpr uint32_t bits = 8 * sizeof(T);
    if (n < bits)
      return T(a >> (n & (bits - 1)));
    return std::is_signed_v<T> ? T(a >> (bits - 1)) : T(0);
  }
};

template <bool Left, bool Wrap> struct Funnel {
  uint32_t operator()(uint32_t low, uint32_t high, uint32_t amount) const {
    uint32_t n = Wrap ? amount & 31 : std::min(amount, 32u);
    uint64_t both = uint64_t(high) << 32 | low;
    return Left ? uint32_t((both << n) >> 32) : uint32_t(both >> n);
  }
};

struct Permute {
  uint32_t operator()(uint32_t a, uint32_t b, uint32_t selector) const {
    uint64_t bytes = uint64_t(b) << 32 | a;
    uint32_t result = 0;
    for (unsigned i = 0; i < 4; ++i) {
      uint32_t nibble = selector >> (4 * i) & 15;
      uint32_t byte = uint32_t(bytes >> (8 * (nibble & 7))) & 0xff;
      byte = nibble & 8 ? (byte & 0x80 ? 0xff : 0) : byte;
      result |= byte << (8 * i);
    }
    return result;
  }
};

/// prmt's named modes: the selector's low two bits choose a row of four nibbles.
template <unsigned Mode> struct PermuteMode {
  uint32_t operator()(uint32_t a, uint32_t b, uint32_t c) const {
    static constexpr uint16_t rows[6][4] = {
        {0x3210, 0x4321, 0x5432, 0x6543}, // f4e
        {0x5670, 0x6701, 0x7012, 0x0123}, // b4e
        {0x0000, 0x1111, 0x2222, 0x3333}, // rc8
        {0x3210, 0x3211, 0x3222, 0x3333}, // ecl
        {0x0000, 0x1110, 0x2210, 0x3210}, // ecr
        {0x1010, 0x3232, 0x1010, 0x3232}, // rc16
    };
    return Permute()(a, b, rows[Mode][c & 3]);
  }
};

template <class T> struct Popc {
  uint32_t operator()(T a) const { return uint32_t(std::popcount(std::make_unsigned_t<T>(a))); }
};
template <class T> struct Clz {
  uint32_t operator()(T a) const { return uint32_t(std::countl_zero(std::make_unsigned_t<T>(a))); }
};
template <class T, bool Amount> struct Bfind {
  uint32_t operator()(T a) const {
    using U = std::make_unsigned_t<T>;
    U x = std::is_signed_v<T> && a < 0 ? U(~U(a)) : U(a);
    if (!x)
      return ~0u;
    uint32_t msb = uint32_t(8 * sizeof(T) - 1) - uint32_t(std::countl_zero(x));
    return Amount ? uint32_t(8 * sizeof(T) - 1) - msb : msb;
  }
};
template <class T> struct Brev {
  T operator()(T a) const {
    T result = 0;
    for (unsigned i = 0; i < 8 * sizeof(T); ++i)
      result |= T(T(a >> i & 1) << (8 * sizeof(T) - 1 - i));
    return result;
  }
};
template <class T> struct Bfe {
  T operator()(T a, uint32_t position, uint32_t length) const {
    using U = std::make_unsigned_t<T>;
    constexpr uint32_t bits = 8 * sizeof(T);
    uint32_t pos = position & 255, len = length & 255;
    if (len == 0)
      return 0;
    bool sign = std::is_signed_v<T> && (U(a) >> std::min(pos + len - 1, bits - 1) & 1);
    U field = pos < bits ? U(U(a) >> pos) : U(0);
    uint32_t have = pos < bits ? std::min(len, bits - pos) : 0; // bits that come from a
    U mask = have >= bits ? ~U(0) : (U(1) << have) - 1;
    return T((field & mask) | (sign ? U(~mask) : U(0)));
  }
};
template <class T> struct Bfi {
  T operator()(T a, T b, uint32_t position, uint32_t length) const {
    constexpr uint32_t bits = 8 * sizeof(T);
    uint32_t pos = position & 255, len = length & 255;
    if (len == 0 || pos >= bits)
      return b;
    T mask = len >= bits ? ~T(0) : T((T(1) << len) - 1);
    mask = T(mask << pos);
    return T((b & ~mask) | ((a << pos) & mask));
  }
};
template <bool Wrap> struct Bmsk {
  uint32_t operator()(uint32_t a, uint32_t b) const {
    uint32_t from = Wrap ? a & 31 : a, length = Wrap ? b & 31 : b;
    uint64_t mask = length >= 32 ? 0xffffffffu : (uint64_t(1) << length) - 1;
    return from >= 32 ? 0 : uint32_t(mask << from);
  }
};
template <bool Signed, bool Wrap> struct Szext {
  uint32_t operator()(uint32_t a, uint32_t b) const {
    uint32_t n = Wrap ? b & 31 : b;
    if (n >= 32)
      return a;
    uint32_t mask = (1u << n) - 1;
    bool sign = Signed && n && (a >> (n - 1) & 1);
    return sign ? a | ~mask : a & mask;
  }
};
/// The n-th set bit of mask from base on, upward for positive n, downward for negative.
struct Fns {
  uint32_t operator()(uint32_t mask, uint32_t base, uint32_t offset) const {
    int32_t n = int32_t(offset);
    if (base > 31)
      return ~0u;
    if (n == 0)
      return mask >> base & 1 ? base : ~0u;
    for (int at = int(base); at >= 0 && at < 32; at += n > 0 ? 1 : -1)
      if (mask >> at & 1) {
        offset = n > 0 ? offset - 1 : offset + 1;
        if (offset == 0)
          return uint32_t(at);
      }
    return ~0u;
  }
};

void lop3(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t lut = uint32_t(inst.imm);
  mapLanes<uint32_t, uint32_t, uint32_t, uint32_t>(
      warp, inst, mask, [=](uint32_t a, uint32_t b, uint32_t c) {
        uint32_t result = 0;
        for (unsigned i = 0; i < 8; ++i) // i = a b c, a the highest bit
          result |= lut >> i & 1 ? (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c) : 0;
        return result;
      });
}

template <unsigned O> void predicateOp(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t a = warp.predSource(inst, 1), value;
  if constexpr (O == 3)
    value = ~a;
  else {
    uint32_t b = warp.predSource(inst, 2);
    value = O == 0 ? a & b : O == 1 ? a | b : a ^ b;
  }
  warp.setPred(inst.op[0], value, mask);
}

template <template <class> class F> Handler logic2(unsigned bits) {
  return bits == 64   ? run<F<uint64_t>, uint64_t, uint64_t, uint64_t>
         : bits == 32 ? run<F<uint32_t>, uint32_t, uint32_t, uint32_t>
                      : run<F<uint16_t>, uint16_t, uint16_t, uint16_t>;
}
template <template <class> class F> Handler logic1(unsigned bits) {
  return bits == 64   ? run<F<uint64_t>, uint64_t, uint64_t>
         : bits == 32 ? run<F<uint32_t>, uint32_t, uint32_t>
                      : run<F<uint16_t>, uint16_t, uint16_t>;
}
template <template <class> class F> Handler shift(Type type) {
  switch (type) {
  case Type::S16:
    return run<F<int16_t>, int16_t, int16_t, uint32_t>;
  case Type::S32:
    return run<F<int32_t>, int32_t, int32_t, uint32_t>;
  case Type::S64:
    return run<F<int64_t>, int64_t, int64_t, uint32_t>;
  default:
    break;
  }
  switch (ptx::bitsOf(type)) {
  case 16:
    return run<F<uint16_t>, uint16_t, uint16_t, uint32_t>;
  case 32:
    return run<F<uint32_t>, uint32_t, uint32_t, uint32_t>;
  default:
    return run<F<uint64_t>, uint64_t, uint64_t, uint32_t>;
  }
}
template <class T> using BfindValue = Bfind<T, false>;
template <class T> using BfindAmount = Bfind<T, true>;
template <template <class> class F> Handler count(Type type) {
  switch (type) {
  case Type::U64:
  case Type::B64:
    return run<F<uint64_t>, uint32_t, uint64_t>;
  case Type::S32:
    return run<F<int32_t>, uint32_t, int32_t>;
  case Type::S64:
    return run<F<int64_t>, uint32_t, int64_t>;
  default:
    return run<F<uint32_t>, uint32_t, uint32_t>;
  }
}
template <class T> Handler bfe() { return run<Bfe<T>, T, T, uint32_t, uint32_t>; }
template <class F> Handler words3() { return run<F, uint32_t, uint32_t, uint32_t, uint32_t>; }
template <class F> Handler words2() { return run<F, uint32_t, uint32_t, uint32_t>; }

} // namespace

bool bindBits(const Match &match, Inst &inst) {
  Type type = match.type();
  unsigned bits = ptx::bitsOf(type);
  bool wrap = match.has("wrap");
  switch (match.form.op) {
  case Op::op_and:
    inst.run = type == Type::Pred ? predicateOp<0> : logic2<And>(bits);
    return true;
  case Op::op_or:
    inst.run = type == Type::Pred ? predicateOp<1> : logic2<Or>(bits);
    return true;
  case Op::op_xor:
    inst.run = type == Type::Pred ? predicateOp<2> : logic2<Xor>(bits);
    return true;
  case Op::op_not:
    inst.run = type == Type::Pred ? predicateOp<3> : logic1<Not>(bits);
    return true;
  case Op::op_cnot:
    inst.run = logic1<Cnot>(bits);
    return true;
  case Op::op_lop3:
    inst.run = lop3;
    return true;
  case Op::op_shl:
    inst.run = shift<Shl>(bits == 64 ? Type::B64 : bits == 32 ? Type::B32 : Type::B16);
    return true;
  case Op::op_shr:
    inst.run = shift<Shr>(type);
    return true;
  case Op::op_shf:
    inst.run = match.has("l")
                   ? (wrap ? words3<Funnel<true, true>>() : words3<Funnel<true, false>>())
                   : (wrap ? words3<Funnel<false, true>>() : words3<Funnel<false, false>>());
    return true;
  case Op::op_prmt:
    inst.run = match.has("f4e")    ? words3<PermuteMode<0>>()
               : match.has("b4e")  ? words3<PermuteMode<1>>()
               : match.has("rc8")  ? words3<PermuteMode<2>>()
               : match.has("ecl")  ? words3<PermuteMode<3>>()
               : match.has("ecr")  ? words3<PermuteMode<4>>()
               : match.has("rc16") ? words3<PermuteMode<5>>()
                                   : words3<Permute>();
    return true;
  case Op::op_popc:
    inst.run = count<Popc>(bits == 64 ? Type::U64 : Type::U32);
    return true;
  case Op::op_clz:
    inst.run = count<Clz>(bits == 64 ? Type::U64 : Type::U32);
    return true;
  case Op::op_bfind:
    inst.run = match.has("shiftamt") ? count<BfindAmount>(type) : count<BfindValue>(type);
    return true;
  case Op::op_brev:
    inst.run = bits == 64 ? run<Brev<uint64_t>, uint64_t, uint64_t>
                          : run<Brev<uint32_t>, uint32_t, uint32_t>;
    return true;
  case Op::op_bfe:
    inst.run = type == Type::U32   ? bfe<uint32_t>()
               : type == Type::S32 ? bfe<int32_t>()
               : type == Type::U64 ? bfe<uint64_t>()
                                   : bfe<int64_t>();
    return true;
  case Op::op_bfi:
    inst.run = bits == 64 ? run<Bfi<uint64_t>, uint64_t, uint64_t, uint64_t, uint32_t, uint32_t>
                          : run<Bfi<uint32_t>, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t>;
    return true;
  case Op::op_bmsk:
    inst.run = wrap ? words2<Bmsk<true>>() : words2<Bmsk<false>>();
    return true;
  case Op::op_szext: {
    bool isSigned = type == Type::S32;
    inst.run = wrap ? (isSigned ? words2<Szext<true, true>>() : words2<Szext<false, true>>())
                    : (isSigned ? words2<Szext<true, false>>() : words2<Szext<false, false>>());
    return true;
  }
  case Op::op_fns:
    inst.run = words3<Fns>();
    return true;
  default:
    return false;
  }
}

FC_ISA_END
} // namespace fc::emu
