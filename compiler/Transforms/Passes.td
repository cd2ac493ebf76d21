//===-- Passes.td - the passes of the compiler ------------------*- tablegen -*-===//
//
// In the order of the pipeline (compiler/Pipeline.cpp). Each description says what comes in and goes out,
// what the pass relies on and what it refuses; its first example is the first case of the test it names.
//
//===----------------------------------------------------------------------===//
#ifndef FC_PASSES_TD
#define FC_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseOnlineSoftmax : Pass<"fc-fuse-online-softmax", "::fc::KernelOp"> {
  let summary = "derive the online form of every chain of reductions over a walked axis";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def ChooseSchedule : Pass<"fc-choose-schedule", "::fc::KernelOp"> {
  let summary = "choose tile sizes, warps and ring slots for a target, or check those asked for";
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"", "the target, such as sm_80">,
    Option<"strategy", "strategy", "std::string", "\"scalar\"", "the rung: scalar, ...">,
    ListOption<"items", "schedule", "std::string", "forced choices: `i=64`, `warps=4`, `stages=1`">
  ];
}

def Tile : Pass<"fc-tile", "::fc::KernelOp"> {
  let summary = "give every axis its tile size, so that a program works on one tile";
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def AssignPlaces : Pass<"fc-assign-places", "::fc::KernelOp"> {
  let summary = "decide where every tile lives: which thread's registers, or shared memory";
}

def StageCopies : Pass<"fc-stage-copies", "::fc::KernelOp"> {
  let summary = "turn folds into loops and shared tiles into rings that copies fill";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def AllocateShared : Pass<"fc-allocate-shared", "::fc::KernelOp"> {
  let summary = "give every ring its place in shared memory and fence conflicting accesses";
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"", "whose shared memory limit holds">
  ];
}

def LowerToThreads : Pass<"fc-lower-to-threads", "::mlir::ModuleOp"> {
  let summary = "rewrite tiles as the scalars of one thread";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def VerifyStage : Pass<"fc-verify-stage"> {
  let summary = "check that a stage left what it promises";
  let description = [{
    Rejects any operation of a dialect that the stage does not leave (`compiler/Stages.def`), and what the
    stage's own check finds. Test: `test/compiler/Pipeline/verify-stage.mlir`.
  }];
  let options = [Option<"stage", "stage", "std::string", "", "the stage that has ended">];
}

#endif
