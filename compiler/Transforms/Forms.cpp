// Forms.cpp - the searches for the forms of a kernel
#include "compiler/Transforms/Forms.h"
#include "compiler/IR/PlaceRules.h"
#include "compiler/Transforms/SplitWalks.h"
#include "compiler/Transforms/TailValues.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace mlir;

namespace fc {

bool takesForms(KernelOp kernel, const KernelAxes &axes, const ScheduleRequest &request) {
  return request.matrices && !axes.grid.empty() &&
         kernel
             .walk([](ReadOp read) {
               return PlaceRules::isSharedRead(read.getOut()) ? WalkResult::interrupt()
                                                              : WalkResult::advance();
             })
             .wasInterrupted();
}

namespace {

/// CTAs of a launch with these dimensions.
int64_t programsOf(KernelOp kernel, const llvm::StringMap<int64_t> &dims, const AxisSizes &sizes) {
  Builder builder(kernel.getContext());
  TailValues values([&](Value value) -> Attribute {
    auto dim = value.getDefiningOp<DimOp>();
    if (!dim || !dims.contains(dim.getName()))
      return {};
    return builder.getI32IntegerAttr(int32_t(dims.lookup(dim.getName())));
  });
  int64_t programs = 1;
  ProgramOp program = kernel.program();
  for (auto [i, axis] : llvm::enumerate(program.getAxes().getAsRange<StringAttr>())) {
    auto extent = dyn_cast_or_null<IntegerAttr>(values.of(program.getExtents()[i]));
    if (!extent)
      continue; // it depends on what a launch does not say by its shape
    int64_t size = program.getTiles()[i] ? sizes.lookup(axis) : 1;
    programs *= (extent.getInt() + size - 1) / size;
  }
  return programs;
}

class Planner {
public:
  Planner(KernelOp kernel, const KernelAxes &axes, const TargetInfo &target,
          ArrayRef<std::string> shape)
      : kernel(kernel), axes(axes), target(target), shape(shape), model(kernel, target) {}

  FormPlan plan(const ScheduleRequest &request) {
    FormPlan plan;
    plan.wide = {request, search(request), {}};
    // What does not fit, or has no products by tensor cores, has one form.
    if (!takesForms(kernel, axes, request) || !plan.wide.found() ||
        plan.wide.best().choice.sizes.empty())
      return plan;
    StringAttr row = axes.grid.back();
    int64_t rows = plan.wide.best().choice.sizes.lookup(row);
    ScheduleRequest few = request;
    // Products that are all by FMAs have one size of tiles: the rates say little about them.
    if (request.open() && rows >= 64 && plan.wide.best().choice.matrices) {
      few.mostRows = rows / 2;
      few.atOnce = 1;
      plan.small = withSplits(few);
      if (plan.small.found() &&
          (plan.small.best().choice.sizes.lookup(row) >= rows || plan.small.best().estimate.tight))
        plan.small = {};
    }
    if (plan.small.found()) {
      plan.waves = waves(plan.wide.best(), plan.small.best());
      if (!shape.empty())
        hint(request, plan);
    }
    if (request.asynchronous)
      plan.plain = forAnyAddress(few, plan.small.found() ? plan.small : plan.wide);
    return plan;
  }

private:
  ScheduleDecision search(const ScheduleRequest &wanted) {
    return searchSchedule(kernel, axes, target, wanted);
  }

  /// The form that the launch takes gets the tiles with which it ends first.
  void hint(ScheduleRequest request, FormPlan &plan) {
    llvm::StringMap<int64_t> dims;
    for (StringRef item : shape) {
      auto [name, text] = item.split('=');
      text.getAsInteger(10, dims[name]);
    }
    request.programs = [kernel = kernel, dims](const AxisSizes &sizes) {
      return programsOf(kernel, dims, sizes);
    };
    bool takesWide = request.programs(plan.wide.best().choice.sizes) >= plan.waves * target.sms;
    if (FormSearch best = withSplits(request); best.found())
      (takesWide ? plan.wide : plan.small) = std::move(best);
    plan.waves = waves(plan.wide.best(), plan.small.best());
  }

