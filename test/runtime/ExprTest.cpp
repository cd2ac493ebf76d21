// ExprTest.cpp - values and texts of the manifest's expressions.
#include "ManifestBuilder.h"
#include "runtime/Manifest.h"
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace fc::rt;
using namespace fc::rt::test;
using testing::HasSubstr;

namespace {

class FixedEnvironment : public Environment {
public:
  std::optional<Value> value(std::string_view name) const override {
    if (name == "M")
      return Value::ofInt(200);
    if (name == "D")
      return Value::ofInt(64);
    return std::nullopt;
  }
  std::optional<int64_t> stride(std::string_view tensor, int64_t dim) const override {
    return 100 + dim;
  }
  std::optional<bool> aligned(std::string_view tensor, int64_t bytes) const override {
    return bytes <= 16;
  }
  std::optional<int64_t> sms() const override { return 58; }
};

/// Parses the expression in the place of a grid's, where everything may be mentioned.
std::optional<Expr> parse(std::string_view text, std::string &error) {
  Json json = causalManifest();
  json["kernels"][0]["variants"][0]["launches"][0]["grid"][0] = Json::parse(text);
  auto manifest = parseManifest(json.dump(), error);
  if (!manifest)
    return std::nullopt;
  return manifest->kernels[0].variants[0].launches[0].grid[0];
}

Value valueOf(std::string_view text) {
  std::string error;
  auto expr = parse(text, error);
  EXPECT_TRUE(expr) << error;
  auto value = expr ? evaluate(*expr, FixedEnvironment(), error) : std::nullopt;
  EXPECT_TRUE(value) << text << ": " << error;
  return value.value_or(Value{});
}

std::string errorOf(std::string_view text) {
  std::string error;
  auto expr = parse(text, error);
  if (expr)
    EXPECT_FALSE(evaluate(*expr, FixedEnvironment(), error)) << text;
  return error;
}

std::string textOf(std::string_view json) {
  std::string error;
  auto expr = parse(json, error);
  return expr ? expr->text() : error;
}

Value integer(int64_t value) { return Value::ofInt(value); }
Value real(double value) { return Value::ofFloat(value); }
Value boolean(bool value) { return Value::ofBool(value); }

TEST(Expr, Leaves) {
  EXPECT_EQ(valueOf("7"), integer(7));
  EXPECT_EQ(valueOf("7.0"), real(7));
  EXPECT_EQ(valueOf("true"), boolean(true));
  EXPECT_EQ(valueOf("\"M\""), integer(200));
  EXPECT_EQ(valueOf("\"inf\""), real(INFINITY));
  EXPECT_EQ(valueOf(R"(["sms"])"), integer(58));
  EXPECT_EQ(valueOf(R"(["stride", "q", 1])"), integer(101));
  EXPECT_EQ(valueOf(R"(["aligned", "q", 16])"), boolean(true));
  EXPECT_EQ(valueOf(R"(["aligned", "q", 32])"), boolean(false));
}

TEST(Expr, IntegerArithmeticFloors) {
  EXPECT_EQ(valueOf(R"(["/", ["+", "M", 63], 64])"), integer(4));
  EXPECT_EQ(valueOf(R"(["/", -7, 2])"), integer(-4));
  EXPECT_EQ(valueOf(R"(["/", 7, -2])"), integer(-4));
  EXPECT_EQ(valueOf(R"(["/", -8, 2])"), integer(-4));
  EXPECT_EQ(valueOf(R"(["%", -7, 2])"), integer(1));
  EXPECT_EQ(valueOf(R"(["%", 7, -2])"), integer(-1));
  EXPECT_EQ(valueOf(R"(["%", -9223372036854775808, -1])"), integer(0));
  EXPECT_EQ(valueOf(R"(["-", 5])"), integer(-5));
  EXPECT_EQ(valueOf(R"(["-", 5, 7])"), integer(-2));
  EXPECT_EQ(valueOf(R"(["*", 2, 3, 4])"), integer(24));
  EXPECT_EQ(valueOf(R"(["min", 5, 3, 4])"), integer(3));
  EXPECT_EQ(valueOf(R"(["max", 5, 3, 9])"), integer(9));
  EXPECT_EQ(valueOf(R"(["clamp", 9, 0, 4])"), integer(4));
  EXPECT_EQ(valueOf(R"(["abs", -9])"), integer(9));
  EXPECT_EQ(valueOf(R"(["bit", 5, 2])"), boolean(true));
  EXPECT_EQ(valueOf(R"(["bit", 5, 1])"), boolean(false));
}

TEST(Expr, FloatArithmetic) {
  EXPECT_EQ(valueOf(R"(["/", 1, ["sqrt", "D"]])"), real(0.125));
  EXPECT_EQ(valueOf(R"(["rsqrt", "D"])"), real(0.125));
  EXPECT_EQ(valueOf(R"(["/", 1.0, 4])"), real(0.25));
  EXPECT_EQ(valueOf(R"(["%", -7.5, 2])"), real(0.5));
  EXPECT_EQ(valueOf(R"(["exp2", 3])"), real(8));
  EXPECT_EQ(valueOf(R"(["log2", 8])"), real(3));
  EXPECT_EQ(valueOf(R"(["floor", -0.5])"), real(-1));
  EXPECT_EQ(valueOf(R"(["f32", 3])"), real(3));
  EXPECT_EQ(valueOf(R"(["sigmoid", 0])"), real(0.5));
  EXPECT_EQ(valueOf(R"(["tanh", 0])"), real(0));
  EXPECT_EQ(valueOf(R"(["exp", 0])"), real(1));
  EXPECT_EQ(valueOf(R"(["log", 1])"), real(0));
  EXPECT_EQ(valueOf(R"(["abs", -2.5])"), real(2.5));
  EXPECT_EQ(valueOf(R"(["clamp", 2.5, 0, 1])"), real(1));
}

TEST(Expr, InfinityStandsForNoKey) {
  EXPECT_EQ(valueOf(R"(["-", ["-", "inf"], ["-", "inf"]])"), real(-INFINITY));
  EXPECT_EQ(valueOf(R"(["/", 0.0, 0.0])"), real(0));
}

TEST(Expr, CastsToIntegerRoundToEvenAndSaturate) {
  EXPECT_EQ(valueOf(R"(["int", 2.5])"), integer(2));
  EXPECT_EQ(valueOf(R"(["int", 3.5])"), integer(4));
  EXPECT_EQ(valueOf(R"(["int", 1e300])"), integer(INT64_MAX));
  EXPECT_EQ(valueOf(R"(["int", ["-", "inf"]])"), integer(INT64_MIN));
  EXPECT_EQ(valueOf(R"(["int", 3])"), integer(3));
}

TEST(Expr, Comparisons) {
  EXPECT_EQ(valueOf(R"(["<", 2, 3])"), boolean(true));
  EXPECT_EQ(valueOf(R"(["<=", 3, 3])"), boolean(true));
  EXPECT_EQ(valueOf(R"([">", 2, 3])"), boolean(false));
  EXPECT_EQ(valueOf(R"([">=", 2.5, 3])"), boolean(false));
  EXPECT_EQ(valueOf(R"(["==", 3, 3.0])"), boolean(true));
  EXPECT_EQ(valueOf(R"(["!=", true, false])"), boolean(true));
}

TEST(Expr, UntakenSidesAreNotEvaluated) {
  EXPECT_EQ(valueOf(R"(["or", true, ["==", ["/", 1, 0], 0]])"), boolean(true));
  EXPECT_EQ(valueOf(R"(["and", true, false, ["==", ["/", 1, 0], 0]])"), boolean(false));
  EXPECT_EQ(valueOf(R"(["where", ["<", 1, 2], 5, ["/", 1, 0]])"), integer(5));
  EXPECT_EQ(valueOf(R"(["not", false])"), boolean(true));
}

TEST(Expr, Failures) {
  EXPECT_THAT(errorOf(R"(["/", "M", 0])"), HasSubstr("`M / 0` divides by 0"));
  EXPECT_THAT(errorOf(R"(["%", "M", 0])"), HasSubstr("divides by 0"));
  EXPECT_THAT(errorOf(R"(["%", 1.5, 0])"), HasSubstr("divides by 0"));
  EXPECT_THAT(errorOf(R"(["*", 9223372036854775807, 2])"), HasSubstr("overflows 64 bits"));
  EXPECT_THAT(errorOf(R"(["+", 9223372036854775807, 1])"), HasSubstr("overflows"));
  EXPECT_THAT(errorOf(R"(["/", -9223372036854775808, -1])"), HasSubstr("overflows"));
  EXPECT_THAT(errorOf(R"(["-", -9223372036854775808])"), HasSubstr("overflows"));
  EXPECT_THAT(errorOf(R"(["abs", -9223372036854775808])"), HasSubstr("overflows"));
  EXPECT_THAT(errorOf(R"(["+", true, 1])"), HasSubstr("where numbers are asked for"));
  EXPECT_THAT(errorOf(R"(["and", 1, true])"), HasSubstr("`and` takes bools"));
  EXPECT_THAT(errorOf(R"(["not", 1])"), HasSubstr("`not` takes a bool"));
  EXPECT_THAT(errorOf(R"(["where", 1, 2, 3])"), HasSubstr("not a bool"));
  EXPECT_THAT(errorOf(R"(["bit", 1, 64])"), HasSubstr("asks for bit 64"));
  EXPECT_THAT(errorOf(R"(["bit", 1.5, 1])"), HasSubstr("where integers are asked for"));
  EXPECT_THAT(errorOf(R"("N")"), HasSubstr("`N` has no value"));
}

TEST(Expr, TextReadsAsTheLanguage) {
  EXPECT_EQ(textOf(R"(["/", ["+", "M", 63], 64])"), "(M + 63) / 64");
  EXPECT_EQ(textOf(R"(["-", "M", ["-", "N", 1]])"), "M - (N - 1)");
  EXPECT_EQ(textOf(R"(["==", ["%", "H", "G"], 0])"), "H % G == 0");
  EXPECT_EQ(textOf(R"(["and", ["<", "M", 3], ["not", ["aligned", "q", 16]]])"),
            "M < 3 and not aligned(q, 16)");
  EXPECT_EQ(textOf(R"(["max", 1, ["-", "M"]])"), "max(1, -M)");
  EXPECT_EQ(textOf(R"(["*", 2, ["+", "B", 1], "H"])"), "2 * (B + 1) * H");
}

TEST(Expr, ByItself) {
  std::string error;
  auto expr = parseExpr(R"(["and", [">=", "M", ["*", 4, ["sms"]]], ["aligned", "q", 16]])", error);
  ASSERT_TRUE(expr) << error;
  EXPECT_EQ(expr->text(), "M >= 4 * sms and aligned(q, 16)");
  EXPECT_EQ(evaluate(*expr, FixedEnvironment(), error), boolean(false));
  EXPECT_FALSE(parseExpr(R"(["aligned", "q", 3])", error));
  EXPECT_THAT(error, HasSubstr("an alignment is a power of two"));
  EXPECT_FALSE(parseExpr("[", error));
  EXPECT_FALSE(parseExpr(R"(["no"])", error));
}

} // namespace
