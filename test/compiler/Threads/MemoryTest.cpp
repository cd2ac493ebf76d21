// MemoryTest.cpp - reads, writes, copies, conversions and loops: every way for an element to travel
#include "Bench.h"
#include "Text.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace fc::test;
using fc::rt::Elem;

namespace {

//===-- Copies into slots ----------------------------------------------------------===//

struct CopyCase {
  const char *element;
  Elem elem;
  int rows, columns, page;
  const char *minor; ///< "i" (rows) or "j" (columns, contiguous in the tensor)
  int pad, start;
  bool gather, rowWhere, elementWhere, boundColumns;
  int limitI, limitJ;
};

/// y[i, j] = x[row(i), j] over a tile in shared memory, which a second place reads back.
std::string copyText(const CopyCase &c) {
  Axes both{{"i", c.rows}, {"j", c.columns}};
  std::string e = c.element, x = tensorText(e, {"I", "J"}), y = tensorText(e, {"X", "Y"}),
              rowsTensor = tensorText("i32", {"X"}),
              tile = tileText(e, both, sharedText(c.minor, c.page)),
              place = placeText("v j:" + std::to_string(c.columns / 4) +
                                ":4 i:" + std::to_string(c.rows / 8) + ":8 | l j:4:1 i:8:1"),
              registers = tileText(e, both, place),
              ii = tileText("i32", {both[0]}, placeText("v i:" + std::to_string(c.rows) + ":1")),
              jj = tileText("i32", {both[1]}, placeText("v j:" + std::to_string(c.columns) + ":1")),
              ip = tileText("i1", {both[0]}, placeText("v i:" + std::to_string(c.rows) + ":1")),
              bp = tileText("i1", both, place);
  std::string text = "fc.kernel @k(%x: " + x + ", %t: " + rowsTensor + ", %y: " + y +
                     ") params [\"x\", \"t\", \"y\"] outputs 1 schedule <warps = 2, stages = 1> "
                     "{\n%I = fc.dim \"I\"\n%J = fc.dim \"J\"\n%one = fc.dim \"ONE\"\n"
                     "fc.program (z in %one) {\n^bb0(%z: i32):\n%c0 = arith.constant 0 : i32\n%ii "
                     "= fc.iota %c0 : " +
                     ii + "\n%jj = fc.iota %c0 : " + jj + "\n";
  std::string row = "%ii";
  if (c.gather) {
    text += "%g = fc.read %t[%ii] bounds(%ii < %I) : " + rowsTensor + ", (" + ii + ") bounds(" +
            ii + " < i32) -> " + ii + "\n";
    row = "%g";
  }
  if (c.rowWhere)
    text += "%p = fc.map(%ii) {\n^bb0(%a: i32):\n %two = arith.constant 3 : i32\n %m = arith.remui "
            "%a, %two : i32\n %z0 = arith.constant 0 : i32\n"
            " %r = arith.cmpi ne, %m, %z0 : i32\n fc.yield %r : i1\n} : (" +
            ii + ") -> " + ip + "\n";
  if (c.elementWhere)
    text += "%q = fc.map(%ii, %jj) {\n^bb0(%a: i32, %b: i32):\n %r = arith.cmpi sle, %a, %b : "
            "i32\n fc.yield %r : i1\n} : (" +
            ii + ", " + jj + ") -> " + bp + "\n";
  std::string where = c.rowWhere && c.elementWhere ? "%p, %q"
                      : c.rowWhere                 ? "%p"
                                                   : "%q",
              whereTypes = c.rowWhere && c.elementWhere ? ip + ", " + bp
                           : c.rowWhere                 ? ip
                                                        : bp;
  bool any = c.rowWhere || c.elementWhere;
  text += "%s = fc.read %x[" + row + ", %jj] bounds(%ii < %I" +
          (c.boundColumns ? ", %jj < %J" : "") + ")" + (any ? " where(" + where + ")" : "") +
          " : " + x + ", (" + ii + ", " + jj + ") bounds(" + ii + " < i32" +
          (c.boundColumns ? ", " + jj + " < i32" : "") + ")" +
          (any ? " where(" + whereTypes + ")" : "") + " -> " + tile + "\n";
  text += "%r = fc.convert %s : " + tile + " -> " + registers +
          "\nfc.write %r to %y[%ii, %jj] : " + y + ", (" + ii + ", " + jj + ") from " + registers +
          "\n}\n}\n";
  return text;
}

class Copy : public testing::TestWithParam<CopyCase> {};

TEST_P(Copy, BringsWhatItShould) {
  const CopyCase &c = GetParam();
  Array x = Array::random(c.elem, {c.limitI, c.limitJ}, 5, c.pad, c.start),
        t = Array::make(Elem::I32, {c.limitI}), y = Array::random(c.elem, {c.rows, c.columns}, 6);
  for (int i = 0; i < c.limitI; ++i)
    t.set({i}, c.gather ? (i * 5 + 3) % c.limitI : i);
  ASSERT_EQ(run(copyText(c), {{{"x", &x}, {"t", &t}, {"y", &y}},
                              {{"I", c.limitI}, {"J", c.limitJ}, {"ONE", 1}},
                              {},
                              1}),
            "");
  for (int i = 0; i < c.rows; ++i)
    for (int j = 0; j < c.columns; ++j) {
      bool seen =
          i < c.limitI && j < c.limitJ && (!c.rowWhere || i % 3) && (!c.elementWhere || i <= j);
      ASSERT_EQ(y.at({i, j}), seen ? x.at({int64_t(t.at({i})), j}) : 0) << i << ", " << j;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Copy,
    testing::Values(
        CopyCase{"f16", Elem::F16, 16, 64, 64, "j", 0, 0, false, false, false, false, 16, 64},
        CopyCase{"f16", Elem::F16, 16, 64, 64, "j", 0, 0, false, false, false, false, 11, 64},
        CopyCase{"f16", Elem::F16, 16, 64, 64, "j", 1, 0, false, false, false, false, 16,
                 64}, // rows off by two bytes
        CopyCase{"f16", Elem::F16, 16, 64, 64, "j", 8, 3, false, false, false, false, 16,
                 64}, // base off by six
        CopyCase{"f16", Elem::F16, 16, 128, 64, "j", 8, 8, true, true, false, false, 13,
                 128}, // two pages, gathered
        CopyCase{"bf16", Elem::BF16, 16, 64, 32, "j", 0, 0, false, false, true, true, 16, 50},
        CopyCase{"f32", Elem::F32, 16, 32, 32, "j", 0, 0, false, true, true, false, 16, 32},
        CopyCase{"f32", Elem::F32, 32, 8, 32, "i", 0, 0, false, false, false, false, 20,
                 8}, // contiguous across the tensor's rows
        CopyCase{"f16", Elem::F16, 8, 24, 8, "j", 0, 0, true, false, false, false, 8, 24},
        CopyCase{"f16", Elem::F16, 8, 20, 20, "j", 0, 0, false, false, false, false, 8,
                 20}, // no swizzle, chunks of 8 bytes
        CopyCase{"i8", Elem::I8, 8, 64, 64, "j", 0, 0, false, true, false, false, 8, 64},
        CopyCase{"i64", Elem::I64, 8, 16, 16, "j", 0, 0, true, false, false, true, 7, 15},
        CopyCase{"i1", Elem::Bool, 8, 32, 32, "j", 0, 0, false, false, true, false, 8, 32}));

//===-- Other kernels, written out -------------------------------------------------===//

TEST(Convert, TransposesThroughSharedMemory) {
  // Rows on lanes become columns on lanes: no lane of a warp has what another needs without the
  // exchange.
  const std::string text = R"(
#A = #fc.place<"v j:8:1 | l i:32:1 | w i:2:32">
#B = #fc.place<"v i:16:1 | l j:8:1 i:4:16">
#I = #fc.place<"v | l i:32:1 | w i:2:32">
#J = #fc.place<"v j:8:1">
fc.kernel @k(%x: !fc.tensor<f32, ["I", "J"]>, %y: !fc.tensor<f32, ["I", "J"]>) params ["x", "y"] outputs 1 schedule <warps = 2, stages = 1> {
  %one = fc.dim "ONE"
  fc.program (z in %one) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 64], #I>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 8], #J>
    %t = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 64], #I>, !fc.tile<i32, [j: 8], #J>) -> !fc.tile<f32, [i: 64, j: 8], #A>
    %u = fc.convert %t : !fc.tile<f32, [i: 64, j: 8], #A> -> !fc.tile<f32, [i: 64, j: 8], #B>
    fc.write %u to %y[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 64], #I>, !fc.tile<i32, [j: 8], #J>) from !fc.tile<f32, [i: 64, j: 8], #B>
  }
})";
  Array x = Array::random(Elem::F32, {64, 8}, 1), y = Array::make(Elem::F32, {64, 8});
  ASSERT_EQ(run(text, {{{"x", &x}, {"y", &y}}, {{"ONE", 1}}, {}, 1}), "");
  EXPECT_EQ(x.bytes, y.bytes);
}

