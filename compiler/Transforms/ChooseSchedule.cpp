// ChooseSchedule.cpp - tile sizes, warps and ring slots: asked for, or the best that fit the target
//
// The result is an attribute of the kernel, `#fc.schedule`, which every later pass reads; none of
// them asks the target for policy. What is asked for on the command line wins over the kernel's own
// statement; both are held to the same rules. The search itself is Target/ScheduleSearch.
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/PlanMask.h"
#include "compiler/Transforms/Schedules.h"
#include "compiler/Transforms/SplitWalks.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_CHOOSESCHEDULE
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// The kernel's own schedule, left by import: `{i = 64, warps = 4}`; and the sizes of `by`, which
/// are part of what the kernel means.
constexpr StringLiteral kAskedAttr = "fc.schedule_items", kByAttr = "fc.by";

/// An item that splits a walk: `split:j=2`.
constexpr StringLiteral kSplit = "split:";

using Items = llvm::MapVector<StringAttr, int64_t>;

LogicalResult addItem(KernelOp kernel, StringRef item, Items &list) {
  auto [key, text] = item.split('=');
  int64_t value;
  if (key.trim().empty() || text.trim().getAsInteger(10, value))
    return kernel.emitError("`")
           << item
           << "` is no schedule item; write `axis=size`, `warps=n`, `stages=n`, `ctas=n` or "
              "`split:axis=n`";
  // `walks:j` is for the derivation of folds.
  if (!key.starts_with("walks:"))
    list[StringAttr::get(kernel.getContext(), key.trim())] = value;
  return success();
}

/// Drops from a kernel's own statement the splits of walks that must stay whole, with a remark: it
/// says how, never what.
void dropIdleSplits(KernelOp kernel) {
  auto own = kernel->getAttrOfType<DictionaryAttr>(kAskedAttr);
  if (!own)
    return;
  NamedAttrList kept;
  for (NamedAttribute item : own) {
    StringRef axis = item.getName();
    std::string why;
    if (axis.consume_front(kSplit))
      why = obstacleToSplit(kernel, StringAttr::get(kernel.getContext(), axis));
    if (why.empty())
      kept.append(item);
    else
      kernel.emitRemark("walk over `") << axis << "` is not split: " << why;
  }
  kernel->setAttr(kAskedAttr, kept.getDictionary(kernel.getContext()));
}

LogicalResult takeSplit(KernelOp kernel, ArrayRef<StringAttr> known, StringAttr key, int64_t value,
                        const TargetInfo &info, ScheduleRequest &request) {
  auto axis = StringAttr::get(kernel.getContext(), key.getValue().drop_front(kSplit.size()));
  if (request.splitAxis && request.splitAxis != axis)
    return kernel.emitError("schedule splits `") << request.splitAxis.getValue() << "` and `"
                                                 << axis.getValue() << "`; one walk can be split";
  if (value < 1 || value > info.warpsPerCta)
    return kernel.emitError("schedule splits `")
           << axis.getValue() << "` into " << value
           << " parts; each takes a warp or more, and a CTA has 1 to " << info.warpsPerCta;
  if (!llvm::is_contained(known, axis))
    return kernel.emitError("schedule splits `")
           << axis.getValue() << "`, but nothing walks it in tiles of a schedule";
  if (std::string why = obstacleToSplit(kernel, axis); !why.empty())
    return kernel.emitError("schedule splits the walk over `")
           << axis.getValue() << "`, but " << why;
  request.splitAxis = axis;
  request.parts = value;
  return success();
}

/// Tiles and warps must give each part the same.
LogicalResult checkParts(KernelOp kernel, const ScheduleRequest &request) {
  if (request.parts == 1)
    return success();
  if (request.warps && *request.warps % request.parts)
    return kernel.emitError("schedule splits `")
           << request.splitAxis.getValue() << "` into " << request.parts
           << " parts, which cannot share " << *request.warps << " warps evenly";
  if (int64_t size = request.sizes.lookup(request.splitAxis);
      size && (size % request.parts || !KernelAxes::isTileSize(size / request.parts)))
    return kernel.emitError("schedule splits tiles of ")
           << size << " along `" << request.splitAxis.getValue() << "` into " << request.parts
           << " parts; a part has 1, 2, 4 or a multiple of 8 points";
  return success();
}

