// Decoder.h - from parsed text to a Program: every instruction matched against Opcodes.def, its
// operands checked and given units, its handler chosen.
#pragma once
#include "runtime/emulator/Machine.h"

namespace fc::emu {

/// What a family's binder sees of an instruction.
struct Match {
  const Form &form;
  const std::vector<std::string_view> &words; ///< the modifiers as written
  std::vector<ptx::Type> types;               ///< those of them that are types
  const ptx::Instruction &source;
  bool readsClock = false;
  unsigned sm = 80;
  unsigned destBits = 0;   ///< width of operand 0
  unsigned sourceBits = 0; ///< width of operand 1
  bool firstLook = false;  ///< a load where an atomic looks again (Writes.h)

  ptx::Type type() const { return types.empty() ? ptx::Type::None : types.back(); }
  bool has(std::string_view word) const {
    for (std::string_view w : words)
      if (w == word)
        return true;
    return false;
  }
  ptx::Space space() const;
  /// Elements of a vector access.
  unsigned vector() const { return has("v4") ? 4 : has("v2") ? 2 : 1; }
};

/// Sets `run` and what else the handler needs. Every form of the table has to be bound; false says
/// that the table has a form that its family does not know.
using Binder = bool (*)(const Match &match, Inst &inst);
/// The families that are compiled for each instruction set of the host (Isa.h).
struct Binders {
  Binder arith, special, bits, compare, convert, mma;
};
/// The best that this host can run.
const Binders &hostBinders();
bool bindMemory(const Match &match, Inst &inst);
bool bindAtomic(const Match &match, Inst &inst);
bool bindWarpLanes(const Match &match, Inst &inst);
bool bindSync(const Match &match, Inst &inst);
bool bindControl(const Match &match, Inst &inst);
bool bindAsync(const Match &match, Inst &inst);
bool bindMatrix(const Match &match, Inst &inst);
bool bindWmma(const Match &match, Inst &inst);
/// The counter class of accesses to a state space.
Class classOf(ptx::Space space);

/// Where the module's own variables lie, by index.
struct ModuleLayout {
  std::vector<uint64_t> addresses;
};
ModuleLayout layOutModule(const ptx::ParsedModule &module);

/// Decodes one entry. Throws ptx::Error.
std::unique_ptr<Program> decode(const ptx::ParsedModule &module, const ptx::Function &function,
                                const ModuleLayout &layout);

} // namespace fc::emu
