// Writes.h - which memory a kernel may write, found before it runs.
//
// Looking for conflicts costs memory and time for each byte of global memory, and most of what a
// kernel touches it only reads. A pointer comes from a parameter or from a variable of the module
// and stays with it through arithmetic, so the address of each store says whose memory it may be.
#pragma once
#include "runtime/emulator/Draft.h"

namespace fc::emu {

/// Walks the body until nothing changes; no order of instructions is assumed. A loaded address that
/// is added to no pointer could be anything, and then everything counts as written.
WriteSet findWrites(const std::vector<Draft> &drafts, const ptx::Function &function,
                    const ModuleLayout &layout);

} // namespace fc::emu
