// Boards.cpp - the table of boards, and counters by it; see Boards.h.
#include "tools/fc-run/Boards.h"
#include <algorithm>

namespace fc::run {
namespace {

// The longer titles first: the first that is a part of the driver's name is taken.
constexpr Board table[] = {
    {"l4", "NVIDIA L4", 58, 2.04, 121, 300, 128, 16},
    {"a10", "NVIDIA A10", 72, 1.695, 125, 600, 128, 16},
    {"a100", "A100", 108, 1.41, 312, 2039, 64, 16},
    {"h100pcie", "H100 PCIe", 114, 1.755, 756, 2000, 128, 16},
    {"h100", "H100", 132, 1.83, 989, 3350, 128, 16},
    {"h200", "H200", 132, 1.83, 989, 4800, 128, 16},
    {"gh200", "GH200", 132, 1.83, 989, 4000, 128, 16},
    {"l40s", "L40S", 142, 2.52, 362, 864, 128, 16},
    {"rtx4090", "RTX 4090", 128, 2.52, 165, 1008, 128, 16},
    {"b200", "B200", 148, 1.85, 2250, 7700, 128, 16},
};

} // namespace

std::span<const Board> boards() { return table; }

const Board *findBoard(std::string_view name) {
  for (const Board &board : table)
    if (name == board.name)
      return &board;
  return nullptr;
}

std::string boardNames() {
  std::string names;
  for (const Board &board : table)
    names += (names.empty() ? "" : ", ") + std::string(board.name);
  return names;
}

const Board *boardTitled(std::string_view title) {
  const Board *best = nullptr;
  for (const Board &board : table) {
    const std::string_view part = board.title;
    const size_t at = title.find(part);
    // "NVIDIA L4" is no part of "NVIDIA L40S", nor "A10" of "A100".
    const bool whole =
        at != std::string_view::npos &&
        (at + part.size() == title.size() ||
         std::string_view(" -").find(title[at + part.size()]) != std::string_view::npos);
    const bool begins = at == 0 || (at != std::string_view::npos && title[at - 1] == ' ');
    if (whole && begins && (!best || part.size() > std::string_view(best->title).size()))
      best = &board;
  }
  return best;
}

std::vector<UnitTime> unitTimes(const Board &board, const std::map<std::string, uint64_t> &counters,
                                uint64_t tensorBytes) {
  auto count = [&](const char *counter) {
    const auto it = counters.find(counter);
    return it == counters.end() ? 0.0 : static_cast<double>(it->second);
  };
  const double perMicrosecond = board.sms * board.clockGhz * 1e3; // SM clocks
  return {
      {"tensor cores", count("tensor_flops_issued") / (board.tensorTflops * 1e6)},
      {"instruction issue", count("warp_instructions.total") / (4 * perMicrosecond)},
      {"FMA pipes", 32 * count("warp_instructions.fma") / (board.fmaLanes * perMicrosecond)},
      {"special functions",
       32 * count("warp_instructions.mufu") / (board.mufuLanes * perMicrosecond)},
      {"shared memory", count("shared_wavefronts") / perMicrosecond},
      {"device memory", static_cast<double>(tensorBytes) / (board.memoryGbs * 1e3), false},
  };
}

const UnitTime &slowest(const std::vector<UnitTime> &times) {
  return *std::max_element(times.begin(), times.end(), [](const UnitTime &a, const UnitTime &b) {
    return a.microseconds < b.microseconds;
  });
}

} // namespace fc::run
