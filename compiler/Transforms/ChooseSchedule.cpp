// ChooseSchedule.cpp - tile sizes, warps and ring slots: asked for, or the largest that fits the
// target
//
// The result is an attribute of the kernel, `#fc.schedule`, which every later pass reads; none of
// them asks the target for policy. What is asked for on the command line wins over the kernel's own
// statement.
#include "compiler/Target/ResourceModel.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/SplitWalks.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_CHOOSESCHEDULE
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// The kernel's own schedule for the target, left by import: `{i = 64, warps = 4}`. The sizes that
/// the grid states by `by` are among them.
constexpr StringLiteral kAskedAttr = "fc.schedule_items";
/// An item that splits a walk: `split:j=2`.
constexpr StringLiteral kSplit = "split:";

struct ChooseSchedule : impl::ChooseScheduleBase<ChooseSchedule> {
  using Base::Base;

  void runOnOperation() override {
    KernelOp kernel = getOperation();
    if (failed(choose(kernel)))
      signalPassFailure();
    kernel->removeAttr(kAskedAttr);
  }

  LogicalResult choose(KernelOp kernel) {
    const TargetInfo *info = findTarget(target);
    if (!info)
      return kernel.emitError("target `")
             << target << "` is unknown; it must be one of " << targetNames();
    if (strategy != "scalar" && strategy != "tensor" && strategy != "pipelined" &&
        strategy != "auto")
      return kernel.emitError("strategy `")
             << strategy << "` is unknown; it must be `scalar`, `tensor`, `pipelined` or `auto`";
    matrices = strategy == "tensor" || strategy == "pipelined";
    FailureOr<KernelAxes> axes = KernelAxes::of(kernel);
    if (failed(axes))
      return failure();
    splitAxis = {};
    parts = 1;
    AxisSizes asked;
    std::optional<int64_t> warps, stages;
    if (failed(collect(kernel, *axes, *info, asked, warps, stages)))
      return failure();

    if (failed(checkParts(kernel, asked, warps)))
      return failure();
    SmallVector<StringAttr> names = axes->scheduled();
    SmallVector<ScheduleChoice> candidates = enumerate(kernel, *axes, asked, warps, stages);
    ResourceModel model(kernel, *info);
    for (const ScheduleChoice &choice : candidates) {
      if (model.shared(choice).total() > model.sharedLimit() ||
          model.registers(choice).total() > model.registerLimit(choice))
        continue;
      SmallVector<int64_t> sizes;
      for (StringAttr name : names)
        sizes.push_back(choice.sizes.lookup(name));
      kernel.setScheduleAttr(ScheduleAttr::get(&getContext(), names, sizes, choice.warps,
                                               choice.stages, choice.splitAxis, choice.parts));
      return success();
    }
    return refuse(kernel, *info, names, closest(model, candidates));
  }

  //===-- What is asked for ----------------------------------------------------===//

  LogicalResult addItem(KernelOp kernel, StringRef item,
                        llvm::MapVector<StringAttr, int64_t> &list) {
    auto [key, text] = item.split('=');
    int64_t value;
    if (key.trim().empty() || text.trim().getAsInteger(10, value))
      return kernel.emitError("`")
             << item << "` is no schedule item; write `axis=size`, `warps=n` or `stages=n`";
    // `walks:j` is for the derivation of folds.
    if (!key.starts_with("walks:"))
      list[StringAttr::get(&getContext(), key.trim())] = value;
    return success();
  }

