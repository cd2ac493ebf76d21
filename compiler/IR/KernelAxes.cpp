// KernelAxes.cpp - the axes of a kernel by what becomes of them
#include "compiler/IR/KernelAxes.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace fc {

int64_t KernelAxes::padded(int64_t size) {
  return size <= 8 ? int64_t(llvm::PowerOf2Ceil(size)) : int64_t(llvm::alignTo(size, 8));
}

std::optional<int64_t> constantOf(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

SmallVector<StringAttr> KernelAxes::scheduled() const {
  SmallVector<StringAttr> list(grid);
  for (StringAttr axis : walked)
    if (!llvm::is_contained(list, axis))
      list.push_back(axis);
  return list;
}

FailureOr<KernelAxes> KernelAxes::of(KernelOp kernel) {
  KernelAxes axes;
  ProgramOp program = kernel.program();
  for (auto [axis, tile] :
       llvm::zip(program.getAxes().getAsRange<StringAttr>(), program.getTiles()))
    if (tile)
      axes.grid.push_back(axis);
  auto fix = [&](Operation *op, StringAttr axis, int64_t size) -> LogicalResult {
    auto [it, inserted] = axes.fixed.insert({axis, size});
    if (inserted || it->second == size)
      return success();
    return op->emitError("axis `")
           << axis.getValue() << "` has tiles of " << it->second << " and of " << size
           << "; all tiles of an axis in a kernel have one size";
  };
  WalkResult result = kernel.walk<WalkOrder::PreOrder>([&](Operation *op) -> WalkResult {
    if (auto axis = dyn_cast<AxisOp>(op); axis && axis.getSize())
      return fix(op, axis.getOut().getType().getAxes()[0], padded(*axis.getSize()));
    auto fold = dyn_cast<FoldOp>(op);
    if (!fold)
      return success();
    for (auto [i, axis] : llvm::enumerate(fold.getAxes().getAsRange<StringAttr>()))
      if (fold.getStep()) {
        if (failed(fix(op, axis, (*fold.getStep())[i])))
          return failure();
      } else if (!llvm::is_contained(axes.walked, axis)) {
        axes.walked.push_back(axis);
      }
    return success();
  });
  if (result.wasInterrupted())
    return failure();
  // A walk that shares its axis with a held or stepped one takes that size.
  llvm::erase_if(axes.walked, [&](StringAttr axis) { return axes.fixed.contains(axis); });
  return axes;
}

} // namespace fc
