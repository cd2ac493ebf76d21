// ResourceRules.cpp - tiles under a schedule that is being tried
#include "compiler/Target/ResourceRules.h"

using namespace mlir;

namespace fc {

SmallVector<TileType::AxisSize> sizedAxes(Type type, const AxisSizes &sizes) {
  SmallVector<TileType::AxisSize> axes = axesOf(type);
  for (auto &[axis, size] : axes)
    if (size == TileType::kUnsized)
      size = sizes.lookup(axis);
  return axes;
}

SmallVector<TileType::AxisSize> axesOfPart(Type type, const ScheduleChoice &choice) {
  SmallVector<TileType::AxisSize> axes = sizedAxes(type, choice.sizes);
  for (auto &[axis, size] : axes)
    if (axis == choice.splitAxis)
      size /= choice.parts;
  return axes;
}

int64_t elementsOf(Type type, const AxisSizes &sizes) {
  int64_t count = 1;
  for (auto &[axis, size] : sizedAxes(type, sizes))
    count *= size;
  return count;
}

int64_t bytesOf(Type type, const AxisSizes &sizes) {
  return elementsOf(type, sizes) *
         std::max<int64_t>(elementOf(type).getIntOrFloatBitWidth() / 8, 1);
}

PlaceRules rulesOf(KernelOp kernel, const ScheduleChoice &choice) {
  return {kernel, choice.warps, choice.parts, [&](Type type) { return axesOfPart(type, choice); },
          choice.matrices};
}

bool isByMatrices(DotOp dot, const ScheduleChoice &choice, const PlaceRules &rules) {
  auto a = dyn_cast<TileType>(dot.getA().getType()), b = dyn_cast<TileType>(dot.getB().getType());
  if (!choice.matrices || !a || !b || dot.getAxes().size() != 1 || a.getAxes().size() != 2 ||
      b.getAxes().size() != 2 || !isa<Float16Type, BFloat16Type>(a.getElement()))
    return false;
  auto axes = rules.ranked(sizedAxes(dot.getOut().getType(), choice.sizes));
  int64_t contracted = choice.sizes.lookup(cast<StringAttr>(dot.getAxes()[0]));
  return axes.size() == 2 && axes[0].second % 16 == 0 && axes[1].second % 8 == 0 &&
         contracted % 8 == 0;
}

} // namespace fc
