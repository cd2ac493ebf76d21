// The fragment tables against the formulas of the ISA, written out shape by shape, and against what
// a multiplication needs: that every element is held exactly once.
#include "runtime/emulator/MmaLayout.h"

#include <gtest/gtest.h>
#include <set>
#include <utility>

namespace fc::emu {
namespace {

TEST(MmaLayout, SixteenBits) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane >> 2, t = lane & 3;
    for (unsigned i = 0; i < 8; ++i) { // m16n8k16; m16n8k8 is its first half
      Element a = mmaA(lane, i, 16);
      EXPECT_EQ(a.row, g + 8 * ((i >> 1) & 1));
      EXPECT_EQ(a.column, 2 * t + (i & 1) + 8 * (i >> 2));
    }
    for (unsigned i = 0; i < 4; ++i) {
      Element b = mmaB(lane, i, 16), c = mmaC(lane, i);
      EXPECT_EQ(b.row, 2 * t + (i & 1) + 8 * (i >> 1));
      EXPECT_EQ(b.column, g);
      EXPECT_EQ(c.row, g + 8 * (i >> 1));
      EXPECT_EQ(c.column, 2 * t + (i & 1));
    }
  }
}

TEST(MmaLayout, EightBits) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane >> 2, t = lane & 3;
    for (unsigned i = 0; i < 16; ++i) { // m16n8k32
      Element a = mmaA(lane, i, 8);
      EXPECT_EQ(a.row, i < 4 || (i >= 8 && i < 12) ? g : g + 8);
      EXPECT_EQ(a.column, t * 4 + (i & 3) + (i < 8 ? 0 : 16));
    }
    for (unsigned i = 0; i < 8; ++i) {
      Element b = mmaB(lane, i, 8);
      EXPECT_EQ(b.row, t * 4 + (i & 3) + (i < 4 ? 0 : 16));
      EXPECT_EQ(b.column, g);
    }
  }
}

TEST(MmaLayout, Tf32) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane >> 2, t = lane & 3;
    for (unsigned i = 0; i < 4; ++i) { // m16n8k8
      Element a = mmaA(lane, i, 32);
      EXPECT_EQ(a.row, g + 8 * (i & 1));
      EXPECT_EQ(a.column, t + 4 * (i >> 1));
    }
    for (unsigned i = 0; i < 2; ++i) {
      Element b = mmaB(lane, i, 32);
      EXPECT_EQ(b.row, t + 4 * i);
      EXPECT_EQ(b.column, g);
    }
  }
}

TEST(MmaLayout, EveryElementIsHeldOnce) {
  for (unsigned bits : {8u, 16u, 32u}) {
    unsigned k = 256 / bits;
    std::set<std::pair<unsigned, unsigned>> a, b;
    for (unsigned lane = 0; lane < 32; ++lane) {
      for (unsigned i = 0; i < 16 * k / 32; ++i) {
        Element e = mmaA(lane, i, bits);
        EXPECT_TRUE(e.row < 16 && e.column < k);
        EXPECT_TRUE(a.emplace(e.row, e.column).second);
      }
      for (unsigned i = 0; i < 8 * k / 32; ++i) {
        Element e = mmaB(lane, i, bits);
        EXPECT_TRUE(e.row < k && e.column < 8);
        EXPECT_TRUE(b.emplace(e.row, e.column).second);
      }
    }
  }
}

TEST(MmaLayout, TwoAccumulatorTilesAreTheNextLeftOperand) {
  // What lets scores become probabilities without leaving the registers.
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 8; ++i) {
      Element c = mmaC(lane, i % 4), a = mmaA(lane, i, 16);
      EXPECT_EQ(a.row, c.row);
      EXPECT_EQ(a.column, c.column + 8 * (i / 4));
    }
}

} // namespace
} // namespace fc::emu
