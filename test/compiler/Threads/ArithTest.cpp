// ArithTest.cpp - every scalar operation against C++: the language's meanings, and how close
// approximations are
#include "Bench.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace fc::test;
using fc::rt::Elem;

namespace {

const float inf = std::numeric_limits<float>::infinity();

/// y[i] = f(a[i], b[i]) on one warp; `body` computes %r from %a and %b.
std::string mapText(const std::string &in, const std::string &out, const std::string &body) {
  auto tensor = [](const std::string &type) { return "!fc.tensor<" + type + ", [\"I\"]>"; };
  auto tile = [](const std::string &type) { return "!fc.tile<" + type + ", [i: 32], #I>"; };
  return "#I = #fc.place<\"l i:32:1\">\nfc.kernel @k(%x: " + tensor(in) + ", %z: " + tensor(in) +
         ", %y: " + tensor(out) +
         ") params [\"x\", \"z\", \"y\"] outputs 1 schedule <i = 32, warps = 1, stages = 1> {\n%n "
         "= fc.dim \"I\"\n"
         "fc.program (tile i in %n) {\n^bb0(%i0: i32):\n %ii = fc.iota %i0 : " +
         tile("i32") + "\n %u = fc.read %x[%ii] bounds(%ii < %n) : " + tensor(in) + ", (" +
         tile("i32") + ") bounds(" + tile("i32") + " < i32) -> " + tile(in) +
         "\n %v = fc.read %z[%ii] bounds(%ii < %n) : " + tensor(in) + ", (" + tile("i32") +
         ") bounds(" + tile("i32") + " < i32) -> " + tile(in) +
         "\n %w = fc.map(%u, %v) {\n ^bb0(%a: " + in + ", %b: " + in + "):\n" + body +
         "\n fc.yield %r : " + out + "\n } : (" + tile(in) + ", " + tile(in) + ") -> " + tile(out) +
         "\n fc.write %w to %y[%ii] bounds(%ii < %n) : " + tensor(out) + ", (" + tile("i32") +
         ") bounds(" + tile("i32") + " < i32) from " + tile(out) + "\n}\n}\n";
}

Elem elemOf(const std::string &type) {
  if (type == "f8E4M3FN")
    return Elem::F8E4M3;
  if (type == "f8E5M2")
    return Elem::F8E5M2;
  return type == "i1" ? Elem::Bool : *fc::rt::parseElem(type);
}

struct Case {
  const char *in, *out, *body;
  double (*f)(double, double);
  double tolerance; ///< relative to max(1, |f|)
};

const double samples[] = {0,  -0.0, 1,    -1,   2,     0.5,  -0.3, 3,  7,   -7,
                          10, 100,  -100, 1e-3, -1e-3, 0.29, 0.31, -3, 5.5, -2.5};
const double special[] = {0, -0.0, inf, -inf, 1, -1};

class Scalars : public testing::TestWithParam<Case> {};

TEST_P(Scalars, AgreeWithCpp) {
  const Case &c = GetParam();
  bool real = fc::rt::isFloat(elemOf(c.in));
  std::vector<std::pair<double, double>> points;
  for (double a : samples)
    for (double b : samples)
      if (real || (a == std::floor(a) && b == std::floor(b)))
        points.push_back({a, b});
  if (real)
    for (double a : special)
      for (double b : special)
        points.push_back({a, b});
  int64_t count = points.size();
  Array x = Array::make(elemOf(c.in), {count}), z = x, y = Array::make(elemOf(c.out), {count});
  for (int64_t i = 0; i < count; ++i) {
    x.set({i}, points[i].first);
    z.set({i}, points[i].second);
  }
  ASSERT_EQ(
      run(mapText(c.in, c.out, c.body),
          {{{"x", &x}, {"z", &z}, {"y", &y}}, {{"I", count}}, {}, uint32_t((count + 31) / 32)}),
      "");
  for (int64_t i = 0; i < count; ++i) {
    double a = x.at({i}), b = z.at({i}), expected = c.f(a, b), seen = y.at({i});
    if (std::isnan(expected))
      continue; // outside of what the operation promises
    if (std::isinf(expected))
      EXPECT_EQ(seen, expected) << a << ", " << b;
    else
      EXPECT_NEAR(seen, expected, c.tolerance * std::max(1.0, std::abs(expected)))
          << a << ", " << b;
  }
}

double undefined = std::nan("");

INSTANTIATE_TEST_SUITE_P(
    Floats, Scalars,
    testing::Values(
        Case{"f32", "f32", "%r = arith.subf %a, %b : f32",
             [](double a, double b) { return a == -inf && b == -inf ? -inf : a - b; }, 1e-7},
        Case{"f32", "f32", "%r = arith.divf %a, %b : f32",
             [](double a, double b) { return a == 0 && b == 0 ? 0 : a / b; }, 1e-7},
        Case{"f32", "f32", "%c = arith.constant 0.0 : f32\n %r = arith.divf %c, %b : f32",
             [](double, double b) { return b == 0 ? 0 : 0 / b; }, 0},
        Case{"f32", "f32", "%r = arith.addf %a, %b : f32", [](double a, double b) { return a + b; },
             1e-7},
        Case{"f32", "f32", "%r = arith.mulf %a, %b : f32", [](double a, double b) { return a * b; },
             1e-7},
        Case{"f32", "f32", "%r = arith.negf %a : f32", [](double a, double) { return -a; }, 0},
        Case{"f32", "f32", "%r = math.absf %a : f32", [](double a, double) { return std::abs(a); },
             0},
        Case{"f32", "f32", "%r = math.floor %a : f32",
             [](double a, double) { return std::floor(a); }, 0},
        Case{"f32", "f32", "%r = math.ceil %a : f32", [](double a, double) { return std::ceil(a); },
             0},
        Case{"f32", "f32", "%r = arith.maxnumf %a, %b : f32",
             [](double a, double b) { return std::max(a, b); }, 0},
        Case{"f32", "f32", "%r = arith.minnumf %a, %b : f32",
             [](double a, double b) { return std::min(a, b); }, 0},
        Case{"f32", "f32", "%r = math.fma %a, %b, %a : f32",
             [](double a, double b) { return a * b + a; }, 1e-6},
        Case{"f32", "f32", "%r = math.exp %a : f32",
             [](double a, double) { return a > 80 ? (a == inf ? inf : undefined) : std::exp(a); },
             1e-5},
        Case{"f32", "f32", "%r = math.exp2 %a : f32", [](double a, double) { return std::exp2(a); },
             1e-6},
        Case{"f32", "f32", "%r = math.log %a : f32",
             [](double a, double) { return a < 0 ? undefined : std::log(a); }, 1e-6},
        Case{"f32", "f32", "%r = math.log2 %a : f32",
             [](double a, double) { return a < 0 ? undefined : std::log2(a); }, 1e-6},
        Case{"f32", "f32", "%r = math.tanh %a : f32", [](double a, double) { return std::tanh(a); },
             3e-7},
        Case{"f32", "f32", "%r = math.sqrt %a : f32",
             [](double a, double) { return a < 0 ? undefined : std::sqrt(a); }, 1e-7},
        Case{"f32", "f32", "%r = math.rsqrt %a : f32",
             [](double a, double) { return a <= 0 ? undefined : 1 / std::sqrt(a); }, 1e-6},
        Case{"f32", "f32", "%r = math.copysign %a, %b : f32",
             [](double a, double b) { return std::copysign(a, b); }, 0},
        Case{"f32", "f16", "%r = arith.truncf %a : f32 to f16", [](double a, double) { return a; },
             1e-3},
        Case{"f32", "bf16", "%r = arith.truncf %a : f32 to bf16",
             [](double a, double) { return a; }, 4e-3},
        Case{"bf16", "f32", "%r = arith.extf %a : bf16 to f32", [](double a, double) { return a; },
             0},
        Case{"f16", "f32", "%r = arith.extf %a : f16 to f32", [](double a, double) { return a; },
             0},
        Case{"f32", "i32", "%r = arith.fptosi %a : f32 to i32",
             [](double a, double) {
               return std::isinf(a) ? (a > 0 ? 2147483647.0 : -2147483648.0) : std::nearbyint(a);
             },
             0},
        Case{"f32", "i64", "%r = arith.fptosi %a : f32 to i64",
             [](double a, double) { return std::isinf(a) ? undefined : std::nearbyint(a); }, 0},
        Case{"f32", "i1", "%r = arith.cmpf olt, %a, %b : f32",
             [](double a, double b) { return double(a < b); }, 0}));

double floorDivide(double a, double b) { return b == 0 ? undefined : std::floor(a / b); }

INSTANTIATE_TEST_SUITE_P(
    Integers, Scalars,
    testing::Values(
        Case{"i32", "i32", "%r = arith.addi %a, %b : i32", [](double a, double b) { return a + b; },
             0},
        Case{"i64", "i64", "%r = arith.muli %a, %b : i64", [](double a, double b) { return a * b; },
             0},
        Case{"i32", "i32", "%r = arith.floordivsi %a, %b : i32", floorDivide, 0},
        Case{"i64", "i64", "%r = arith.floordivsi %a, %b : i64", floorDivide, 0},
        Case{"i32", "i32", "%c = arith.constant 4 : i32\n %r = arith.floordivsi %a, %c : i32",
             [](double a, double) { return std::floor(a / 4); }, 0},
        Case{"i32", "i32", "%c = arith.constant -3 : i32\n %r = arith.floordivsi %a, %c : i32",
             [](double a, double) { return std::floor(a / -3); }, 0},
        Case{"i32", "i32", "%r = arith.ceildivsi %a, %b : i32",
             [](double a, double b) { return b == 0 ? undefined : std::ceil(a / b); }, 0},
        Case{"i32", "i32", "%r = arith.divsi %a, %b : i32",
             [](double a, double b) { return b == 0 ? undefined : std::trunc(a / b); }, 0},
        Case{"i32", "i32", "%r = arith.remsi %a, %b : i32",
             [](double a, double b) { return b == 0 ? undefined : std::fmod(a, b); }, 0},
        Case{"i32", "i32", "%r = arith.maxsi %a, %b : i32",
             [](double a, double b) { return std::max(a, b); }, 0},
        Case{"i64", "i64", "%r = arith.minsi %a, %b : i64",
             [](double a, double b) { return std::min(a, b); }, 0},
        Case{"i32", "i32", "%r = math.absi %a : i32", [](double a, double) { return std::abs(a); },
             0},
        Case{"i32", "f32", "%r = arith.sitofp %a : i32 to f32", [](double a, double) { return a; },
             0},
        Case{"i64", "f32", "%r = arith.sitofp %a : i64 to f32", [](double a, double) { return a; },
             0},
        Case{"i32", "i64", "%r = arith.extsi %a : i32 to i64", [](double a, double) { return a; },
             0},
        Case{"i64", "i32", "%r = arith.trunci %a : i64 to i32", [](double a, double) { return a; },
             0},
        Case{"i32", "i1", "%r = arith.cmpi sle, %a, %b : i32",
             [](double a, double b) { return double(a <= b); }, 0},
        Case{"i1", "i1", "%r = arith.andi %a, %b : i1",
             [](double a, double b) { return double(a && b); }, 0},
        Case{"i1", "i32", "%r = arith.extui %a : i1 to i32", [](double a, double) { return a; },
             0}));

/// Of 32 bits by a divisor of 64: no division of 64 bits, and right for any two.
TEST(Scalars, DividendsOf32Bits) {
  std::string text = mapText("i64", "i64",
                             "%s = arith.trunci %a : i64 to i32\n %t = arith.extsi %s : i32 to "
                             "i64\n %r = arith.floordivsi %t, %b : i64");
  std::string ptx = compile(text).ptx;
  EXPECT_NE(ptx.find("div.u32"), std::string::npos);
  EXPECT_EQ(ptx.find("div.s64"), std::string::npos);
  EXPECT_EQ(ptx.find("div.u64"), std::string::npos);
  std::vector<std::pair<int64_t, int64_t>> points;
  for (int64_t a : {0L, 1L, 2L, 6L, 7L, 0x7fffffffL})
    for (int64_t b : {1L, 2L, 3L, 7L, 0x7fffffffL, 1L << 31, 0xffffffffL, 1L << 32, 1L << 62})
      for (int64_t sign : {-1, 1})
        points.insert(points.end(), {{a * sign, b}, {a * sign, -b}, {a * sign - 1, sign * b}});
  points.push_back({5, INT64_MIN});
  points.push_back({-5, INT64_MIN});
  int64_t count = points.size();
  Array x = Array::make(Elem::I64, {count}), z = x, y = x;
  for (int64_t i = 0; i < count; ++i) {
    x.set({i}, double(points[i].first));
    z.set({i}, double(points[i].second));
  }
  ASSERT_EQ(
      run(text,
          {{{"x", &x}, {"z", &z}, {"y", &y}}, {{"I", count}}, {}, uint32_t((count + 31) / 32)}),
      "");
  for (int64_t i = 0; i < count; ++i) {
    auto [a, b] = points[i];
    int64_t floor = a / b - (a % b != 0 && (a < 0) != (b < 0));
    EXPECT_EQ(int64_t(y.at({i})), floor) << a << " / " << b;
  }
}

/// Every code of an 8-bit float to f32 and back, and values between two codes: to nearest, ties to
/// even.
TEST(Scalars, EightBitFloats) {
  for (auto [type, elem] : {std::pair("f8E4M3FN", Elem::F8E4M3), {"f8E5M2", Elem::F8E5M2}}) {
    std::string name = type;
    Array codes = Array::make(elem, {256}), wide = Array::make(Elem::F32, {256});
    for (int i = 0; i < 256; ++i)
      codes.bytes[i] = std::byte(i);
    ASSERT_EQ(run(mapText(name, "f32", "%r = arith.extf %a : " + name + " to f32"),
                  {{{"x", &codes}, {"z", &codes}, {"y", &wide}}, {{"I", 256}}, {}, 8}),
              "");
    for (int i = 0; i < 256; ++i)
      if (std::isnan(codes.at({i})))
        EXPECT_TRUE(std::isnan(wide.at({i}))) << name << " " << i;
      else
        EXPECT_EQ(wide.at({i}), codes.at({i})) << name << " " << i;
    std::vector<double> values{1e-9, -1e-9, 1e9, -1e9, inf, -inf, std::nan("")};
    for (int i = 0; i < 255; ++i) {
      double a = codes.at({i}), b = codes.at({i + 1});
      if (std::isfinite(a) && std::isfinite(b))
        values.insert(values.end(), {a, (a + b) / 2, a + (b - a) * 0.49, a + (b - a) * 0.51});
    }
    int64_t count = values.size();
    Array x = Array::make(Elem::F32, {count}), y = Array::make(elem, {count});
    for (int64_t i = 0; i < count; ++i)
      x.set({i}, values[i]);
    ASSERT_EQ(
        run(mapText("f32", name, "%r = arith.truncf %a : f32 to " + name),
            {{{"x", &x}, {"z", &x}, {"y", &y}}, {{"I", count}}, {}, uint32_t((count + 31) / 32)}),
        "");
    for (int64_t i = 0; i < count; ++i) {
      double expected = fc::rt::toDouble(elem, fc::rt::fromDouble(elem, x.at({i})));
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(y.at({i})));
      else
        EXPECT_EQ(y.at({i}), expected) << name << " " << x.at({i});
    }
  }
}

TEST(Scalars, WithNnanTheGuardsGo) {
  std::string guarded = compile(mapText("f32", "f32", "%r = arith.subf %a, %b : f32")).ptx,
              bare =
                  compile(mapText("f32", "f32", "%r = arith.subf %a, %b fastmath<nnan> : f32")).ptx;
  EXPECT_NE(guarded.find("selp"), std::string::npos);
  EXPECT_EQ(bare.find("selp.f32"), std::string::npos);
}

TEST(Scalars, WhatHasNoCodeIsNamed) {
  EXPECT_NE(compile(mapText("f32", "f32", "%r = math.erf %a : f32")).error.find("`math.erf`"),
            std::string::npos);
}

} // namespace
