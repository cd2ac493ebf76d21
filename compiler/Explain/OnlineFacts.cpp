// OnlineFacts.cpp - how the online form was derived, in the text's names
//
// The derivation runs once more on a copy of the imported kernel, with a listener; the folds at the
// end of the stage then say which walks there are, and which of them are loops of the text.
#include "compiler/Explain/CollectorState.h"
#include "compiler/Explain/Formulas.h"
#include "compiler/Transforms/Online/Walks.h"
#include "compiler/Transforms/SplitWalks.h"
#include "dsl/DumpAst.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace fc::explain {

namespace {

std::string axesText(online::Graph &graph, online::AxisMask mask) {
  std::string text;
  for (StringAttr axis : graph.axes(mask))
    text += (text.empty() ? "" : ", ") + axis.str();
  return text;
}

class Listener : public online::WalkListener {
public:
  Listener(const Names &names, KernelOp kernel, std::vector<std::pair<Location, Walk>> &walks)
      : names(names), formulas(names, kernel.getParams()), walks(walks) {}

  void anotherWalk(Operation *reduction, const online::Refusal &refusal) override {
    why[reduction] = refusal;
  }

  void walk(online::Graph &graph, const online::Derivation &derivation, ArrayRef<AxisOp> axes,
            ArrayRef<unsigned> reductions, ArrayRef<WriteOp> writes) override {
    formulas.settle();
    Walk walk;
    walk.merges = true;
    for (AxisOp axis : axes)
      walk.axes += (walk.axes.empty() ? "" : ", ") + axis.axis().str();
    nameAccumulators(graph, derivation, reductions);
    for (const online::Accumulator &accumulator : derivation.accumulators())
      walk.carried.push_back(describe(graph, accumulator));
    for (unsigned number : reductions) {
      const online::Reduction &reduction = graph.reductions()[number];
      const online::Node *value = derivation.valueOf(number);
      auto refused = why.find(reduction.op);
      if (refused != why.end() && walk.whyAgain.empty()) {
        walk.whyAgain = refused->second.why;
        walk.againAt =
            names.quote(refused->second.at ? refused->second.at->location : reduction.op->getLoc());
      }
      walk.derived.push_back({names.quote(reduction.op->getLoc()), formulas.print(value)});
      if (!formulas.isNamed(reduction.node))
        formulas.define(reduction.node, value);
      finished |= online::ReductionMask(1) << number;
    }
    auto store = [&](WriteOp write) {
      const dsl::Stmt *stmt = names.statementAt(write.getLoc());
      if (!stmt)
        return;
      const online::Node *value = graph.of(write.getValue());
      while (value->kind == online::Kind::Cast)
        value = value->operands[0];
      walk.outputs.push_back({names.quote(stmt->loc, Names::target(*stmt)), formulas.print(value)});
    };
    for (WriteOp write : writes)
      store(write);
    // Stores behind it, as soon as all that they need is there.
    for (Operation &op : *block(graph, reductions, writes))
      if (auto write = dyn_cast<WriteOp>(op); write && !llvm::is_contained(writes, write)) {
        online::ReductionMask needs = graph.of(write.getValue())->reductions;
        bool here = llvm::any_of(reductions, [&](unsigned n) { return needs >> n & 1; });
        if (here && (needs & ~finished) == 0)
          store(write);
      }
    Location at = reductions.empty() ? const_cast<WriteOp &>(writes[0]).getLoc()
                                     : graph.reductions()[reductions[0]].op->getLoc();
    walks.push_back({at, walk});
  }

private:
  static Block *block(online::Graph &graph, ArrayRef<unsigned> reductions,
                      ArrayRef<WriteOp> writes) {
    return reductions.empty() ? const_cast<WriteOp &>(writes[0])->getBlock()
                              : graph.reductions()[reductions[0]].op->getBlock();
  }

  void nameAccumulators(online::Graph &graph, const online::Derivation &derivation,
                        ArrayRef<unsigned> reductions) {
    for (const online::Accumulator &accumulator : derivation.accumulators()) {
      std::string name;
      const online::Node *whole = nullptr;
      for (unsigned number : reductions) {
        const online::Reduction &reduction = graph.reductions()[number];
        if (derivation.valueOf(number) != accumulator.node)
          continue;
        whole = reduction.node;
        if (const dsl::Let *let = names.letAt(reduction.op->getLoc());
            let && name.empty() && !let->value->reduced.empty())
          name = let->name;
      }
      if (name.empty())
        name = formulas.freeName(accumulator.isDot()                   ? "acc"
                                 : accumulator.kind == ReduceKind::Sum ? "l"
                                 : accumulator.kind == ReduceKind::Max ? "m"
                                                                       : "r");
      formulas.name(accumulator.node, name);
      if (whole)
        formulas.name(whole, name);
    }
  }

