// Warp.cpp - the run loop of a warp: lane masks, divergence, reconvergence.
//
// Lanes that are at one place form a group. The group with the lowest address runs; when it reaches
// the place of another, they join. That reconverges structured code as a compiler lays it out. A
// group that keeps branching backward while another waits lets that one run, so a lane may spin for
// a value that a lane of its own warp has yet to write.
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Registers.h"

#include <algorithm>
#include <fmt/format.h>

namespace fc::emu {

namespace {
/// Backward branches after which another group of the warp gets its turn.
constexpr uint32_t spinLimit = 4096;
} // namespace

void Warp::updateLimit() {
  limit = UINT32_MAX;
  for (const Group &group : parked)
    if (group.pc > pc && group.state != Group::State::Barrier)
      limit = std::min(limit, group.pc);
}

/// Puts the running group among the parked ones and picks the ready one with the lowest address,
/// joined by all that are at the same place.
void Warp::reselect() {
  if (active)
    parked.push_back({Group::State::Ready, pc, active, 0});
  active = 0;
  const Group *best = nullptr;
  for (const Group &group : parked)
    if (group.state == Group::State::Ready && (!best || group.pc < best->pc))
      best = &group;
  if (!best) {
    blocked = true;
    return;
  }
  blocked = false;
  pc = best->pc;
  // Whoever waits here for others tries again together with them.
  for (size_t i = 0; i < parked.size();) {
    if (parked[i].pc == pc && parked[i].state != Group::State::Barrier) {
      active |= parked[i].mask;
      parked[i] = parked.back();
      parked.pop_back();
    } else {
      ++i;
    }
  }
  updateLimit();
}

void Warp::park(Group::State state, uint32_t wanted) {
  parked.push_back({state, pc, active, wanted});
  active = 0;
  reselect();
}

void Warp::exitLanes(uint32_t mask) {
  live &= ~mask;
  active &= ~mask;
  // Those who wait for lanes that are gone have to look again.
  for (Group &group : parked)
    if (group.state == Group::State::Aligned || group.state == Group::State::Lanes)
      group.state = Group::State::Ready;
}

void Warp::branch(const Inst &inst, uint32_t mask, uint32_t target) {
  uint32_t rest = active & ~mask;
  if (rest) {
    if (inst.aux)
      throw Fault{"DIVERGENT-UNI",
                  fmt::format("lanes 0x{:08x} of 0x{:08x} take this branch", mask, active),
                  "`bra.uni` has to be taken by all active lanes or by none", -1, ""};
    parked.push_back({Group::State::Ready, pc + 1, rest, 0});
    active = mask;
  }
  bool backward = target <= pc;
  pc = target;
  if (parked.empty())
    return;
  if (backward && ++loops > spinLimit) {
    // Let the others run first: the group goes behind them all once.
    loops = 0;
    uint32_t mine = active;
    active = 0;
    reselect();
    if (blocked) {
      active = mine;
      pc = target;
      blocked = false;
      updateLimit();
    } else {
      parked.push_back({Group::State::Ready, target, mine, 0});
      updateLimit();
    }
    return;
  }
  reselect();
}

/// For instructions that need company: true if all wanted lanes are here. Otherwise parks the
/// group.
bool Warp::converged(const Inst &inst, uint32_t mask) {
  if (inst.kind == Kind::Lanes) {
    // The member mask is the last source; every lane that executes has to be in its own mask.
    const uint32_t *members = word(inst.op[inst.aux >> 24]);
    uint32_t wanted = 0;
    for (uint32_t m = mask; m; m &= m - 1) {
      unsigned lane = unsigned(__builtin_ctz(m));
      if (!(members[lane] >> lane & 1))
        throw Fault{
            "SYNC-MASK",
            fmt::format("lane {} executes this with member mask 0x{:08x}", lane, members[lane]),
            "a lane that executes a `.sync` instruction has to be in its mask", int(lane), ""};
      wanted |= members[lane];
    }
    wanted &= live;
    if ((wanted & ~active) == 0)
      return true;
    park(Group::State::Lanes, wanted);
    return false;
  }
  if (active == live)
    return true;
  park(Group::State::Aligned, live);
  return false;
}

void Warp::checkDefined(const Inst &inst, uint32_t mask) {
  const DefCheck &check = cta->program->defChecks.at(uint32_t(&inst - cta->program->code.data()));
  for (const DefCheck::Read &read : check.reads)
    for (unsigned byte = 0; byte < read.bytes; ++byte) {
      uint32_t bad = (read.guard ? active : mask) & ~tracked[read.slot + byte];
      if (!bad) [[likely]]
        continue;
      uint32_t lane = bad & -bad;
      bool wholly = true;
      for (unsigned each = 0; each < read.bytes; ++each)
        wholly &= !(tracked[read.slot + each] & lane);
      throw Fault{"UNINIT-REG",
                  wholly ? fmt::format("`{}` was never written on the way here", read.name)
                         : fmt::format("byte {} of `{}` was never written on the way here", byte,
                                       read.name),
                  "a register has to be written before it is used", __builtin_ctz(bad), ""};
    }
  // A register may be its own source, so all sources are read before anything is written.
  std::array<uint32_t, DefCheck::mostWrites> now;
  for (size_t k = 0; k < check.writes.size(); ++k) {
    now[k] = mask;
    for (uint32_t from : check.writes[k].from)
      if (from != DefCheck::Write::defined)
        now[k] &= tracked[from];
  }
  for (size_t k = 0; k < check.writes.size(); ++k) {
    uint32_t &slot = tracked[check.writes[k].slot];
    slot = (slot & ~mask) | now[k];
  }
}

void Warp::run(uint64_t quantum) {
  const Inst *code = cta->program->code.data();
  if (!active)
    reselect();
  while (quantum-- && active) {
    const Inst &inst = code[pc];
    uint32_t mask = active;
    if (inst.guard != Inst::noGuard) {
      uint32_t guard = preds[inst.guard];
      mask &= inst.guardNegated ? ~guard : guard;
    }
    ++tally->classes[size_t(inst.cls)];
    ++issued;
    if (inst.checkDefined) [[unlikely]]
      checkDefined(inst, mask);
    if (inst.kind == Kind::Plain) [[likely]] {
      if (mask)
        inst.run(*this, inst, mask);
      if (++pc >= limit) [[unlikely]]
        reselect();
      continue;
    }
    step(inst, mask);
  }
}

void Warp::step(const Inst &inst, uint32_t mask) {
  auto next = [&] {
    if (++pc >= limit)
      reselect();
  };
  switch (inst.kind) {
  case Kind::Plain:
    break;
  case Kind::Branch:
    if (!mask)
      return next();
    return branch(inst, mask, inst.target);
  case Kind::BranchIndexed: {
    if (!mask)
      return next();
    const std::vector<uint32_t> &table = cta->program->branchTables[inst.target];
    const uint32_t *index = word(inst.op[0]);
    uint32_t rest = active & ~mask;
    if (rest)
      parked.push_back({Group::State::Ready, pc + 1, rest, 0});
    for (uint32_t left = mask; left;) {
      unsigned lane = unsigned(__builtin_ctz(left));
      if (index[lane] >= table.size())
        throw Fault{"BRANCH-INDEX",
                    fmt::format("index {} of {} targets", index[lane], table.size()),
                    "the index of `brx.idx` has to be below the number of targets", int(lane), ""};
      uint32_t same = 0;
      for (uint32_t m = left; m; m &= m - 1)
        if (index[__builtin_ctz(m)] == index[lane])
          same |= m & -m;
      parked.push_back({Group::State::Ready, table[index[lane]], same, 0});
      left &= ~same;
    }
    active = 0;
    return reselect();
  }
  case Kind::Exit:
    if (!mask)
      return next();
    exitLanes(mask);
    if (active) {
      ++pc;
      updateLimit();
      if (pc >= limit)
        reselect();
    } else {
      reselect();
    }
    return;
  case Kind::Aligned:
  case Kind::Lanes:
    if (!mask)
      return next();
    if (!converged(inst, mask)) {
      // Not executed yet; it counts when it is.
      --tally->classes[size_t(inst.cls)];
      --issued;
      return;
    }
    if (inst.kind == Kind::Aligned && mask != active)
      throw Fault{"ALIGNED-DIVERGENT",
                  fmt::format("its guard holds in lanes 0x{:08x} of 0x{:08x}", mask, active),
                  "an `.aligned` instruction has to be executed by all lanes of the warp", -1, ""};
    inst.run(*this, inst, mask);
    return next();
  case Kind::Barrier:
    if (!mask)
      return next();
    if ((inst.aux & 1) != 0) { // .aligned
      if (!converged(inst, mask)) {
        --tally->classes[size_t(inst.cls)];
        --issued;
        return;
      }
      if (mask != active)
        throw Fault{"BAR-DIVERGENT",
                    fmt::format("its guard holds in lanes 0x{:08x} of 0x{:08x}", mask, active),
                    "an aligned barrier has to be executed by all lanes of the warp", -1, ""};
    }
    inst.run(*this, inst, mask);
    return;
  case Kind::Wait:
    if (!mask)
      return next();
    inst.run(*this, inst, mask);
    return;
  }
}

} // namespace fc::emu
