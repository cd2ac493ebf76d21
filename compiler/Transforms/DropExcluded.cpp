// DropExcluded.cpp - points that a mask excludes from a product do not meet its other operand
//
// In dot[j](p, v) a point where p is 0 adds 0 * v, which is no 0 if v is infinite or NaN, as memory
// behind a length may well be. Where p is 0 because of a test over the contracted axes alone (a
// length, a list entry of -1), the language (S2) wants v out of it. Such tests are found by
// constant folding: those that make all of p 0 when they fail. Then v is read where they hold, or
// selected. Tests that also depend on other axes exclude no element of v altogether, and stay what
// they are.
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/TailValues.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_DROPEXCLUDED
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// A boolean that a value depends on, and the outcome that excludes the point.
struct Test {
  Value condition; ///< a tile, or a scalar inside a map
  bool excludes;
};

/// The maps that `value` is computed by, operands first.
void collectMaps(Value value, llvm::SetVector<Operation *> &maps) {
  auto map = value.getDefiningOp<MapOp>();
  if (!map || maps.contains(map))
    return;
  for (Value operand : map.getIns())
    collectMaps(operand, maps);
  maps.insert(map);
}

/// The operations inside a map's region that `value` there comes from, in order, and the arguments.
void collectInside(Value value, llvm::SetVector<Operation *> &ops,
                   llvm::SetVector<Value> &arguments) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return void(arguments.insert(value));
  for (Value operand : op->getOperands())
    collectInside(operand, ops, arguments);
  ops.insert(op);
}

/// Whether `value` has axes, all of them among `axes`.
bool isOver(ArrayRef<TileType::AxisSize> found, ArrayAttr axes) {
  return !found.empty() &&
         llvm::all_of(found, [&](auto &axis) { return llvm::is_contained(axes, axis.first); });
}

