// DotTest.cpp - products by FMAs: element types, orientations, batch axes, several contracted axes
#include "Bench.h"
#include "Text.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace fc::test;
using fc::rt::Elem;

namespace {

struct Case {
  const char *element, *sum;
  Elem elem, sumElem;
  Axes a, b, c;     ///< alphabetical
  const char *over; ///< `"k"` or `"k", "l"`
  const char *minorA, *minorB;
  int pageA, pageB;
  const char *place;
  int warps;
  bool into = false; ///< added to the product's own first result
};

std::string upper(std::string name) { return name[0] = name[0] - 'a' + 'A', name; }

/// c[axes of c] = sum over a * b; tensors have their dimensions in the order of the axes.
std::string dotText(const Case &t) {
  auto extents = [](const Axes &axes) {
    std::vector<std::string> names;
    for (auto &[name, size] : axes)
      names.push_back(upper(name));
    return names;
  };
  auto list = [](const Axes &axes, auto &&f) {
    std::string text;
    for (auto &axis : axes)
      text += (text.empty() ? "" : ", ") + f(axis);
    return text;
  };
  auto index = [](const std::pair<std::string, int> &axis) { return "%" + axis.first; };
  auto indexType = [](const std::pair<std::string, int> &axis) {
    return tileText("i32", {axis},
                    placeText("v " + axis.first + ":" + std::to_string(axis.second) + ":1"));
  };
  std::string ta = tensorText(t.element, extents(t.a)), tb = tensorText(t.element, extents(t.b)),
              tc = tensorText(t.sum, extents(t.c));
  std::string sa = tileText(t.element, t.a, sharedText(t.minorA, t.pageA)),
              sb = tileText(t.element, t.b, sharedText(t.minorB, t.pageB)),
              rc = tileText(t.sum, t.c, placeText(t.place));
  std::string text =
      "fc.kernel @k(%ta: " + ta + ", %tb: " + tb + ", %tc: " + tc +
      ") params [\"a\", \"b\", \"c\"] outputs 1 schedule <warps = " + std::to_string(t.warps) +
      ", stages = 1> {\n%one = fc.dim \"ONE\"\nfc.program (z in %one) {\n^bb0(%z: i32):\n%c0 = "
      "arith.constant 0 : i32\n";
  Axes all = t.a;
  for (auto &axis : t.b)
    if (std::find(all.begin(), all.end(), axis) == all.end())
      all.push_back(axis);
  for (auto &axis : all)
    text += index(axis) + " = fc.iota %c0 : " + indexType(axis) + "\n";
  text += "%a = fc.read %ta[" + list(t.a, index) + "] : " + ta + ", (" + list(t.a, indexType) +
          ") -> " + sa + "\n";
  text += "%b = fc.read %tb[" + list(t.b, index) + "] : " + tb + ", (" + list(t.b, indexType) +
          ") -> " + sb + "\n";
  text += std::string("%p = fc.dot over [") + t.over + "] %a, %b by \"fma\" : (" + sa + ", " + sb +
          ") -> " + rc + "\n";
  if (t.into)
    text += std::string("%r = fc.dot over [") + t.over + "] %a, %b into %p by \"fma\" : (" + sa +
            ", " + sb + ", " + rc + ") -> " + rc + "\n";
  text += std::string("fc.write ") + (t.into ? "%r" : "%p") + " to %tc[" + list(t.c, index) +
          "] : " + tc + ", (" + list(t.c, indexType) + ") from " + rc + "\n}\n}\n";
  return text;
}

class Dot : public testing::TestWithParam<Case> {};

TEST_P(Dot, AgreesWithLoops) {
  const Case &t = GetParam();
  auto shape = [](const Axes &axes) {
    std::vector<int64_t> result;
    for (auto &axis : axes)
      result.push_back(axis.second);
    return result;
  };
  Array a = Array::random(t.elem, shape(t.a), 1), b = Array::random(t.elem, shape(t.b), 2),
        c = Array::make(t.sumElem, shape(t.c));
  ASSERT_EQ(run(dotText(t), {{{"a", &a}, {"b", &b}, {"c", &c}}, {{"ONE", 1}}, {}, 1}), "");
  Axes all = t.a;
  for (auto &axis : t.b)
    if (std::find(all.begin(), all.end(), axis) == all.end())
      all.push_back(axis);
  Array expected = Array::make(Elem::F32, shape(t.c));
  std::map<std::string, int64_t> at;
  auto pick = [&](const Axes &axes) {
    std::vector<int64_t> index;
    for (auto &axis : axes)
      index.push_back(at[axis.first]);
    return index;
  };
  int64_t points = 1;
  for (auto &axis : all)
    points *= axis.second;
  for (int64_t point = 0; point < points; ++point) {
    int64_t rest = point;
    for (auto &axis : all) {
      at[axis.first] = rest % axis.second;
      rest /= axis.second;
    }
    expected.set(pick(t.c),
                 expected.at(pick(t.c)) + a.at(pick(t.a)) * b.at(pick(t.b)) * (t.into ? 2 : 1));
  }
  for (size_t i = 0; i < expected.bytes.size() / 4; ++i) {
    double want = fc::rt::load(Elem::F32, expected.bytes.data(), i),
           seen = fc::rt::load(t.sumElem, c.bytes.data(), i);
    ASSERT_NEAR(seen, want, 1e-4 * std::max(1.0, std::abs(want))) << i;
  }
}

const char *quad = "v j:4:1 i:2:8 | l j:4:4 i:8:1 | w i:4:16"; // [i: 64, j: 16]

INSTANTIATE_TEST_SUITE_P(
    Products, Dot,
    testing::Values(
        // Both along the contracted axis; a page wide, two pages, half a page, no swizzle.
        Case{"f16",
             "f32",
             Elem::F16,
             Elem::F32,
             {{"i", 64}, {"k", 64}},
             {{"j", 16}, {"k", 64}},
             {{"i", 64}, {"j", 16}},
             "\"k\"",
             "k",
             "k",
             64,
             64,
             quad,
             4},
        Case{"f16",
             "f32",
             Elem::F16,
             Elem::F32,
             {{"i", 64}, {"k", 128}},
             {{"j", 16}, {"k", 128}},
             {{"i", 64}, {"j", 16}},
             "\"k\"",
             "k",
             "k",
             64,
             64,
             quad,
             4,
             true},
        Case{"bf16",
             "f32",
             Elem::BF16,
             Elem::F32,
             {{"i", 64}, {"k", 32}},
             {{"j", 16}, {"k", 32}},
             {{"i", 64}, {"j", 16}},
             "\"k\"",
             "k",
             "k",
             32,
             32,
             quad,
             4},
        Case{"f16",
             "f32",
             Elem::F16,
             Elem::F32,
             {{"i", 64}, {"k", 80}},
             {{"j", 16}, {"k", 80}},
             {{"i", 64}, {"j", 16}},
             "\"k\"",
             "k",
             "k",
             16,
             80,
             quad,
             4},
        // One along it, one across; both across.
        Case{"f16",
             "f32",
             Elem::F16,
             Elem::F32,
             {{"i", 64}, {"k", 16}},
             {{"j", 16}, {"k", 16}},
             {{"i", 64}, {"j", 16}},
             "\"k\"",
             "k",
             "j",
             16,
             16,
             quad,
             4},
        Case{"f16",
             "f32",
             Elem::F16,
             Elem::F32,
             {{"i", 64}, {"k", 24}},
             {{"j", 16}, {"k", 24}},
             {{"i", 64}, {"j", 16}},
             "\"k\"",
             "i",
             "j",
             64,
             16,
             quad,
             4},
        Case{"f32",
             "f32",
             Elem::F32,
             Elem::F32,
             {{"i", 64}, {"k", 8}},
             {{"j", 16}, {"k", 8}},
             {{"i", 64}, {"j", 16}},
             "\"k\"",
             "k",
             "j",
             8,
             16,
             quad,
             4},
        // A batch axis in all three; two contracted axes; no axis of its own on one side; integers.
        Case{"f16",
             "f32",
             Elem::F16,
             Elem::F32,
             {{"h", 2}, {"i", 16}, {"k", 16}},
             {{"h", 2}, {"j", 8}, {"k", 16}},
             {{"h", 2}, {"i", 16}, {"j", 8}},
             "\"k\"",
             "k",
             "k",
             16,
             16,
             "v j:2:1 i:2:8 | l j:4:2 i:8:1 | w h:2:1",
             2},
        Case{"f16",
             "f32",
             Elem::F16,
             Elem::F32,
             {{"i", 16}, {"k", 16}, {"l", 4}},
             {{"j", 8}, {"k", 16}, {"l", 4}},
             {{"i", 16}, {"j", 8}},
             "\"k\", \"l\"",
             "k",
             "k",
             16,
             16,
             "v j:2:1 i:2:8 | l j:4:2 i:8:1",
             1},
        Case{"f16",
             "f32",
             Elem::F16,
             Elem::F32,
             {{"i", 16}, {"k", 16}},
             {{"k", 16}},
             {{"i", 16}},
             "\"k\"",
             "k",
             "k",
             16,
             16,
             "v i:2:8 | l _:4 i:8:1",
             2},
        Case{"i8",
             "i32",
             Elem::I8,
             Elem::I32,
             {{"i", 16}, {"k", 32}},
             {{"j", 8}, {"k", 32}},
             {{"i", 16}, {"j", 8}},
             "\"k\"",
             "k",
             "k",
             32,
             32,
             "v j:2:1 i:2:8 | l j:4:2 i:8:1",
             1},
        Case{"i32",
             "i64",
             Elem::I32,
             Elem::I64,
             {{"i", 16}, {"k", 32}},
             {{"j", 8}, {"k", 32}},
             {{"i", 16}, {"j", 8}},
             "\"k\"",
             "k",
             "k",
             32,
             32,
             "v j:2:1 i:2:8 | l j:4:2 i:8:1",
             1},
        Case{"f8E4M3FN",
             "f32",
             Elem::F8E4M3,
             Elem::F32,
             {{"i", 16}, {"k", 32}},
             {{"j", 8}, {"k", 32}},
             {{"i", 16}, {"j", 8}},
             "\"k\"",
             "k",
             "k",
             32,
             32,
             "v j:2:1 i:2:8 | l j:4:2 i:8:1",
             1},
        Case{"f8E5M2",
             "f32",
             Elem::F8E5M2,
             Elem::F32,
             {{"i", 16}, {"k", 32}},
             {{"j", 8}, {"k", 32}},
             {{"i", 16}, {"j", 8}},
             "\"k\"",
             "k",
             "k",
             32,
             32,
             "v j:2:1 i:2:8 | l j:4:2 i:8:1",
             1},
        // Ghosts: rows of 12 on places of 16.
        Case{"f16",
             "f32",
             Elem::F16,
             Elem::F32,
             {{"i", 12}, {"k", 16}},
             {{"j", 8}, {"k", 16}},
             {{"i", 12}, {"j", 8}},
             "\"k\"",
             "k",
             "k",
             16,
             16,
             "v j:2:1 i:2:8 | l j:4:2 i:8:1",
             1}));

} // namespace
