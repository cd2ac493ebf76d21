// PlaceTest.cpp - places against the fragment tables of the PTX ISA, and their algebra
//
// Tables: PTX ISA, "Matrix multiply-accumulate operation using mma instruction" (m16n8k16, f16) and
// "Asynchronous Warpgroup Level Matrix Instructions" (accumulator of wgmma).
#include "compiler/IR/Place.h"
#include "llvm/ADT/StringExtras.h"
#include <gtest/gtest.h>
#include <set>

using namespace fc;

namespace {

/// From text; a wrong one fails the test.
Place place(llvm::StringRef text) {
  std::string error;
  std::optional<Place> result = Place::parse(text, error);
  EXPECT_TRUE(result) << text.str() << ": " << error;
  return result.value_or(Place());
}

/// Accumulator of mma.m16n8 and operand A of m16n8k16, over the axes named.
Place accumulator(const std::string &m, const std::string &n) {
  return {{{Unit::Value, n, 2, 1},
           {Unit::Value, m, 2, 8},
           {Unit::Lane, n, 4, 2},
           {Unit::Lane, m, 8, 1}}};
}
Place operandA(const std::string &m, const std::string &k) {
  return {{{Unit::Value, k, 2, 1},
           {Unit::Value, m, 2, 8},
           {Unit::Value, k, 2, 8},
           {Unit::Lane, k, 4, 2},
           {Unit::Lane, m, 8, 1}}};
}
/// Accumulator of wgmma m64n`n`.
Place wgmmaAccumulator(int n) {
  return {{{Unit::Value, "j", 2, 1},
           {Unit::Value, "i", 2, 8},
           {Unit::Value, "j", n / 8, 8},
           {Unit::Lane, "j", 4, 2},
           {Unit::Lane, "i", 8, 1},
           {Unit::Warp, "i", 4, 16}}};
}

} // namespace

TEST(Place, mmaAccumulator) {
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      Coord at = accumulator("i", "j").at(0, lane, i);
      EXPECT_EQ(at["i"], lane / 4 + 8 * (i >> 1));
      EXPECT_EQ(at["j"], 2 * (lane % 4) + (i & 1));
    }
}

TEST(Place, mmaOperandA) {
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 8; ++i) {
      Coord at = operandA("i", "k").at(0, lane, i);
      EXPECT_EQ(at["i"], lane / 4 + 8 * ((i >> 1) & 1));
      EXPECT_EQ(at["k"], 2 * (lane % 4) + (i & 1) + 8 * (i >> 2));
    }
}

TEST(Place, mmaOperandB) {
  Place b = place("v k:2:1 k:2:8 | l k:4:2 n:8:1");
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      Coord at = b.at(0, lane, i);
      EXPECT_EQ(at["k"], 2 * (lane % 4) + (i & 1) + 8 * (i >> 1));
      EXPECT_EQ(at["n"], lane / 4);
    }
}

TEST(Place, wgmmaAccumulator) {
  for (int warp = 0; warp < 4; ++warp)
    for (int lane = 0; lane < 32; ++lane)
      for (int r = 0; r < 88; ++r) {
        Coord at = wgmmaAccumulator(176).at(warp, lane, r);
        EXPECT_EQ(at["i"], 16 * warp + lane / 4 + 8 * ((r >> 1) & 1));
        EXPECT_EQ(at["j"], 8 * (r >> 2) + 2 * (lane % 4) + (r & 1));
      }
}

// The accumulator of S over [i, j], read as A of P.V over [i, k = j]: a relabelling, no data moves.
TEST(Place, accumulatorIsOperandOfTheNextProduct) {
  for (int n : {16, 64, 80, 112, 176}) {
    Place from = accumulator("i", "j").repeat("j", n / 8, Unit::Value).repeat("i", 5, Unit::Warp);
    Place to = operandA("i", "j").repeat("j", n / 16, Unit::Value).repeat("i", 5, Unit::Warp);
    ASSERT_TRUE(from.verify() && to.verify());
    EXPECT_EQ(from.extent("i"), 80);
    EXPECT_EQ(convert(from, to, 5).kind, Conversion::Nothing) << n;
  }
}

TEST(Place, rowStatisticsOfAllProductsAgree) {
  // 192 rows on three warpgroups.
  Place s = wgmmaAccumulator(176).repeat("i", 3, Unit::Warp);
  EXPECT_EQ(s.extent("i"), 192);
  Place row = s.slice("j");
  EXPECT_EQ(row.count(Unit::Value), 2);
  EXPECT_EQ(row.extent("j"), 1);
  Place o = wgmmaAccumulator(128).rename("j", "d").repeat("i", 3, Unit::Warp);
  EXPECT_EQ(convert(row, o.slice("d"), 12).kind, Conversion::Nothing);
  EXPECT_EQ(row, o.slice("d"));
  EXPECT_EQ(s.sliceTo({"i"}), row);
}

