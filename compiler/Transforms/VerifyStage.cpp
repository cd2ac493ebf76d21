// VerifyStage.cpp - the contracts between the stages
//
// A stage's promise has two parts: which dialects are left (Stages.def), and a check of its own
// below. An ordinary pass, so that it shows in pipeline dumps and reproducers. It costs one walk a
// stage.
#include "compiler/IR/TestMap.h"
#include "compiler/Pipeline.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_VERIFYSTAGE
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// Calls `check` on every tile type that an operation of the kernel uses or makes.
LogicalResult checkTiles(Operation *root,
                         llvm::function_ref<LogicalResult(Operation *, TileType)> check) {
  WalkResult result = root->walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      if (auto tile = dyn_cast<TileType>(type))
        if (failed(check(op, tile)))
          return WalkResult::interrupt();
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Type type : block.getArgumentTypes())
          if (auto tile = dyn_cast<TileType>(type))
            if (failed(check(op, tile)))
              return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult checkImport(Operation *root) {
  return checkTiles(root, [](Operation *op, TileType tile) -> LogicalResult {
    if (llvm::any_of(tile.getSizes(), [](int64_t size) { return size != TileType::kUnsized; }))
      return op->emitError("has the size of a tile before one is chosen: ") << tile;
    return success();
  });
}

/// No reduction over a walked axis stands outside a fold: the axis has no `fc.axis` left.
LogicalResult checkOnline(Operation *root) {
  if (failed(checkImport(root)))
    return failure();
  WalkResult result = root->walk([&](AxisOp axis) {
    if (axis.getSize())
      return WalkResult::advance();
    axis.emitError("axis `") << axis.axis() << "` is walked, but not by a fold";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

LogicalResult checkTile(Operation *root) {
  WalkResult result = root->walk([&](Operation *op) -> WalkResult {
    if (auto kernel = dyn_cast<KernelOp>(op); kernel && !kernel.getSchedule())
      return op->emitError("has no schedule");
    if (auto fold = dyn_cast<FoldOp>(op); fold && !fold.getStep())
      return op->emitError("has no step");
    if (isa<AxisOp>(op))
      return op->emitError("stands where sizes are known; an `fc.iota` should");
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return checkTiles(root, [](Operation *op, TileType tile) -> LogicalResult {
    if (!tile.sized())
      return op->emitError("has no size: ") << tile;
    return success();
  });
}

/// What `checkTile` promises, and the form of test maps: a uniform flag, then the untested value.
LogicalResult checkMask(Operation *root) {
  if (failed(checkTile(root)))
    return failure();
  WalkResult result = root->walk([&](MapOp map) -> WalkResult {
    if (!map->hasAttr(kTestAttr))
      return success();
    if (map.getIns().size() < 2 || !map.getIns()[0].getType().isInteger(1) ||
        map.getNumResults() != 1 || map.getIns()[1].getType() != map.getResult(0).getType())
      return map.emitError(
          "is marked as a test, but is not one: its first operand must be an `i1`, its "
          "second of the type of its one result");
    return success();
  });
  return failure(result.wasInterrupted());
}

LogicalResult checkPlace(Operation *root) {
  WalkResult result = root->walk([&](DotOp dot) -> WalkResult {
    if (!dot.getBy())
      return dot.emitError("has no instruction");
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return checkTiles(root, [](Operation *op, TileType tile) -> LogicalResult {
    if (!tile.getPlace())
      return op->emitError("has no place: ") << tile;
    return success();
  });
}

LogicalResult checkAsync(Operation *root) {
  WalkResult result = root->walk([&](Operation *op) -> WalkResult {
    if (isa<FoldOp>(op))
      return op->emitError("is left; loops are scf.for");
    if (auto ring = dyn_cast<RingOp>(op); ring && !ring.getOffset())
      return op->emitError("has no offset in shared memory");
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return checkTiles(root, [](Operation *op, TileType tile) -> LogicalResult {
    if (tile.shared())
      return op->emitError("is a value in shared memory; a slot should be: ") << tile;
    return success();
  });
}

LogicalResult checkThread(Operation *) { return success(); } // its list of dialects says it all

struct VerifyStage : impl::VerifyStageBase<VerifyStage> {
  using Base::Base;

  void runOnOperation() override {
    const StageInfo *info = findStage(stage);
    if (!info) {
      getOperation()->emitError("no stage is called `") << stage << "`";
      return signalPassFailure();
    }
    SmallVector<StringRef> allowed;
    info->dialects.split(allowed, ' ', -1, false);
    WalkResult result = getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      StringRef dialect = op->getName().getDialectNamespace();
      if (llvm::is_contained(allowed, dialect))
        return WalkResult::advance();
      op->emitError("`") << op->getName() << "` is left after stage `" << info->name
                         << "`, which ends with: " << info->promise;
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted() || failed(check(info->stage)))
      signalPassFailure();
  }

  LogicalResult check(Stage which) {
    switch (which) {
#define FC_STAGE(Id, Name, Promise, Dialects)                                                      \
  case Stage::Id:                                                                                  \
    return check##Id(getOperation());
#include "compiler/Stages.def"
    }
    llvm_unreachable("every stage has a check");
  }
};

} // namespace
} // namespace fc