TEST(Write, RepeatsWhatLacksAnAxisAndSkipsNullOutputs) {
  const std::string text = R"(
#I = #fc.place<"v | l i:8:1">
#J = #fc.place<"v j:2:4 | l j:4:1">
fc.kernel @k(%n: i64, %on: i1, %s: f32, %y: !fc.tensor<f32, ["I", "J"]>, %z: !fc.tensor<i64, ["I?"]>, %w: !fc.tensor<i1, ["I"]>) params ["n", "on", "s", "y", "z", "w"] outputs 3 schedule <i = 8, warps = 2, stages = 1> {
  %I = fc.dim "I"
  fc.program (tile i in %I) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 8], #I>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 8], #J>
    %v = fc.map(%ii, %s) {
    ^bb0(%i: i32, %f: f32):
      %a = arith.sitofp %i : i32 to f32
      %r = arith.mulf %a, %f : f32
      fc.yield %r : f32
    } : (!fc.tile<i32, [i: 8], #I>, f32) -> !fc.tile<f32, [i: 8], #I>
    fc.write %v to %y[%ii, %jj] bounds(%ii < %I) : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 8], #I>, !fc.tile<i32, [j: 8], #J>) bounds(!fc.tile<i32, [i: 8], #I> < i32) from !fc.tile<f32, [i: 8], #I>
    %one = arith.constant 1 : i64
    %m = arith.addi %n, %one : i64
    fc.write %m to %z[%i0] : !fc.tensor<i64, ["I?"]>, (i32) from i64
    fc.write %on to %w[%ii] bounds(%ii < %I) : !fc.tensor<i1, ["I"]>, (!fc.tile<i32, [i: 8], #I>) bounds(!fc.tile<i32, [i: 8], #I> < i32) from i1
  }
})";
  for (bool null : {false, true}) {
    Array y = Array::random(Elem::F32, {13, 8}, 1), z = Array::make(Elem::I64, {16}),
          w = Array::make(Elem::Bool, {13});
    y.null = null;
    ASSERT_EQ(run(text, {{{"y", &y}, {"z", &z}, {"w", &w}},
                         {{"I", 13}},
                         {{"n", 41}, {"on", 1}, {"s", 0.5}},
                         2}),
              "");
    for (int i = 0; i < 13; ++i) {
      for (int j = 0; j < 8 && !null; ++j)
        EXPECT_EQ(y.at({i, j}), i * 0.5);
      EXPECT_EQ(z.at({i}), i % 8 ? 0 : 42);
      EXPECT_EQ(w.at({i}), 1);
    }
  }
}

