// LowerToThreads.cpp - declared; its work is added with its tests
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace fc {
#define GEN_PASS_DEF_LOWERTOTHREADS
#include "compiler/Transforms/Passes.h.inc"

namespace {
struct LowerToThreads : impl::LowerToThreadsBase<LowerToThreads> {
  using Base::Base;
  void runOnOperation() override {
    getOperation()->emitError("this build has no LowerToThreads");
    signalPassFailure();
  }
};
} // namespace
} // namespace fc
