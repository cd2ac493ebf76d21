// Writes.h - what is known of a kernel's accesses before it runs: which memory it may write, which
// loads only look first.
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

/// The loads that only look first: plain ones of the address, the same register and offset, at
/// which the kernel has an `atom.cas`, `.min` or `.max`. What they see may be stale, since the
/// atomic looks again; a guide's way to an atomic that the hardware lacks, so they race with none.
std::vector<bool> findFirstLooks(const std::vector<Draft> &drafts, const ptx::Function &function);

} // namespace fc::emu
