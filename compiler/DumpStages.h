// DumpStages.h - --dump-stages=DIR: one numbered file a stage, and a script that reruns each
#pragma once
#include "dsl/Kernel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace fc {
struct CompileOptions;

/// The module as text, as fc-opt reads it.
std::string printModule(mlir::ModuleOp module);

/// 00-source.fc, 01-import.mlir, ..., NN-llvm.ll, NN-kernels.ptx and rerun.sh. Does nothing without
/// a folder.
class StageDumper {
public:
  StageDumper(std::string folder, const dsl::Program &program, const CompileOptions &options);
  /// What went wrong with the folder or a file; empty if nothing did.
  const std::string &error() const { return failure; }
  /// Dumps the module after each stage that `passes` ends.
  void addTo(mlir::PassManager &passes);
  /// Writes the next numbered file.
  void dump(llvm::StringRef name, llvm::function_ref<void(llvm::raw_ostream &)> write);

private:
  std::string folder, failure;
  int next = 0;
};

} // namespace fc
