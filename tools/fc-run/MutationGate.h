// MutationGate.h - fc-run --mutate: is every synchronisation of a kernel needed, and is its lack
// seen?
#pragma once
#include "tools/fc-run/Session.h"
#include <string>

namespace fc::run {

/// Runs each mutant of `ptx` (one commit, wait, barrier or fence left out) with the session's
/// shapes and inputs, with copies that land late, early and by two seeds, until a run ends in a
/// report. `text` is the score and a line for each mutant that none reported. False, with `error`,
/// if nothing could be run.
bool mutationGate(const Options &options, const std::string &ptx, std::string &text,
                  bool &allCaught, rt::Error &error);

} // namespace fc::run
