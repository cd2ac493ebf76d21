// AllocateShared.cpp - offsets of rings in shared memory, and the barriers between conflicting
// accesses
//
// Allocation by liveness on the structured IR: a ring lives from its first access to its last, and
// through the whole of a loop that it is accessed in. Only if that does not fit are rings whose
// contents never cross a turn of a loop allowed to share bytes inside it (it costs barriers).
// Offsets are first fit, largest ring first. Then one walk in program order inserts a barrier
// before each access that conflicts with an access since the last barrier: overlapping bytes, one
// of the two a write. A loop's body is walked twice, so that conflicts across its back edge are
// seen; sharing bytes creates such conflicts, hence allocation first. Then barriers and waits that
// are not needed with the others there go.
#include "compiler/IR/SharedLayout.h"
#include "compiler/IR/Turns.h"
#include "compiler/Target/TargetInfo.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Threads/Layout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_ALLOCATESHARED
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// Bytes of shared memory that an operation touches. Of a ring with several slots, `turn` counts
/// from the turn of its loop in which we stand: other slots of it are other bytes.
struct Access {
  int64_t begin, end;
  bool writes;
  Value ring = {};
  std::optional<int64_t> turn = {};
  bool conflicts(const Access &other) const {
    if (ring && ring == other.ring && turn && other.turn &&
        (*turn - *other.turn) % cast<RingType>(ring.getType()).getSlots() != 0)
      return false;
    return (writes || other.writes) && begin < other.end && other.begin < end;
  }
};

/// The operation that numbers the turns of a loop, if its rings have several slots.
Operation *turnsOf(scf::ForOp loop) {
  for (Operation &op : *loop.getBody())
    if (op.hasAttr(kTurnAttr))
      return &op;
  return nullptr;
}

/// A ring, or the room in which a reduction or a merge crosses warps.
struct Buffer {
  Operation *owner; ///< fc.ring, fc.reduce or fc.merge
  int64_t bytes, alignment;
  SmallVector<std::pair<Operation *, bool>> accesses; ///< in program order; true: a write
  int64_t first = 0, last = 0;                        ///< live from .. to, numbers of operations
  int64_t offset = -1;
};

class Allocation {
public:
  explicit Allocation(KernelOp kernel) : kernel(kernel) {
    int64_t number = 0;
    kernel.walk<WalkOrder::PreOrder>([&](Operation *op) { begins[op] = number++; });
    kernel.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      int64_t last = begins[loop];
      loop.walk([&](Operation *op) { last = std::max(last, begins[op]); });
      ends[loop] = last;
    });
    kernel.walk([&](RingOp ring) { addRing(ring); });
    kernel.walk([&](Operation *op) { addExchange(op); });
  }

  LogicalResult place(const TargetInfo &target) {
    int64_t total = tryPlace(/*tight=*/false);
    if (total > target.sharedPerCta)
      total = tryPlace(/*tight=*/true);
    if (total > target.sharedPerCta)
      return refuse(target, total);
    for (Buffer &buffer : buffers)
      if (auto ring = dyn_cast<RingOp>(buffer.owner))
        ring.setOffset(buffer.offset);
      else
        buffer.owner->setAttr("fc.exchange", Builder(kernel).getI64IntegerAttr(buffer.offset));
    kernel->setAttr("fc.shared_bytes", Builder(kernel).getI64IntegerAttr(total));
    return success();
  }

