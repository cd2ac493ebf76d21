// Atomic.cpp - atom and red. Lanes act one after the other in lane order; CTAs of a kernel with
// global atomics run in order on one host thread, so results are the same every time.
#include "runtime/emulator/Access.h"
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Half.h"

#include <algorithm>
#include <cstring>

namespace fc::emu {

using ptx::Space;
using ptx::Type;

namespace {

enum class Action : uint8_t { And, Or, Xor, Exch, Cas, Add, Min, Max, Inc, Dec };

// aux: space 0-3, operation 4-7, type 8-15, red 16, release 17
template <class T> T combine(Action kind, T old, T value, T compare) {
  switch (kind) {
  case Action::And:
    return old & value;
  case Action::Or:
    return old | value;
  case Action::Xor:
    return old ^ value;
  case Action::Exch:
    return value;
  case Action::Cas:
    return old == compare ? value : old;
  case Action::Add:
    return T(std::make_unsigned_t<T>(old) + std::make_unsigned_t<T>(value));
  case Action::Min:
    return std::min(old, value);
  case Action::Max:
    return std::max(old, value);
  case Action::Inc:
    return old >= value ? 0 : old + 1;
  case Action::Dec:
    return old == 0 || old > value ? value : old - 1;
  }
  return old;
}

/// f32 sums flush subnormals in global memory, not in shared (ISA 9.7.13.5).
float addSingle(float a, float b, bool ftz) {
  return canonical(ftz ? flush(flush(a) + flush(b)) : a + b);
}
uint16_t addSmall(uint16_t a, uint16_t b, bool half) {
  double sum = half ? addToOdd(fromHalf(a), fromHalf(b)) : addToOdd(fromBfloat(a), fromBfloat(b));
  if (sum != sum)
    return halfNan;
  return half ? toHalf(sum, Round::Nearest) : toBfloat(sum, Round::Nearest);
}

template <class Bits, class F> void atomic(Warp &warp, const Inst &inst, uint32_t mask, F f) {
  bool red = inst.aux >> 16 & 1;
  unsigned address = red ? 0 : 1;
  Access access{warp, inst, mask, Space(inst.aux & 15), sizeof(Bits), true, true};
  // Without a fence, a reduction tells nobody anything.
  access.quiet = red && !warp.fenced;
  access.adds = red;
  access.releases = inst.aux >> 17 & 1;
  access.computeAddresses(address);
  access.resolve();
  auto at = [&](uint16_t unit, unsigned lane) -> Bits {
    if constexpr (sizeof(Bits) == 8)
      return warp.wide(unit)[lane];
    else
      return Bits(warp.word(unit)[lane]);
  };
  bool cas = Action(inst.aux >> 4 & 15) == Action::Cas;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    Bits old, first = at(inst.op[address + 1], l), second = cas ? at(inst.op[address + 2], l) : 0;
    std::memcpy(&old, access.host[l], sizeof old);
    // cas: compare with the first operand, store the second
    Bits result = cas ? f(old, second, first) : f(old, first, Bits(0));
    std::memcpy(access.host[l], &result, sizeof result);
    if (red)
      continue;
    if constexpr (sizeof(Bits) == 8)
      warp.wide(inst.op[0])[l] = old;
    else
      warp.word(inst.op[0])[l] = old;
  }
}

template <class T> void integer(Warp &warp, const Inst &inst, uint32_t mask) {
  Action kind = Action(inst.aux >> 4 & 15);
  using Bits = std::make_unsigned_t<T>;
  atomic<Bits>(warp, inst, mask, [=](Bits old, Bits value, Bits compare) {
    return Bits(combine<T>(kind, T(old), T(value), T(compare)));
  });
}

void single(Warp &warp, const Inst &inst, uint32_t mask) {
  bool ftz = Space(inst.aux & 15) != Space::Shared;
  atomic<uint32_t>(warp, inst, mask, [=](uint32_t old, uint32_t value, uint32_t) {
    return std::bit_cast<uint32_t>(
        addSingle(std::bit_cast<float>(old), std::bit_cast<float>(value), ftz));
  });
}
void dbl(Warp &warp, const Inst &inst, uint32_t mask) {
  atomic<uint64_t>(warp, inst, mask, [](uint64_t old, uint64_t value, uint64_t) {
    return std::bit_cast<uint64_t>(std::bit_cast<double>(old) + std::bit_cast<double>(value));
  });
}
template <bool Half> void small(Warp &warp, const Inst &inst, uint32_t mask) {
  atomic<uint16_t>(warp, inst, mask, [](uint16_t old, uint16_t value, uint16_t) {
    return addSmall(old, value, Half);
  });
}
template <bool Half> void smallPair(Warp &warp, const Inst &inst, uint32_t mask) {
  atomic<uint32_t>(warp, inst, mask, [](uint32_t old, uint32_t value, uint32_t) {
    return uint32_t(addSmall(uint16_t(old), uint16_t(value), Half)) |
           uint32_t(addSmall(uint16_t(old >> 16), uint16_t(value >> 16), Half)) << 16;
  });
}

} // namespace

bool bindAtomic(const Match &match, Inst &inst) {
  static constexpr std::string_view names[] = {"and", "or",  "xor", "exch", "cas",
                                               "add", "min", "max", "inc",  "dec"};
  uint32_t kind = 0;
  for (uint32_t i = 0; i < std::size(names); ++i)
    if (match.has(names[i]))
      kind = i;
  bool red = match.form.op == Op::op_red;
  inst.aux = uint32_t(match.space()) | kind << 4 | (red ? 1u << 16 : 0) |
             (match.has("release") || match.has("acq_rel") ? 1u << 17 : 0);
  inst.cls = Class::Atomic;
  switch (match.type()) {
  case Type::U32:
  case Type::B32:
    inst.run = integer<uint32_t>;
    return true;
  case Type::S32:
    inst.run = integer<int32_t>;
    return true;
  case Type::U64:
  case Type::B64:
    inst.run = integer<uint64_t>;
    return true;
  case Type::S64:
    inst.run = integer<int64_t>;
    return true;
  case Type::B16:
    inst.run = integer<uint16_t>;
    return true;
  case Type::F32:
    inst.run = single;
    return true;
  case Type::F64:
    inst.run = dbl;
    return true;
  case Type::F16:
    inst.run = small<true>;
    return true;
  case Type::F16x2:
    inst.run = smallPair<true>;
    return true;
  case Type::BF16:
    inst.run = small<false>;
    return true;
  case Type::BF16x2:
    inst.run = smallPair<false>;
    return true;
  default:
    return false;
  }
}

} // namespace fc::emu
