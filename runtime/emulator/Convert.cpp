// Convert.cpp - mov, cvt, cvta, isspacep.
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Half.h"
#include "runtime/emulator/Lanes.h"

#include <algorithm>
#include <cstring>

namespace fc::emu {
FC_ISA_BEGIN

using ptx::Space;
using ptx::Type;

namespace {

//===-- mov -----------------------------------------------------------------------------------===//

template <class T> struct Same {
  T operator()(T x) const { return x; }
};

void movPred(Warp &warp, const Inst &inst, uint32_t mask) {
  warp.setPred(inst.op[0], warp.predSource(inst, 1), mask);
}

void movClock(Warp &warp, const Inst &inst, uint32_t mask) {
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    if (inst.aux)
      warp.wide(inst.op[0])[l] = warp.issued;
    else
      warp.word(inst.op[0])[l] = uint32_t(warp.issued);
  }
}

/// {a, b} of 16 bits to 32, or of 32 to 64; {a, b, c, d} of 16 to 64. Part 0 is the lowest.
template <class Whole, unsigned N> void pack(Warp &warp, const Inst &inst, uint32_t mask) {
  constexpr unsigned bits = 8 * sizeof(Whole) / N;
  Whole buffer[warpSize] = {};
  for (unsigned k = 0; k < N; ++k) {
    const uint32_t *part = warp.word(inst.op[1 + k]);
    for (unsigned l = 0; l < warpSize; ++l)
      buffer[l] |= (Whole(part[l]) & ((Whole(1) << bits) - 1)) << (bits * k);
  }
  auto *d = bank<Whole>(warp, inst.op[0]);
  for (unsigned l = 0; l < warpSize; ++l)
    d[l] = mask >> l & 1 ? buffer[l] : d[l];
}

template <class Whole, unsigned N> void unpack(Warp &warp, const Inst &inst, uint32_t mask) {
  constexpr unsigned bits = 8 * sizeof(Whole) / N;
  Whole buffer[warpSize];
  std::memcpy(buffer, bank<Whole>(warp, inst.op[N]), sizeof buffer);
  for (unsigned k = 0; k < N; ++k) {
    uint32_t *part = warp.word(inst.op[k]);
    for (unsigned l = 0; l < warpSize; ++l) {
      uint32_t value = uint32_t(buffer[l] >> (bits * k) & ((Whole(1) << bits) - 1));
      part[l] = mask >> l & 1 ? value : part[l];
    }
  }
}

bool bindMov(const Match &match, Inst &inst) {
  Type type = match.type();
  unsigned bits = ptx::bitsOf(type);
  if (type == Type::Pred) {
    inst.run = movPred;
    return true;
  }
  if (match.readsClock) {
    inst.aux = bits == 64;
    inst.run = movClock;
    return bits >= 32;
  }
  using Kind = ptx::Operand::Kind;
  if (match.source.operands[1].kind == Kind::Vector) {
    inst.run = bits == 32        ? pack<uint32_t, 2>
               : inst.count == 2 ? pack<uint64_t, 2>
                                 : pack<uint64_t, 4>;
  } else if (match.source.operands[0].kind == Kind::Vector) {
    inst.run = bits == 32        ? unpack<uint32_t, 2>
               : inst.count == 2 ? unpack<uint64_t, 2>
                                 : unpack<uint64_t, 4>;
  } else if (bits == 64) {
    inst.run = run<Same<uint64_t>, uint64_t, uint64_t>;
  } else {
    inst.run = bits == 16 ? run<Same<uint16_t>, uint16_t, uint16_t>
                          : run<Same<uint32_t>, uint32_t, uint32_t>;
  }
  return true;
}

//===-- addresses -----------------------------------------------------------------------------===//

uint64_t windowOf(Space space) {
  switch (space) {
  case Space::Shared:
    return sharedWindow;
  case Space::Local:
    return localWindow;
  case Space::Param:
    return paramWindow;
  default:
    return 0; // global and constant addresses are generic ones
  }
}

void toGeneric(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t window = uint64_t(inst.imm);
  mapLanes<uint64_t, uint64_t>(warp, inst, mask, [=](uint64_t x) { return x + window; });
}
void fromGeneric(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t window = uint64_t(inst.imm);
  mapLanes<uint64_t, uint64_t>(warp, inst, mask, [=](uint64_t x) { return x - window; });
}

void isSpace(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t window = uint64_t(inst.imm);
  uint32_t bits = testLanes<uint64_t>(warp, inst, 1, [=](uint64_t x) {
    bool windowed = x >= sharedWindow && x < paramWindow + windowBytes;
    return window ? x >= window && x < window + windowBytes : !windowed;
  });
  warp.setPred(inst.op[0], bits, mask);
}

//===-- cvt -----------------------------------------------------------------------------------===//

enum class Num : uint8_t { U8, U16, U32, U64, S8, S16, S32, S64, F16, BF16, F32, F64 };

Num numOf(Type type) {
  switch (type) {
  case Type::U8:
    return Num::U8;
  case Type::U16:
    return Num::U16;
  case Type::U32:
    return Num::U32;
  case Type::U64:
    return Num::U64;
  case Type::S8:
    return Num::S8;
  case Type::S16:
    return Num::S16;
  case Type::S32:
    return Num::S32;
  case Type::S64:
    return Num::S64;
  case Type::F16:
    return Num::F16;
  case Type::BF16:
    return Num::BF16;
  case Type::F32:
    return Num::F32;
  default:
    return Num::F64;
  }
}

/// How an integer narrower than its register is kept: extended as its type says.
template <class T> struct Extend {
  using Wide = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
};

template <class F> auto withInt(Num num, F f) {
  switch (num) {
  case Num::U8:
    return f(uint8_t());
  case Num::U16:
    return f(uint16_t());
  case Num::U32:
    return f(uint32_t());
  case Num::U64:
    return f(uint64_t());
  case Num::S8:
    return f(int8_t());
  case Num::S16:
    return f(int16_t());
  case Num::S32:
    return f(int32_t());
  default:
    return f(int64_t());
  }
}

/// int -> int: widen to 64 bits by the source's type, clamp or cut by the destination's.
void cvtInt(Warp &warp, const Inst &inst, uint32_t mask) {
  Num d = Num(inst.aux & 15), s = Num(inst.aux >> 4 & 15);
  bool sat = inst.aux >> 12 & 1, wideDest = inst.aux >> 15 & 1, wideSource = inst.aux >> 16 & 1;
  bool negativePossible = s >= Num::S8;
  uint64_t value[warpSize];
  for (unsigned l = 0; l < warpSize; ++l)
    value[l] = wideSource ? warp.wide(inst.op[1])[l] : warp.word(inst.op[1])[l];
  withInt(s, [&](auto from) {
    using S = decltype(from);
    for (uint64_t &x : value)
      x = uint64_t(typename Extend<S>::Wide(S(x)));
    return 0;
  });
  withInt(d, [&](auto to) {
    using D = decltype(to);
    constexpr D low = std::numeric_limits<D>::min(), high = std::numeric_limits<D>::max();
    for (uint64_t &x : value) {
      D result = D(x);
      if (sat && negativePossible && int64_t(x) < 0)
        result = !std::is_signed_v<D> || int64_t(x) < int64_t(low) ? low : result;
      else if (sat && x > uint64_t(high))
        result = high;
      x = uint64_t(typename Extend<D>::Wide(result));
    }
    return 0;
  });
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    if (wideDest)
      warp.wide(inst.op[0])[l] = value[l];
    else
      warp.word(inst.op[0])[l] = uint32_t(value[l]);
  }
}
/// The ones that address arithmetic is full of.
template <class D, class S> struct Cut {
  D operator()(S x) const { return D(x); }
};
Handler commonInt(Num d, Num s) {
  if (d == Num::S64 && s == Num::S32)
    return run<Cut<int64_t, int32_t>, int64_t, int32_t>;
  if (d == Num::U64 && s == Num::U32)
    return run<Cut<uint64_t, uint32_t>, uint64_t, uint32_t>;
  if (d == Num::U32 && s == Num::U64)
    return run<Cut<uint32_t, uint64_t>, uint32_t, uint64_t>;
  if ((d == Num::U32 && s == Num::U16) || (d == Num::U16 && s == Num::U32))
    return run<Cut<uint16_t, uint32_t>, uint32_t, uint32_t>;
  return nullptr;
}