  Carried describe(online::Graph &graph, const online::Accumulator &accumulator) {
    Carried carried;
    carried.name = formulas.print(accumulator.node);
    carried.kind = stringifyReduceKind(accumulator.kind).str();
    carried.axes = axesText(graph, accumulator.axes());
    llvm::raw_string_ostream(carried.type) << accumulator.type();
    for (auto [i, side] : llvm::enumerate(accumulator.sides)) {
      std::string text = formulas.print(side);
      bool computed = side.exponent || !side.guards.empty() || side.atoms.size() > 1;
      if (accumulator.isDot() && computed && side.type && !side.type.isF32()) {
        llvm::raw_string_ostream stream(text);
        stream << " as " << side.type;
      }
      bool compound =
          accumulator.isDot() && StringRef(text).contains(' ') && !StringRef(text).ends_with("]");
      carried.term += (i ? " * " : "") + (compound ? "(" + text + ")" : text);
    }
    carried.moves = formulas.factorOf(accumulator);
    if (!online::shiftAtoms(accumulator).empty())
      carried.correction = "re-expanded about the new value, by the lower powers carried beside it";
    carried.from = names.quote(accumulator.location);
    return carried;
  }

  const Names &names;
  Formulas formulas;
  std::vector<std::pair<Location, Walk>> &walks;
  llvm::DenseMap<Operation *, online::Refusal> why;
  online::ReductionMask finished = 0;
};

} // namespace

void Collector::deriveWalks(KernelOp kernel, PerKernel &state) {
  // What it refuses, the pass itself will report.
  ScopedDiagnosticHandler quiet(kernel.getContext(), [](Diagnostic &) { return success(); });
  OwningOpRef<KernelOp> copy = kernel.clone();
  Listener listener(state.names, *copy, state.derived);
  auto walks = copy.get()->getAttrOfType<DictionaryAttr>("fc.walks");
  (void)succeeded(online::makeFolds(copy->program().getBody().front(), walks, &listener));
}

/// The name that the text has for a loop's bound.
static std::string boundText(const Names &names, Value bound, const dsl::Axis *axis, bool high) {
  if (axis && (high ? axis->hi : axis->lo)) {
    std::string text = dsl::formula(*(high ? axis->hi : axis->lo));
    if (high && axis->upto)
      text = "min(" + text + ", " + (axis->lo ? dsl::formula(*axis->lo) + " + " : "") +
             dsl::formula(*axis->upto) + ")";
    return text;
  }
  return high ? "its end" : "0";
}

void Collector::matchWalks(KernelOp kernel, PerKernel &state) {
  OpBuilder builder(kernel.getContext());
  state.online = ModuleOp::create(kernel.getLoc());
  state.online->push_back(kernel.clone());
  for (FoldOp fold : foldsOf(kernel)) {
    Walk walk;
    std::string axes;
    for (StringAttr axis : fold.getAxes().getAsRange<StringAttr>())
      axes += (axes.empty() ? "" : ", ") + axis.str();
    auto it = llvm::find_if(state.derived, [&](auto &each) {
      return each.first == fold.getLoc() && each.second.axes == axes;
    });
    if (it != state.derived.end()) {
      walk = it->second;
      state.derived.erase(it);
    } else {
      walk.byHand = true;
      walk.axes = axes;
      // The `var`s that it carries.
      for (BlockArgument argument : fold.state()) {
        Carried carried;
        auto place = state.names.quote(argument.getLoc());
        for (const dsl::Stmt &stmt : state.kernel.body)
          if (stmt.kind == dsl::Stmt::DeclareVar && stmt.var->loc.line == place.line)
            carried.name = stmt.var->name;
        llvm::raw_string_ostream(carried.type) << elementOf(argument.getType());
        for (auto &[axis, size] : axesOf(argument.getType()))
          carried.axes += (carried.axes.empty() ? "" : ", ") + axis.str();
        carried.from = place;
        walk.carried.push_back(carried);
      }
    }
    walk.whole = obstacleToSplit(fold);
    StringRef first = cast<StringAttr>(fold.getAxes()[0]).getValue();
    const dsl::Axis *axis = axisOf(state.kernel, first);
    walk.from = boundText(state.names, fold.getLo()[0], axis, false);
    walk.to = boundText(state.names, fold.getHi()[0], axis, true);
    state.facts->walks.push_back(walk);
  }
}

} // namespace fc::explain
