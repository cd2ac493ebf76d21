// Report.h - what a run prints: a table, or one JSON object.
#pragma once
#include "tools/fc-run/Check.h"
#include "tools/fc-run/Roofline.h"

namespace fc::run {

/// The kernels of a PTX and their parameters.
std::string listText(const rt::Module &module);

/// The faults that the emulator knows, a line each.
std::string checksText();

/// A table of the outputs, with their errors if they were checked, else with their range.
std::string table(const Options &options, const Session &session,
                  const std::vector<Comparison> &comparisons);

/// {"kernel", "device", "pass", "seconds", "outputs": {...}, "counters": {...}}. `fault` is what
/// stopped the run, if something did; `roofline` what --roofline found, if that was asked for.
std::string json(const Options &options, const Session &session,
                 const std::vector<Comparison> &comparisons, const rt::Error &fault,
                 const std::optional<Roofline> &roofline = {});

} // namespace fc::run
