// Ptx.h - a PTX module as the parser leaves it: names resolved to declarations, nothing executed
// yet.
//
// Every string_view points into the source text, which ParsedModule owns.
#pragma once
#include "runtime/emulator/Emulator.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fc::emu::ptx {

/// PTX's fundamental types. `Pred` has no size; packed types are 32 bits wide.
enum class Type : uint8_t {
  None,
  Pred,
  B8,
  B16,
  B32,
  B64,
  B128,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  F16,
  F16x2,
  BF16,
  BF16x2,
  F32,
  F64,
  TF32,
  E4M3,
  E5M2,
  E4M3x2,
  E5M2x2,
  S4,
  U4,
  U16x2,
  S16x2,
};

/// Width of a value of the type in bits; 0 for None and Pred.
unsigned bitsOf(Type type);
/// ".f32" without its dot; None if the word is no type.
Type typeOf(std::string_view word);
std::string_view nameOf(Type type);
inline bool isSigned(Type t) {
  return t == Type::S8 || t == Type::S16 || t == Type::S32 || t == Type::S64;
}
/// Signed or unsigned; `.b32` and its like are neither.
inline bool isInteger(Type t) {
  return t == Type::U8 || t == Type::U16 || t == Type::U32 || t == Type::U64 || isSigned(t);
}

enum class Space : uint8_t { Generic, Global, Shared, Local, Const, Param };

struct Register {
  std::string_view name; ///< as written, "%r12"
  Type type;
};

/// A variable of any space but registers.
struct Variable {
  std::string_view name;
  Space space;
  Type element;
  uint32_t align = 1;
  uint64_t bytes = 0;
  bool external = false;       ///< `.extern .shared x[]`: the dynamic shared memory
  std::vector<std::byte> init; ///< empty: zero for .global and .const, NaN for .shared
  /// Addresses of other variables in the initialiser: {byte, variable, addend}.
  struct Fixup {
    uint64_t byte;
    std::string_view symbol;
    int64_t addend;
  };
  std::vector<Fixup> fixups;
  uint32_t line = 0;
};

struct Operand {
  enum class Kind : uint8_t {
    Register, ///< index in `reg`
    Special,  ///< %tid.x: `name`
    Integer,  ///< `bits`
    Single,   ///< 0f...: `bits`, 32 of them
    Double,   ///< 0d... or a decimal fraction: `bits`
    Symbol,   ///< a variable or a label: `name`
    Address,  ///< [base + bits]; the base, if any, is elements[0]
    Vector,   ///< {a, b, ...}
    Sink,     ///< _
    Pair,     ///< d|p
  };
  Kind kind = Kind::Integer;
  bool negated = false; ///< !%p
  int32_t reg = -1;
  uint64_t bits = 0;
  std::string_view name;
  int32_t variable =
      -1; ///< Symbol: index in Function::variables or, from 1<<24 on, in the module's
  std::vector<Operand> elements;
};

constexpr int32_t moduleVariable = 1 << 24;

struct Instruction {
  std::string_view opcode;
  std::vector<std::string_view> modifiers; ///< without their dots, "L1::evict_last" as one
  std::vector<Operand> operands;
  int32_t guard = -1; ///< register of `@p`
  bool guardNegated = false;
  uint32_t line = 0;
  uint32_t location = 0; ///< index in ParsedModule::locations; 0 is "none"
  uint32_t scope = 0;
  std::string_view text; ///< the whole statement, for reports
};

struct Label {
  std::string_view name;
  uint32_t scope;
  uint32_t instruction; ///< index of the one that follows
};

/// A `call` in a body, until its place is taken by the body of what is called (PtxCalls.h).
struct Call {
  uint32_t instruction; ///< index in the body
  std::string_view callee;
  std::vector<int32_t> arguments, results; ///< variables
};

struct Function {
  std::string_view name;
  std::vector<Call> calls;
  /// Of a device function: which variables its parameters and results are. They are local memory.
  std::vector<int32_t> arguments, results;
  std::vector<Variable> params;
  std::vector<Variable> variables; ///< .shared and .local, and .global inside a body
  std::vector<Register> registers;
  std::vector<Instruction> body;
  std::vector<Label> labels;
  std::vector<uint32_t> scopeParents; ///< scope -> the one around it; 0 is the body itself
  std::array<uint32_t, 3> requiredBlock{0, 0, 0};                          ///< .reqntid
  std::array<uint32_t, 3> maxBlock{0, 0, 0};                               ///< .maxntid
  std::array<uint32_t, 3> cluster{0, 0, 0};                                ///< .reqnctapercluster
  std::map<std::string_view, std::vector<std::string_view>> branchTargets; ///< .branchtargets
  uint32_t line = 0;
};

struct Location {
  uint32_t file = 0, line = 0, column = 0;
};

struct ParsedModule {
  std::string source;
  std::string name;
  std::string target = "sm_52";
  unsigned sm = 52;
  bool archSpecific = false; ///< "sm_90a"
  unsigned version = 0;      ///< 83 for 8.3
  std::vector<Variable> variables;
  std::vector<Function> functions;
  std::map<uint32_t, std::string> files;
  std::vector<Location> locations{Location{}};
};

/// A fault of the text; `line` counts from 1.
struct Error {
  uint32_t line;
  std::string message;
};

/// Parses a module. Throws Error. Calls of device functions (`.func`) are replaced by their bodies.
ParsedModule parse(std::string_view text, std::string_view name);

} // namespace fc::emu::ptx
