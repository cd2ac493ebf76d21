// Manifest.h - what the PTX says of its kernels (docs/manifest.md), written from the checked
// program and the attributes of the lowered entries
#pragma once
#include "dsl/Kernel.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace fc {

/// The expression as a manifest writes it, in JSON; "null" if a launch cannot compute it (it reads
/// a tensor, speaks of points or draws random numbers).
std::string manifestExpr(const dsl::Expr *expr);

/// The manifest of the entries in `afterThreads`: each `llvm.func` with an attribute `fc.kernel` is
/// a launch variant of that kernel, in the module's order. Its attributes `fc.args`, `fc.grid`,
/// `fc.block` and `fc.shared` must be there (compiler/README.md); `fc.variant` (a name),
/// `fc.requires`, `fc.condition` (expressions in JSON) and `fc.schedule` (an object) may be.
/// Kernels without an entry are left out.
std::string writeManifest(const dsl::Program &program, mlir::ModuleOp afterThreads,
                          llvm::StringRef target);

} // namespace fc
