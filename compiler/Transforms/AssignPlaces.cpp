// AssignPlaces.cpp - every tile gets its owner: registers of threads, or shared memory
//
// In program order, by the rules of PlaceRules: a tile of several axes has the place of its axes,
// products by FMAs read their operands from shared memory, those by `mma` their second one, and all
// else follows from whom a tile meets: an operand of a map is wanted in the slice of the result's
// place, a reduction gives the slice of its operand's. A value that is wanted where it is not is
// made anew there if that is cheap (points of axes and tests of them), else converted, once, right
// behind its definition, so that what a loop does not change stays outside it.
#include "compiler/IR/PlaceRules.h"
#include "compiler/IR/SharedLayout.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_ASSIGNPLACES
#include "compiler/Transforms/Passes.h.inc"

namespace {

class Placer {
public:
  explicit Placer(KernelOp kernel)
      : context(kernel.getContext()),
        rules(
            kernel, kernel.getSchedule()->getWarps(), kernel.getSchedule()->getParts(),
            [](Type type) { return axesOf(type); }, hasMatrixProducts(kernel)) {}

  void visit(Block &block) {
    // Operations that are inserted behind one visited are placed already.
    SmallVector<Operation *> ops;
    for (Operation &op : block)
      ops.push_back(&op);
    for (Operation *op : ops)
      visit(op);
  }

