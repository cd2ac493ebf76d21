// Access.cpp - see Access.h.
#include "runtime/emulator/Access.h"
#include "runtime/emulator/Conflicts.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace fc::emu {

using ptx::Space;

void Access::computeAddresses(unsigned k, unsigned which) {
  uint64_t offset = uint64_t(inst.offset[which]);
  if (inst.wideAddress[which]) {
    const uint64_t *base = warp.wide(inst.op[k]);
    for (unsigned l = 0; l < warpSize; ++l)
      address[l] = base[l] + offset;
  } else {
    // A 32-bit address wraps at 32 bits.
    const uint32_t *base = warp.word(inst.op[k]);
    for (unsigned l = 0; l < warpSize; ++l)
      address[l] = uint32_t(base[l] + uint32_t(offset));
  }
}

bool Access::shared() const {
  return space == Space::Shared || address[__builtin_ctz(mask)] < windowBytes;
}

void Access::checkAlignment() {
  uint64_t any = 0;
  for (uint32_t m = mask; m; m &= m - 1)
    any |= address[__builtin_ctz(m)];
  if (!(any & (bytes - 1))) [[likely]]
    return;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    if (address[l] & (bytes - 1))
      throw Fault{
          "MISALIGN",
          fmt::format("an access of {} bytes at address 0x{:x}, which is {} past a multiple "
                      "of {}",
                      bytes, address[l], address[l] & (bytes - 1), bytes),
          fmt::format("an access of {} bytes has to be aligned to {} bytes", bytes, bytes), int(l),
          ""};
  }
}

void Access::outOfBounds(unsigned lane, std::string_view memory, std::string detail) {
  throw Fault{"OOB",
              fmt::format("{} of {} bytes at {} address 0x{:x}", write ? "write" : "read", bytes,
                          memory, address[lane]),
              "an access has to lie inside one allocation", int(lane), std::move(detail)};
}

void Access::resolve() {
  checkAlignment();
  switch (space) {
  case Space::Shared:
    return resolveShared();
  case Space::Global:
  case Space::Const:
    return resolveGlobal();
  case Space::Local:
    return resolveLocal();
  case Space::Param:
    return resolveParam();
  case Space::Generic:
    break;
  }
  // Generic addresses: usually all lanes go to one memory.
  uint32_t whole = mask, byKind[4] = {0, 0, 0, 0};
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint64_t a = address[l];
    unsigned kind = a >= sharedWindow && a < sharedWindow + windowBytes ? 1
                    : a >= localWindow && a < localWindow + windowBytes ? 2
                    : a >= paramWindow && a < paramWindow + windowBytes ? 3
                                                                        : 0;
    byKind[kind] |= 1u << l;
    address[l] -= kind == 1 ? sharedWindow : kind == 2 ? localWindow : kind == 3 ? paramWindow : 0;
  }
  for (unsigned kind = 0; kind < 4; ++kind) {
    mask = byKind[kind];
    if (!mask)
      continue;
    kind == 0   ? resolveGlobal()
    : kind == 1 ? resolveShared()
    : kind == 2 ? resolveLocal()
                : resolveParam();
  }
  mask = whole;
}

namespace {
/// Flags are bytes of 0 or 1; eight at once.
inline bool allDefined(const uint8_t *flags, unsigned bytes) {
  for (; bytes >= 8; bytes -= 8, flags += 8) {
    uint64_t word;
    std::memcpy(&word, flags, 8);
    if (word != 0x0101010101010101u)
      return false;
  }
  for (; bytes; --bytes, ++flags)
    if (!*flags)
      return false;
  return true;
}
} // namespace

/// All lanes, one behind the other: what most accesses of a well-made kernel are.
bool Access::isRow() const {
  if (mask != allLanes || sized)
    return false;
  uint64_t wrong = 0;
  for (unsigned l = 0; l < warpSize; ++l)
    wrong |= address[l] ^ (address[0] + uint64_t(l) * bytes);
  return wrong == 0;
}