struct DropExcluded : impl::DropExcludedBase<DropExcluded> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<DotOp> dots;
    getOperation().walk([&](DotOp dot) { dots.push_back(dot); });
    for (DotOp dot : dots) {
      guard(dot, dot.getA(), dot.getBMutable());
      guard(dot, dot.getB(), dot.getAMutable());
    }
  }

  void guard(DotOp dot, Value factor, OpOperand &other) {
    for (const Test &test : findTests(factor, dot.getAxes())) {
      OpBuilder builder(dot);
      Value included = makePredicate(builder, test);
      Value value = other.get();
      auto read = value.getDefiningOp<ReadOp>();
      if (read && llvm::is_contained(read.getWhere(), included))
        continue;
      if (read) {
        // Another product may want it unguarded.
        auto again = cast<ReadOp>(builder.clone(*read));
        again.getWhereMutable().append(included);
        other.set(again.getOut());
        if (read->use_empty())
          read.erase();
      } else {
        other.set(selected(builder, value, included));
      }
    }
  }

  /// The tests over `axes` alone that make all of `factor` 0, the widest ones.
  SmallVector<Test> findTests(Value factor, ArrayAttr axes) {
    llvm::SetVector<Operation *> maps;
    collectMaps(factor, maps);
    SmallVector<Value> candidates;
    for (Operation *op : maps) {
      auto map = cast<MapOp>(op);
      for (Value operand : map.getIns())
        if (elementOf(operand.getType()).isInteger(1) && !operand.getDefiningOp<MapOp>() &&
            isOver(axesOf(operand.getType()), axes))
          candidates.push_back(operand);
      for (Operation &inner : map.block()->without_terminator())
        if (inner.getNumResults() == 1 && inner.getResult(0).getType().isInteger(1) &&
            isOver(axesInside(map, inner.getResult(0)), axes))
          candidates.push_back(inner.getResult(0));
    }
    SmallVector<Test> tests;
    llvm::SmallPtrSet<Value, 8> implied;
    for (Value candidate : llvm::reverse(candidates)) {
      if (implied.contains(candidate))
        continue;
      for (bool outcome : {false, true}) {
        if (!isZeroWhen(factor, candidate, outcome))
          continue;
        tests.push_back({asTile(candidate), outcome});
        if (Operation *op = candidate.getDefiningOp(); op && isa<MapOp>(op->getParentOp())) {
          llvm::SetVector<Operation *> ops;
          llvm::SetVector<Value> arguments;
          collectInside(candidate, ops, arguments);
          for (Operation *part : ops)
            implied.insert(part->getResult(0));
        }
        break;
      }
    }
    return tests;
  }

  static SmallVector<TileType::AxisSize> axesInside(MapOp map, Value value) {
    llvm::SetVector<Operation *> ops;
    llvm::SetVector<Value> arguments;
    collectInside(value, ops, arguments);
    SmallVector<Type> types;
    for (Value argument : arguments)
      types.push_back(map.getIns()[cast<BlockArgument>(argument).getArgNumber()].getType());
    return unionOfAxes(types, [&] { return map.emitOpError(); })
        .value_or(SmallVector<TileType::AxisSize>());
  }

  static bool isZeroWhen(Value factor, Value condition, bool outcome) {
    TailValues values([&](Value value) -> Attribute {
      return value == condition ? BoolAttr::get(value.getContext(), outcome) : Attribute();
    });
    auto constant = dyn_cast_or_null<TypedAttr>(values.of(factor));
    if (auto number = dyn_cast_or_null<FloatAttr>(constant))
      return number.getValue().isZero();
    auto number = dyn_cast_or_null<IntegerAttr>(constant);
    return number && number.getValue().isZero();
  }

  /// A condition that its map yields is that map's result.
  static Value asTile(Value condition) {
    Operation *op = condition.getDefiningOp();
    auto map = op ? dyn_cast<MapOp>(op->getParentOp()) : MapOp();
    if (map)
      for (auto [yielded, result] : llvm::zip(map.yield().getOperands(), map.getResults()))
        if (yielded == condition && axesOf(result.getType()) == axesInside(map, condition))
          return result;
    return condition;
  }

  /// A tile that is true where the test does not exclude.
  Value makePredicate(OpBuilder &builder, const Test &test) {
    Value condition = test.condition;
    Location loc = condition.getLoc();
    bool isTile = isa<TileType>(condition.getType());
    if (isTile && !test.excludes)
      return condition;
    SmallVector<Value> ins{condition};
    llvm::SetVector<Operation *> ops;
    llvm::SetVector<Value> arguments;
    if (!isTile) {
      collectInside(condition, ops, arguments);
      auto map = cast<MapOp>(condition.getDefiningOp()->getParentOp());
      ins.clear();
      for (Value argument : arguments)
        ins.push_back(map.getIns()[cast<BlockArgument>(argument).getArgNumber()]);
    } else {
      arguments.insert(condition);
    }
    auto axes = *unionOfAxes(ValueRange(ins).getTypes(), [&] { return emitError(loc); });
    SmallVector<Type> types;
    for (Value in : ins)
      types.push_back(elementOf(in.getType()));
    auto map =
        MapOp::create(builder, loc, TypeRange{TileType::get(builder.getI1Type(), axes)}, ins);
    OpBuilder inside(builder.getContext());
    Block *block =
        inside.createBlock(&map.getBody(), {}, types, SmallVector<Location>(types.size(), loc));
    IRMapping mapping;
    for (auto [argument, inner] : llvm::zip(arguments, block->getArguments()))
      mapping.map(argument, inner);
    for (Operation *op : ops)
      inside.clone(*op, mapping);
    Value result = mapping.lookup(condition);
    if (test.excludes) {
      Value yes = arith::ConstantOp::create(inside, loc, inside.getBoolAttr(true));
      result = arith::XOrIOp::create(inside, loc, result, yes);
    }
    YieldOp::create(inside, loc, result);
    return map.getResult(0);
  }

  static Value selected(OpBuilder &builder, Value value, Value included) {
    Location loc = value.getLoc();
    Type element = elementOf(value.getType());
    auto map = MapOp::create(builder, loc, TypeRange{value.getType()}, ValueRange{value, included});
    OpBuilder inside(builder.getContext());
    Block *block =
        inside.createBlock(&map.getBody(), {}, {element, inside.getI1Type()}, {loc, loc});
    Value zero = arith::ConstantOp::create(inside, loc, inside.getZeroAttr(element));
    Value result =
        arith::SelectOp::create(inside, loc, block->getArgument(1), block->getArgument(0), zero);
    YieldOp::create(inside, loc, result);
    return map.getResult(0);
  }
};

} // namespace
} // namespace fc
