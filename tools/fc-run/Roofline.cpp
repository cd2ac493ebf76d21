// Roofline.cpp - see Roofline.h.
#include "tools/fc-run/Roofline.h"
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fc::run {

std::optional<Roofline> roofline(const std::string &name,
                                 const std::map<std::string, uint64_t> &counters,
                                 uint64_t tensorBytes, std::vector<Grid> grids, rt::Error &error) {
  const Board *board = findBoard(name);
  if (!board) {
    error.set(rt::Code::NotFound, "--roofline: there is no board `{}`; there are {}", name,
              boardNames());
    return std::nullopt;
  }
  if (counters.empty()) {
    error.set(rt::Code::Unsupported,
              "--roofline: this device counts nothing; --device=emulator does");
    return std::nullopt;
  }
  return Roofline{
      board,
      unitTimes(*board, counters, tensorBytes),
      {fmt::format("{} SMs at {} GHz all busy to the end, {} dense tensor TFLOP/s, {} GB/s",
                   board->sms, board->clockGhz, board->tensorTflops, board->memoryGbs),
       "4 warp instructions, 1 shared wavefront an SM and clock", "each tensor moved once",
       "no latency, no launch, no partial wave"},
      std::move(grids)};
}

double Roofline::busiest() const {
  if (grids.size() != 1 || grids[0].ctas == 0)
    return 0;
  const double share = double(grids[0].mostOnAnSm(*board)) * board->sms / double(grids[0].ctas);
  double most = 0;
  for (const UnitTime &unit : units)
    most = std::max(most, unit.ofSms ? unit.microseconds * share : unit.microseconds);
  return most;
}

std::string Roofline::text() const {
  std::string text = fmt::format("roofline on {}: at least {:.1f} us, bound by {}\n", board->name,
                                 bound().microseconds, bound().unit);
  for (const UnitTime &unit : units)
    text += fmt::format("  {:18} {:8.2f} us\n", unit.unit, unit.microseconds);
  for (const Grid &grid : grids) {
    text += fmt::format("  {}: {} CTA{} of {} warps on {} of {} SMs", grid.entry, grid.ctas,
                        grid.ctas == 1 ? "" : "s", grid.warps, grid.busySms(*board), board->sms);
    if (grid.ctasPerSm)
      text += fmt::format(", {} wave{} (an SM holds {})", grid.waves(*board),
                          grid.waves(*board) == 1 ? "" : "s", grid.ctasPerSm);
    text += "\n";
  }
  if (busiest() > 0)
    text += fmt::format("  the SM that gets most of them needs {:.1f} us, if all are alike\n",
                        busiest());
  return text + fmt::format("  assumes {};\n  {}\n", assumptions[0],
                            fmt::join(assumptions.begin() + 1, assumptions.end(), "; "));
}

nlohmann::ordered_json Roofline::json() const {
  nlohmann::ordered_json root;
  root["board"] = board->name;
  root["microseconds"] = bound().microseconds;
  root["bound"] = bound().unit;
  for (const UnitTime &unit : units)
    root["units"][unit.unit] = unit.microseconds;
  root["data_sheet"] = {{"sms", board->sms},
                        {"clock_ghz", board->clockGhz},
                        {"tensor_tflops", board->tensorTflops},
                        {"memory_gbs", board->memoryGbs},
                        {"fma_lanes", board->fmaLanes},
                        {"mufu_lanes", board->mufuLanes}};
  root["assumptions"] = assumptions;
  root["launches"] = nlohmann::ordered_json::array();
  for (const Grid &grid : grids)
    root["launches"].push_back({{"entry", grid.entry},
                                {"ctas", grid.ctas},
                                {"warps", grid.warps},
                                {"ctas_per_sm", grid.ctasPerSm},
                                {"busy_sms", grid.busySms(*board)},
                                {"waves", grid.waves(*board)}});
  if (busiest() > 0)
    root["busiest_sm_microseconds"] = busiest();
  root["text"] = text();
  return root;
}

} // namespace fc::run
