// Roofline.h - fc-run --roofline: what a board's data sheet makes of the emulator's counters
//
// Each unit of the chip gets the work that was counted, spread evenly over all SMs at boost clock;
// the slowest unit bounds the time. It is a bound: latency, launch and a partly filled last wave
// come on top.
#pragma once
#include "runtime/Error.h"
#include "tools/fc-run/Boards.h"
#include <nlohmann/json.hpp>

namespace fc::run {

struct Roofline {
  const Board *board;
  std::vector<UnitTime> units;
  std::vector<std::string> assumptions;

  /// The unit that takes longest.
  const UnitTime &bound() const { return slowest(units); }
  /// The bound, the units and the assumptions, as lines.
  std::string text() const;
  /// {"board", "microseconds", "bound", "units": {unit: microseconds}, "data_sheet": {...},
  /// "assumptions": [...], "text"}.
  nlohmann::ordered_json json() const;
};

/// `tensorBytes`: of all inputs and outputs, each once. Fails with NotFound when no board has that
/// name, and with Unsupported when nothing was counted.
std::optional<Roofline> roofline(const std::string &board,
                                 const std::map<std::string, uint64_t> &counters,
                                 uint64_t tensorBytes, rt::Error &error);

} // namespace fc::run