private:
  void addRing(RingOp ring) {
    TileType tile = ring.getRing().getType().getTile();
    SharedLayout layout = SharedLayout::of(tile);
    Buffer buffer{ring, layout.slotStride() * ring.getRing().getType().getSlots(),
                  layout.alignment()};
    for (Operation *user : ring->getUsers())
      for (Value slot : user->getResults())
        for (Operation *access : slot.getUsers())
          buffer.accesses.push_back({access, isa<CopyOp, StoreOp>(access)});
    llvm::sort(buffer.accesses, [&](auto a, auto b) { return begins[a.first] < begins[b.first]; });
    buffers.push_back(buffer);
  }

  void addExchange(Operation *op) {
    if (int64_t bytes = exchangeBytes(op, kernel.getSchedule()->getWarps()))
      buffers.push_back({op, bytes, 16, {{op, true}}});
  }

  /// Sets `first` and `last`. Tight: a ring that every turn of a loop writes before it reads, and
  /// that nothing outside the loop accesses, does not live across turns.
  void setLife(Buffer &buffer, bool tight) {
    buffer.first = buffer.last = begins[buffer.owner];
    if (buffer.accesses.empty())
      return;
    buffer.first = begins[buffer.accesses.front().first];
    buffer.last = begins[buffer.accesses.back().first];
    for (auto [access, writes] : buffer.accesses)
      for (auto loop = access->getParentOfType<scf::ForOp>(); loop;
           loop = loop->getParentOfType<scf::ForOp>()) {
        bool within = loop->isProperAncestor(buffer.accesses.front().first) &&
                      loop->isProperAncestor(buffer.accesses.back().first);
        bool fresh = within && buffer.accesses.front().second && sameBlock(buffer);
        if (tight && fresh)
          continue;
        buffer.first = std::min(buffer.first, begins[loop]);
        buffer.last = std::max(buffer.last, ends[loop]);
      }
  }
  /// The write that comes first happens in every turn in which a read happens.
  static bool sameBlock(Buffer &buffer) {
    Block *block = buffer.accesses.front().first->getBlock();
    auto ring = dyn_cast<RingOp>(buffer.owner);
    return (!ring || ring.getRing().getType().getSlots() == 1) &&
           llvm::all_of(buffer.accesses, [&](auto access) {
             return block->findAncestorOpInBlock(*access.first) != nullptr;
           });
  }

  int64_t tryPlace(bool tight) {
    SmallVector<Buffer *> order;
    for (Buffer &buffer : buffers) {
      setLife(buffer, tight);
      buffer.offset = -1;
      order.push_back(&buffer);
    }
    llvm::stable_sort(order, [](Buffer *a, Buffer *b) { return a->bytes > b->bytes; });
    int64_t total = 0;
    for (Buffer *buffer : order) {
      SmallVector<std::pair<int64_t, int64_t>> taken;
      for (Buffer *other : order)
        if (other->offset >= 0 && other->first <= buffer->last && buffer->first <= other->last)
          taken.push_back({other->offset, other->offset + other->bytes});
      llvm::sort(taken);
      int64_t offset = 0;
      for (auto [begin, end] : taken) {
        if (offset + buffer->bytes <= begin)
          break;
        offset = std::max(offset, int64_t(llvm::alignTo(end, buffer->alignment)));
      }
      buffer->offset = offset;
      total = std::max(total, offset + buffer->bytes);
    }
    // What lives alone behind a loop takes the bytes that the loop reads last, not those of what
    // comes in front of it: the fence that it needs is then needed by every launch, and not only by
    // one in which the loop takes no turn.
    Buffer *last = nullptr;
    for (Buffer *buffer : order)
      if (lastInLoop(*buffer) >= 0 && (!last || lastInLoop(*last) < lastInLoop(*buffer)))
        last = buffer;
    for (Buffer *buffer : order)
      if (last && buffer->first > last->last && llvm::none_of(order, [&](Buffer *other) {
            return other != buffer && other->first <= buffer->last && buffer->first <= other->last;
          }))
        buffer->offset =
            std::min(last->offset, total - buffer->bytes) / buffer->alignment * buffer->alignment;
    return total;
  }

  /// The last access inside a loop; -1 if there is none.
  int64_t lastInLoop(Buffer &buffer) {
    int64_t last = -1;
    for (auto [access, writes] : buffer.accesses)
      if (access->getParentOfType<scf::ForOp>())
        last = std::max(last, begins[access]);
    return last;
  }

  LogicalResult refuse(const TargetInfo &target, int64_t total) {
    SmallVector<Buffer *> order;
    for (Buffer &buffer : buffers)
      order.push_back(&buffer);
    llvm::stable_sort(order, [](Buffer *a, Buffer *b) { return a->bytes > b->bytes; });
    InFlightDiagnostic error = kernel.emitError("needs ")
                               << total << " bytes of shared memory, and " << target.name << " has "
                               << target.sharedPerCta << " for a CTA; choose smaller tiles";
    for (Buffer *buffer : ArrayRef(order).take_front(3))
      if (auto ring = dyn_cast<RingOp>(buffer->owner))
        error.attachNote(ring.getLoc())
            << buffer->bytes << " bytes hold " << ring.getRing().getType().getTile()
            << " here, slots: " << ring.getRing().getType().getSlots();
      else
        error.attachNote(buffer->owner->getLoc())
            << buffer->bytes << " bytes take this exchange between warps";
    return error;
  }

  KernelOp kernel;
  SmallVector<Buffer> buffers;
  llvm::DenseMap<Operation *, int64_t> begins, ends;
};