  /// Drops what was made anew wherever it was wanted.
  static void dropUnplaced(KernelOp kernel) {
    SmallVector<Operation *> ops;
    kernel.walk([&](Operation *op) {
      if (isa<IotaOp, MapOp, ReadOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : llvm::reverse(ops))
      if (op->use_empty())
        op->erase();
  }

private:
  static bool isMatrixProduct(DotOp dot) { return dot.getBy().value_or("").starts_with("mma."); }
  static bool hasMatrixProducts(KernelOp kernel) {
    return kernel
        .walk([](DotOp dot) {
          return isMatrixProduct(dot) ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  }

  //===-- Where a value is wanted ----------------------------------------------===//

  PlaceAttr placeOf(ArrayRef<TileType::AxisSize> axes) {
    return PlaceAttr::get(context, rules.placeOf(axes));
  }
  PlaceAttr placeOf(Type type) { return placeOf(axesOf(type)); }

  /// The place of a tile over the axes of `part` beside a tile in `whole`.
  PlaceAttr sliceFor(PlaceAttr whole, Type part) {
    SmallVector<StringRef> names;
    for (auto [axis, size] : axesOf(part))
      names.push_back(axis.getValue());
    return PlaceAttr::get(context, whole.place().sliceTo(names));
  }

  static void setPlace(Value value, Attribute place) {
    if (auto type = dyn_cast<TileType>(value.getType()))
      value.setType(type.withPlace(place));
  }

  static OpBuilder behind(Value value) {
    OpBuilder builder(value.getContext());
    builder.setInsertionPointAfterValue(value);
    return builder;
  }

  /// The value in a place, made or converted as need be. A scalar is everywhere.
  Value in(Attribute place, Value value) {
    auto type = dyn_cast<TileType>(value.getType());
    if (!type || type.getPlace() == place)
      return value;
    auto known = copies.find({value, place});
    if (known != copies.end())
      return known->second;
    Value copy;
    if (isa<PlaceAttr>(place) && !type.shared() &&
        (PlaceRules::isCheap(value) || value.getDefiningOp<ReadOp>())) {
      copy = makeAgain(value, place);
    } else {
      Value from = type.getPlace() ? value : in(placeOf(type), value);
      OpBuilder builder = behind(from);
      copy = ConvertOp::create(builder, value.getLoc(), type.withPlace(place), from);
    }
    copies[{value, place}] = copy;
    return copy;
  }

  /// A cheap tile or a read again, in another place.
  Value makeAgain(Value value, Attribute place) {
    SmallVector<Value> operands;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      operands.push_back(in(sliceFor(cast<PlaceAttr>(place), operand.getType()), operand));
    OpBuilder builder = behind(value);
    Operation *again = builder.clone(*op);
    again->setOperands(operands);
    for (Value result : again->getResults())
      setPlace(result, place);
    return again->getResult(cast<OpResult>(value).getResultNumber());
  }

  void want(OpOperand &operand, Attribute place) { operand.set(in(place, operand.get())); }

  /// Wants each tile operand in the slice of `place`.
  void wantSlices(MutableArrayRef<OpOperand> operands, PlaceAttr place) {
    for (OpOperand &operand : operands)
      if (isa<TileType>(operand.get().getType()))
        want(operand, sliceFor(place, operand.get().getType()));
  }

  SharedAttr sharedPlace(Value value) {
    auto type = cast<TileType>(value.getType());
    StringAttr minor = PlaceRules::minorAxis(value);
    int64_t bytes = std::max<int64_t>(type.getElement().getIntOrFloatBitWidth() / 8, 1);
    return SharedAttr::get(context, minor.getValue(),
                           SharedLayout::choosePage(type.size(minor.getValue()), bytes));
  }

  //===-- Operations -----------------------------------------------------------===//

  void visit(Operation *op) {
    if (auto map = dyn_cast<MapOp>(op))
      visitMap(map);
    else if (auto read = dyn_cast<ReadOp>(op))
      visitRead(read);
    else if (auto write = dyn_cast<WriteOp>(op))
      visitWrite(write);
    else if (auto reduce = dyn_cast<ReduceOp>(op))
      visitReduce(reduce);
    else if (auto extreme = dyn_cast<ExtremeOp>(op))
      want(extreme.getInMutable(), placeOf(extreme.getIn().getType()));
    else if (auto dot = dyn_cast<DotOp>(op))
      visitDot(dot);
    else if (auto fold = dyn_cast<FoldOp>(op))
      visitFold(fold);
    else if (auto hop = dyn_cast<HopOp>(op))
      visit(hop.getBody().front());
    else if (auto merge = dyn_cast<MergeOp>(op))
      visitMerge(merge);
    else if (auto program = dyn_cast<ProgramOp>(op))
      visit(program.getBody().front());
  }

  void visitMap(MapOp map) {
    if (map.getNumResults() == 0 || PlaceRules::isCheap(map.getResult(0)))
      return; // made where it is wanted
    PlaceAttr place = placeOf(map.getResult(0).getType());
    // Over one axis: where its operands are.
    if (axesOf(map.getResult(0).getType()).size() == 1)
      for (Value operand : map.getIns())
        if (auto type = dyn_cast<TileType>(operand.getType()); type && type.registers()) {
          place = type.registers();
          break;
        }
    // What warps have shared out stays so.
    for (Value operand : map.getIns())
      if (auto type = dyn_cast<TileType>(operand.getType());
          merged.contains(operand) && axesOf(type) == axesOf(map.getResult(0).getType())) {
        place = type.registers();
        merged.insert(map.result_begin(), map.result_end());
        break;
      }
    wantSlices(map->getOpOperands(), place);
    for (Value result : map.getResults())
      setPlace(result, place);
  }

  void visitRead(ReadOp read) {
    if (!isa<TileType>(read.getOut().getType()))
      return;
    if (PlaceRules::isCheap(read.getOut()))
      return; // made where it is wanted
    if (PlaceRules::isSharedRead(read.getOut())) {
      setPlace(read.getOut(), sharedPlace(read.getOut()));
      // The copy's own lanes follow from the layout; its indices are made anew for them.
      for (OpOperand &operand : read->getOpOperands())
        if (auto type = dyn_cast<TileType>(operand.get().getType()); type && !type.getPlace())
          want(operand, placeOf(type));
      return;
    }
    PlaceAttr place = placeReadFor(read);
    setPlace(read.getOut(), place);
    wantSlices(read->getOpOperands(), place);
  }

  /// A read comes in the slice that the first consumer over more axes wants.
  PlaceAttr placeReadFor(ReadOp read) {
    Type type = read.getOut().getType();
    Operation *first = nullptr, *inBlock = nullptr;
    for (Operation *user : read.getOut().getUsers()) {
      Operation *ancestor = read->getBlock()->findAncestorOpInBlock(*user);
      if (isa<MapOp>(user) && (!inBlock || ancestor->isBeforeInBlock(inBlock))) {
        first = user;
        inBlock = ancestor;
      }
    }
    if (first && axesOf(first->getResult(0).getType()).size() > axesOf(type).size())
      return sliceFor(placeOf(first->getResult(0).getType()), type);
    return placeOf(type);
  }

  void visitWrite(WriteOp write) {
    auto value = dyn_cast<TileType>(write.getValue().getType());
    auto axes = unionOfAxes(write.getIndices().getTypes(), [&] { return write.emitOpError(); });
    PlaceAttr place = placeOf(*axes);
    if (value && value.registers() && value.axisSizes() == *axes) {
      place = value.registers();
      if (auto vectors = placeOfVectors(write, value))
        place = PlaceAttr::get(context, *vectors);
    }
    wantSlices(write->getOpOperands(), place);
  }

  /// Fragments hold two neighbours of a row; lanes of other places hold 16 bytes, but neighbours
  /// those of different rows where a row has an odd number. Behind the loops, such 16-bit tiles go
  /// through shared memory to lanes that hold 16 bytes each, neighbours side by side; rows, and
  /// columns that warps share out, stay in their warps. What warps have merged has been through
  /// shared memory: it goes there again only where it came in pieces of less than 16 bytes.
  std::optional<Place> placeOfVectors(WriteOp write, TileType value) {
    auto points = write.getIndices().back().getDefiningOp<IotaOp>();
    if (!points || value.getAxes().size() != 2 ||
        value.getElement().getIntOrFloatBitWidth() != 16 || write->getParentOfType<FoldOp>())
      return std::nullopt;
    StringRef column = points.axis();
    StringRef row = value.getAxes()[value.getAxes()[0].getValue() == column].getValue();
    constexpr int kRun = 8; // elements in 16 bytes
    int columns = int(value.size(column)), rows = int(value.size(row)), rowWarps = 1;
    int columnWarps = 1;
    if (!value.has(column) || columns % kRun != 0 ||
        (!rules.hasFragments() && columns / kRun % 2 == 0) ||
        llvm::any_of(write.getIndices().drop_back(),
                     [&](Value index) { return over(index, column); }))
      return std::nullopt;
    for (const Digit &digit : value.registers().place().of(Unit::Warp)) {
      columnWarps *= digit.axis == column ? digit.size : 1;
      rowWarps *= digit.axis == row ? digit.size : 1;
    }
    if (value.registers().place().extent(row) != rows || rows % rowWarps != 0)
      return std::nullopt;
    if (columnWarps > 1 && merged.contains(write.getValue())) {
      if (columns / kRun % 2 == 0 || rows % (rowWarps * columnWarps) != 0)
        return std::nullopt;
      rowWarps *= columnWarps; // each warp takes whole rows
      columnWarps = 1;
    }
    if (columns % (columnWarps * kRun) != 0)
      return std::nullopt;
    int perWarp = rows / rowWarps, chunks = columns / columnWarps / kRun;
    int columnLanes = std::gcd(chunks, 32);
    // Lanes beyond an odd number of chunks are idle: chunks of a row side by side are sectors of 32
    // bytes, those of several rows below each other are halves of them.
    if (columnLanes == 1 && columnWarps == 1)
      columnLanes = std::min(32, int(llvm::PowerOf2Ceil(chunks)));
    int rowLanes = std::gcd(perWarp, 32 / columnLanes);
    Place place{{{Unit::Value, column.str(), kRun, 1},
                 {Unit::Value, column.str(), int(llvm::divideCeil(chunks, columnLanes)),
                  kRun * columnLanes},
                 {Unit::Value, row.str(), perWarp / rowLanes, rowLanes},
                 {Unit::Lane, column.str(), columnLanes, kRun},
                 {Unit::Lane, row.str(), rowLanes, 1},
                 {Unit::Warp, row.str(), rowWarps, perWarp},
                 {Unit::Warp, column.str(), columnWarps, columns / columnWarps}}};
    return place.normal();
  }

  void visitReduce(ReduceOp reduce) {
    TileType in = reduce.getIn().getType();
    if (!in.getPlace())
      want(reduce.getInMutable(), placeOf(in));
    // Lanes exchange by shuffles; what warps must exchange is brought into each of them first.
    PlaceAttr place = reduce.getIn().getType().registers();
    want(reduce.getInMutable(), place = withinWarps(place, reduce.getAxes()));
    setPlace(reduce.getOut(), sliceFor(place, reduce.getOut().getType()));
  }

  /// The place with every warp holding all of `axes`.
  PlaceAttr withinWarps(PlaceAttr from, ArrayAttr axes) {
    Place place = from.place();
    for (auto axis : axes.getAsRange<StringAttr>())
      for (size_t i = 0, count = place.digits.size(); i < count; ++i)
        if (Digit digit = place.digits[i];
            digit.axis == axis.getValue() && digit.unit == Unit::Warp) {
          place.digits[i] = {Unit::Warp, "", digit.size, 0};
          place.digits.push_back({Unit::Value, digit.axis, digit.size, digit.stride});
        }
    return PlaceAttr::get(context, place);
  }

  void visitDot(DotOp dot) {
    auto wantShared = [&](OpOperand &operand) {
      if (auto type = cast<TileType>(operand.get().getType()); !type.shared())
        want(operand, sharedPlace(operand.get()));
    };
    if (isMatrixProduct(dot)) {
      visitOperandA(dot);
    } else {
      wantShared(dot.getAMutable());
      dot.setBy("fma");
    }
    wantShared(dot.getBMutable());
    PlaceAttr place = placeOf(dot.getOut().getType());
    setPlace(dot.getOut(), place);
    for (OpOperand &acc : dot.getAccMutable())
      want(acc, place);
  }

  /// What is computed is multiplied from registers. What is read stays in shared memory, unless a
  /// loop around the product leaves it unchanged and it is small: then registers hold it meanwhile.
  void visitOperandA(DotOp dot) {
    OpOperand &operand = dot.getAMutable();
    auto type = cast<TileType>(operand.get().getType());
    StringRef contracted = cast<StringAttr>(dot.getAxes()[0]).getValue();
    TileType::AxisSize row, column;
    for (TileType::AxisSize axis : wholeAxesOf(type))
      (axis.first.getValue() == contracted ? column : row) = axis;
    Place place = rules.withParts(rules.fragment(row, column), type.axisSizes());
    Operation *source = operand.get().getDefiningOp();
    bool held = source && source->getBlock() != dot->getBlock() && PlaceRules::canHold(place);
    if (!type.shared() || held)
      want(operand, PlaceAttr::get(context, place));
  }

  void visitFold(FoldOp fold) {
    size_t axes = fold.getAxes().size(), count = fold.getInit().size();
    for (size_t i = 0; i < count; ++i) {
      Type type = fold.getInit()[i].getType();
      if (!isa<TileType>(type))
        continue;
      PlaceAttr place = placeOf(type);
      want(fold.getInitMutable()[i], place);
      setPlace(fold.getResult(i), place);
      setPlace(fold.getBody().getArgument(axes + i), place);
      if (fold.derived())
        for (size_t side : {i, count + i})
          setPlace(fold.getCombine().getArgument(side), place);
    }
    visitRegion(fold.getBody(), fold);
    if (fold.derived())
      visitRegion(fold.getCombine(), fold);
    if (!fold.getHop().empty())
      visit(fold.getHop().front());
  }

  void visitRegion(Region &region, FoldOp fold) {
    // The state's places first: what the body yields may be made behind its definition.
    visit(region.front());
    Operation *yield = region.front().getTerminator();
    for (OpOperand &operand : yield->getOpOperands())
      if (auto type = dyn_cast<TileType>(fold.getResult(operand.getOperandNumber()).getType()))
        want(operand, type.getPlace());
  }

  void visitMerge(MergeOp merge) {
    size_t count = merge.getStates().size();
    for (size_t i = 0; i < count; ++i) {
      auto type = cast<TileType>(merge.getStates()[i].getType());
      PlaceAttr place = placeOf(type);
      want(merge.getStatesMutable()[i], place);
      auto result =
          PlaceAttr::get(context, rules.merged(place.place(), type.axisSizes(), merge.getAxis()));
      for (Value value : {Value(merge.getResult(i)), Value(merge.getCombine().getArgument(i)),
                          Value(merge.getCombine().getArgument(count + i))}) {
        setPlace(value, result);
        merged.insert(value);
      }
    }
    visit(merge.getCombine().front());
    for (OpOperand &operand : merge.yield()->getOpOperands())
      if (auto type = dyn_cast<TileType>(merge.getResult(operand.getOperandNumber()).getType()))
        want(operand, type.getPlace());
  }

  MLIRContext *context;
  PlaceRules rules;
  llvm::DenseSet<Value> merged; ///< what a merge has shared out to warps, and maps of that
  llvm::DenseMap<std::pair<Value, Attribute>, Value> copies;
};

struct AssignPlaces : impl::AssignPlacesBase<AssignPlaces> {
  using Base::Base;
  void runOnOperation() override {
    if (!getOperation().getSchedule()) {
      getOperation().emitError("has no schedule; fc-choose-schedule comes before fc-assign-places");
      return signalPassFailure();
    }
    Placer(getOperation()).visit(getOperation().getBody().front());
    Placer::dropUnplaced(getOperation());
  }
};

} // namespace
} // namespace fc
