// Roofline.cpp - a lower bound of the run time from counters and a board's data sheet
//
// Each unit of the chip gets the work that was counted, spread evenly over all SMs at boost clock;
// the slowest unit bounds the time. It is a bound: latency, launch and a partly filled last wave
// come on top.
#include "tools/fc-run/Roofline.h"
#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace fc::run {
namespace {

/// From NVIDIA's data sheets and, for rates per SM and clock, the CUDA Programming Guide's table of
/// arithmetic throughput. Tensor rate: 16-bit floats, f32 accumulation, dense.
struct Board {
  const char *name;
  int sms;
  double clockGhz, tensorTflops, memoryGbs;
  int fmaLanes, mufuLanes; ///< results per SM and clock
};
constexpr Board boards[] = {
    {"l4", 58, 2.04, 121, 300, 128, 16},        {"a100", 108, 1.41, 312, 2039, 64, 16},
    {"h100", 132, 1.83, 989, 3350, 128, 16},    {"h200", 132, 1.83, 989, 4800, 128, 16},
    {"rtx4090", 128, 2.52, 165, 1008, 128, 16},
};

} // namespace

std::string roofline(const std::string &name, const std::map<std::string, uint64_t> &counters,
                     uint64_t tensorBytes, std::string &names) {
  names.clear();
  const Board *board = nullptr;
  for (const Board &each : boards) {
    names += (names.empty() ? "" : ", ") + std::string(each.name);
    if (name == each.name)
      board = &each;
  }
  if (!board)
    return "";
  auto count = [&](const char *counter) {
    const auto it = counters.find(counter);
    return it == counters.end() ? 0.0 : double(it->second);
  };
  const double perMicrosecond = board->sms * board->clockGhz * 1e3; // SM clocks
  struct Unit {
    const char *what;
    double microseconds;
  };
  std::vector<Unit> units = {
      {"tensor cores", count("tensor_flops_issued") / (board->tensorTflops * 1e6)},
      {"instruction issue", count("warp_instructions.total") / (4 * perMicrosecond)},
      {"FMA pipes", 32 * count("warp_instructions.fma") / (board->fmaLanes * perMicrosecond)},
      {"special functions",
       32 * count("warp_instructions.mufu") / (board->mufuLanes * perMicrosecond)},
      {"shared memory", count("shared_wavefronts") / perMicrosecond},
      {"device memory", double(tensorBytes) / (board->memoryGbs * 1e3)},
  };
  std::string text = fmt::format("roofline on {}: ", board->name);
  const auto slowest = std::max_element(
      units.begin(), units.end(), [](auto &a, auto &b) { return a.microseconds < b.microseconds; });
  text += fmt::format("at least {:.1f} us, bound by {}\n", slowest->microseconds, slowest->what);
  for (const Unit &unit : units)
    text += fmt::format("  {:18} {:8.2f} us\n", unit.what, unit.microseconds);
  text += fmt::format(
      "  assumes {} SMs at {} GHz all busy to the end, {} dense tensor TFLOP/s, {} GB/s; 4 "
      "warp instructions,\n  1 shared wavefront an SM and clock; each tensor moved once; "
      "no latency, no launch, no partial wave\n",
      board->sms, board->clockGhz, board->tensorTflops, board->memoryGbs);
  return text;
}

} // namespace fc::run
