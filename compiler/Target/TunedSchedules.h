// TunedSchedules.h - schedules that tools/fc-tune found, by kernel and target
//
// kernels_src/tuned/<target>.json holds an entry for each kernel and its compile-time parameters:
//
//   {"format": 1, "target": "sm_90a", "entries": [
//     {"kernel": "attention", "sha256": "<of the text>", "cparams": {"T": "f16", "D": 64},
//      "strategy": "pipelined", "schedule": {"i": 128, "j": 64, "warps": 8},
//      "score": 512.3, "unit": "us, measured on ...", "measured": true}]}
//
// The tables of the tree are built into fcc. Of these only what was measured on a GPU is taken: a
// guess by a model is no reason to leave the resource model's choice. A table that is named on the
// command line is taken at its word.
#pragma once
#include "dsl/Kernel.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace fc {

struct TunedSchedule {
  std::string strategy;           ///< "pipelined"
  std::vector<std::string> items; ///< "i=128", as `--schedule` takes them
};

struct TunedQuery {
  const dsl::Kernel *kernel;
  std::string sha256;   ///< of the text: an entry for another one is no entry
  std::string target;   ///< "sm_90a"
  std::string strategy; ///< only entries of it; "auto": any
  bool measuredOnly = false;
};

/// What `table`, the text of a tuned table, has for the query; nothing if there is no such entry.
/// Fails on a table that is not understood, naming the member.
llvm::Expected<std::optional<TunedSchedule>> findTuned(llvm::StringRef table,
                                                       const TunedQuery &query);

/// The table of that target that is built in; "" if there is none.
llvm::StringRef builtInTunedTable(llvm::StringRef target);

} // namespace fc