/// Inserts barriers. `pending` is what any thread may have accessed since the last one.
class Fences {
public:
  explicit Fences(int warps) : warps(warps) {}
  void walk(Block &block) {
    // An operation may gain a barrier before it while we stand on it.
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        SmallVector<Access> before = pending;
        auto unroll = loop->getAttrOfType<IntegerAttr>(kUnrollAttr);
        // A turn more than slots: what turns before have left.
        for (int64_t turn = 0; turn < std::max<int64_t>(2, unroll ? unroll.getInt() + 1 : 0);
             ++turn) {
          walk(*loop.getBody());
          for (Access &access : pending)
            if (access.turn && isNumberedBy(access.ring, turnsOf(loop)))
              --*access.turn;
        }
        pending.append(before); // no turn at all
        for (Access &access : pending)
          if (isNumberedBy(access.ring, turnsOf(loop)))
            access.turn = std::nullopt;
        continue;
      }
      if (isa<gpu::BarrierOp>(op)) {
        pending.clear();
        continue;
      }
      if (auto program = dyn_cast<ProgramOp>(op)) {
        walk(program.getBody().front());
        continue;
      }
      // Bytes that come by themselves are there for the thread that waits; for the others behind
      // the next barrier.
      if (auto wait = dyn_cast<WaitOp>(op)) {
        if (isAsynchronous(wait.getRing())) {
          Access access = accessTo(wait.getSlot());
          access.writes = true;
          pending.push_back(access);
        }
        continue;
      }
      SmallVector<Access> accesses = accessesOf(op);
      bool conflict = llvm::any_of(accesses, [&](const Access &access) {
        return llvm::any_of(pending, [&](const Access &old) { return old.conflicts(access); });
      });
      if (conflict) {
        missing = true;
        if (inserts) {
          OpBuilder builder(&op);
          gpu::BarrierOp::create(builder, op.getLoc());
        }
        pending.clear();
      }
      if (isa<ReduceOp, MergeOp>(op) && !accesses.empty()) {
        // All threads write, meet at a barrier of its own, and read.
        pending = accesses;
        pending[0].writes = false;
        if (auto merge = dyn_cast<MergeOp>(op))
          for (int turn = 0; turn < 2; ++turn) // what combines two states may run more than once
            walk(merge.getCombine().front());
        continue;
      }
      pending.append(accesses);
    }
  }

  /// Drops barriers that another one has made needless: the first turn of a loop asks for one where
  /// what later turns ask for comes before it. What only the first turn asks for, of all that came
  /// before the loop, is one barrier in front of it, not one in every turn.
  void dropIdleBarriers(KernelOp kernel) {
    inserts = false;
    dropIdle(kernel, kernel);
    kernel.walk([&](scf::ForOp loop) {
      OpBuilder builder(loop);
      auto front = gpu::BarrierOp::create(builder, loop.getLoc());
      if (!dropIdle(kernel, loop))
        front->erase();
    });
    dropIdle(kernel, kernel);
  }

  /// Drops waits whose copies need none: on every path from there, other waits and a barrier behind
  /// them come before the bytes are touched, or nothing touches them at all. Later ones go first;
  /// what one that has gone relied on stays.
  void dropIdleWaits(KernelOp kernel) {
    SmallVector<WaitOp> idle;
    kernel.walk<WalkOrder::PostOrder, ReverseIterator>([&](WaitOp wait) {
      if (!isAsynchronous(wait.getRing()))
        return;
      idle.push_back(wait);
      wait->setAttr(kCoveredAttr, UnitAttr::get(kernel.getContext()));
      if (llvm::all_of(idle, [&](WaitOp one) { return isIdle(one); }))
        return;
      idle.pop_back();
      wait->removeAttr(kCoveredAttr);
    });
    for (WaitOp wait : idle)
      if (wait.getSlot().use_empty())
        wait->erase();
  }

