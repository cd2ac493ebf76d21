// PlaceRulesTest.cpp - the rule of places holds for every size: whole tiles, rows that agree
#include "compiler/IR/PlaceRules.h"
#include "compiler/IR/KernelAxes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace fc;
using llvm::SmallVector;

namespace {

// S over [i, j] and O over [d, i] in registers, K over [d, j] in shared memory.
constexpr const char *kKernel = R"(
fc.kernel @k(%q: !fc.tensor<f16, ["M", "D"]>, %k: !fc.tensor<f16, ["N", "D"]>, %o: !fc.tensor<f32, ["M", "D"]>) params ["q", "k", "o"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %dd = fc.iota %M : !fc.tile<i32, [d]>
    %qt = fc.read %q[%ii, %dd] : !fc.tensor<f16, ["M", "D"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) -> !fc.tile<f16, [d, i]>
    fc.fold ["j"] from (%i0) to (%M) {
    ^bb0(%j0: i32):
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      %kt = fc.read %k[%jj, %dd] : !fc.tensor<f16, ["N", "D"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [d]>) -> !fc.tile<f16, [d, j]>
      %s = fc.dot over ["d"] %qt, %kt : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [i, j]>
      %p = fc.map(%s) {
      ^bb0(%a: f32):
        %r = arith.truncf %a : f32 to f16
        fc.yield %r : f16
      } : (!fc.tile<f32, [i, j]>) -> !fc.tile<f16, [i, j]>
      %y = fc.dot over ["j"] %p, %kt : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      fc.write %y to %o[%ii, %dd] : !fc.tensor<f32, ["M", "D"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) from !fc.tile<f32, [d, i]>
      fc.yield
    }
  }
}
)";

