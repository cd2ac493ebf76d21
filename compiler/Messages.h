// Messages.h - what the passes say, in the front end's form; crashes, with a way to rerun them
#pragma once
#include "dsl/Kernel.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace fc {

/// Collects the diagnostics of a context while it lives; `finish` prints them: place, message,
/// source line, caret, notes.
class Messages {
public:
  Messages(mlir::MLIRContext &context, const std::vector<dsl::SourceFile> &files,
           llvm::raw_ostream &errors, bool color);

  /// Has `passes` keep what is needed to rerun the pass that crashes.
  void catchCrashes(mlir::PassManager &passes);
  /// Prints what was collected. When a pass failed without an error of its own (a crash, a bug),
  /// writes the reproducer to a file and says how to rerun it.
  void finish(bool ok);

private:
  struct Message {
    mlir::DiagnosticSeverity severity;
    mlir::Location loc;
    std::string text;
    std::vector<Message> notes;
    bool operator==(const Message &) const = default;
  };
  void print(const Message &message);

  std::vector<Message> messages;
  std::string reproducer;
  const std::vector<dsl::SourceFile> &files;
  llvm::raw_ostream &errors;
  bool color;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace fc
