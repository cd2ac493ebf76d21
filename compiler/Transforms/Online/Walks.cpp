// Walks.cpp - partition of a block's reductions into walks
//
// Reductions over the same axes and range go in one walk as far as the algebra carries each along
// with those it depends on. One that is refused begins the next walk, in which the earlier ones are
// finished values and its terms are computed again; language S4 wants such a walk asked for. Values
// of a hand-written loop are finished by themselves: what uses them begins a new walk, and having
// written the loop is asking.
#include "compiler/Transforms/Online/Walks.h"
#include "compiler/IR/KernelAxes.h"
#include "compiler/Transforms/Online/Emit.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fc::online {
namespace {

/// Masks are 64 bits wide; a kernel text is far from that.
constexpr unsigned kMaxReductions = 64;

using AxisList = SmallVector<AxisOp, 2>;

/// A reduction or a write that needs a walk.
struct Item {
  Operation *op;
  unsigned group;      ///< over which axes
  unsigned number = 0; ///< of a reduction, in the graph
  unsigned level = 1;  ///< in which walk of the block; a walk comes after those of lower level
  unsigned extra = 0;  ///< walks before it that the schedule must allow
  bool isWrite() const { return isa<WriteOp>(op); }
};

/// One fold to be made.
struct Walk {
  explicit Walk(Graph &graph) : derivation(graph) {}
  Derivation derivation;
  SmallVector<unsigned> reductions;
  SmallVector<WriteOp> writes;
};

class BlockWalks {
public:
  BlockWalks(Block &block, DictionaryAttr walks, WalkListener *listener)
      : block(block), allowed(walks), listener(listener), graph(block.getParentOp()->getContext()) {
  }

  LogicalResult run() {
    // Loops written by hand first: what their bodies reduce does not concern the block around them.
    for (Operation &op : llvm::make_early_inc_range(block))
      if (auto fold = dyn_cast<FoldOp>(op))
        if (failed(makeFolds(fold.getBody().front(), allowed, listener)))
          return failure();
    if (failed(takeIn()) || failed(collect()) || failed(partition()))
      return failure();
    if (items.empty())
      return success();
    SmallVector<FoldOp> folds = emit();
    for (FoldOp fold : folds)
      if (failed(makeFolds(fold.getBody().front(), allowed, listener)))
        return failure();
    return success();
  }

private:
  /// The `fc.axis` without a size along which `value` varies by the name of `axis`, if it is
  /// walked.
  AxisOp walkedAxis(Value value, StringAttr axis);
  LogicalResult takeIn();
  Value madeHere(Value value, OpBuilder &builder, llvm::MapVector<Value, Value> &made);
  LogicalResult collect();
  LogicalResult partition();
  void place(Item &item);
  LogicalResult refuse(const Item &item, const Refusal &refusal, unsigned needed);
  SmallVector<FoldOp> emit();
  unsigned groupOf(const AxisList &axes);
  unsigned allowedFor(unsigned group);
  std::string nameOf(Operation *op);

