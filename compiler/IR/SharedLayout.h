// SharedLayout.h - where an element of a tile lies in shared memory
//
// The minor axis is contiguous in pages of `page` elements; all other axes are rows, row-major in
// the order given. Byte offset = page-major, then row, then column; then 16-byte chunks are XORed
// by address bits 7-9, masked by the page row's width (PTX ISA, "Swizzling Modes": the function
// that TMA and wgmma use, so a layout aligned to 8 rows means the same to all of them).
#pragma once
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace fc {
class TileType;

struct SharedLayout {
  int64_t rows;    ///< product of the row axes' sizes
  int64_t columns; ///< size of the minor axis
  int64_t page;    ///< elements of a page row
  int64_t bytes;   ///< of an element

  /// Bytes of a page row; the XOR applies at 32, 64 and 128.
  int64_t width() const { return page * bytes; }
  /// The mask of the XOR on address bits 4-6: 0 when there is no swizzle.
  int64_t mask() const {
    return width() == 128 ? 0x70 : width() == 64 ? 0x30 : width() == 32 ? 0x10 : 0;
  }
  /// Byte offset of (row, column), swizzle applied.
  int64_t offset(int64_t row, int64_t column) const {
    int64_t linear = (column / page) * rows * width() + row * width() + column % page * bytes;
    return linear ^ ((linear >> 3) & mask());
  }
  int64_t sizeInBytes() const { return rows * columns * bytes; }
  /// What the start must be aligned to for the XOR to be that of TMA and wgmma.
  int64_t alignment() const { return mask() ? 8 * width() : 16; }
  /// Elements of the widest chunk, up to 16 bytes, that is contiguous wherever it begins in steps
  /// of its own width.
  int64_t chunk() const;
  /// Bytes from one slot of a ring to the next.
  int64_t slotStride() const {
    return (sizeInBytes() + alignment() - 1) / alignment() * alignment();
  }

  /// The widest page of 128, 64 or 32 bytes that divides the minor axis; else the whole axis,
  /// unswizzled: rows an odd number of 16-byte chunks apart are in different banks as they are, and
  /// chunks that follow one another across a row's end are, too.
  static int64_t choosePage(int64_t columns, int64_t bytes);
  /// The layout of a tile that is in shared memory.
  static SharedLayout of(TileType tile);
  /// The row axes of such a tile, in order: the last is the fastest. Parts come first, so that the
  /// rows of an axis that is cut into parts lie as they do uncut.
  static llvm::SmallVector<llvm::StringRef> rowAxes(TileType tile);
};

} // namespace fc