// A sum that is reduced inside threads only keeps the lanes (and warps) of a row as an axis.
TEST(Place, partialSums) {
  Place s = wgmmaAccumulator(176);
  Place partial = s.partial("j", "jq");
  EXPECT_EQ(partial.count(Unit::Value), 2);
  EXPECT_EQ(partial.extent("jq"), 4);
  EXPECT_EQ(partial.slice("jq"), s.slice("j"));
  // Keys on two warps: four lanes times two.
  Place split = accumulator("i", "j")
                    .repeat("j", 8, Unit::Value)
                    .repeat("i", 4, Unit::Warp)
                    .repeat("j", 2, Unit::Warp);
  EXPECT_TRUE(split.verify());
  EXPECT_EQ(split.extent("j"), 128);
  EXPECT_EQ(split.partial("j", "r").extent("r"), 8);
}

TEST(Place, conversionsThatCost) {
  Place s = wgmmaAccumulator(64);
  Place transposed = s.rename("i", "x").rename("j", "i").rename("x", "j");
  EXPECT_EQ(convert(s, transposed, 4).kind, Conversion::Shared);
  EXPECT_EQ(convert(accumulator("i", "j"), place("v j:8:1 | l i:16:1 _:2"), 1).kind,
            Conversion::Shuffle);
  // Within each thread: the source of every value.
  Conversion swapped = convert(place("v j:2:1 i:2:1"), place("v i:2:1 j:2:1"), 1);
  EXPECT_EQ(swapped.kind, Conversion::Permute);
  EXPECT_EQ(swapped.from, (std::vector<int>{0, 2, 1, 3}));
  // One value of two that are held.
  EXPECT_EQ(convert(place("v i:2:1"), place("v i:2:1 | l _:32"), 1).kind, Conversion::Nothing);
}

// Every conversion's promise, element by element, for pairs of places of one tile.
TEST(Place, permutationsAreExact) {
  const char *texts[] = {"v j:4:1 j:4:4 i:2:8 | l i:8:1", "v i:2:8 j:16:1 | l i:8:1",
                         "v j:16:1 | l i:16:1", "v j:2:8 j:8:1 i:2:8 | l i:8:1"};
  for (const char *a : texts)
    for (const char *b : texts) {
      Place from = place(a), to = place(b);
      Conversion plan = convert(from, to, 1);
      if (plan.kind != Conversion::Permute)
        continue;
      for (int lane = 0; lane < 32; ++lane)
        for (int v = 0; v < to.count(Unit::Value); ++v) {
          Coord want = to.at(0, lane, v), have = from.at(0, lane, plan.from[v]);
          EXPECT_EQ(want["i"], have["i"]);
          EXPECT_EQ(want["j"], have["j"]);
        }
    }
}

TEST(Place, textRoundTrip) {
  for (const char *text : {"", "v j:2:1 i:2:8 j:8:8 | l j:4:2 i:8:1 | w i:4:16", "l _:4 i:8:1",
                           "v i:2:8 | l _:4 i:8:1 | w i:4:16", "w i:3:1"})
    EXPECT_EQ(place(text).normal().str(), text);
  // Adjacent digits are one, digits of one element none, replication at the end is implied.
  EXPECT_EQ(place("v j:2:1 j:4:2 i:1:1 | l i:8:1 _:4").normal().str(), "v j:8:1 | l i:8:1");
}

TEST(Place, refusesWrongText) {
  auto error = [](llvm::StringRef text) {
    std::string message;
    EXPECT_FALSE(Place::parse(text, message)) << text.str();
    return message;
  };
  EXPECT_EQ(error("x j:2:1"), "a unit is `v`, `l` or `w`, followed by its digits");
  EXPECT_EQ(error("v j:2"), "`j:2` is no digit: `axis:size:stride` or `_:size`");
  EXPECT_EQ(error("v j:0:1"), "`j:0:1` is no digit: `axis:size:stride` or `_:size`");
  EXPECT_EQ(error("v _:2:1"), "`_:2:1` is no digit: `axis:size:stride` or `_:size`");
  const char *tiles = "the digits of an axis must tile it once, without gaps, on at most 32 lanes";
  EXPECT_EQ(error("v j:2:1 j:2:4"), tiles); // a gap
  EXPECT_EQ(error("v j:4:1 j:2:2"), tiles); // twice
  EXPECT_EQ(error("l j:64:1"), tiles);      // more lanes than there are
}

// Any number of digits, not powers of two.
TEST(Place, mixedRadix) {
  Place p = place("v j:5:1 i:3:7 | l j:4:5 i:7:1 | w i:2:21");
  EXPECT_EQ(p.extent("j"), 20);
  EXPECT_EQ(p.extent("i"), 42);
  std::set<std::pair<int, int>> seen;
  for (int warp = 0; warp < 2; ++warp)
    for (int lane = 0; lane < 28; ++lane)
      for (int v = 0; v < 15; ++v) {
        Coord at = p.at(warp, lane, v);
        EXPECT_TRUE(seen.insert({at["i"], at["j"]}).second);
      }
  EXPECT_EQ(seen.size(), 20u * 42);
  // Lanes past the digits hold copies.
  EXPECT_EQ(p.at(0, 28, 0)["i"], 0);
}
