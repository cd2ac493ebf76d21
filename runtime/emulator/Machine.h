// Machine.h - what executes: decoded instructions, warps with their register banks, CTAs with their
// shared memory, and the launch around them.
//
// A warp keeps each register as 32 lanes side by side (a "unit" is 32 words of 32 bits; a 64-bit
// register takes two units), so that a handler is one loop over lanes that the compiler vectorises.
// Predicates are 32-bit lane masks. Constants and special registers are units filled beforehand, so
// a handler never asks what kind of operand it has.
#pragma once
#include "runtime/emulator/Opcodes.h"
#include "runtime/emulator/Races.h"
#include "runtime/emulator/Spaces.h"

#include <array>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace fc::emu {

struct Warp;
struct Cta;
struct Grid;
struct Inst;
class CtaOrder;

constexpr unsigned warpSize = 32;
constexpr uint32_t allLanes = ~0u;

/// Executes `inst` for the lanes of `mask`, which is never empty. Throws Fault.
using Handler = void (*)(Warp &warp, const Inst &inst, uint32_t mask);

/// How the run loop treats an instruction.
enum class Kind : uint8_t {
  Plain,  ///< call the handler, go on
  Branch, ///< to `target`
  BranchIndexed,
  Exit,
  Aligned, ///< plain, but every lane of the warp that has not exited has to be here
  Lanes,   ///< plain, but the lanes named by the member mask have to be here
  Barrier, ///< may wait; the handler says whether it did
  Wait,    ///< may have to be retried: the handler says so
};

struct Inst {
  Handler run = nullptr;
  const uint16_t *op = nullptr; ///< units or predicate numbers, in the order of the form's operands
  int64_t imm = 0;              ///< immediate
  int64_t offset[2] = {0, 0};   ///< of the first and the second memory operand
  uint32_t aux = 0;             ///< small modifiers, by family
  uint32_t target = 0;          ///< branch target; index of a table for brx.idx
  uint32_t source = 0;          ///< index of the ptx::Instruction
  uint32_t negatedSources = 0;  ///< bit k: operand k is a predicate with `!`
  uint16_t guard = noGuard;
  bool guardNegated = false;
  Kind kind = Kind::Plain;
  Class cls = Class::Alu;
  bool wideAddress[2] = {true, true}; ///< the base of a memory operand has 64 bits
  bool checkDefined = false;          ///< touches a register that some path leaves undefined
  uint8_t count = 1;                  ///< elements of a vector access
  static constexpr uint16_t noGuard = 0xffff;
};

/// A fault of the running kernel. What the report's first and last lines say; the place is added
/// where it is caught.
struct Fault {
  std::string id;
  std::string what; ///< what was seen
  std::string rule; ///< then the rule
  int lane = -1;
  std::string notes; ///< more lines: the other side of a race, the waiters of a deadlock
};

/// What an instruction does with registers that may hold undefined bytes (Definedness.h), the only
/// ones that are watched. Each byte of them has a slot, which says in which lanes it is defined.
struct DefCheck {
  struct Read {
    uint32_t slot; ///< of the lowest byte
    unsigned bytes;
    bool guard; ///< by all active lanes, where other sources are read where the guard holds
    std::string_view name;
  };
  struct Write {
    static constexpr uint32_t defined = UINT32_MAX;
    uint32_t slot, from[2]; ///< defined where both are
  };
  std::vector<Read> reads;
  static constexpr size_t mostWrites = 64; ///< the bytes of eight registers of 64 bits
  std::vector<Write> writes;
};

enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NwarpId,
  MaskEq,
  MaskLe,
  MaskLt,
  MaskGe,
  MaskGt,
  SmId,
  NsmId,
  GridId,
  DynamicShared,
  TotalShared,
  Clock,
  Clock64,
  Zero,
  One,
  Unknown,
};

/// Memory that a kernel may write (Writes.h): that of pointers at these bytes of its parameters,
/// and these variables of the module.
struct WriteSet {
  std::set<uint32_t> params;
  std::set<size_t> variables;
  bool everything = false;
};

