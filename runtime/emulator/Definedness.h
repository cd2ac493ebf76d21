// Definedness.h - which registers may hold bytes that nobody wrote, and how such bytes travel.
//
// Compilers leave registers undefined on purpose: a vector half that is never used is packed, moved
// and permuted along with the half that is. So an instruction that only moves bytes reads nothing;
// it passes on which bytes are defined, and what computes, branches or stores is where an undefined
// byte is reported.
#pragma once
#include "runtime/emulator/Draft.h"

#include <optional>

namespace fc::emu {

/// A byte of a register; `reg` is -1 for a byte that is defined whatever the registers hold.
struct RegisterByte {
  int32_t reg = -1;
  unsigned byte = 0;
};

/// A byte of a destination that is defined where both `from` are.
struct ByteFlow {
  RegisterByte to;
  RegisterByte from[2];
};

/// Bytes of a register of the type; a predicate counts as one.
unsigned bytesOf(ptx::Type type);

/// Where each byte that the instruction writes comes from, if it only moves bytes: mov, cvt between
/// integers, prmt with a constant selector, and, or, xor.
std::optional<std::vector<ByteFlow>> byteFlows(const Draft &draft, const ptx::Function &function);

/// Bytes of `reg`, counted from the lowest, that the instruction uses. A store of 8 bits uses one.
unsigned bytesUsed(const Draft &draft, const ptx::Function &function, int32_t reg);

/// Registers whose definedness has to be watched: those that some path reads before it wrote them,
/// and all that bytes of those are moved to.
std::vector<bool> registersToWatch(const std::vector<Draft> &drafts, const ptx::Function &function,
                                   const RegisterPlan &plan);

} // namespace fc::emu
