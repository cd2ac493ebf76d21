// Spaces.h - the memories of the machine, each with the shadow that the checks need.
//
// Addresses: a generic address is a global one unless it lies in one of the windows below. Shared,
// local and parameter addresses as PTX uses them are offsets in their window.
#pragma once
#include "runtime/emulator/Emulator.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fc::emu {

constexpr uint64_t sharedWindow = 0x0071'0000'0000'0000;
constexpr uint64_t localWindow = 0x0072'0000'0000'0000;
constexpr uint64_t paramWindow = 0x0073'0000'0000'0000;
constexpr uint64_t windowBytes = uint64_t(1) << 32;
/// Module-scope variables, then the launch's buffers.
constexpr uint64_t moduleBase = 0x0000'7000'0000'0000;
constexpr uint64_t bufferBase = 0x0000'7100'0000'0000;
/// Free address space on both sides of every allocation.
constexpr uint64_t guardBytes = 4096;

/// Which CTAs touched a granule of global memory: the lowest and the highest that wrote it, and
/// that read it. Order plays no part, so what is found does not depend on which CTA ran first. All
/// zero: nobody. `low` fields hold complements, so that every update is a maximum.
struct CtaTag {
  uint64_t writerHigh, writerLow, readerHigh, readerLow; ///< keys

  /// (CTA + 1) << 34 | thread << 24 | instruction
  static uint64_t keyOf(uint64_t cta, uint32_t thread, uint32_t source) {
    return (cta + 1) << 34 | threads(thread) | std::min(source, 0xffffffu);
  }
  /// What so many threads further on makes of a key.
  static uint64_t threads(uint64_t count) { return count << 24; }
  static uint64_t ctaOf(uint64_t key) { return (key >> 34) - 1; }
  static uint32_t threadOf(uint64_t key) { return uint32_t(key >> 24 & 0x3ff); }
  static uint32_t sourceOf(uint64_t key) { return uint32_t(key & 0xffffff); }
  static constexpr uint64_t mostCtas = (uint64_t(1) << 30) - 1;
};

/// Shadows know granules of 1, 2 or 4 bytes: log2 of the largest that no access is smaller than.
inline unsigned granuleShift(unsigned smallest) {
  return smallest >= 4 ? 2 : smallest == 2 ? 1 : 0;
}

/// One allocation of global memory.
struct Region {
  uint64_t base = 0, bytes = 0;
  uint8_t *host = nullptr;
  uint8_t *defined = nullptr; ///< a byte each, 1 once written; null: all defined
  bool readOnly = false;
  bool watched = false; ///< the kernel may write here, so conflicts are looked for
  std::string name;
  std::unique_ptr<uint8_t[]> definedStorage, hostStorage;
  /// By granule of `1 << tagShift` bytes; null: conflicts between CTAs are not looked for.
  struct Free {
    void operator()(void *p) const;
  };
  std::unique_ptr<CtaTag[], Free> tags;
  unsigned tagShift = 0;
  bool written = false; ///< set by any CTA that writes

  void allocateTags(unsigned granule);
  size_t tagBytes(unsigned granule) const { return (bytes / granule + 1) * sizeof(CtaTag); }
  /// `size` bytes by threads from `thread` on, `bytesEach` (a power of two) by each.
  void note(uint64_t offset, unsigned size, bool write, uint64_t cta, uint32_t thread,
            unsigned bytesEach, uint32_t source);
};

class GlobalMemory {
public:
  /// Adds a region behind the last one of its kind; returns its address.
  uint64_t add(Region region, uint64_t alignment, uint64_t skew);
  void place(Region region); ///< at region.base
  /// The region that holds `address`, or null.
  Region *find(uint64_t address);
  /// The region that lies closest, for reports.
  const Region *nearest(uint64_t address) const;
  const std::vector<Region> &all() const { return regions; }
  std::vector<Region> &all() { return regions; }

private:
  std::vector<Region> regions; ///< by base
  uint64_t next = bufferBase + guardBytes;
};

/// Shared memory of a CTA. Starts as NaN, undefined.
struct SharedMemory {
  std::vector<uint8_t> bytes;   ///< indexed by shared address
  std::vector<uint8_t> defined; ///< a byte each, 1 once written
  uint32_t start = 0;           ///< the first valid address
  void reset(uint32_t size);
};

} // namespace fc::emu
