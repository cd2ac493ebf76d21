// MaskTests.cpp - maps split around the selects of a mask
#include "compiler/Transforms/MaskTests.h"
#include "compiler/IR/TestMap.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace fc {

SmallVector<MaskSelect> maskSelects(Terms &terms, FoldTerms &values, FoldOp fold) {
  SmallVector<MaskSelect> list;
  fold.getBody().walk([&](arith::SelectOp op) {
    auto map = dyn_cast<MapOp>(op->getParentOp());
    if (!map || map.getNumResults() != 1 || !llvm::is_contained(values.selects, op))
      return;
    MaskSelect select{op};
    select.keepsFirst = matchPattern(op.getFalseValue(), m_Constant(&select.filler));
    if (!select.keepsFirst && !matchPattern(op.getTrueValue(), m_Constant(&select.filler)))
      return;
    TermRef condition = values.of(op.getCondition());
    select.keeps = select.keepsFirst ? condition : terms.negate(condition);
    list.push_back(select);
  });
  return list;
}

namespace {

/// Builds a map out of pieces of other maps.
class MapBuilder {
public:
  MapBuilder(Operation *before) : before(before), body(before->getContext()) {
    body.setInsertionPointToEnd(&block);
  }

  Value operand(Value value) {
    if (ins.insert(value))
      return block.addArgument(elementOf(value.getType()), value.getLoc());
    return block.getArgument(llvm::find(ins, value) - ins.begin());
  }

  /// `value` of a map's region, here. With `through`, integers that maps of the same block make are
  /// computed anew, too.
  Value take(Value value, bool through) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Value result;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      Value in = cast<MapOp>(argument.getOwner()->getParentOp()).getIns()[argument.getArgNumber()];
      auto source = in.getDefiningOp<MapOp>();
      if (through && source && source->getBlock() == before->getBlock() &&
          elementOf(in.getType()).isIntOrIndex())
        result = take(source.yield().getOperand(cast<OpResult>(in).getResultNumber()), through);
      else
        result = operand(in);
    } else {
      Operation *op = value.getDefiningOp();
      for (Value operand : op->getOperands())
        take(operand, through);
      result = body.clone(*op, mapping)->getResult(cast<OpResult>(value).getResultNumber());
    }
    mapping.map(value, result);
    return result;
  }
  void replace(Value value, Value by) { mapping.map(value, by); }

  /// The axes that a result would have.
  SmallVector<TileType::AxisSize> axes() {
    SmallVector<Type> types;
    for (Value in : ins)
      types.push_back(in.getType());
    return unionOfAxes(types, [&] { return before->emitOpError(); }).value();
  }

  MapOp finish(Value result) {
    OpBuilder builder(before);
    YieldOp::create(body, before->getLoc(), result);
    Type type = TileType::get(result.getType(), axes());
    auto map = MapOp::create(builder, before->getLoc(), TypeRange{type}, ins.getArrayRef());
    Block *target = builder.createBlock(&map.getBody());
    for (BlockArgument argument : block.getArguments())
      argument.replaceAllUsesWith(target->addArgument(argument.getType(), argument.getLoc()));
    target->getOperations().splice(target->end(), block.getOperations());
    return map;
  }

  OpBuilder &code() { return body; }
  ~MapBuilder() { block.dropAllReferences(); }

private:
  Operation *before;
  Block block;
  OpBuilder body;
  llvm::SetVector<Value> ins;
  IRMapping mapping;
};

/// A test map that was made, and the selects in it.
struct Made {
  MapOp map;
  SmallVector<TermRef> keeps;
  Value kept;
  FloatAttr filler;
};

class Marker {
public:
  explicit Marker(llvm::function_ref<Value(ArrayRef<TermRef>)> flagOf) : flagOf(flagOf) {}

  void mark(const MaskSelect &select) {
    auto map = cast<MapOp>(select.op->getParentOp());
    auto type = cast<TileType>(map.getResult(0).getType());
    // What comes before the test.
    Value kept = keptTile(select, map);
    if (!kept || axesOf(kept.getType()) != axesOf(type))
      return;
    Made next{{}, {select.keeps}, kept, select.filler};
    Made *earlier = llvm::find_if(made, [&](const Made &each) {
      return each.map->getResult(0) == kept && each.filler == select.filler && kept.hasOneUse();
    });
    if (earlier != made.end()) {
      next.keeps.append(earlier->keeps);
      next.kept = earlier->kept;
    }
    Value flag = flagOf(next.keeps);
    if (!flag)
      return;
    MapBuilder test(map);
    test.operand(flag);
    Value x = test.operand(next.kept);
    Value condition;
    auto require = [&](Value part, bool holds) {
      OpBuilder &code = test.code();
      Location loc = part.getLoc();
      if (!holds)
        part = arith::XOrIOp::create(code, loc, part,
                                     arith::ConstantOp::create(code, loc, code.getBoolAttr(true)));
      condition = condition ? arith::AndIOp::create(code, loc, condition, part) : part;
    };
    if (earlier != made.end())
      require(test.take(selectOf(earlier->map).getCondition(), /*through=*/true), true);
    require(test.take(select.op->getOperand(0), /*through=*/true), select.keepsFirst);
    Location loc = select.op->getLoc();
    Value filler = arith::ConstantOp::create(test.code(), loc, select.filler);
    Value result = arith::SelectOp::create(test.code(), loc, condition, x, filler);
    next.map = test.finish(result);
    next.map->setAttr(kTestAttr, UnitAttr::get(map.getContext()));
    finishWith(next.map.getResult(0), select, map);
    if (earlier != made.end()) {
      earlier->map.erase();
      made.erase(earlier);
    }
    made.push_back(next);
  }

private:
  static arith::SelectOp selectOf(MapOp test) {
    return test.yield().getOperand(0).getDefiningOp<arith::SelectOp>();
  }

  /// The select's kept side as a tile: an operand of the map, or made in front of it.
  static Value keptTile(const MaskSelect &select, MapOp map) {
    if (auto argument = dyn_cast<BlockArgument>(select.kept())) {
      Value in = map.getIns()[argument.getArgNumber()];
      return isa<TileType>(in.getType()) ? in : Value();
    }
    MapBuilder builder(map);
    Value value = builder.take(select.kept(), /*through=*/false);
    if (builder.axes().empty())
      return {};
    return builder.finish(value).getResult(0);
  }

  /// What comes after the test: the rest of the map, if there is one.
  static void finishWith(Value tested, const MaskSelect &select, MapOp map) {
    Value yielded = map.yield().getOperand(0);
    if (yielded != select.op->getResult(0)) {
      MapBuilder builder(map);
      builder.replace(select.op->getResult(0), builder.operand(tested));
      tested = builder.finish(builder.take(yielded, /*through=*/false)).getResult(0);
    }
    map.getResult(0).replaceAllUsesWith(tested);
    map.erase();
  }

  llvm::function_ref<Value(ArrayRef<TermRef>)> flagOf;
  SmallVector<Made> made;
};

} // namespace

void markTests(ArrayRef<MaskSelect> selects, llvm::function_ref<Value(ArrayRef<TermRef>)> flagOf) {
  // A map with several is split at the first; the others stay in what comes after, as they are.
  Marker marker(flagOf);
  llvm::DenseSet<Operation *> split;
  SmallVector<MaskSelect> firsts;
  for (const MaskSelect &select : selects)
    if (split.insert(select.op->getParentOp()).second)
      firsts.push_back(select);
  for (const MaskSelect &select : firsts)
    marker.mark(select);
}

} // namespace fc
