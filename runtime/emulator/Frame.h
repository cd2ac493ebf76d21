// Frame.h - where a kernel's parameters and variables lie.
#pragma once
#include "runtime/emulator/Decoder.h"

#include <map>

namespace fc::emu {

/// The addresses that an entry's operands may name.
class Frame {
public:
  /// Throws ptx::Error if something does not fit.
  Frame(const ptx::ParsedModule &module, const ptx::Function &function, const ModuleLayout &layout);

  /// Of a variable or a parameter that an operand names.
  uint64_t addressOf(const ptx::Operand &symbol, uint32_t line) const;
  /// Fills the sizes and places of memory.
  void describe(Program &program) const;

private:
  const ptx::ParsedModule &module;
  const ptx::Function &function;
  const ModuleLayout &layout;
  std::vector<Module::Param> params;
  uint32_t paramBytes = 0, staticShared = 0, dynamicShared = 0, localBytes = 0;
  std::vector<uint32_t> variableAddress; ///< by index in function.variables
  std::map<int32_t, uint32_t> moduleShared;

  void layOutParams();
  void layOutVariables();
};

} // namespace fc::emu
