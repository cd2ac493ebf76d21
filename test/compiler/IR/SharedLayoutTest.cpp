// SharedLayoutTest.cpp - layouts: nothing overlaps, and fragment loads do not conflict
#include "compiler/IR/SharedLayout.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>

using namespace fc;

namespace {

SharedLayout f16Rows(int64_t rows, int64_t columns) {
  return {rows, columns, SharedLayout::choosePage(columns, 2), 2};
}

/// How many passes over the 32 banks a set of 4-byte words takes.
int wavefronts(const std::set<int64_t> &words) {
  std::map<int64_t, int> bank;
  int most = 0;
  for (int64_t word : words)
    most = std::max(most, ++bank[word % 32]);
  return most;
}

} // namespace

TEST(SharedLayout, pages) {
  EXPECT_EQ(SharedLayout::choosePage(64, 2), 64);  // 128 bytes
  EXPECT_EQ(SharedLayout::choosePage(128, 2), 64); // two pages
  EXPECT_EQ(SharedLayout::choosePage(96, 2), 32);  // 64 bytes
  EXPECT_EQ(SharedLayout::choosePage(80, 2), 16);  // 32 bytes
  EXPECT_EQ(SharedLayout::choosePage(72, 2), 72);  // 9 chunks: the whole row, no swizzle
  EXPECT_EQ(SharedLayout::choosePage(64, 4), 32);
  EXPECT_EQ(SharedLayout::choosePage(33, 2), 33); // no page divides it: the whole axis
  EXPECT_EQ(SharedLayout::choosePage(4, 4), 4);
}

TEST(SharedLayout, masksFollowTheWidth) {
  EXPECT_EQ((SharedLayout{8, 64, 64, 2}.mask()), 0x70);
  EXPECT_EQ((SharedLayout{8, 32, 32, 2}.mask()), 0x30);
  EXPECT_EQ((SharedLayout{8, 16, 16, 2}.mask()), 0x10);
  EXPECT_EQ((SharedLayout{8, 8, 8, 2}.mask()), 0);
  EXPECT_EQ((SharedLayout{8, 64, 64, 2}.alignment()), 1024);
}

// The 128-byte swizzle of the PTX ISA: chunk c of row r lies at chunk c ^ (r % 8).
TEST(SharedLayout, swizzleOf128Bytes) {
  SharedLayout layout = f16Rows(64, 64);
  for (int64_t row = 0; row < 64; ++row)
    for (int64_t chunk = 0; chunk < 8; ++chunk)
      EXPECT_EQ(layout.offset(row, chunk * 8), row * 128 + (chunk ^ (row % 8)) * 16);
}

TEST(SharedLayout, everyElementHasItsBytes) {
  for (int64_t columns : {8, 24, 40, 64, 72, 80, 96, 112, 128, 160, 192, 256, 576}) {
    SharedLayout layout = f16Rows(64, columns);
    std::set<int64_t> seen;
    for (int64_t row = 0; row < layout.rows; ++row)
      for (int64_t column = 0; column < columns; ++column) {
        int64_t offset = layout.offset(row, column);
        EXPECT_TRUE(seen.insert(offset).second) << columns;
        EXPECT_LT(offset, layout.sizeInBytes());
        EXPECT_EQ(offset % 2, 0);
      }
  }
}

// Nor do eight chunks that follow one another across the ends of rows, where a row has an odd
// number of them and the whole tile is contiguous in global memory: as copies take them.
TEST(SharedLayout, chunksAcrossRowsDoNotConflict) {
  for (int64_t columns : {8, 24, 40, 56, 72, 136, 248}) {
    SharedLayout layout = f16Rows(64, columns);
    int64_t inRow = columns / 8;
    for (int64_t first = 0; first < 64 * inRow; first += 8) {
      std::set<int64_t> words;
      for (int64_t chunk = first; chunk < first + 8; ++chunk)
        for (int64_t word = 0; word < 4; ++word)
          words.insert(layout.offset(chunk / inRow, chunk % inRow * 8) / 4 + word);
      EXPECT_EQ(wavefronts(words), 1) << columns << " columns at " << first;
    }
  }
}

// Eight rows of 16 bytes, as ldmatrix takes them (with or without .trans), in one pass.
TEST(SharedLayout, ldmatrixDoesNotConflict) {
  for (int64_t columns : {8, 24, 40, 64, 72, 80, 96, 112, 128, 160, 192, 256, 576}) {
    SharedLayout layout = f16Rows(64, columns);
    for (int64_t column = 0; column < columns; column += 8)
      for (int64_t first = 0; first < 64; first += 8) {
        std::set<int64_t> words;
        for (int64_t row = 0; row < 8; ++row)
          for (int64_t word = 0; word < 4; ++word)
            words.insert(layout.offset(first + row, column) / 4 + word);
        EXPECT_EQ(wavefronts(words), 1) << columns << " columns at " << column;
      }
  }
}
