// EmitHeader.h - a C++ header that carries the PTX and launches its kernels through the runtime
#pragma once
#include "dsl/Kernel.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace fc {

/// The text of the header: the PTX as a constant, and for each kernel (`kernel` empty: all) a
/// struct of its arguments and a launch function over `fc/runtime.h`. `path` is the .fc file, for
/// the head comment and the namespace (its stem, made an identifier).
std::string emitHeader(const dsl::Program &program, llvm::StringRef kernel, llvm::StringRef ptx,
                       llvm::StringRef path);

} // namespace fc
