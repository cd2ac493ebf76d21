// Compile.h - one call from the text of a file to what fcc writes
#pragma once
#include "compiler/Explain/Conditions.h"
#include "compiler/Explain/Launch.h"
#include "compiler/Pipeline.h"
#include "dsl/Frontend.h"
#include "dsl/Reference.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>
#include <string>
#include <vector>

namespace fc {

/// What comes out: the checked tree as text; the module after `stopAfter`; LLVM IR; PTX with its
/// manifest; a cubin (needs ptxas); a C++ header that embeds the PTX and launches it through the
/// runtime.
enum class Emit { Ast, Mlir, Llvm, Ptx, Cubin, Header };

/// What to say about a compilation beside doing it.
struct ExplainOptions {
  bool asJson = false;
  /// Counts tiles, and draws, at this launch; without one there are no numbers of a launch.
  std::optional<explain::LaunchRequest> launch;
  /// Must be there.
  const explain::Conditions *conditions = nullptr;
  bool draw = false; ///< the tiles of the file's first kernel (or of `kernel`)
};
struct Explained {
  std::string text;    ///< words, or JSON
  std::string picture; ///< an SVG
};

struct CompileOptions {
  std::string input;    ///< path of the .fc file
  dsl::Defines defines; ///< -D NAME=VALUE
  std::string kernel;   ///< only this kernel; empty: all of the file
  std::string target = "sm_80";
  std::string strategy = "auto";
  std::vector<std::string> schedule; ///< "i=64", "warps=4"
  /// A launch in mind, all its dimensions: a hint for the choice of tiles. Empty: none.
  dsl::Dims shape;
  /// A table of tools/fc-tune for what `schedule` and the text leave open; empty: that of the
  /// target that is built in, of which only measured entries count; "none": none.
  std::string tuned;
  bool warnUnsafeRows = false;     ///< warn where a row may see no key
  Stage stopAfter = Stage::Thread; ///< matters to Emit::Mlir only
  Emit emit = Emit::Ptx;
  std::string dumpStages; ///< a folder for one file a stage; empty: none
  bool color = false;
};

/// The output's bytes, or nothing after saying why on `errors`. Warnings go there too. Writes no
/// file but those of `dumpStages` and, after a crash of a pass, a reproducer that the message
/// names.
std::optional<std::string> compile(const CompileOptions &options, llvm::raw_ostream &errors);

/// The same, told as well: `explained` is what `explain` asks for.
std::optional<std::string> compile(const CompileOptions &options, const ExplainOptions &explain,
                                   Explained &explained, llvm::raw_ostream &errors);

} // namespace fc
