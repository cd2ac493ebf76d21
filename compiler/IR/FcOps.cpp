// FcOps.cpp - text forms and verifiers of the fc operations on values, memory and folds
#include "compiler/IR/Fc.h"
#include "compiler/IR/MemoryAccess.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace fc;

#define GET_OP_CLASSES
#include "compiler/IR/FcOps.cpp.inc"

/// A region of one block; `{ }` is an empty block.
static ParseResult parseBody(OpAsmParser &parser, Region &region,
                             ArrayRef<OpAsmParser::Argument> arguments) {
  if (parser.parseRegion(region, arguments))
    return failure();
  if (region.empty())
    region.emplaceBlock();
  return success();
}

//===-- fc.kernel --------------------------------------------------------------===//

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Attribute> params;
  int64_t outputs = 0;
  ScheduleAttr schedule;
  auto parseParam = [&]() -> ParseResult {
    OpAsmParser::Argument argument;
    if (parser.parseArgument(argument, /*allowType=*/true))
      return failure();
    // `%q: type` is the parameter "q"; a printer that renames values states the name in `params`.
    arguments.push_back(argument);
    return success();
  };
  ArrayAttr names;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name), result.attributes) ||
      parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, parseParam) ||
      parser.parseKeyword("params") || parser.parseAttribute(names) ||
      parser.parseKeyword("outputs") || parser.parseInteger(outputs))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("schedule"))) {
    if (parser.parseCustomAttributeWithFallback(schedule))
      return failure();
    result.addAttribute(getScheduleAttrName(result.name), schedule);
  }
  result.addAttribute(getParamsAttrName(result.name), names);
  result.addAttribute(getOutputsAttrName(result.name),
                      parser.getBuilder().getI64IntegerAttr(outputs));
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  return parseBody(parser, *result.addRegion(), arguments);
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << " ";
  printer.printSymbolName(getSymName());
  printer << "(";
  llvm::interleaveComma(getBody().getArguments(), printer,
                        [&](BlockArgument argument) { printer.printRegionArgument(argument); });
  printer << ") params " << getParams() << " outputs " << getOutputs();
  if (getSchedule()) {
    printer << " schedule ";
    printer.printStrippedAttrOrType(*getSchedule());
  }
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getParamsAttrName(), getOutputsAttrName(), getScheduleAttrName()});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult KernelOp::verify() {
  if (getParams().size() != getBody().getNumArguments())
    return emitOpError("names ") << getParams().size() << " parameters but takes "
                                 << getBody().getNumArguments();
  if (getOutputs() > getParams().size())
    return emitOpError("has ") << getOutputs() << " outputs but " << getParams().size()
                               << " parameters";
  for (BlockArgument argument : getBody().getArguments().take_back(getOutputs()))
    if (!isa<TensorType>(argument.getType()))
      return emitOpError("output ") << getParams()[argument.getArgNumber()]
                                    << " must be a tensor, but is " << argument.getType();
  return success();
}

ProgramOp KernelOp::program() {
  for (Operation &op : getBody().front())
    if (auto program = dyn_cast<ProgramOp>(op))
      return program;
  return {};
}

//===-- fc.program -------------------------------------------------------------===//

ParseResult ProgramOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> extents;
  SmallVector<Attribute> axes;
  SmallVector<bool> tiles;
  auto parseAxis = [&]() -> ParseResult {
    StringRef name;
    // An axis may itself be called `tile` only in its quoted kernel text; here `tile` is the
    // marker.
    tiles.push_back(succeeded(parser.parseOptionalKeyword("tile")));
    if (parser.parseKeyword(&name) || parser.parseKeyword("in") ||
        parser.parseOperand(extents.emplace_back()))
      return failure();
    axes.push_back(parser.getBuilder().getStringAttr(name));
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, parseAxis))
    return failure();
  Builder &builder = parser.getBuilder();
  if (parser.resolveOperands(extents, builder.getI32Type(), result.operands))
    return failure();
  result.addAttribute(getAxesAttrName(result.name), builder.getArrayAttr(axes));
  result.addAttribute(getTilesAttrName(result.name), builder.getDenseBoolArrayAttr(tiles));
  return failure(parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
                 parseBody(parser, *result.addRegion(), {}));
}