void Access::resolveShared() {
  SharedMemory &shared = warp.cta->shared;
  uint64_t size = shared.bytes.size(), start = shared.start;
  uint64_t low = ~uint64_t(0), high = 0;
  for (uint32_t m = mask; m; m &= m - 1) {
    uint64_t a = address[__builtin_ctz(m)];
    low = std::min(low, a);
    high = std::max(high, a);
  }
  if (low < start || high > size || high + bytes > size) [[unlikely]] {
    for (uint32_t m = mask; m; m &= m - 1) {
      unsigned l = unsigned(__builtin_ctz(m));
      if (address[l] < start || address[l] > size || address[l] + bytes > size)
        outOfBounds(l, "shared",
                    fmt::format("shared memory of the CTA is [0x{:x}, 0x{:x}): {} bytes static and "
                                "{} bytes dynamic from 0x{:x}",
                                start, size, warp.cta->program->staticShared,
                                warp.cta->grid->launch->sharedBytes,
                                warp.cta->program->dynamicShared));
    }
  }
  uint8_t *base = shared.bytes.data();
  if (isRow()) {
    for (unsigned l = 0; l < warpSize; ++l)
      host[l] = base + low + l * bytes;
    warp.cta->races.access(warp, inst, *this);
    bool defined = (write && !atomic) || allDefined(shared.defined.data() + low, warpSize * bytes);
    if (defined) [[likely]] {
      if (write)
        std::memset(shared.defined.data() + low, async ? 0 : 1, warpSize * bytes);
      unsigned wavefronts = std::max(1u, warpSize * bytes / 128);
      warp.tally->sharedWavefronts += wavefronts;
      warp.tally->sharedWavefrontsIdeal += wavefronts;
      return;
    }
  }
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    host[l] = base + address[l];
  }
  warp.cta->races.access(warp, inst, *this);
  uint8_t *defined = shared.defined.data();
  if (!write || atomic) {
    for (uint32_t m = mask; m; m &= m - 1) {
      unsigned l = unsigned(__builtin_ctz(m));
      if (allDefined(defined + address[l], bytes)) [[likely]]
        continue;
      for (unsigned i = 0; i < bytes; ++i)
        if (!defined[address[l] + i])
          throw Fault{"UNINIT-SMEM",
                      fmt::format("read of {} bytes at shared address 0x{:x}; byte {} was never "
                                  "written",
                                  bytes, address[l], i),
                      "shared memory has to be written before it is read", int(l), ""};
    }
  }
  if (write) {
    for (uint32_t m = mask; m; m &= m - 1)
      std::memset(defined + address[__builtin_ctz(m)], async ? 0 : 1, bytes);
  }
  Tally &tally = *warp.tally;
  tally.sharedWavefronts += sharedWavefronts(address, mask, bytes);
  unsigned lanes = unsigned(__builtin_popcount(mask));
  tally.sharedWavefrontsIdeal += std::max(1u, (lanes * bytes + 127) / 128);
}

void Access::resolveGlobal() {
  GlobalMemory &memory = *warp.cta->grid->memory;
  Region *region = nullptr;
  unsigned row = warpSize * bytes;
  if (isRow() && (region = memory.find(address[0]))) {
    uint64_t at = address[0] - region->base;
    bool fits = region->bytes - at >= row && !(write && region->readOnly);
    if (fits && region->defined && (!write || atomic))
      fits = allDefined(region->defined + at, row);
    if (fits) [[likely]] {
      for (unsigned l = 0; l < warpSize; ++l)
        host[l] = region->host + at + l * bytes;
      if (region->tags)
        region->note(at, row, write, warp.cta->linear, warp.index * warpSize, bytes, inst.source);
      if (region->watched)
        checkGlobal(mask);
      if (write && region->defined)
        std::memset(region->defined + at, 1, row);
      return countGlobal(unsigned((address[0] % 32 + row + 31) / 32));
    }
    region = nullptr;
  }
  uint32_t watched = 0;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint64_t a = address[l];
    if (!region || a - region->base >= region->bytes) {
      region = memory.find(a);
      if (!region) [[unlikely]] {
        std::string detail = "there is no global memory at all";
        if (const Region *near = memory.nearest(a)) {
          uint64_t end = near->base + near->bytes;
          detail = fmt::format("nearest is `{}`, {} bytes at 0x{:x}; the access starts {} bytes {}",
                               near->name, near->bytes, near->base,
                               a < near->base ? near->base - a : a - end,
                               a < near->base ? "before it" : "past its end");
        }
        outOfBounds(l, "global", detail);
      }
    }
    uint64_t at = a - region->base;
    unsigned n = sized ? size[l] : bytes;
    if (region->bytes - at < n) [[unlikely]]
      outOfBounds(l, "global",
                  fmt::format("`{}` has {} bytes at 0x{:x}; the access ends {} bytes past them",
                              region->name, region->bytes, region->base, at + n - region->bytes));
    host[l] = region->host + at;
    if (write && region->readOnly) [[unlikely]]
      throw Fault{"READ-ONLY", fmt::format("write to constant `{}`", region->name),
                  "`.const` memory cannot be written", int(l), ""};
    if (region->tags)
      region->note(at, n, write, warp.cta->linear, warp.index * warpSize + l, bytes, inst.source);
    watched |= uint32_t(region->watched) << l;
    if (region->defined) {
      uint8_t *defined = region->defined + at;
      if (!write || atomic)
        for (unsigned i = 0; i < n; ++i)
          if (!defined[i]) [[unlikely]]
            throw Fault{
                "UNINIT-GMEM",
                fmt::format("read of {} bytes of `{}` at byte {}; byte {} was never written", bytes,
                            region->name, at, at + i),
                "memory has to be written before it is read", int(l), ""};
      if (write)
        std::memset(defined, 1, bytes);
    }
  }
  if (watched)
    checkGlobal(watched);
  countGlobal(globalSectors(address, mask, bytes));
}

