// AddVariants.cpp - several forms of a kernel for launches of different kinds
//
// Sizes and addresses are known at launch only, so a PTX holds up to three entries of a kernel, and
// its manifest says when each is taken:
//
//   wide   the tiles that an SM works through fastest, where the grid has enough of them to fill
//          the machine several times over
//   small  at most half the rows a tile, for launches that would leave SMs idle; where a walk can
//          be split its keys are dealt out to twice the warps, so that an SM that has one CTA is
//          busy
//   plain  copies that ask nothing of addresses and strides, where the other two take them to be
//          multiples of 16 bytes: cp.async and vectors without tests at run time
//
// Where tiles, warps or a split are asked for there is one size of them: `aligned` and `plain`. A
// kernel without products by tensor cores has one form. The shape of a launch, if one is given, is
// a hint: the form that it takes gets the tiles with which it ends first.
#include "compiler/IR/PlaceRules.h"
#include "compiler/Transforms/Forms.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Threads/Lowering.h"
#include "llvm/ADT/SetVector.h"

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
    if (!takesForms(kernel, *axes, *request))
      return success();
    const TargetInfo &info = *findTarget(target);
    FormPlan plan = planForms(kernel, *axes, info, *request, shape);
    // What does not fit, or has no axis to cut, is fc-choose-schedule's.
    if (!plan.wide.found() || plan.wide.best().choice.sizes.empty())
      return success();
    if (!shape.empty() && !request->open())
      kernel.emitRemark(
          "the launch of --shape has no say in the tiles: the schedule asks for some");
    warnIfTight(kernel, *axes, info, plan.wide.best());
    remarkIfUnsuited(kernel, *axes, info, plan.wide.decision);
    bool hasSmall = plan.small.found();
    std::string aligned = plan.plain.found() ? alignment(kernel) : "";
    if (!hasSmall && aligned.empty())
      return success();

    KernelOp last = kernel;
    auto add = [&](StringRef name, const FormSearch &search) {
      OpBuilder builder(last);
      builder.setInsertionPointAfter(last);
      auto variant = cast<KernelOp>(builder.clone(*kernel));
      variant.setSymName((kernel.getSymName() + "$" + name).str());
      variant->setAttr(kVariantOfAttr, builder.getStringAttr(kernel.getSymName()));
      variant->setAttr(kVariantAttr, builder.getStringAttr(name));
      setSchedule(variant, *axes, search.best());
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
    KernelOp first = add(hasSmall ? "wide" : "aligned", plan.wide);
    require(first);
    if (hasSmall) {
      first->setAttr(kConditionAttr,
                     builder.getStringAttr("[\">=\", " + gridExpression(first) + ", [\"*\", " +
                                           std::to_string(plan.waves) + ", [\"sms\"]]]"));
      require(add("small", plan.small));
    }
    if (!aligned.empty())
      add("plain", plan.plain);
    // The form that is always right has the kernel's own name.
    std::string own = kernel.getSymName().str();
    kernel.erase();
    last.setSymName(own);
    return success();
  }

  /// Around walks, tiles that are read into registers; in them it would be a lot to ask.
  static bool isLoadedInRuns(ReadOp read) {
    return axesOf(read.getOut().getType()).size() > 1 && !read->getParentOfType<FoldOp>();
  }

  /// The condition that every tensor that is copied, written or, around walks, read in tiles may be
  /// accessed 16 bytes at a time.
  std::string alignment(KernelOp kernel) {
    llvm::SetVector<unsigned> parameters;
    auto add = [&](Value tensor) {
      if (auto argument = dyn_cast<BlockArgument>(tensor))
        parameters.insert(argument.getArgNumber());
    };
    kernel.walk([&](Operation *op) {
      if (auto read = dyn_cast<ReadOp>(op);
          read && (PlaceRules::isSharedRead(read.getOut()) || isLoadedInRuns(read)))
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
