// MemoryAccess.h - what fc.read, fc.write and fc.copy share: indices, bounds, predicates
//
//   %t[%b, %jj, %dd] bounds(%jj < %N) where(%p) : tensor, (index types), (bound types, limit
//   types), (where types)
#pragma once
#include "compiler/IR/Fc.h"
#include "mlir/IR/OpImplementation.h"

namespace fc {

class MemoryAccessParser {
public:
  explicit MemoryAccessParser(mlir::OpAsmParser &parser) : parser(parser) {}
  /// Parses from the tensor to the access's types; sets the operation's attributes.
  mlir::ParseResult parse(mlir::OperationState &result);
  /// Adds all operands, `before` first and `after` last, and the segment sizes.
  mlir::ParseResult resolve(mlir::OperationState &result,
                            llvm::ArrayRef<mlir::OpAsmParser::UnresolvedOperand> before,
                            llvm::ArrayRef<mlir::Type> beforeTypes,
                            llvm::ArrayRef<mlir::OpAsmParser::UnresolvedOperand> after = {},
                            llvm::ArrayRef<mlir::Type> afterTypes = {});

private:
  mlir::OpAsmParser &parser;
  mlir::OpAsmParser::UnresolvedOperand tensor;
  llvm::SmallVector<mlir::OpAsmParser::UnresolvedOperand> indices, bounded, limits, where;
  mlir::Type tensorType;
  llvm::SmallVector<mlir::Type> indexTypes, boundedTypes, limitTypes, whereTypes;
};

void printMemoryAccess(mlir::OpAsmPrinter &printer, mlir::Operation *op, mlir::Value tensor,
                       mlir::ValueRange indices, mlir::ValueRange bounded, mlir::ValueRange limits,
                       mlir::ValueRange where, llvm::ArrayRef<llvm::StringRef> elided);

template <class Op> void printMemoryAccess(mlir::OpAsmPrinter &printer, Op op) {
  printMemoryAccess(printer, op, op.getTensor(), op.getIndices(), op.getBounded(), op.getLimits(),
                    op.getWhere(), {"operandSegmentSizes", "via"});
}

mlir::LogicalResult verifyMemoryAccess(mlir::Operation *op, TensorType tensor,
                                       mlir::ValueRange indices, mlir::ValueRange bounded,
                                       mlir::ValueRange limits, mlir::ValueRange where,
                                       llvm::ArrayRef<TileType::AxisSize> valueAxes,
                                       mlir::Type element, bool exact);

/// `exact`: the value has exactly the axes of the access (a read); else it may lack some (a write
/// broadcasts).
template <class Op>
mlir::LogicalResult verifyMemoryAccess(Op op, llvm::ArrayRef<TileType::AxisSize> valueAxes,
                                       mlir::Type element, bool exact) {
  return verifyMemoryAccess(op, op.getTensor().getType(), op.getIndices(), op.getBounded(),
                            op.getLimits(), op.getWhere(), valueAxes, element, exact);
}

/// The axis along which an access is contiguous in memory (a tensor's last stride is 1): that of
/// the last index, if it is the points of the axis and no other index varies along it. Empty if
/// there is none.
llvm::StringRef contiguousAxis(mlir::ValueRange indices);

} // namespace fc
