// Async.cpp - cp.async and its groups.
//
// A copy is an object between its issue and the wait that covers it. Under Async::Lazy its bytes
// land at that wait, the latest that the rules allow, so a missing wait leaves old data; under
// Eager they land at the issue, which shows a buffer refilled too early; under Random a seed
// decides, copy by copy. Whatever the mode, the bytes are marked as in flight all the time, and
// touching them is reported (Races.h). Groups belong to threads: a commit or wait concerns the
// copies of the executing lanes only.
#include "runtime/emulator/Access.h"
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Races.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace fc::emu {

using ptx::Space;

namespace {

// aux: 1 a source size is given, 2 a predicate that ignores the source
constexpr uint32_t sizeBit = 1, ignoreBit = 2;

void land(Cta &cta, const AsyncCopy &copy, unsigned lane) {
  uint8_t *to = cta.shared.bytes.data() + copy.to[lane];
  unsigned n = copy.sourceBytes[lane];
  if (n)
    std::memcpy(to, copy.from[lane], n);
  std::memset(to + n, 0, copy.bytes - n);
}

void copyAsync(Warp &warp, const Inst &inst, uint32_t mask) {
  Cta &cta = *warp.cta;
  unsigned bytes = unsigned(inst.imm);
  AsyncCopy copy;
  copy.bytes = bytes;
  copy.source = inst.source;
  copy.pending = mask;
  copy.flops = warp.tensorFlops;
  for (unsigned l = 0; l < warpSize; ++l)
    copy.sourceBytes[l] = uint8_t(bytes);
  if (inst.aux & sizeBit)
    for (uint32_t m = mask; m; m &= m - 1) {
      unsigned l = unsigned(__builtin_ctz(m));
      uint32_t size = warp.word(inst.op[2])[l];
      if (size > bytes)
        throw Fault{"ASYNC-SIZE", fmt::format("a source of {} bytes for a copy of {}", size, bytes),
                    "the source size of `cp.async` must not exceed its copy size", int(l), ""};
      copy.sourceBytes[l] = uint8_t(size);
    }
  if (inst.aux & ignoreBit) {
    uint32_t ignored = warp.predSource(inst, 2);
    for (uint32_t m = mask & ignored; m; m &= m - 1)
      copy.sourceBytes[__builtin_ctz(m)] = 0;
  }
  // The source is read only where bytes come from it.
  uint32_t reading = 0;
  for (uint32_t m = mask; m; m &= m - 1)
    if (copy.sourceBytes[__builtin_ctz(m)])
      reading |= m & -m;
  Access from{warp, inst, reading, Space::Global, bytes, false};
  from.computeAddresses(1, 1);
  if (reading) {
    for (uint32_t m = reading; m; m &= m - 1)
      from.size[__builtin_ctz(m)] = copy.sourceBytes[__builtin_ctz(m)];
    from.sized = inst.aux != 0;
    from.resolve();
    std::memcpy(copy.from, from.host, sizeof copy.from);
  }
  Access to{warp, inst, mask, Space::Shared, bytes, true};
  to.async = true;
  to.computeAddresses(0, 0);
  to.resolve();
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    copy.to[l] = uint32_t(to.address[l]);
    copy.group[l] = AsyncCopy::open;
  }
  Launch::Async mode = cta.grid->launch->async;
  if (mode == Launch::Async::Eager || (mode == Launch::Async::Random && cta.coin())) {
    copy.landed = true;
    for (uint32_t m = mask; m; m &= m - 1)
      land(cta, copy, unsigned(__builtin_ctz(m)));
  }
  cta.races.beginCopy(warp, copy, mask);
  ++warp.tally->asyncCopies;
  warp.tally->asyncBytes += uint64_t(bytes) * unsigned(__builtin_popcount(mask));
  warp.copies.push_back(copy);
}

void commitGroup(Warp &warp, const Inst &, uint32_t mask) {
  for (AsyncCopy &copy : warp.copies)
    for (uint32_t m = mask & copy.pending; m; m &= m - 1) {
      unsigned l = unsigned(__builtin_ctz(m));
      if (copy.group[l] == AsyncCopy::open) {
        copy.group[l] = warp.committed[l];
        copy.flops = warp.tensorFlops;
      }
    }
  for (uint32_t m = mask; m; m &= m - 1)
    ++warp.committed[__builtin_ctz(m)];
}

/// Completes the copies of the executing lanes whose group is older than the `keep` newest; with
/// `everything` also those never committed.
void complete(Warp &warp, uint32_t mask, uint64_t keep, bool everything) {
  Cta &cta = *warp.cta;
  uint64_t counted = UINT64_MAX; ///< the group last counted; copies stand in the order of issue
  for (AsyncCopy &copy : warp.copies) {
    uint32_t done = 0;
    for (uint32_t m = mask & copy.pending; m; m &= m - 1) {
      unsigned l = unsigned(__builtin_ctz(m));
      bool covered =
          copy.group[l] == AsyncCopy::open ? everything : copy.group[l] + keep < warp.committed[l];
      done |= uint32_t(covered) << l;
    }
    if (!done)
      continue;
    if (uint32_t group = copy.group[__builtin_ctz(done)]; group != counted) {
      counted = group;
      ++warp.tally->asyncGroups;
      warp.tally->flopsInFlight += warp.tensorFlops - copy.flops;
    }
    for (uint32_t m = done; m && !copy.landed; m &= m - 1)
      land(cta, copy, unsigned(__builtin_ctz(m)));
    for (uint32_t m = done; m; m &= m - 1)
      std::memset(cta.shared.defined.data() + copy.to[__builtin_ctz(m)], 1, copy.bytes);
    cta.races.endCopy(warp, copy, done);
    copy.pending &= ~done;
  }
  warp.copies.erase(std::remove_if(warp.copies.begin(), warp.copies.end(),
                                   [](const AsyncCopy &copy) { return !copy.pending; }),
                    warp.copies.end());
}

void waitGroup(Warp &warp, const Inst &inst, uint32_t mask) {
  complete(warp, mask, uint64_t(inst.imm), false);
}
void waitAll(Warp &warp, const Inst &, uint32_t mask) { complete(warp, mask, 0, true); }

} // namespace

bool bindAsync(const Match &match, Inst &inst) {
  if (match.has("commit_group")) {
    inst.run = commitGroup;
    return true;
  }
  if (match.has("wait_group")) {
    inst.run = waitGroup;
    return inst.imm >= 0;
  }
  if (match.has("wait_all")) {
    inst.run = waitAll;
    return true;
  }
  bool bytesOk = inst.imm == 16 || (match.has("ca") && (inst.imm == 4 || inst.imm == 8));
  if (!bytesOk)
    throw ptx::Error{match.source.line,
                     fmt::format("`cp.async.{}` copies {}, not {} bytes",
                                 match.has("ca") ? "ca" : "cg",
                                 match.has("ca") ? "4, 8 or 16" : "16", inst.imm)};
  if (match.source.operands.size() >= 4) {
    const OperandSpec &fourth = match.form.operands[3];
    inst.aux = fourth.fixed == ptx::Type::U32    ? sizeBit
               : fourth.fixed == ptx::Type::Pred ? ignoreBit
                                                 : 0; // a cache policy
  }
  inst.run = copyAsync;
  return true;
}

} // namespace fc::emu
