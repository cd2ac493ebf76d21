// ScheduleSearch.cpp - which tiles, warps and ring slots a kernel gets on a target
#include "compiler/Target/ScheduleSearch.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;

namespace fc {

namespace {

class Search {
public:
  Search(KernelOp kernel, const KernelAxes &axes, const TargetInfo &target,
         const ScheduleRequest &request)
      : kernel(kernel), axes(axes), target(target), request(request), model(kernel, target) {}

  ScheduleDecision run() {
    ScheduleDecision decision;
    if (multiplies()) {
      int64_t most = request.stages ? 1 : request.mostStages;
      decision = fastest(enumerate(Tiles::Coarse), most);
      // A turn of a walk that skips tiles knows where the next one starts, and no more.
      constexpr int64_t kMostOfHops = 2;
      if (most > kMostOfHops && decision.taken && decision.best()->choice.stages > kMostOfHops &&
          request.hops())
        decision = fastest(enumerate(Tiles::Coarse), kMostOfHops);
      // More warps share out the columns of accumulators that are too long for one: each then
      // computes all scores of its rows.
      if (!request.warps && !decision.taken)
        if (auto wider = fastest(enumerate(Tiles::Shared), /*mostStages=*/1); wider.taken)
          decision = std::move(wider);
    }
    if (!decision.taken) {
      std::optional<ScheduleDecision::Candidate> closest;
      for (const auto &each : decision.candidates)
        if (!closest || lacks(each) <= lacks(*closest)) // the smallest of equals
          closest = each;
      decision = first(enumerate(Tiles::Fine));
      // Sixteen rows to a warp are the instruction's: products by FMAs share columns out, too.
      if (request.matrices && !decision.taken)
        decision = first(enumerate(Tiles::ByFma));
      decision.unsuited = closest;
    }
    return decision;
  }

  ScheduleDecision::Candidate judge(const ScheduleChoice &choice) {
    int64_t perSm = 0; // CTAs that an SM gets of the launch, one after the other or at once
    if (request.programs)
      perSm = (request.programs(choice.sizes) + target.sms - 1) / target.sms;
    ScheduleDecision::Candidate candidate{
        choice, model.estimate(choice, perSm ? perSm : request.atOnce.value_or(INT64_MAX))};
    candidate.time = candidate.estimate.cycles;
    if (perSm)
      candidate.time *= double(perSm * rowsOf(choice)) / 1024;
    if (candidate.estimate.shared > model.sharedLimit())
      candidate.verdict = "too much shared memory";
    else if (candidate.estimate.tiles > model.registerLimit(choice))
      candidate.verdict = "too many registers";
    else if (candidate.estimate.ctasPerSm < choice.ctas)
      candidate.verdict = "fewer CTAs fit an SM";
    return candidate;
  }

private:
  /// Whether some product may be by tensor cores.
  bool multiplies() {
    bool any = false;
    kernel.walk([&](DotOp dot) {
      auto a = dyn_cast<TileType>(dot.getA().getType());
      any |= a && isa<Float16Type, BFloat16Type>(a.getElement());
    });
    return any && request.matrices;
  }

  //===-- What is tried --------------------------------------------------------===//

  /// What suits tensor cores, on a warp for 16 or 32 rows; the same on several; small tiles, too,
  /// as long as there are rows for tensor cores; all tiles, and no product by those.
  enum class Tiles { Coarse, Shared, Fine, ByFma };
  static bool isCoarse(Tiles tiles) { return tiles == Tiles::Coarse || tiles == Tiles::Shared; }

