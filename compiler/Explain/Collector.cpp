// Collector.cpp - which stage tells what
#include "compiler/Explain/CollectorState.h"
#include "compiler/Target/EmitPtx.h"
#include "compiler/Target/ResourceModel.h"
#include "compiler/Transforms/Schedules.h"
#include "dsl/DumpAst.h"
#include "mlir/Pass/PassInstrumentation.h"

using namespace mlir;

namespace fc::explain {

namespace {
struct AfterStage : PassInstrumentation {
  explicit AfterStage(Collector &collector) : collector(collector) {}
  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument() == "fc-verify-stage")
      collector.stageEnded(stages()[count++].stage, cast<ModuleOp>(op));
  }
  Collector &collector;
  size_t count = 0;
};

std::string parameterText(const dsl::Kernel &kernel) {
  std::string text;
  for (const dsl::CParam &param : kernel.cparams) {
    std::string value;
    if (param.isType)
      value = dsl::name(param.type);
    else if (param.type == dsl::Elem::F32)
      llvm::raw_string_ostream(value) << param.floatValue;
    else if (param.type == dsl::Elem::Bool)
      value = param.intValue ? "true" : "false";
    else
      value = std::to_string(param.intValue);
    text += (text.empty() ? "" : ", ") + param.name + " = " + value;
  }
  return text;
}

std::string gridText(const dsl::Kernel &kernel) {
  std::string text;
  for (const dsl::Axis *axis : kernel.grid) {
    text += (text.empty() ? "" : ", ") + std::string(axis->isPoint() ? "" : "tile ") + axis->name +
            " in ";
    bool fromZero = !axis->lo || (axis->lo->op == dsl::Op::Const && axis->lo->intValue == 0);
    text += (fromZero ? "" : dsl::formula(*axis->lo) + " .. ") + dsl::formula(*axis->hi);
  }
  return text;
}
} // namespace

llvm::SmallVector<FoldOp> foldsOf(KernelOp kernel) {
  llvm::SmallVector<FoldOp> folds;
  for (Operation &op : kernel.program().getBody().front())
    if (auto fold = dyn_cast<FoldOp>(op))
      folds.push_back(fold);
  return folds;
}

const dsl::Axis *axisOfTerms(const dsl::Kernel &text, StringRef axis) {
  return axisOf(text, axis) ? nullptr : axisOf(text, axis.rtrim('q'));
}

std::string shapeText(const dsl::Kernel &kernel, TileType type) {
  std::string text;
  for (auto &[axis, size] : type.axisSizes()) {
    if (isParts(axis) || axisOfTerms(kernel, axis))
      continue;
    int64_t whole = size;
    for (auto &[other, parts] : type.axisSizes())
      if (isPartsOf(other, axis))
        whole *= parts;
    text += (text.empty() ? "" : ", ") + axis.str() + ": " + std::to_string(whole);
  }
  return "[" + text + "]";
}

StringRef textNameOf(KernelOp kernel) {
  auto of = kernel->getAttrOfType<StringAttr>(kVariantOfAttr);
  return of ? of.getValue() : kernel.getSymName();
}

StringRef formOf(KernelOp kernel) {
  auto name = kernel->getAttrOfType<StringAttr>(kVariantAttr);
  return name ? name.getValue() : "";
}

Collector::Collector(const dsl::Program &program, const TargetInfo &target, ScheduleAsked asked,
                     const Conditions &conditions, const LaunchRequest *request)
    : program(program), target(target), asked(std::move(asked)), conditions(conditions),
      request(request) {}

Collector::~Collector() = default;

void Collector::addTo(PassManager &passes) {
  passes.addInstrumentation(std::make_unique<AfterStage>(*this));
}

