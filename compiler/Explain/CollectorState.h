// CollectorState.h - what the collector keeps of one kernel between stages
#pragma once
#include "compiler/Explain/Collector.h"
#include "compiler/IR/Fc.h"
#include "mlir/IR/BuiltinOps.h"

namespace fc::explain {

struct Collector::PerKernel {
  PerKernel(const dsl::Program &program, const dsl::Kernel &kernel)
      : kernel(kernel), names(program, kernel) {}

  const dsl::Kernel &kernel;
  Names names;
  Kernel *facts = nullptr;
  /// Walks as derived, by the place of their first reduction.
  std::vector<std::pair<mlir::Location, Walk>> derived;
  mlir::OwningOpRef<mlir::ModuleOp> online; ///< the kernel at the end of that stage
  std::unique_ptr<Launch> launch;
  std::string toldForm; ///< from `tile` on: the form that is told of
  /// Of each top-level walk at the end of `tile`: tiles before the mask had a say, by row tile.
  std::vector<std::vector<std::pair<int64_t, int64_t>>> ranges;
  std::vector<TileMap> maps; ///< one a walk, empty ones where nothing was counted
  std::map<std::string, std::string> valueNames;
};

/// The kernel of the text that it is, or is a form of.
llvm::StringRef textNameOf(KernelOp kernel);
/// What the form is called.
llvm::StringRef formOf(KernelOp kernel);
/// The folds of the program itself, in order.
llvm::SmallVector<FoldOp> foldsOf(KernelOp kernel);
/// The axis of the text of whose sum a tile holds terms apart, on lanes, along `axis`; or null.
const dsl::Axis *axisOfTerms(const dsl::Kernel &text, llvm::StringRef axis);
/// `[d: 64, j: 64]`, by the axes of the text: what several warps or lanes hold parts of is one.
std::string shapeText(const dsl::Kernel &text, TileType type);

} // namespace fc::explain
