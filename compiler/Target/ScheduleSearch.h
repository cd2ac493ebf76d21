// ScheduleSearch.h - which tiles, warps and ring slots a kernel gets on a target
//
// A search over few tile sizes and numbers of warps, judged by the resource model: what fits, and
// of that what an SM does fastest. The decision keeps every candidate with its numbers, for
// reports.
#pragma once
#include "compiler/Target/ResourceModel.h"
#include <functional>
#include <optional>
#include <vector>

namespace fc {

/// What is asked for; the rest is the search's.
struct ScheduleRequest {
  AxisSizes sizes; ///< of axes that a schedule gives a size
  std::optional<int64_t> warps, stages, ctas;
  mlir::StringAttr splitAxis; ///< whose tiles are cut into `parts`, if any are
  int64_t parts = 1;
  int64_t mostStages = 1; ///< that may be tried where none are asked for
  /// Whether walks skip tiles, which leaves them two slots; asked where more would be taken.
  std::function<bool()> hops;
  bool matrices = false;           ///< products may be by tensor cores
  bool asynchronous = false;       ///< copies may be under way meanwhile
  bool unaligned = false;          ///< they are for any address
  std::optional<int64_t> mostRows; ///< of a tile, along the last tile axis of the grid
  /// CTAs that share an SM in the launches in mind; none: as many as fit.
  std::optional<int64_t> atOnce;
  /// CTAs of the one launch in mind, if there is one: the search takes what ends first.
  std::function<int64_t(const AxisSizes &)> programs;
  /// Whether tiles and warps are the search's, and so may be several: slots of rings and CTAs that
  /// share an SM are wishes that each of them can meet.
  bool open() const { return sizes.empty() && !warps && !splitAxis; }
};

struct ScheduleDecision {
  struct Candidate {
    ScheduleChoice choice;
    ScheduleEstimate estimate;
    double time = 0; ///< what the search compares: cycles of an SM, for 1024 points or the launch
    std::string verdict; ///< `taken`, `slower`, or what does not fit
  };
  /// The first choice first. Without matrices the search ends with the one that it takes, and
  /// takes one whose registers are tight only where there is no other.
  std::vector<Candidate> candidates;
  std::optional<size_t> taken; ///< none: nothing fits
  /// Where tiles that suit tensor cores were tried and none does: the one that lacks least.
  std::optional<Candidate> unsuited;

  const Candidate *best() const { return taken ? &candidates[*taken] : nullptr; }
};

/// Decides. `axes` are the kernel's.
ScheduleDecision searchSchedule(KernelOp kernel, const KernelAxes &axes, const TargetInfo &target,
                                const ScheduleRequest &request);

/// What the search that `request` asks for makes of one choice, whether it would try it or not.
ScheduleDecision::Candidate judgeSchedule(KernelOp kernel, const KernelAxes &axes,
                                          const TargetInfo &target, const ScheduleRequest &request,
                                          const ScheduleChoice &choice);

} // namespace fc
