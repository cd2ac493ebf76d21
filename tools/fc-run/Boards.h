// Boards.h - what data sheets say of GPUs, for rooflines.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fc::run {

/// From NVIDIA's data sheets and, for rates per SM and clock, the CUDA Programming Guide's table of
/// arithmetic throughput.
struct Board {
  const char *name;  ///< "h100"
  const char *title; ///< a part of what the driver calls it: "H100 PCIe"
  int sms;
  double clockGhz;     ///< boost
  double tensorTflops; ///< 16-bit floats, f32 accumulation, dense
  double memoryGbs;
  int fmaLanes, mufuLanes; ///< results per SM and clock
};
std::span<const Board> boards();
/// By name; null if there is none. `names` lists them: "l4, a100, ...".
const Board *findBoard(std::string_view name);
std::string boardNames();
/// By what the driver calls the device: "NVIDIA H100 80GB HBM3". Null if it is not known.
const Board *boardTitled(std::string_view title);

/// The least time that a unit of the chip takes for the work that was counted, spread evenly over
/// all SMs at boost clock.
struct UnitTime {
  const char *unit;
  double microseconds;
  bool ofSms = true; ///< of the SMs, each with its own; else of the whole chip
};
/// By unit; the largest bounds the run. `tensorBytes`: of all inputs and outputs, each moved once.
std::vector<UnitTime> unitTimes(const Board &board, const std::map<std::string, uint64_t> &counters,
                                uint64_t tensorBytes);
const UnitTime &slowest(const std::vector<UnitTime> &times);

} // namespace fc::run