void ProgramOp::print(OpAsmPrinter &printer) {
  printer << " (";
  llvm::interleaveComma(llvm::zip(getAxes(), getTiles(), getExtents()), printer, [&](auto axis) {
    if (std::get<1>(axis))
      printer << "tile ";
    printer << cast<StringAttr>(std::get<0>(axis)).getValue() << " in " << std::get<2>(axis);
  });
  printer << ")";
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                           {getAxesAttrName(), getTilesAttrName()});
  printer << " ";
  printer.printRegion(getBody());
}

LogicalResult ProgramOp::verify() {
  if (getAxes().size() != getExtents().size() || getTiles().size() != getExtents().size())
    return emitOpError("needs one extent and one `tile` flag an axis");
  if (getBody().getNumArguments() != getExtents().size())
    return emitOpError("has ") << getExtents().size() << " axes but its region takes "
                               << getBody().getNumArguments() << " coordinates";
  for (Type type : getBody().getArgumentTypes())
    if (!type.isInteger(32))
      return emitOpError("takes coordinates as i32, not ") << type;
  return success();
}

//===-- Axes -------------------------------------------------------------------===//

static LogicalResult verifyIndexTile(Operation *op, TileType tile) {
  ArrayRef<StringAttr> axes = tile.getAxes();
  bool inParts = isa<IotaOp>(op) && axes.size() == 2 && axes[1] == partsOf(axes[0]);
  if (axes.size() != 1 && !inParts)
    return op->emitOpError("gives the points of one axis, but ")
           << tile << " has " << tile.getAxes().size();
  if (!tile.getElement().isInteger(32))
    return op->emitOpError("gives i32 points, not ") << tile.getElement();
  return success();
}

LogicalResult AxisOp::verify() {
  if (getSize() && *getSize() < 1)
    return emitOpError("size is ") << *getSize() << "; it must be positive";
  return verifyIndexTile(*this, getOut().getType());
}
LogicalResult IotaOp::verify() { return verifyIndexTile(*this, getOut().getType()); }

//===-- fc.map -----------------------------------------------------------------===//

YieldOp MapOp::yield() { return cast<YieldOp>(block()->getTerminator()); }

LogicalResult MapOp::verify() {
  Block *block = &getBody().front();
  if (block->getNumArguments() != getIns().size())
    return emitOpError("has ") << getIns().size() << " operands but its region takes "
                               << block->getNumArguments();
  for (auto [value, argument] : llvm::zip(getIns(), block->getArguments()))
    if (elementOf(value.getType()) != argument.getType())
      return emitOpError("operand is ")
             << value.getType() << " but the region takes " << argument.getType();
  auto yield = dyn_cast<YieldOp>(block->getTerminator());
  if (!yield || yield.getNumOperands() != getNumResults())
    return emitOpError("gives ") << getNumResults() << " results but its region yields "
                                 << (yield ? yield.getNumOperands() : 0);
  auto axes = unionOfAxes(getIns().getTypes(), [&] { return emitOpError(); });
  if (!axes)
    return failure();
  Attribute place = getNumResults() ? cast<TileType>(getResult(0).getType()).getPlace() : nullptr;
  for (auto [result, value] : llvm::zip(getResults(), yield.getOperands())) {
    auto tile = cast<TileType>(result.getType());
    if (tile.getElement() != value.getType())
      return emitOpError("result is ") << tile << " but the region yields " << value.getType();
    if (tile.axisSizes() != *axes)
      return emitOpError("result ") << tile << " must have the union of the operands' axes";
    if (tile.getPlace() != place)
      return emitOpError("results must be in one place");
  }
  for (Operation &op : block->without_terminator())
    // Division by a variable has no side effect, though it may not be speculated.
    if (op.getNumRegions() || !isMemoryEffectFree(&op) || isa<FcDialect>(op.getDialect()))
      return emitOpError("region holds scalar operations without side effects, not `")
             << op.getName() << "`";
  return success();
}

//===-- fc.reduce, fc.dot ------------------------------------------------------===//

/// The axes named by a list, or an error when `type` lacks one of them or the list is wrong.
static LogicalResult verifyReduced(Operation *op, ArrayAttr axes, Type type) {
  if (axes.empty())
    return op->emitOpError("names no axis");
  llvm::SmallDenseSet<StringAttr> seen;
  for (auto axis : axes.getAsRange<StringAttr>()) {
    if (!seen.insert(axis).second)
      return op->emitOpError("names axis `") << axis.getValue() << "` twice";
    if (llvm::none_of(axesOf(type), [&](auto &entry) { return entry.first == axis; }))
      return op->emitOpError("over `") << axis.getValue() << "`, which " << type << " lacks";
  }
  return success();
}