  /// The best of whole walks and of walks in two parts, each on warps of its own. These take twice
  /// the warps for as many rows, so two CTAs have to fit an SM, or there would be more waves of
  /// them; unless two whole ones do not fit either. For a launch that is known there are more parts
  /// to try, and one CTA may do.
  FormSearch withSplits(ScheduleRequest request) {
    FormSearch best{request, search(request), {}};
    for (StringAttr axis : axes.scheduled()) {
      if (llvm::is_contained(axes.grid, axis))
        continue;
      std::string why = obstacleToSplit(kernel, axis);
      if (why.empty()) {
        size_t from = best.decision.candidates.size();
        request.splitAxis = axis;
        auto compare = [&](int64_t parts, int64_t ctas) {
          request.parts = parts;
          request.ctas = best.request.ctas.value_or(ctas); // what is asked for holds for all
          add(best.decision, search(request));
        };
        compare(2, 2);
        if (!best.request.ctas &&
            (request.programs || !best.found() || best.best().estimate.ctasPerSm < 2))
          compare(2, 1);
        if (request.programs) {
          compare(4, 1);
          compare(8, 1);
        }
        why = whyWhole(best.decision, from);
      }
      best.whole.push_back({axis.str(), why});
    }
    // Of those, the axis that is split after all.
    if (best.found() && best.best().choice.parts > 1)
      llvm::erase_if(best.whole, [&](auto &each) {
        return each.first == best.best().choice.splitAxis.getValue();
      });
    return best;
  }

  /// Compares with what another search compared.
  static void add(ScheduleDecision &best, ScheduleDecision other) {
    auto pass = [](ScheduleDecision &decision) {
      auto &candidate = decision.candidates[*decision.taken];
      candidate.verdict = candidate.estimate.tight ? "registers are tight" : "slower";
      decision.taken.reset();
    };
    auto isBetter = [&] {
      const ScheduleDecision::Candidate &own = *best.best(), &its = *other.best();
      return own.estimate.tight || its.time < own.time;
    };
    if (other.taken && (other.best()->estimate.tight || (best.taken && !isBetter())))
      pass(other);
    if (other.taken) {
      if (best.taken)
        pass(best);
      best.taken = best.candidates.size() + *other.taken;
    }
    llvm::append_range(best.candidates, other.candidates);
  }

  /// Why none of the split candidates, which stand behind `from`, is taken; in words.
  static std::string whyWhole(const ScheduleDecision &decision, size_t from) {
    if (decision.taken && *decision.taken >= from)
      return "";
    double time = INFINITY;
    for (const auto &each : llvm::drop_begin(decision.candidates, from))
      if (each.verdict == "slower")
        time = std::min(time, each.time);
    if (!decision.taken || time == INFINITY)
      return "no tiles in parts leave registers and shared memory for two CTAs on an SM";
    std::string text;
    llvm::raw_string_ostream(text)
        << "the best tiles in parts of which an SM holds enough take "
        << llvm::format("%.2f", time / decision.best()->time) << " times as long";
    return text;
  }

  /// `aligned` with copies that test addresses, or, where registers are tight then, the best of
  /// what `request` asks for. Tests in a body that stands several times would be a lot of code for
  /// the form that is taken least: one slot is enough.
  FormSearch forAnyAddress(ScheduleRequest request, FormSearch aligned) {
    request.unaligned = true;
    request.mostStages = 1;
    ScheduleChoice choice = aligned.best().choice;
    choice.unaligned = true;
    if (!request.stages)
      choice.stages = 1;
    if (request.open() && model.estimate(choice).tight)
      if (FormSearch best = withSplits(request); best.found() && !best.best().estimate.tight)
        return best;
    choice.unaligned = false;
    ScheduleDecision::Candidate own = judgeSchedule(kernel, axes, target, aligned.request, choice);
    own.verdict = "taken";
    aligned.decision = {{own}, 0};
    return aligned;
  }

  /// Waves of the machine from which on the wide tiles win: a last wave that is not full costs them
  /// at most one in so many, and they are that much faster. Of SMs that are full, whatever the
  /// searches had in mind.
  int64_t waves(const ScheduleDecision::Candidate &wide, const ScheduleDecision::Candidate &small) {
    double gain = model.estimate(small.choice).cycles / model.estimate(wide.choice).cycles - 1;
    return std::clamp<int64_t>(int64_t(std::ceil(1 / std::max(gain, 0.01))), 2, 4);
  }

  KernelOp kernel;
  const KernelAxes &axes;
  const TargetInfo &target;
  ArrayRef<std::string> shape;
  ResourceModel model;
};

} // namespace

FormPlan planForms(KernelOp kernel, const KernelAxes &axes, const TargetInfo &target,
                   const ScheduleRequest &request, ArrayRef<std::string> shape) {
  return Planner(kernel, axes, target, shape).plan(request);
}

} // namespace fc