private:
  /// Whether a barrier somewhere in `part` was needless.
  bool dropIdle(KernelOp kernel, Operation *part) {
    SmallVector<gpu::BarrierOp> barriers;
    part->walk([&](gpu::BarrierOp barrier) { barriers.push_back(barrier); });
    bool dropped = false;
    for (gpu::BarrierOp barrier : barriers) {
      Operation *next = barrier->getNextNode();
      barrier->remove();
      missing = false;
      pending.clear();
      walk(kernel.getBody().front());
      if (missing) {
        next->getBlock()->getOperations().insert(next->getIterator(), barrier);
      } else {
        barrier->destroy();
        dropped = true;
      }
    }
    return dropped;
  }

  /// Where copies can be that are not waited for: on their way, there for the thread that asked for
  /// them, or there for all, of which nothing more is to be said.
  enum Flight : unsigned { InFlight = 1, Arrived = 2 };

  /// Whether no path from a wait touches its bytes unless they are there for all without it.
  bool isIdle(WaitOp wait) {
    idle = wait;
    idleBytes = accessTo(wait.getSlot());
    idleBytes.writes = true;
    idleBytes.turn = std::nullopt;
    touched = false;
    unsigned flight = InFlight;
    for (Operation *at = wait; !isa<ProgramOp>(at); at = at->getParentOp()) {
      if (isa<scf::ForOp>(at))
        flight = followTurns(at->getRegion(0).front(), flight);
      flight = follow(*at->getBlock(), std::next(at->getIterator()), flight);
    }
    return !touched;
  }
  /// What a flight becomes from an operation to the block's end, and in any number of turns.
  unsigned follow(Block &block, Block::iterator from, unsigned flight) {
    for (Operation &op : llvm::make_range(from, block.end())) {
      for (const Access &access : accessesOf(op))
        touched |= flight && idleBytes.conflicts(access);
      if (auto loop = dyn_cast<scf::ForOp>(op))
        flight = followTurns(*loop.getBody(), flight);
      else if (auto merge = dyn_cast<MergeOp>(op))
        flight = followTurns(merge.getCombine().front(), flight & ~Arrived);
      else if (isa<gpu::BarrierOp>(op) || op.hasAttr("fc.exchange")) // which has one of its own
        flight &= ~Arrived;
      else if (auto wait = dyn_cast<WaitOp>(op);
               wait && (flight & InFlight) && isAsynchronous(wait.getRing()) &&
               !wait->hasAttr(kCoveredAttr) && pendingOf(wait) <= pendingOf(idle))
        flight = Arrived;
    }
    return flight;
  }
  unsigned followTurns(Block &body, unsigned flight) {
    for (unsigned before = ~flight; before != flight;) {
      before = flight;
      flight |= follow(body, body.begin(), flight);
    }
    return flight;
  }
  /// How many of the latest groups of copies a wait leaves on their way.
  static int64_t pendingOf(WaitOp wait) {
    auto pending = wait->getAttrOfType<IntegerAttr>(kPendingAttr);
    return pending ? pending.getInt() : 0;
  }

  SmallVector<Access> accessesOf(Operation &op) {
    SmallVector<Access> accesses;
    if (auto offset = op.getAttrOfType<IntegerAttr>("fc.exchange")) {
      int64_t bytes = exchangeBytes(&op, warps);
      accesses.push_back({offset.getInt(), offset.getInt() + bytes, true});
    }
    for (Value operand : op.getOperands()) {
      if (!isa<SlotType>(operand.getType()))
        continue;
      Access access = accessTo(operand);
      access.writes = isa<CopyOp, StoreOp>(op);
      accesses.push_back(access);
    }
    return accesses;
  }

  static Access accessTo(Value slot) {
    Operation *get = slot.getDefiningOp(); // of the ring, for a turn
    Value ring = get->getOperand(0);
    int64_t begin = *ring.getDefiningOp<RingOp>().getOffset();
    auto type = cast<RingType>(ring.getType());
    Access access{begin, begin + SharedLayout::of(type.getTile()).slotStride() * type.getSlots(),
                  false, ring};
    if (type.getSlots() > 1)
      access.turn = turnOf(get->getOperand(1));
    return access;
  }

  /// A turn's number, counted from the turn of the loop that numbers it.
  static std::optional<int64_t> turnOf(Value number) {
    APInt constant;
    if (matchPattern(number, m_ConstantInt(&constant)))
      return constant.getSExtValue();
    Operation *op = number.getDefiningOp();
    if (op && op->hasAttr(kTurnAttr))
      return 0;
    if (auto sum = dyn_cast_or_null<arith::AddIOp>(op))
      if (auto a = turnOf(sum.getLhs()), b = turnOf(sum.getRhs()); a && b)
        return *a + *b;
    return std::nullopt;
  }

  /// Whether some access to the ring is numbered by that operation.
  static bool isNumberedBy(Value ring, Operation *turns) {
    if (!ring || !turns)
      return false;
    auto refers = [&](auto &self, Value number) -> bool {
      Operation *op = number.getDefiningOp();
      return op == turns ||
             (isa_and_nonnull<arith::AddIOp>(op) &&
              llvm::any_of(op->getOperands(), [&](Value in) { return self(self, in); }));
    };
    return llvm::any_of(ring.getUsers(), [&](Operation *user) {
      return user->getNumOperands() > 1 && refers(refers, user->getOperand(1));
    });
  }

  int warps;
  SmallVector<Access> pending;
  bool inserts = true;  ///< else only `missing` is found out
  bool missing = false; ///< whether a barrier had to be inserted
  WaitOp idle;          ///< the wait in question
  Access idleBytes{};   ///< that it waits for
  bool touched = false; ///< whether they are while they may be on their way
};

struct AllocateShared : impl::AllocateSharedBase<AllocateShared> {
  using Base::Base;
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    const TargetInfo *info = findTarget(target);
    if (!info) {
      kernel.emitError("no target is called `") << target << "`: " << targetNames();
      return signalPassFailure();
    }
    if (failed(Allocation(kernel).place(*info)))
      return signalPassFailure();
    Fences fences(kernel.getSchedule()->getWarps());
    fences.walk(kernel.getBody().front());
    fences.dropIdleBarriers(kernel);
    fences.dropIdleWaits(kernel);
  }
};
} // namespace
} // namespace fc
