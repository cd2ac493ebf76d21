// PlanMask.cpp - walks skip the tiles that a mask leaves empty; full tiles are not tested
//
// The analysis (compiler/Analysis) gives uniform conditions as terms; this pass writes them as
// code: bounds in front of the fold where the condition solves for the walked axis, a region that
// finds the next tile where it leaves gaps or does not solve, and flags in front of the tests.
#include "compiler/Transforms/PlanMask.h"
#include "compiler/IR/KernelAxes.h"
#include "compiler/Transforms/EmitTerms.h"
#include "compiler/Transforms/MaskTests.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/RowGuards.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include <set>

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_PLANMASK
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// Operations that a term would take.
size_t sizeOf(TermRef term) {
  std::set<TermRef> seen;
  SmallVector<TermRef> work{term};
  while (!work.empty()) {
    TermRef next = work.pop_back_val();
    if (seen.insert(next).second)
      work.append(next->operands.begin(), next->operands.end());
  }
  return seen.size();
}

class FoldPlanner {
public:
  explicit FoldPlanner(FoldOp fold)
      : plan(fold), fold(fold), terms(plan.terms), values(plan.values) {}

  void run() {
    if (!plan.exists())
      return;
    dropRowGuards(plan);
    trusted = terms.truth(true);
    for (Value value : values.guarded)
      trustWithin(value);
    SmallVector<MaskSelect> selects = maskSelects(terms, values, fold);
    TermEmitter body(plan, OpBuilder::atBlockBegin(&fold.getBody().front()),
                     fold.getBody().getArgument(0));
    setBounds(body);
    for (const BoundSearch &search : plan.searches)
      searchBound(search);
    addHop();
    markTests(selects, [&](ArrayRef<TermRef> keeps) -> Value {
      TermRef all = terms.truth(true);
      for (TermRef each : keeps)
        all = terms.both(all, each);
      TermRef needed = terms.either(plan.needed(all), terms.negate(trusted));
      bool always = needed->kind == TermKind::True || needed->kind == TermKind::Unknown ||
                    sizeOf(needed) > kMostOperations;
      return always ? Value() : body.emit(needed);
    });
  }

  /// Whether the walk will skip tiles between its bounds.
  bool hops() const { return plan.exists() && (evaluates() || plan.segments.size() > 1); }

  /// Says where a row may see no key.
  void warn() {
    if (!plan.exists() || plan.safety.proved)
      return;
    InFlightDiagnostic warning =
        fold->emitWarning("a row may see no key: its result is 0 then, and "
                          "the logarithm of its sum -inf");
    warning.attachNote() << "a key is seen where `" << plan.print(plan.live) << "`, and "
                         << plan.safety.reason;
  }

private:
  /// A condition that takes more than this a tile is not evaluated.
  static constexpr size_t kMostOperations = 400;

  bool evaluates() const { return plan.inKernel && sizeOf(plan.inKernel) <= kMostOperations; }

