// OnlinePrograms.h - programs with chains of reductions, and how the tests run them
#pragma once
#include "dsl/Frontend.h"
#include "dsl/Reference.h"
#include "mlir/IR/MLIRContext.h"
#include "test/compiler/Interpreter.h"
#include <gtest/gtest.h>

namespace fc::test {

/// A kernel over rows i and keys j: scores s, t and values x over (i, j), values v, k over (j, d).
struct OnlineProgram {
  const char *name;
  const char *outputs;    ///< "o: f32[M, D], lse: f32[M]"
  const char *body;       ///< statements after the axes
  unsigned folds = 1;     ///< walks over j that it takes
  unsigned carried = 0;   ///< members of the first fold's state; 0: not counted
  bool overflows = false; ///< the text may give an infinity where the fold does not
};
/// What is derived.
llvm::ArrayRef<OnlineProgram> onlinePrograms();
void PrintTo(const OnlineProgram &program, std::ostream *os);

/// Checked and imported text, with its context.
struct Imported {
  std::unique_ptr<dsl::Program> program;
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string diagnostics;

  const dsl::Kernel &kernel() const { return program->kernels.front(); }
  KernelOp op() const;
  /// Canonicalizes, and fuses if asked to. What the passes said is in `diagnostics`.
  bool run(bool fuse);
};
/// The text of a program around its body.
std::string textOf(const OnlineProgram &program);
Imported import(const std::string &text, const dsl::Defines &defines = {},
                const std::string &path = "test.fc");

/// Scores of one character: plain, large, rising, mostly masked.
enum class Scores { Plain, LargePositive, LargeNegative, Rising, Sparse };

/// Random inputs of a kernel, for dimensions M, N (and whatever else `dims` names).
dsl::Arguments randomArguments(const dsl::Kernel &kernel, const dsl::Dims &dims, Scores scores,
                               std::mt19937 &rng);
/// The arguments with zeroed outputs of the shapes that the reference gave.
Launch launchOf(const dsl::Kernel &kernel, const dsl::Arguments &arguments,
                const dsl::Outcome &outcome);

/// The largest |a - b| / max(1, |b|) over all outputs; infinite where infinities differ. What the
/// text makes a NaN (or, if it `overflows`, an infinity) is not compared.
double distance(const Launch &launch, const dsl::Outcome &outcome, bool overflows = false);

} // namespace fc::test
