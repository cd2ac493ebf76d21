// Passes.h - constructors and options of the compiler's passes (generated from Passes.td)
#pragma once
#include "compiler/IR/Fc.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>

namespace fc {
#define GEN_PASS_DECL
#include "compiler/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/Transforms/Passes.h.inc"
} // namespace fc
