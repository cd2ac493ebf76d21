// Decoder.cpp - see Decoder.h. Two passes over the body: the first matches forms and collects which
// registers each instruction reads and writes (Draft.h); then registers get units (Registers.h);
// the second writes the operand numbers and binds handlers.
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Definedness.h"
#include "runtime/emulator/Writes.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace fc::emu {

using ptx::Space;

namespace {

class EntryDecoder {
public:
  EntryDecoder(const ptx::ParsedModule &module, const ptx::Function &function,
               const ModuleLayout &layout)
      : module(module), function(function), layout(layout), frame(module, function, layout),
        program(std::make_unique<Program>()) {}

  std::unique_ptr<Program> run() {
    program->module = &module;
    program->function = &function;
    for (unsigned i = 0; i < 3; ++i)
      program->cluster[i] = std::max(function.cluster[i], 1u);
    frame.describe(*program);
    drafts = draftBody(module, function, frame);
    program->writes = findWrites(drafts, function, layout);
    assignUnits();
    emit();
    return std::move(program);
  }

private:
  const ptx::ParsedModule &module;
  const ptx::Function &function;
  const ModuleLayout &layout;
  Frame frame;
  std::unique_ptr<Program> program;
  std::vector<Draft> drafts;
  const ptx::Instruction *current = nullptr;
  RegisterPlan plan;
  std::map<std::pair<uint64_t, bool>, uint16_t> constantUnits;
  std::map<Special, uint16_t> specialUnits;
  std::vector<uint32_t> slots; ///< by register: the DefCheck slot of its lowest byte
  static constexpr uint32_t unwatched = UINT32_MAX;
  static constexpr uint16_t scratchUnit = 0; ///< two units nobody reads
  static constexpr uint16_t falsePredicate = 0, truePredicate = 1, scratchPredicate = 2;

  [[noreturn]] void fail(std::string message) const {
    throw ptx::Error{current ? current->line : function.line, std::move(message)};
  }

  void assignUnits() {
    std::vector<RegisterUse> uses;
    std::vector<ControlFlow> flow;
    for (size_t i = 0; i < drafts.size(); ++i) {
      uses.push_back(drafts[i].use);
      ControlFlow step;
      step.targets = drafts[i].targets;
      bool control = drafts[i].form->family == Family::Control;
      step.endsBlock = control;
      step.fallsThrough = !control || function.body[i].guard >= 0;
      flow.push_back(std::move(step));
    }
    current = nullptr;
    plan = planRegisters(function, uses, flow, 2, 3);
    program->units = plan.units;
    program->predicates = plan.predicates;
  }

  uint16_t newUnits(bool wide) {
    uint16_t unit = uint16_t(program->units);
    program->units += wide ? 2 : 1;
    if (program->units > 65000)
      fail("the function has too many registers and constants");
    return unit;
  }

  uint16_t unitOf(const Ref &ref) {
    switch (ref.kind) {
    case Ref::Kind::Register:
      return plan.unit[size_t(ref.value)];
    case Ref::Kind::PredConstant:
      return (ref.value != 0) != ref.negated ? truePredicate : falsePredicate;
    case Ref::Kind::Scratch:
      return ref.negated ? scratchPredicate : scratchUnit;
    case Ref::Kind::Constant: {
      auto [at, fresh] = constantUnits.try_emplace({ref.value, ref.wide}, uint16_t(0));
      if (fresh) {
        at->second = newUnits(ref.wide);
        program->constants.push_back({at->second, ref.wide, ref.value});
      }
      return at->second;
    }
    case Ref::Kind::Special: {
      auto [at, fresh] = specialUnits.try_emplace(Special(ref.value), uint16_t(0));
      if (fresh) {
        at->second = newUnits(true);
        program->specials.push_back({at->second, Special(ref.value)});
      }
      return at->second;
    }
    }
    return 0;
  }

  void emit() {
    std::vector<bool> watched = registersToWatch(drafts, function, plan);
    std::vector<bool> firstLooks = findFirstLooks(drafts, function);
    slots.assign(function.registers.size(), unwatched);
    for (size_t r = 0; r < function.registers.size(); ++r)
      if (watched[r]) {
        slots[r] = program->tracked;
        program->tracked += bytesOf(function.registers[r].type);
      }
    for (size_t i = 0; i < drafts.size(); ++i) {
      const ptx::Instruction &source = function.body[i];
      const Draft &d = drafts[i];
      current = &source;
      Inst inst;
      inst.source = uint32_t(i);
      inst.imm = d.imm;
      for (unsigned k = 0; k < 2; ++k) {
        inst.offset[k] = d.offset[k];
        inst.wideAddress[k] = d.wideAddress[k];
      }
      inst.count = uint8_t(d.vector);
      inst.cls = d.form->cls;
      if (source.guard >= 0) {
        inst.guard = plan.unit[size_t(source.guard)];
        inst.guardNegated = source.guardNegated;
      }
      auto ops = std::make_unique<uint16_t[]>(d.refs.size() + 1);
      for (size_t k = 0; k < d.refs.size(); ++k)
        ops[k] = unitOf(d.refs[k]);
      // Which predicate sources are negated, by operand.
      for (size_t k = 0; k < d.refs.size() && k < 32; ++k)
        if (d.refs[k].kind == Ref::Kind::Register && d.refs[k].negated)
          inst.negatedSources |= 1u << k;
      inst.op = ops.get();
      program->operandPool.push_back(std::move(ops));
      if (!d.targets.empty())
        inst.target = d.targets[0];
      Match match{*d.form, source.modifiers, d.types, source, d.readsClock, module.sm, 0, 0};
      match.destBits = widthOf(d, 0);
      match.sourceBits = widthOf(d, 1);
      match.firstLook = firstLooks[i];
      if (!bind(match, inst))
        fail(fmt::format("`{}` is in the table but has no semantics", spelling(source)));
      if (inst.kind == Kind::BranchIndexed) {
        inst.target = uint32_t(program->branchTables.size());
        program->branchTables.push_back(d.targets);
      }
      noteGranules(match, inst);
      addDefCheck(d, uint32_t(i), inst);
      program->code.push_back(inst);
    }
    Inst end; // falling off the end is what `ret` does
    end.kind = Kind::Exit;
    end.cls = Class::Control;
    end.source = drafts.empty() ? 0 : uint32_t(drafts.size() - 1);
    program->code.push_back(end);
  }

