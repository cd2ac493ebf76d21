// SplitWalks.cpp - the warps of a CTA share out the keys of every tile, and merge what they carried
//
// Flash-decoding's idea (Dao et al. 2023) within one CTA: where rows are too few to keep warps
// busy, each part of the warps takes a part of every tile of the walked axis and carries a state of
// its own. All of them share the copies, the trip count and the barriers of the one loop. What
// merges the states is the fold's own `combine`, whatever the kernel computes; a fold without one,
// whose order matters, stays whole.
//
// As a rewriting of types: in the body, a tile axis `j` of 128 points is `j: 64` and `j.part: 2`,
// in iotas that give the points of both parts. What is computed from them has both axes; what is
// reduced over `j` keeps the parts, and so does the state. Behind the fold stands an `fc.merge`
// over the parts.
#include "compiler/Transforms/SplitWalks.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_SPLITWALKS
#include "compiler/Transforms/Passes.h.inc"

std::string obstacleToSplit(FoldOp fold) {
  if (fold.getAxes().size() != 1)
    return "it is over several axes at once";
  if (fold.getInit().empty())
    return "it carries nothing that could be merged";
  if (!fold.derived())
    return "it is written by hand, so the order of its turns matters";
  bool nested = false, writes = false;
  fold.getBody().walk([&](Operation *op) {
    nested |= isa<FoldOp>(op);
    writes |= isa<WriteOp>(op);
  });
  return nested ? "it holds another loop" : writes ? "it writes as it goes" : "";
}

std::string obstacleToSplit(KernelOp kernel, StringAttr axis) {
  std::string why = "nothing walks it";
  bool possible = false;
  kernel.walk([&](FoldOp fold) {
    if (!llvm::is_contained(fold.getAxes(), axis))
      return;
    std::string own = obstacleToSplit(fold);
    possible |= own.empty();
    why = own;
  });
  return possible ? "" : why;
}

namespace {

class WalkSplitter {
public:
  WalkSplitter(FoldOp fold, int64_t parts)
      : fold(fold), axis(cast<StringAttr>(fold.getAxes()[0])), partAxis(partsOf(axis)),
        parts(parts) {}

  void run() {
    OpBuilder before(fold);
    Location loc = fold.getLoc();
    SmallVector<Type> types(fold.getResultTypes());
    for (OpOperand &init : fold.getInitMutable())
      init.set(inEachPart(before, init.get()));
    for (Value value : fold.state())
      value.setType(withParts(value.getType()));
    // Before the fold's region loses it: what combines two states without parts.
    OpBuilder behind(fold->getContext());
    behind.setInsertionPointAfter(fold);
    for (Value result : fold.getResults())
      result.setType(withParts(result.getType()));
    auto merge = MergeOp::create(behind, loc, types, partAxis, fold.getResults());
    merge.getCombine().takeBody(fold.getCombine());
    fold->getResults().replaceUsesWithIf(merge.getResults(),
                                         [&](OpOperand &use) { return use.getOwner() != merge; });
    Block &body = fold.getBody().front();
    for (auto extreme : llvm::to_vector(body.getOps<ExtremeOp>()))
      keepWhole(extreme);
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
      split(&op);
    OpBuilder atEnd(fold.yield());
    for (OpOperand &value : fold.yield()->getOpOperands())
      value.set(inEachPart(atEnd, value.get()));
  }

private:
  /// The type with its points of the axis cut into parts, and over the parts.
  Type withParts(Type type) {
    SmallVector<TileType::AxisSize> axes = axesOf(type);
    for (auto &[name, size] : axes)
      if (name == axis && !hasParts(type))
        size /= parts;
    if (!hasParts(type))
      axes.push_back({partAxis, parts});
    return TileType::get(elementOf(type), axes);
  }
  bool hasParts(Type type) {
    return llvm::any_of(axesOf(type), [&](auto &entry) { return entry.first == partAxis; });
  }

