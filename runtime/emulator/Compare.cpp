// Compare.cpp - setp, set, selp, slct. An ordered comparison with a NaN is false, an unordered one
// (`ltu`, ...) true.
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Half.h"
#include "runtime/emulator/Lanes.h"

namespace fc::emu {
FC_ISA_BEGIN

using ptx::Type;

namespace {

enum class Cmp : uint8_t {
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  Lo,
  Ls,
  Hi,
  Hs,
  Equ,
  Neu,
  Ltu,
  Leu,
  Gtu,
  Geu,
  Num,
  Nan,
};
constexpr std::string_view cmpNames[] = {"eq",  "ne",  "lt",  "le",  "gt",  "ge",
                                         "lo",  "ls",  "hi",  "hs",  "equ", "neu",
                                         "ltu", "leu", "gtu", "geu", "num", "nan"};

template <class T>
uint32_t compareAs(Warp &warp, const Inst &inst, unsigned first, Cmp cmp, auto decode) {
  auto test = [&](auto f) {
    return testLanes<T, T>(warp, inst, first, [=](T a, T b) { return f(decode(a), decode(b)); });
  };
  // Integers have no unordered comparisons; their instances would only cost time to compile.
  if constexpr (std::is_integral_v<decltype(decode(T()))>) {
    switch (cmp) {
    case Cmp::Eq:
      return test([](auto a, auto b) { return a == b; });
    case Cmp::Ne:
      return test([](auto a, auto b) { return a != b; });
    case Cmp::Lt:
    case Cmp::Lo:
      return test([](auto a, auto b) { return a < b; });
    case Cmp::Le:
    case Cmp::Ls:
      return test([](auto a, auto b) { return a <= b; });
    case Cmp::Gt:
    case Cmp::Hi:
      return test([](auto a, auto b) { return a > b; });
    default:
      return test([](auto a, auto b) { return a >= b; });
    }
  } else {
    switch (cmp) {
    case Cmp::Eq:
      return test([](auto a, auto b) { return a == b; });
    case Cmp::Ne:
      return test([](auto a, auto b) { return a < b || a > b; });
    case Cmp::Lt:
    case Cmp::Lo:
      return test([](auto a, auto b) { return a < b; });
    case Cmp::Le:
    case Cmp::Ls:
      return test([](auto a, auto b) { return a <= b; });
    case Cmp::Gt:
    case Cmp::Hi:
      return test([](auto a, auto b) { return a > b; });
    case Cmp::Ge:
    case Cmp::Hs:
      return test([](auto a, auto b) { return a >= b; });
    case Cmp::Equ:
      return test([](auto a, auto b) { return !(a < b || a > b); });
    case Cmp::Neu:
      return test([](auto a, auto b) { return !(a == b); });
    case Cmp::Ltu:
      return test([](auto a, auto b) { return !(a >= b); });
    case Cmp::Leu:
      return test([](auto a, auto b) { return !(a > b); });
    case Cmp::Gtu:
      return test([](auto a, auto b) { return !(a <= b); });
    case Cmp::Geu:
      return test([](auto a, auto b) { return !(a < b); });
    case Cmp::Num:
      return test([](auto a, auto b) { return a == a && b == b; });
    case Cmp::Nan:
      return test([](auto a, auto b) { return a != a || b != b; });
    }
    return 0;
  }
}

// aux: comparison in bits 0-7, type in 8-15, .ftz 16, boolean operator 17-18, of `set`: what 20-23
constexpr uint32_t ftzBit = 1u << 16;

uint32_t compare(Warp &warp, const Inst &inst, unsigned first) {
  Cmp cmp = Cmp(inst.aux & 0xff);
  auto same = [](auto x) { return x; };
  bool ftz = inst.aux & ftzBit;
  switch (Type(inst.aux >> 8 & 0xff)) {
  case Type::B16:
  case Type::U16:
    return compareAs<uint16_t>(warp, inst, first, cmp, same);
  case Type::S16:
    return compareAs<int16_t>(warp, inst, first, cmp, same);
  case Type::B32:
  case Type::U32:
    return compareAs<uint32_t>(warp, inst, first, cmp, same);
  case Type::S32:
    return compareAs<int32_t>(warp, inst, first, cmp, same);
  case Type::B64:
  case Type::U64:
    return compareAs<uint64_t>(warp, inst, first, cmp, same);
  case Type::S64:
    return compareAs<int64_t>(warp, inst, first, cmp, same);
  case Type::F32:
    return ftz ? compareAs<float>(warp, inst, first, cmp, [](float x) { return flush(x); })
               : compareAs<float>(warp, inst, first, cmp, same);
  case Type::F64:
    return compareAs<double>(warp, inst, first, cmp, same);
  case Type::F16:
  case Type::F16x2:
    return ftz ? compareAs<uint16_t>(warp, inst, first, cmp,
                                     [](uint16_t x) { return fromHalf(flushHalf(x)); })
               : compareAs<uint16_t>(warp, inst, first, cmp,
                                     [](uint16_t x) { return fromHalf(x); });
  case Type::BF16:
  case Type::BF16x2:
    return compareAs<uint16_t>(warp, inst, first, cmp, [](uint16_t x) { return fromBfloat(x); });
  default:
    return 0;
  }
}

/// The comparison of the upper halves of a pair: the same on words moved down.
uint32_t compareUpper(Warp &warp, const Inst &inst, unsigned first) {
  Cmp cmp = Cmp(inst.aux & 0xff);
  bool half = Type(inst.aux >> 8 & 0xff) == Type::F16x2, ftz = inst.aux & ftzBit;
  return compareAs<uint32_t>(warp, inst, first, cmp, [=](uint32_t x) {
    uint16_t h = uint16_t(x >> 16);
    return half ? fromHalf(ftz ? flushHalf(h) : h) : fromBfloat(h);
  });
}

void setp(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t p = compare(warp, inst, 2), q = ~p;
  uint32_t boolean = inst.aux >> 17 & 3;
  if (boolean) {
    uint32_t c = warp.predSource(inst, 4);
    auto combine = [=](uint32_t x) { return boolean == 1 ? x & c : boolean == 2 ? x | c : x ^ c; };
    p = combine(p);
    q = combine(q);
  }
  warp.setPred(inst.op[0], p, mask);
  warp.setPred(inst.op[1], q, mask);
}

void setpPair(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t p = compare(warp, inst, 2), q = compareUpper(warp, inst, 2);
  warp.setPred(inst.op[0], p, mask);
  warp.setPred(inst.op[1], q, mask);
}

/// set: all ones, or one as a float, by lane.
void set(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t bits = compare(warp, inst, 1);
  uint32_t *d = warp.word(inst.op[0]);
  uint32_t one = uint32_t(inst.imm);
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    d[l] = bits >> l & 1 ? one : 0;
  }
}

void setPair(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t low = compare(warp, inst, 1), high = compareUpper(warp, inst, 1);
  uint32_t *d = warp.word(inst.op[0]);
  uint32_t one = uint32_t(inst.imm);
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    d[l] = (low >> l & 1 ? one : 0) | (high >> l & 1 ? one << 16 : 0);
  }
}

