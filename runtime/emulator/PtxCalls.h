// PtxCalls.h - calls of device functions: the body of what is called, in place of the call.
//
// So a call costs nothing, divergence is that of any code, and nothing but the parser knows of
// functions. Recursion is not possible this way, and is refused.
#pragma once
#include "runtime/emulator/Ptx.h"

#include <unordered_map>

namespace fc::emu::ptx {

/// A device function, or why its body cannot be used, which matters if somebody calls it.
struct DeviceFunction {
  Function function;
  bool defined = false;
  std::string fault;
};
using DeviceFunctions = std::unordered_map<std::string_view, DeviceFunction>;

/// Puts the bodies of all that `function` calls into it. Throws Error.
void expandCalls(Function &function, const DeviceFunctions &functions);

} // namespace fc::emu::ptx