  /// All choices that hold to what is asked for, most work in a tile first. The last kind has one
  /// at least, and so has the one before it for a kernel that has no use for tensor cores.
  SmallVector<ScheduleChoice> enumerate(Tiles tiles) {
    SmallVector<ScheduleChoice> list(1);
    list[0].sizes = axes.fixed;
    list[0].stages = request.stages.value_or(1);
    list[0].matrices = request.matrices && tiles != Tiles::ByFma;
    list[0].asynchronous = request.asynchronous;
    list[0].unaligned = request.unaligned;
    list[0].splitAxis = request.splitAxis;
    list[0].parts = request.parts;
    list[0].ctas = request.ctas.value_or(1);
    for (StringAttr axis : axes.scheduled()) {
      SmallVector<ScheduleChoice> extended;
      for (const ScheduleChoice &choice : list)
        for (int64_t size : sizesOf(axis, isCoarse(tiles))) {
          extended.push_back(choice);
          extended.back().sizes[axis] = size;
        }
      list = std::move(extended);
    }
    SmallVector<ScheduleChoice> extended;
    for (const ScheduleChoice &choice : list)
      for (int64_t count : warpsFor(choice, tiles)) {
        extended.push_back(choice);
        extended.back().warps = count;
      }
    list = std::move(extended);
    // What has no rows for tensor cores is for the search without them.
    if (tiles == Tiles::Fine && multiplies())
      llvm::erase_if(list, [&](const ScheduleChoice &choice) { return rowsOf(choice) % 16 != 0; });
    // Of equals, the one with the larger tile of the grid, which reads less.
    auto work = [&](const ScheduleChoice &choice) {
      int64_t product = 1, rows = 1;
      for (StringAttr axis : axes.scheduled())
        product *= choice.sizes.lookup(axis);
      for (StringAttr axis : axes.grid)
        rows *= choice.sizes.lookup(axis);
      return std::pair(product, rows);
    };
    llvm::stable_sort(list, [&](const auto &a, const auto &b) { return work(a) > work(b); });
    return list;
  }

  SmallVector<int64_t> sizesOf(StringAttr axis, bool coarse) {
    if (request.sizes.contains(axis))
      return {request.sizes.lookup(axis)};
    if (isOuterOfFold(axis))
      return {1};
    bool grid = llvm::is_contained(axes.grid, axis),
         rows = !axes.grid.empty() && axes.grid.back() == axis;
    SmallVector<int64_t> sizes{64, 32, 16};
    if (coarse && axes.scheduled().size() <= 2)
      sizes.insert(sizes.begin(), 128);
    // For one launch the rows may be cut to fill its last wave.
    if (coarse && rows && request.programs)
      sizes = {128, 112, 96, 80, 64, 48, 32, 16};
    if (!coarse)
      sizes.push_back(8);
    if (!coarse && !grid)
      sizes.append({4, 2, 1});
    // No tile is wider than its axis.
    if (std::optional<int64_t> extent = knownExtent(axis))
      llvm::erase_if(sizes, [&](int64_t size) {
        return size > std::max<int64_t>((*extent + 7) / 8 * 8, coarse ? 16 : 8);
      });
    if (rows && request.mostRows)
      llvm::erase_if(sizes, [&](int64_t size) { return size > *request.mostRows && size > 16; });
    if (axis == request.splitAxis) // each part is like a tile of its own
      for (int64_t &size : sizes)
        size *= request.parts;
    return sizes;
  }

  /// Of the axes that one fold walks together only the last, the fastest, is cut into tiles.
  bool isOuterOfFold(StringAttr axis) {
    bool outer = false;
    kernel.walk([&](FoldOp fold) {
      outer |= llvm::is_contained(fold.getAxes().getValue().drop_back(), axis);
    });
    return outer;
  }

  /// The length of a grid or walked axis, if it is a constant.
  std::optional<int64_t> knownExtent(StringAttr axis) {
    std::optional<int64_t> extent;
    ProgramOp program = kernel.program();
    for (auto [i, name] : llvm::enumerate(program.getAxes().getAsRange<StringAttr>()))
      if (name == axis)
        extent = constantOf(program.getExtents()[i]);
    kernel.walk([&](FoldOp fold) {
      for (auto [i, name] : llvm::enumerate(fold.getAxes().getAsRange<StringAttr>()))
        if (auto lo = constantOf(fold.getLo()[i]), hi = constantOf(fold.getHi()[i]);
            name == axis && lo && hi)
          extent = std::max(extent.value_or(0), *hi - *lo);
    });
    return extent;
  }

  /// The points of the first axis of the grid that has more than one in a tile.
  int64_t rowsOf(const ScheduleChoice &choice) const {
    int64_t rows = 32;
    for (StringAttr axis : llvm::reverse(axes.grid))
      if (choice.sizes.lookup(axis) > 1)
        rows = choice.sizes.lookup(axis);
    return rows;
  }

