// StageCopies.cpp - folds become loops; tiles in shared memory become slots of rings
//
// Two steps. First every fc.fold is an scf.for (several axes: a nest), its state the iteration
// arguments. Then every tile that lives in shared memory, and every conversion between registers
// that shuffles elements across threads, gets a ring: the producer acquires a slot, fills and
// publishes it, the consumers wait, use and release it. With one slot and plain copies all of that
// happens in program order; the barriers between come from fc-allocate-shared, which sees every
// access.
//
// Asynchronous copies run ahead. With one slot (FlashAttention-2's order, Dao 2023): the tiles that
// a turn of a loop reads, r0, r1, .., rk, are each on their way while the one before is used, and
// r0 of the next turn while rk is; a turn has as many barriers as tiles. With n slots a turn waits
// for all its tiles at its top, and behind its first product begins the copies of the turn n - 1
// later, into the slots of the turn before: one barrier, which says both that the tiles are there
// and that those slots are free. A copy for another turn makes its indices anew from that turn's
// coordinate, and copies nothing past the end. A walk that skips tiles has two slots at most: a
// turn knows where the next one starts (a hop at its top), and no more.
#include "compiler/IR/SharedLayout.h"
#include "compiler/IR/Turns.h"
#include "compiler/Transforms/HopLoops.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Threads/Layout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_STAGECOPIES
#include "compiler/Transforms/Passes.h.inc"

namespace {

Value constant(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(value));
}

//===-- Folds --------------------------------------------------------------------===//

/// A fold with a hop: the loop starts where the hop from `lo` leads, and a hop at its top says
/// where the next turn starts (`kHopsAttr`). It carries the number of the turn, first of all.
void lowerHops(FoldOp fold) {
  OpBuilder builder(fold);
  Location loc = fold.getLoc();
  int64_t step = (*fold.getStep())[0];
  Value hi = fold.getHi()[0], width = constant(builder, loc, step);
  auto hop = [&](OpBuilder &at, Value from) -> Value {
    auto op = HopOp::create(at, loc, at.getI32Type(), from, hi, step, /*monotone=*/false);
    IRMapping mapping;
    fold.getHop().cloneInto(&op.getBody(), mapping);
    return op;
  };
  SmallVector<Value> state{constant(builder, loc, 0)};
  llvm::append_range(state, fold.getInit());
  auto loop = scf::ForOp::create(builder, loc, hop(builder, fold.getLo()[0]), hi, width, state);
  loop->setAttr(kHopsAttr, builder.getUnitAttr());
  Block &body = fold.getBody().front(), *inner = loop.getBody();
  for (auto [argument, value] : llvm::zip(
           body.getArguments(), llvm::concat<Value>(SmallVector<Value>{loop.getInductionVar()},
                                                    llvm::drop_begin(loop.getRegionIterArgs()))))
    argument.replaceAllUsesWith(value);
  OpBuilder top = OpBuilder::atBlockBegin(inner);
  hop(top, arith::AddIOp::create(top, loc, loop.getInductionVar(), width));
  Value number =
      arith::AddIOp::create(top, loc, loop.getRegionIterArgs()[0], constant(top, loc, 1));
  YieldOp yield = fold.yield();
  SmallVector<Value> results{number};
  llvm::append_range(results, yield.getValues());
  yield.erase();
  inner->getOperations().splice(inner->end(), body.getOperations());
  builder.setInsertionPointToEnd(inner);
  scf::YieldOp::create(builder, loc, results);
  fold.replaceAllUsesWith(loop.getResults().drop_front());
  fold.erase();
}

