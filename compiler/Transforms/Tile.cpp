// Tile.cpp - every axis gets its tile size; what a ragged tile has too many is masked
//
// Three steps. The schedule's sizes (and those of held axes) go onto every type. Each `fc.axis`
// becomes the `fc.iota` of one tile. Where an axis may end inside a tile, the points past its end
// must not be seen (language S5): reads and writes over the axis are bounded by its end, so that
// they see zeros and touch nothing, and what a reduction or a product takes is replaced by what
// adds nothing to it. The test `point < end` is one tile over that axis alone, made beside the
// axis's points and shared by all masks. Where all tiles are full, bounds of that axis are dropped.
#include "compiler/IR/KernelAxes.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/TailValues.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_TILE
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// The points of an axis in one region: of a grid tile axis in the program, of a walked axis in the
/// fold's body, of a held axis from where it is declared.
struct Points {
  StringAttr axis;
  Region *region;   ///< where they are
  Operation *after; ///< the first operation that may stand behind `base`; null: the region's start
  Value base, end;  ///< i32: the first point of the tile; the first that is not one
  bool ragged;      ///< whether `end` may lie inside a tile
  Value iota, inside; ///< made when first asked for: the points; `point < end`
};

struct Tile : impl::TileBase<Tile> {
  using Base::Base;

  AxisSizes sizes;
  SmallVector<Points> points;

  void runOnOperation() override {
    KernelOp kernel = getOperation();
    sizes.clear();
    points.clear();
    if (!kernel.getSchedule()) {
      kernel.emitError("has no schedule; fc-choose-schedule comes before fc-tile");
      return signalPassFailure();
    }
    if (failed(collectSizes(kernel)) || failed(resize(kernel)))
      return signalPassFailure();
    collectPoints(kernel);
    maskTails(kernel);
  }

  //===-- Sizes ----------------------------------------------------------------===//

  LogicalResult collectSizes(KernelOp kernel) {
    FailureOr<KernelAxes> axes = KernelAxes::of(kernel);
    if (failed(axes))
      return failure();
    sizes = axes->fixed;
    for (StringAttr axis : axes->scheduled()) {
      int64_t size = kernel.getSchedule()->size(axis);
      if (size < 0)
        return kernel.emitError("has a schedule without a size for axis `")
               << axis.getValue() << "`";
      sizes[axis] = size;
    }
    kernel.walk([&](FoldOp fold) {
      SmallVector<int64_t> steps;
      for (auto axis : fold.getAxes().getAsRange<StringAttr>())
        steps.push_back(sizes.lookup(axis));
      fold.setStep(steps);
    });
    return success();
  }

  /// Puts sizes on all types. Types refer to axes by name, so each is rewritten on its own.
  LogicalResult resize(KernelOp kernel) {
    auto resized = [&](Operation *op, Type type) -> FailureOr<Type> {
      auto tile = dyn_cast<TileType>(type);
      if (!tile || tile.sized())
        return type;
      SmallVector<TileType::AxisSize> axes;
      for (StringAttr axis : tile.getAxes()) {
        if (!sizes.contains(axis))
          return op->emitError("axis `")
                 << axis.getValue() << "` has no tile size: it is neither held, nor "
                 << "walked, nor a tile axis of the grid";
        axes.push_back({axis, sizes.lookup(axis)});
      }
      return Type(TileType::get(tile.getElement(), axes));
    };
    WalkResult result = kernel.walk([&](Operation *op) -> WalkResult {
      auto set = [&](Value value) {
        FailureOr<Type> type = resized(op, value.getType());
        if (succeeded(type))
          value.setType(*type);
        return LogicalResult(type);
      };
      for (Value value : op->getResults())
        if (failed(set(value)))
          return failure();
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (Value value : block.getArguments())
            if (failed(set(value)))
              return failure();
      return success();
    });
    return failure(result.wasInterrupted());
  }

  //===-- Points ---------------------------------------------------------------===//

  /// Whether a tile of `size` from `base` may reach past `end`, given that the first tile starts at
  /// `lo`.
  bool isRagged(Value lo, Value end, int64_t size) {
    std::optional<int64_t> first = constantOf(lo), last = constantOf(end);
    return !first || !last || (*last - *first) % size || *last < *first;
  }

