// AddVariants.cpp - several forms of a kernel for launches of different kinds
//
// Sizes and addresses are known at launch only, so a PTX holds up to three entries of a kernel, and
// its manifest says when each is taken:
//
//   wide   the tiles that an SM works through fastest, where the grid has enough of them to fill
//          the machine several times over
//   small  at most half the rows a tile, for launches that would leave SMs idle; where a walk can
//   be
//          split its keys are dealt out to twice the warps, so that an SM that has one CTA is busy
//   plain  copies that ask nothing of addresses and strides, where the other two take them to be
//          multiples of 16 bytes: cp.async and vectors without tests at run time
//
// Where tiles are asked for there is one size of them: `aligned` and `plain`. A kernel without
// products by tensor cores has one form. The shape of a launch, if one is given, is a hint: the
// form that it takes gets the tiles with which it ends first.
#include "compiler/IR/PlaceRules.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Schedules.h"
#include "compiler/Transforms/SplitWalks.h"
#include "compiler/Transforms/TailValues.h"
#include "compiler/Transforms/Threads/Lowering.h"
#include "llvm/ADT/SetVector.h"
#include <cmath>

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_ADDVARIANTS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// `["op", a, b]`; of one operand, the operand; empty: nothing is asked.
std::string allOf(ArrayRef<std::string> conditions) {
  if (conditions.size() <= 1)
    return conditions.empty() ? "" : conditions[0];
  return "[\"and\", " + llvm::join(conditions, ", ") + "]";
}