/// Of the smallest tiles, those on the number of warps that lacks least.
const ScheduleChoice &closest(const ResourceModel &model, const ScheduleDecision &decision) {
  auto lacks = [&](const ScheduleDecision::Candidate &candidate) {
    return candidate.estimate.shared > model.sharedLimit()
               ? candidate.choice.warps
               : candidate.estimate.tiles - model.registerLimit(candidate.choice);
  };
  const ScheduleDecision::Candidate *best = &decision.candidates.back();
  for (const auto &candidate : decision.candidates)
    if (llvm::equal(candidate.choice.sizes, best->choice.sizes) && lacks(candidate) < lacks(*best))
      best = &candidate;
  return best->choice;
}

/// `schedule <i = 128, j = 64, warps = 4>`.
void tell(Diagnostic &message, ArrayRef<StringAttr> names, const ScheduleChoice &choice) {
  message << "schedule <";
  for (StringAttr name : names)
    message << name.getValue() << " = " << choice.sizes.lookup(name) << ", ";
  message << "warps = " << choice.warps;
  if (choice.ctas > 1)
    message << ", ctas = " << choice.ctas;
  if (choice.parts > 1)
    message << ", split " << choice.splitAxis.getValue() << " = " << choice.parts;
  message << ">";
}

LogicalResult refuse(KernelOp kernel, const TargetInfo &info, const ScheduleRequest &request,
                     ArrayRef<StringAttr> names, const ScheduleChoice &choice) {
  ResourceModel model(kernel, info);
  Usage shared = model.shared(choice), registers = model.registers(choice);
  auto error = kernel.emitError();
  // Nobody asked for the smallest tiles that were tried.
  SmallVector<StringRef> left;
  for (StringAttr name : names)
    if (!request.sizes.contains(name))
      left.push_back(name);
  if (!left.empty())
    error << "even with the smallest tiles along `" << llvm::join(left, "`, `") << "`: ";
  tell(*error.getUnderlyingDiagnostic(), names, choice);
  error << " does not fit " << info.name << ": ";
  if (shared.total() > model.sharedLimit())
    error << "the operands of products take " << shared.total()
          << " bytes of shared memory, the largest " << shared.largest()->amount << " ("
          << shared.largest()->what << "), and a CTA has " << model.sharedLimit();
  else if (registers.total() <= model.registerLimit(choice) || !registers.largest())
    error << "a CTA takes " << shared.total() << " bytes of shared memory and " << choice.warps
          << " warps, and an SM has " << info.sharedPerSm << " and " << info.warpsPerSm;
  else {
    error << "its tiles take " << registers.total() << " registers a thread at once, the largest "
          << registers.largest()->amount << " (" << registers.largest()->what << "), and ";
    if (model.registerLimit(choice) > 0)
      error << "there are " << model.registerLimit(choice) << " beside addresses and counters";
    else
      error << "a thread has " << ResourceModel::registersFor(info, choice.warps, choice.ctas)
            << " where " << choice.ctas << " CTAs share an SM, which addresses and counters need";
  }
  return error;
}

struct ChooseSchedule : impl::ChooseScheduleBase<ChooseSchedule> {
  using Base::Base;

  void runOnOperation() override {
    KernelOp kernel = getOperation();
    if (!kernel.getSchedule() && failed(choose(kernel)))
      signalPassFailure();
    kernel->removeAttr(kAskedAttr);
    kernel->removeAttr(kByAttr);
  }

