// Conflicts.cpp - see Conflicts.h.
#include "runtime/emulator/Conflicts.h"

#include <atomic>
#include <fmt/format.h>

namespace fc::emu {

//===-- reports -------------------------------------------------------------------------------===//

namespace {

struct Side {
  uint64_t cta;
  uint32_t thread, source;
  bool writes;
};

Report reportOf(const Grid &grid, const Side &mine, const Side &other, const std::string &bytes,
                const char *rule) {
  const Program &program = *grid.program;
  auto textOf = [&](const Side &side) { return program.function->body[side.source].text; };
  auto verb = [](const Side &side) { return side.writes ? "writes" : "reads"; };
  Report report;
  report.id = "RACE-GMEM";
  report.ptxLine = ptxLineOf(program, mine.source);
  report.fcLine = fcLineOf(program, mine.source);
  report.text = fmt::format("{}: error: {} {} {}, which {} {} [{}]\n  {}\n  in kernel `{}`, {}\n",
                            report.ptxLine, ctaText(grid, mine.cta), verb(mine), bytes,
                            ctaText(grid, other.cta), verb(other), report.id, textOf(mine),
                            program.function->name, threadText(grid, mine.cta, mine.thread));
  if (!report.fcLine.empty())
    report.text += fmt::format("  from {}\n", report.fcLine);
  std::string fcLine = fcLineOf(program, other.source);
  report.text += fmt::format("  the other side: {}  `{}`{}, in {}\n  rule: {}",
                             ptxLineOf(program, other.source), textOf(other),
                             fcLine.empty() ? "" : ", from " + fcLine,
                             threadText(grid, other.cta, other.thread), rule);
  return report;
}

} // namespace

//===-- CTAs that do not talk -----------------------------------------------------------------===//

void Region::Free::operator()(void *p) const { std::free(p); }

void Region::allocateTags(unsigned granule) {
  tagShift = granuleShift(granule);
  // Zero pages cost nothing until they are touched.
  tags.reset(static_cast<CtaTag *>(std::calloc(1, tagBytes(1u << tagShift))));
}

namespace {
template <class T> void raise(T &place, T value) {
  std::atomic_ref<T> atomic(place);
  T old = atomic.load(std::memory_order_relaxed);
  while (old < value && !atomic.compare_exchange_weak(old, value, std::memory_order_relaxed))
    ;
}
} // namespace

void Region::note(uint64_t offset, unsigned size, bool write, uint64_t cta, uint32_t thread,
                  unsigned bytesEach, uint32_t source) {
  uint64_t first = CtaTag::keyOf(cta, thread, source);
  unsigned laneShift = unsigned(__builtin_ctz(bytesEach));
  if (write)
    std::atomic_ref<bool>(written).store(true, std::memory_order_relaxed);
  for (uint64_t g = offset >> tagShift; g <= (offset + size - 1) >> tagShift; ++g) {
    CtaTag &tag = tags[g];
    uint64_t key = first + CtaTag::threads(((g << tagShift) - offset) >> laneShift);
    if (write) {
      raise(tag.writerHigh, key);
      raise(tag.writerLow, ~key);
    } else {
      raise(tag.readerHigh, key);
      raise(tag.readerLow, ~key);
    }
  }
}

std::optional<Report> findCtaConflict(const Grid &grid) {
  for (const Region &region : grid.memory->all()) {
    if (!region.tags || !region.written)
      continue;
    size_t granule = size_t(1) << region.tagShift;
    for (size_t g = 0; g * granule < region.bytes; ++g) {
      const CtaTag &tag = region.tags[g];
      if (!tag.writerHigh)
        continue;
      uint64_t key = tag.writerHigh, other = ~tag.writerLow;
      bool reads = false;
      if (CtaTag::ctaOf(other) == CtaTag::ctaOf(key) && tag.readerHigh) {
        other =
            CtaTag::ctaOf(tag.readerHigh) != CtaTag::ctaOf(key) ? tag.readerHigh : ~tag.readerLow;
        reads = true;
      }
      if (CtaTag::ctaOf(other) == CtaTag::ctaOf(key))
        continue;
      auto sideOf = [](uint64_t k, bool writes) {
        return Side{CtaTag::ctaOf(k), CtaTag::threadOf(k), CtaTag::sourceOf(k), writes};
      };
      return reportOf(grid, sideOf(key, true), sideOf(other, !reads),
                      fmt::format("byte {} of `{}`", g * granule, region.name),
                      "CTAs of a launch run in any order, so bytes that one writes are no other's");
    }
  }
  return std::nullopt;
}

//===-- CTAs that talk ------------------------------------------------------------------------===//

namespace {
/// Addresses that CTAs tell each other something by, and entries of the clocks that these keep (8
/// bytes each); a kernel that has more is not followed.
constexpr size_t mostVariables = size_t(1) << 16, mostClockEntries = size_t(8) << 20;

/// Which variable an address is: one for all parts of the widest access.
uint64_t variableOf(uint64_t address) { return address >> 4; }
} // namespace

CtaOrder::CtaOrder(Grid &grid) : grid(grid), shift(granuleShift(grid.program->globalGranule)) {
  size_t spent = 0;
  for (Region &region : grid.memory->all()) {
    size_t bytes = ((region.bytes >> shift) + 1) * sizeof(Cell);
    if (!region.watched || (spent += bytes) > conflictBudget)
      continue;
    // Zero pages cost nothing until they are touched.
    cells[&region].reset(static_cast<Cell *>(std::calloc(1, bytes)));
  }
}

void CtaOrder::begin(uint64_t linear) {
  position = uint32_t(ctas.size());
  ctas.push_back(linear);
  now = Seen();
  seen.reset();
  joined.clear();
  ++version;
}

/// The clock of the running CTA, to be changed.
CtaOrder::Clock &CtaOrder::own() {
  ++version;
  if (!seen || seen.use_count() > 1)
    seen = copyOf(seen.get());
  return *seen;
}

std::shared_ptr<CtaOrder::Clock> CtaOrder::copyOf(const Clock *clock) {
  auto fresh = clock ? std::make_unique<Clock>(*clock) : std::make_unique<Clock>();
  fresh->resize(position + 1);
  clockEntries += fresh->size();
  return {fresh.release(), [this](Clock *old) {
            clockEntries -= old->size();
            delete old;
          }};
}

void CtaOrder::raise(Clock &clock, const Clock &other) {
  for (size_t i = 0; i < std::min(clock.size(), other.size()); ++i)
    clock[i] = clock[i].with(other[i]);
}

void CtaOrder::observe(const Variable &variable) {
  if (variable.writer == position)
    return; // what it passes on is what this CTA has seen
  if (variable.seen && variable.seen != seen && joined.insert(variable.seen).second) {
    if (seen)
      raise(own(), *variable.seen);
    else
      ++version, seen = variable.seen;
  }
  Seen before = seenOf(variable.writer), after = before.with(variable.own);
  if (after != before)
    own()[variable.writer] = after;
}

void CtaOrder::tell(Variable &variable, bool isNew, bool adds) {
  ++now.told;
  if (isNew || variable.writer != position || variable.version != version) {
    std::shared_ptr<Clock> passed = seen;
    if (adds && !isNew && variable.writer != position) {
      // What is added to passes on what it has passed on before, though nobody looked here.
      passed = copyOf(seen.get());
      if (variable.seen)
        raise(*passed, *variable.seen);
      (*passed)[variable.writer] = (*passed)[variable.writer].with(variable.own);
    }
    variable.seen = std::move(passed);
    variable.writer = position;
    variable.version = version;
  }
  variable.own = now;
}

void CtaOrder::access(const Access &access, uint32_t mask) {
  bool strong = access.strong || access.atomic;
  const Region *region = nullptr;
  Cell *cellsHere = nullptr;
  for (uint32_t m = enabled ? mask : 0; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint64_t address = access.address[l], key = variableOf(address);
    unsigned bytes = access.sized ? access.size[l] : access.bytes;
    if (!region || address - region->base >= region->bytes) {
      region = grid.memory->find(address);
      auto at = cells.find(region);
      cellsHere = at == cells.end() ? nullptr : at->second.get();
    }
    if (strong && (access.write ? access.atomic && !access.adds : !access.quiet))
      if (auto at = variables.find(key); at != variables.end())
        observe(at->second);
    if (cellsHere) {
      Touch mine{uint16_t(position + 1), uint16_t(access.warp.index * warpSize + l),
                 access.inst.source, strong, now};
      uint64_t at = address - region->base;
      for (uint64_t g = at >> shift; g <= (at + bytes - 1) >> shift; ++g)
        touch(cellsHere[g], mine, access.write, region->base + (g << shift));
    }
    if (strong && access.write) {
      if (access.releases)
        ++now.fenced;
      auto [at, isNew] = variables.try_emplace(key);
      tell(at->second, isNew, access.adds);
    }
    // Who is ordered with whom is not known from here on.
    enabled &= variables.size() <= mostVariables && clockEntries <= mostClockEntries;
  }
}

void CtaOrder::touch(Cell &cell, const Touch &mine, bool write, uint64_t address) {
  auto isOther = [&](const Touch &touch) {
    return touch.position && touch.position != mine.position && !(mine.strong && touch.strong);
  };
  if (isOther(cell.write)) {
    Seen of = seenOf(cell.write.position - 1u);
    bool ordered =
        of.fenced > cell.write.at.fenced || (cell.write.strong && of.told > cell.write.at.told);
    if (!ordered && !first)
      first = Conflict{mine, cell.write, write, true, address};
  }
  for (const Touch *read : {&cell.read, &cell.earlier})
    if (write && !first && isOther(*read) && seenOf(read->position - 1u).told <= read->at.told)
      first = Conflict{mine, *read, true, false, address};
  if (write) {
    cell.write = mine;
  } else if (cell.read.position == mine.position) {
    bool strong = cell.read.strong;
    cell.read = mine;
    cell.read.strong &= strong;
  } else {
    cell.earlier = cell.read;
    cell.read = mine;
  }
}

std::optional<Report> CtaOrder::conflict() {
  if (!first)
    return std::nullopt;
  const Region *region = grid.memory->find(first->address);
  auto sideOf = [&](const Touch &touch, bool writes) {
    return Side{ctas[touch.position - 1u], touch.thread, touch.source, writes};
  };
  return reportOf(
      grid, sideOf(first->mine, first->writes), sideOf(first->other, first->otherWrites),
      fmt::format("byte {} of `{}`", first->address - region->base, region->name),
      "bytes go from CTA to CTA by a fence and an atomic (or a release) of the one, then an atomic "
      "(or an acquire) of the other");
}

} // namespace fc::emu
