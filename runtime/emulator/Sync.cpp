// Sync.cpp - barriers, fences and what only takes time.
#include "runtime/emulator/Conflicts.h"
#include "runtime/emulator/Decoder.h"

#include <fmt/format.h>

namespace fc::emu {

using ptx::Type;

namespace {

// aux of barriers: bit 0 .aligned, 1 arrive only, 2 a thread count is given, 4-5 reduction
constexpr uint32_t alignedBit = 1, arriveBit = 2, countedBit = 4;

uint32_t uniform(Warp &warp, uint16_t unit, uint32_t mask, std::string_view what) {
  const uint32_t *value = warp.word(unit);
  uint32_t first = value[__builtin_ctz(mask)];
  for (uint32_t m = mask; m; m &= m - 1)
    if (value[__builtin_ctz(m)] != first)
      throw Fault{
          "BAR-DIVERGENT",
          fmt::format("lanes name different {}: {} and {}", what, first, value[__builtin_ctz(m)]),
          "the lanes of a warp have to name one barrier and one count", __builtin_ctz(m), ""};
  return first;
}

void barrier(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t reduction = inst.aux >> 4 & 3;
  unsigned first = reduction ? 1 : 0;
  uint32_t number = uniform(warp, inst.op[first], mask, "barriers");
  bool counted = inst.aux & countedBit;
  uint32_t count = counted ? uniform(warp, inst.op[first + 1], mask, "counts") : 0;
  if (number > 15)
    throw Fault{"BAR-MISMATCH", fmt::format("barrier {}", number), "barriers are numbered 0 to 15",
                -1, ""};
  if (counted && (count == 0 || count % warpSize != 0))
    throw Fault{"BAR-MISMATCH", fmt::format("a barrier for {} threads", count),
                "the number of threads at a barrier has to be a multiple of 32", -1, ""};
  Cta &cta = *warp.cta;
  BarrierState &state = cta.barriers[number];
  auto use = BarrierState::Use(reduction);
  if (state.active && state.use != use)
    throw Fault{"BAR-MISMATCH",
                fmt::format("barrier {} is used with another kind of instruction at {}", number,
                            ptxLineOf(*cta.program, state.line)),
                "`bar.red` is not to be mixed with other uses of a barrier", -1, ""};
  state.use = use;
  uint32_t holds = reduction ? warp.predSource(inst, first + 2) & mask : 0;
  if (!state.active)
    state.reduced = 0;
  if (reduction)
    state.results.push_back({warp.index, inst.op[0], mask});
  cta.arrive(warp, inst, mask, number, count, counted, !(inst.aux & arriveBit),
             uint32_t(__builtin_popcount(holds)));
}

void nothing(Warp &, const Inst &, uint32_t) {}

/// Orders nothing by itself; what a later atomic says to others then covers what came before.
/// One of the CTA's scope (aux 1) says nothing to other CTAs.
void fence(Warp &warp, const Inst &inst, uint32_t) {
  warp.fenced = true;
  if (CtaOrder *order = warp.cta->grid->order; order && !inst.aux)
    order->fence();
}

/// The lanes of the mask see each other's accesses from here on.
void warpSync(Warp &warp, const Inst &, uint32_t mask) { warp.cta->races.meet(warp, mask); }

} // namespace

bool bindSync(const Match &match, Inst &inst) {
  bool isBar = match.form.op == Op::op_bar;
  switch (match.form.op) {
  case Op::op_bar:
  case Op::op_barrier: {
    if (match.has("warp")) {
      inst.kind = Kind::Lanes;
      inst.aux = 0;
      inst.run = warpSync;
      return true;
    }
    bool red = match.has("red");
    inst.kind = Kind::Barrier;
    inst.aux =
        (isBar || match.has("aligned") ? alignedBit : 0) | (match.has("arrive") ? arriveBit : 0);
    if (red)
      inst.aux |= (match.has("and") ? 1u : match.has("or") ? 2u : 3u) << 4;
    size_t given = match.source.operands.size();
    if (given == (red ? 4u : 2u))
      inst.aux |= countedBit;
    inst.run = barrier;
    return true;
  }
  case Op::op_membar:
  case Op::op_fence:
    inst.aux = match.has("cta");
    inst.run = fence;
    return true;
  case Op::op_nanosleep:
  case Op::op_griddepcontrol:
    inst.run = nothing;
    return true;
  default:
    return false;
  }
}

} // namespace fc::emu