static bool without(SmallVector<TileType::AxisSize> &list, ArrayAttr axes, Type result) {
  llvm::erase_if(list, [&](auto &entry) { return llvm::is_contained(axes, entry.first); });
  return axesOf(result) == list;
}

LogicalResult ReduceOp::verify() {
  if (failed(verifyReduced(*this, getAxes(), getIn().getType())))
    return failure();
  auto list = axesOf(getIn().getType());
  auto given = axesOf(getOut().getType());
  if (StringAttr into = getIntoAttr()) {
    if (llvm::any_of(list, [&](auto &entry) { return entry.first == into; }))
      return emitOpError("makes an axis `") << into.getValue() << "`, which its operand has";
    auto rest = llvm::find_if(given, [&](auto &entry) { return entry.first == into; });
    if (rest == given.end())
      return emitOpError("result ")
             << getOut().getType() << " lacks the axis `" << into.getValue() << "`";
    given.erase(rest);
  }
  llvm::erase_if(list, [&](auto &entry) { return llvm::is_contained(getAxes(), entry.first); });
  if (given != list)
    return emitOpError("result ") << getOut().getType()
                                  << " must have the operand's axes less the reduced ones";
  Type element = getIn().getType().getElement();
  if (elementOf(getOut().getType()) != element)
    return emitOpError("keeps the element type ")
           << element << ", but gives " << getOut().getType();
  bool logical = getKind() == ReduceKind::Any || getKind() == ReduceKind::All;
  if (logical != element.isInteger(1))
    return emitOpError("`") << stringifyReduceKind(getKind()) << "` does not reduce " << element;
  return success();
}

void DotOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  // Operands in shared memory are read in place; tiles are values.
  for (OpOperand &operand : (*this)->getOpOperands())
    if (isa<SlotType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
}

LogicalResult DotOp::verify() {
  for (Type type : {getA().getType(), getB().getType()})
    if (failed(verifyReduced(*this, getAxes(), type)))
      return failure();
  Type element = elementOf(getA().getType());
  if (element != elementOf(getB().getType()))
    return emitOpError("needs operands of one element type, but has ")
           << element << " and " << elementOf(getB().getType());
  Type result = elementOf(getOut().getType());
  if (isa<FloatType>(element) ? !result.isF32() : !result.isInteger(32) && !result.isInteger(64))
    return emitOpError("of ") << element << " does not give " << result;
  auto list = unionOfAxes({getA().getType(), getB().getType()}, [&] { return emitOpError(); });
  if (!list)
    return failure();
  if (!without(*list, getAxes(), getOut().getType()))
    return emitOpError("result ") << getOut().getType()
                                  << " must have the operands' axes less the contracted ones";
  if (getAcc() && getAcc().getType() != getOut().getType())
    return emitOpError("adds to ") << getAcc().getType() << " but gives " << getOut().getType();
  return success();
}

//===-- fc.read, fc.write ------------------------------------------------------===//

ParseResult ReadOp::parse(OpAsmParser &parser, OperationState &result) {
  MemoryAccessParser access(parser);
  Type type;
  if (access.parse(result) || parser.parseArrow() || parser.parseType(type))
    return failure();
  result.addTypes(type);
  return access.resolve(result, {}, {});
}

void ReadOp::print(OpAsmPrinter &printer) {
  printMemoryAccess(printer, *this);
  printer << " -> " << getOut().getType();
}

LogicalResult ReadOp::verify() {
  return verifyMemoryAccess(*this, axesOf(getOut().getType()), elementOf(getOut().getType()),
                            /*exact=*/true);
}

ParseResult WriteOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::UnresolvedOperand value;
  Type type;
  MemoryAccessParser access(parser);
  if (parser.parseOperand(value) || parser.parseKeyword("to") || access.parse(result) ||
      parser.parseKeyword("from") || parser.parseType(type))
    return failure();
  return access.resolve(result, {value}, {type});
}

