// MergeTest.cpp - states of the parts of a CTA's warps, merged in the order of the parts
#include "Bench.h"
#include <gtest/gtest.h>

using namespace fc::test;
using fc::rt::Elem;

namespace {

/// y[d, i] and z[i] from x[p, i, d] and w[p, i]: over the parts p, a then b gives 3 a + b. What
/// that gives depends on the order; all numbers are small whole ones.
std::string kernelText(const std::string &type, int parts, int rowWarps,
                       const std::string &merged) {
  std::string p = std::to_string(parts), rows = std::to_string(8 * rowWarps);
  bool real = type == "f32";
  std::string three = real ? "3.0" : "3", mul = real ? "arith.mulf" : "arith.muli",
              add = real ? "arith.addf" : "arith.addi";
  std::string onRows = rowWarps > 1 ? " i:" + std::to_string(rowWarps) + ":8" : "";
  std::string combine = " {\n  ^bb0(%a: " + type + ", %b: " + type +
                        "):\n  %three = arith.constant " + three + " : " + type +
                        "\n  %t = " + mul + " %three, %a : " + type + "\n  %r = " + add +
                        " %t, %b : " + type + "\n  fc.yield %r : " + type + "\n  } : ";
  auto tile = [&](const std::string &element, const std::string &axes, const std::string &place) {
    return "!fc.tile<" + element + ", [" + axes + "], #fc.place<\"" + place + "\">>";
  };
  std::string d = "d: 8", i = "i: " + rows, part = "j.part: " + p;
  std::string ii = tile("i32", i, "l i:8:1 | w" + onRows + " _:1"), dd = tile("i32", d, "v d:8:1"),
              pp = tile("i32", part, "w _:" + std::to_string(rowWarps) + " j.part:" + p + ":1"),
              os = tile(type, d + ", " + i + ", " + part,
                        "v d:8:1 | l i:8:1 | w" + onRows + " j.part:" + p + ":1"),
              ls = tile(type, i + ", " + part, "l i:8:1 | w" + onRows + " j.part:" + p + ":1"),
              o = tile(type, d + ", " + i, merged),
              l = tile(type, i, "l i:8:1 | w" + onRows + " _:1");
  std::string x = "!fc.tensor<" + type + ", [\"P\", \"I\", \"8\"]>",
              w = "!fc.tensor<" + type + ", [\"P\", \"I\"]>",
              y = "!fc.tensor<" + type + ", [\"I\", \"8\"]>",
              z = "!fc.tensor<" + type + ", [\"I\"]>";
  return "fc.kernel @k(%x: " + x + ", %w: " + w + ", %y: " + y + ", %z: " + z +
         ") params [\"x\", \"w\", \"y\", \"z\"] outputs 2 schedule <warps = " +
         std::to_string(parts * rowWarps) + ", stages = 1, split j = " + p +
         "> {\n%n = fc.dim \"P\"\nfc.program (cta in %n) {\n^bb0(%cta: i32):\n%c0 = arith.constant "
         "0 : "
         "i32\n%ii = fc.iota %c0 : " +
         ii + "\n%dd = fc.iota %c0 : " + dd + "\n%pp = fc.iota %c0 : " + pp +
         "\n%os = fc.read %x[%pp, %ii, %dd] : " + x + ", (" + pp + ", " + ii + ", " + dd + ") -> " +
         os + "\n%ls = fc.read %w[%pp, %ii] : " + w + ", (" + pp + ", " + ii + ") -> " + ls +
         "\n%o, %l = fc.merge over \"j.part\"(%os, %ls : " + os + ", " + ls +
         ") {\n^bb0(%oa: " + o + ", %la: " + l + ", %ob: " + o + ", %lb: " + l +
         "):\n  %oc = fc.map(%oa, %ob)" + combine + "(" + o + ", " + o + ") -> " + o +
         "\n  %lc = fc.map(%la, %lb)" + combine + "(" + l + ", " + l + ") -> " + l +
         "\n  fc.yield %oc, %lc : " + o + ", " + l + "\n} -> " + o + ", " + l +
         "\nfc.write %o to %y[%ii, %dd] : " + y + ", (" + ii + ", " + dd + ") from " + o +
         "\nfc.write %l to %z[%ii] : " + z + ", (" + ii + ") from " + l + "\n}\n}\n";
}

struct Case {
  const char *type;
  Elem elem;
  int parts, rowWarps;
  const char *merged; ///< the place of y
};

class Merge : public testing::TestWithParam<Case> {};

TEST_P(Merge, CombinesInTheOrderOfTheParts) {
  const Case &c = GetParam();
  int rows = 8 * c.rowWarps;
  Array x = Array::make(c.elem, {c.parts, rows, 8}), w = Array::make(c.elem, {c.parts, rows}),
        y = Array::make(c.elem, {rows, 8}), z = Array::make(c.elem, {rows});
  for (int p = 0; p < c.parts; ++p)
    for (int i = 0; i < rows; ++i) {
      w.set({p, i}, (p * 5 + i) % 7);
      for (int d = 0; d < 8; ++d)
        x.set({p, i, d}, (p * 3 + i + d * 2) % 11);
    }
  ASSERT_EQ(run(kernelText(c.type, c.parts, c.rowWarps, c.merged),
                {{{"x", &x}, {"w", &w}, {"y", &y}, {"z", &z}}, {{"P", 1}, {"I", rows}}, {}, 1}),
            "");
  for (int i = 0; i < rows; ++i) {
    double l = w.at({0, i});
    for (int p = 1; p < c.parts; ++p)
      l = 3 * l + w.at({p, i});
    EXPECT_EQ(z.at({i}), l) << i;
    for (int d = 0; d < 8; ++d) {
      double o = x.at({0, i, d});
      for (int p = 1; p < c.parts; ++p)
        o = 3 * o + x.at({p, i, d});
      EXPECT_EQ(y.at({i, d}), o) << i << ", " << d;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Merge,
    testing::Values(Case{"f32", Elem::F32, 2, 1, "v d:4:1 | l i:8:1 | w d:2:4"},
                    Case{"f32", Elem::F32, 2, 2, "v d:4:1 | l i:8:1 | w i:2:8 d:2:4"},
                    Case{"f32", Elem::F32, 4, 2, "v d:2:1 | l i:8:1 | w i:2:8 d:4:2"},
                    Case{"f32", Elem::F32, 8, 1, "v d:1:1 | l i:8:1 | w d:8:1"},
                    Case{"f32", Elem::F32, 3, 1, "v d:8:1 | l i:8:1"}, // each part keeps all
                    Case{"i64", Elem::I64, 4, 1, "v d:2:1 | l i:8:1 | w d:4:2"},
                    Case{"i32", Elem::I32, 2, 4, "v d:4:2 | l i:8:1 | w i:4:8 d:2:1"}));

} // namespace