// The general way: through double, or through 64-bit integers, with everything in `aux`:
// destination 0-3, source 4-7, rounding 8-10, ftz 11, sat 12, relu 13, to integral value 14, wide
// destination 15, wide source 16
struct How {
  uint32_t bits;
  Num dest() const { return Num(bits & 15); }
  Num source() const { return Num(bits >> 4 & 15); }
  Round round() const { return Round(bits >> 8 & 7); }
  bool ftz() const { return bits >> 11 & 1; }
  bool sat() const { return bits >> 12 & 1; }
  bool relu() const { return bits >> 13 & 1; }
  bool integral() const { return bits >> 14 & 1; }
  bool wideDest() const { return bits >> 15 & 1; }
};

double toIntegral(double x, Round round) {
  switch (round) {
  case Round::Zero:
    return std::trunc(x);
  case Round::Down:
    return std::floor(x);
  case Round::Up:
    return std::ceil(x);
  default:
    return std::nearbyint(x); // the host rounds to nearest even
  }
}

uint64_t readSource(Warp &warp, uint16_t unit, unsigned lane, bool wide) {
  return wide ? warp.wide(unit)[lane] : warp.word(unit)[lane];
}

double decodeFloat(Num num, uint64_t bits, bool ftz) {
  switch (num) {
  case Num::F16:
    return fromHalf(uint16_t(bits));
  case Num::BF16:
    return fromBfloat(uint16_t(bits));
  case Num::F32: {
    float x = std::bit_cast<float>(uint32_t(bits));
    return ftz ? flush(x) : x;
  }
  default:
    return std::bit_cast<double>(bits);
  }
}

