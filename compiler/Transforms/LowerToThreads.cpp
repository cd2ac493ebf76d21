// LowerToThreads.cpp - tiles become the scalars of one thread: the pass; the work is in Threads/
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Threads/Lowering.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_LOWERTOTHREADS
#include "compiler/Transforms/Passes.h.inc"

namespace {
struct LowerToThreads : impl::LowerToThreadsBase<LowerToThreads> {
  using Base::Base;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<KernelOp> kernels(module.getOps<KernelOp>());
    if (kernels.empty())
      return;
    // Dynamic shared memory: all entries see the one array, as large as their launch makes it.
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    auto bytes = LLVM::LLVMArrayType::get(builder.getI8Type(), 0);
    auto shared = LLVM::GlobalOp::create(builder, module.getLoc(), bytes, /*isConstant=*/false,
                                         LLVM::Linkage::External, "fc_shared", Attribute(),
                                         /*alignment=*/1024, /*addrSpace=*/3);
    for (KernelOp kernel : kernels) {
      if (failed(Lowering(kernel, shared).run()))
        return signalPassFailure();
      kernel.erase();
    }
  }
};
} // namespace
} // namespace fc