/// An entry, decoded.
struct Program {
  const ptx::ParsedModule *module = nullptr;
  const ptx::Function *function = nullptr;
  std::vector<Inst> code; ///< one trap behind the last instruction
  std::vector<std::unique_ptr<uint16_t[]>> operandPool;
  std::vector<std::vector<uint32_t>> branchTables;
  unsigned units = 0, predicates = 0;
  /// Units with a constant: {unit, bits}; `wide` ones fill two units.
  struct Constant {
    uint16_t unit;
    bool wide;
    uint64_t bits;
  };
  std::vector<Constant> constants;
  std::vector<std::pair<uint16_t, Special>> specials;
  unsigned tracked = 0;
  std::unordered_map<uint32_t, DefCheck> defChecks;
  std::vector<Module::Param> params;
  uint32_t paramBytes = 0;
  uint32_t staticShared = 0;  ///< bytes of the shared window before the dynamic part
  uint32_t dynamicShared = 0; ///< address at which the dynamic part starts
  uint32_t localBytes = 0;
  unsigned sharedGranule = 4; ///< the smallest access that may go to shared memory
  unsigned globalGranule = 4; ///< and to global memory
  WriteSet writes;
  bool communicates = false; ///< global atomics or fences: CTAs run in order on one thread
  std::array<uint32_t, 3> cluster{1, 1, 1};
};

/// Lanes of a warp that are at one place.
struct Group {
  enum class State : uint8_t { Ready, Aligned, Lanes, Barrier } state = State::Ready;
  uint32_t pc = 0;
  uint32_t mask = 0;
  uint32_t wanted = 0; ///< Lanes: who has to come; Barrier: its number
};

/// Counters of one worker; summed at the end.
struct Tally {
  std::array<uint64_t, size_t(Class::Count)> classes{};
  uint64_t sharedWavefronts = 0, sharedWavefrontsIdeal = 0;
  uint64_t globalSectors = 0, globalSectorsIdeal = 0, globalRequests = 0;
  uint64_t globalRead = 0, globalWritten = 0;
  uint64_t barriers = 0, mma = 0, tensorFlops = 0, tensorFlopsUseful = 0, asyncCopies = 0,
           asyncBytes = 0, asyncGroups = 0, flopsInFlight = 0;
  void add(const Tally &other);
};

/// One cp.async of a warp, from its issue until all its lanes have waited for it.
struct AsyncCopy {
  static constexpr uint32_t open = UINT32_MAX; ///< not committed yet
  uint32_t pending = 0;                        ///< lanes whose copy is in flight
  uint32_t source = 0;                         ///< instruction
  unsigned bytes = 0;
  uint64_t flops = 0;       ///< of the warp when it committed the copy
  bool landed = false;      ///< the bytes are there already, though nobody may look
  uint32_t group[warpSize]; ///< number of the commit, by lane
  uint32_t to[warpSize];    ///< shared address
  const uint8_t *from[warpSize];
  uint8_t sourceBytes[warpSize]; ///< the rest is zeros
};

struct Warp {
  Cta *cta = nullptr;
  unsigned index = 0;
  uint32_t *units = nullptr; ///< 64-byte aligned
  std::vector<uint32_t> preds;
  std::vector<uint32_t> tracked; ///< by slot of DefCheck: lanes in which the byte is defined
  uint32_t carry = 0;            ///< the condition code of add.cc, one bit a lane
  uint32_t pc = 0, active = 0;   ///< the group that runs
  uint32_t live = 0;             ///< lanes that have not exited
  uint32_t limit = UINT32_MAX;   ///< the next place at which another group waits or joins
  uint32_t loops = 0;            ///< backward branches since another group ran
  bool fenced = false;           ///< it has executed a fence
  std::vector<Group> parked;
  bool blocked = false;
  uint64_t issued = 0;
  Tally *tally = nullptr;
  uint64_t tensorFlops = 0; ///< issued by this warp
  std::vector<AsyncCopy> copies;
  std::array<uint32_t, warpSize> committed{}; ///< groups of copies, by lane

  uint32_t *word(uint16_t unit) { return units + size_t(unit) * warpSize; }
  uint64_t *wide(uint16_t unit) { return reinterpret_cast<uint64_t *>(word(unit)); }
  uint32_t &pred(uint16_t index) { return preds[index]; }
  /// The value of predicate operand `k`, with its `!`.
  uint32_t predSource(const Inst &inst, unsigned k) const {
    return preds[inst.op[k]] ^ (inst.negatedSources >> k & 1 ? ~0u : 0u);
  }
  void setPred(uint16_t index, uint32_t value, uint32_t mask) {
    preds[index] = (preds[index] & ~mask) | (value & mask);
  }

