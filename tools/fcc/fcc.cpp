// fcc - the FlashCore compiler: reads the command line, calls compile(), writes one file
//
// The command line is CLI11's: LLVM's code generator owns the name --stop-after in llvm::cl.
#include "compiler/Compile.h"
#include "compiler/Target/TargetInfo.h"
#include "runtime/WriteFile.h"
#include "tools/fcc/Explain.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include <CLI/CLI.hpp>
#include <vector>

using namespace llvm;
using namespace fc;

namespace {

constexpr const char *overview = R"(FlashCore: attention kernels from their formula to PTX

  fcc attention.fc -o attn.ptx                      PTX for sm_80, its manifest inside
  fcc causal.fc -o causal.ptx --target=sm_90 -D D=128 -D T=bf16
  fcc causal.fc --emit=ast                          the checked program
  fcc causal.fc --stop-after=online                 the module when a stage has ended
  fcc causal.fc -o causal.ptx --dump-stages=stages  one file a stage
  fcc causal.fc -o causal.h                         a C++ header: the PTX and a launch function
  fcc causal.fc --explain                           what was decided, and why
  fcc causal.fc --explain --shape M=4096,N=4096     the same, with tiles and FLOPs counted
  fcc causal.fc --picture=mask.svg --shape M=512,N=512   the tiles of the mask, drawn

-o decides by its extension: .ptx .cubin .mlir .ll .h. Without -o, text goes to standard output.
Run the result with fc-run.
)";

int refuse(const Twine &message) {
  errs() << "fcc: error: " << message << "\n";
  return 1;
}

std::optional<Emit> emitOf(StringRef name) {
  return StringSwitch<std::optional<Emit>>(name)
      .Case("ast", Emit::Ast)
      .Case("mlir", Emit::Mlir)
      .Case("ll", Emit::Llvm)
      .Case("ptx", Emit::Ptx)
      .Case("cubin", Emit::Cubin)
      .Cases({"h", "hpp"}, Emit::Header)
      .Default(std::nullopt);
}

/// Standard output or a file; what the system says if any byte was lost.
int write(StringRef path, StringRef bytes) {
  if (path.empty() || path == "-") {
    outs() << bytes;
    outs().flush();
    std::error_code code = outs().error();
    outs().clear_error();
    return code ? refuse("cannot write to standard output: " + code.message()) : 0;
  }
  rt::Error error;
  return rt::writeFile(path.str(), {bytes}, error) ? 0 : refuse(error.message);
}

} // namespace

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  CompileOptions options;
  std::string output, stopAfter, emit;
  std::vector<std::string> defines;
  bool helpStages = false;
  ExplainCommand explain;

  CLI::App app(overview, "fcc");
  app.set_version_flag("--version", "fcc 0.1.0");
  app.add_option("file", options.input, "the .fc file");
  app.add_option("-o", output, "the file to write")->type_name("FILE");
  app.add_option("--target", options.target, "the target: " + targetNames())
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--strategy", options.strategy,
                 "how far to go: scalar, tensor, pipelined, or auto, the best there is")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("-D", defines, "set a compile-time parameter")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("--schedule", options.schedule,
                 "force tile sizes, warps, ring slots, CTAs an SM, parts of a walk: "
                 "i=64,j=128,warps=8,split:j=2")
      ->type_name("ITEMS")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--tuned", options.tuned,
                 "a table of fc-tune for what else is left open (default: what was measured and is "
                 "built in; `none`)")
      ->type_name("FILE");
  app.add_option("--kernel", options.kernel, "only this kernel of the file")->type_name("NAME");
  app.add_option("--stop-after", stopAfter, "stop when this stage has ended (--help-stages)")
      ->type_name("STAGE");
  app.add_option("--dump-stages", options.dumpStages,
                 "write the module after each stage into a folder")
      ->type_name("DIR");
  app.add_option("--emit", emit, "what to write: ast, mlir, ll, ptx, cubin, h (default: by -o)")
      ->type_name("KIND");
  std::vector<std::string> warnings;
  app.add_option("--warn", warnings, "warn of what is defined, but may not be meant: unsafe-rows")
      ->type_name("NAME")
      ->check(CLI::IsMember({"unsafe-rows"}))
      ->allow_extra_args(false);
  app.add_flag("--help-stages", helpStages, "list the stages and what is true when each ends");
  explain.addTo(app);
  try {
    // Alone, `--explain` is text; it must not take the file that follows for its format.
    std::vector<char *> words(argv, argv + argc);
    char asText[] = "--explain=text";
    for (size_t i = 1; i < words.size(); ++i) {
      StringRef next = i + 1 < words.size() ? words[i + 1] : "";
      if (StringRef(words[i]) == "--explain" && next != "text" && next != "json")
        words[i] = asText;
    }
    app.parse(int(words.size()), words.data());
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error); // --help, --version
    return refuse(Twine(error.what()) + "; fcc --help shows how it is called");
  }

  options.warnUnsafeRows = !warnings.empty();
  if (helpStages) {
    for (const StageInfo &stage : stages())
      outs() << formatv("{0,-8} {1}\n", stage.name, stage.promise);
    return 0;
  }
  if (options.input.empty())
    return refuse("which file? fcc attention.fc -o attn.ptx; fcc --help says more");
  options.color = sys::Process::StandardErrHasColors();
  for (StringRef define : defines) {
    auto [name, value] = define.split('=');
    if (name.empty() || value.empty())
      return refuse("`-D " + define + "` is not of the form -D NAME=VALUE");
    options.defines[name.str()] = value.str();
  }
  if (!stopAfter.empty()) {
    const StageInfo *stage = findStage(stopAfter);
    if (!stage)
      return refuse("no stage is called `" + stopAfter + "`; fcc --help-stages lists them");
    options.stopAfter = stage->stage;
  }

  StringRef extension = sys::path::extension(output);
  StringRef kind = !emit.empty() ? StringRef(emit) : extension.drop_front(!extension.empty());
  if (kind.empty())
    kind = stopAfter.empty() ? "ptx" : "mlir";
  std::optional<Emit> what = emitOf(kind);
  if (!what)
    return refuse(emit.empty()
                      ? "cannot tell from `" + output +
                            "` what to write: the extension is one of .ptx .cubin .mlir .ll .h"
                      : "`--emit=" + emit + "`: there are ast, mlir, ll, ptx, cubin, h");
  if (!stopAfter.empty() && *what != Emit::Mlir)
    return refuse("--stop-after gives a module: write it as .mlir");
  if (*what == Emit::Cubin && output.empty())
    return refuse("a cubin is no text: give it a file with -o");
  options.emit = *what;

  ExplainOptions told;
  std::string wrong;
  if (!explain.read(told, wrong))
    return refuse(wrong);
  options.shape = explain.dims;
  if (!explain.wanted()) {
    std::optional<std::string> bytes = compile(options, errs());
    return bytes ? write(output, *bytes) : 1;
  }
  if (*what == Emit::Ast || *what == Emit::Mlir || *what == Emit::Llvm)
    return refuse("--explain and --picture tell of a whole compilation; write a .ptx, a .cubin, a "
                  ".h, or nothing");
  Explained explained;
  std::optional<std::string> bytes = compile(options, told, explained, errs());
  if (!bytes)
    return 1;
  // The output first: who reads the explanation may rely on it.
  if (!output.empty())
    if (int code = write(output, *bytes))
      return code;
  if (!explain.picture.empty())
    if (int code = write(explain.picture, explained.picture))
      return code;
  return explain.format.empty() ? 0 : write("-", explained.text);
}