struct AddVariants : impl::AddVariantsBase<AddVariants> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<KernelOp> kernels(getOperation().getOps<KernelOp>());
    for (KernelOp kernel : kernels)
      if (failed(addTo(kernel)))
        return signalPassFailure();
  }

  LogicalResult addTo(KernelOp kernel) {
    // What a kernel of one form is called in reports; several have names of their own.
    kernel->setAttr(kVariantAttr, StringAttr::get(&getContext(), strategy));
    FailureOr<ScheduleRequest> request = scheduleRequest(kernel, target, strategy, items);
    FailureOr<KernelAxes> axes = KernelAxes::of(kernel);
    if (failed(request) || failed(axes))
      return failure();
    if (!request->matrices || axes->grid.empty())
      return success();
    const TargetInfo &info = *findTarget(target);
    auto search = [&](const ScheduleRequest &wanted) {
      return searchSchedule(kernel, *axes, info, wanted);
    };
    ScheduleDecision wide = search(*request);
    // What does not fit, or has no products by tensor cores, is fc-choose-schedule's.
    if (!wide.taken || wide.best()->choice.sizes.empty() || !copiesTiles(kernel))
      return success();

    warnIfTight(kernel, *axes, info, *wide.best());

    StringAttr row = axes->grid.back();
    int64_t rows = wide.best()->choice.sizes.lookup(row);
    ScheduleDecision small;
    ScheduleRequest few = *request;
    if (request->open() && rows >= 64) {
      few.mostRows = rows / 2;
      few.atOnce = 1;
      small = withSplits(kernel, *axes, few, search);
      if (small.taken &&
          (small.best()->choice.sizes.lookup(row) >= rows || small.best()->estimate.tight))
        small = {};
    }
    if (small.taken && !shape.empty()) {
      ScheduleRequest hinted = *request;
      hinted.programs = [&](const AxisSizes &sizes) { return programsOf(kernel, sizes); };
      bool takesWide = programsOf(kernel, wide.best()->choice.sizes) >=
                       waves(kernel, info, wide, small) * info.sms;
      ScheduleDecision best = withSplits(kernel, *axes, hinted, search);
      if (best.taken)
        (takesWide ? wide : small) = best;
    }
    bool asynchronous = strategy == "pipelined";
    std::string aligned = asynchronous ? alignment(kernel) : "";
    if (!small.taken && aligned.empty())
      return success();

    KernelOp last = kernel;
    auto add = [&](StringRef name, const ScheduleDecision &decision) {
      OpBuilder builder(last);
      builder.setInsertionPointAfter(last);
      auto variant = cast<KernelOp>(builder.clone(*kernel));
      variant.setSymName((kernel.getSymName() + "$" + name).str());
      variant->setAttr(kVariantOfAttr, builder.getStringAttr(kernel.getSymName()));
      variant->setAttr(kVariantAttr, builder.getStringAttr(name));
      setSchedule(variant, *axes, *decision.best());
      last = variant;
      return variant;
    };
    Builder builder(&getContext());
    auto require = [&](KernelOp variant) {
      if (aligned.empty())
        return;
      variant->setAttr(kRequiresAttr, builder.getStringAttr(aligned));
      variant->setAttr(kAlignedAttr, builder.getArrayAttr(alignedParameters));
    };
    KernelOp first = add(small.taken ? "wide" : "aligned", wide);
    require(first);
    if (small.taken) {
      first->setAttr(kConditionAttr,
                     builder.getStringAttr("[\">=\", " + gridExpression(first) + ", [\"*\", " +
                                           std::to_string(waves(kernel, info, wide, small)) +
                                           ", [\"sms\"]]]"));
      require(add("small", small));
    }
    if (!aligned.empty())
      add("plain", forAnyAddress(kernel, *axes, info, few, small.taken ? small : wide, search));
    // The form that is always right has the kernel's own name.
    std::string own = kernel.getSymName().str();
    kernel.erase();
    last.setSymName(own);
    return success();
  }

  using SearchFn = llvm::function_ref<ScheduleDecision(const ScheduleRequest &)>;

  /// The best of whole walks and of walks in two parts, each on warps of its own. These take twice
  /// the warps for as many rows, so two CTAs have to fit an SM, or there would be more waves of
  /// them. For a launch that is known there are more parts to try, and one CTA may do.
  static ScheduleDecision withSplits(KernelOp kernel, const KernelAxes &axes,
                                     ScheduleRequest request, SearchFn search) {
    ScheduleDecision best = search(request);
    for (StringAttr axis : axes.scheduled()) {
      if (llvm::is_contained(axes.grid, axis) || !obstacleToSplit(kernel, axis).empty())
        continue;
      request.splitAxis = axis;
      SmallVector<std::pair<int64_t, int64_t>> tried{{2, 2}};
      if (request.programs)
        tried.append({{2, 1}, {4, 1}, {8, 1}});
      for (auto [parts, ctas] : tried) {
        request.parts = parts;
        request.ctas = ctas;
        ScheduleDecision split = search(request);
        if (split.taken && !split.best()->estimate.tight &&
            (!best.taken || best.best()->estimate.tight || split.best()->time < best.best()->time))
          best = split;
      }
    }
    return best;
  }

  /// `aligned` with copies that test addresses, or, where registers are tight then, the best of
  /// what `request` asks for.
  static ScheduleDecision forAnyAddress(KernelOp kernel, const KernelAxes &axes,
                                        const TargetInfo &info, ScheduleRequest request,
                                        const ScheduleDecision &aligned, SearchFn search) {
    ScheduleChoice choice = aligned.best()->choice;
    choice.unaligned = true;
    if (!request.open() || !ResourceModel(kernel, info).estimate(choice).tight)
      return aligned;
    request.unaligned = true;
    ScheduleDecision best = withSplits(kernel, axes, request, search);
    return best.taken && !best.best()->estimate.tight ? best : aligned;
  }

  /// CTAs of the launch that `shape` describes.
  int64_t programsOf(KernelOp kernel, const AxisSizes &sizes) {
    llvm::StringMap<int64_t> dims;
    for (StringRef item : shape) {
      auto [name, text] = item.split('=');
      text.getAsInteger(10, dims[name]);
    }
    Builder builder(&getContext());
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

  /// Waves of the machine from which on the wide tiles win: a last wave that is not full costs them
  /// at most one in so many, and they are that much faster.
  static int64_t waves(KernelOp kernel, const TargetInfo &info, const ScheduleDecision &wide,
                       const ScheduleDecision &small) {
    ResourceModel model(kernel, info); // of SMs that are full, whatever the searches had in mind
    double gain =
        model.estimate(small.best()->choice).cycles / model.estimate(wide.best()->choice).cycles -
        1;
    return std::clamp<int64_t>(int64_t(std::ceil(1 / std::max(gain, 0.01))), 2, 4);
  }

  static bool copiesTiles(KernelOp kernel) {
    return kernel
        .walk([](ReadOp read) {
          return PlaceRules::isSharedRead(read.getOut()) ? WalkResult::interrupt()
                                                         : WalkResult::advance();
        })
        .wasInterrupted();
  }

  /// The condition that every tensor that is copied or written in tiles may be accessed 16 bytes at
  /// a time.
  std::string alignment(KernelOp kernel) {
    llvm::SetVector<unsigned> parameters;
    auto add = [&](Value tensor) {
      if (auto argument = dyn_cast<BlockArgument>(tensor))
        parameters.insert(argument.getArgNumber());
    };
    kernel.walk([&](Operation *op) {
      if (auto read = dyn_cast<ReadOp>(op); read && PlaceRules::isSharedRead(read.getOut()))
        add(read.getTensor());
      else if (auto write = dyn_cast<WriteOp>(op);
               write && axesOf(write.getValue().getType()).size() > 1)
        add(write.getTensor());
    });
    alignedParameters.clear();
    SmallVector<std::string> conditions;
    for (unsigned number : parameters) {
      auto name = cast<StringAttr>(kernel.getParams()[number]);
      alignedParameters.push_back(name);
      conditions.push_back("[\"aligned\", \"" + name.str() + "\", 16]");
    }
    return allOf(conditions);
  }

  SmallVector<Attribute> alignedParameters;
};

} // namespace
} // namespace fc