  /// A matrix instruction of so many FLOPs, `useful` of them with two factors that are not zero.
  void countMatrix(uint64_t flops, uint64_t useful) {
    tensorFlops += flops;
    ++tally->mma;
    tally->tensorFlops += flops;
    tally->tensorFlopsUseful += useful;
  }

  /// Runs until the warp blocks, exits or has issued `quantum` instructions.
  void run(uint64_t quantum);
  bool exited() const { return live == 0; }

private:
  void step(const Inst &inst, uint32_t mask);
  void branch(const Inst &inst, uint32_t mask, uint32_t target);
  bool converged(const Inst &inst, uint32_t mask);
  void park(Group::State state, uint32_t wanted);
  void reselect();
  void exitLanes(uint32_t mask);
  void checkDefined(const Inst &inst, uint32_t mask);
  void updateLimit();
  friend struct Cta;
};

/// A barrier of a CTA (bar.sync 0..15).
struct BarrierState {
  uint32_t expected = 0; ///< threads; 0: all that have not exited
  bool counted = false;
  bool active = false;
  uint32_t arrivedThreads = 0;
  std::vector<uint32_t> arrived; ///< lanes by warp
  std::vector<uint32_t> waiting; ///< lanes by warp that wait (not bar.arrive)
  enum class Use : uint8_t { Sync, And, Or, Popc } use = Use::Sync;
  uint32_t line = 0; ///< of the first arrival
  uint32_t reduced = 0;
  SyncClock clock;
  struct Result {
    unsigned warp;
    uint16_t op;
    uint32_t mask;
  };
  std::vector<Result> results; ///< where bar.red puts its value
};

struct Cta {
  Grid *grid = nullptr;
  const Program *program = nullptr;
  std::array<uint32_t, 3> id{};
  uint64_t linear = 0;
  std::vector<Warp> warps;
  SharedMemory shared;
  Races races;
  uint64_t random = 0;
  bool coin() { return (random = random * 6364136223846793005u + 1442695040888963407u) >> 63; }
  std::vector<uint8_t> local; ///< [thread][localBytes]
  std::array<BarrierState, 16> barriers;
  std::unique_ptr<uint32_t[]> unitStorage;
  uint32_t *alignedUnits = nullptr;
  Tally *tally = nullptr;
  Warp *running = nullptr; ///< whose turn it is; a fault is its
  unsigned threads = 0;
  uint64_t issued = 0; ///< warp instructions of this CTA

  /// Makes the warps; done once a worker.
  void prepare(Grid &grid, Tally &tally);
  /// Sets everything to the state at the start of CTA `linear` and runs it to its end.
  void execute(uint64_t linear);
  /// Lets the lanes of `mask` arrive at a barrier, and wait if they are to; then moves the warp on.
  void arrive(Warp &warp, const Inst &inst, uint32_t mask, unsigned number, uint32_t count,
              bool counted, bool wait, uint32_t votes);
  void completeBarriers();
  [[noreturn]] void reportDeadlock();
  [[noreturn]] void reportEndless();
  /// A line for each group of lanes that waits and, if asked, that runs.
  std::string whereEveryoneIs(bool onlyWaiters) const;
  uint8_t *localOf(const Warp &warp, unsigned lane) {
    return local.data() + size_t(warp.index * warpSize + lane) * program->localBytes;
  }

private:
  bool tryComplete(unsigned number);
  /// The lanes that the warp starts with.
  uint32_t lanesOf(const Warp &warp) const;
};

/// One launch; shared by its workers, which only read it, but for device memory.
struct Grid {
  const Program *program = nullptr;
  Launch *launch = nullptr;
  GlobalMemory *memory = nullptr;
  CtaOrder *order = nullptr; ///< where CTAs talk to each other and conflicts are looked for
  std::vector<std::byte> params;
  std::array<uint32_t, 3> grid{}, block{};
  uint32_t sharedBytes = 0; ///< size of the shared window, static and dynamic
};

/// Where an instruction stands: "attn.ptx:12" and "attention.fc:3" (empty without `.loc`).
std::string ptxLineOf(const Program &program, uint32_t source);
std::string fcLineOf(const Program &program, uint32_t source);
/// "CTA (1, 0, 0)", and "CTA (1, 0, 0), warp 2, lane 3 (thread 67, 0, 0)".
std::string ctaText(const Grid &grid, uint64_t linear);
std::string threadText(const Grid &grid, uint64_t linear, uint32_t thread);

} // namespace fc::emu
