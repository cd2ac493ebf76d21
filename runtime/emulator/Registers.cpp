// Registers.cpp - backward liveness over basic blocks, then a linear scan over whole intervals.
//
// A value dies only behind its last reader, so that a destination never shares a unit with a source
// of the same instruction: handlers may write one destination before they read another source.
#include "runtime/emulator/Registers.h"

#include <algorithm>
#include <queue>

namespace fc::emu {

namespace {

using Bits = std::vector<uint64_t>;
bool test(const Bits &bits, size_t i) { return bits[i / 64] >> (i % 64) & 1; }
void set(Bits &bits, size_t i) { bits[i / 64] |= uint64_t(1) << (i % 64); }

struct Block {
  uint32_t first, last; ///< instructions [first, last)
  std::vector<uint32_t> successors;
  Bits use, def, in, out;
};

struct Interval {
  uint32_t start = UINT32_MAX, end = 0;
  void cover(uint32_t at) {
    start = std::min(start, at);
    end = std::max(end, at);
  }
};

std::vector<Block> findBlocks(const std::vector<ControlFlow> &flow) {
  size_t n = flow.size();
  std::vector<bool> leader(n + 1, false);
  leader[0] = true;
  for (size_t i = 0; i < n; ++i) {
    for (uint32_t target : flow[i].targets)
      leader[target] = true;
    if (flow[i].endsBlock)
      leader[i + 1] = true;
  }
  std::vector<uint32_t> blockOf(n + 1, 0);
  std::vector<Block> blocks;
  for (size_t i = 0; i < n; ++i) {
    if (leader[i])
      blocks.push_back({uint32_t(i), uint32_t(i), {}, {}, {}, {}, {}});
    blocks.back().last = uint32_t(i + 1);
    blockOf[i] = uint32_t(blocks.size() - 1);
  }
  for (Block &block : blocks) {
    const ControlFlow &end = flow[block.last - 1];
    for (uint32_t target : end.targets)
      if (target < n)
        block.successors.push_back(blockOf[target]);
    if (end.fallsThrough && block.last < n)
      block.successors.push_back(blockOf[block.last]);
  }
  return blocks;
}

void solve(std::vector<Block> &blocks, size_t words) {
  bool changed = true;
  while (changed) {
    changed = false;
    for (size_t b = blocks.size(); b-- > 0;) {
      Block &block = blocks[b];
      for (uint32_t s : block.successors)
        for (size_t w = 0; w < words; ++w)
          block.out[w] |= blocks[s].in[w];
      for (size_t w = 0; w < words; ++w) {
        uint64_t in = block.use[w] | (block.out[w] & ~block.def[w]);
        changed |= in != block.in[w];
        block.in[w] = in;
      }
    }
  }
}

} // namespace

RegisterPlan planRegisters(const ptx::Function &function, const std::vector<RegisterUse> &uses,
                           const std::vector<ControlFlow> &flow, unsigned firstUnit,
                           unsigned firstPredicate) {
  size_t n = function.registers.size();
  size_t words = (n + 63) / 64;
  RegisterPlan plan;
  plan.unit.assign(n, 0);
  plan.maybeUndefined.assign(n, false);
  plan.units = firstUnit;
  plan.predicates = firstPredicate;
  if (uses.empty())
    return plan;

  std::vector<Block> blocks = findBlocks(flow);
  if (blocks.size() * words > (size_t(1) << 24))
    throw ptx::Error{function.line, "the function has too many registers and branches"};
  for (Block &block : blocks) {
    block.use.assign(words, 0);
    block.def = block.in = block.out = block.use;
    for (uint32_t i = block.first; i < block.last; ++i) {
      for (int32_t reg : uses[i].reads)
        if (!test(block.def, size_t(reg)))
          set(block.use, size_t(reg));
      if (!uses[i].guarded)
        for (int32_t reg : uses[i].writes)
          set(block.def, size_t(reg));
    }
  }
  solve(blocks, words);

  std::vector<Interval> intervals(n);
  for (size_t r = 0; r < n; ++r)
    plan.maybeUndefined[r] = test(blocks[0].in, r);
  for (const Block &block : blocks) {
    for (size_t w = 0; w < words; ++w)
      for (uint64_t in = block.in[w]; in; in &= in - 1)
        intervals[w * 64 + size_t(__builtin_ctzll(in))].cover(block.first);
    for (size_t w = 0; w < words; ++w)
      for (uint64_t out = block.out[w]; out; out &= out - 1)
        intervals[w * 64 + size_t(__builtin_ctzll(out))].cover(block.last - 1);
    for (uint32_t i = block.first; i < block.last; ++i) {
      for (int32_t reg : uses[i].reads)
        intervals[size_t(reg)].cover(i);
      for (int32_t reg : uses[i].writes)
        intervals[size_t(reg)].cover(i);
    }
  }

  std::vector<uint32_t> order;
  for (size_t r = 0; r < n; ++r)
    if (intervals[r].start != UINT32_MAX)
      order.push_back(uint32_t(r));
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return intervals[a].start != intervals[b].start ? intervals[a].start < intervals[b].start
                                                    : a < b;
  });
  struct Ending {
    uint32_t end, reg;
    bool operator>(const Ending &o) const { return end != o.end ? end > o.end : reg > o.reg; }
  };
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> ending;
  std::vector<uint16_t> freeSingles, freePairs;
  for (uint32_t reg : order) {
    while (!ending.empty() && ending.top().end < intervals[reg].start) {
      uint32_t dead = ending.top().reg;
      ending.pop();
      (ptx::bitsOf(function.registers[dead].type) == 64 ? freePairs : freeSingles)
          .push_back(plan.unit[dead]);
    }
    ptx::Type type = function.registers[reg].type;
    if (type == ptx::Type::Pred) {
      plan.unit[reg] = uint16_t(plan.predicates++);
    } else {
      bool pair = ptx::bitsOf(type) == 64;
      std::vector<uint16_t> &free = pair ? freePairs : freeSingles;
      if (free.empty()) {
        plan.unit[reg] = uint16_t(plan.units);
        plan.units += pair ? 2 : 1;
      } else {
        plan.unit[reg] = free.back();
        free.pop_back();
      }
      ending.push({intervals[reg].end, reg});
    }
    if (plan.units > 60000 || plan.predicates > 60000)
      throw ptx::Error{function.line, "the function keeps too many registers alive"};
  }
  return plan;
}

} // namespace fc::emu
