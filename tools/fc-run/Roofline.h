// Roofline.h - fc-run --roofline: what a board's data sheet makes of the emulator's counters
#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace fc::run {

/// The estimate as text, its assumptions included. `tensorBytes`: of all inputs and outputs, each
/// once. Empty when no board has that name; `boards` then lists them.
std::string roofline(const std::string &board, const std::map<std::string, uint64_t> &counters,
                     uint64_t tensorBytes, std::string &boards);

} // namespace fc::run