/// One scf.for an axis, the first outermost. An empty range turns the loop zero times: the state is
/// `init`.
void lowerFold(FoldOp fold) {
  if (!fold.getHop().empty())
    return lowerHops(fold);
  OpBuilder builder(fold);
  Location loc = fold.getLoc();
  ArrayRef<int64_t> steps = *fold.getStep();
  SmallVector<Value> state(fold.getInit()), coordinates, widths;
  for (int64_t step : steps)
    widths.push_back(constant(builder, loc, step));
  SmallVector<scf::ForOp> loops;
  for (auto [lo, hi, width] : llvm::zip(fold.getLo(), fold.getHi(), widths)) {
    auto loop = scf::ForOp::create(builder, loc, lo, hi, width, state);
    loops.push_back(loop);
    coordinates.push_back(loop.getInductionVar());
    state.assign(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
    builder.setInsertionPointToStart(loop.getBody());
  }
  Block *inner = loops.back().getBody();
  if (inner->mightHaveTerminator())
    inner->getTerminator()->erase();
  Block &body = fold.getBody().front();
  for (auto [argument, value] :
       llvm::zip(body.getArguments(), llvm::concat<Value>(coordinates, state)))
    argument.replaceAllUsesWith(value);
  YieldOp yield = fold.yield();
  SmallVector<Value> results(yield.getValues());
  Location yieldLoc = yield.getLoc();
  yield.erase();
  inner->getOperations().splice(inner->end(), body.getOperations());
  for (scf::ForOp loop : llvm::reverse(loops)) {
    Block *block = loop.getBody();
    if (block != inner && block->mightHaveTerminator())
      block->getTerminator()->erase();
    builder.setInsertionPointToEnd(block);
    scf::YieldOp::create(builder, yieldLoc, results);
    results.assign(loop.getResults().begin(), loop.getResults().end());
  }
  fold.replaceAllUsesWith(results);
  fold.erase();
}

//===-- Rings --------------------------------------------------------------------===//

class Staging {
public:
  Staging(KernelOp kernel, StringRef via)
      : kernel(kernel), program(kernel.program()), slots(kernel.getSchedule()->getStages()),
        via(via) {}

  LogicalResult run() {
    SmallVector<Operation *> sources;
    int warps = kernel.getSchedule()->getWarps();
    kernel.walk([&](Operation *op) {
      for (Type type : op->getResultTypes())
        if (auto tile = dyn_cast<TileType>(type); tile && tile.shared()) {
          sources.push_back(op);
          return;
        }
      if (auto convertOp = dyn_cast<ConvertOp>(op); convertOp && needsExchange(convertOp, warps))
        sources.push_back(op);
    });
    if (via != "plain" && failed(runAhead(sources)))
      return failure();
    for (Operation *op : sources)
      if (op && failed(stage(op)))
        return failure();
    for (scf::ForOp loop : ahead)
      sinkWaits(loop);
    return success();
  }

private:
  static bool needsExchange(ConvertOp op, int warps) {
    PlaceAttr from = op.getIn().getType().registers(), to = op.getOut().getType().registers();
    if (!from || !to)
      return false;
    Conversion::Kind kind = convert(from.place(), to.place(), warps).kind;
    return kind == Conversion::Shuffle || kind == Conversion::Shared;
  }

  /// What a loop's first copies could be kept back by, waits for tiles in front of it (Q) and what
  /// is made of those, moves behind them.
  static void sinkWaits(scf::ForOp loop) {
    for (WaitOp wait : llvm::to_vector(loop->getBlock()->getOps<WaitOp>())) {
      // Where nothing uses the tile, a loop before ends its copies: those of this one may take over
      // the bytes.
      if (!wait->isBeforeInBlock(loop) || wait->use_empty())
        continue;
      llvm::SmallSetVector<Operation *, 16> chain;
      chain.insert(wait);
      bool movable = true;
      for (Operation *op = wait->getNextNode(); op != loop; op = op->getNextNode()) {
        auto release = dyn_cast<ReleaseOp>(op);
        bool uses = false; // a loop between does it in its body
        op->walk([&](Operation *each) {
          uses |= llvm::any_of(each->getOperands(), [&](Value in) {
            return in.getDefiningOp() && chain.contains(in.getDefiningOp());
          });
        });
        if (!uses && !(release && release.getRing() == wait.getRing()))
          continue;
        movable &= isa<LoadOp, ReleaseOp>(op) || isPure(op);
        chain.insert(op);
      }
      if (!movable)
        continue;
      for (Operation *op : chain)
        op->moveBefore(loop);
      // Its copies are a group of their own, the loop's first ones come later.
      auto unroll = loop->getAttrOfType<IntegerAttr>(kUnrollAttr);
      bool hasGroups = llvm::any_of(loop.getOps<PublishOp>(),
                                    [](PublishOp publish) { return publish->hasAttr(kGroupAttr); });
      if (!hasGroups || !isAsynchronous(wait.getRing()))
        continue;
      Builder builder(wait.getContext());
      for (Operation *user : wait.getRing().getUsers())
        if (isa<PublishOp>(user))
          user->setAttr(kGroupAttr, builder.getUnitAttr());
      wait->setAttr(kPendingAttr, builder.getI64IntegerAttr(unroll.getInt() - 1));
    }
  }

  //===-- Copies that run ahead ---------------------------------------------------===//

  /// Stages the reads of each loop whose copies can be begun in an earlier place; clears them in
  /// `sources`.
  LogicalResult runAhead(SmallVector<Operation *> &sources) {
    llvm::MapVector<scf::ForOp, SmallVector<ReadOp>> byLoop;
    for (Operation *op : sources)
      if (auto read = dyn_cast<ReadOp>(op); read && !read->use_empty())
        if (auto loop = dyn_cast<scf::ForOp>(read->getParentOp()))
          if (canRemake(read, loop))
            byLoop[loop].push_back(read);
    for (auto &[loop, reads] : byLoop) {
      // Where a walk hops, only the next turn's start is known, and in a nest not even that.
      bool inSlots = slots > 1 && !loop->getParentOfType<scf::ForOp>();
      if (reads.size() < 2 && !inSlots)
        continue; // its only slot is in use until the turn ends
      llvm::sort(reads,
                 [](ReadOp a, ReadOp b) { return firstUse(a)->isBeforeInBlock(firstUse(b)); });
      for (ReadOp read : reads)
        llvm::replace(sources, read.getOperation(), static_cast<Operation *>(nullptr));
      if (failed(inSlots ? stageInSlots(loop, reads) : stageAhead(loop, reads)))
        return failure();
      ahead.push_back(loop);
    }
    return success();
  }

  LogicalResult stageAhead(scf::ForOp loop, ArrayRef<ReadOp> reads) {
    Location loc = loop.getLoc();
    OpBuilder before(loop), top = OpBuilder::atBlockBegin(loop.getBody());
    Value next = nextStart(loop);
    if (next)
      top.setInsertionPointAfterValue(next);
    else
      next = arith::AddIOp::create(top, loc, loop.getInductionVar(), loop.getStep());
    auto turns = [&](OpBuilder &builder, Value at) -> Value {
      return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, at,
                                   loop.getUpperBound());
    };
    Value hasFirst = turns(before, loop.getLowerBound()), hasNext = turns(top, next);
    Operation *waited = nullptr; // for the tile before
    SmallVector<std::pair<ReadOp, Value>> rings;
    for (ReadOp read : reads)
      rings.push_back({read, ringFor(read, 1)});
    Operation *lastUse = nullptr, *firstDone = nullptr; // of the tile before, of the first one
    for (auto [number, entry] : llvm::enumerate(rings)) {
      auto [read, ring] = entry;
      if (number > 0) {
        OpBuilder behind(waited->getBlock(), std::next(waited->getIterator()));
        copyAt(behind, loop, read, ring, loop.getInductionVar(), {}, constant(behind, loc, 0));
      }
      // As early as the tile before is done with: what lies between hides the copy that follows.
      Operation *first = firstUse(read);
      if (lastUse && lastUse->isBeforeInBlock(first))
        first = lastUse->getNextNode();
      OpBuilder builder(first);
      Value turn = constant(builder, read.getLoc(), 0);
      TileType tile = cast<TileType>(read.getOut().getType());
      Value filled = WaitOp::create(builder, read.getLoc(), SlotType::get(tile.getContext(), tile),
                                    ring, turn);
      waited = filled.getDefiningOp();
      Operation *last = use(read.getOut(), filled);
      if (!last)
        return failure();
      builder.setInsertionPointAfter(last);
      lastUse = ReleaseOp::create(builder, read.getLoc(), ring, turn);
      if (number == 0)
        firstDone = lastUse;
    }
    Operation *free = firstDone->isBeforeInBlock(waited) ? waited : firstDone;
    OpBuilder behind(free->getBlock(), std::next(free->getIterator()));
    copyAt(behind, loop, rings[0].first, rings[0].second, next, hasNext, constant(behind, loc, 0));
    copyAt(before, loop, rings[0].first, rings[0].second, loop.getLowerBound(), hasFirst,
           constant(before, loc, 0));
    // The zeros that the last turn's copy past the end leaves arrive before the bytes serve others.
    OpBuilder after(loop->getBlock(), std::next(loop->getIterator()));
    Value turn = constant(after, loc, 0), ring = rings[0].second;
    TileType tile = cast<RingType>(ring.getType()).getTile();
    WaitOp::create(after, loc, SlotType::get(tile.getContext(), tile), ring, turn);
    ReleaseOp::create(after, loc, ring, turn);
    for (ReadOp read : reads)
      read->erase();
    return success();
  }

  LogicalResult stageInSlots(scf::ForOp loop, SmallVector<ReadOp> reads) {
    Location loc = loop.getLoc();
    OpBuilder before(loop), top = OpBuilder::atBlockBegin(loop.getBody());
    Value next = nextStart(loop); // where it hops
    int64_t slots = next ? kSlotsOfHops : this->slots;
    auto later = [&](OpBuilder &builder, Value from, int64_t turns) -> Value {
      for (int64_t i = 0; i < turns; ++i)
        from = arith::AddIOp::create(builder, loc, from, loop.getStep());
      return from;
    };
    auto exists = [&](OpBuilder &builder, Value at) -> Value {
      return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, at,
                                   loop.getUpperBound());
    };
    SmallVector<Value> rings;
    for (ReadOp read : reads)
      rings.push_back(ringFor(read, slots));
    bool hasGroups =
        slots > 2 && llvm::any_of(reads, [&](ReadOp read) { return viaOf(read) != "plain"; });
    /// The copies of one turn. Several turns under way are told apart by groups, plain copies by
    /// nothing.
    auto begin = [&](OpBuilder &builder, Value at, Value number) {
      Value condition = exists(builder, at);
      PublishOp last;
      for (auto [read, ring] : llvm::zip(reads, rings))
        last = copyAt(builder, loop, read, ring, at, condition, number);
      if (hasGroups)
        last->setAttr(kGroupAttr, builder.getUnitAttr());
    };
    for (int64_t turn = 0; turn + 1 < slots; ++turn)
      begin(before, later(before, loop.getLowerBound(), turn), constant(before, loc, turn));

    // The number of the turn, of which only the slot matters: the loop's copies know it.
    Value number;
    Operation *count;
    if (next) {
      count =
          arith::RemUIOp::create(top, loc, loop.getRegionIterArgs()[0], constant(top, loc, slots));
    } else {
      number = arith::SubIOp::create(top, loc, loop.getInductionVar(), loop.getLowerBound());
      count = arith::DivUIOp::create(top, loc, number, loop.getStep());
    }
    count->setAttr(kTurnAttr, top.getUnitAttr());
    number = count->getResult(0);
    loop->setAttr(kUnrollAttr, top.getI64IntegerAttr(slots));
    Operation *first = firstUse(reads[0]);
    OpBuilder wait(first);
    SmallVector<Value> filled;
    for (auto [read, ring] : llvm::zip(reads, rings)) {
      TileType tile = cast<TileType>(read.getOut().getType());
      auto op =
          WaitOp::create(wait, read.getLoc(), SlotType::get(tile.getContext(), tile), ring, number);
      if (hasGroups)
        op->setAttr(kPendingAttr, wait.getI64IntegerAttr(slots - 2));
      filled.push_back(op);
    }
    for (auto [read, ring, slot] : llvm::zip(reads, rings, filled)) {
      Operation *last = use(read.getOut(), slot);
      if (!last)
        return failure();
      // A load takes the place of the conversion that used the tile.
      if (read == reads[0])
        first = firstUser(slot);
      OpBuilder behind(last->getBlock(), std::next(last->getIterator()));
      ReleaseOp::create(behind, read.getLoc(), ring, number);
    }
    OpBuilder behind(first->getBlock(), std::next(first->getIterator()));
    Value turn = arith::AddIOp::create(behind, loc, number, constant(behind, loc, slots - 1));
    begin(behind, next ? next : later(behind, loop.getInductionVar(), slots - 1), turn);

    // The zeros of copies past the end arrive before the bytes serve others.
    OpBuilder after(loop->getBlock(), std::next(loop->getIterator()));
    Value zero = constant(after, loc, 0);
    for (Value ring : rings) {
      TileType tile = cast<RingType>(ring.getType()).getTile();
      WaitOp::create(after, loc, SlotType::get(tile.getContext(), tile), ring, zero);
      ReleaseOp::create(after, loc, ring, zero);
    }
    for (ReadOp read : reads)
      read->erase();
    return success();
  }

  /// How a read's tile is copied: asynchronously where the rung has that and the tile allows it.
  StringRef viaOf(ReadOp read) {
    auto tile = cast<TileType>(read.getOut().getType());
    return CopyOp::canBeAsynchronous(tile, read.getIndices(), read.getBounded(), read.getWhere())
               ? via
               : "plain";
  }

  Value ringFor(ReadOp read, int64_t count) {
    TileType tile = cast<TileType>(read.getOut().getType());
    OpBuilder top = OpBuilder::atBlockBegin(&program.getBody().front());
    return RingOp::create(top, read.getLoc(), RingType::get(tile.getContext(), tile, count),
                          IntegerAttr{});
  }

  /// The copy of a read in the turn that starts at `at`, if `condition` holds.
  PublishOp copyAt(OpBuilder &builder, scf::ForOp loop, ReadOp read, Value ring, Value at,
                   Value condition, Value turn) {
    Location loc = read.getLoc();
    IRMapping map;
    map.map(loop.getInductionVar(), at);
    auto remakeAll = [&](ValueRange values) {
      SmallVector<Value> list;
      for (Value value : values)
        list.push_back(remake(builder, loop, value, map));
      return list;
    };
    SmallVector<Value> indices = remakeAll(read.getIndices()),
                       bounded = remakeAll(read.getBounded()), limits = remakeAll(read.getLimits()),
                       where = remakeAll(read.getWhere());
    if (condition)
      where.push_back(condition);
    auto tile = cast<TileType>(read.getOut().getType());
    Value slot =
        AcquireOp::create(builder, loc, SlotType::get(tile.getContext(), tile), ring, turn);
    CopyOp::create(builder, loc, read.getTensor(), indices, bounded, limits, where, slot,
                   builder.getStringAttr(viaOf(read)));
    return PublishOp::create(builder, loc, ring, turn);
  }

  /// Whether what a read of a loop's body needs can be computed for any turn: from the coordinate
  /// and from what stands outside.
  static bool canRemake(ReadOp read, scf::ForOp loop) {
    return llvm::all_of(read->getOperands(), [&](Value value) { return canRemake(value, loop); });
  }
  static bool canRemake(Value value, scf::ForOp loop) {
    if (!loop->isAncestor(value.getParentRegion()->getParentOp()) ||
        value == loop.getInductionVar())
      return true;
    Operation *op = value.getDefiningOp();
    return op && isPure(op) && op->getNumRegions() <= 1 && op->getBlock() == loop.getBody() &&
           llvm::all_of(op->getOperands(), [&](Value in) { return canRemake(in, loop); });
  }
  static Value remake(OpBuilder &builder, scf::ForOp loop, Value value, IRMapping &map) {
    if (Value known = map.lookupOrNull(value))
      return known;
    if (!loop->isAncestor(value.getParentRegion()->getParentOp()))
      return value;
    for (Value operand : value.getDefiningOp()->getOperands())
      remake(builder, loop, operand, map);
    builder.clone(*value.getDefiningOp(), map);
    return map.lookup(value);
  }

  //===-- Copies where they are needed -----------------------------------------------===//

  LogicalResult stage(Operation *op) {
    if (auto read = dyn_cast<ReadOp>(op))
      return stageRead(read);
    if (auto convertOp = dyn_cast<ConvertOp>(op))
      return stageConvert(convertOp);
    return op->emitError("gives a tile in shared memory; only `fc.read` and `fc.convert` can");
  }

  /// A slot filled from global memory, as late as its first use allows: what is copied late does
  /// not keep its slot, and two copies before one product share a barrier.
  LogicalResult stageRead(ReadOp read) {
    TileType tile = cast<TileType>(read.getOut().getType());
    if (read->use_empty()) {
      read.erase();
      return success();
    }
    OpBuilder builder(firstUse(read));
    Turn turn = open(builder, read.getLoc(), read, tile, slotsAt(read));
    CopyOp::create(builder, read.getLoc(), read.getTensor(), read.getIndices(), read.getBounded(),
                   read.getLimits(), read.getWhere(), turn.slot,
                   builder.getStringAttr(viaOf(read)));
    return hand(builder, read, read.getOut(), turn);
  }

  LogicalResult stageConvert(ConvertOp op) {
    TileType from = op.getIn().getType(), to = op.getOut().getType();
    if (from.shared() && to.shared())
      return op.emitError("goes from shared memory to shared memory");
    if (from.shared())
      return success(); // becomes an fc.load when its source is staged
    if (op->use_empty()) {
      op.erase();
      return success();
    }
    OpBuilder builder(op);
    Turn turn = open(builder, op.getLoc(), op, to.shared() ? to : exchangeTile(from, to), 1);
    StoreOp::create(builder, op.getLoc(), op.getIn(), turn.slot);
    if (to.shared())
      return hand(builder, op, op.getOut(), turn);
    Value filled = publishAndWait(builder, op.getLoc(), turn);
    Value loaded = LoadOp::create(builder, op.getLoc(), to, filled);
    ReleaseOp::create(builder, op.getLoc(), turn.ring, turn.number);
    op.getOut().replaceAllUsesWith(loaded);
    op.erase();
    return success();
  }

  struct Turn {
    Value ring, number, slot;
  };

  /// Reads inside loops get as many slots as the schedule says; all else is used at once and needs
  /// one.
  int64_t slotsAt(Operation *op) { return op->getParentOfType<scf::ForOp>() ? slots : 1; }

  Turn open(OpBuilder &builder, Location loc, Operation *at, TileType tile, int64_t count) {
    OpBuilder top = OpBuilder::atBlockBegin(&program.getBody().front());
    Value ring =
        RingOp::create(top, loc, RingType::get(tile.getContext(), tile, count), IntegerAttr{});
    Value number = turnNumber(builder, loc);
    Value slot =
        AcquireOp::create(builder, loc, SlotType::get(tile.getContext(), tile), ring, number);
    return {ring, number, slot};
  }

  Value publishAndWait(OpBuilder &builder, Location loc, Turn turn) {
    PublishOp::create(builder, loc, turn.ring, turn.number);
    return WaitOp::create(builder, loc, turn.slot.getType(), turn.ring, turn.number);
  }

  /// Publishes the slot and gives it to the users of `value`, which `op` made and which goes away.
  LogicalResult hand(OpBuilder &builder, Operation *op, Value value, Turn turn) {
    Value filled = publishAndWait(builder, op->getLoc(), turn);
    Operation *last = use(value, filled);
    if (!last)
      return failure();
    builder.setInsertionPointAfter(last);
    ReleaseOp::create(builder, op->getLoc(), turn.ring, turn.number);
    op->erase();
    return success();
  }

  /// Gives a filled slot to the users of `value`. The operation of the slot's block that holds the
  /// last of them; null (after an error) if one cannot use it.
  static Operation *use(Value value, Value filled) {
    Operation *last = filled.getDefiningOp();
    Block *block = last->getBlock();
    for (OpOperand &use : llvm::make_early_inc_range(value.getUses())) {
      Operation *user = use.getOwner();
      Operation *here = block->findAncestorOpInBlock(*user);
      if (last->isBeforeInBlock(here))
        last = here;
      if (isa<DotOp>(user)) {
        use.set(filled);
        continue;
      }
      auto toRegisters = dyn_cast<ConvertOp>(user);
      if (!toRegisters) {
        user->emitError("uses a tile that is in shared memory; it must be converted to registers "
                        "first");
        return nullptr;
      }
      OpBuilder load(user);
      Value loaded = LoadOp::create(load, user->getLoc(), toRegisters.getOut().getType(), filled);
      if (last == user)
        last = loaded.getDefiningOp();
      toRegisters.getOut().replaceAllUsesWith(loaded);
      user->erase();
    }
    return last;
  }

  /// The operation of the value's own block that holds its first use.
  static Operation *firstUse(ReadOp read) { return firstUser(read.getOut()); }
  static Operation *firstUser(Value value) {
    Operation *first = nullptr;
    for (Operation *user : value.getUsers()) {
      Operation *here = value.getParentBlock()->findAncestorOpInBlock(*user);
      if (!first || here->isBeforeInBlock(first))
        first = here;
    }
    return first;
  }

  /// The number of the turn: how many turns of the enclosing loops were begun before this one. The
  /// loops that one fold became count as one.
  Value turnNumber(OpBuilder &builder, Location loc) {
    auto loop = dyn_cast_or_null<scf::ForOp>(builder.getInsertionBlock()->getParentOp());
    if (!loop)
      return constant(builder, loc, 0);
    Value &known = numbers[loop];
    if (known)
      return known;
    if (loop->hasAttr(kHopsAttr))
      return known = loop.getRegionIterArgs()[0];
    OpBuilder inside = OpBuilder::atBlockBegin(loop.getBody());
    auto distance = [&](Value from, Value to) -> Value {
      if (matchPattern(from, m_Zero()))
        return to;
      return arith::SubIOp::create(inside, loc, to, from);
    };
    Value number = arith::DivUIOp::create(
        inside, loc, distance(loop.getLowerBound(), loop.getInductionVar()), loop.getStep());
    auto outer = dyn_cast<scf::ForOp>(loop->getParentOp());
    if (outer && &outer.getBody()->front() == loop.getOperation()) {
      Value before = turnNumber(inside = OpBuilder(loop), loc);
      inside.setInsertionPointAfterValue(number);
      Value turns = arith::CeilDivSIOp::create(
          inside, loc, distance(loop.getLowerBound(), loop.getUpperBound()), loop.getStep());
      number = arith::AddIOp::create(inside, loc, arith::MulIOp::create(inside, loc, before, turns),
                                     number);
    }
    return known = number;
  }

  /// The layout through which registers exchange: contiguous is the axis along which both sides
  /// take the fewest accesses, as wide as the runs are that a thread holds.
  TileType exchangeTile(TileType from, TileType to) {
    int64_t bytes = std::max<int64_t>(from.getElement().getIntOrFloatBitWidth() / 8, 1);
    auto accesses = [&](TileType tile, int axis) {
      Layout layout = Layout::of(tile, kernel.getSchedule()->getWarps());
      return layout.values / layout.runs(axis, 16 / bytes).width;
    };
    int count = int(from.getAxes().size()), best = count - 1;
    auto cost = [&](int axis) { return accesses(from, axis) + accesses(to, axis); };
    for (int axis = count - 2; axis >= 0; --axis)
      if (cost(axis) < cost(best))
        best = axis;
    StringRef minor = from.getAxes()[best].getValue();
    return from.withPlace(SharedAttr::get(from.getContext(), minor,
                                          SharedLayout::choosePage(from.size(minor), bytes)));
  }

  /// Of a loop that skips tiles, where there are to be several.
  static constexpr int64_t kSlotsOfHops = 2;

  KernelOp kernel;
  ProgramOp program;
  int64_t slots;
  StringRef via;                              ///< of copies that can choose: `plain`, `cp_async`
  llvm::DenseMap<Operation *, Value> numbers; ///< the turn's number in a loop, at the loop's top
  SmallVector<scf::ForOp> ahead;              ///< loops whose copies run ahead
};

struct StageCopies : impl::StageCopiesBase<StageCopies> {
  using Base::Base;
  void runOnOperation() override {
    SmallVector<FoldOp> folds;
    getOperation().walk([&](FoldOp fold) { folds.push_back(fold); });
    for (FoldOp fold : folds)
      lowerFold(fold);
    if (failed(Staging(getOperation(), copies).run()))
      signalPassFailure();
  }
};
} // namespace
} // namespace fc