  void collectPoints(KernelOp kernel) {
    ProgramOp program = kernel.program();
    for (auto [i, axis] : llvm::enumerate(program.getAxes().getAsRange<StringAttr>())) {
      if (!program.getTiles()[i])
        continue;
      Value extent = program.getExtents()[i];
      std::optional<int64_t> known = constantOf(extent);
      points.push_back({axis, &program.getBody(), nullptr, program.getBody().getArgument(i), extent,
                        !known || *known % sizes.lookup(axis) != 0});
    }
    SmallVector<AxisOp> held;
    kernel.walk([&](Operation *op) {
      if (auto axis = dyn_cast<AxisOp>(op))
        held.push_back(axis);
      auto fold = dyn_cast<FoldOp>(op);
      if (!fold)
        return;
      for (auto [i, axis] : llvm::enumerate(fold.getAxes().getAsRange<StringAttr>()))
        points.push_back({axis, &fold.getBody(), nullptr, fold.getBody().getArgument(i),
                          fold.getHi()[i],
                          isRagged(fold.getLo()[i], fold.getHi()[i], sizes.lookup(axis))});
    });
    for (AxisOp axis : held) {
      OpBuilder builder(axis);
      auto iota = IotaOp::create(builder, axis.getLoc(), axis.getOut().getType(), axis.getLo());
      StringAttr name = iota.getOut().getType().getAxes()[0];
      points.push_back({name, axis->getParentRegion(), iota, axis.getLo(), axis.getHi(),
                        isRagged(axis.getLo(), axis.getHi(), sizes.lookup(name)), iota});
      axis.replaceAllUsesWith(iota.getResult());
      axis.erase();
    }
  }

  /// The points of `axis` that `op` sees; null when every tile is full.
  Points *raggedPoints(Operation *op, StringAttr axis) {
    for (Region *region = op->getParentRegion(); region; region = region->getParentRegion())
      for (Points &each : points)
        if (each.axis == axis && each.region == region)
          return each.ragged ? &each : nullptr;
    return nullptr;
  }

  OpBuilder builderAt(Points &at) {
    if (at.after) {
      OpBuilder builder(at.after->getContext());
      builder.setInsertionPointAfter(at.after);
      return builder;
    }
    return OpBuilder::atBlockBegin(&at.region->front());
  }

  /// The points as a tile.
  Value iotaOf(Points &at) {
    if (at.iota)
      return at.iota;
    OpBuilder builder = builderAt(at);
    auto type = TileType::get(builder.getI32Type(), {{at.axis, sizes.lookup(at.axis)}});
    // The program's own text has its points, mostly: one iota for both.
    for (Operation *user : at.base.getUsers())
      if (auto iota = dyn_cast<IotaOp>(user);
          iota && iota.getOut().getType() == type && iota->getBlock() == &at.region->front()) {
        iota->moveBefore(&at.region->front(), at.region->front().begin());
        at.after = iota;
        return at.iota = iota;
      }
    auto iota = IotaOp::create(builder, at.base.getLoc(), type, at.base);
    at.after = iota;
    return at.iota = iota;
  }

  /// `point < end`, over the one axis.
  Value insideOf(Points &at) {
    if (at.inside)
      return at.inside;
    Value iota = iotaOf(at);
    OpBuilder builder = builderAt(at);
    auto type = cast<TileType>(iota.getType()).withElement(builder.getI1Type());
    auto map = MapOp::create(builder, iota.getLoc(), TypeRange{type}, ValueRange{iota, at.end});
    Block *block =
        builder.createBlock(&map.getBody(), {}, {builder.getI32Type(), builder.getI32Type()},
                            {iota.getLoc(), iota.getLoc()});
    Value less = arith::CmpIOp::create(builder, iota.getLoc(), arith::CmpIPredicate::slt,
                                       block->getArgument(0), block->getArgument(1));
    YieldOp::create(builder, iota.getLoc(), less);
    at.after = map;
    return at.inside = map.getResult(0);
  }

  //===-- Tails ----------------------------------------------------------------===//

  void maskTails(KernelOp kernel) {
    SmallVector<Operation *> work;
    kernel.walk([&](Operation *op) {
      if (isa<ReadOp, WriteOp, ReduceOp, DotOp>(op))
        work.push_back(op);
    });
    for (Operation *op : work) {
      if (auto read = dyn_cast<ReadOp>(op)) {
        dropIdleBounds(read);
        boundAccess(read);
      } else if (auto write = dyn_cast<WriteOp>(op)) {
        dropIdleBounds(write);
        boundAccess(write);
      } else if (auto reduce = dyn_cast<ReduceOp>(op))
        maskOperand(reduce, reduce.getInMutable(), reduce.getAxes(),
                    identity(reduce.getKind(), reduce.getIn().getType().getElement()));
      else {
        auto dot = cast<DotOp>(op);
        for (OpOperand *operand : {&dot.getAMutable(), &dot.getBMutable()})
          maskOperand(dot, *operand, dot.getAxes(),
                      Builder(op).getZeroAttr(elementOf(operand->get().getType())));
      }
    }
  }