void WriteOp::print(OpAsmPrinter &printer) {
  printer << " " << getValue() << " to";
  printMemoryAccess(printer, *this);
  printer << " from " << getValue().getType();
}

LogicalResult WriteOp::verify() {
  return verifyMemoryAccess(*this, axesOf(getValue().getType()), elementOf(getValue().getType()),
                            /*exact=*/false);
}

//===-- fc.merge ---------------------------------------------------------------===//

YieldOp MergeOp::yield() { return cast<YieldOp>(getCombine().front().getTerminator()); }

LogicalResult MergeOp::verify() {
  Block &block = getCombine().front();
  size_t count = getStates().size();
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (getNumResults() != count || block.getNumArguments() != 2 * count || !yield ||
      yield.getNumOperands() != count)
    return emitOpError("merges ") << count << " tiles: `combine` takes two of each and yields one, "
                                  << "which are the results";
  for (auto [i, state] : llvm::enumerate(getStates())) {
    auto axes = axesOf(state.getType());
    if (llvm::none_of(axes, [&](auto &axis) { return axis.first == getAxisAttr(); }))
      return emitOpError("over `") << getAxis() << "`, which " << state.getType() << " lacks";
    llvm::erase_if(axes, [&](auto &axis) { return axis.first == getAxisAttr(); });
    Type result = getResult(i).getType();
    if (axesOf(result) != axes || elementOf(result) != elementOf(state.getType()))
      return emitOpError("result ")
             << result << " must be " << state.getType() << " without `" << getAxis() << "`";
    for (Value value : {Value(block.getArgument(i)), Value(block.getArgument(count + i)),
                        Value(yield.getOperand(i))})
      if (value.getType() != result)
        return emitOpError("combines ") << value.getType() << ", but gives " << result;
  }
  return success();
}

//===-- fc.fold ----------------------------------------------------------------===//

YieldOp FoldOp::yield() { return cast<YieldOp>(getBody().front().getTerminator()); }

ParseResult FoldOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  ArrayAttr axes;
  SmallVector<OpAsmParser::UnresolvedOperand> lo, hi, init;
  SmallVector<Type> initTypes;
  auto delimiter = OpAsmParser::Delimiter::Paren;
  if (parser.parseAttribute(axes) || parser.parseKeyword("from") ||
      parser.parseOperandList(lo, delimiter) || parser.parseKeyword("to") ||
      parser.parseOperandList(hi, delimiter))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("step"))) {
    SmallVector<int64_t> step;
    if (parser.parseCommaSeparatedList(
            delimiter, [&]() -> ParseResult { return parser.parseInteger(step.emplace_back()); }))
      return failure();
    result.addAttribute(getStepAttrName(result.name), builder.getDenseI64ArrayAttr(step));
  }
  SMLoc where = parser.getCurrentLocation();
  if (succeeded(parser.parseOptionalKeyword("init"))) {
    if (parser.parseLParen() || parser.parseOperandList(init) ||
        parser.parseColonTypeList(initTypes) || parser.parseRParen())
      return failure();
  }
  Type i32 = builder.getI32Type();
  result.addAttribute(getAxesAttrName(result.name), axes);
  Region *body = result.addRegion(), *combine = result.addRegion(), *hop = result.addRegion();
  if (parser.resolveOperands(lo, i32, result.operands) ||
      parser.resolveOperands(hi, i32, result.operands) ||
      parser.resolveOperands(init, initTypes, where, result.operands) || parser.parseRegion(*body))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("combine")) && parser.parseRegion(*combine))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("hop")) && parser.parseRegion(*hop))
    return failure();
  result.addTypes(initTypes);
  result.addAttribute(
      getOperandSegmentSizesAttrName(result.name),
      builder.getDenseI32ArrayAttr({int(lo.size()), int(hi.size()), int(init.size())}));
  return parser.parseOptionalAttrDictWithKeyword(result.attributes);
}

void FoldOp::print(OpAsmPrinter &printer) {
  printer << " " << getAxes() << " from (" << getLo() << ") to (" << getHi() << ")";
  if (getStep()) {
    printer << " step (";
    llvm::interleaveComma(*getStep(), printer);
    printer << ")";
  }
  if (!getInit().empty())
    printer << " init(" << getInit() << " : " << getInit().getTypes() << ")";
  printer << " ";
  printer.printRegion(getBody());
  if (!getCombine().empty()) {
    printer << " combine ";
    printer.printRegion(getCombine());
  }
  if (!getHop().empty()) {
    printer << " hop ";
    printer.printRegion(getHop());
  }
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getAxesAttrName(), getStepAttrName(), getOperandSegmentSizesAttrName()});
}

