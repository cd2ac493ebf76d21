// Pipeline.cpp - the table of contents of the compiler
//
// Read this file from top to bottom and you know what happens to a kernel, in which order, and why
// then. Stages.def states what is true when each stage ends; fc-verify-stage checks it.
#include "compiler/Pipeline.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace fc {

ArrayRef<StageInfo> stages() {
  static const StageInfo list[] = {
#define FC_STAGE(Id, Name, Promise, Dialects) {Stage::Id, Name, Promise, Dialects},
#include "compiler/Stages.def"
  };
  return list;
}

const StageInfo *findStage(StringRef name) {
  for (const StageInfo &info : stages())
    if (info.name == name)
      return &info;
  return nullptr;
}

/// `auto` is the furthest rung that every target has; parts of a kernel that it does not suit take
/// the general form. Other names are as asked; fc-choose-schedule refuses those that it doesn't
/// know.
StringRef resolveStrategy(StringRef asked) { return asked == "auto" ? "pipelined" : asked; }

void buildPipeline(OpPassManager &pm, const PipelineOptions &options) {
  const std::string strategy = resolveStrategy(options.strategy).str();
  // Folds and deduplicates what the stage before leaves behind. Named places only: each says what
  // for.
  auto addCleanup = [&] {
    pm.addPass(createCanonicalizerPass());
    pm.addPass(createCSEPass());
  };
  // Ends a stage: checks its contract and says whether to go on.
  auto endStage = [&](Stage stage) {
    pm.addPass(createVerifyStage({.stage = stages()[size_t(stage)].name.str()}));
    return stage < options.stopAfter;
  };

  //===-- Import: one fc.kernel an entry, over named axes, from the checked text --===//
  // Before folds are derived: a factor is algebra, and goes into other factors.
  pm.addNestedPass<KernelOp>(createMultiplyReciprocals());
  addCleanup(); // two softmaxes over one score become one; maps become axis-minimal
  if (!endStage(Stage::Import))
    return;

  //===-- Online: chains of reductions become folds with a carried state ---------===//
  // Before tiling: the derivation is algebra on the whole formula and needs no sizes.
  pm.addNestedPass<KernelOp>(createFuseOnlineSoftmax());
  addCleanup(); // terms that only the unfused form read
  // Loops by hand get the form of derived ones, before registers are counted.
  pm.addNestedPass<KernelOp>(createAccumulateDots());
  // After it: what a mask excludes shows in the terms as they will be computed.
  pm.addNestedPass<KernelOp>(createDropExcluded());
  if (!endStage(Stage::Online))
    return;

  //===-- Tile: every axis gets a size -------------------------------------------===//
  // A launch's sizes are not known here: what suits it is chosen then, among a few forms.
  SmallVector<std::string> schedule(options.schedule.begin(), options.schedule.end());
  pm.addPass(createAddVariants({.target = options.target,
                                .strategy = strategy,
                                .items = schedule,
                                .shape = {options.shape.begin(), options.shape.end()}}));
  pm.addNestedPass<KernelOp>(
      createChooseSchedule({.target = options.target, .strategy = strategy, .items = schedule}));
  pm.addNestedPass<KernelOp>(createTile());
  addCleanup(); // tail tests that the sizes decide
  if (!endStage(Stage::Tile))
    return;

  //===-- Mask: which tiles are walked, and which of them are tested -------------===//
  pm.addNestedPass<KernelOp>(createPlanMask({.warnUnsafeRows = options.warnUnsafeRows}));
  pm.addPass(createCSEPass()); // bounds that two walks share
  if (!endStage(Stage::Mask))
    return;

  //===-- Place: every tile gets an owner ----------------------------------------===//
  // Masks are planned over whole tiles; which warps take which part of one begins here.
  pm.addNestedPass<KernelOp>(createSplitWalks());
  if (strategy == "tensor" || strategy == "pipelined")
    pm.addNestedPass<KernelOp>(createMapWmma());
  // Before places: what holds a sign, and what is compared, changes.
  if (strategy == "pipelined")
    pm.addNestedPass<KernelOp>(createFoldExp2());
  // After the mask's plan, which says where no divisor is 0.
  pm.addNestedPass<KernelOp>(createMultiplyReciprocals({.rows = true}));
  pm.addNestedPass<KernelOp>(createAssignPlaces());
  // After them: what is left of an axis on lanes is known.
  if (strategy == "pipelined")
    pm.addNestedPass<KernelOp>(createDeferSums());
  if (!endStage(Stage::Place))
    return;

  //===-- Async: loops, rings, barriers ------------------------------------------===//
  pm.addNestedPass<KernelOp>(
      createStageCopies({.copies = strategy == "pipelined" ? "cp_async" : "plain"}));
  // Allocation first, then fences: sharing bytes creates hazards.
  pm.addNestedPass<KernelOp>(createAllocateShared({.target = options.target}));
  if (!endStage(Stage::Async))
    return;

  //===-- Thread: tiles become the scalars of one thread -------------------------===//
  pm.addPass(createLowerToThreads());
  endStage(Stage::Thread);
}

void registerPipeline() {
  registerFcPasses();
  PassPipelineRegistration<PipelineOptions>(
      "fc-pipeline", "from imported kernels to the code of one thread", buildPipeline);
}

} // namespace fc