void Collector::stageEnded(Stage stage, ModuleOp module) {
  if (stage == Stage::Import) {
    for (KernelOp kernel : module.getOps<KernelOp>())
      states.push_back(
          std::make_unique<PerKernel>(program, *program.kernel(kernel.getSymName().str())));
    list.resize(states.size());
    for (auto [state, facts] : llvm::zip(states, list)) {
      const dsl::Kernel &kernel = state->kernel;
      state->facts = &facts;
      facts.name = kernel.name;
      facts.file = program.files[kernel.loc.file].path;
      facts.line = kernel.loc.line;
      facts.parameters = parameterText(kernel);
      facts.grid = gridText(kernel);
      facts.machine.target = target.name.str();
      facts.machine.board = target.board.str();
      facts.machine.strategy = asked.strategy;
      if (request && failure.empty()) {
        state->launch = Launch::of(kernel, *request, failure);
        if (state->launch)
          facts.shape = state->launch->shape;
      }
    }
  }
  if (stage == Stage::Tile)
    for (const auto &state : states)
      readForms(module, *state);
  for (KernelOp kernel : module.getOps<KernelOp>()) {
    auto it = llvm::find_if(
        states, [&](const auto &each) { return each->kernel.name == textNameOf(kernel); });
    if (it == states.end())
      continue;
    PerKernel *state = it->get();
    if (stage >= Stage::Tile && formOf(kernel) != state->toldForm)
      continue;
    switch (stage) {
    case Stage::Import:
      deriveWalks(kernel, *state);
      break;
    case Stage::Online:
      matchWalks(kernel, *state);
      break;
    case Stage::Tile:
      readMasks(kernel, *state);
      break;
    case Stage::Mask:
      readPlan(kernel, *state);
      break;
    case Stage::Place:
      readPlaces(kernel, *state);
      break;
    case Stage::Async:
      readShared(kernel, *state);
      break;
    case Stage::Thread:
      break;
    }
    if (failure.empty() && state->launch)
      failure = state->launch->wrongInput;
  }
}

const TileMap *Collector::tilesOf(StringRef kernel) const {
  for (const auto &state : states) {
    if (state->kernel.name != kernel)
      continue;
    const TileMap *first = nullptr;
    for (auto [i, map] : llvm::enumerate(state->maps)) {
      if (map.kinds.empty())
        continue;
      if (!first ||
          (state->facts->masks[i].found && !state->facts->masks[first - &state->maps[0]].found))
        first = &map;
    }
    return first;
  }
  return nullptr;
}

Launch *Collector::launchOf(StringRef kernel) {
  for (const auto &state : states)
    if (state->kernel.name == kernel)
      return state->launch.get();
  return nullptr;
}

void Collector::assemble(StringRef ptx) {
  auto log = ptxasLog(ptx, target.name);
  if (!log) {
    llvm::consumeError(log.takeError());
    return; // no ptxas here: its figures are extra
  }
  // "Compiling entry function 'causal' for 'sm_80'", then "Used 128 registers".
  Form *current = nullptr;
  SmallVector<StringRef> lines;
  StringRef(*log).split(lines, '\n');
  for (StringRef line : lines) {
    if (line.contains("Compiling entry function '")) {
      StringRef entry = line.split("function '").second.split('\'').first;
      current = nullptr;
      for (Kernel &kernel : list)
        for (Form &form : kernel.schedule.forms)
          if (form.entry == entry)
            current = &form;
    }
    int64_t number;
    if (current && line.contains(" bytes spill stores")) {
      StringRef words = line.split(" bytes spill stores").first;
      if (!words.substr(words.rfind(' ') + 1).getAsInteger(10, number))
        current->ptxasSpills = number;
    }
    if (current && line.contains("Used ")) {
      StringRef words = line.split("Used ").second.split(' ').first;
      if (!words.getAsInteger(10, number))
        current->ptxasRegisters = number;
    }
  }
  for (Kernel &kernel : list) {
    if (kernel.schedule.forms.empty())
      continue;
    const Form &form = kernel.schedule.forms[kernel.schedule.told];
    Machine &machine = kernel.machine;
    machine.ptxasRegisters = form.ptxasRegisters;
    machine.ptxasSpills = form.ptxasSpills;
    if (form.ptxasRegisters)
      machine.ptxasCtasPerSm = ResourceModel::ctasPerSm(target, machine.threads / 32,
                                                        *form.ptxasRegisters, machine.sharedTotal);
  }
}

} // namespace fc::explain
