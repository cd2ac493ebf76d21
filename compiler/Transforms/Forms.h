// Forms.h - which tiles the forms of a kernel get, and all that was compared for each
//
// One place that searches, for the pass that makes the forms (fc-add-variants) and for reports.
#pragma once
#include "compiler/Transforms/Schedules.h"

namespace fc {

/// What was asked of a search, and what it found: whole walks and split ones in one list.
struct FormSearch {
  ScheduleRequest request;
  ScheduleDecision decision;
  /// Of each walked axis that is not split in what was taken: `j`, and why.
  std::vector<std::pair<std::string, std::string>> whole;

  bool found() const { return decision.taken.has_value(); }
  const ScheduleDecision::Candidate &best() const { return *decision.best(); }
};

struct FormPlan {
  FormSearch wide;  ///< the only sizes, or those for grids that fill the machine; if any fit
  FormSearch small; ///< for grids that do not, if there are such
  FormSearch plain; ///< for any address, where copies are asynchronous
  /// CTAs in waves of the machine from which on `wide` is taken.
  int64_t waves = 0;

  /// Of the form of that name.
  const FormSearch &of(llvm::StringRef form) const {
    return form == "small" ? small : form == "plain" ? plain : wide;
  }
};

/// Whether copies of tiles and products by tensor cores make forms worth while.
bool takesForms(KernelOp kernel, const KernelAxes &axes, const ScheduleRequest &request);

/// Searches. `shape` is that of a launch, `N=512` for each dimension, or empty: a hint, for which
/// the form that this launch takes is cut.
FormPlan planForms(KernelOp kernel, const KernelAxes &axes, const TargetInfo &target,
                   const ScheduleRequest &request, llvm::ArrayRef<std::string> shape);

} // namespace fc
