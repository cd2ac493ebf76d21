// MergePtx.h - one PTX module from several that hold a kernel each
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace fc {

/// Puts PTX modules together, as the NVPTX back end writes them: the head (version, target, module
/// variables; those of later modules that are not there yet follow), every function in turn, and
/// the files of the line table. A file has one number in all of them, so `.loc` is renumbered where
/// a module counts otherwise. Labels may be alike in two functions: PTX knows them within braces.
std::string mergePtx(llvm::ArrayRef<std::string> modules);

} // namespace fc