  /// The same value for every part; itself if it is over them.
  Value inEachPart(OpBuilder &builder, Value value) {
    if (hasParts(value.getType()))
      return value;
    Location loc = value.getLoc();
    auto zero = arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
    auto number = IotaOp::create(builder, loc,
                                 TileType::get(builder.getI32Type(), {{partAxis, parts}}), zero);
    return mapOf(
        builder, loc, {value, number},
        [](OpBuilder &, Block *block) { return block->getArgument(0); },
        elementOf(value.getType()));
  }

  Value mapOf(OpBuilder &builder, Location loc, ValueRange ins,
              llvm::function_ref<Value(OpBuilder &, Block *)> make, Type element) {
    auto axes = *unionOfAxes(ins.getTypes(), [&] { return fold.emitError(); });
    auto map = MapOp::create(builder, loc, TypeRange{TileType::get(element, axes)}, ins);
    SmallVector<Type> types;
    for (Value in : ins)
      types.push_back(elementOf(in.getType()));
    OpBuilder inside(builder.getContext());
    Block *block =
        inside.createBlock(&map.getBody(), {}, types, SmallVector<Location>(types.size(), loc));
    Value result = make(inside, block);
    YieldOp::create(inside, loc, result);
    return map.getResult(0);
  }

  /// What is asked of a whole tile, is asked of values computed for that alone.
  void keepWhole(ExtremeOp extreme) {
    OpBuilder builder(extreme);
    IRMapping copies;
    extreme.getInMutable().set(copyWhole(builder, extreme.getIn(), copies));
    whole.insert(extreme);
  }
  Value copyWhole(OpBuilder &builder, Value value, IRMapping &copies) {
    Operation *op = value.getDefiningOp();
    if (copies.contains(value) || !op || op->getBlock() != &fold.getBody().front())
      return copies.lookupOrDefault(value);
    for (Value operand : op->getOperands())
      copyWhole(builder, operand, copies);
    whole.insert(builder.clone(*op, copies));
    return copies.lookup(value);
  }

  /// Operands have their new types.
  void split(Operation *op) {
    if (whole.contains(op))
      return;
    if (auto iota = dyn_cast<IotaOp>(op)) {
      if (iota.getOut().getType().has(axis.getValue()))
        iota.getOut().setType(cast<TileType>(withParts(iota.getOut().getType())));
      return;
    }
    bool varies =
        llvm::any_of(op->getOperands(), [&](Value value) { return hasParts(value.getType()); });
    if (!varies)
      return;
    if (isa<FcDialect>(op->getDialect())) {
      for (Value result : op->getResults())
        result.setType(withParts(result.getType()));
      return;
    }
    // Arithmetic on scalars that now differ by part.
    OpBuilder builder(op);
    Value mapped = mapOf(
        builder, op->getLoc(), op->getOperands(),
        [&](OpBuilder &inside, Block *block) {
          Operation *copy = inside.clone(*op);
          copy->setOperands(block->getArguments());
          return copy->getResult(0);
        },
        op->getResult(0).getType());
    op->getResult(0).replaceAllUsesWith(mapped);
    op->erase();
  }

  FoldOp fold;
  StringAttr axis, partAxis;
  int64_t parts;
  llvm::DenseSet<Operation *> whole; ///< what stays over the whole axis
};

struct SplitWalks : impl::SplitWalksBase<SplitWalks> {
  using Base::Base;
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    if (!kernel.getSchedule() || kernel.getSchedule()->getParts() == 1)
      return;
    ScheduleAttr schedule = *kernel.getSchedule();
    SmallVector<FoldOp> folds;
    kernel.walk([&](FoldOp fold) {
      if (!llvm::is_contained(fold.getAxes(), schedule.getSplitAxis()))
        return;
      if (std::string why = obstacleToSplit(fold); !why.empty())
        fold.emitRemark("walk over `")
            << schedule.getSplitAxis().getValue() << "` is not split: " << why;
      else
        folds.push_back(fold);
    });
    for (FoldOp fold : folds)
      WalkSplitter(fold, schedule.getParts()).run();
  }
};

} // namespace
} // namespace fc
