// ResourceModel.h - what a kernel needs of a machine under a schedule, item by item
//
// An estimate made before places are assigned, by the rules that will assign them (PlaceRules).
// Registers are those of the tiles that live at the widest point, found by liveness over the
// structured IR; a map works element by element, so an operand that dies there hands its registers
// to the result. Shared memory is the sum of the tiles that products read from it.
#pragma once
#include "compiler/IR/KernelAxes.h"
#include "compiler/Target/TargetInfo.h"

namespace fc {

/// A need: the items that make it up and what each takes.
struct Usage {
  struct Item {
    std::string what;
    int64_t amount;
  };
  llvm::SmallVector<Item> items;

  int64_t total() const;
  /// The item that takes most, or null.
  const Item *largest() const;
};

/// What the choice of a schedule fixes.
struct ScheduleChoice {
  AxisSizes sizes; ///< of every axis of the kernel
  int64_t warps = 4, stages = 1;
  mlir::StringAttr splitAxis; ///< whose tiles are cut into `parts`, each on warps of its own
  int64_t parts = 1;
  bool matrices = false; ///< products of f16 and bf16 are by `mma`, where its shapes allow
};

class ResourceModel {
public:
  ResourceModel(KernelOp kernel, const TargetInfo &target) : kernel(kernel), target(target) {}

  /// Bytes of shared memory a CTA.
  Usage shared(const ScheduleChoice &choice) const;
  /// Registers a thread, without those of addresses and counters.
  Usage registers(const ScheduleChoice &choice) const;

  /// Registers that tiles may take: what a thread may have, less what addresses and counters need.
  int64_t registerLimit(const ScheduleChoice &choice) const;
  int64_t sharedLimit() const { return target.sharedPerCta; }

private:
  KernelOp kernel;
  const TargetInfo &target;
};

} // namespace fc
