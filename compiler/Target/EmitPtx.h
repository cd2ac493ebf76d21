// EmitPtx.h - from the code of one thread (llvm, nvvm) to LLVM IR and PTX, in process
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace fc {

/// What the NVPTX back end is told: `cpu` as in "sm_90a", `ptx` as in 80 for PTX ISA 8.0. Both must
/// be known to LLVM: the caller takes them from TargetInfo.
struct PtxTarget {
  llvm::StringRef cpu;
  unsigned ptx;
};

/// The module as optimised LLVM IR, as text: what emitPtx gives to the back end, all kernels in
/// one. `manifest`, when not empty, becomes the constant array `__fc_manifest`.
llvm::Expected<std::string> emitLlvm(mlir::ModuleOp module, PtxTarget target,
                                     llvm::StringRef manifest = "");

/// The module as PTX. The kernels are worked on side by side, on as many cores as there are; the
/// text does not depend on how many.
llvm::Expected<std::string> emitPtx(mlir::ModuleOp module, PtxTarget target,
                                    llvm::StringRef manifest = "");

/// Assembles PTX to a cubin with the `ptxas` found on PATH or under /usr/local/cuda. The error
/// carries ptxas's words, or says that there is none.
llvm::Expected<std::string> assembleCubin(llvm::StringRef ptx, llvm::StringRef cpu);

/// What `ptxas -v` says of the PTX: registers, spills, shared memory, entry by entry.
llvm::Expected<std::string> ptxasLog(llvm::StringRef ptx, llvm::StringRef cpu);

} // namespace fc
