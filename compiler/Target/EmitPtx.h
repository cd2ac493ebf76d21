// EmitPtx.h - from the code of one thread (llvm, nvvm) to LLVM IR and PTX, in process
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace fc {

/// What the NVPTX back end is told: `cpu` as in "sm_90a", `ptx` as in 80 for PTX ISA 8.0. Both must
/// be known to LLVM: the caller takes them from TargetInfo.
struct PtxTarget {
  llvm::StringRef cpu;
  unsigned ptx;
};

/// Translates `module` and optimises it (O3; without it loop-carried scalars go through memory).
/// `manifest`, when not empty, becomes the constant array `__fc_manifest`.
llvm::Expected<std::unique_ptr<llvm::Module>> translateToLlvm(mlir::ModuleOp module,
                                                              PtxTarget target,
                                                              llvm::StringRef manifest,
                                                              llvm::LLVMContext &context);

/// The PTX text of an LLVM module made by translateToLlvm. Consumes its optimised form; call once.
llvm::Expected<std::string> emitPtx(llvm::Module &module, PtxTarget target);

/// Both steps.
llvm::Expected<std::string> emitPtx(mlir::ModuleOp module, PtxTarget target,
                                    llvm::StringRef manifest = "");

/// Assembles PTX to a cubin with the `ptxas` found on PATH or under /usr/local/cuda. The error
/// carries ptxas's words, or says that there is none.
llvm::Expected<std::string> assembleCubin(llvm::StringRef ptx, llvm::StringRef cpu);

/// What `ptxas -v` says of the PTX: registers, spills, shared memory, entry by entry.
llvm::Expected<std::string> ptxasLog(llvm::StringRef ptx, llvm::StringRef cpu);

} // namespace fc