  SmallVector<int64_t> warpsFor(const ScheduleChoice &choice, Tiles tiles) const {
    if (request.warps)
      return {*request.warps};
    int64_t rows = rowsOf(choice), parts = request.parts;
    if (tiles == Tiles::Shared && rows % 16 == 0) {
      SmallVector<int64_t> counts;
      for (int64_t each : {2, 3, 4, 5, 6, 8}) // of the columns; sizes have other factors seldom
        if (int64_t count = rows / 16 * parts * each; count <= kMostWarps)
          counts.push_back(count);
      return counts;
    }
    // 16 or 32 rows a warp: an `mma` has 16, and with 32 each operand B is read once for two.
    if (isCoarse(tiles) && rows % 16 == 0)
      return rows % 32 == 0 ? SmallVector<int64_t>{rows / 16 * parts, rows / 32 * parts}
                            : SmallVector<int64_t>{rows / 16 * parts};
    // Four warps, fewer where the rows would not give eight to each (sixteen, by tensor cores);
    // more share the registers of a tile that is too large for a few.
    SmallVector<int64_t> counts{4};
    while (counts[0] > 1 && rows < (choice.matrices ? 16 : 8) * counts[0])
      counts[0] /= 2;
    counts[0] *= parts;
    for (int64_t more : {4, 8, 16})
      if (more > counts[0] && more % parts == 0 &&
          (!choice.matrices || rows * parts % (16 * more) == 0))
        counts.push_back(more);
    return counts;
  }

  //===-- What is taken --------------------------------------------------------===//

  /// By how many registers it is too large; what shared memory cannot hold is further off.
  std::pair<bool, int64_t> lacks(const ScheduleDecision::Candidate &candidate) const {
    return {candidate.estimate.shared > model.sharedLimit(),
            candidate.estimate.wanted - candidate.estimate.limit};
  }

  /// The first that fits, if it can be, one whose registers are not tight.
  ScheduleDecision first(ArrayRef<ScheduleChoice> choices) {
    ScheduleDecision decision;
    for (const ScheduleChoice &choice : choices) {
      decision.candidates.push_back(judge(choice));
      auto &candidate = decision.candidates.back();
      if (!candidate.verdict.empty())
        continue;
      if (!candidate.estimate.tight) {
        decision.taken = decision.candidates.size() - 1;
        break;
      }
      candidate.verdict = kTight;
      if (!decision.taken)
        decision.taken = decision.candidates.size() - 1;
    }
    if (decision.taken)
      decision.candidates[*decision.taken].verdict = "taken";
    return decision;
  }

  ScheduleDecision fastest(ArrayRef<ScheduleChoice> choices, int64_t mostStages) {
    ScheduleDecision decision;
    for (ScheduleChoice choice : choices)
      // More slots while they pay: what does not fit with few does not with more.
      for (double before = INFINITY;; ++choice.stages) {
        auto &candidate = decision.candidates.emplace_back(judge(choice));
        if (candidate.verdict.empty() && candidate.estimate.tight)
          candidate.verdict = kTight;
        if (!candidate.verdict.empty())
          break;
        candidate.verdict = "slower";
        if (!decision.taken || candidate.time < decision.best()->time)
          decision.taken = decision.candidates.size() - 1;
        if (candidate.time >= before || choice.stages >= mostStages)
          break;
        before = candidate.time;
      }
    if (decision.taken)
      decision.candidates[*decision.taken].verdict = "taken";
    return decision;
  }

  static constexpr int64_t kMostWarps = 16;
  static constexpr const char *kTight = "registers are tight";

  KernelOp kernel;
  const KernelAxes &axes;
  const TargetInfo &target;
  const ScheduleRequest &request;
  ResourceModel model;
};

} // namespace

ScheduleDecision searchSchedule(KernelOp kernel, const KernelAxes &axes, const TargetInfo &target,
                                const ScheduleRequest &request) {
  return Search(kernel, axes, target, request).run();
}

ScheduleDecision::Candidate judgeSchedule(KernelOp kernel, const KernelAxes &axes,
                                          const TargetInfo &target, const ScheduleRequest &request,
                                          const ScheduleChoice &choice) {
  return Search(kernel, axes, target, request).judge(choice);
}

} // namespace fc