  LogicalResult collect(KernelOp kernel, const KernelAxes &axes, const TargetInfo &info,
                        AxisSizes &asked, std::optional<int64_t> &warps,
                        std::optional<int64_t> &stages) {
    // Later ones win: what the text asks for, what the command line does.
    llvm::MapVector<StringAttr, int64_t> list;
    if (auto own = kernel->getAttrOfType<DictionaryAttr>(kAskedAttr))
      for (NamedAttribute item : own)
        list[item.getName()] = cast<IntegerAttr>(item.getValue()).getInt();
    // A statement is written for every strategy; most have no use for more slots than one.
    if (strategy != "pipelined")
      list.erase(StringAttr::get(&getContext(), "stages"));
    list.remove_if([&](auto &item) { return isIdleSplit(kernel, item.first); });
    for (StringRef item : items)
      if (failed(addItem(kernel, item, list)))
        return failure();
    SmallVector<StringAttr> known = axes.scheduled();
    for (auto [key, value] : list) {
      if (key == "warps") {
        if (value < 1 || value > info.warpsPerCta)
          return kernel.emitError("schedule asks for ")
                 << value << " warps; a CTA has 1 to " << info.warpsPerCta;
        warps = value;
      } else if (key == "stages") {
        if (value != 1 && strategy != "pipelined")
          return kernel.emitError("schedule asks for ")
                 << value << " stages; this strategy copies when it needs the data, in 1";
        if (value < 1 || value > 4)
          return kernel.emitError("schedule asks for ")
                 << value << " stages; a ring has 1 to 4 slots";
        stages = value;
      } else if (key.getValue().starts_with(kSplit)) {
        if (failed(takeSplit(kernel, known, key, value, info)))
          return failure();
      } else if (llvm::is_contained(known, key)) {
        if (!KernelAxes::isTileSize(value))
          return kernel.emitError("schedule asks for tiles of ")
                 << value << " along `" << key.getValue()
                 << "`; a tile size is 1, 2, 4 or a multiple of 8";
        asked[key] = value;
      } else if (axes.fixed.contains(key)) {
        if (value == axes.fixed.lookup(key))
          continue;
        return kernel.emitError("schedule asks for a tile size of `")
               << key.getValue() << "`, but the kernel fixes it at " << axes.fixed.lookup(key);
      } else {
        auto error = kernel.emitError("schedule names `")
                     << key.getValue() << "`, which is no axis of `" << kernel.getSymName()
                     << "`; it has ";
        for (StringAttr axis : known)
          error << "`" << axis.getValue() << "`, ";
        return error << "`warps` and `stages`";
      }
    }
    return success();
  }

  /// Whether a kernel's own statement asks to split a walk that must stay whole. It says how, never
  /// what, so it is passed over, with a remark.
  bool isIdleSplit(KernelOp kernel, StringAttr key) {
    StringRef axis = key.getValue();
    if (!axis.consume_front(kSplit))
      return false;
    std::string why = obstacleToSplit(kernel, StringAttr::get(&getContext(), axis));
    if (!why.empty())
      kernel.emitRemark("walk over `") << axis << "` is not split: " << why;
    return !why.empty();
  }

  /// Tiles and warps must give each part the same.
  LogicalResult checkParts(KernelOp kernel, const AxisSizes &asked, std::optional<int64_t> warps) {
    if (parts == 1)
      return success();
    if (warps && *warps % parts)
      return kernel.emitError("schedule splits `")
             << splitAxis.getValue() << "` into " << parts << " parts, which cannot share "
             << *warps << " warps evenly";
    if (int64_t size = asked.lookup(splitAxis);
        size && (size % parts || !KernelAxes::isTileSize(size / parts)))
      return kernel.emitError("schedule splits tiles of ")
             << size << " along `" << splitAxis.getValue() << "` into " << parts
             << " parts; a part has 1, 2, 4 or a multiple of 8 points";
    return success();
  }

  LogicalResult takeSplit(KernelOp kernel, ArrayRef<StringAttr> known, StringAttr key,
                          int64_t value, const TargetInfo &info) {
    auto axis = StringAttr::get(&getContext(), key.getValue().drop_front(kSplit.size()));
    if (splitAxis && splitAxis != axis)
      return kernel.emitError("schedule splits `")
             << splitAxis.getValue() << "` and `" << axis.getValue() << "`; one walk can be split";
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
    splitAxis = axis;
    parts = value;
    return success();
  }

  //===-- What is tried --------------------------------------------------------===//

