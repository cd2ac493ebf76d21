// Mutate.h - the mutation gate: is every synchronisation of a kernel checked?
//
// A mutant is the module with one commit, wait, barrier or fence left out. Each must make a launch
// end in a report; one that does not is either a hole in the checks or a synchronisation that the
// kernel does not need, and both are worth knowing.
#pragma once
#include "runtime/emulator/Emulator.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fc::emu {

struct Mutant {
  uint32_t line;           ///< of the statement left out
  std::string instruction; ///< its text
  std::string kernel;
  std::string ptx; ///< the module without it, lines as before
};

/// One mutant for each synchronising statement of the module. Empty if it does not parse.
std::vector<Mutant> syncMutants(std::string_view ptx, std::string_view name);

struct MutationScore {
  unsigned mutants = 0, caught = 0;
  std::vector<Mutant> survivors;
  /// "7 of 8 mutants are caught" and a line for each that is not.
  std::string text() const;
};

/// Loads every mutant of `kernel` (all kernels if empty) and asks `caught` whether a run of it
/// reports. `caught` tries as many modes and seeds as it likes.
MutationScore mutationScore(std::string_view ptx, std::string_view name, std::string_view kernel,
                            const std::function<bool(const Module &)> &caught);

} // namespace fc::emu