  LogicalResult choose(KernelOp kernel) {
    FailureOr<ScheduleRequest> request = scheduleRequest(kernel, target, strategy, items);
    FailureOr<KernelAxes> axes = KernelAxes::of(kernel);
    if (failed(request) || failed(axes))
      return failure();
    const TargetInfo &info = *findTarget(target);
    ScheduleDecision decision = searchSchedule(kernel, *axes, info, *request);
    if (!decision.taken)
      return refuse(kernel, info, *request, axes->scheduled(),
                    closest(ResourceModel(kernel, info), decision));
    warnIfTight(kernel, *axes, info, *decision.best());
    remarkIfUnsuited(kernel, *axes, info, decision);
    setSchedule(kernel, *axes, *decision.best());
    return success();
  }
};

} // namespace

FailureOr<ScheduleRequest> scheduleRequest(KernelOp kernel, StringRef target, StringRef strategy,
                                           ArrayRef<std::string> items) {
  const TargetInfo *info = findTarget(target);
  if (!info)
    return kernel.emitError("target `")
           << target << "` is unknown; it must be one of " << targetNames();
  if (strategy != "scalar" && strategy != "tensor" && strategy != "pipelined" && strategy != "auto")
    return kernel.emitError("strategy `")
           << strategy << "` is unknown; it must be `scalar`, `tensor`, `pipelined` or `auto`";
  FailureOr<KernelAxes> axes = KernelAxes::of(kernel);
  if (failed(axes))
    return failure();
  ScheduleRequest request;
  request.matrices = strategy == "tensor" || strategy == "pipelined";
  request.asynchronous = strategy == "pipelined";

  dropIdleSplits(kernel);
  Items list;
  if (auto own = kernel->getAttrOfType<DictionaryAttr>(kAskedAttr))
    for (NamedAttribute item : own) {
      int64_t value = cast<IntegerAttr>(item.getValue()).getInt();
      // A statement is written for every strategy; most have no use for more slots than one.
      if (item.getName() == "stages" && strategy != "pipelined" && value >= 1 && value <= 4)
        value = 1;
      list[item.getName()] = value;
    }
  for (StringRef item : items)
    if (failed(addItem(kernel, item, list)))
      return failure();
  if (auto by = kernel->getAttrOfType<DictionaryAttr>(kByAttr))
    for (NamedAttribute item : by) {
      int64_t size = cast<IntegerAttr>(item.getValue()).getInt();
      auto [asked, inserted] = list.insert({item.getName(), size});
      if (!inserted && asked->second != size)
        return kernel.emitError("schedule asks for tiles of ")
               << asked->second << " along `" << item.getName().getValue()
               << "`, but the grid says `by " << size << "`";
    }
  SmallVector<StringAttr> known = axes->scheduled();
  for (auto [key, value] : list) {
    if (key == "warps") {
      if (value < 1 || value > info->warpsPerCta)
        return kernel.emitError("schedule asks for ")
               << value << " warps; a CTA has 1 to " << info->warpsPerCta;
      request.warps = value;
    } else if (key == "stages") {
      if (value < 1 || value > 4)
        return kernel.emitError("schedule asks for ")
               << value << " stages; a ring has 1 to 4 slots";
      if (value != 1 && strategy != "pipelined")
        return kernel.emitError("schedule asks for ")
               << value << " stages; this strategy copies when it needs the data, in 1";
      request.stages = value;
    } else if (key == "ctas") {
      if (value < 1 || value > info->ctasPerSm)
        return kernel.emitError("schedule asks for ") << value << " CTAs on an SM; " << info->name
                                                      << " has room for 1 to " << info->ctasPerSm;
      request.ctas = value;
    } else if (key.getValue().starts_with(kSplit)) {
      if (failed(takeSplit(kernel, known, key, value, *info, request)))
        return failure();
    } else if (llvm::is_contained(known, key)) {
      if (!KernelAxes::isTileSize(value))
        return kernel.emitError("schedule asks for tiles of ")
               << value << " along `" << key.getValue()
               << "`; a tile size is 1, 2, 4 or a multiple of 8";
      request.sizes[key] = value;
    } else if (axes->fixed.contains(key)) {
      if (value == axes->fixed.lookup(key))
        continue;
      return kernel.emitError("schedule asks for a tile size of `")
             << key.getValue() << "`, but the kernel fixes it at " << axes->fixed.lookup(key);
    } else {
      auto error = kernel.emitError("schedule names `")
                   << key.getValue() << "`, which is no axis of `" << kernel.getSymName()
                   << "`; it has ";
      for (StringAttr axis : known)
        error << "`" << axis.getValue() << "`, ";
      return error << "`warps`, `stages` and `ctas`";
    }
  }
  if (failed(checkParts(kernel, request)))
    return failure();
  constexpr int64_t kMostStages = 3;
  if (request.asynchronous && !request.stages) {
    request.mostStages = kMostStages;
    request.hops = [kernel, known = std::make_shared<std::optional<bool>>()] {
      if (!*known)
        *known = mayHop(kernel);
      return **known;
    };
  }
  return request;
}

