// Fc.h - the fc dialect: types, attributes, operations
#pragma once
#include "compiler/IR/Place.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "compiler/IR/FcDialect.h.inc"
#include "compiler/IR/FcEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "compiler/IR/FcAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "compiler/IR/FcTypes.h.inc"
namespace fc {
class ProgramOp;
class YieldOp;
} // namespace fc
#define GET_OP_CLASSES
#include "compiler/IR/FcOps.h.inc"

namespace fc {

/// Dimensions and grid extents are below this at every launch, so that sums and differences of two
/// points fit 32 bits. The manifest's checks enforce it.
inline constexpr int64_t kMaxExtent = int64_t(1) << 30;

/// The identity of a carried max: finite, so that exp(s - m) is never NaN (language S1). Scores
/// below it count as unseen.
inline constexpr float kFloor = -0x1p100f;

/// On a kernel, by parameter: the least and greatest value that the text assumes; tensors that
/// never fall along their last dimension.
inline constexpr llvm::StringLiteral kRangesAttr = "fc.ranges", kSortedAttr = "fc.sorted";

/// The element type of a tile, or a scalar's own type.
mlir::Type elementOf(mlir::Type type);
/// The axes of a tile with their sizes; none for a scalar.
llvm::SmallVector<TileType::AxisSize> axesOf(mlir::Type type);
/// The union of the axes of `types`. Sizes must agree; null and a message otherwise.
std::optional<llvm::SmallVector<TileType::AxisSize>>
unionOfAxes(mlir::TypeRange types, llvm::function_ref<mlir::InFlightDiagnostic()> emitError);
/// Whether the value varies along `axis`.
bool over(mlir::Value value, llvm::StringRef axis);

/// The axis of the parts that a split cuts the tiles of `axis` into: `j.part` of `j`. A dot is in
/// no name of the language. Each part lies on warps of its own.
mlir::StringAttr partsOf(mlir::StringAttr axis);
bool isParts(llvm::StringRef axis);
/// Whether `parts` are those of `axis`.
bool isPartsOf(llvm::StringRef parts, llvm::StringRef axis);
/// Of the axes of a type, those that are no parts.
llvm::SmallVector<TileType::AxisSize> wholeAxesOf(mlir::Type type);

} // namespace fc