  Block &block;
  DictionaryAttr allowed;
  bool ok = true; ///< whether no value of `takeIn` was refused
  WalkListener *listener;
  Graph graph;
  llvm::DenseMap<std::pair<Value, StringAttr>, AxisOp> walkedMemo;
  SmallVector<AxisOp> ranges; ///< one for each name and range
  SmallVector<AxisList> groups;
  SmallVector<Item> items;
  SmallVector<unsigned> itemOf; ///< of a reduction's number
  llvm::MapVector<std::pair<unsigned, unsigned>, std::unique_ptr<Walk>>
      walks; ///< by level and group
};

//===-- What needs a walk ------------------------------------------------------===//

AxisOp BlockWalks::walkedAxis(Value value, StringAttr axis) {
  if (!over(value, axis.getValue()))
    return {};
  auto [it, isNew] = walkedMemo.try_emplace({value, axis});
  if (!isNew)
    return it->second;
  AxisOp found;
  if (Operation *op = value.getDefiningOp()) {
    if (auto axisOp = dyn_cast<AxisOp>(op)) {
      if (!axisOp.getSize()) {
        auto known = llvm::find_if(ranges, [&](AxisOp range) {
          return range.axis() == axisOp.axis() && range.getLo() == axisOp.getLo() &&
                 range.getHi() == axisOp.getHi();
        });
        found = known == ranges.end() ? ranges.emplace_back(axisOp) : *known;
      }
    } else {
      for (Value operand : op->getOperands())
        if ((found = walkedAxis(operand, axis)))
          break;
    }
  }
  walkedMemo[{value, axis}] = found;
  return found;
}

/// What the body of a walk reads of values over an axis that is walked, but that were made around
/// it, since they do not vary along the walk itself, is made anew in it: it is a value of the walk
/// within.
LogicalResult BlockWalks::takeIn() {
  if (!isa<FoldOp>(block.getParentOp()))
    return success();
  OpBuilder builder = OpBuilder::atBlockBegin(&block);
  llvm::MapVector<Value, Value> made;
  for (Operation &op : llvm::make_early_inc_range(block))
    for (OpOperand &operand : op.getOpOperands())
      operand.set(madeHere(operand.get(), builder, made));
  for (auto &[value, again] : llvm::reverse(made))
    if (isOpTriviallyDead(value.getDefiningOp()))
      value.getDefiningOp()->erase();
  return success(ok);
}

Value BlockWalks::madeHere(Value value, OpBuilder &builder, llvm::MapVector<Value, Value> &made) {
  Operation *op = value.getDefiningOp();
  bool varies = llvm::any_of(axesOf(value.getType()),
                             [&](auto &axis) { return bool(walkedAxis(value, axis.first)); });
  if (!op || op->getBlock() == &block || isa<AxisOp>(op) || !varies)
    return value;
  if (Value known = made.lookup(value))
    return known;
  auto walk = cast<FoldOp>(block.getParentOp());
  auto outer = cast<StringAttr>(walk.getAxes()[0]);
  if (auto reduced = op->getAttrOfType<ArrayAttr>("axes")) {
    // In a walk over the same axis, it would see one tile only.
    for (FoldOp fold = walk; fold; fold = fold->getParentOfType<FoldOp>())
      for (auto axis : reduced.getAsRange<StringAttr>())
        if (llvm::is_contained(fold.getAxes(), axis)) {
          ok = false;
          auto error = op->emitError("`")
                       << nameOf(op) << "` is wanted in each turn of a walk over `"
                       << axis.getValue() << "`, which is its own axis";
          error.attachNote(walk.getLoc())
              << "`" << axis.getValue()
              << "` is not held, so that what is stored along it is computed a tile at a time here";
          error.attachNote() << "what works: a compile-time size of at most "
                             << KernelAxes::kMostHeld
                             << ", which is held, or another axis of the same range in one of the "
                                "two places";
          return value;
        }
    op->emitRemark("`") << nameOf(op) << "` is computed anew in each turn of the walk over `"
                        << outer.getValue() << "`";
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(madeHere(operand, builder, made));
  Operation *again = builder.clone(*op);
  again->setOperands(operands);
  return made[value] = again->getResult(cast<OpResult>(value).getResultNumber());
}

unsigned BlockWalks::groupOf(const AxisList &axes) {
  // The order is that of the text that names them first.
  auto it = llvm::find_if(groups, [&](const AxisList &known) {
    return known.size() == axes.size() &&
           llvm::all_of(axes, [&](AxisOp axis) { return llvm::is_contained(known, axis); });
  });
  if (it == groups.end())
    it = groups.insert(groups.end(), axes);
  return it - groups.begin();
}

LogicalResult BlockWalks::collect() {
  for (Operation &op : block) {
    AxisList axes;
    auto addAxis = [&](Value value, StringAttr axis) {
      AxisOp walked = walkedAxis(value, axis);
      if (walked && !llvm::is_contained(axes, walked))
        axes.push_back(walked);
    };
    if (isa<ReduceOp, DotOp>(op)) {
      for (auto axis : op.getAttrOfType<ArrayAttr>("axes").getAsRange<StringAttr>())
        for (Value operand : op.getOperands())
          addAxis(operand, axis);
      // Along another walked axis the result is a value of that walk: it is reduced in its body.
      if (llvm::any_of(axesOf(op.getResult(0).getType()),
                       [&](auto &entry) { return bool(walkedAxis(op.getResult(0), entry.first)); }))
        continue;
    } else if (isa<WriteOp>(op)) {
      for (Value operand : op.getOperands())
        for (auto &entry : axesOf(operand.getType()))
          addAxis(operand, entry.first);
    }
    if (axes.empty())
      continue;
    for (size_t i = 1; i < axes.size(); ++i)
      if (axes[i - 1].axis() == axes[i].axis()) {
        op.emitError("walks axis `") << axes[i].axis() << "` over two ranges at once";
        return failure();
      }
    Item item{&op, groupOf(axes)};
    if (!item.isWrite()) {
      item.number = graph.addReduction(&op);
      itemOf.push_back(items.size());
    }
    items.push_back(item);
  }
  if (itemOf.size() > kMaxReductions)
    return block.getParentOp()->emitError("has ")
           << itemOf.size() << " reductions over walked axes; this compiler takes "
           << kMaxReductions;
  if (items.empty())
    return success();
  // In program order, so that no recursion is deep.
  for (Operation &op : block)
    for (Value result : op.getResults())
      graph.of(result);
  if (graph.hasTooManyAxes())
    return block.getParentOp()->emitError("has more than 64 axes");
  return success();
}

//===-- Which walk -------------------------------------------------------------===//

unsigned BlockWalks::allowedFor(unsigned group) {
  int64_t most = 1;
  for (AxisOp axis : groups[group])
    if (allowed)
      if (auto count = dyn_cast_or_null<IntegerAttr>(allowed.get(axis.axis())))
        most = std::max(most, count.getInt());
  return unsigned(most);
}

/// The lowest walk in which `item` may stand: after those it depends on, or with them.
void BlockWalks::place(Item &item) {
  auto finished = [&](const Item &other, bool asked) {
    item.level = std::max(item.level, other.level + 1);
    if (other.group == item.group)
      item.extra = std::max(item.extra, other.extra + (asked ? 0 : 1));
  };
  llvm::SmallPtrSet<const Node *, 16> seen;
  std::function<void(const Node *)> visit = [&](const Node *node) {
    if (!node->reductions || !seen.insert(node).second)
      return;
    auto forEachReduction = [&](auto use) {
      for (auto [number, index] : llvm::enumerate(itemOf))
        if (node->reductions >> number & 1)
          use(items[index]);
    };
    if (node->kind == Kind::Reduce) {
      const Item &other = items[itemOf[node->number]];
      if (other.group == item.group && !item.isWrite()) {
        item.level = std::max(item.level, other.level);
        item.extra = std::max(item.extra, other.extra);
      } else {
        finished(other, false);
        // What that walk needed of this one's axes is finished too.
        for (const Node *operand : node->operands)
          visit(operand);
      }
      return;
    }
    if (node->kind == Kind::Value) {
      // A hand-written loop is a finished value, and having written it is asking for the walk.
      Operation *op = node->origin.getDefiningOp();
      if (op && op->getNumRegions())
        return forEachReduction([&](const Item &other) { finished(other, true); });
      for (const Node *source : node->sources)
        visit(source);
    }
    for (const Node *operand : node->operands)
      visit(operand);
  };
  if (item.isWrite())
    for (Value operand : item.op->getOperands())
      visit(graph.of(operand));
  else
    for (const Node *operand : graph.reductions()[item.number].node->operands)
      visit(operand);
}

LogicalResult BlockWalks::partition() {
  // What was refused first: if walks are missing, that is what the message is about.
  std::optional<std::pair<Item, Refusal>> first;
  unsigned needed = 1;
  for (Item &item : items) {
    place(item);
    Refusal refusal;
    auto walkAt = [&](unsigned level) -> Walk & {
      auto &walk = walks[{level, item.group}];
      if (!walk)
        walk = std::make_unique<Walk>(graph);
      return *walk;
    };
    if (item.isWrite()) {
      if (item.extra)
        refusal.why =
            "what is written depends on a reduction that is known only when the walk has ended";
      walkAt(item.level).writes.push_back(cast<WriteOp>(item.op));
    } else {
      while (auto refused = walkAt(item.level).derivation.add(item.number)) {
        refusal = *refused;
        if (listener)
          listener->anotherWalk(item.op, refusal);
        ++item.level;
        ++item.extra;
      }
      walkAt(item.level).reductions.push_back(item.number);
    }
    if (item.extra + 1 > allowedFor(item.group)) {
      if (!first)
        first = {item, refusal};
      if (first->first.group == item.group)
        needed = std::max(needed, item.extra + 1);
    }
  }
  if (first)
    return refuse(first->first, first->second, needed);
  return success();
}

std::string BlockWalks::nameOf(Operation *op) {
  std::string name = isa<WriteOp>(op) ? "write" : "dot";
  if (auto reduce = dyn_cast<ReduceOp>(op))
    name = stringifyReduceKind(reduce.getKind()).str();
  if (auto axes = op->getAttrOfType<ArrayAttr>("axes")) {
    name += "[";
    llvm::interleave(
        axes.getAsRange<StringAttr>(), [&](StringAttr axis) { name += axis.getValue(); },
        [&] { name += ", "; });
    name += "]";
  }
  return name;
}

LogicalResult BlockWalks::refuse(const Item &item, const Refusal &refusal, unsigned needed) {
  std::string axes;
  llvm::interleave(
      groups[item.group], [&](AxisOp axis) { axes += axis.axis(); }, [&] { axes += ", "; });
  unsigned most = allowedFor(item.group);
  auto error = item.op->emitError("this `")
               << nameOf(item.op) << "` cannot be computed in " << most
               << (most == 1 ? " walk" : " walks") << " over `" << axes << "` [OnlineNotDerivable]";
  if (refusal.at)
    error.attachNote(refusal.at->location) << refusal.why;
  else if (!refusal.why.empty())
    error.attachNote() << refusal.why;
  ReductionMask earlier = refusal.at ? refusal.at->reductions : 0;
  if (!earlier)
    for (Value operand : item.op->getOperands())
      earlier |= graph.of(operand)->reductions;
  // The nearest reduction it depends on.
  for (size_t number = itemOf.size(); number-- > 0;) {
    const Item &other = items[itemOf[number]];
    if ((earlier >> number & 1) && other.group == item.group && other.op != item.op) {
      error.attachNote(other.op->getLoc())
          << "`" << nameOf(other.op) << "` here is a reduction over `" << axes << "` too";
      break;
    }
  }
  error.attachNote() << "what works: `schedule { walks " << groups[item.group].front().axis()
                     << " = " << needed
                     << " }`, which walks again for it and computes its terms anew; or give the "
                     << "earlier reduction as an input";
  return failure();
}

//===-- Folds ------------------------------------------------------------------===//

SmallVector<FoldOp> BlockWalks::emit() {
  SmallVector<FoldOp> folds;
  llvm::DenseMap<unsigned, Value> finished;
  auto order = llvm::to_vector(llvm::make_first_range(walks));
  llvm::sort(order);
  for (auto key : order) {
    Walk &walk = *walks[key];
    walk.derivation.sort();
    if (listener && !(walk.reductions.empty() && walk.writes.empty()))
      listener->walk(graph, walk.derivation, groups[key.second], walk.reductions, walk.writes);
  }
  for (auto key : order) {
    Walk &walk = *walks[key];
    if (walk.reductions.empty() && walk.writes.empty())
      continue; // what was tried in it went to a later one
    OpBuilder builder = OpBuilder::atBlockEnd(&block);
    if (!block.empty() && block.back().hasTrait<OpTrait::IsTerminator>())
      builder.setInsertionPoint(&block.back());
    Operation *named = walk.reductions.empty() ? walk.writes.front().getOperation()
                                               : graph.reductions()[walk.reductions.front()].op;
    Emitter emitter(graph, walk.derivation, groups[key.second], finished);
    folds.push_back(emitter.run(builder, named->getLoc(), walk.reductions, walk.writes));
  }
  for (Item &item : items)
    if (item.isWrite())
      item.op->erase();
  // Folds were made at the end of the block; what uses them follows them.
  sortTopologically(&block);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
  return folds;
}

} // namespace

LogicalResult makeFolds(Block &block, DictionaryAttr walks, WalkListener *listener) {
  return BlockWalks(block, walks, listener).run();
}

} // namespace fc::online
