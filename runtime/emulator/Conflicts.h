// Conflicts.h - bytes of global memory that two CTAs touch, one of them writing.
//
// CTAs of a launch run in any order. Where they cannot talk to each other, every conflict is a
// race: Region::tags are compared when all have run, on any number of host threads and with the
// same outcome. Where they can (atomics, volatile and ordered accesses), they run one after the
// other, and CtaOrder follows what passes between them, CTA by CTA, so as to doubt in favour of the
// kernel.
#pragma once
#include "runtime/emulator/Access.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <unordered_set>

namespace fc::emu {

/// Memory for the tags of a launch, or for the cells of CtaOrder; buffers beyond it are not watched
/// for conflicts between CTAs.
constexpr size_t conflictBudget = size_t(256) << 20;

/// Two CTAs that touched the same bytes, one of them writing, where CTAs do not talk.
std::optional<Report> findCtaConflict(const Grid &grid);

/// Who told what to whom, by CTA: a vector clock each, with two counts.
///
/// - `told`: accesses that others can observe (atomic, volatile, relaxed, release). What a CTA read
///   before, and such accesses themselves, are ordered before whoever observes a later one.
/// - `fenced`: fences of the GPU's scope, and releases. What a CTA wrote before its latest one is
///   ordered before whoever observes a later telling access. Without any the writes may be seen
///   late: the lack of `__threadfence()` that no run shows.
///
/// Any thread of a CTA fences and tells for all of them; who observes needs no fence.
class CtaOrder {
public:
  /// More CTAs than these are not followed; their clocks would take longer than they do.
  static constexpr uint64_t mostCtas = 32768;

  explicit CtaOrder(Grid &grid);
  /// CTA `linear` starts; the one before has ended.
  void begin(uint64_t linear);
  /// A fence of the GPU's or the system's scope.
  void fence() { ++now.fenced; }
  /// The lanes of `mask` touch global memory that the kernel may write.
  void access(const Access &access, uint32_t mask);
  /// When all have run: the first conflict.
  std::optional<Report> conflict();

private:
  struct Seen {
    uint32_t fenced = 0, told = 0;
    Seen with(const Seen &other) const {
      return {std::max(fenced, other.fenced), std::max(told, other.told)};
    }
    bool operator==(const Seen &) const = default;
  };
  using Clock = std::vector<Seen>; ///< by position of a CTA in the order in which they run
  struct Touch {
    uint16_t position; ///< plus one; 0: nobody
    uint16_t thread;
    uint32_t source;
    bool strong;
    Seen at; ///< counts of the CTA before the access
  };
  struct Cell {
    Touch write, read, earlier; ///< the last two reads are those of different CTAs
  };
  /// What an address passes on: what its last writer has seen, and that one's own counts.
  struct Variable {
    std::shared_ptr<Clock> seen;
    uint32_t writer = 0;
    uint64_t version = 0; ///< of what the writer had seen
    Seen own;
  };
  struct Conflict {
    Touch mine, other;
    bool writes, otherWrites;
    uint64_t address;
  };

  void observe(const Variable &variable);
  void tell(Variable &variable, bool isNew, bool adds);
  void touch(Cell &cell, const Touch &mine, bool write, uint64_t address);
  Clock &own();
  std::shared_ptr<Clock> copyOf(const Clock *clock);
  static void raise(Clock &clock, const Clock &other);
  Seen seenOf(uint32_t other) const {
    return seen && other < seen->size() ? (*seen)[other] : Seen();
  }

  Grid &grid;
  unsigned shift;
  bool enabled = true;
  uint32_t position = 0;
  uint64_t version = 0; ///< changes with `seen`
  size_t clockEntries = 0;
  std::vector<uint64_t> ctas; ///< by position
  Seen now;                   ///< the running CTA's own counts
  std::shared_ptr<Clock> seen;
  std::unordered_set<std::shared_ptr<Clock>> joined; ///< what `seen` has in it
  std::unordered_map<uint64_t, Variable> variables;
  struct Free {
    void operator()(Cell *p) const { std::free(p); }
  };
  std::unordered_map<const Region *, std::unique_ptr<Cell[], Free>> cells;
  std::optional<Conflict> first;
};

} // namespace fc::emu