uint64_t encodeFloat(double x, How how) {
  if (how.sat())
    x = x > 0 ? std::min(x, 1.0) : 0.0;
  if (how.relu() && x < 0)
    x = 0;
  switch (how.dest()) {
  case Num::F16:
    return x != x ? halfNan : toHalf(x, how.round());
  case Num::BF16:
    return x != x ? bfloatNan : toBfloat(x, how.round());
  case Num::F32: {
    float y = toFloat(x, how.round());
    return std::bit_cast<uint32_t>(how.ftz() ? flush(y) : y);
  }
  default:
    return std::bit_cast<uint64_t>(x);
  }
}

/// The nearest integer of the destination's type; NaN gives 0, or the top bit for 64-bit and 32-bit
/// unsigned and signed alike as the ISA leaves it: 0 for all but f64 sources.
uint64_t floatToInt(double x, How how) {
  if (x != x)
    return 0;
  x = toIntegral(x, how.round());
  return withInt(how.dest(), [=](auto type) -> uint64_t {
    using D = decltype(type);
    // 2^63 and 2^64 are doubles, their predecessors are not: compare with the power.
    constexpr int bits = 8 * sizeof(D) - std::is_signed_v<D>;
    double above = std::ldexp(1.0, bits);
    if (x >= above)
      return uint64_t(typename Extend<D>::Wide(std::numeric_limits<D>::max()));
    double low = std::is_signed_v<D> ? -above : 0.0;
    if (x <= low)
      return uint64_t(typename Extend<D>::Wide(std::numeric_limits<D>::min()));
    return uint64_t(typename Extend<D>::Wide(D(x)));
  });
}

uint64_t intToFloat(uint64_t bits, How how) {
  bool negative = false;
  uint64_t magnitude = withInt(how.source(), [&](auto type) -> uint64_t {
    using S = decltype(type);
    auto value = typename Extend<S>::Wide(S(bits));
    negative = value < 0;
    return negative ? 0 - uint64_t(value) : uint64_t(value);
  });
  // Two exact parts; their sum in round-to-odd may be rounded again.
  double high = double(magnitude >> 32) * 4294967296.0, low = double(magnitude & 0xffffffffu);
  double x = how.dest() == Num::F64 ? 0 : addToOdd(high, low);
  if (how.dest() == Num::F64) {
    double sum = high + low, error = low - (sum - high);
    bool up = how.round() == (negative ? Round::Down : Round::Up);
    bool down = how.round() == Round::Zero || how.round() == (negative ? Round::Up : Round::Down);
    if (up && error > 0)
      sum = std::nextafter(sum, std::numeric_limits<double>::infinity());
    if (down && error < 0)
      sum = std::nextafter(sum, 0.0);
    x = sum;
  }
  return encodeFloat(negative ? -x : x, how);
}

void cvtAny(Warp &warp, const Inst &inst, uint32_t mask) {
  How how{inst.aux};
  Num s = how.source();
  bool wideSource = how.bits >> 16 & 1;
  bool fromFloat = s >= Num::F16, toFloatType = how.dest() >= Num::F16;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint64_t bits = readSource(warp, inst.op[1], l, wideSource), result;
    if (!fromFloat) {
      result = intToFloat(bits, how);
    } else {
      double x = decodeFloat(s, bits, how.ftz());
      if (!toFloatType)
        result = floatToInt(x, how);
      else if (how.integral()) {
        How exact{how.bits & ~(7u << 8)};
        result = encodeFloat(toIntegral(x, how.round()), exact);
      } else
        result = encodeFloat(x, how);
    }
    if (how.wideDest())
      warp.wide(inst.op[0])[l] = result;
    else
      warp.word(inst.op[0])[l] = uint32_t(result);
  }
}

