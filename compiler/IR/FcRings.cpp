// FcRings.cpp - text forms and verifiers of rings, slots and copies
#include "compiler/IR/Fc.h"
#include "compiler/IR/MemoryAccess.h"
#include "compiler/IR/SharedLayout.h"

using namespace mlir;
using namespace fc;

template <class Op> static LogicalResult verifySlotOf(Op op) {
  if (op.getSlot().getType().getTile() != op.getRing().getType().getTile())
    return op.emitOpError("gives a slot of ")
           << op.getRing().getType() << ", not " << op.getSlot().getType();
  return success();
}
LogicalResult AcquireOp::verify() { return verifySlotOf(*this); }
LogicalResult WaitOp::verify() { return verifySlotOf(*this); }

ParseResult CopyOp::parse(OpAsmParser &parser, OperationState &result) {
  MemoryAccessParser access(parser);
  OpAsmParser::UnresolvedOperand slot;
  Type slotType;
  std::string via;
  if (access.parse(result) || parser.parseArrow() || parser.parseOperand(slot) ||
      parser.parseColonType(slotType) || parser.parseKeyword("via") || parser.parseString(&via))
    return failure();
  result.addAttribute(getViaAttrName(result.name), parser.getBuilder().getStringAttr(via));
  return access.resolve(result, {}, {}, {slot}, {slotType});
}

void CopyOp::print(OpAsmPrinter &printer) {
  printMemoryAccess(printer, *this);
  printer << " -> " << getSlot() << " : " << getSlot().getType() << " via \"" << getVia() << "\"";
}

bool CopyOp::canBeAsynchronous(TileType tile, ValueRange indices, ValueRange bounded,
                               ValueRange where) {
  StringRef minor = tile.shared().getMinor();
  SharedLayout layout = SharedLayout::of(tile);
  auto isOverMinor = [&](Value value) { return over(value, minor); };
  return contiguousAxis(indices) == minor && llvm::none_of(bounded, isOverMinor) &&
         llvm::none_of(where, isOverMinor) && layout.chunk() * layout.bytes >= 4;
}

LogicalResult CopyOp::verify() {
  TileType tile = getSlot().getType().getTile();
  if (getVia() != "plain" && getVia() != "cp_async")
    return emitOpError("goes via `plain` or `cp_async`, not `") << getVia() << "`";
  if (getVia() == "cp_async" && !canBeAsynchronous(tile, getIndices(), getBounded(), getWhere()))
    return emitOpError(
               "goes via `cp_async`, which needs 4 bytes and more that are contiguous along `")
           << tile.shared().getMinor() << "`, with no bounds or predicates along it";
  return verifyMemoryAccess(*this, tile.axisSizes(), tile.getElement(), /*exact=*/true);
}

static LogicalResult verifyTransfer(Operation *op, TileType registers, TileType slot) {
  if (registers.withPlace({}) != slot.withPlace({}))
    return op->emitOpError("moves one tile, but has ") << registers << " and " << slot;
  if (registers.shared())
    return op->emitOpError("moves between registers and shared memory, but ")
           << registers << " is in shared memory";
  return success();
}
LogicalResult LoadOp::verify() {
  return verifyTransfer(*this, getOut().getType(), getSlot().getType().getTile());
}
LogicalResult StoreOp::verify() {
  return verifyTransfer(*this, getValue().getType(), getSlot().getType().getTile());
}