void Access::checkGlobal(uint32_t lanes) {
  warp.cta->races.accessGlobal(warp, inst, *this, lanes);
  if (CtaOrder *order = warp.cta->grid->order)
    order->access(*this, lanes);
}

void Access::countGlobal(unsigned sectors) {
  if (write)
    warp.cta->races.checkCopySources(warp, *this);
  Tally &tally = *warp.tally;
  unsigned lanes = unsigned(__builtin_popcount(mask));
  ++tally.globalRequests;
  tally.globalSectors += sectors;
  tally.globalSectorsIdeal += (lanes * bytes + 31) / 32;
  if (write)
    tally.globalWritten += lanes * bytes;
  if (!write || atomic)
    tally.globalRead += lanes * bytes;
}

void Access::resolveLocal() {
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    uint64_t size = warp.cta->program->localBytes;
    if (address[l] > size || address[l] + bytes > size)
      outOfBounds(l, "local", fmt::format("the thread has {} bytes of local memory", size));
    host[l] = warp.cta->localOf(warp, l) + address[l];
  }
}

void Access::resolveParam() {
  const std::vector<std::byte> &params = warp.cta->grid->params;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    if (address[l] > params.size() || address[l] + bytes > params.size())
      outOfBounds(l, "parameter", fmt::format("the parameters take {} bytes", params.size()));
    if (write)
      throw Fault{"READ-ONLY", "write to a parameter", "parameters cannot be written", int(l), ""};
    host[l] = reinterpret_cast<uint8_t *>(const_cast<std::byte *>(params.data())) + address[l];
  }
}

unsigned sharedWavefronts(const uint64_t *address, uint32_t mask, unsigned bytes) {
  unsigned lanesAtOnce = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8, total = 0;
  for (unsigned first = 0; first < warpSize; first += lanesAtOnce) {
    uint32_t part = mask & (lanesAtOnce == 32 ? ~0u : ((1u << lanesAtOnce) - 1) << first);
    if (!part)
      continue;
    // By bank: the different words asked for. Mostly one, so a short list with its first entry
    // apart.
    uint64_t word[32][8];
    uint8_t count[32] = {};
    unsigned most = 1;
    uint64_t previous = ~uint64_t(0);
    for (uint32_t m = part; m; m &= m - 1) {
      uint64_t a = address[__builtin_ctz(m)];
      for (uint64_t w = a / 4; w <= (a + bytes - 1) / 4; ++w) {
        if (w == previous)
          continue;
        previous = w;
        unsigned bank = unsigned(w % 32), n = count[bank];
        bool seen = false;
        for (unsigned i = 0; i < std::min(n, 8u); ++i)
          seen |= word[bank][i] == w;
        if (seen)
          continue;
        if (n < 8)
          word[bank][n] = w;
        count[bank] = uint8_t(n + 1);
        most = std::max(most, n + 1);
      }
    }
    total += most;
  }
  return total;
}

unsigned globalSectors(const uint64_t *address, uint32_t mask, unsigned bytes) {
  uint64_t sectors[2 * warpSize];
  unsigned count = 0;
  uint64_t last = ~uint64_t(0);
  bool sorted = true;
  for (uint32_t m = mask; m; m &= m - 1) {
    uint64_t a = address[__builtin_ctz(m)];
    uint64_t sector = a / 32; // aligned, so an access lies in one sector
    if (sector == last)
      continue;
    sorted &= last == ~uint64_t(0) || sector > last;
    last = sector;
    sectors[count++] = sector;
  }
  (void)bytes;
  if (sorted)
    return count;
  std::sort(sectors, sectors + count);
  return unsigned(std::unique(sectors, sectors + count) - sectors);
}

//===-- GlobalMemory --------------------------------------------------------------------------===//

uint64_t GlobalMemory::add(Region region, uint64_t alignment, uint64_t skew) {
  region.base = ((next + alignment - 1) & ~(alignment - 1)) + skew;
  next = region.base + region.bytes + guardBytes;
  uint64_t base = region.base;
  place(std::move(region));
  return base;
}

void GlobalMemory::place(Region region) {
  auto at = std::upper_bound(regions.begin(), regions.end(), region.base,
                             [](uint64_t base, const Region &r) { return base < r.base; });
  regions.insert(at, std::move(region));
}

Region *GlobalMemory::find(uint64_t address) {
  auto at = std::upper_bound(regions.begin(), regions.end(), address,
                             [](uint64_t a, const Region &r) { return a < r.base; });
  if (at == regions.begin())
    return nullptr;
  --at;
  return address - at->base < at->bytes ? &*at : nullptr;
}

const Region *GlobalMemory::nearest(uint64_t address) const {
  const Region *best = nullptr;
  uint64_t distance = ~uint64_t(0);
  for (const Region &region : regions) {
    uint64_t d =
        address < region.base ? region.base - address : address - region.base - region.bytes;
    if (d < distance) {
      distance = d;
      best = &region;
    }
  }
  return best;
}

} // namespace fc::emu
