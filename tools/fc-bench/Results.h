// Results.h - what fc-bench found, as data and as JSON.
#pragma once
#include "runtime/Error.h"
#include "tools/fc-bench/Nvml.h"
#include "tools/fc-bench/Options.h"
#include "tools/fc-bench/Statistics.h"

namespace fc::bench {

/// Times in microseconds.
struct Measured {
  Summary time;
  bool graph = false;
  int perSample = 1;
  double hostMicroseconds = 0; ///< to enqueue a run; 0 from a graph
  GpuState state;              ///< halfway through the runs
};

/// A lower bound by the emulator's counters. Never a time that anything took.
struct Estimate {
  double microseconds = 0;
  std::string unit; ///< of the board, that bounds it
  std::map<std::string, double> units;
  std::map<std::string, uint64_t> counters;
};

struct Check {
  Dims at;                      ///< the shape that was compared with the reference
  bool same = false;            ///< it is the one measured
  double relL2 = 0, maxAbs = 0; ///< the largest over the outputs
};

struct Result {
  std::string kernel, file, strategy, target, variant;
  std::map<std::string, std::string> cparams;
  Dims dims;
  double flops = 0, share = 1; ///< needed; needed / unmasked
  std::string note;            ///< on the count of operations
  uint64_t bytes = 0;
  Check check;
  std::optional<Measured> warm, cold;
  std::optional<Estimate> estimate;
  std::optional<double> roofMicroseconds; ///< of the board, by `flops` and `bytes`
  std::string failure;                    ///< why there are no numbers

  /// What makes two results be of one case: kernel, parameters, strategy, target and shape.
  std::string key() const;
  std::string shape() const; ///< "B=1 H=2 M=256"
};

struct Results {
  std::string commit, date, device, deviceKind, driver, cuda, board, host, version;
  int runs = 0, warmup = 0;
  std::vector<Result> results;
};

std::string toJson(const Results &results);
bool fromFile(const std::string &path, Results &results, rt::Error &error);

} // namespace fc::bench
