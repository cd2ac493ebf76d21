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
  /// Of each top-level walk at the end of `tile`: tiles before the mask had a say, by row tile.
  std::vector<std::vector<std::pair<int64_t, int64_t>>> ranges;
  std::vector<TileMap> maps; ///< one a walk, empty ones where nothing was counted
  std::map<std::string, std::string> valueNames;
};

/// The folds of the program itself, in order.
llvm::SmallVector<FoldOp> foldsOf(KernelOp kernel);
/// `f16 [d: 64, j: 64]`
std::string shapeText(TileType type);

} // namespace fc::explain