void warnIfTight(KernelOp kernel, const KernelAxes &axes, const TargetInfo &info,
                 const ScheduleDecision::Candidate &candidate) {
  const ScheduleEstimate &estimate = candidate.estimate;
  if (!estimate.tight)
    return;
  const ScheduleChoice &choice = candidate.choice;
  Usage registers = ResourceModel(kernel, info).registers(choice);
  auto warning = kernel.emitWarning();
  tell(*warning.getUnderlyingDiagnostic(), axes.scheduled(), choice);
  warning << " is tight on " << info.name << ", so ptxas may spill: a thread wants "
          << estimate.wanted << " registers";
  if (const Usage::Item *largest = registers.largest())
    warning << ", " << estimate.tiles << " of them for tiles, the largest " << largest->amount
            << " (" << largest->what << ")";
  warning << ", and can have " << estimate.limit;
  if (choice.ctas > 1)
    warning << " where " << choice.ctas << " CTAs share an SM";
  warning << "; smaller tiles"
          << (choice.ctas > 1 ? ", more warps or fewer CTAs" : " or more warps") << " make room";
}

void remarkIfUnsuited(KernelOp kernel, const KernelAxes &axes, const TargetInfo &info,
                      const ScheduleDecision &decision) {
  if (!decision.unsuited)
    return;
  const ScheduleEstimate &estimate = decision.unsuited->estimate;
  auto remark = kernel.emitRemark("no tiles that suit tensor cores have room on ") << info.name;
  remark << ": ";
  tell(*remark.getUnderlyingDiagnostic(), axes.scheduled(), decision.unsuited->choice);
  if (estimate.shared > info.sharedPerCta)
    remark << " takes " << estimate.shared << " bytes of shared memory, and a CTA has "
           << info.sharedPerCta;
  else
    remark << " wants " << estimate.wanted << " registers a thread, " << estimate.tiles
           << " of them for tiles, and there are " << estimate.limit;
  if (const auto *best = decision.best(); best && !best->choice.matrices)
    remark << "; all products are by `fma`";
}

void setSchedule(KernelOp kernel, const KernelAxes &axes,
                 const ScheduleDecision::Candidate &candidate) {
  SmallVector<StringAttr> names = axes.scheduled();
  SmallVector<int64_t> sizes;
  for (StringAttr name : names)
    sizes.push_back(candidate.choice.sizes.lookup(name));
  Builder builder(kernel.getContext());
  if (!candidate.choice.matrices)
    kernel.walk([](DotOp dot) { dot.setBy("fma"); });
  kernel.setScheduleAttr(ScheduleAttr::get(
      kernel.getContext(), names, sizes, candidate.choice.warps, candidate.choice.stages,
      candidate.choice.splitAxis, candidate.choice.parts, candidate.choice.ctas));
  auto item = [&](StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  };
  kernel->setAttr(kEstimateAttr,
                  builder.getDictionaryAttr({item("registers", candidate.estimate.registers),
                                             item("shared", candidate.estimate.shared),
                                             item("ctas_per_sm", candidate.estimate.ctasPerSm),
                                             item("cycles", int64_t(candidate.estimate.cycles))}));
}

} // namespace fc