// The conversions that inner loops are made of.
struct HalfToFloat {
  float operator()(uint16_t h) const { return canonical(fromHalf(h)); }
};
struct FloatToHalf {
  uint32_t operator()(float x) const { return toHalf(x); }
};
struct BfloatToFloat {
  float operator()(uint16_t b) const { return canonical(fromBfloat(b)); }
};
struct FloatToBfloat {
  uint32_t operator()(float x) const { return toBfloat(x); }
};
struct FloatPairToHalf { // the first source is the upper half
  uint32_t operator()(float a, float b) const { return uint32_t(toHalf(a)) << 16 | toHalf(b); }
};
struct FloatPairToBfloat {
  uint32_t operator()(float a, float b) const { return uint32_t(toBfloat(a)) << 16 | toBfloat(b); }
};
struct S32ToFloat {
  float operator()(int32_t x) const { return float(x); }
};
struct U32ToFloat {
  float operator()(uint32_t x) const { return float(x); }
};

/// cvt.{rn,rz}{.relu}{.satfinite}.{f16x2,bf16x2}.f32 d, a, b in general.
void cvtPair(Warp &warp, const Inst &inst, uint32_t mask) {
  How how{inst.aux};
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint64_t high = encodeFloat(decodeFloat(Num::F32, warp.word(inst.op[1])[l], false), how);
    uint64_t low = encodeFloat(decodeFloat(Num::F32, warp.word(inst.op[2])[l], false), how);
    warp.word(inst.op[0])[l] = uint32_t(high << 16 | low);
  }
}

/// tf32 keeps 10 bits of the mantissa; the low 13 bits of the register are 0.
void cvtTf32(Warp &warp, const Inst &inst, uint32_t mask) {
  How how{inst.aux};
  mapLanes<float, float>(warp, inst, mask, [=](float x) {
    double y = roundTo(x, 10, -126, 127, how.round());
    return how.relu() && y < 0 ? 0.0f : canonical(float(y));
  });
}

/// Two 8-bit floats in 16 bits. aux: bit 0 e5m2, bit 1 relu, bit 2 from f16x2.
void cvtToEight(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t flags = inst.aux;
  auto one = [=](float x) -> uint32_t {
    if (flags & 2 && x < 0)
      x = 0;
    return flags & 1 ? toE5m2(x) : toE4m3(x);
  };
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint32_t a = warp.word(inst.op[1])[l];
    float high, low;
    if (flags & 4) {
      high = fromHalf(uint16_t(a >> 16));
      low = fromHalf(uint16_t(a));
    } else {
      high = std::bit_cast<float>(a);
      low = std::bit_cast<float>(warp.word(inst.op[2])[l]);
    }
    warp.word(inst.op[0])[l] = one(high) << 8 | one(low);
  }
}
void cvtFromEight(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t flags = inst.aux;
  mapLanes<uint32_t, uint32_t>(warp, inst, mask, [=](uint32_t x) {
    auto one = [=](uint8_t byte) -> uint32_t {
      uint16_t h = toHalf(flags & 1 ? fromE5m2(byte) : fromE4m3(byte));
      return flags & 2 && h & 0x8000 && (h & 0x7fff) <= 0x7c00 ? 0 : h;
    };
    return one(uint8_t(x)) | one(uint8_t(x >> 8)) << 16;
  });
}

/// cvt.pack.sat: a above b, saturated; the 8-bit form shifts c up by 16 bits and puts them below
/// it.
void cvtPack(Warp &warp, const Inst &inst, uint32_t mask) {
  Type type = Type(inst.aux);
  auto clamp = [=](uint32_t bits) -> uint32_t {
    int32_t x = int32_t(bits);
    switch (type) {
    case Type::U16:
      return uint32_t(std::clamp(x, 0, 65535));
    case Type::S16:
      return uint16_t(std::clamp(x, -32768, 32767));
    case Type::U8:
      return uint32_t(std::clamp(x, 0, 255));
    default:
      return uint8_t(std::clamp(x, -128, 127));
    }
  };
  bool bytes = type == Type::U8 || type == Type::S8;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint32_t a = clamp(warp.word(inst.op[1])[l]), b = clamp(warp.word(inst.op[2])[l]);
    warp.word(inst.op[0])[l] = bytes ? warp.word(inst.op[3])[l] << 16 | a << 8 | b : a << 16 | b;
  }
}

