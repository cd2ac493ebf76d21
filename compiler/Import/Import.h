// Import.h - checked program -> fc dialect
#pragma once
#include "dsl/Kernel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

namespace mlir {
class MLIRContext;
} // namespace mlir

namespace fc {

/// One `fc.kernel` for each kernel of the program, or for the one called `kernelName` (which must
/// exist). Its form is described in compiler/README.md, "What import makes". The dialects fc, arith
/// and math must be loaded.
///
/// What this compiler cannot do is an error diagnostic at its place in the `.fc` text, all of them
/// in one run, and the result is null.
mlir::OwningOpRef<mlir::ModuleOp> importProgram(mlir::MLIRContext &context,
                                                const dsl::Program &program,
                                                llvm::StringRef kernelName = "",
                                                llvm::StringRef target = "");

} // namespace fc
