// WarpLanes.cpp - shfl, vote, match, activemask, redux, elect: data between the lanes of a warp.
//
// The run loop has brought all live lanes of the member mask here (Kind::Lanes). None of these
// orders memory.
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Lanes.h"

#include <cstring>
#include <fmt/format.h>

namespace fc::emu {

using ptx::Type;

namespace {

// aux: what in bits 0-7; the operand with the member mask in 24-31
void setMemberOperand(Inst &inst, unsigned operand) {
  inst.aux |= operand << 24;
  inst.kind = Kind::Lanes;
}
const uint32_t *members(Warp &warp, const Inst &inst) { return warp.word(inst.op[inst.aux >> 24]); }

/// Every lane takes part with the mask it names; lanes with one mask are one group.
template <class F> void byGroup(Warp &warp, const Inst &inst, uint32_t mask, F f) {
  const uint32_t *member = members(warp, inst);
  for (uint32_t left = mask; left;) {
    uint32_t named = member[__builtin_ctz(left)], group = 0;
    for (uint32_t m = left; m; m &= m - 1)
      if (member[__builtin_ctz(m)] == named)
        group |= m & -m;
    f(group);
    left &= ~group;
  }
}

void shuffle(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t source[warpSize];
  std::memcpy(source, warp.word(inst.op[2]), sizeof source);
  const uint32_t *b = warp.word(inst.op[3]), *c = warp.word(inst.op[4]),
                 *member = members(warp, inst);
  uint32_t *d = warp.word(inst.op[0]);
  uint32_t inRange = 0, result[warpSize];
  unsigned mode = inst.aux & 3;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    unsigned value = b[l] & 31, clamp = c[l] & 31, segment = c[l] >> 8 & 31;
    unsigned maxLane = (l & segment) | (clamp & ~segment & 31), minLane = l & segment, from;
    bool p;
    switch (mode) {
    case 0: // up
      p = int(l) - int(value) >= int(maxLane);
      from = l - value;
      break;
    case 1: // down
      from = l + value;
      p = from <= maxLane;
      break;
    case 2: // bfly
      from = l ^ value;
      p = from <= maxLane;
      break;
    default:
      from = minLane | (value & ~segment & 31);
      p = from <= maxLane;
      break;
    }
    if (!p)
      from = l;
    // The lane's value has to be there: it executes this, and the reader counts on it.
    if (!(mask >> from & 1) || !(member[l] >> from & 1))
      throw Fault{"SHFL-INACTIVE",
                  fmt::format("lane {} reads from lane {}, which {}", l, from,
                              !(warp.live >> from & 1) ? "has exited"
                              : !(mask >> from & 1)    ? "does not execute this"
                                                       : "is not in the member mask"),
                  "a shuffle may read only from a lane that takes part", int(l), ""};
    result[l] = source[from];
    inRange |= uint32_t(p) << l;
  }
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    d[l] = result[l];
  }
  warp.setPred(inst.op[1], inRange, mask);
}

void vote(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t p = warp.predSource(inst, 1);
  byGroup(warp, inst, mask, [&](uint32_t group) {
    uint32_t yes = p & group;
    switch (inst.aux & 3) {
    case 0:
      return warp.setPred(inst.op[0], yes == group ? allLanes : 0, group);
    case 1:
      return warp.setPred(inst.op[0], yes ? allLanes : 0, group);
    case 2:
      return warp.setPred(inst.op[0], yes == group || !yes ? allLanes : 0, group);
    default:
      for (uint32_t m = group; m; m &= m - 1)
        warp.word(inst.op[0])[__builtin_ctz(m)] = yes;
    }
  });
}

template <class T, bool All> void matchLanes(Warp &warp, const Inst &inst, uint32_t mask) {
  T value[warpSize];
  std::memcpy(value, bank<T>(warp, inst.op[All ? 2 : 1]), sizeof value);
  byGroup(warp, inst, mask, [&](uint32_t group) {
    for (uint32_t m = group; m; m &= m - 1) {
      unsigned l = unsigned(__builtin_ctz(m));
      uint32_t same = 0;
      for (uint32_t o = group; o; o &= o - 1)
        if (value[__builtin_ctz(o)] == value[l])
          same |= o & -o;
      if (All) {
        warp.word(inst.op[0])[l] = same == group ? group : 0;
        warp.setPred(inst.op[1], same == group ? allLanes : 0, 1u << l);
      } else {
        warp.word(inst.op[0])[l] = same;
      }
    }
  });
}

void activeMask(Warp &warp, const Inst &inst, uint32_t mask) {
  for (uint32_t m = mask; m; m &= m - 1)
    warp.word(inst.op[0])[__builtin_ctz(m)] = mask;
}

void redux(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t value[warpSize];
  std::memcpy(value, warp.word(inst.op[1]), sizeof value);
  unsigned what = inst.aux & 15;
  bool isSigned = inst.aux & 16;
  byGroup(warp, inst, mask, [&](uint32_t group) {
    uint32_t result = value[__builtin_ctz(group)];
    for (uint32_t m = group & (group - 1); m; m &= m - 1) {
      uint32_t x = value[__builtin_ctz(m)];
      bool below = isSigned ? int32_t(x) < int32_t(result) : x < result;
      result = what == 0   ? result + x
               : what == 1 ? (below ? x : result)
               : what == 2 ? (below || x == result ? result : x)
               : what == 3 ? result & x
               : what == 4 ? result | x
                           : result ^ x;
    }
    for (uint32_t m = group; m; m &= m - 1)
      warp.word(inst.op[0])[__builtin_ctz(m)] = result;
  });
}

void elect(Warp &warp, const Inst &inst, uint32_t mask) {
  byGroup(warp, inst, mask, [&](uint32_t group) {
    uint32_t leader = group & -group;
    for (uint32_t m = group; m; m &= m - 1)
      warp.word(inst.op[0])[__builtin_ctz(m)] = uint32_t(__builtin_ctz(leader));
    warp.setPred(inst.op[1], leader, group);
  });
}

} // namespace

bool bindWarpLanes(const Match &match, Inst &inst) {
  switch (match.form.op) {
  case Op::op_shfl:
    inst.aux = match.has("up") ? 0 : match.has("down") ? 1 : match.has("bfly") ? 2 : 3;
    setMemberOperand(inst, 5);
    inst.run = shuffle;
    return true;
  case Op::op_vote:
    inst.aux = match.has("all") ? 0 : match.has("any") ? 1 : match.has("uni") ? 2 : 3;
    setMemberOperand(inst, 2);
    inst.run = vote;
    return true;
  case Op::op_match: {
    bool all = match.has("all"), wide = match.type() == Type::B64;
    setMemberOperand(inst, all ? 3 : 2);
    inst.run = all ? (wide ? matchLanes<uint64_t, true> : matchLanes<uint32_t, true>)
                   : (wide ? matchLanes<uint64_t, false> : matchLanes<uint32_t, false>);
    return true;
  }
  case Op::op_activemask:
    inst.run = activeMask;
    return true;
  case Op::op_redux:
    inst.aux = match.has("add")   ? 0
               : match.has("min") ? 1
               : match.has("max") ? 2
               : match.has("and") ? 3
               : match.has("or")  ? 4
                                  : 5;
    inst.aux |= match.type() == Type::S32 ? 16 : 0;
    setMemberOperand(inst, 2);
    inst.run = redux;
    return true;
  case Op::op_elect:
    setMemberOperand(inst, 2);
    inst.run = elect;
    return true;
  default:
    return false;
  }
}

} // namespace fc::emu
