// ScheduleFacts.cpp - the schedules that were looked at, the forms of a kernel, what a launch takes
//
// The searches are asked again, as the passes asked them: they keep every candidate with what the
// resource model expects of it. What the forms came to is read off the kernels.
#include "compiler/Explain/CollectorState.h"
#include "compiler/Transforms/Forms.h"
#include "compiler/Transforms/Threads/Lowering.h"

using namespace mlir;

namespace fc::explain {

namespace {

/// The axes of a schedule as the text has them.
std::string tilesText(ArrayRef<StringAttr> axes, const ScheduleChoice &choice) {
  std::string text;
  for (StringAttr axis : axes) {
    text +=
        (text.empty() ? "" : ", ") + axis.str() + " = " + std::to_string(choice.sizes.lookup(axis));
    if (choice.parts > 1 && axis == choice.splitAxis)
      text += " in " + std::to_string(choice.parts) + " parts";
  }
  if (choice.ctas > 1)
    text += ", ctas = " + std::to_string(choice.ctas);
  return text;
}

/// As --schedule takes it, with `equals` and `comma` between its words.
std::string scheduleText(ArrayRef<StringAttr> axes, const ScheduleChoice &choice, StringRef equals,
                         StringRef comma) {
  std::string text;
  auto add = [&](const Twine &key, int64_t value) {
    text += ((text.empty() ? StringRef() : comma) + key + equals + Twine(value)).str();
  };
  for (StringAttr axis : axes)
    add(axis.getValue(), choice.sizes.lookup(axis));
  add("warps", choice.warps);
  add("stages", choice.stages);
  if (choice.ctas > 1)
    add("ctas", choice.ctas);
  if (choice.parts > 1)
    add("split:" + choice.splitAxis.getValue(), choice.parts);
  return text;
}

bool areEqual(ArrayRef<StringAttr> axes, const ScheduleChoice &a, const ScheduleChoice &b) {
  return a.warps == b.warps && a.stages == b.stages && a.ctas == b.ctas && a.parts == b.parts &&
         (a.parts == 1 || a.splitAxis == b.splitAxis) && llvm::all_of(axes, [&](StringAttr axis) {
           return a.sizes.lookup(axis) == b.sizes.lookup(axis);
         });
}

/// What a form got.
ScheduleChoice choiceOf(KernelOp form, const KernelAxes &axes, const ScheduleRequest &request) {
  ScheduleAttr schedule = *form.getSchedule();
  ScheduleChoice choice;
  choice.sizes = axes.fixed;
  for (auto [axis, size] : llvm::zip(schedule.getAxes(), schedule.getSizes()))
    choice.sizes[axis] = size;
  choice.warps = schedule.getWarps();
  choice.stages = schedule.getStages();
  choice.splitAxis = schedule.getSplitAxis();
  choice.parts = schedule.getParts();
  choice.ctas = schedule.getCtas();
  choice.matrices = request.matrices && !form.walk([](DotOp dot) {
                                               return dot.getBy() ? WalkResult::interrupt()
                                                                  : WalkResult::advance();
                                             })
                                             .wasInterrupted();
  choice.asynchronous = request.asynchronous;
  return choice;
}

std::string purposeOf(StringRef form) {
  return llvm::StringSwitch<std::string>(form)
      .Case("wide", "the tiles that an SM works through fastest, for grids that fill the machine "
                    "several times over")
      .Case("small", "smaller tiles, for launches that would leave SMs idle")
      .Case("aligned", "copies of 16 bytes that take addresses and strides to be multiples of it")
      .Case("plain", "copies that ask nothing of addresses and strides")
      .Default("");
}

std::string textOf(KernelOp kernel, StringRef attribute) {
  auto text = kernel->getAttrOfType<StringAttr>(attribute);
  return text ? text.str() : "";
}

/// The request without what somebody asked for; tile sizes of the language (`by`) stay.
ScheduleRequest unasked(const dsl::Kernel &text, const ScheduleRequest &request) {
  ScheduleRequest result;
  result.matrices = request.matrices;
  for (auto &[axis, size] : request.sizes)
    if (const dsl::Axis *own = axisOf(text, axis.getValue()); own && own->by)
      result.sizes[axis] = size;
  return result;
}

/// The list of candidates, as it grows.
class Candidates {
public:
  Candidates(ArrayRef<StringAttr> axes) : axes(axes) {}

  size_t add(const ScheduleDecision::Candidate &candidate, const std::string &verdict) {
    const ScheduleChoice &choice = candidate.choice;
    const ScheduleEstimate &estimate = candidate.estimate;
    for (auto [i, known] : llvm::enumerate(choices))
      if (areEqual(axes, known, choice))
        return i;
    Candidate facts;
    facts.schedule = scheduleText(axes, choice, "=", ",");
    facts.tiles = tilesText(axes, choice);
    facts.warps = choice.warps;
    facts.stages = choice.stages;
    facts.registers = estimate.registers;
    facts.shared = estimate.shared;
    facts.ctasPerSm = estimate.ctasPerSm;
    if (estimate.ctasPerSm > 0)
      facts.time = candidate.time;
    facts.verdict = verdict;
    choices.push_back(choice);
    list.push_back(std::move(facts));
    return list.size() - 1;
  }

  /// In the order of their times, which become shares of that of `told`; what does not fit is last.
  std::vector<Candidate> finish(size_t told) {
    double unit = list[told].time.value_or(1);
    for (Candidate &each : list)
      if (each.time)
        *each.time /= unit;
    llvm::stable_sort(list, [](const Candidate &a, const Candidate &b) {
      return a.time && (!b.time || *a.time < *b.time);
    });
    return std::move(list);
  }