/// Of a start: the start of a tile, and whether it is walked.
static LogicalResult verifyHop(Operation *op, Block &block) {
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  bool takes = block.getNumArguments() == 1 && block.getArgument(0).getType().isInteger(32);
  if (takes && yield && yield.getNumOperands() == 2 &&
      yield.getOperand(0).getType().isInteger(32) && yield.getOperand(1).getType().isInteger(1))
    return success();
  return op->emitOpError("a hop takes an `i32` and yields an `i32` and an `i1`");
}

LogicalResult FoldOp::verify() {
  size_t axes = getAxes().size(), state = getInit().size();
  if (!axes)
    return emitOpError("walks no axis");
  if (getLo().size() != axes || getHi().size() != axes)
    return emitOpError("needs one lower and one upper bound an axis");
  if (getStep() && getStep()->size() != axes)
    return emitOpError("needs one step an axis, but has ") << getStep()->size();
  if (getResultTypes() != getInit().getTypes())
    return emitOpError("gives back the state it starts with, but the types differ");
  Block &body = getBody().front();
  if (body.getNumArguments() != axes + state)
    return emitOpError("body takes the start of each axis's tile and the state, ")
           << axes + state << " values, but has " << body.getNumArguments();
  for (auto [i, argument] : llvm::enumerate(body.getArguments())) {
    Type expected =
        i < axes ? Type(IntegerType::get(getContext(), 32)) : getInit()[i - axes].getType();
    if (argument.getType() != expected)
      return emitOpError("body argument ")
             << i << " is " << argument.getType() << ", not " << expected;
  }
  auto matches = [&](Block &block) {
    auto yield = dyn_cast<YieldOp>(block.getTerminator());
    return yield && yield.getOperandTypes() == getInit().getTypes();
  };
  if (!matches(body))
    return emitOpError("body must yield the state");
  if (!getHop().empty()) {
    if (axes != 1 || !getStep())
      return emitOpError("hops, so it must walk one axis in steps");
    if (failed(verifyHop(*this, getHop().front())))
      return failure();
  }
  if (getCombine().empty())
    return success();
  Block &combine = getCombine().front();
  if (combine.getNumArguments() != 2 * state)
    return emitOpError("combine takes two states of ")
           << state << " values each but has " << combine.getNumArguments() << " arguments";
  for (auto [i, argument] : llvm::enumerate(combine.getArguments()))
    if (argument.getType() != getInit()[i % state].getType())
      return emitOpError("combine argument ")
             << i << " is " << argument.getType() << ", not " << getInit()[i % state].getType();
  if (!matches(combine))
    return emitOpError("combine must yield the state");
  return success();
}

LogicalResult HopOp::verify() {
  Block &block = getBody().front();
  if (failed(verifyHop(*this, block)))
    return failure();
  if (getMonotone() && block.getTerminator()->getOperand(0) != block.getArgument(0))
    return emitOpError("is monotone, so it must yield the start that it takes");
  return success();
}

//===-- fc.extreme -------------------------------------------------------------===//

LogicalResult ExtremeOp::verify() {
  auto element = dyn_cast<IntegerType>(getIn().getType().getElement());
  if (getKind() != ReduceKind::Min && getKind() != ReduceKind::Max)
    return emitOpError("finds a `min` or a `max`, not a `")
           << stringifyReduceKind(getKind()) << "`";
  if (!element || element.getWidth() > 32 || getIn().getType().getAxes().size() != 1)
    return emitOpError("takes integers of at most 32 bits over one axis, not ")
           << getIn().getType();
  return success();
}

//===-- fc.convert -------------------------------------------------------------===//

LogicalResult ConvertOp::verify() {
  if (getIn().getType().withPlace({}) != getOut().getType().withPlace({}))
    return emitOpError("changes the place only, but ")
           << getIn().getType() << " becomes " << getOut().getType();
  return success();
}

OpFoldResult ConvertOp::fold(FoldAdaptor) {
  if (getIn().getType() == getOut().getType())
    return getIn();
  return {};
}
