// Schedules.h - what a kernel asks of its schedule, and what it gets: shared by the passes that
// choose
#pragma once
#include "compiler/Target/ScheduleSearch.h"

namespace fc {

/// What was expected of the schedule that was taken, for reports: registers, shared, ctas_per_sm,
/// cycles (ScheduleEstimate).
inline constexpr llvm::StringLiteral kEstimateAttr = "fc.estimate";
/// A kernel that is one of several launch variants: whose, its name, and the expressions of the
/// manifest without which it is wrong (`requires`) or not the best (`condition`).
inline constexpr llvm::StringLiteral kVariantOfAttr = "fc.variant_of", kVariantAttr = "fc.variant",
                                     kRequiresAttr = "fc.requires", kConditionAttr = "fc.condition";
/// Parameters whose address and strides the variant takes to be multiples of 16 bytes.
inline constexpr llvm::StringLiteral kAlignedAttr = "fc.aligned";

/// Reads off the kernel's own schedule and `items` (`i=64`), which win. Fails, with a message, on
/// what no kernel or this one cannot have.
llvm::FailureOr<ScheduleRequest> scheduleRequest(KernelOp kernel, llvm::StringRef target,
                                                 llvm::StringRef strategy,
                                                 llvm::ArrayRef<std::string> items);

/// Warns of a schedule with which ptxas may spill: one that was asked for, or the only one that
/// fits.
void warnIfTight(KernelOp kernel, const KernelAxes &axes, const TargetInfo &info,
                 const ScheduleDecision::Candidate &candidate);

/// Remarks that no tiles that suit tensor cores have room, where that is so.
void remarkIfUnsuited(KernelOp kernel, const KernelAxes &axes, const TargetInfo &info,
                      const ScheduleDecision &decision);

/// Gives the kernel its schedule and what is expected of it.
void setSchedule(KernelOp kernel, const KernelAxes &axes,
                 const ScheduleDecision::Candidate &candidate);

} // namespace fc
