// Writes.cpp - see Writes.h.
#include "runtime/emulator/Writes.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

namespace fc::emu {

namespace {

/// Where a value may come from, one bit each: sources as they are met, and what was loaded.
using Origin = uint64_t;
constexpr Origin loaded = Origin(1) << 63;
constexpr unsigned mostSources = 63;

bool has(const ptx::Instruction &inst, std::string_view word) {
  return std::find(inst.modifiers.begin(), inst.modifiers.end(), word) != inst.modifiers.end();
}

class Finder {
public:
  Finder(const std::vector<Draft> &drafts, const ptx::Function &function,
         const ModuleLayout &layout)
      : drafts(drafts), function(function), layout(layout) {}

  WriteSet run() {
    origins.assign(function.registers.size(), 0);
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = 0; i < drafts.size(); ++i)
        changed |= spread(drafts[i], function.body[i]);
    }
    for (size_t i = 0; i < drafts.size(); ++i)
      collect(drafts[i], function.body[i]);
    return std::move(result);
  }

private:
  const std::vector<Draft> &drafts;
  const ptx::Function &function;
  const ModuleLayout &layout;
  std::vector<Origin> origins; ///< by register
  /// Numbers of sources: parameters by their byte, variables by their index behind `variables`.
  std::unordered_map<uint64_t, unsigned> numbers;
  std::vector<uint64_t> sources;
  static constexpr uint64_t variables = uint64_t(1) << 32;
  WriteSet result;

  Origin source(uint64_t key) {
    auto [at, fresh] = numbers.try_emplace(key, unsigned(sources.size()));
    if (fresh)
      sources.push_back(key);
    return at->second < mostSources ? Origin(1) << at->second : loaded;
  }

  Origin originOf(const Ref &ref) {
    if (ref.kind == Ref::Kind::Register)
      return origins[size_t(ref.value)];
    if (ref.kind == Ref::Kind::Constant && ref.value >= moduleBase)
      for (size_t i = layout.addresses.size(); i-- > 0;)
        if (ref.value >= layout.addresses[i])
          return source(variables + i);
    return 0;
  }

  /// What the instruction writes to registers comes from all that it reads, or from memory.
  bool spread(const Draft &draft, const ptx::Instruction &inst) {
    Origin all = 0;
    if (draft.form->op == Op::op_ld && has(inst, "param")) {
      const Ref &base = draft.refs[draft.base[0]];
      if (base.kind == Ref::Kind::Constant)
        for (unsigned k = 0; k < draft.vector; ++k)
          all |= source((base.value + 8 * k) & ~uint64_t(7));
      else
        all = loaded;
    } else if (draft.form->op == Op::op_ld || draft.form->family == Family::Atomic) {
      all = loaded;
    } else {
      for (const Ref &ref : draft.refs)
        all |= originOf(ref);
    }
    bool changed = false;
    for (int32_t reg : draft.use.writes) {
      Origin &origin = origins[size_t(reg)];
      changed |= (origin | all) != origin;
      origin |= all;
    }
    return changed;
  }

  void collect(const Draft &draft, const ptx::Instruction &inst) {
    Op op = draft.form->op;
    bool writes = op == Op::op_st || draft.form->family == Family::Atomic ||
                  (op == Op::op_wmma && has(inst, "store"));
    if (!writes || has(inst, "shared") || has(inst, "shared::cta") || has(inst, "local"))
      return;
    Origin origin = originOf(draft.refs[draft.base[0]]);
    Origin named = origin & ~loaded;
    if (!named) {
      // An index that was loaded is harmless beside a pointer; alone it is the pointer.
      result.everything = true;
      return;
    }
    for (; named; named &= named - 1) {
      uint64_t key = sources[size_t(__builtin_ctzll(named))];
      if (key >= variables)
        result.variables.insert(size_t(key - variables));
      else
        result.params.insert(uint32_t(key));
    }
  }
};

} // namespace

WriteSet findWrites(const std::vector<Draft> &drafts, const ptx::Function &function,
                    const ModuleLayout &layout) {
  return Finder(drafts, function, layout).run();
}

std::vector<bool> findFirstLooks(const std::vector<Draft> &drafts, const ptx::Function &function) {
  auto placeOf = [](const Draft &draft) {
    const Ref &base = draft.refs[draft.base[0]];
    return std::tuple(base.kind, base.value, draft.offset[0]);
  };
  std::set<std::tuple<Ref::Kind, uint64_t, int64_t>> again;
  for (size_t i = 0; i < drafts.size(); ++i)
    if (drafts[i].form->op == Op::op_atom)
      for (const char *kind : {"cas", "min", "max"})
        if (has(function.body[i], kind))
          again.insert(placeOf(drafts[i]));
  std::vector<bool> looks(drafts.size());
  for (size_t i = 0; i < drafts.size() && !again.empty(); ++i)
    looks[i] = drafts[i].form->op == Op::op_ld && again.count(placeOf(drafts[i]));
  return looks;
}

} // namespace fc::emu
