// Options.h - what the command line of fc-bench asks for, and the cases that it comes to.
#pragma once
#include "runtime/cuda/Timer.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fc::bench {

using Dims = std::map<std::string, int64_t>;

struct Options {
  std::vector<std::string> inputs; ///< .ptx, or .fc to compile
  std::vector<Dims> shapes;        ///< empty: `suite`
  std::string suite;               ///< a named list of shapes; empty: by the device
  std::vector<std::string> strategies;
  /// Compile-time parameters, each with the values to try.
  std::map<std::string, std::vector<std::string>> defines;
  std::string target, schedule;
  std::map<std::string, std::string> fill, set;
  std::string checkFile;
  uint64_t seed = 0;

  std::string device = "auto";
  std::string board; ///< whose roof; empty: that of the device, h100 on the emulator
  int warmup = 20, runs = 100;
  double mostSeconds = 10; ///< of the runs of one measurement; fewer runs beyond that
  bool warm = true, cold = true;
  rt::cuda::TimerOptions::Graph graph = rt::cuda::TimerOptions::Graph::Auto;
  std::optional<int> threads;
  /// Multiplications of the largest shape that the reference is asked to check.
  double checkLimit = 2e9;

  std::string json, plot, compareWith;
  std::string showFile; ///< instead of measuring: results of an earlier run
};

struct CommandLine {
  std::optional<Options> options;
  std::string text;
  int exitCode = 0;
};
CommandLine parseCommandLine(int argc, const char *const *argv);

/// The shapes of a suite: "small", "prefill", "decode" or "ragged". A dimension that a shape does
/// not name is filled in by completeDims.
const std::vector<Dims> *suiteOf(const std::string &name);
std::string suiteNames();

} // namespace fc::bench
