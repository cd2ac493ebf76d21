// Checks.h - what the emulator can report: the list that `fc-run --list-checks` prints.
#pragma once
#include <span>
#include <string_view>

namespace fc::emu {

struct Check {
  std::string_view id;      ///< as Report::id has it
  std::string_view meaning; ///< one line
};

/// All of them, in the order of Checks.def.
std::span<const Check> checks();

} // namespace fc::emu
