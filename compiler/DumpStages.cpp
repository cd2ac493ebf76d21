// DumpStages.cpp - the stages of a compilation as files
#include "compiler/DumpStages.h"
#include "compiler/Compile.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace fc {

std::string printModule(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  stream << "\n";
  return text;
}

namespace {

/// fc-verify-stage ends each stage: what it has checked is what the stage made.
struct AfterStage : PassInstrumentation {
  explicit AfterStage(StageDumper &dumper) : dumper(dumper) {}
  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument() != "fc-verify-stage")
      return;
    StringRef stage = stages()[count++].name;
    dumper.dump((stage + ".mlir").str(), [&](raw_ostream &os) {
      op->print(os);
      os << "\n";
    });
  }
  StageDumper &dumper;
  size_t count = 0;
};

} // namespace

StageDumper::StageDumper(std::string path, const dsl::Program &program,
                         const CompileOptions &options)
    : folder(std::move(path)) {
  if (folder.empty())
    return;
  if (std::error_code code = llvm::sys::fs::create_directories(folder)) {
    failure = "cannot make the folder " + folder + ": " + code.message();
    folder.clear();
    return;
  }
  dump("source.fc", [&](raw_ostream &os) { os << program.files[0].text; });
  std::error_code code;
  llvm::raw_fd_ostream script(folder + "/rerun.sh", code);
  if (code)
    return;
  script << "#!/bin/sh\n# Reruns the compiler up to each stage, from the imported module. FC_OPT: "
            "the fc-opt to "
            "use.\ncd \"$(dirname \"$0\")\" || exit 1\n: \"${FC_OPT:=fc-opt}\"\n";
  std::string schedule;
  if (!options.schedule.empty())
    schedule = " schedule=" + llvm::join(options.schedule, ",");
  for (const auto &[name, size] : options.shape)
    schedule += (name == options.shape.begin()->first ? " shape=" : ",") + name + "=" +
                std::to_string(size);
  for (const StageInfo &stage : stages().drop_front())
    script << "\"$FC_OPT\" 01-import.mlir --fc-pipeline=\"target=" << options.target
           << " strategy=" << options.strategy << schedule << " stop-after=" << stage.name
           << "\" -o rerun-" << stage.name << ".mlir || exit 1\n";
}

void StageDumper::addTo(PassManager &passes) {
  if (!folder.empty())
    passes.addInstrumentation(std::make_unique<AfterStage>(*this));
}

void StageDumper::dump(StringRef name, function_ref<void(raw_ostream &)> write) {
  if (folder.empty())
    return;
  std::error_code code;
  llvm::raw_fd_ostream os(llvm::formatv("{0}/{1}{2}-{3}", folder, next / 10, next % 10, name).str(),
                          code);
  ++next;
  if (!code) {
    write(os);
    os.flush();
    code = os.error();
    os.clear_error();
  }
  if (code && failure.empty())
    failure = ("cannot write " + folder + "/" + name + ": " + code.message()).str();
}

} // namespace fc
