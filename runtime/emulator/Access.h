// Access.h - from the addresses of a warp's lanes to host bytes, with every check that memory
// needs.
//
// An Access is made by an instruction that touches memory: ld, st, atom, cp.async, ldmatrix. It
// finds which memory is meant, checks bounds, alignment and definedness, and counts.
#pragma once
#include "runtime/emulator/Machine.h"

namespace fc::emu {

struct Access {
  Warp &warp;
  const Inst &inst;
  uint32_t mask;
  ptx::Space space;
  unsigned bytes; ///< by lane
  bool write, atomic = false;
  bool strong = false;   ///< volatile, relaxed, acquire or release: does not race with its like
  bool async = false;    ///< the destination of a copy: not defined before it has landed
  bool sized = false;    ///< `size` says how much each lane touches, at most `bytes`
  bool quiet = false;    ///< strong, but nothing is ordered by it
  bool adds = false;     ///< `red`: an atomic that does not look at what was there
  bool releases = false; ///< .release or .acq_rel: a fence and the access
  bool overlaps = false; ///< set by resolve(): two lanes write the same bytes
  uint64_t address[warpSize];
  uint8_t size[warpSize];
  uint8_t *host[warpSize]; ///< valid in the lanes of the mask after resolve()

  /// Reads the addresses from the unit of operand `k`, plus the instruction's offset; `which` says
  /// whether that is its first or its second memory operand.
  void computeAddresses(unsigned k, unsigned which = 0);
  /// Whether that is shared memory, once resolved, where not all lanes go different ways.
  bool shared() const;
  /// Fills `host`. Throws Fault.
  void resolve();

private:
  void resolveShared();
  void resolveGlobal();
  void resolveLocal();
  void resolveParam();
  bool isRow() const;
  void checkGlobal(uint32_t lanes);
  void countGlobal(unsigned sectors);
  void checkAlignment();
  [[noreturn]] void outOfBounds(unsigned lane, std::string_view memory, std::string detail);
};

/// Shared wavefronts that a warp's access takes: 32 banks of 4 bytes; an access of 8 bytes goes by
/// half warps, of 16 by quarters; in each part, the most different words that one bank has to give.
unsigned sharedWavefronts(const uint64_t *address, uint32_t mask, unsigned bytes);
/// Different sectors of 32 bytes that the lanes touch.
unsigned globalSectors(const uint64_t *address, uint32_t mask, unsigned bytes);

} // namespace fc::emu
