// Roofline.cpp - a lower bound of the run time from counters and a board's data sheet
//
// Each unit of the chip gets the work that was counted, spread evenly over all SMs at boost clock;
// the slowest unit bounds the time. It is a bound: latency, launch and a partly filled last wave
// come on top.
#include "tools/fc-run/Roofline.h"
#include "tools/fc-run/Boards.h"
#include <fmt/format.h>

namespace fc::run {

std::string roofline(const std::string &name, const std::map<std::string, uint64_t> &counters,
                     uint64_t tensorBytes, std::string &names) {
  names = boardNames();
  const Board *board = findBoard(name);
  if (!board)
    return "";
  const std::vector<UnitTime> units = unitTimes(*board, counters, tensorBytes);
  const UnitTime &bound = slowest(units);
  std::string text = fmt::format("roofline on {}: at least {:.1f} us, bound by {}\n", board->name,
                                 bound.microseconds, bound.unit);
  for (const UnitTime &unit : units)
    text += fmt::format("  {:18} {:8.2f} us\n", unit.unit, unit.microseconds);
  text += fmt::format(
      "  assumes {} SMs at {} GHz all busy to the end, {} dense tensor TFLOP/s, {} GB/s; 4 "
      "warp instructions,\n  1 shared wavefront an SM and clock; each tensor moved once; "
      "no latency, no launch, no partial wave\n",
      board->sms, board->clockGhz, board->tensorTflops, board->memoryGbs);
  return text;
}

} // namespace fc::run
