// Registers.h - liveness of a PTX function's registers, and the units that they share.
//
// PTX is nearly SSA: a kernel names thousands of registers and has few alive at once. Sharing units
// keeps a warp's bank in the cache. The same analysis says which registers some path reads before
// it wrote them; only those need their definedness tracked while running. That is exact for the
// rest, because a lane's path through the code is a path of the control flow graph.
#pragma once
#include "runtime/emulator/Ptx.h"

#include <cstdint>
#include <vector>

namespace fc::emu {

struct RegisterUse {
  std::vector<int32_t> reads, writes;
  bool guarded = false; ///< the writes may not happen
};

struct ControlFlow {
  std::vector<uint32_t> targets; ///< of the instruction's branch
  bool fallsThrough = true;
  bool endsBlock = false;
};

struct RegisterPlan {
  std::vector<uint16_t> unit; ///< by register: unit, or predicate number
  std::vector<bool> maybeUndefined;
  unsigned units = 0, predicates = 0;
};

/// `firstUnit` and `firstPredicate` are the first free ones. Throws ptx::Error if the function is
/// too large.
RegisterPlan planRegisters(const ptx::Function &function, const std::vector<RegisterUse> &uses,
                           const std::vector<ControlFlow> &flow, unsigned firstUnit,
                           unsigned firstPredicate);

} // namespace fc::emu