/// y[i] = start + sum of x[i, a, b] over lo <= a < A, 0 <= b < B in tiles of 4 and 8, staged
/// through slots.
std::string foldText(int stages) {
  return R"(
#I = #fc.place<"v | l i:8:1">
#S = #fc.shared<"b", page = 8>
#T = #fc.place<"v a:4:1 b:2:4 | l i:8:1 b:4:1">
#A = #fc.place<"v a:4:1">
#B = #fc.place<"v b:2:4 | l _:8 b:4:1">
fc.kernel @k(%x: !fc.tensor<f32, ["I", "A", "B"]>, %y: !fc.tensor<f32, ["I"]>) params ["x", "y"] outputs 1 schedule <warps = 2, stages = )" +
         std::to_string(stages) + R"(> {
  %one = fc.dim "ONE"
  %lo = fc.dim "LO"
  %A = fc.dim "A"
  %B = fc.dim "B"
  fc.program (z in %one) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 8], #I>
    %s0 = fc.map(%ii) {
    ^bb0(%i: i32):
      %r = arith.constant 100.0 : f32
      fc.yield %r : f32
    } : (!fc.tile<i32, [i: 8], #I>) -> !fc.tile<f32, [i: 8], #I>
    %sum = fc.fold ["a", "b"] from (%lo, %c0) to (%A, %B) step (4, 8) init(%s0 : !fc.tile<f32, [i: 8], #I>) {
    ^bb0(%a0: i32, %b0: i32, %s: !fc.tile<f32, [i: 8], #I>):
      %aa = fc.iota %a0 : !fc.tile<i32, [a: 4], #A>
      %bb = fc.iota %b0 : !fc.tile<i32, [b: 8], #B>
      %t = fc.read %x[%ii, %aa, %bb] bounds(%aa < %A, %bb < %B) : !fc.tensor<f32, ["I", "A", "B"]>, (!fc.tile<i32, [i: 8], #I>, !fc.tile<i32, [a: 4], #A>, !fc.tile<i32, [b: 8], #B>) bounds(!fc.tile<i32, [a: 4], #A> < i32, !fc.tile<i32, [b: 8], #B> < i32) -> !fc.tile<f32, [a: 4, b: 8, i: 8], #S>
      %u = fc.convert %t : !fc.tile<f32, [a: 4, b: 8, i: 8], #S> -> !fc.tile<f32, [a: 4, b: 8, i: 8], #T>
      %v = fc.reduce sum over ["a", "b"] %u : !fc.tile<f32, [a: 4, b: 8, i: 8], #T> -> !fc.tile<f32, [i: 8], #I>
      %w = fc.map(%s, %v) {
      ^bb0(%p: f32, %q: f32):
        %r = arith.addf %p, %q : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 8], #I>, !fc.tile<f32, [i: 8], #I>) -> !fc.tile<f32, [i: 8], #I>
      fc.yield %w : !fc.tile<f32, [i: 8], #I>
    }
    fc.write %sum to %y[%ii] : !fc.tensor<f32, ["I"]>, (!fc.tile<i32, [i: 8], #I>) from !fc.tile<f32, [i: 8], #I>
  }
})";
}

TEST(Fold, WalksTwoAxesFromAnywhere) {
  for (int stages : {1, 3}) {
    Compiled kernel = compile(foldText(stages));
    ASSERT_EQ(kernel.error, "");
    EXPECT_EQ(kernel.shared, stages * 1024);
    for (auto [lo, A, B] :
         {std::tuple(0, 4, 8), {0, 10, 19}, {3, 10, 19}, {5, 5, 8}, {7, 3, 8}, {0, 4, 0}}) {
      Array x = Array::random(Elem::F32, {8, std::max(A, 1), std::max(B, 1)}, 1),
            y = Array::make(Elem::F32, {8});
      struct Run given{{{"x", &x}, {"y", &y}}, {{"ONE", 1}, {"LO", lo}, {"A", A}, {"B", B}}, {}, 1};
      ASSERT_EQ(launch(kernel, given), "");
      for (int i = 0; i < 8; ++i) {
        double expected = 100;
        for (int a = lo; a < A; ++a)
          for (int b = 0; b < B; ++b)
            expected += x.at({i, a, b});
        EXPECT_NEAR(y.at({i}), expected, 1e-4) << lo << " " << A << " " << B;
      }
    }
  }
}

} // namespace