  unsigned widthOf(const Draft &d, size_t k) const {
    if (k >= d.refs.size())
      return 0;
    if (d.refs[k].kind == Ref::Kind::Register)
      return ptx::bitsOf(function.registers[size_t(d.refs[k].value)].type);
    return d.refs[k].wide ? 64 : 32;
  }

  /// The race checker's cells are as small as the smallest access.
  void noteGranules(const Match &match, const Inst &inst) {
    bool memory = match.form.family == Family::Memory || match.form.family == Family::Atomic;
    unsigned bytes = memory ? ptx::bitsOf(match.type()) / 8 * inst.count : 0;
    if (!bytes)
      return;
    if (match.space() == Space::Shared || match.space() == Space::Generic)
      program->sharedGranule = std::min(program->sharedGranule, bytes);
    if (match.space() == Space::Global || match.space() == Space::Generic)
      program->globalGranule = std::min(program->globalGranule, bytes);
  }

  uint32_t slotOf(RegisterByte byte) const {
    bool watched = byte.reg >= 0 && slots[size_t(byte.reg)] != unwatched;
    return watched ? slots[size_t(byte.reg)] + byte.byte : DefCheck::Write::defined;
  }

  void addDefCheck(const Draft &d, uint32_t index, Inst &inst) {
    if (!program->tracked)
      return;
    DefCheck check;
    auto flows = byteFlows(d, function);
    for (size_t k = 0; k < d.use.reads.size(); ++k) {
      int32_t reg = d.use.reads[k];
      bool guard = k == 0 && d.use.guarded; // draftOperands puts it first
      if (slots[size_t(reg)] != unwatched && (guard || !flows))
        check.reads.push_back({slots[size_t(reg)], guard ? 1 : bytesUsed(d, function, reg), guard,
                               function.registers[size_t(reg)].name});
    }
    if (flows) {
      for (const ByteFlow &flow : *flows)
        if (uint32_t slot = slotOf(flow.to); slot != DefCheck::Write::defined)
          check.writes.push_back({slot, {slotOf(flow.from[0]), slotOf(flow.from[1])}});
    } else {
      for (int32_t reg : d.use.writes)
        for (unsigned b = 0; b < bytesOf(function.registers[size_t(reg)].type); ++b)
          if (uint32_t slot = slotOf({reg, b}); slot != DefCheck::Write::defined)
            check.writes.push_back({slot, {DefCheck::Write::defined, DefCheck::Write::defined}});
    }
    if (check.reads.empty() && check.writes.empty())
      return;
    inst.checkDefined = true;
    program->defChecks[index] = std::move(check);
  }

  bool bind(const Match &match, Inst &inst) {
    const Binders &binders = hostBinders();
    switch (match.form.family) {
    case Family::Arith:
      return binders.arith(match, inst);
    case Family::Special:
      return binders.special(match, inst);
    case Family::Bits:
      return binders.bits(match, inst);
    case Family::Compare:
      return binders.compare(match, inst);
    case Family::Convert:
      return binders.convert(match, inst);
    case Family::Memory:
    case Family::Atomic: {
      bool global = match.space() == Space::Global || match.space() == Space::Generic;
      if (match.form.family == Family::Atomic) {
        program->communicates |= global;
        return bindAtomic(match, inst);
      }
      if (global && (match.has("volatile") || match.has("relaxed") || match.has("acquire") ||
                     match.has("release")))
        program->communicates = true;
      return bindMemory(match, inst);
    }
    case Family::WarpLanes:
      return bindWarpLanes(match, inst);
    case Family::Sync:
      return bindSync(match, inst);
    case Family::Control:
      return bindControl(match, inst);
    case Family::Async:
      return bindAsync(match, inst);
    case Family::Matrix:
      return bindMatrix(match, inst);
    case Family::Wmma:
      return bindWmma(match, inst);
    case Family::Mma:
      return binders.mma(match, inst);
    }
    return false;
  }
};

} // namespace

Space Match::space() const {
  for (std::string_view word : words) {
    if (word == "global")
      return Space::Global;
    if (word == "shared" || word == "shared::cta")
      return Space::Shared;
    if (word == "local")
      return Space::Local;
    if (word == "const")
      return Space::Const;
    if (word == "param")
      return Space::Param;
  }
  return Space::Generic;
}

std::unique_ptr<Program> decode(const ptx::ParsedModule &module, const ptx::Function &function,
                                const ModuleLayout &layout) {
  return EntryDecoder(module, function, layout).run();
}

} // namespace fc::emu
