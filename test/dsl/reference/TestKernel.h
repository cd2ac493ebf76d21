// TestKernel.h - programs from text, arguments from lists, for the tests of the reference.
#pragma once
#include "dsl/Frontend.h"
#include "dsl/Numeric.h"
#include "dsl/Reference.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <limits>
#include <random>

namespace fc::dsl::test {

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Checks `text`; a wrong program fails the test with its diagnostics.
inline std::unique_ptr<Program> programOf(const std::string &text, const Defines &defines = {}) {
  Diagnostics diagnostics;
  std::unique_ptr<Program> program = checkSource("test.fc", text, defines, diagnostics);
  if (!program)
    ADD_FAILURE() << diagnostics.render();
  return program;
}

inline Array floats(std::vector<int64_t> shape, std::vector<double> values, Elem elem = Elem::F32) {
  return {elem, std::move(shape), std::move(values), {}};
}
inline Array ints(std::vector<int64_t> shape, std::vector<int64_t> values, Elem elem = Elem::I32) {
  return {elem, std::move(shape), {}, std::move(values)};
}

/// Normally distributed values of that type.
inline Array randomFloats(std::mt19937_64 &rng, Elem elem, std::vector<int64_t> shape,
                          double spread = 1) {
  Array array = Array::zeros(elem, std::move(shape));
  std::normal_distribution<double> normal(0, spread);
  for (double &x : array.f)
    x = roundToElem(elem, normal(rng));
  return array;
}

/// The outcome of a program, or the failure of the test.
inline Outcome run(const std::string &text, const Arguments &args, const Defines &defines = {},
                   const ReferenceOptions &options = {}) {
  std::unique_ptr<Program> program = programOf(text, defines);
  return program ? evaluate(*program, args, options) : Outcome{};
}

/// The float elements of output `name` of a program that has no error.
inline std::vector<double> valuesOf(const Outcome &outcome, const std::string &name = "o") {
  if (outcome.error) {
    ADD_FAILURE() << outcome.error->loc.line << ":" << outcome.error->loc.col << ": "
                  << outcome.error->message;
    return {};
  }
  auto it = outcome.outputs.find(name);
  if (it == outcome.outputs.end()) {
    ADD_FAILURE() << "no output " << name;
    return {};
  }
  return it->second.values.f;
}
inline std::vector<int64_t> intsOf(const Outcome &outcome, const std::string &name = "o") {
  valuesOf(outcome, name);
  return outcome.outputs.count(name) ? outcome.outputs.at(name).values.i : std::vector<int64_t>();
}

/// "line:col: message" of the error, or "" without.
inline std::string errorOf(const Outcome &outcome) {
  if (!outcome.error)
    return "";
  return std::to_string(outcome.error->loc.line) + ": " + outcome.error->message;
}

/// Elementwise within `tolerance`, NaN and infinities equal to themselves.
inline void expectNear(const std::vector<double> &seen, const std::vector<double> &expected,
                       double tolerance = 1e-12) {
  ASSERT_EQ(seen.size(), expected.size());
  for (size_t n = 0; n < seen.size(); ++n) {
    if (std::isnan(expected[n]))
      EXPECT_TRUE(std::isnan(seen[n])) << "element " << n << " is " << seen[n];
    else if (std::isinf(expected[n]))
      EXPECT_EQ(seen[n], expected[n]) << "element " << n;
    else
      EXPECT_NEAR(seen[n], expected[n], tolerance * std::max(1.0, std::fabs(expected[n])))
          << "element " << n;
  }
}

} // namespace fc::dsl::test
