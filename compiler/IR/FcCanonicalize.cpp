// FcCanonicalize.cpp - canonical maps: only operands they use, each once; no identity; axis-minimal
#include "compiler/IR/Fc.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace fc;

namespace {

/// An operand that the region does not read goes away, unless a result has its axes from it alone.
struct DropUnusedOperands : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rewriter) const override {
    if (op.getNumResults() == 0)
      return failure();
    auto resultAxes = axesOf(op.getResult(0).getType());
    auto coveredWithout = [&](unsigned index, const BitVector &dropped) {
      for (auto axis : resultAxes) {
        bool covered = false;
        for (auto [i, value] : llvm::enumerate(op.getIns()))
          covered |= i != index && !dropped[i] && over(value, axis.first.getValue());
        if (!covered)
          return false;
      }
      return true;
    };
    BitVector dropped(op.getIns().size());
    for (BlockArgument argument : op.block()->getArguments())
      if (argument.use_empty() && coveredWithout(argument.getArgNumber(), dropped))
        dropped.set(argument.getArgNumber());
    if (dropped.none())
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.block()->eraseArguments(dropped);
      op->eraseOperands(dropped);
    });
    return success();
  }
};

/// An operand given twice is taken once.
struct MergeEqualOperands : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rewriter) const override {
    BitVector dropped(op.getIns().size());
    llvm::SmallDenseMap<Value, unsigned> first;
    rewriter.startOpModification(op);
    for (auto [i, value] : llvm::enumerate(op.getIns())) {
      auto [it, inserted] = first.try_emplace(value, i);
      if (inserted)
        continue;
      rewriter.replaceAllUsesWith(op.block()->getArgument(i), op.block()->getArgument(it->second));
      dropped.set(i);
    }
    if (dropped.none()) {
      rewriter.cancelOpModification(op);
      return failure();
    }
    op.block()->eraseArguments(dropped);
    op->eraseOperands(dropped);
    rewriter.finalizeOpModification(op);
    return success();
  }
};

/// Results that nobody reads are not computed.
struct DropUnusedResults : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rewriter) const override {
    SmallVector<unsigned> kept;
    for (OpResult result : op.getResults())
      if (!result.use_empty())
        kept.push_back(result.getResultNumber());
    if (kept.size() == op.getNumResults() || kept.empty())
      return failure();
    SmallVector<Type> types;
    SmallVector<Value> yielded;
    for (unsigned i : kept) {
      types.push_back(op.getResult(i).getType());
      yielded.push_back(op.yield().getOperand(i));
    }
    auto replacement = MapOp::create(rewriter, op.getLoc(), types, op.getIns());
    replacement->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.inlineRegionBefore(op.getBody(), replacement.getBody(), replacement.getBody().end());
    rewriter.modifyOpInPlace(replacement.yield(),
                             [&] { replacement.yield()->setOperands(yielded); });
    for (auto [i, old] : llvm::enumerate(kept))
      rewriter.replaceAllUsesWith(op.getResult(old), replacement.getResult(i));
    rewriter.eraseOp(op);
    return success();
  }
};

/// A result that is an operand of the same type is that operand.
struct ForwardIdentity : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rewriter) const override {
    bool changed = false;
    for (auto [result, value] : llvm::zip(op.getResults(), op.yield().getOperands())) {
      auto argument = dyn_cast<BlockArgument>(value);
      if (!argument || result.use_empty() ||
          op.getIns()[argument.getArgNumber()].getType() != result.getType())
        continue;
      rewriter.replaceAllUsesWith(result, op.getIns()[argument.getArgNumber()]);
      changed = true;
    }
    return success(changed);
  }
};

/// What needs fewer axes is computed in a map over fewer axes (or as a plain scalar), so that
/// nothing of a row is computed at every point of a tile, and loops find invariants to hoist.
struct Narrow : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rewriter) const override {
    if (op.getNumResults() == 0)
      return failure();
    auto resultType = cast<TileType>(op.getResult(0).getType());
    if (resultType.getPlace())
      return failure(); // from the `place` stage on maps stay as they were placed
    for (Operation &inner : op.block()->without_terminator()) {
      if (inner.getNumResults() != 1 || inner.hasTrait<OpTrait::ConstantLike>())
        continue;
      SetVector<Value> outside;
      SmallVector<Operation *> constants;
      bool simple = true, anyArgument = false;
      for (Value operand : inner.getOperands()) {
        if (auto argument = dyn_cast<BlockArgument>(operand)) {
          outside.insert(op.getIns()[argument.getArgNumber()]);
          anyArgument = true;
        } else if (operand.getDefiningOp()->hasTrait<OpTrait::ConstantLike>()) {
          constants.push_back(operand.getDefiningOp());
        } else {
          simple = false;
        }
      }
      if (!simple || !anyArgument)
        continue;
      SmallVector<Type> types;
      for (Value value : outside)
        types.push_back(value.getType());
      auto axes = unionOfAxes(types, [&] { return op.emitOpError(); });
      if (!axes || axes->size() >= resultType.getAxes().size())
        continue;
      Value moved = hoist(inner, op, outside.getArrayRef(), constants, *axes, rewriter);
      rewriter.modifyOpInPlace(op, [&] {
        op->insertOperands(op->getNumOperands(), moved);
        Value argument = op.block()->addArgument(inner.getResult(0).getType(), op.getLoc());
        rewriter.replaceAllUsesWith(inner.getResult(0), argument);
      });
      rewriter.eraseOp(&inner);
      return success();
    }
    return failure();
  }

  /// `inner` as a map of its own over `axes`, or as a scalar operation when there are none.
  static Value hoist(Operation &inner, MapOp op, ArrayRef<Value> outside,
                     ArrayRef<Operation *> constants, ArrayRef<TileType::AxisSize> axes,
                     PatternRewriter &rewriter) {
    OpBuilder::InsertionGuard guard(rewriter);
    IRMapping mapping;
    auto mapArguments = [&](auto valueFor) {
      for (Value operand : inner.getOperands())
        if (auto argument = dyn_cast<BlockArgument>(operand))
          mapping.map(operand, valueFor(op.getIns()[argument.getArgNumber()]));
      for (Operation *constant : constants)
        rewriter.clone(*constant, mapping);
    };
    if (axes.empty()) {
      mapArguments([](Value value) { return value; });
      return rewriter.clone(inner, mapping)->getResult(0);
    }
    auto type = TileType::get(inner.getResult(0).getType(), SmallVector<TileType::AxisSize>(axes));
    auto map = MapOp::create(rewriter, inner.getLoc(), TypeRange{type}, outside);
    Block *block = rewriter.createBlock(&map.getBody());
    for (Value value : outside)
      block->addArgument(elementOf(value.getType()), value.getLoc());
    mapArguments([&](Value value) {
      return block->getArgument(llvm::find(outside, value) - outside.begin());
    });
    Value result = rewriter.clone(inner, mapping)->getResult(0);
    YieldOp::create(rewriter, inner.getLoc(), ValueRange{result});
    return map.getResult(0);
  }
};

} // namespace

void MapOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropUnusedOperands, MergeEqualOperands, DropUnusedResults, ForwardIdentity, Narrow>(
      context);
}
