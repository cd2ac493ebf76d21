// main.cpp - fc-bench: measures, reports, compares.
#include "runtime/WriteFile.h"
#include "tools/fc-bench/Bench.h"
#include "tools/fc-bench/Plot.h"
#include "tools/fc-bench/Report.h"
#include <algorithm>
#include <cstdio>
#include <exception>

using namespace fc;
using namespace fc::bench;

namespace {

constexpr int passed = 0, failed = 1, unusable = 2;

int fail(const rt::Error &error) {
  fmt::print(stderr, "fc-bench: {}\n", error.message);
  return unusable;
}

int runTool(const Options &options) {
  rt::Error error;
  Results results, old;
  // Read first: a misspelt name should not cost a measurement.
  if (!options.compareWith.empty() && !fromFile(options.compareWith, old, error))
    return fail(error);
  if (!options.showFile.empty() ? !fromFile(options.showFile, results, error)
                                : !measureAll(options, results, error))
    return fail(error);
  fmt::print("{}", table(results));
  int slower = 0;
  if (!options.compareWith.empty())
    fmt::print("\n{}", comparison(old, results, slower));
  if (!options.json.empty() && !rt::writeFile(options.json, {toJson(results)}, error))
    return fail(error);
  if (!options.plot.empty() && !rt::writeFile(options.plot, {plot(results)}, error))
    return fail(error);
  const bool wrong =
      std::ranges::any_of(results.results, [](const Result &it) { return !it.failure.empty(); });
  return wrong || slower > 0 ? failed : passed;
}

} // namespace

int main(int argc, char **argv) {
  try {
    const CommandLine line = parseCommandLine(argc, argv);
    if (!line.options) {
      fmt::print(line.exitCode == 0 ? stdout : stderr, "{}", line.text);
      return line.exitCode;
    }
    return runTool(*line.options);
  } catch (const std::bad_alloc &) {
    fmt::print(stderr, "fc-bench: out of memory: tensors of these sizes do not fit this machine\n");
    return unusable;
  } catch (const std::exception &exception) {
    fmt::print(stderr, "fc-bench: {}\n", exception.what());
    return unusable;
  }
}
