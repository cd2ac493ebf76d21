// Frame.cpp - see Frame.h.
#include "runtime/emulator/Frame.h"

#include <algorithm>
#include <fmt/format.h>

namespace fc::emu {

using ptx::Space;

namespace {

uint32_t alignUp(uint64_t value, uint32_t align) {
  return uint32_t((value + align - 1) & ~uint64_t(align - 1));
}

/// Of all variables of a module; what is larger is a buffer of the launch.
constexpr uint64_t mostVariableBytes = uint64_t(1) << 28;

/// The lowest address from `at` on that has the alignment asked for and no better: what was
/// declared is all that a kernel may rely on.
uint32_t placeBarely(uint64_t at, uint32_t align) {
  uint32_t address = alignUp(at, align);
  return align >= 4 && align < 128 && address % (2 * align) == 0 ? address + align : address;
}

} // namespace

Frame::Frame(const ptx::ParsedModule &module, const ptx::Function &function,
             const ModuleLayout &layout)
    : module(module), function(function), layout(layout) {
  layOutParams();
  layOutVariables();
}

void Frame::describe(Program &program) const {
  program.params = params;
  program.paramBytes = paramBytes;
  program.staticShared = staticShared;
  program.dynamicShared = dynamicShared;
  program.localBytes = localBytes;
}

void Frame::layOutParams() {
  uint64_t at = 0;
  for (const ptx::Variable &param : function.params) {
    at = alignUp(at, param.align);
    params.push_back({std::string(param.name), uint32_t(param.bytes), param.align, uint32_t(at)});
    at += param.bytes;
    if (at > 32764)
      throw ptx::Error{
          function.line,
          fmt::format("the parameters of `{}` take more than 32764 bytes", function.name)};
  }
  paramBytes = uint32_t(at);
}

/// Shared variables follow each other from address 1024 on, where a null address faults and no
/// variable is aligned better than it asks to be; the dynamic part comes last.
void Frame::layOutVariables() {
  uint64_t shared = 1024, local = 0;
  uint32_t dynamicAlign = 1;
  bool dynamic = false;
  auto place = [&](const ptx::Variable &variable) -> uint32_t {
    if (variable.external) {
      dynamic = true;
      dynamicAlign = std::max(dynamicAlign, variable.align);
      return 0;
    }
    uint64_t &at = variable.space == Space::Shared ? shared : local;
    uint32_t address = variable.space == Space::Shared ? placeBarely(at, variable.align)
                                                       : alignUp(at, variable.align);
    at = address + variable.bytes;
    // 512 KB of local memory is what a thread has; shared memory is the launch's to refuse.
    if (at > (variable.space == Space::Shared ? uint64_t(1) << 24 : uint64_t(1) << 19))
      throw ptx::Error{variable.line, fmt::format("`{}` does not fit its memory", variable.name)};
    return address;
  };
  for (size_t i = 0; i < module.variables.size(); ++i)
    if (module.variables[i].space == Space::Shared)
      moduleShared[int32_t(i)] = place(module.variables[i]);
  for (const ptx::Variable &variable : function.variables) {
    if (variable.space != Space::Shared && variable.space != Space::Local)
      throw ptx::Error{variable.line,
                       fmt::format("`{}`: only .shared and .local variables may be declared in a "
                                   "body",
                                   variable.name)};
    variableAddress.push_back(place(variable));
  }
  dynamicShared = dynamic ? placeBarely(shared, std::max(dynamicAlign, 4u)) : uint32_t(shared);
  staticShared = uint32_t(shared - 1024);
  for (auto &[index, address] : moduleShared)
    if (module.variables[size_t(index)].external)
      address = dynamicShared;
  for (size_t i = 0; i < function.variables.size(); ++i)
    if (function.variables[i].external)
      variableAddress[i] = dynamicShared;
  localBytes = alignUp(local, 16);
}

uint64_t Frame::addressOf(const ptx::Operand &symbol, uint32_t line) const {
  if (symbol.variable <= -2)
    return params[size_t(-2 - symbol.variable)].offset;
  if (symbol.variable >= ptx::moduleVariable) {
    int32_t index = symbol.variable - ptx::moduleVariable;
    auto shared = moduleShared.find(index);
    return shared != moduleShared.end() ? shared->second : layout.addresses[size_t(index)];
  }
  if (symbol.variable >= 0)
    return variableAddress[size_t(symbol.variable)];
  throw ptx::Error{line, fmt::format("`{}` is not declared", symbol.name)};
}

ModuleLayout layOutModule(const ptx::ParsedModule &module) {
  ModuleLayout layout;
  uint64_t at = moduleBase + guardBytes;
  uint64_t total = 0;
  for (const ptx::Variable &variable : module.variables) {
    total += variable.bytes;
    if (total > mostVariableBytes)
      throw ptx::Error{variable.line, fmt::format("the variables of the module take more than {} "
                                                  "bytes",
                                                  mostVariableBytes)};
    at = (at + 255) & ~uint64_t(255);
    layout.addresses.push_back(at);
    if (variable.space != Space::Shared)
      at += variable.bytes + guardBytes;
  }
  return layout;
}

} // namespace fc::emu