  /// Bounds an access by the end of every ragged axis that it is over, unless it is.
  template <class Op> void boundAccess(Op op) {
    SmallVector<StringAttr> axes;
    for (Value index : llvm::concat<Value>(SmallVector<Value>(op.getIndices()),
                                           SmallVector<Value>(op.getWhere())))
      for (auto [axis, size] : axesOf(index.getType()))
        if (!llvm::is_contained(axes, axis))
          axes.push_back(axis);
    for (StringAttr axis : axes) {
      Points *at = raggedPoints(op, axis);
      if (!at || isBounded(op.getBounded(), op.getLimits(), *at))
        continue;
      Value iota = iotaOf(*at);
      op.getBoundedMutable().append(iota);
      op.getLimitsMutable().append(at->end);
    }
  }

  /// Drops bounds that always hold: those by the constant end of an axis whose tiles are all full,
  /// or by more. A copy without bounds may be one instruction.
  template <class Op> void dropIdleBounds(Op op) {
    for (unsigned i = op.getBounded().size(); i-- > 0;) {
      std::optional<int64_t> limit = constantOf(op.getLimits()[i]);
      if (limit && llvm::any_of(points, [&](Points &at) {
            std::optional<int64_t> end = constantOf(at.end);
            return !at.ragged && end && *end <= *limit && isPointOf(op.getBounded()[i], at);
          })) {
        op.getBoundedMutable().erase(i);
        op.getLimitsMutable().erase(i);
      }
    }
  }

  static bool isPointOf(Value index, Points &at) {
    auto iota = index.getDefiningOp<IotaOp>();
    return iota && iota.getBase() == at.base && iota.getOut().getType().getAxes()[0] == at.axis;
  }

  bool isBounded(ValueRange bounded, ValueRange limits, Points &at) {
    for (auto [index, limit] : llvm::zip(bounded, limits)) {
      if (isPointOf(index, at) &&
          (limit == at.end || (constantOf(limit) && constantOf(limit) == constantOf(at.end))))
        return true;
    }
    return false;
  }

  /// What adds nothing to a reduction.
  TypedAttr identity(ReduceKind kind, Type element) {
    Builder builder(element.getContext());
    auto extreme = [&](bool low) -> TypedAttr {
      if (auto type = dyn_cast<FloatType>(element))
        return builder.getFloatAttr(type, APFloat::getInf(type.getFloatSemantics(), low));
      unsigned width = element.getIntOrFloatBitWidth();
      return builder.getIntegerAttr(element, low ? APInt::getSignedMinValue(width)
                                                 : APInt::getSignedMaxValue(width));
    };
    switch (kind) {
    case ReduceKind::Sum:
    case ReduceKind::Any:
      return builder.getZeroAttr(element);
    case ReduceKind::All:
      return builder.getBoolAttr(true);
    case ReduceKind::Max:
      return extreme(true);
    case ReduceKind::Min:
      return extreme(false);
    }
    llvm_unreachable("all kinds are listed");
  }

  /// What `value` is past the end of the axis, if one constant.
  Attribute tailOf(Value value, Points &at) {
    TailValues tails([&](Value other) -> Attribute {
      if (other == at.inside)
        return BoolAttr::get(&getContext(), false);
      // A read bounded by the end of the axis is 0 past it.
      if (auto read = other.getDefiningOp<ReadOp>();
          read && isBounded(read.getBounded(), read.getLimits(), at))
        return Builder(&getContext()).getZeroAttr(elementOf(other.getType()));
      return {};
    });
    return tails.of(value);
  }

  /// Makes what `operand` takes past the end of the axes `fill`. Points past the end do not exist,
  /// so whatever comes later may take the masked value too, and is then often right without a mask
  /// of its own.
  void maskOperand(Operation *op, OpOperand &operand, ArrayAttr axes, TypedAttr fill) {
    Value value = operand.get();
    SmallVector<Value> ins{value};
    for (auto axis : axes.getAsRange<StringAttr>())
      if (Points *at = raggedPoints(op, axis); at && tailOf(value, *at) != fill)
        ins.push_back(insideOf(*at));
    if (ins.size() == 1)
      return;
    OpBuilder builder(op);
    Location loc = op->getLoc();
    auto map = MapOp::create(builder, loc, TypeRange{value.getType()}, ins);
    SmallVector<Type> types;
    for (Value in : ins)
      types.push_back(elementOf(in.getType()));
    Block *block =
        builder.createBlock(&map.getBody(), {}, types, SmallVector<Location>(types.size(), loc));
    Value other = arith::ConstantOp::create(builder, loc, fill);
    Value result = block->getArgument(0);
    for (BlockArgument inside : block->getArguments().drop_front())
      result = arith::SelectOp::create(builder, loc, inside, result, other);
    YieldOp::create(builder, loc, result);
    operand.set(map.getResult(0));
    value.replaceUsesWithIf(map.getResult(0), [&](OpOperand &use) {
      Operation *user = op->getBlock()->findAncestorOpInBlock(*use.getOwner());
      return user && op->isBeforeInBlock(user);
    });
  }
};

} // namespace
} // namespace fc
