// MaskFacts.cpp - the mask of each walk: its conditions, what bounds the loop, the tiles at a
// launch
//
// Words come from the analysis, asked again on the tiles before the plan; numbers from the code
// that the plan left: bounds and flags are computed for every tile, as the kernel computes them.
#include "compiler/Analysis/FoldPlan.h"
#include "compiler/Explain/CollectorState.h"
#include "compiler/Explain/ScalarValues.h"
#include "compiler/Explain/Simplify.h"
#include "compiler/IR/TestMap.h"
#include "dsl/DumpAst.h"
#include "mlir/Analysis/SliceAnalysis.h"

using namespace mlir;

namespace fc::explain {

/// Points of rows and keys above which the mask is not evaluated one by one.
constexpr int64_t kMostPoints = int64_t(1) << 26;

static std::string keysOf(FoldOp fold) { return cast<StringAttr>(fold.getAxes()[0]).str(); }

/// The program's coordinate of the last tile axis, or null.
static BlockArgument rowStart(KernelOp kernel) {
  ProgramOp program = kernel.program();
  BlockArgument found;
  for (auto [argument, tile] : llvm::zip(program.getBody().getArguments(), program.getTiles()))
    if (tile)
      found = argument;
  return found;
}

//===-- In words -------------------------------------------------------------------===//

/// The plan in the names of the text.
static void describe(FoldPlan &plan, Mask &mask) {
  auto text = [&](TermRef term) { return plan.print(term); };
  mask.possible = text(simplified(plan.terms, plan.possible));
  if (plan.inKernel)
    mask.inKernel = text(simplified(plan.terms, plan.inKernel));
  mask.certain = text(simplified(plan.terms, plan.certain));
  for (const Span &span : plan.segments) {
    Mask::Segment segment;
    if (span.low->kind != TermKind::Unknown)
      segment.low = printEnd(span.low, /*isLow=*/true, text, segment.onlyIf);
    if (span.high->kind != TermKind::Unknown)
      segment.high = printEnd(span.high, /*isLow=*/false, text, segment.onlyIf);
    mask.segments.push_back(segment);
  }
  for (const BoundSearch &search : plan.searches)
    mask.searched.push_back(text(search.condition));
  mask.boundsAreExact = plan.exact;
  mask.undecided = plan.undecided;
  mask.safetyKnown = true;
  mask.safe = plan.safety.proved;
  mask.witness = plan.safety.witness;
  mask.unsafeBecause = plan.safety.reason;
}

void Collector::readMasks(KernelOp kernel, PerKernel &state) {
  const dsl::Axis *rows = rowsOf(state.kernel);
  for (FoldOp fold : foldsOf(kernel)) {
    Mask mask;
    mask.keys = keysOf(fold);
    mask.rows = rows ? rows->name : "";
    auto schedule = kernel.getSchedule();
    mask.rowTile = rows && schedule ? std::max<int64_t>(schedule->size(rows->name), 1) : 1;
    mask.keyTile = fold.getStep() ? fold.getStep()->back() : 1;
    if (fold.getAxes().size() == 1)
      if (const dsl::Axis *keys = axisOf(state.kernel, mask.keys)) {
        dsl::ExactMask exact(state.kernel, rows, keys, {}, {});
        for (const dsl::MaskCondition &part : exact.conditions()) {
          std::string text = dsl::formula(*part.condition);
          if (part.deadWhen)
            text = "not (" + text + ")";
          mask.conditions.push_back(state.names.quote(part.condition->loc, text));
        }
      }
    if (fold.getAxes().size() != 1 || !fold.getStep()) {
      mask.why = "it walks several axes at once";
    } else {
      FoldPlan plan(fold);
      mask.found = plan.exists() && !mask.conditions.empty();
      mask.why = plan.reason();
      if (plan.exists())
        describe(plan, mask);
    }
    state.facts->masks.push_back(mask);

    // The tiles as they were before the mask had a say.
    auto &ranges = state.ranges.emplace_back();
    if (!state.launch || fold.getAxes().size() != 1 || !fold.getStep())
      continue;
    ScalarValues scalars(kernel, *state.launch);
    for (auto [argument, axis] : llvm::zip(kernel.program().getBody().getArguments(),
                                           kernel.program().getAxes().getAsRange<StringAttr>()))
      scalars.set(argument, state.launch->at.count(axis.str()) ? state.launch->at[axis.str()] : 0);
    auto extent = [&]() -> std::optional<int64_t> {
      BlockArgument start = rowStart(kernel);
      return start ? scalars.of(kernel.program().getExtents()[start.getArgNumber()]) : 1;
    }();
    for (int64_t row = 0; extent && row < *extent; row += mask.rowTile) {
      if (BlockArgument start = rowStart(kernel))
        scalars.set(start, row);
      auto lo = scalars.of(fold.getLo()[0]), hi = scalars.of(fold.getHi()[0]);
      if (!lo || !hi) {
        ranges.clear();
        break;
      }
      ranges.push_back({*lo, std::max(*lo, *hi)});
    }
  }
}

//===-- In numbers -----------------------------------------------------------------===//

/// The selects that the mask is made of, and how many of them only tested tiles run.
static void countTests(FoldOp fold, Mask &mask) {
  mask.skipsPerTile = !fold.getHop().empty();
  Terms terms;
  FoldTerms values(terms, fold);
  if (!maskOf(terms, values, fold).live)
    return;
  for (arith::SelectOp select : values.selects) {
    ++mask.selects;
    mask.marked += select->getParentOp()->hasAttr(kTestAttr);
  }
}

/// Whether a value is the same for all points of the grid's scalar axes.
static bool isSameForAll(Value value, ProgramOp program) {
  SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.omitBlockArguments = true;
  bool same = true;
  auto check = [&](Value each) {
    auto argument = dyn_cast<BlockArgument>(each);
    if (argument && argument.getOwner() == &program.getBody().front())
      same &= program.getTiles()[argument.getArgNumber()];
  };
  check(value);
  if (Operation *op = value.getDefiningOp()) {
    (void)getBackwardSlice(op, &slice, options);
    slice.insert(op);
  }
  for (Operation *op : slice)
    for (Value operand : op->getOperands())
      check(operand);
  return same;
}

static double flopsOfTurn(FoldOp fold) {
  double flops = 0;
  fold.getBody().walk([&](DotOp dot) {
    llvm::MapVector<StringAttr, int64_t> sizes;
    for (Value operand : {dot.getA(), dot.getB()})
      for (auto &[axis, size] : axesOf(operand.getType()))
        sizes[axis] = size;
    double product = 2;
    for (auto &[axis, size] : sizes)
      product *= double(size);
    flops += product;
  });
  return flops;
}

void Collector::readPlan(KernelOp kernel, PerKernel &state) {
  for (auto [i, fold] : llvm::enumerate(foldsOf(kernel))) {
    countTests(fold, state.facts->masks[i]);
    state.maps.emplace_back();
    if (state.launch && failure.empty())
      countTiles(kernel, fold, i, state);
  }
}

void Collector::countTiles(KernelOp kernel, FoldOp fold, unsigned walk, PerKernel &state) {
  Launch &launch = *state.launch;
  const Mask &mask = state.facts->masks[walk];
  const auto &ranges = state.ranges[walk];
  Counts counts;
  counts.at = launch.place;
  ProgramOp program = kernel.program();
  ScalarValues scalars(kernel, launch);
  for (auto [argument, axis, extent, tile] :
       llvm::zip(program.getBody().getArguments(), program.getAxes().getAsRange<StringAttr>(),
                 program.getExtents(), program.getTiles())) {
    scalars.set(argument, launch.at.count(axis.str()) ? launch.at[axis.str()] : 0);
    if (tile)
      continue;
    int64_t points = scalars.of(extent).value_or(1);
    counts.slices *= points;
    if (failure.empty() && launch.at[axis.str()] >= points)
      failure = "--at: `" + axis.str() + "` has " + std::to_string(points) + " points; " +
                std::to_string(launch.at[axis.str()]) + " is none of them";
  }
  if (!failure.empty())
    return;
  if (ranges.empty()) {
    counts.unchecked = "its range is known to a run only";
    state.facts->counts.push_back(counts);
    return;
  }
  SmallVector<MapOp> tests;
  fold.getBody().walk([&](MapOp map) {
    if (map->hasAttr(kTestAttr))
      tests.push_back(map);
  });
  bool untested = mask.selects == mask.marked && (mask.found || mask.conditions.empty());
  TileMap map;
  map.kernel = state.kernel.name;
  map.rows = mask.rows;
  map.keys = mask.keys;
  map.rowTile = mask.rowTile;
  map.keyTile = mask.keyTile;
  map.rowTiles = ranges.size();
  map.keyBegin = INT64_MAX;
  for (auto [lo, hi] : ranges) {
    map.keyBegin = std::min(map.keyBegin, lo);
    map.keyEnd = std::max(map.keyEnd, hi);
  }
  map.keyTiles = (map.keyEnd - map.keyBegin + map.keyTile - 1) / map.keyTile;
  if (double(map.rowTiles) * double(map.keyTiles) > 0x1p24) {
    counts.unchecked = "more than 16 million tiles";
    state.facts->counts.push_back(counts);
    return;
  }
  map.kinds.assign(map.rowTiles * map.keyTiles, TileKind::Skipped);
  counts.rowTiles = map.rowTiles;
  counts.keyTiles = map.keyTiles;
  for (int64_t row = 0; row < map.rowTiles; ++row) {
    if (BlockArgument start = rowStart(kernel))
      scalars.set(start, row * map.rowTile);
    auto lo = scalars.of(fold.getLo()[0]), hi = scalars.of(fold.getHi()[0]);
    if (!lo || !hi) {
      counts.unchecked = "its bounds need " + scalars.why();
      state.facts->counts.push_back(counts);
      return;
    }
    for (int64_t key = *lo; key < *hi; key += map.keyTile) {
      std::optional<int64_t> next = scalars.nextTile(fold, key, *hi);
      if (!next) {
        counts.unchecked = "its tiles need " + scalars.why();
        state.facts->counts.push_back(counts);
        return;
      }
      key = *next;
      if (key >= *hi)
        break;
      bool full = untested;
      if (!tests.empty()) {
        scalars.set(fold.getBody().getArgument(0), key);
        for (MapOp test : tests)
          full &= scalars.of(test.getIns()[0]).value_or(1) == 0;
      }
      map.kinds[row * map.keyTiles + (key - map.keyBegin) / map.keyTile] =
          full ? TileKind::Full : TileKind::Partial;
    }
  }
  counts.same = isSameForAll(fold.getLo()[0], program) && isSameForAll(fold.getHi()[0], program);
  if (!fold.getHop().empty())
    for (Value yielded : cast<YieldOp>(fold.getHop().front().getTerminator()).getValues())
      counts.same &= isSameForAll(yielded, program);
  for (MapOp test : tests)
    counts.same &= isSameForAll(test.getIns()[0], program);
  checkTiles(map, counts, state);
  for (TileKind kind : map.kinds)
    ++(kind == TileKind::Skipped ? counts.skipped
       : kind == TileKind::Full  ? counts.full
                                 : counts.partial);
  double flops = flopsOfTurn(fold);
  counts.flopsAll = flops * double(map.kinds.size());
  counts.flopsWalked = flops * double(counts.full + counts.partial);
  counts.flopsNeeded = flops * double(int64_t(map.kinds.size()) - counts.trueEmpty);
  state.facts->counts.push_back(counts);
  state.maps.back() = std::move(map);
}

/// What the tiles truly are, by the reference evaluator.
void Collector::checkTiles(TileMap &map, Counts &counts, PerKernel &state) {
  Launch &launch = *state.launch;
  const dsl::Axis *keys = axisOf(state.kernel, map.keys);
  if (!keys || keys->kind == dsl::Axis::Grid)
    return;
  dsl::ExactMask exact(state.kernel, rowsOf(state.kernel), keys, launch.dims, launch.scalars);
  counts.unchecked = exact.unknown();
  for (const dsl::Tensor *tensor : exact.reads())
    if (!launch.tensor(tensor->name, counts.unchecked))
      return;
  if (!counts.unchecked.empty())
    return;
  auto fail = [&](const dsl::ReferenceError &error) {
    failure = error.render(program);
    if (StringRef(failure).ends_with("\n"))
      failure.pop_back();
  };
  dsl::ExactMask::Window window;
  if (auto error = exact.enter(launch.tensors(), launch.at, window))
    return fail(*error);
  int64_t width = window.keyEnd - window.keyBegin;
  // A grid as wide as the longest of several sequences has programs without rows.
  int64_t rowTiles = (window.rowEnd - window.rowBegin + map.rowTile - 1) / map.rowTile;
  if (rowTiles < map.rowTiles) {
    counts.idleRowTiles = map.rowTiles - rowTiles;
    counts.rowTiles = map.rowTiles = rowTiles;
    map.kinds.resize(rowTiles * map.keyTiles);
  }
  if ((window.rowEnd - window.rowBegin) * width > kMostPoints) {
    counts.unchecked = "more than " + std::to_string(kMostPoints) + " points";
    return;
  }
  std::vector<uint8_t> live;
  for (int64_t row = 0; row < map.rowTiles; ++row) {
    int64_t begin = window.rowBegin + row * map.rowTile,
            end = std::min(begin + map.rowTile, window.rowEnd);
    if (begin >= end)
      break;
    if (auto error = exact.evaluate(begin, end, live))
      return fail(*error);
    for (int64_t tile = 0; tile < map.keyTiles; ++tile) {
      int64_t from = tile * map.keyTile, to = std::min(from + map.keyTile, width), sum = 0;
      for (int64_t i = 0; i < end - begin; ++i)
        for (int64_t j = from; j < to; ++j)
          sum += live[i * width + j];
      counts.trueEmpty += sum == 0;
      counts.trueFull += sum == (end - begin) * map.keyTile;
    }
  }
  counts.checked = true;
}

} // namespace fc::explain
