// Opcodes.h - the table of Opcodes.def, parsed once: what forms there are and how text matches
// them.
#pragma once
#include "runtime/emulator/Ptx.h"

#include <string>
#include <string_view>
#include <vector>

namespace fc::emu {

enum class Op : uint16_t {
#define FC_OPCODE(name, family) op_##name,
#define FC_FORM(...)
#include "runtime/emulator/Opcodes.def"
  Count
};

/// Which file holds the semantics.
enum class Family : uint8_t {
  Arith,
  Special,
  Bits,
  Compare,
  Convert,
  Memory,
  Atomic,
  WarpLanes,
  Sync,
  Control,
  Async,
  Matrix,
  Mma,
  Wmma,
};

/// What `warp_instructions.<class>` counts. Memory is resolved by state space when decoding.
enum class Class : uint8_t {
  Alu,
  Fma,
  Mufu,
  Convert,
  Memory,
  Global,
  Shared,
  Local,
  Const,
  Atomic,
  Shuffle,
  Sync,
  Control,
  Async,
  Tensor,
  Count,
};
std::string_view nameOf(Class cls);

struct OperandSpec {
  enum class Kind : uint8_t { Dest, Source, PredPair, Memory, Label, Immediate, Move } kind;
  enum class Select : uint8_t { Last, Wide, First, Second, Fixed } select = Select::Last;
  ptx::Type fixed = ptx::Type::None;
  bool pair = false; ///< d|p
  bool optional = false;
  bool byModifier = false; ///< vd, vs: a vector when `.v2` or `.v4` says so
  unsigned vector = 0;     ///< vd4: a vector of so many; 0: a scalar
};

struct ModifierGroup {
  std::vector<std::string_view> choices;
  bool optional = false;
};

struct Form {
  Op op;
  Family family;
  std::string_view opcode;
  std::vector<ModifierGroup> modifiers;
  std::vector<OperandSpec> operands;
  unsigned sm;
  Class cls;
  std::string_view modifierText, operandText;

  /// Whether the words are this form's modifiers; every group takes the first word that it can.
  bool matches(const std::vector<std::string_view> &words) const;
};

/// Elements that a modifier such as `.v2` or `.x4` asks for; `otherwise` if it is none.
unsigned vectorOf(std::string_view word, unsigned otherwise);

/// All forms, an opcode's in the order of the table.
const std::vector<Form> &allForms();
/// Those of one opcode; empty when there is no such opcode.
std::vector<const Form *> formsOf(std::string_view opcode);

/// One line a form, as `fc-run --list-ptx` prints it.
std::string listPtx();
/// A module for sm `target` with every form that it has, one instruction for each choice of each
/// modifier: what ptxas has to accept if the table is right.
std::string conformancePtx(unsigned sm, bool archSpecific);

} // namespace fc::emu
