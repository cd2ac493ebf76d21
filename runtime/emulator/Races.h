// Races.h - which accesses of a CTA's threads are ordered, and which are not.
//
// Happens-before with one clock a warp and one vector a lane (ptx-semantics 3.6; the shape is that
// of FastTrack, Flanagan and Freund, PLDI 2009). A vector says up to which epoch of every thread of
// the CTA a lane has seen. Lanes that synchronised together share one vector, so that a CTA barrier
// costs one join a warp. Each granule of memory keeps its last writer and, by warp, its readers
// since; after a barrier of the whole CTA (a new generation) everything before it is ordered, and a
// granule touched for the first time in a generation starts afresh without looking at vectors.
//
// Shared memory has a cell for each granule from the start. Global memory gets cells as it is
// touched, and only where the kernel may write (Writes.h); between CTAs, Region::tags are compared.
//
// Copies in flight are marked apart and checked even when race checking is off.
#pragma once
#include "runtime/emulator/Spaces.h"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace fc::emu {

struct Warp;
struct Cta;
struct Inst;
struct Access;
struct AsyncCopy;

/// What a barrier, or an atomic variable, passes on from those who released to those who acquire.
struct SyncClock {
  std::vector<uint32_t> seen; ///< by thread; empty: nothing yet
  void clear() { seen.clear(); }
};

class Races {
public:
  /// The state at the start of a CTA.
  void reset(Cta &cta, bool check, uint32_t sharedBytes);

  /// Checks the access and remembers it. Throws Fault. Sets access.overlaps when two lanes of the
  /// instruction write one granule, which is allowed if they write the same.
  void access(Warp &warp, const Inst &inst, Access &access);
  /// The same for global memory, for the lanes of `mask`.
  void accessGlobal(Warp &warp, const Inst &inst, Access &access, uint32_t mask);

  void beginCopy(Warp &warp, const AsyncCopy &copy, uint32_t mask);
  void endCopy(Warp &warp, const AsyncCopy &copy, uint32_t lanes);
  /// A write to global memory: is a copy reading there?
  void checkCopySources(Warp &warp, const Access &access);

  /// What the lanes did so far goes into the clock; what they do next does not.
  void release(SyncClock &clock, const Warp &warp, uint32_t lanes);
  /// What is in the clock is ordered before what the lanes do next.
  void acquire(const SyncClock &clock, const Warp &warp, uint32_t lanes);
  /// The lanes meet: each sees all.
  void meet(const Warp &warp, uint32_t lanes);
  /// All threads of the CTA have met.
  void newGeneration();

private:
  struct Cell {
    uint32_t generation;
    uint32_t writeEpoch;
    uint32_t writeSource; ///< instruction
    uint32_t readWarps;   ///< warps with an entry in `reads`
    uint16_t writer;      ///< thread
    bool written, strong, overflow;
  };
  struct Read {
    uint32_t epoch, lanes, source;
    bool strong; ///< all of them: they do not race with strong writes
  };
  struct OldRead {
    uint32_t warp;
    Read read;
  };

  /// The cells of one memory.
  struct Shadow {
    std::vector<Cell> cells;
    std::vector<std::vector<Read>> reads; ///< [warp][cell]; may end before the last cell
    std::unordered_map<uint32_t, std::vector<OldRead>> overflow;
    /// Of global memory: which granule a cell is of, and a hash table the other way round, of cell
    /// numbers plus one.
    std::vector<uint64_t> granules;
    std::vector<uint32_t> table;
    void forget();
  };

  bool ordered(uint32_t thread, uint32_t byThread, uint32_t epoch) const {
    return thread == byThread || epoch <= pool[vectorOf[thread]][byThread];
  }
  void touch(Shadow &shadow, Warp &warp, const Inst &inst, uint32_t cellIndex, uint32_t thread,
             bool write, bool strong, Access &access);
  void noteRead(Shadow &shadow, uint32_t cellIndex, uint32_t warp, uint32_t thread, uint32_t source,
                bool strong);
  void checkReads(const Shadow &shadow, uint32_t cellIndex, uint32_t thread, bool strong);
  [[noreturn]] void race(const char *id, const Shadow &shadow, uint32_t cellIndex, uint32_t thread,
                         bool write, uint32_t otherThread, uint32_t otherSource, bool otherWrites);
  /// The cell of a granule of global memory; noCell when there would be too many.
  uint32_t globalCell(uint64_t granule);
  void growTable();
  static constexpr uint32_t noCell = UINT32_MAX;
  [[noreturn]] void inFlight(const Access &access, unsigned lane, uint32_t address);
  uint32_t addVector(std::vector<uint32_t> values);
  void setVector(uint32_t thread, uint32_t index);

  Cta *cta = nullptr;
  bool enabled = false;
  unsigned shift = 2, globalShift = 2, threads = 0, copiesInFlight = 0;
  uint32_t generation = 1;
  Shadow shared, global;
  bool globalEnabled = false;
  std::vector<uint8_t> flying; ///< by granule of 4 bytes
  std::vector<uint32_t> clock; ///< by warp
  std::vector<uint32_t> vectorOf;
  std::vector<std::vector<uint32_t>> pool;
  std::vector<uint32_t> references, freeVectors;
  std::unordered_map<uint64_t, SyncClock> variables; ///< addresses used by strong accesses
};

} // namespace fc::emu