  std::vector<Candidate> list;

private:
  SmallVector<StringAttr> axes;
  std::vector<ScheduleChoice> choices;
};

} // namespace

void Collector::readForms(ModuleOp module, PerKernel &state) {
  SmallVector<KernelOp> forms;
  for (KernelOp kernel : module.getOps<KernelOp>())
    if (textNameOf(kernel) == state.kernel.name && kernel.getSchedule())
      forms.push_back(kernel);
  // What the search has to say was said when the passes asked it.
  ScopedDiagnosticHandler quiet(module.getContext(), [](Diagnostic &) { return success(); });
  if (!state.online || forms.empty())
    return;
  KernelOp online = *state.online->getOps<KernelOp>().begin();
  FailureOr<KernelAxes> axes = KernelAxes::of(online);
  FailureOr<ScheduleRequest> request =
      scheduleRequest(online, target.name, resolveStrategy(asked.strategy), asked.items);
  if (failed(axes) || failed(request))
    return;
  Schedule &schedule = state.facts->schedule;
  SmallVector<StringAttr> names = axes->scheduled();
  ResourceModel model(online, target);

  FormPlan plan = planForms(online, *axes, target, *request, asked.shape);

  // The forms, and the one that the launch takes.
  std::optional<size_t> taken;
  for (auto [number, kernel] : llvm::enumerate(forms)) {
    ScheduleChoice choice = choiceOf(kernel, *axes, *request);
    ScheduleEstimate estimate = model.estimate(choice);
    Form &form = schedule.forms.emplace_back();
    form.name = formOf(kernel).str();
    form.entry = kernel.getSymName().str();
    form.purpose = purposeOf(form.name);
    form.schedule = scheduleText(names, choice, " = ", ", ");
    form.registers = estimate.registers;
    form.shared = estimate.shared;
    form.ctasPerSm = estimate.ctasPerSm;
    for (auto &[axis, why] : plan.of(form.name).whole)
      form.whole.push_back("the walk over `" + axis + "` is not split: " + why);
    bool holds = true;
    for (auto [attribute, text] :
         {std::pair(kConditionAttr, &form.condition), {kRequiresAttr, &form.needs}})
      if (std::string expression = textOf(kernel, attribute); !expression.empty()) {
        *text = conditions.text(expression);
        holds &= state.launch && conditions.value(expression, *state.launch, target.sms) == 1;
      }
    if (state.launch)
      form.holds = holds;
    if (holds && !taken)
      taken = number;
    std::string grid = gridExpression(kernel);
    form.grid = conditions.text(grid);
    if (state.launch && taken == number)
      if (auto ctas = conditions.value(grid, *state.launch, target.sms))
        schedule.occupancy = Occupancy{*ctas, target.sms, estimate.ctasPerSm};
  }
  schedule.told = state.launch ? taken.value_or(forms.size() - 1) : 0;
  state.toldForm = schedule.forms[schedule.told].name;

  // What was compared for that form, with what the other forms got.
  const FormSearch &search = plan.of(state.toldForm);
  Candidates candidates(names);
  for (const auto &each : search.decision.candidates) {
    schedule.fastest |= each.verdict == "slower";
    candidates.add(each, each.verdict);
  }
  auto judged = [&](const ScheduleChoice &choice) {
    return judgeSchedule(online, *axes, target, search.request, choice);
  };
  if (ScheduleRequest open = unasked(state.kernel, *request);
      open.sizes.size() < request->sizes.size() || request->warps || request->stages ||
      request->ctas || request->splitAxis)
    if (auto free = searchSchedule(online, *axes, target, open); free.taken)
      candidates
          .list[candidates.add(judged(free.best()->choice), "taken where nothing is asked for")]
          .unasked = true;
  SmallVector<size_t> rows;
  for (KernelOp kernel : forms) {
    rows.push_back(candidates.add(judged(choiceOf(kernel, *axes, *request)), ""));
    Candidate &candidate = candidates.list[rows.back()];
    candidate.verdict = candidate.taken    ? candidate.verdict + ", " + formOf(kernel).str()
                        : forms.size() > 1 ? "taken: " + formOf(kernel).str()
                                           : "taken";
    candidate.taken = true;
  }
  schedule.candidates = candidates.finish(rows[schedule.told]);

  // What is told of.
  ScheduleChoice choice = choiceOf(forms[schedule.told], *axes, *request);
  Usage shared = model.shared(choice), registers = model.registers(choice);
  schedule.text = schedule.forms[schedule.told].schedule;
  schedule.reasons = asked.reasons;
  for (const dsl::Schedule &own : state.kernel.schedules) {
    std::string items;
    for (const dsl::ScheduleItem &item : own.items)
      if (item.key != "walks") // how it is derived: no business of the schedule
        items += (items.empty() ? "" : ", ") + (item.key == "tile" ? item.axis : item.key) +
                 (item.axis.empty() || item.key == "tile" ? "" : " " + item.axis) + " = " +
                 std::to_string(item.value);
    if (!items.empty() && (own.target.empty() || own.target == target.name))
      schedule.reasons.push_back("the text asks for " + items);
  }
  Machine &machine = state.facts->machine;
  for (const Usage::Item &item : registers.items)
    machine.registers.push_back({item.what, item.amount});
  for (const Usage::Item &item : shared.items)
    machine.shared.push_back({item.what, item.amount});
  machine.registerTotal = registers.total();
  machine.registerLimit = model.registerLimit(choice);
  machine.registerEstimate = schedule.forms[schedule.told].registers;
  machine.sharedTotal = shared.total();
  machine.sharedLimit = model.sharedLimit();
  machine.ctasPerSm = int(schedule.forms[schedule.told].ctasPerSm);
}

} // namespace fc::explain