template <class T> void selp(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t choose = warp.predSource(inst, 3);
  auto *d = bank<T>(warp, inst.op[0]), *a = bank<T>(warp, inst.op[1]),
       *b = bank<T>(warp, inst.op[2]);
  FC_LANES
  for (unsigned l = 0; l < warpSize; ++l) {
    T value = choose >> l & 1 ? a[l] : b[l];
    d[l] = mask >> l & 1 ? value : d[l];
  }
}

template <class T, bool Float> void slct(Warp &warp, const Inst &inst, uint32_t mask) {
  auto *d = bank<T>(warp, inst.op[0]), *a = bank<T>(warp, inst.op[1]),
       *b = bank<T>(warp, inst.op[2]);
  const uint32_t *c = warp.word(inst.op[3]);
  bool ftz = inst.aux & ftzBit;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    bool first = int32_t(c[l]) >= 0;
    if (Float) {
      float x = std::bit_cast<float>(c[l]);
      first = (ftz ? flush(x) : x) >= 0; // -0 is not below 0, NaN chooses b
    }
    d[l] = first ? a[l] : b[l];
  }
}

uint32_t oneOf(Type type) {
  switch (type) {
  case Type::F32:
    return 0x3f800000u;
  case Type::F16:
  case Type::F16x2:
    return 0x3c00u;
  case Type::BF16:
  case Type::BF16x2:
    return 0x3f80u;
  case Type::U16:
  case Type::S16:
    return 0xffffu;
  default:
    return ~0u;
  }
}

} // namespace

bool bindCompare(const Match &match, Inst &inst) {
  Type type = match.type();
  bool wide = ptx::bitsOf(match.types.front()) == 64;
  if (match.form.op == Op::op_selp) {
    inst.run = wide ? selp<uint64_t> : selp<uint32_t>;
    return true;
  }
  inst.aux = match.has("ftz") ? ftzBit : 0;
  if (match.form.op == Op::op_slct) {
    bool single = type == Type::F32;
    inst.run = wide ? (single ? slct<uint64_t, true> : slct<uint64_t, false>)
                    : (single ? slct<uint32_t, true> : slct<uint32_t, false>);
    return true;
  }
  for (uint32_t i = 0; i < std::size(cmpNames); ++i)
    if (match.words[0] == cmpNames[i])
      inst.aux |= i;
  inst.aux |= uint32_t(type) << 8;
  bool pair = type == Type::F16x2 || type == Type::BF16x2;
  if (match.form.op == Op::op_setp) {
    inst.aux |= match.has("and")   ? 1u << 17
                : match.has("or")  ? 2u << 17
                : match.has("xor") ? 3u << 17
                                   : 0;
    inst.run = pair ? setpPair : setp;
    return true;
  }
  inst.imm = oneOf(match.types.front());
  inst.run = pair ? setPair : set;
  return match.form.op == Op::op_set;
}

FC_ISA_END
} // namespace fc::emu
