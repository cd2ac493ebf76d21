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
class PlaceRules;

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
  int64_t ctas = 1;          ///< that have to fit an SM at once: registers are held down for it
  bool matrices = false;     ///< products of f16 and bf16 are by `mma`, where its shapes allow
  bool asynchronous = false; ///< copies are under way while products are computed
  bool unaligned = false;    ///< they find out at run time how many bytes they may take at once
};

/// What a schedule is expected to come to.
struct ScheduleEstimate {
  int64_t tiles = 0;     ///< registers of the tiles that live at the widest point
  int64_t registers = 0; ///< a thread, as `ptxas -v` is expected to count them
  int64_t wanted = 0;    ///< what it may take where nothing limits it
  int64_t limit = 0;     ///< registers that a thread may have
  int64_t shared = 0;    ///< bytes of a CTA
  bool tight = false;    ///< that may be too few: some kernels of its kind spill
  int64_t ctasPerSm = 0; ///< that fit an SM at once; 0: not even one
  double cycles = 0;     ///< of an SM, for 1024 points of the rows times the walked axis
};

class ResourceModel {
public:
  ResourceModel(KernelOp kernel, const TargetInfo &target) : kernel(kernel), target(target) {}

  /// Bytes of shared memory a CTA: the tiles that products read from it.
  Usage shared(const ScheduleChoice &choice) const;
  /// Registers a thread, without those of addresses and counters.
  Usage registers(const ScheduleChoice &choice) const;

  /// Registers that tiles may take: what a thread may have, less what addresses and counters need.
  int64_t registerLimit(const ScheduleChoice &choice) const;
  int64_t sharedLimit() const { return target.sharedPerCta; }
  bool fits(const ScheduleChoice &choice) const;

  /// All of it. The time is a throughput, from the target's rates: units of an SM work side by side
  /// as far as there are warps to keep them busy, those of as many CTAs as fit it, or of `atOnce`
  /// if a launch has no more for it.
  ScheduleEstimate estimate(const ScheduleChoice &choice, int64_t atOnce = INT64_MAX) const;

  /// Whether rings of several slots are made for what the walk reads: copies of a whole turn begin
  /// turns ahead of it. (Two at most for walks that skip tiles, which the masks decide later.)
  static bool takesSlots(FoldOp fold);

  /// CTAs of `warps` with `registers` a thread and `shared` bytes that an SM holds at once.
  static int64_t ctasPerSm(const TargetInfo &target, int64_t warps, int64_t registers,
                           int64_t shared);
  /// The most registers a thread may have for `ctas` CTAs of `warps` to share an SM.
  static int64_t registersFor(const TargetInfo &target, int64_t warps, int64_t ctas);

private:
  /// Bytes of shared memory through which the parts of a walk merge their states.
  Usage merged(const ScheduleChoice &choice, const PlaceRules &rules) const;
  /// Words of 4 bytes that a thread copies of an operand of a product, at most; of all of them, or
  /// of those that walks read.
  int64_t wordsCopied(const ScheduleChoice &choice, bool inWalks) const;
  /// Registers beside those of tiles: what ptxas takes where it is free to, and what it needs where
  /// `ctas` hold it down.
  int64_t overhead(const ScheduleChoice &choice) const;
  int64_t heldDown(const ScheduleChoice &choice, int64_t tiles) const;
  /// The fewest scores a thread has of a product, or what counts as many; and the most of one
  /// whose operands are both read in each turn.
  std::pair<int64_t, int64_t> scores(const ScheduleChoice &choice) const;
  /// Registers of the addresses at which walks look values up.
  int64_t lookedUp(const ScheduleChoice &choice) const;
  double cycles(const ScheduleChoice &choice, int64_t ctasPerSm) const;

  KernelOp kernel;
  const TargetInfo &target;
};

} // namespace fc