  /// All choices that hold to what is asked for, the best first. There is always one.
  SmallVector<ScheduleChoice> enumerate(KernelOp kernel, const KernelAxes &axes,
                                        const AxisSizes &asked, std::optional<int64_t> warps,
                                        std::optional<int64_t> stages) {
    SmallVector<ScheduleChoice> list(1);
    list[0].sizes = axes.fixed;
    list[0].stages = stages.value_or(1);
    list[0].matrices = matrices;
    list[0].splitAxis = splitAxis;
    list[0].parts = parts;
    for (StringAttr axis : axes.scheduled()) {
      SmallVector<int64_t> sizes{64, 32, 16, 8};
      if (!llvm::is_contained(axes.grid, axis))
        sizes.append({4, 2, 1});
      if (axis == splitAxis) // each part is like a tile of its own
        for (int64_t &size : sizes)
          size *= parts;
      if (asked.contains(axis))
        sizes = {asked.lookup(axis)};
      else if (isOuterOfFold(kernel, axis))
        sizes = {1};
      else if (std::optional<int64_t> extent = knownExtent(kernel, axis))
        // No tile is wider than its axis.
        llvm::erase_if(
            sizes, [&](int64_t size) { return size > std::max<int64_t>(alignTo8(*extent), 8); });
      SmallVector<ScheduleChoice> extended;
      for (const ScheduleChoice &choice : list)
        for (int64_t size : sizes) {
          extended.push_back(choice);
          extended.back().sizes[axis] = size;
        }
      list = std::move(extended);
    }
    // More warps share the registers of a tile that is too large for a few.
    SmallVector<ScheduleChoice> extended;
    for (const ScheduleChoice &choice : list) {
      SmallVector<int64_t> counts{warps.value_or(defaultWarps(axes, choice) * parts)};
      if (!warps)
        for (int64_t more : {4, 8, 16})
          if (more > counts[0] && more % parts == 0 &&
              (!matrices || rowsOf(axes, choice) * parts % (16 * more) == 0))
            counts.push_back(more);
      for (int64_t count : counts) {
        extended.push_back(choice);
        extended.back().warps = count;
      }
    }
    list = std::move(extended);
    // Most work in a tile first; of equals, the one with the larger tile of the grid, which reads
    // less.
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

  static int64_t alignTo8(int64_t size) { return (size + 7) / 8 * 8; }

  /// Of the axes that one fold walks together only the last, the fastest, is cut into tiles.
  bool isOuterOfFold(KernelOp kernel, StringAttr axis) {
    bool outer = false;
    kernel.walk([&](FoldOp fold) {
      outer |= llvm::is_contained(fold.getAxes().getValue().drop_back(), axis);
    });
    return outer;
  }

  /// The length of a grid or walked axis, if it is a constant.
  std::optional<int64_t> knownExtent(KernelOp kernel, StringAttr axis) {
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
  static int64_t rowsOf(const KernelAxes &axes, const ScheduleChoice &choice) {
    int64_t rows = 32;
    for (StringAttr axis : llvm::reverse(axes.grid))
      if (choice.sizes.lookup(axis) > 1)
        rows = choice.sizes.lookup(axis);
    return rows;
  }

  /// Four warps, fewer where the rows would not give eight to each (sixteen, by tensor cores).
  int64_t defaultWarps(const KernelAxes &axes, const ScheduleChoice &choice) {
    int64_t rows = rowsOf(axes, choice), warps = 4;
    while (warps > 1 && rows < (matrices ? 16 : 8) * warps)
      warps /= 2;
    return warps;
  }

  bool matrices = false; ///< whether products may be by tensor cores
  StringAttr splitAxis;  ///< whose walk is split into `parts`, if any is
  int64_t parts = 1;

  //===-- What is refused ------------------------------------------------------===//

  /// Of the smallest tiles, those on the number of warps that lacks least.
  static ScheduleChoice closest(const ResourceModel &model, ArrayRef<ScheduleChoice> candidates) {
    auto lacks = [&](const ScheduleChoice &choice) {
      return model.shared(choice).total() > model.sharedLimit()
                 ? choice.warps
                 : model.registers(choice).total() - model.registerLimit(choice);
    };
    const ScheduleChoice *best = &candidates.back();
    for (const ScheduleChoice &choice : candidates)
      if (llvm::equal(choice.sizes, best->sizes) && lacks(choice) < lacks(*best))
        best = &choice;
    return *best;
  }

  LogicalResult refuse(KernelOp kernel, const TargetInfo &info, ArrayRef<StringAttr> names,
                       const ScheduleChoice &choice) {
    ResourceModel model(kernel, info);
    Usage shared = model.shared(choice), registers = model.registers(choice);
    auto error = kernel.emitError("schedule <");
    for (StringAttr name : names)
      error << name.getValue() << " = " << choice.sizes.lookup(name) << ", ";
    error << "warps = " << choice.warps << "> does not fit " << info.name << ": ";
    if (shared.total() > model.sharedLimit())
      error << "the operands of products take " << shared.total()
            << " bytes of shared memory, the largest " << shared.largest()->amount << " ("
            << shared.largest()->what << "), and a CTA has " << model.sharedLimit();
    else
      error << "its tiles take " << registers.total() << " registers a thread at once, the largest "
            << registers.largest()->amount << " (" << registers.largest()->what
            << "), and there are " << model.registerLimit(choice)
            << " beside addresses and counters";
    return error;
  }
};

} // namespace
} // namespace fc