bool bindCvt(const Match &match, Inst &inst) {
  if (match.has("pack")) {
    inst.aux = uint32_t(match.types[0]);
    inst.run = cvtPack;
    return true;
  }
  Type to = match.types[0], from = match.types[1];
  auto eight = [](Type t) { return t == Type::E4M3x2 || t == Type::E5M2x2; };
  if (eight(to) || eight(from)) {
    Type type = eight(to) ? to : from;
    inst.aux = (type == Type::E5M2x2 ? 1 : 0) | (match.has("relu") ? 2 : 0) |
               (from == Type::F16x2 ? 4 : 0);
    inst.run = eight(to) ? cvtToEight : cvtFromEight;
    return true;
  }
  auto has = [&](std::string_view a, std::string_view b) { return match.has(a) || match.has(b); };
  Round round = has("rz", "rzi")   ? Round::Zero
                : has("rm", "rmi") ? Round::Down
                : has("rp", "rpi") ? Round::Up
                : match.has("rna") ? Round::Away
                                   : Round::Nearest;
  bool integral = match.has("rni") || match.has("rzi") || match.has("rmi") || match.has("rpi");
  bool pair = to == Type::F16x2 || to == Type::BF16x2;
  Num d = pair ? (to == Type::F16x2 ? Num::F16 : Num::BF16) : numOf(to), s = numOf(from);
  bool ftz = match.has("ftz"), sat = match.has("sat"), relu = match.has("relu");
  // Integers may go to a register wider than their type, and come from one.
  const ptx::Operand &dest = match.source.operands[0];
  bool wideDest = ptx::bitsOf(to) == 64;
  if (dest.kind == ptx::Operand::Kind::Register)
    wideDest = match.destBits == 64;
  inst.aux = uint32_t(d) | uint32_t(s) << 4 | uint32_t(round) << 8 | uint32_t(ftz) << 11 |
             uint32_t(sat) << 12 | uint32_t(relu) << 13 | uint32_t(integral) << 14 |
             uint32_t(wideDest) << 15 | uint32_t(match.sourceBits == 64) << 16;
  bool nearest = round == Round::Nearest && !ftz && !sat && !relu;
  if (to == Type::TF32)
    inst.run = cvtTf32;
  else if (pair)
    inst.run = !nearest            ? cvtPair
               : to == Type::F16x2 ? run<FloatPairToHalf, uint32_t, float, float>
                                   : run<FloatPairToBfloat, uint32_t, float, float>;
  else if (d < Num::F16 && s < Num::F16) {
    bool plain = !sat && match.destBits == std::max(ptx::bitsOf(to), 32u) &&
                 match.sourceBits == std::max(ptx::bitsOf(from), 32u);
    Handler common = plain ? commonInt(d, s) : nullptr;
    inst.run = common ? common : cvtInt;
  } else if (nearest && !integral && d == Num::F32 && s == Num::F16)
    inst.run = run<HalfToFloat, float, uint16_t>;
  else if (nearest && !integral && d == Num::F16 && s == Num::F32)
    inst.run = run<FloatToHalf, uint32_t, float>;
  else if (nearest && d == Num::F32 && s == Num::BF16)
    inst.run = run<BfloatToFloat, float, uint16_t>;
  else if (nearest && d == Num::BF16 && s == Num::F32)
    inst.run = run<FloatToBfloat, uint32_t, float>;
  else if (nearest && d == Num::F32 && s == Num::S32)
    inst.run = run<S32ToFloat, float, int32_t>;
  else if (nearest && d == Num::F32 && s == Num::U32)
    inst.run = run<U32ToFloat, float, uint32_t>;
  else
    inst.run = cvtAny;
  return true;
}

} // namespace

bool bindConvert(const Match &match, Inst &inst) {
  switch (match.form.op) {
  case Op::op_mov:
    return bindMov(match, inst);
  case Op::op_cvt:
    return bindCvt(match, inst);
  case Op::op_cvta:
    inst.imm = int64_t(windowOf(match.space()));
    inst.run = match.has("to") ? fromGeneric : toGeneric;
    return true;
  case Op::op_isspacep:
    inst.imm = int64_t(windowOf(match.space()));
    inst.run = isSpace;
    return true;
  default:
    return false;
  }
}

FC_ISA_END
} // namespace fc::emu
