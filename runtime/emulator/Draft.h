// Draft.h - the first pass over a body: every instruction matched against the table of forms, its
// operands checked, and what it reads and writes. Registers get their units later.
#pragma once
#include "runtime/emulator/Frame.h"
#include "runtime/emulator/Registers.h"

namespace fc::emu {

/// An operand before units are known.
struct Ref {
  enum class Kind : uint8_t { Register, Constant, Special, Scratch, PredConstant } kind;
  uint64_t value = 0; ///< register, or the constant's bits
  bool wide = false;
  bool negated = false;
};

struct Draft {
  const Form *form = nullptr;
  std::vector<ptx::Type> types;
  std::vector<Ref> refs;
  RegisterUse use;
  int64_t imm = 0;
  int64_t offset[2] = {0, 0};
  bool wideAddress[2] = {true, true};
  size_t base[2] = {0, 0}; ///< which of `refs` is the base of a memory operand
  unsigned memoryOperands = 0;
  unsigned vector = 1;
  bool readsClock = false;
  std::vector<uint32_t> targets;
};

/// "add.sat.s32", as written.
std::string spelling(const ptx::Instruction &inst);

/// Drafts a whole body. Throws ptx::Error.
std::vector<Draft> draftBody(const ptx::ParsedModule &module, const ptx::Function &function,
                             const Frame &frame);

} // namespace fc::emu
