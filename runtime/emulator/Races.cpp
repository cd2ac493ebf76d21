// Races.cpp - see Races.h.
#include "runtime/emulator/Races.h"
#include "runtime/emulator/Access.h"

#include <algorithm>
#include <fmt/format.h>

namespace fc::emu {

namespace {
/// Reads are kept for each warp and cell; 16 bytes each, so 64 MB.
constexpr size_t mostGlobalReads = size_t(4) << 20;
/// Cells beyond which a full barrier, which makes all of them stale, forgets them.
constexpr size_t manyGlobalCells = size_t(1) << 14;
/// Addresses whose strong accesses are followed; a kernel that has more does not synchronise by
/// them.
constexpr size_t mostVariables = 4096;
} // namespace

void Races::reset(Cta &owner, bool check, uint32_t sharedBytes) {
  cta = &owner;
  shift = granuleShift(owner.program->sharedGranule);
  globalShift = granuleShift(owner.program->globalGranule);
  enabled = check;
  threads = unsigned(owner.warps.size()) * warpSize;
  copiesInFlight = 0;
  flying.assign((sharedBytes + 3) / 4, 0);
  if (!enabled)
    return;
  size_t granules = (sharedBytes >> shift) + 1;
  // A cell of an older generation counts as empty, so cells live on from CTA to CTA.
  ++generation;
  if (shared.cells.size() != granules) {
    shared.cells.assign(granules, Cell{});
    shared.reads.assign(owner.warps.size(), std::vector<Read>(granules));
    global.reads.resize(owner.warps.size());
  }
  shared.overflow.clear();
  global.forget();
  globalEnabled = true;
  variables.clear();
  clock.assign(owner.warps.size(), 1);
  pool.assign(1, std::vector<uint32_t>(threads, 0));
  references.assign(1, threads);
  freeVectors.clear();
  vectorOf.assign(threads, 0);
}

void Races::newGeneration() {
  ++generation;
  if (global.cells.size() > manyGlobalCells)
    global.forget();
}

void Races::Shadow::forget() {
  if (cells.empty())
    return;
  cells.clear();
  granules.clear();
  overflow.clear();
  for (std::vector<Read> &each : reads)
    each.clear();
  std::fill(table.begin(), table.end(), 0);
}

namespace {
size_t hashOf(uint64_t granule) { return size_t(granule * 0x9e3779b97f4a7c15u >> 20); }
} // namespace

void Races::growTable() {
  global.table.assign(std::max<size_t>(1024, global.table.size() * 2), 0);
  size_t mask = global.table.size() - 1;
  for (size_t cell = 0; cell < global.granules.size(); ++cell) {
    size_t at = hashOf(global.granules[cell]) & mask;
    while (global.table[at])
      at = (at + 1) & mask;
    global.table[at] = uint32_t(cell + 1);
  }
}

uint32_t Races::globalCell(uint64_t granule) {
  if (global.table.size() < 2 * (global.cells.size() + 1))
    growTable();
  size_t mask = global.table.size() - 1, at = hashOf(granule) & mask;
  for (; global.table[at]; at = (at + 1) & mask)
    if (global.granules[global.table[at] - 1] == granule)
      return global.table[at] - 1;
  if ((global.cells.size() + 1) * cta->warps.size() > mostGlobalReads)
    return noCell;
  global.cells.push_back(Cell{});
  global.granules.push_back(granule);
  global.table[at] = uint32_t(global.cells.size());
  return global.table[at] - 1;
}

//===-- clocks --------------------------------------------------------------------------------===//

uint32_t Races::addVector(std::vector<uint32_t> values) {
  uint32_t index;
  if (freeVectors.empty()) {
    index = uint32_t(pool.size());
    pool.push_back(std::move(values));
    references.push_back(0);
  } else {
    index = freeVectors.back();
    freeVectors.pop_back();
    pool[index] = std::move(values);
  }
  return index;
}

void Races::setVector(uint32_t thread, uint32_t index) {
  uint32_t old = vectorOf[thread];
  vectorOf[thread] = index;
  ++references[index];
  if (--references[old] == 0)
    freeVectors.push_back(old);
}

void Races::release(SyncClock &sync, const Warp &warp, uint32_t lanes) {
  if (!enabled)
    return;
  if (sync.seen.empty())
    sync.seen.assign(threads, 0);
  uint32_t last = UINT32_MAX;
  for (uint32_t m = lanes; m; m &= m - 1) {
    uint32_t thread = warp.index * warpSize + uint32_t(__builtin_ctz(m));
    uint32_t index = vectorOf[thread];
    if (index != last) { // lanes mostly share one
      const std::vector<uint32_t> &vector = pool[index];
      for (uint32_t t = 0; t < threads; ++t)
        sync.seen[t] = std::max(sync.seen[t], vector[t]);
      last = index;
    }
  }
  for (uint32_t m = lanes; m; m &= m - 1)
    sync.seen[warp.index * warpSize + uint32_t(__builtin_ctz(m))] = clock[warp.index];
  ++clock[warp.index];
}

void Races::acquire(const SyncClock &sync, const Warp &warp, uint32_t lanes) {
  if (!enabled || sync.seen.empty())
    return;
  // Lanes with the same vector before have the same vector after.
  std::vector<std::pair<uint32_t, uint32_t>> renamed;
  for (uint32_t m = lanes; m; m &= m - 1) {
    uint32_t thread = warp.index * warpSize + uint32_t(__builtin_ctz(m));
    uint32_t old = vectorOf[thread], fresh = UINT32_MAX;
    for (auto [from, to] : renamed)
      if (from == old)
        fresh = to;
    if (fresh == UINT32_MAX) {
      std::vector<uint32_t> joined = sync.seen;
      for (uint32_t t = 0; t < threads; ++t)
        joined[t] = std::max(joined[t], pool[old][t]);
      fresh = addVector(std::move(joined));
      renamed.emplace_back(old, fresh);
      ++references[old]; // held until all lanes are renamed
    }
    setVector(thread, fresh);
  }
  for (auto [from, to] : renamed)
    if (--references[from] == 0)
      freeVectors.push_back(from);
}

void Races::meet(const Warp &warp, uint32_t lanes) {
  SyncClock sync;
  release(sync, warp, lanes);
  acquire(sync, warp, lanes);
}

//===-- reports -------------------------------------------------------------------------------===//

void Races::race(const char *id, const Shadow &shadow, uint32_t cellIndex, uint32_t thread,
                 bool write, uint32_t otherThread, uint32_t otherSource, bool otherWrites) {
  const Program &program = *cta->program;
  std::string fcLine = fcLineOf(program, otherSource);
  std::string where = fmt::format("shared address 0x{:x}", cellIndex << shift);
  if (&shadow == &global) {
    uint64_t address = global.granules[cellIndex] << globalShift;
    const Region *region = cta->grid->memory->find(address);
    where = region ? fmt::format("byte {} of `{}`", address - region->base, region->name)
                   : fmt::format("global address 0x{:x}", address);
  }
  throw Fault{
      id,
      fmt::format(
          "{} of {}, which thread {} (warp {}, lane {}) {} with nothing that orders the two",
          write ? "write" : "read", where, otherThread, otherThread / warpSize,
          otherThread % warpSize, otherWrites ? "wrote" : "read"),
      "accesses of different threads to the same bytes, one of them a write, need a barrier "
      "between them",
      int(thread % warpSize),
      fmt::format("the other side: {}  `{}`{}", ptxLineOf(program, otherSource),
                  program.function->body[otherSource].text,
                  fcLine.empty() ? "" : ", from " + fcLine)};
}

void Races::inFlight(const Access &access, unsigned lane, uint32_t address) {
  const Program &program = *cta->program;
  for (const Warp &warp : cta->warps)
    for (const AsyncCopy &copy : warp.copies)
      for (uint32_t m = copy.pending; m; m &= m - 1) {
        unsigned l = unsigned(__builtin_ctz(m));
        if (address + 4 <= copy.to[l] || address >= copy.to[l] + copy.bytes)
          continue;
        throw Fault{
            access.write ? "ASYNC-INFLIGHT-WRITE" : "ASYNC-INFLIGHT-READ",
            fmt::format("{} of {} bytes at shared address 0x{:x}, where a copy of {} bytes "
                        "by warp {}, lane {} is in flight",
                        access.write ? "write" : "read", access.bytes, access.address[lane],
                        copy.bytes, warp.index, l),
            "the destination of `cp.async` must not be touched before the issuing thread "
            "has waited for it",
            int(lane),
            fmt::format("the copy: {}  `{}`{}", ptxLineOf(program, copy.source),
                        program.function->body[copy.source].text,
                        copy.group[l] == AsyncCopy::open ? ", not committed to a group" : "")};
      }
  throw Fault{"ASYNC-INFLIGHT-READ", "a copy is in flight here", "", int(lane), ""};
}

//===-- accesses ------------------------------------------------------------------------------===//

void Races::noteRead(Shadow &shadow, uint32_t cellIndex, uint32_t warp, uint32_t thread,
                     uint32_t source, bool strong) {
  Cell &cell = shadow.cells[cellIndex];
  std::vector<Read> &reads = shadow.reads[warp];
  if (cellIndex >= reads.size()) [[unlikely]]
    reads.resize(shadow.cells.size());
  Read &read = reads[cellIndex];
  uint32_t lane = 1u << (thread % warpSize), epoch = clock[warp];
  if (!(cell.readWarps >> warp & 1)) {
    cell.readWarps |= 1u << warp;
    read = {epoch, lane, source, strong};
    return;
  }
  if (read.epoch == epoch) {
    read.lanes |= lane;
    read.strong &= strong;
    read.source = source;
    return;
  }
  // Readers of an earlier epoch are forgotten if this lane comes after them all.
  bool after = true;
  for (uint32_t m = read.lanes; m && after; m &= m - 1)
    after = ordered(thread, warp * warpSize + uint32_t(__builtin_ctz(m)), read.epoch);
  if (!after) {
    shadow.overflow[cellIndex].push_back({warp, read});
    cell.overflow = true;
  }
  read = {epoch, lane, source, strong};
}

void Races::checkReads(const Shadow &shadow, uint32_t cellIndex, uint32_t thread, bool strong) {
  const Cell &cell = shadow.cells[cellIndex];
  auto check = [&](uint32_t warp, const Read &read) {
    if (strong && read.strong)
      return;
    for (uint32_t m = read.lanes; m; m &= m - 1) {
      uint32_t other = warp * warpSize + uint32_t(__builtin_ctz(m));
      if (!ordered(thread, other, read.epoch))
        race("RACE-WAR", shadow, cellIndex, thread, true, other, read.source, false);
    }
  };
  for (uint32_t w = cell.readWarps; w; w &= w - 1)
    check(uint32_t(__builtin_ctz(w)), shadow.reads[size_t(__builtin_ctz(w))][cellIndex]);
  if (cell.overflow)
    for (const OldRead &old : shadow.overflow.at(cellIndex))
      check(old.warp, old.read);
}

inline void Races::touch(Shadow &shadow, Warp &warp, const Inst &inst, uint32_t cellIndex,
                         uint32_t thread, bool write, bool strong, Access &access) {
  Cell &cell = shadow.cells[cellIndex];
  if (cell.generation != generation) {
    if (cell.overflow)
      shadow.overflow.erase(cellIndex);
    cell.generation = generation;
    cell.written = cell.overflow = false;
    cell.readWarps = 0;
  } else if (cell.written && !ordered(thread, cell.writer, cell.writeEpoch) &&
             !(strong && cell.strong)) {
    bool sameStore = write && cell.writeSource == inst.source &&
                     cell.writer / warpSize == warp.index && cell.writeEpoch == clock[warp.index];
    if (!sameStore)
      race(write ? "RACE-WAW" : "RACE-RAW", shadow, cellIndex, thread, write, cell.writer,
           cell.writeSource, true);
    access.overlaps = true;
  }
  if (!write)
    return noteRead(shadow, cellIndex, warp.index, thread, inst.source, strong);
  if (cell.readWarps)
    checkReads(shadow, cellIndex, thread, strong);
  if (cell.overflow)
    shadow.overflow.erase(cellIndex);
  cell.overflow = false;
  cell.readWarps = 0;
  cell.written = true;
  cell.strong = strong;
  cell.writer = uint16_t(thread);
  cell.writeEpoch = clock[warp.index];
  cell.writeSource = inst.source;
}

void Races::access(Warp &warp, const Inst &inst, Access &access) {
  if (copiesInFlight) {
    for (uint32_t m = access.mask; m; m &= m - 1) {
      unsigned l = unsigned(__builtin_ctz(m));
      uint32_t first = uint32_t(access.address[l]) / 4;
      uint32_t last = uint32_t(access.address[l] + access.bytes - 1) / 4;
      for (uint32_t g = first; g <= last; ++g)
        if (flying[g]) [[unlikely]]
          inFlight(access, l, g * 4);
    }
  }
  if (!enabled)
    return;
  bool write = access.write && !access.async, strong = access.strong || access.atomic;
  for (uint32_t m = access.mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint32_t thread = warp.index * warpSize + l;
    uint32_t address = uint32_t(access.address[l]);
    if (strong && (access.write || !access.quiet))
      acquire(variables[address], warp, 1u << l);
    uint32_t first = address >> shift, last = (address + access.bytes - 1) >> shift;
    for (uint32_t g = first; g <= last; ++g)
      touch(shared, warp, inst, g, thread, access.write, strong, access);
    if (strong && write)
      release(variables[address], warp, 1u << l);
  }
}

void Races::accessGlobal(Warp &warp, const Inst &inst, Access &access, uint32_t mask) {
  if (!enabled || !globalEnabled)
    return;
  bool strong = access.strong || access.atomic, orders = strong && !access.quiet;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint32_t thread = warp.index * warpSize + l;
    uint64_t address = access.address[l];
    unsigned bytes = access.sized ? access.size[l] : access.bytes;
    if (orders) {
      if (variables.size() >= mostVariables && !variables.count(address)) {
        globalEnabled = false; // who is ordered with whom is not known from here on
        return;
      }
      acquire(variables[address], warp, 1u << l);
    }
    for (uint64_t g = address >> globalShift; g <= (address + bytes - 1) >> globalShift; ++g)
      if (uint32_t cell = globalCell(g); cell != noCell)
        touch(global, warp, inst, cell, thread, access.write, strong, access);
    if (orders && access.write)
      release(variables[address], warp, 1u << l);
  }
}

