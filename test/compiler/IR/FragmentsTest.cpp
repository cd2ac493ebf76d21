// FragmentsTest.cpp - the compiler's fragments against the emulator's tables
//
// The compiler places accumulators and operands by PlaceRules and fetches fragments by Pattern; the
// emulator has the tables of the ISA's text, written apart from both (runtime/emulator/MmaLayout.h,
// which LayoutTest holds against the formulas). If one side misread the ISA, they differ here.
#include "compiler/Transforms/Threads/Fragments.h"
#include "compiler/IR/KernelAxes.h"
#include "compiler/IR/PlaceRules.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "runtime/emulator/MmaLayout.h"
#include <gtest/gtest.h>

using namespace fc;
using emu::Element;

namespace {

constexpr const char *kKernel = R"(
fc.kernel @k(%q: !fc.tensor<f16, ["M", "D"]>) params ["q"] outputs 0 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}
)";

class FragmentsTest : public testing::Test {
protected:
  FragmentsTest() {
    context.loadDialect<FcDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(kKernel, &context);
  }
  /// The place of an accumulator, or of an operand A, over rows and columns of one warp.
  Place fragment(int64_t rows, int64_t columns) {
    KernelOp kernel = *module->getOps<KernelOp>().begin();
    PlaceRules rules(kernel, 1, 1, [](mlir::Type type) { return axesOf(type); }, true);
    return rules.fragment({mlir::StringAttr::get(&context, "i"), rows},
                          {mlir::StringAttr::get(&context, "j"), columns});
  }
  /// Each lane's values, in the order of the place, are the elements that the emulator's table has.
  template <class Table> void expectElements(const Place &place, int values, Table table) {
    EXPECT_EQ(place.count(Unit::Value), values) << place.str();
    for (int lane = 0; lane < 32; ++lane)
      for (int value = 0; value < values; ++value) {
        Coord at = place.at(0, lane, value);
        Element e = table(unsigned(lane), unsigned(value));
        EXPECT_EQ(at.lookup("i"), int(e.row)) << place.str() << " lane " << lane;
        EXPECT_EQ(at.lookup("j"), int(e.column)) << place.str() << " lane " << lane;
      }
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_F(FragmentsTest, accumulators) {
  ASSERT_TRUE(module);
  expectElements(fragment(16, 8), 4, emu::mmaC);
}

TEST_F(FragmentsTest, operandA) {
  ASSERT_TRUE(module);
  auto table = [](unsigned lane, unsigned i) { return emu::mmaA(lane, i, 16); };
  expectElements(fragment(16, 8), 4, table);  // m16n8k8
  expectElements(fragment(16, 16), 8, table); // m16n8k16
}

/// Register `matrix` of a lane after ldmatrix by a pattern: where its halves come from along the
/// operand's own axis and the contracted one.
struct Fetched {
  int own, contracted;
};
Fetched fetched(const Pattern &pattern, unsigned lane, unsigned matrix, unsigned half,
                bool transposed) {
  Element e = emu::ldmatrixElement(lane, half, transposed);
  int own = int(transposed ? e.column : e.row), contracted = int(transposed ? e.row : e.column);
  for (unsigned bit : {0u, 1u})
    if (matrix >> bit & 1) {
      own += pattern.own[bit];
      contracted += pattern.contracted[bit];
    }
  return {own, contracted};
}

TEST(FragmentsByLdmatrix, operandA) {
  for (bool transposed : {false, true})
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < 8; ++i) { // m16n8k8 is the first half
        Fetched f = fetched(kRowsThenColumns, lane, i / 2, i % 2, transposed);
        Element e = emu::mmaA(lane, i, 16);
        EXPECT_EQ(f.own, int(e.row));
        EXPECT_EQ(f.contracted, int(e.column));
      }
}

TEST(FragmentsByLdmatrix, operandB) {
  for (bool transposed : {false, true})
    for (unsigned lane = 0; lane < 32; ++lane) {
      for (unsigned tile : {0u, 1u}) // two tiles of m16n8k16 at once
        for (unsigned i = 0; i < 4; ++i) {
          Fetched f = fetched(kColumnsThenRows, lane, 2 * tile + i / 2, i % 2, transposed);
          Element e = emu::mmaB(lane, i, 16);
          EXPECT_EQ(f.contracted, int(e.row));
          EXPECT_EQ(f.own, int(e.column + 8 * tile));
        }
      for (unsigned tile = 0; tile < 4; ++tile) // four of m16n8k8
        for (unsigned i = 0; i < 2; ++i) {
          Fetched f = fetched(kRows, lane, tile, i, transposed);
          Element e = emu::mmaB(lane, i, 16);
          EXPECT_EQ(f.contracted, int(e.row));
          EXPECT_EQ(f.own, int(e.column + 8 * tile));
        }
    }
}

} // namespace
