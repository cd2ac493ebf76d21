// Collector.h - watches the stages of a compilation and notes what each decided
//
// An observer: no pass knows of it. At the end of each stage it reads the IR (the contract of the
// stage says what must be there) and asks the analyses again where the IR no longer shows why. What
// an example launch comes to is computed from the IR itself.
#pragma once
#include "compiler/Explain/Conditions.h"
#include "compiler/Explain/Explanation.h"
#include "compiler/Explain/Launch.h"
#include "compiler/Explain/Names.h"
#include "compiler/Pipeline.h"
#include "compiler/Target/TargetInfo.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"

namespace fc {
class KernelOp;
class FoldOp;
} // namespace fc

namespace fc::explain {

enum class TileKind : uint8_t { Skipped, Partial, Full };

/// The tiles of a masked walk at a launch, as the kernel will treat them.
struct TileMap {
  std::string kernel, rows, keys; ///< axes; `rows` may be empty
  int64_t rowBegin = 0, rowEnd = 1, keyBegin = 0, keyEnd = 0;
  int64_t rowTile = 1, keyTile = 1;
  int64_t rowTiles = 1, keyTiles = 0;
  std::vector<TileKind> kinds; ///< row-major
  TileKind at(int64_t row, int64_t key) const { return kinds[row * keyTiles + key]; }
};

/// What the passes are told of the schedule.
struct ScheduleAsked {
  std::string strategy;
  std::vector<std::string> items;   ///< `i=64`
  std::vector<std::string> shape;   ///< `M=512`: the launch that is a hint, if one is
  std::vector<std::string> reasons; ///< where the items come from, in words
};

class Collector {
public:
  /// `request` may be null: nothing is counted then.
  Collector(const dsl::Program &program, const TargetInfo &target, ScheduleAsked asked,
            const Conditions &conditions, const LaunchRequest *request);
  ~Collector();

  /// Collects from the stages that `passes` ends.
  void addTo(mlir::PassManager &passes);
  /// Called at the end of a stage.
  void stageEnded(Stage stage, mlir::ModuleOp module);
  /// Assembles the PTX, if there is a ptxas, for its own account of registers.
  void assemble(llvm::StringRef ptx);

  const std::vector<Kernel> &kernels() const { return list; }
  /// The tiles of the first masked walk of a kernel (of its first walk, if none is), or null.
  const TileMap *tilesOf(llvm::StringRef kernel) const;
  /// The launch of a kernel, or null.
  Launch *launchOf(llvm::StringRef kernel);
  /// What is wrong with the request; empty if nothing is.
  const std::string &error() const { return failure; }

private:
  struct PerKernel;
  void deriveWalks(KernelOp kernel, PerKernel &state);
  void matchWalks(KernelOp kernel, PerKernel &state);
  void readMasks(KernelOp kernel, PerKernel &state);
  void readPlan(KernelOp kernel, PerKernel &state);
  void countTiles(KernelOp kernel, FoldOp fold, unsigned walk, PerKernel &state);
  void checkTiles(TileMap &map, Counts &counts, PerKernel &state);
  void readForms(mlir::ModuleOp module, PerKernel &state);
  void readPlaces(KernelOp kernel, PerKernel &state);
  void readShared(KernelOp kernel, PerKernel &state);

  const dsl::Program &program;
  const TargetInfo &target;
  ScheduleAsked asked;
  const Conditions &conditions;
  const LaunchRequest *request;
  std::string failure;
  std::vector<Kernel> list;
  std::vector<std::unique_ptr<PerKernel>> states;
};

} // namespace fc::explain
