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

/// A grid that was launched, and how many of its CTAs share an SM: what the compiler expects, 0 if
/// it does not say.
struct Grid {
  std::string entry;
  int64_t ctas = 0, warps = 0, ctasPerSm = 0;

  /// SMs of a board that get a CTA; CTAs of the one that gets most; how often all that an SM holds
  /// have to end before the last begins.
  int64_t busySms(const Board &board) const { return std::min<int64_t>(ctas, board.sms); }
  int64_t mostOnAnSm(const Board &board) const { return (ctas + board.sms - 1) / board.sms; }
  int64_t waves(const Board &board) const {
    return ctasPerSm ? (mostOnAnSm(board) + ctasPerSm - 1) / ctasPerSm : 0;
  }
};

struct Roofline {
  const Board *board;
  std::vector<UnitTime> units;
  std::vector<std::string> assumptions;
  std::vector<Grid> grids;

  /// The unit that takes longest.
  const UnitTime &bound() const { return slowest(units); }
  /// The time of the SM that gets most CTAs of the one grid, if all its CTAs take the same; 0 if
  /// there are several grids or none.
  double busiest() const;
  /// The bound, the units and the assumptions, as lines.
  std::string text() const;
  /// {"board", "microseconds", "bound", "units": {unit: microseconds}, "data_sheet": {...},
  /// "assumptions": [...], "launches": [{"entry", "ctas", "warps", "ctas_per_sm", "busy_sms",
  /// "waves"}], "busiest_sm_microseconds", "text"}.
  nlohmann::ordered_json json() const;
};

/// `tensorBytes`: of all inputs and outputs, each once; `grids`: what ran. Fails with NotFound when
/// no board has that name, and with Unsupported when nothing was counted.
std::optional<Roofline> roofline(const std::string &board,
                                 const std::map<std::string, uint64_t> &counters,
                                 uint64_t tensorBytes, std::vector<Grid> grids, rt::Error &error);

} // namespace fc::run
