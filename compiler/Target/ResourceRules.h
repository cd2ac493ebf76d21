// ResourceRules.h - what the parts of the resource model ask of tiles that no stage has sized yet
//
// Of the model alone: the sizes that a choice gives them, and the rules by which later stages will
// place and multiply them.
#pragma once
#include "compiler/IR/PlaceRules.h"
#include "compiler/Target/ResourceModel.h"

namespace fc {

llvm::SmallVector<TileType::AxisSize> sizedAxes(mlir::Type type, const AxisSizes &sizes);
/// The axes as a thread's warps have them: of a tile that is cut, one part.
llvm::SmallVector<TileType::AxisSize> axesOfPart(mlir::Type type, const ScheduleChoice &choice);
int64_t elementsOf(mlir::Type type, const AxisSizes &sizes);
int64_t bytesOf(mlir::Type type, const AxisSizes &sizes);

/// The rules that will place the tiles of `choice`.
PlaceRules rulesOf(KernelOp kernel, const ScheduleChoice &choice);
/// Whether the schedule has the product by `mma`, by the rules of fc-map-wmma.
bool isByMatrices(DotOp dot, const ScheduleChoice &choice, const PlaceRules &rules);

} // namespace fc
