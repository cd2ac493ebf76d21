// Explain.h - the options of --explain and --picture: what the example launch is
//
// Spelt as fc-run spells them, and meaning the same: --shape, --set, --in, --fill, --seed.
#pragma once
#include "compiler/Compile.h"
#include "tools/fcc/ManifestConditions.h"
#include <string>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace fc {

struct ExplainCommand {
  std::string format; ///< of --explain: "", "text", "json"
  std::string picture;
  std::vector<std::string> shape, at, set, in, fill;
  uint64_t seed = 0;
  ManifestConditions conditions;
  dsl::Dims dims; ///< what `shape` says, once read

  void addTo(CLI::App &app);
  /// Whether anything is to be told.
  bool wanted() const { return !format.empty() || !picture.empty(); }
  /// The options as `compile` takes them; false, and a sentence, if they make no sense.
  bool read(ExplainOptions &options, std::string &error);
};

} // namespace fc
