// Options.h - what the command line of fc-run asks for.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fc::run {

struct Options {
  std::string input;                                     ///< a .ptx, or a .fc to compile
  std::vector<std::string> kernels;                      ///< empty: all, in order
  std::map<std::string, int64_t> dims;                   ///< --shape
  std::map<std::string, std::string> in, out, set, fill; ///< by tensor or scalar
  std::vector<std::string> null;
  uint64_t seed = 0;

  bool check = false;
  std::string checkFile; ///< empty: the .fc itself, or the source that the PTX names
  std::optional<double> relL2, maxAbs;

  std::string device = "auto";
  std::string async; ///< empty: the device's default
  std::optional<int> threads, sms;
  bool races = true, exactMma = false;
  std::string variant; ///< empty: the one whose condition holds

  // for a .fc, handed on to fcc
  std::vector<std::string> defines;
  std::string target, strategy, schedule;

  // for a kernel of any PTX, without a manifest
  std::string entry, grid = "1", block = "1";
  uint32_t shared = 0;
  std::vector<std::string> args;

  bool json = false, counters = false, mutate = false;
  std::optional<uint64_t> maxInstructions; ///< by CTA; 0: no limit
  bool list = false, listPtx = false, listChecks = false;
  std::string roofline; ///< a board; empty: none
};

/// What a command line comes to: options to run, or a text to print and an exit code.
struct CommandLine {
  std::optional<Options> options;
  std::string text;
  int exitCode = 0;
};
CommandLine parseCommandLine(int argc, const char *const *argv);

} // namespace fc::run
