// Plain.h - fc-run --entry: a kernel of any PTX on the emulator, without a manifest. What a launch
// needs is said on the command line.
#pragma once
#include "runtime/Error.h"
#include "tools/fc-run/Options.h"

namespace fc::run {

/// Runs `options.entry` of `ptx` and appends what fc-run prints to `text`. False with `error` set
/// if it cannot run; `fault` holds the report if the emulator found something (and `text` the JSON,
/// if that was asked for). With --mutate, `fault` says which mutants survived.
bool runPlain(const Options &options, const std::string &ptx, std::string &text, std::string &fault,
              rt::Error &error);

} // namespace fc::run