class PlaceRulesTest : public testing::Test {
protected:
  PlaceRulesTest() {
    context.loadDialect<FcDialect, mlir::arith::ArithDialect, mlir::math::MathDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(kKernel, &context);
  }
  KernelOp kernel() { return *module->getOps<KernelOp>().begin(); }
  TileType::AxisSize axis(const char *name, int64_t size) {
    return {mlir::StringAttr::get(&context, name), size};
  }
  PlaceRules rules(int64_t i, int64_t j, int64_t d, int64_t warps, int64_t parts = 1,
                   bool fragments = false) {
    auto sized = [&](mlir::Type type) {
      auto axes = axesOf(type);
      for (auto &[name, size] : axes)
        size = name == "i" ? i : name == "j" ? j : d;
      return axes;
    };
    return PlaceRules(kernel(), warps, parts, sized, fragments);
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

// Sizes that no power of two divides get ghosts, never fewer places than elements.
TEST_F(PlaceRulesTest, HoldsEveryElementOfOddTiles) {
  for (int64_t rows = 2; rows <= 40; ++rows)
    for (int64_t columns : {2, 3, 5, 16, 20, 33})
      for (int64_t warps : {1, 4, 8}) {
        Place place =
            rules(rows, columns, 16, warps).placeOf({axis("i", rows), axis("j", columns)});
        EXPECT_TRUE(place.verify()) << place.str();
        EXPECT_GE(place.extent("i"), rows) << place.str();
        EXPECT_GE(place.extent("j"), columns) << place.str();
        EXPECT_LE(place.count(Unit::Warp), warps) << place.str();
        for (const Digit &digit : place.of(Unit::Lane))
          EXPECT_EQ(digit.size & (digit.size - 1), 0) << place.str();
      }
}

} // namespace

TEST_F(PlaceRulesTest, placesHoldExactlyTheirTiles) {
  ASSERT_TRUE(module);
  for (int64_t i : {1, 2, 4, 8, 24, 40, 64, 128})
    for (int64_t j : {1, 4, 8, 16, 40, 64})
      for (int64_t d : {2, 8, 24, 72, 80, 160, 256})
        for (int64_t warps : {1, 2, 3, 4, 8}) {
          PlaceRules rule = rules(i, j, d, warps);
          Place s = rule.placeOf({axis("i", i), axis("j", j)});
          Place o = rule.placeOf({axis("d", d), axis("i", i)});
          std::string what = s.str() + "; " + o.str();
          EXPECT_TRUE(s.verify() && o.verify()) << what;
          EXPECT_EQ(s.extent("i"), i) << what;
          EXPECT_EQ(s.extent("j"), j) << what;
          EXPECT_EQ(o.extent("d"), d) << what;
          EXPECT_EQ(o.extent("i"), i) << what;
          EXPECT_LE(s.count(Unit::Warp), warps) << what;
          EXPECT_LE(o.count(Unit::Warp), warps) << what;
          // Statistics of rows rescale O where they are.
          if (i > 1 && j > 1 && d > 1) {
            EXPECT_EQ(s.slice("j"), o.slice("d")) << what;
            EXPECT_EQ(rule.placeOf({axis("i", i)}), s.slice("j")) << what;
            EXPECT_EQ(rule.placeOf({axis("j", j)}), s.slice("i")) << what;
          }
        }
}

TEST_F(PlaceRulesTest, rowsLieInQuadsOfLanes) {
  Place s = rules(64, 64, 80, 4).placeOf({axis("i", 64), axis("j", 64)});
  EXPECT_EQ(s.str(), "v j:8:1 j:2:32 i:2:8 | l j:4:8 i:8:1 | w i:4:16");
  // Few rows: the other warps share the columns.
  EXPECT_EQ(rules(16, 64, 80, 4).placeOf({axis("i", 16), axis("j", 64)}).str(),
            "v j:8:1 | l j:4:8 i:8:1 | w i:2:8 j:2:32");
}

TEST_F(PlaceRulesTest, partsOfAWalkLieOnWarpsOfTheirOwn) {
  auto part = axis("j.part", 2);
  PlaceRules split = rules(64, 64, 64, 8, 2, /*fragments=*/true),
             whole = rules(64, 64, 64, 4, 1, /*fragments=*/true);
  Place s = split.placeOf({axis("i", 64), axis("j", 64), part});
  EXPECT_EQ(s.str(), "v j:2:1 i:2:8 j:8:8 | l j:4:2 i:8:1 | w i:4:16 j.part:2:1");
  EXPECT_EQ(s.slice("j.part"), whole.placeOf({axis("i", 64), axis("j", 64)}));
  // A row's state of each part is where that part's scores are.
  EXPECT_EQ(split.placeOf({axis("i", 64), part}), s.slice("j"));
  EXPECT_EQ(split.placeOf({axis("j", 64), part}).str(),
            "v j:2:1 j:8:8 | l j:4:2 | w _:4 j.part:2:1");
  // Fewer rows than warps: the rest hold copies, part by part.
  EXPECT_EQ(rules(16, 64, 64, 8, 2, true).placeOf({axis("i", 16), part}).str(),
            "v i:2:8 | l _:4 i:8:1 | w _:4 j.part:2:1");
}

TEST_F(PlaceRulesTest, warpsThatRowsLeaveOverShareColumnsThatNothingWalks) {
  PlaceRules rule = rules(32, 64, 512, 8, 1, /*fragments=*/true);
  SmallVector<TileType::AxisSize> o{axis("d", 512), axis("i", 32)}, s{axis("i", 32), axis("j", 64)};
  EXPECT_EQ(rule.placeOf(o).str(), "v d:2:1 i:2:8 d:16:8 | l d:4:2 i:8:1 | w i:2:16 d:4:128");
  // Scores are multiplied next: each warp has all columns, and the statistics of its rows.
  EXPECT_EQ(rule.placeOf(s).str(), "v j:2:1 i:2:8 j:8:8 | l j:4:2 i:8:1 | w i:2:16");
  EXPECT_EQ(rule.placeOf({axis("i", 32)}), rule.placeOf(s).slice("j"));
  // Whole pages of 64 only, of which 320 has five.
  EXPECT_EQ(rules(16, 64, 320, 4, 1, true).placeOf({axis("d", 320), axis("i", 16)}).str(),
            "v d:2:1 i:2:8 d:40:8 | l d:4:2 i:8:1");
  EXPECT_EQ(rules(16, 64, 320, 5, 1, true).placeOf({axis("d", 320), axis("i", 16)}).of(Unit::Warp),
            (std::vector<Digit>{{Unit::Warp, "d", 5, 64}}));
}

TEST_F(PlaceRulesTest, mergedStatesAreSharedOut) {
  PlaceRules split = rules(64, 64, 64, 8, 2, /*fragments=*/true);
  SmallVector<TileType::AxisSize> o{axis("d", 64), axis("i", 64), axis("j.part", 2)},
      m{axis("i", 64), axis("j.part", 2)};
  Place merged = split.merged(split.placeOf(o), o, "j.part");
  EXPECT_EQ(merged.str(), "v d:2:1 i:2:8 d:4:8 | l d:4:2 i:8:1 | w i:4:16 d:2:32");
  EXPECT_TRUE(merged.verify());
  // Each of the two has the rows of what it keeps.
  EXPECT_EQ(split.merged(split.placeOf(m), m, "j.part"), merged.slice("d"));
  // Columns that three parts cannot share are kept whole by each.
  PlaceRules thirds = rules(64, 48, 64, 12, 3, /*fragments=*/true);
  SmallVector<TileType::AxisSize> o3{axis("d", 64), axis("i", 64), axis("j.part", 3)};
  EXPECT_EQ(thirds.merged(thirds.placeOf(o3), o3, "j.part"), thirds.placeOf(o3).slice("j.part"));
}

TEST_F(PlaceRulesTest, whatGoesToSharedMemory) {
  kernel().walk([&](ReadOp read) { EXPECT_TRUE(PlaceRules::isSharedRead(read.getOut())); });
  kernel().walk([&](MapOp map) {
    EXPECT_EQ(PlaceRules::minorAxis(map.getResult(0)), "j"); // contracted
    EXPECT_FALSE(PlaceRules::isCheap(map.getResult(0)));
  });
  kernel().walk([&](IotaOp iota) { EXPECT_TRUE(PlaceRules::isCheap(iota.getOut())); });
}

TEST(KernelAxes, paddedSizes) {
  EXPECT_EQ(KernelAxes::padded(1), 1);
  EXPECT_EQ(KernelAxes::padded(3), 4);
  EXPECT_EQ(KernelAxes::padded(7), 8);
  EXPECT_EQ(KernelAxes::padded(33), 40);
  for (int64_t size : {1, 2, 4, 8, 80, 160})
    EXPECT_TRUE(KernelAxes::isTileSize(size)) << size;
  for (int64_t size : {-8, 0, 3, 12, 100})
    EXPECT_FALSE(KernelAxes::isTileSize(size)) << size;
}
