// Cta.cpp - a CTA's warps taking turns, its barriers, and what is said when nobody can go on.
#include "runtime/emulator/Conflicts.h"
#include "runtime/emulator/Decoder.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace fc::emu {

namespace {

/// Instructions that a warp issues before the next one runs, unless it blocks earlier.
constexpr uint64_t quantum = 2048;

uint64_t mix(uint64_t x) { // splitmix64
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

} // namespace

void Tally::add(const Tally &other) {
  for (size_t i = 0; i < classes.size(); ++i)
    classes[i] += other.classes[i];
  sharedWavefronts += other.sharedWavefronts;
  sharedWavefrontsIdeal += other.sharedWavefrontsIdeal;
  globalSectors += other.globalSectors;
  globalSectorsIdeal += other.globalSectorsIdeal;
  globalRequests += other.globalRequests;
  globalRead += other.globalRead;
  globalWritten += other.globalWritten;
  barriers += other.barriers;
  mma += other.mma;
  tensorFlops += other.tensorFlops;
  tensorFlopsUseful += other.tensorFlopsUseful;
  asyncCopies += other.asyncCopies;
  asyncBytes += other.asyncBytes;
  asyncGroups += other.asyncGroups;
  flopsInFlight += other.flopsInFlight;
}

void SharedMemory::reset(uint32_t size) {
  bytes.resize(size);
  defined.assign(size, 0);
  // All ones is NaN in every float format.
  std::memset(bytes.data(), 0xff, bytes.size());
}

void Cta::prepare(Grid &g, Tally &t) {
  grid = &g;
  program = g.program;
  tally = &t;
  threads = g.block[0] * g.block[1] * g.block[2];
  size_t count = (threads + warpSize - 1) / warpSize;
  size_t perWarp = size_t(program->units + 1) * warpSize;
  unitStorage = std::make_unique<uint32_t[]>(count * perWarp + 16);
  uintptr_t at = (reinterpret_cast<uintptr_t>(unitStorage.get()) + 63) & ~uintptr_t(63);
  alignedUnits = reinterpret_cast<uint32_t *>(at);
  warps.resize(count);
  for (size_t i = 0; i < count; ++i) {
    Warp &warp = warps[i];
    warp.cta = this;
    warp.index = unsigned(i);
    warp.tally = &t;
    warp.units = alignedUnits + i * perWarp;
    warp.preds.assign(program->predicates, 0);
    warp.tracked.assign(program->tracked, 0);
    for (const Program::Constant &constant : program->constants)
      for (unsigned lane = 0; lane < warpSize; ++lane)
        if (constant.wide)
          warp.wide(constant.unit)[lane] = constant.bits;
        else
          warp.word(constant.unit)[lane] = uint32_t(constant.bits);
  }
  local.assign(size_t(count) * warpSize * program->localBytes, 0xff);
  for (BarrierState &barrier : barriers) {
    barrier.arrived.assign(count, 0);
    barrier.waiting.assign(count, 0);
  }
}

namespace {

void fillSpecials(Warp &warp) {
  const Cta &cta = *warp.cta;
  const Grid &grid = *cta.grid;
  for (auto [unit, special] : cta.program->specials) {
    for (unsigned lane = 0; lane < warpSize; ++lane) {
      uint32_t thread = warp.index * warpSize + lane;
      uint32_t value = 0;
      switch (special) {
      case Special::TidX:
        value = thread % grid.block[0];
        break;
      case Special::TidY:
        value = thread / grid.block[0] % grid.block[1];
        break;
      case Special::TidZ:
        value = thread / (grid.block[0] * grid.block[1]);
        break;
      case Special::NtidX:
      case Special::NtidY:
      case Special::NtidZ:
        value = grid.block[size_t(special) - size_t(Special::NtidX)];
        break;
      case Special::CtaidX:
      case Special::CtaidY:
      case Special::CtaidZ:
        value = cta.id[size_t(special) - size_t(Special::CtaidX)];
        break;
      case Special::NctaidX:
      case Special::NctaidY:
      case Special::NctaidZ:
        value = grid.grid[size_t(special) - size_t(Special::NctaidX)];
        break;
      case Special::LaneId:
        value = lane;
        break;
      case Special::WarpId:
        value = warp.index;
        break;
      case Special::NwarpId:
        value = uint32_t(cta.warps.size());
        break;
      case Special::MaskEq:
        value = 1u << lane;
        break;
      case Special::MaskLt:
        value = (1u << lane) - 1;
        break;
      case Special::MaskLe:
        value = ((1u << lane) - 1) | 1u << lane;
        break;
      case Special::MaskGe:
        value = ~((1u << lane) - 1);
        break;
      case Special::MaskGt:
        value = ~(((1u << lane) - 1) | 1u << lane);
        break;
      case Special::DynamicShared:
        value = grid.launch->sharedBytes;
        break;
      case Special::TotalShared:
        value = cta.program->staticShared + grid.launch->sharedBytes;
        break;
      case Special::NsmId:
      case Special::One:
        value = 1;
        break;
      default:
        break;
      }
      // As 64 bits too, low word first, when a wide instruction reads it.
      warp.word(unit)[lane] = value;
    }
  }
}

} // namespace

uint32_t Cta::lanesOf(const Warp &warp) const {
  unsigned lanes = std::min(warpSize, threads - warp.index * warpSize);
  return lanes == warpSize ? allLanes : (1u << lanes) - 1;
}

void Cta::execute(uint64_t number) {
  linear = number;
  issued = 0;
  id = {uint32_t(linear % grid->grid[0]), uint32_t(linear / grid->grid[0] % grid->grid[1]),
        uint32_t(linear / grid->grid[0] / grid->grid[1])};
  shared.start = 1024;
  shared.reset(grid->sharedBytes);
  if (!local.empty())
    std::memset(local.data(), 0xff, local.size());
  for (BarrierState &barrier : barriers) {
    barrier.active = false;
    barrier.clock.clear();
    std::fill(barrier.arrived.begin(), barrier.arrived.end(), 0);
    std::fill(barrier.waiting.begin(), barrier.waiting.end(), 0);
    barrier.results.clear();
  }
  for (Warp &warp : warps) {
    warp.live = lanesOf(warp);
    warp.active = warp.live;
    warp.pc = 0;
    warp.limit = UINT32_MAX;
    warp.loops = 0;
    warp.parked.clear();
    warp.blocked = false;
    warp.issued = 0;
    warp.carry = 0;
    warp.copies.clear();
    warp.fenced = false;
    warp.tensorFlops = 0;
    warp.committed.fill(0);
    warp.preds[0] = 0;
    warp.preds[1] = allLanes;
    std::fill(warp.tracked.begin(), warp.tracked.end(), 0);
    fillSpecials(warp);
  }
  // Warps take turns; a seed permutes them and varies the length of a turn.
  std::vector<unsigned> order(warps.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = unsigned(i);
  bool seeded = grid->launch->async == Launch::Async::Random;
  races.reset(*this, grid->launch->checkRaces, grid->sharedBytes);
  if (grid->order)
    grid->order->begin(linear);
  random = mix(grid->launch->seed * 0x9e3779b97f4a7c15u + linear);
  for (;;) {
    bool anyLive = false, anyRan = false;
    if (seeded)
      for (size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[(random = mix(random)) % i]);
    for (unsigned index : order) {
      Warp &warp = warps[index];
      if (warp.exited())
        continue;
      anyLive = true;
      if (warp.blocked)
        continue;
      anyRan = true;
      running = &warp;
      uint64_t before = warp.issued;
      warp.run(seeded ? 1 + (random = mix(random)) % quantum : quantum);
      issued += warp.issued - before;
      if (warp.exited())
        completeBarriers();
    }
    if (!anyLive)
      return;
    if (!anyRan)
      reportDeadlock();
    if (grid->launch->instructionLimit && issued > grid->launch->instructionLimit)
      reportEndless();
  }
}

void Cta::arrive(Warp &warp, const Inst &inst, uint32_t mask, unsigned number, uint32_t count,
                 bool counted, bool wait, uint32_t votes) {
  BarrierState &barrier = barriers[number];
  ++tally->barriers;
  bool aligned = inst.aux & 1;
  if (!barrier.active) {
    barrier.active = true;
    barrier.counted = counted;
    barrier.expected = count;
    barrier.arrivedThreads = 0;
    barrier.reduced = 0;
    barrier.line = inst.source;
  } else if (barrier.counted != counted || barrier.expected != count) {
    auto text = [](bool c, uint32_t n) { return c ? fmt::format("{} threads", n) : "all threads"; };
    throw Fault{"BAR-MISMATCH",
                fmt::format("barrier {} waits for {} here, for {} at {}", number,
                            text(counted, count), text(barrier.counted, barrier.expected),
                            ptxLineOf(*program, barrier.line)),
                "all who meet at a barrier have to name the same number of threads", -1, ""};
  }
  if (barrier.arrived[warp.index] & mask)
    throw Fault{"BAR-DOUBLE-ARRIVE",
                fmt::format("the warp arrives at barrier {} again before it completed", number),
                "a warp may arrive once at a barrier before all have", -1, ""};
  barrier.arrived[warp.index] |= mask;
  races.release(barrier.clock, warp, mask);
  barrier.reduced += votes;
  barrier.arrivedThreads += aligned ? warpSize : uint32_t(__builtin_popcount(mask));
  if (wait) {
    // Parked behind the instruction, where the lanes go on once released.
    barrier.waiting[warp.index] |= mask;
    warp.parked.push_back({Group::State::Barrier, warp.pc + 1, mask, number});
    warp.active &= ~mask;
  }
  tryComplete(number);
  if (!warp.active)
    warp.reselect();
  else if (++warp.pc >= warp.limit)
    warp.reselect();
}

bool Cta::tryComplete(unsigned number) {
  BarrierState &barrier = barriers[number];
  if (!barrier.active)
    return false;
  if (barrier.counted) {
    if (barrier.arrivedThreads > barrier.expected)
      throw Fault{"BAR-MISMATCH",
                  fmt::format("{} threads arrived at barrier {}, which is for {}",
                              barrier.arrivedThreads, number, barrier.expected),
                  "no more threads may arrive at a barrier than it is for", -1, ""};
    if (barrier.arrivedThreads < barrier.expected)
      return false;
  } else {
    for (const Warp &warp : warps)
      if (warp.live & ~barrier.arrived[warp.index])
        return false;
  }
  for (const BarrierState::Result &result : barrier.results) {
    Warp &warp = warps[result.warp];
    uint32_t all = 0;
    for (uint32_t arrived : barrier.arrived)
      all += uint32_t(__builtin_popcount(arrived));
    if (barrier.use == BarrierState::Use::Popc) {
      for (uint32_t m = result.mask; m; m &= m - 1)
        warp.word(result.op)[__builtin_ctz(m)] = barrier.reduced;
    } else {
      bool holds =
          barrier.use == BarrierState::Use::And ? barrier.reduced == all : barrier.reduced != 0;
      warp.setPred(result.op, holds ? allLanes : 0, result.mask);
    }
  }
  barrier.results.clear();
  barrier.active = false;
  bool everyone = true;
  for (const Warp &warp : warps) {
    races.acquire(barrier.clock, warp, barrier.waiting[warp.index]);
    // Whoever has exited met nobody here.
    everyone &= barrier.waiting[warp.index] == lanesOf(warp);
  }
  barrier.clock.clear();
  if (everyone)
    races.newGeneration();
  for (Warp &warp : warps) {
    barrier.arrived[warp.index] = 0;
    uint32_t waiting = barrier.waiting[warp.index];
    barrier.waiting[warp.index] = 0;
    if (!waiting)
      continue;
    for (Group &group : warp.parked)
      if (group.state == Group::State::Barrier && group.wanted == number)
        group.state = Group::State::Ready;
    warp.blocked = false;
    warp.updateLimit();
  }
  return true;
}

void Cta::completeBarriers() {
  for (unsigned number = 0; number < barriers.size(); ++number)
    if (barriers[number].active && !barriers[number].counted)
      tryComplete(number);
}

std::string Cta::whereEveryoneIs(bool onlyWaiters) const {
  constexpr unsigned most = 16; // a report is one screen long
  std::string text;
  unsigned shown = 0;
  auto line = [&](const Warp &warp, uint32_t lanes, uint32_t pc, const std::string &what) {
    if (++shown > most)
      return;
    const Inst &inst = program->code[pc];
    text += fmt::format("\n  warp {}, lanes 0x{:08x}: {}  `{}`{}", warp.index, lanes,
                        ptxLineOf(*program, inst.source), program->function->body[inst.source].text,
                        what);
  };
  for (const Warp &warp : warps) {
    if (warp.active && !onlyWaiters)
      line(warp, warp.active, warp.pc, ", runs");
    for (const Group &group : warp.parked) {
      if (group.state == Group::State::Ready) {
        if (!onlyWaiters)
          line(warp, group.mask, group.pc, ", runs");
      } else if (group.state == Group::State::Barrier) {
        const BarrierState &barrier = barriers[group.wanted];
        uint32_t arrived = 0;
        for (uint32_t lanes : barrier.arrived)
          arrived += uint32_t(__builtin_popcount(lanes));
        line(warp, group.mask, group.pc - 1,
             fmt::format(", barrier {}: {} threads arrived, {} expected", group.wanted,
                         barrier.counted ? barrier.arrivedThreads : arrived,
                         barrier.counted ? fmt::format("{}", barrier.expected) : "all"));
      } else {
        line(warp, group.mask, group.pc,
             fmt::format(", wants lanes 0x{:08x}", group.wanted & warp.live));
      }
    }
  }
  if (shown > most)
    text += fmt::format("\n  ... and {} more", shown - most);
  return text;
}

void Cta::reportEndless() {
  // The place of the report is that of the first lanes that run.
  for (Warp &warp : warps) {
    const Group *group = nullptr;
    for (const Group &each : warp.parked)
      if (each.state == Group::State::Ready)
        group = &each;
    if (!warp.active && !group)
      continue;
    running = &warp;
    if (!warp.active)
      warp.pc = group->pc;
    break;
  }
  throw Fault{
      "INSTRUCTION-LIMIT",
      fmt::format("the CTA has issued {} warp instructions and has not ended", issued),
      fmt::format("a CTA may issue {} (`--max-instructions` raises that); a loop that waits "
                  "for what never comes runs for ever",
                  grid->launch->instructionLimit),
      -1, "where it is:" + whereEveryoneIs(false)};
}

void Cta::reportDeadlock() {
  // The place of the report is that of the first waiter, of one that is not at a barrier if there
  // is such a one.
  Warp *culprit = nullptr;
  const Group *what = nullptr;
  for (Warp &warp : warps)
    for (const Group &group : warp.parked)
      if (!what || (group.state != Group::State::Barrier && what->state == Group::State::Barrier)) {
        culprit = &warp;
        what = &group;
      }
  running = culprit;
  bool atBarrier = what->state == Group::State::Barrier;
  culprit->pc = atBarrier ? what->pc - 1 : what->pc;
  std::string waiters = "waiting:" + whereEveryoneIs(true);
  int lane = __builtin_ctz(what->mask);
  switch (what->state) {
  case Group::State::Aligned:
    throw Fault{program->code[what->pc].kind == Kind::Barrier ? "BAR-DIVERGENT"
                                                              : "ALIGNED-DIVERGENT",
                fmt::format("lanes 0x{:08x} are here, the other lanes of the warp will not come",
                            what->mask),
                "an `.aligned` instruction has to be executed by all lanes of the warp together",
                lane, std::move(waiters)};
  case Group::State::Lanes:
    throw Fault{"SYNC-DIVERGENT",
                fmt::format("lanes 0x{:08x} are here, lanes 0x{:08x} of the mask will not come",
                            what->mask, what->wanted & culprit->live & ~what->mask),
                "all lanes of the member mask have to execute the same `.sync` instruction", lane,
                std::move(waiters)};
  case Group::State::Ready:
  case Group::State::Barrier:
    throw Fault{"DEADLOCK", "no warp can go on", "everyone who waits needs somebody who arrives",
                lane, std::move(waiters)};
  }
  __builtin_unreachable();
}

std::string ptxLineOf(const Program &program, uint32_t source) {
  if (program.function->body.empty())
    return fmt::format("{}:{}", program.module->name, program.function->line);
  return fmt::format("{}:{}", program.module->name, program.function->body[source].line);
}

std::string fcLineOf(const Program &program, uint32_t source) {
  if (program.function->body.empty())
    return "";
  const ptx::Location &location =
      program.module->locations[program.function->body[source].location];
  auto file = program.module->files.find(location.file);
  if (!location.line || file == program.module->files.end())
    return "";
  return fmt::format("{}:{}", file->second, location.line);
}

std::string ctaText(const Grid &grid, uint64_t linear) {
  return fmt::format("CTA ({}, {}, {})", linear % grid.grid[0],
                     linear / grid.grid[0] % grid.grid[1], linear / grid.grid[0] / grid.grid[1]);
}

std::string threadText(const Grid &grid, uint64_t linear, uint32_t thread) {
  const auto &block = grid.block;
  return fmt::format("{}, warp {}, lane {} (thread {}, {}, {})", ctaText(grid, linear),
                     thread / warpSize, thread % warpSize, thread % block[0],
                     thread / block[0] % block[1], thread / (block[0] * block[1]));
}

} // namespace fc::emu
