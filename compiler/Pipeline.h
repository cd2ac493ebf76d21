// Pipeline.h - the compiler from outside: options, stages, one call from text to PTX
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace fc {

enum class Stage {
#define FC_STAGE(Id, Name, Promise, Dialects) Id,
#include "compiler/Stages.def"
};

struct StageInfo {
  Stage stage;
  llvm::StringRef name, promise, dialects;
};
/// All stages, in order.
llvm::ArrayRef<StageInfo> stages();
/// The stage of that name, or null.
const StageInfo *findStage(llvm::StringRef name);

/// What the passes are told; the only place where behaviour is chosen.
struct PipelineOptions : mlir::PassPipelineOptions<PipelineOptions> {
  Option<std::string> target{*this, "target", llvm::cl::desc("the target, such as sm_80"),
                             llvm::cl::init("sm_80")};
  Option<std::string> strategy{*this, "strategy",
                               llvm::cl::desc("how far to go: scalar, tensor, pipelined, auto"),
                               llvm::cl::init("auto")};
  ListOption<std::string> schedule{*this, "schedule",
                                   llvm::cl::desc("forced choices: i=64 warps=4 stages=1")};
  ListOption<std::string> shape{
      *this, "shape", llvm::cl::desc("all dimensions of a launch, as a hint: B=1 H=8 M=512 N=512")};
  Option<bool> warnUnsafeRows{*this, "warn-unsafe-rows",
                              llvm::cl::desc("warn where a row may see no key"),
                              llvm::cl::init(false)};
  Option<Stage> stopAfter{*this, "stop-after", llvm::cl::desc("stop when this stage has ended"),
                          llvm::cl::init(Stage::Thread),
                          llvm::cl::values(
#define FC_STAGE(Id, Name, Promise, Dialects) clEnumValN(Stage::Id, Name, Promise),
#include "compiler/Stages.def"
                              clEnumValN(Stage::Thread, "all", "do not stop"))};
};

/// What `auto` stands for; other names as they are.
llvm::StringRef resolveStrategy(llvm::StringRef asked);

/// From a module of imported kernels to the end of `options.stopAfter`.
void buildPipeline(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Registers `fc-pipeline` and every pass, for fc-opt.
void registerPipeline();

} // namespace fc