  /// Terms are right while 64-bit values of the launch are within +-kFar.
  void trustWithin(Value value) {
    OpBuilder builder(fold);
    Location loc = fold.getLoc();
    auto limit = [&](int64_t number) {
      return arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(number));
    };
    Value above =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, value, limit(-kFar));
    Value below =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle, value, limit(kFar));
    Value inside = arith::AndIOp::create(builder, loc, above, below);
    values.symbols.push_back(inside);
    trusted = terms.both(trusted, terms.flag(values.symbols.size() - 1));
  }

  /// The first of the starts lo, lo + step, .. that is not below `low`; below `low` if that is far.
  TermRef startFrom(TermRef low, TermRef lo) {
    int64_t step = (*fold.getStep())[0];
    // Tiles in front of low: the ceiling of (low - lo) / step.
    TermRef skipped =
        terms.max(terms.constant(0),
                  terms.scale(terms.divide(terms.subtract(lo, low), terms.constant(step)), -1));
    return terms.add(lo, terms.scale(skipped, step));
  }

  /// The first and last tile that may hold a key. Starts stay multiples of the step from `lo`.
  void setBounds(TermEmitter &emitter) {
    Span span = plan.bounds;
    TermRef lo = values.of(plan.lo), hi = values.of(plan.hi);
    TermRef newLo = terms.min(startFrom(span.low, lo), terms.max(lo, hi));
    TermRef newHi = terms.min(hi, terms.max(terms.plus(span.high, 1), lo));
    newLo = terms.choose(trusted, newLo, lo);
    newHi = terms.choose(trusted, newHi, hi);
    if (newLo->kind == TermKind::Unknown || newHi->kind == TermKind::Unknown)
      return;
    if (newLo != lo)
      fold.getLoMutable()[0].set(emitter.emit32(newLo));
    if (newHi != hi)
      fold.getHiMutable()[0].set(emitter.emit32(newHi));
  }

  /// A bound where a condition on sorted elements changes, in front of the fold.
  void searchBound(const BoundSearch &search) {
    OpBuilder builder(fold);
    Location loc = fold.getLoc();
    TermRef condition = terms.either(search.condition, terms.negate(trusted));
    OpOperand &bound = search.below ? fold.getLoMutable()[0] : fold.getHiMutable()[0];
    auto hop = HopOp::create(builder, loc, builder.getI32Type(), fold.getLo()[0], fold.getHi()[0],
                             (*fold.getStep())[0], /*monotone=*/true);
    Block *block = builder.createBlock(&hop.getBody(), {}, {builder.getI32Type()}, {loc});
    Value start = block->getArgument(0);
    TermEmitter emitter(plan, builder, start, hop);
    Value reached = emitter.emit(search.below ? condition : terms.negate(condition));
    YieldOp::create(builder, loc, ValueRange{start, reached});
    // Past the last tile the first start may lie behind the end: there the end stays.
    builder.setInsertionPointAfter(hop);
    Value found = hop.getStart();
    if (!search.below)
      found = arith::MinSIOp::create(builder, loc, found, fold.getHi()[0]);
    bound.set(found);
  }

  /// The region that takes a tile's start to the next that may be live: first over the gaps between
  /// the segments, then, unless those say all, by evaluating the condition.
  void addHop() {
    if (!hops())
      return;
    OpBuilder builder(fold.getContext());
    Location loc = fold.getLoc();
    Block *block = builder.createBlock(&fold.getHop(), {}, {builder.getI32Type()}, {loc});
    Value start = block->getArgument(0);
    if (plan.segments.size() > 1) {
      TermEmitter emitter(plan, builder, start);
      TermRef at = values.start, first = values.of(plan.lo), end = values.of(plan.hi);
      TermRef next = end;
      for (const Span &span : plan.segments) {
        TermRef begin = terms.max(at, terms.min(startFrom(span.low, first), end));
        TermRef last = terms.max(terms.min(span.high, end), terms.constant(-kMaxExtent));
        next = terms.min(next, terms.choose(terms.lessEqual(begin, last), begin, end));
      }
      next = terms.choose(trusted, next, at);
      if (next->kind != TermKind::Unknown)
        start = emitter.emit32(next);
    }
    Value live;
    if (evaluates()) {
      TermEmitter emitter(plan, builder, start);
      live = emitter.emit(terms.either(plan.inKernel, terms.negate(trusted)));
    } else {
      live = arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
    }
    YieldOp::create(builder, loc, ValueRange{start, live});
  }

  FoldPlan plan;
  FoldOp fold;
  Terms &terms;
  FoldTerms &values;
  TermRef trusted = nullptr;
};

struct PlanMask : impl::PlanMaskBase<PlanMask> {
  using Base::Base;
  void runOnOperation() override {
    SmallVector<FoldOp> folds;
    getOperation().walk([&](FoldOp fold) { folds.push_back(fold); });
    for (FoldOp fold : folds) {
      FoldPlanner planner(fold);
      if (warnUnsafeRows)
        planner.warn();
      planner.run();
    }
  }
};

} // namespace

bool mayHop(KernelOp kernel) {
  constexpr int64_t kTile = 64; // where the text says nothing; what bounds say hangs on no size
  FailureOr<KernelAxes> axes = KernelAxes::of(kernel);
  if (failed(axes))
    return false;
  OpBuilder builder(kernel.getContext());
  OwningOpRef<ModuleOp> scratch = ModuleOp::create(builder, kernel.getLoc());
  builder.setInsertionPointToEnd(scratch->getBody());
  auto tiled = cast<KernelOp>(builder.clone(*kernel));
  SmallVector<StringAttr> names = axes->scheduled();
  tiled.setScheduleAttr(ScheduleAttr::get(kernel.getContext(), names,
                                          SmallVector<int64_t>(names.size(), kTile), /*warps=*/4,
                                          /*stages=*/1, StringAttr(), /*parts=*/1, /*ctas=*/1));
  ScopedDiagnosticHandler quiet(kernel.getContext(), [](Diagnostic &) { return success(); });
  PassManager passes(kernel.getContext());
  passes.addNestedPass<KernelOp>(createTile());
  if (failed(passes.run(*scratch)))
    return false;
  return tiled
      .walk([](FoldOp fold) {
        return FoldPlanner(fold).hops() ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

} // namespace fc
