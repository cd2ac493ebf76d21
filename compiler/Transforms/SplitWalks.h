// SplitWalks.h - whether a walk may be cut into parts that are walked at once
#pragma once
#include "compiler/IR/Fc.h"

namespace fc {

/// Why no walk over `axis` can be split; empty if one can.
std::string obstacleToSplit(KernelOp kernel, mlir::StringAttr axis);
/// The same of one fold.
std::string obstacleToSplit(FoldOp fold);

} // namespace fc
