// MemoryAccess.cpp - text form and verifier of accesses to global memory
#include "compiler/IR/MemoryAccess.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace fc {

ParseResult MemoryAccessParser::parse(OperationState &result) {
  auto paren = OpAsmParser::Delimiter::Paren;
  if (parser.parseOperand(tensor) ||
      parser.parseOperandList(indices, OpAsmParser::Delimiter::Square))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("bounds")) &&
      parser.parseCommaSeparatedList(paren, [&]() -> ParseResult {
        return failure(parser.parseOperand(bounded.emplace_back()) || parser.parseLess() ||
                       parser.parseOperand(limits.emplace_back()));
      }))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("where")) && parser.parseOperandList(where, paren))
    return failure();
  auto parseTypes = [&](SmallVector<Type> &types) {
    return parser.parseCommaSeparatedList(
        paren, [&]() -> ParseResult { return parser.parseType(types.emplace_back()); });
  };
  if (parser.parseOptionalAttrDict(result.attributes) || parser.parseColonType(tensorType) ||
      parser.parseComma() || parseTypes(indexTypes))
    return failure();
  if (!bounded.empty()) {
    if (parser.parseKeyword("bounds") ||
        parser.parseCommaSeparatedList(paren, [&]() -> ParseResult {
          return failure(parser.parseType(boundedTypes.emplace_back()) || parser.parseLess() ||
                         parser.parseType(limitTypes.emplace_back()));
        }))
      return failure();
  }
  if (!where.empty() && (parser.parseKeyword("where") || parseTypes(whereTypes)))
    return failure();
  return success();
}

ParseResult MemoryAccessParser::resolve(OperationState &result,
                                        ArrayRef<OpAsmParser::UnresolvedOperand> before,
                                        ArrayRef<Type> beforeTypes,
                                        ArrayRef<OpAsmParser::UnresolvedOperand> after,
                                        ArrayRef<Type> afterTypes) {
  SMLoc loc = parser.getCurrentLocation();
  if (parser.resolveOperands(before, beforeTypes, loc, result.operands) ||
      parser.resolveOperand(tensor, tensorType, result.operands) ||
      parser.resolveOperands(indices, indexTypes, loc, result.operands) ||
      parser.resolveOperands(bounded, boundedTypes, loc, result.operands) ||
      parser.resolveOperands(limits, limitTypes, loc, result.operands) ||
      parser.resolveOperands(where, whereTypes, loc, result.operands) ||
      parser.resolveOperands(after, afterTypes, loc, result.operands))
    return failure();
  SmallVector<int32_t> segments(before.size(), 1);
  segments.append(
      {1, int(indices.size()), int(bounded.size()), int(limits.size()), int(where.size())});
  segments.append(after.size(), 1);
  result.addAttribute("operandSegmentSizes", parser.getBuilder().getDenseI32ArrayAttr(segments));
  return success();
}

void printMemoryAccess(OpAsmPrinter &printer, Operation *op, Value tensor, ValueRange indices,
                       ValueRange bounded, ValueRange limits, ValueRange where,
                       ArrayRef<StringRef> elided) {
  printer << " " << tensor << "[" << indices << "]";
  if (!bounded.empty()) {
    printer << " bounds(";
    llvm::interleaveComma(llvm::zip(bounded, limits), printer, [&](auto bound) {
      printer << std::get<0>(bound) << " < " << std::get<1>(bound);
    });
    printer << ")";
  }
  if (!where.empty())
    printer << " where(" << where << ")";
  printer.printOptionalAttrDict(op->getAttrs(), elided);
  printer << " : " << tensor.getType() << ", (" << indices.getTypes() << ")";
  if (!bounded.empty()) {
    printer << " bounds(";
    llvm::interleaveComma(
        llvm::zip(bounded.getTypes(), limits.getTypes()), printer,
        [&](auto bound) { printer << std::get<0>(bound) << " < " << std::get<1>(bound); });
    printer << ")";
  }
  if (!where.empty())
    printer << " where(" << where.getTypes() << ")";
}

LogicalResult verifyMemoryAccess(Operation *op, TensorType tensor, ValueRange indices,
                                 ValueRange bounded, ValueRange limits, ValueRange where,
                                 ArrayRef<TileType::AxisSize> valueAxes, Type element, bool exact) {
  if (int64_t(indices.size()) != tensor.rank())
    return op->emitOpError("has ") << indices.size() << " indices, but " << tensor << " has "
                                   << tensor.rank() << " dimensions";
  if (tensor.getElement() != element)
    return op->emitOpError("moves ")
           << element << ", but the tensor's elements are " << tensor.getElement();
  if (bounded.size() != limits.size())
    return op->emitOpError("has ")
           << bounded.size() << " bounded indices but " << limits.size() << " limits";
  for (Type type : bounded.getTypes())
    if (!elementOf(type).isSignlessInteger())
      return op->emitOpError("bounds an index, not ") << type;
  for (Type type : where.getTypes())
    if (!elementOf(type).isInteger(1))
      return op->emitOpError("`where` takes booleans, not ") << type;
  SmallVector<Type> types(indices.getTypes());
  if (exact)
    llvm::append_range(types, where.getTypes());
  auto axes = unionOfAxes(types, [&] { return op->emitOpError(); });
  if (!axes)
    return failure();
  auto isAccessAxis = [&](const TileType::AxisSize &axis) {
    return llvm::is_contained(*axes, axis);
  };
  if (!llvm::all_of(valueAxes, isAccessAxis) || (exact && valueAxes.size() != axes->size()))
    return op->emitOpError(exact ? "value must have the union of the indices' axes"
                                 : "value may only have axes of the indices");
  return success();
}

StringRef contiguousAxis(ValueRange indices) {
  auto iota = indices.empty() ? IotaOp() : indices.back().getDefiningOp<IotaOp>();
  if (!iota ||
      llvm::any_of(indices.drop_back(), [&](Value index) { return over(index, iota.axis()); }))
    return "";
  return iota.axis();
}

} // namespace fc
