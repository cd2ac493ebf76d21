// SharedLayout.cpp - layouts of tiles in shared memory
#include "compiler/IR/SharedLayout.h"
#include "compiler/IR/Fc.h"

using namespace llvm;

namespace fc {

int64_t SharedLayout::choosePage(int64_t columns, int64_t bytes) {
  for (int64_t width : {128, 64, 32})
    if (width % bytes == 0 && columns % (width / bytes) == 0)
      return width / bytes;
  return columns;
}

int64_t SharedLayout::chunk() const {
  int64_t width = 16 / bytes;
  while (width > 1 && (columns % width || page % width))
    width /= 2;
  return width;
}

SmallVector<StringRef> SharedLayout::rowAxes(TileType tile) {
  SmallVector<StringRef> rows;
  for (bool parts : {true, false})
    for (mlir::StringAttr axis : tile.getAxes())
      if (axis.getValue() != tile.shared().getMinor() && isParts(axis) == parts)
        rows.push_back(axis.getValue());
  return rows;
}

SharedLayout SharedLayout::of(TileType tile) {
  SharedAttr shared = tile.shared();
  int64_t rows = 1;
  for (StringRef axis : rowAxes(tile))
    rows *= tile.size(axis);
  int64_t bits = tile.getElement().getIntOrFloatBitWidth();
  return {rows, tile.size(shared.getMinor()), shared.getPage(), std::max<int64_t>(bits / 8, 1)};
}

} // namespace fc