//===-- copies --------------------------------------------------------------------------------===//

void Races::beginCopy(Warp &, const AsyncCopy &copy, uint32_t mask) {
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    for (uint32_t g = copy.to[l] / 4; g < (copy.to[l] + copy.bytes) / 4; ++g)
      flying[g] = 1;
    ++copiesInFlight;
  }
}

void Races::endCopy(Warp &warp, const AsyncCopy &copy, uint32_t lanes) {
  for (uint32_t m = lanes; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    for (uint32_t g = copy.to[l] / 4; g < (copy.to[l] + copy.bytes) / 4; ++g)
      flying[g] = 0;
    --copiesInFlight;
    if (!enabled)
      continue;
    // The bytes are there for the thread that waited, as if it had just written them.
    uint32_t first = copy.to[l] >> shift, last = (copy.to[l] + copy.bytes - 1) >> shift;
    for (uint32_t g = first; g <= last; ++g) {
      Cell &cell = shared.cells[g];
      if (cell.overflow)
        shared.overflow.erase(g);
      cell = {generation,
              clock[warp.index],
              copy.source,
              0,
              uint16_t(warp.index * warpSize + l),
              true,
              false,
              false};
    }
  }
}

void Races::checkCopySources(Warp &, const Access &access) {
  if (!copiesInFlight)
    return;
  const Program &program = *cta->program;
  for (const Warp &other : cta->warps)
    for (const AsyncCopy &copy : other.copies)
      for (uint32_t c = copy.pending; c; c &= c - 1) {
        unsigned from = unsigned(__builtin_ctz(c));
        if (!copy.sourceBytes[from])
          continue;
        for (uint32_t m = access.mask; m; m &= m - 1) {
          unsigned l = unsigned(__builtin_ctz(m));
          if (access.host[l] + access.bytes <= copy.from[from] ||
              access.host[l] >= copy.from[from] + copy.sourceBytes[from])
            continue;
          throw Fault{
              "ASYNC-INFLIGHT-SRC",
              fmt::format("write of {} bytes at global address 0x{:x}, which a copy by warp "
                          "{}, lane {} is reading",
                          access.bytes, access.address[l], other.index, from),
              "the source of `cp.async` must not change before the issuing thread has waited "
              "for it",
              int(l),
              fmt::format("the copy: {}  `{}`", ptxLineOf(program, copy.source),
                          program.function->body[copy.source].text)};
        }
      }
}

} // namespace fc::emu
