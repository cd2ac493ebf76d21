// Decoder.cpp - see Decoder.h. Two passes over the body: the first matches forms and collects which
// registers each instruction reads and writes; then registers get units (Registers.h); the second
// writes the operand numbers and binds handlers.
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Registers.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <unordered_map>

namespace fc::emu {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

namespace {

uint32_t alignUp(uint64_t value, uint32_t align) {
  return uint32_t((value + align - 1) & ~uint64_t(align - 1));
}

/// The lowest address from `at` on that has the alignment asked for and no better: what was
/// declared is all that a kernel may rely on.
uint32_t placeBarely(uint64_t at, uint32_t align) {
  uint32_t address = alignUp(at, align);
  return align >= 4 && align < 128 && address % (2 * align) == 0 ? address + align : address;
}

/// An operand before units are known.
struct Ref {
  enum class Kind : uint8_t { Register, Constant, Special, Scratch, PredConstant } kind;
  uint64_t value = 0; ///< register, or the constant's bits
  bool wide = false;
  bool negated = false;
};

struct Draft {
  const Form *form = nullptr;
  std::vector<Type> types;
  std::vector<Ref> refs;
  RegisterUse use;
  int64_t imm = 0;
  int64_t offset[2] = {0, 0};
  bool wideAddress[2] = {true, true};
  unsigned memoryOperands = 0;
  unsigned vector = 1;
  bool readsClock = false;
  std::vector<uint32_t> targets;
};

class EntryDecoder {
public:
  EntryDecoder(const ptx::ParsedModule &module, const ptx::Function &function,
               const ModuleLayout &layout)
      : module(module), function(function), layout(layout), program(std::make_unique<Program>()) {}

  std::unique_ptr<Program> run() {
    program->module = &module;
    program->function = &function;
    for (unsigned i = 0; i < 3; ++i)
      program->cluster[i] = std::max(function.cluster[i], 1u);
    layOutParams();
    layOutVariables();
    for (const ptx::Label &label : function.labels)
      labels[{label.scope, label.name}] = label.instruction;
    drafts.resize(function.body.size());
    for (size_t i = 0; i < function.body.size(); ++i)
      draft(function.body[i], drafts[i]);
    assignUnits();
    emit();
    return std::move(program);
  }

private:
  const ptx::ParsedModule &module;
  const ptx::Function &function;
  const ModuleLayout &layout;
  std::unique_ptr<Program> program;
  std::vector<Draft> drafts;
  std::map<std::pair<uint32_t, std::string_view>, uint32_t> labels;
  std::vector<uint32_t> variableAddress; ///< by index in function.variables
  std::map<int32_t, uint32_t> moduleShared;
  const ptx::Instruction *current = nullptr;
  RegisterPlan plan;
  std::map<std::pair<uint64_t, bool>, uint16_t> constantUnits;
  std::map<Special, uint16_t> specialUnits;
  static constexpr uint16_t scratchUnit = 0; ///< two units nobody reads
  static constexpr uint16_t falsePredicate = 0, truePredicate = 1, scratchPredicate = 2;

  [[noreturn]] void fail(std::string message) const {
    throw ptx::Error{current ? current->line : function.line, std::move(message)};
  }

  //===-- layout ----------------------------------------------------------------------------===//

  void layOutParams() {
    uint64_t at = 0;
    for (const ptx::Variable &param : function.params) {
      at = alignUp(at, param.align);
      program->params.push_back(
          {std::string(param.name), uint32_t(param.bytes), param.align, uint32_t(at)});
      at += param.bytes;
      if (at > 32764)
        fail(fmt::format("the parameters of `{}` take more than 32764 bytes", function.name));
    }
    program->paramBytes = uint32_t(at);
  }

  /// Shared variables follow each other from address 1024 on, where a null address faults and no
  /// variable is aligned better than it asks to be; the dynamic part comes last.
  void layOutVariables() {
    uint64_t shared = 1024, local = 0;
    uint32_t dynamicAlign = 1;
    bool dynamic = false;
    auto place = [&](const ptx::Variable &variable) -> uint32_t {
      if (variable.external) {
        dynamic = true;
        dynamicAlign = std::max(dynamicAlign, variable.align);
        return 0;
      }
      uint64_t &at = variable.space == Space::Shared ? shared : local;
      uint32_t address = variable.space == Space::Shared ? placeBarely(at, variable.align)
                                                         : alignUp(at, variable.align);
      at = address + variable.bytes;
      if (at > (uint64_t(1) << 24))
        throw ptx::Error{variable.line, fmt::format("`{}` does not fit its memory", variable.name)};
      return address;
    };
    for (size_t i = 0; i < module.variables.size(); ++i)
      if (module.variables[i].space == Space::Shared)
        moduleShared[int32_t(i)] = place(module.variables[i]);
    for (const ptx::Variable &variable : function.variables) {
      if (variable.space != Space::Shared && variable.space != Space::Local)
        throw ptx::Error{variable.line,
                         fmt::format("`{}`: only .shared and .local variables may be declared in a "
                                     "body",
                                     variable.name)};
      variableAddress.push_back(place(variable));
    }
    program->dynamicShared =
        dynamic ? placeBarely(shared, std::max(dynamicAlign, 4u)) : uint32_t(shared);
    program->staticShared = uint32_t(shared - 1024);
    for (auto &[index, address] : moduleShared)
      if (module.variables[size_t(index)].external)
        address = program->dynamicShared;
    for (size_t i = 0; i < function.variables.size(); ++i)
      if (function.variables[i].external)
        variableAddress[i] = program->dynamicShared;
    program->localBytes = alignUp(local, 16);
  }

  uint64_t addressOf(const Operand &symbol) const {
    if (symbol.variable <= -2)
      return program->params[size_t(-2 - symbol.variable)].offset;
    if (symbol.variable >= ptx::moduleVariable) {
      int32_t index = symbol.variable - ptx::moduleVariable;
      auto shared = moduleShared.find(index);
      return shared != moduleShared.end() ? shared->second : layout.addresses[size_t(index)];
    }
    if (symbol.variable >= 0)
      return variableAddress[size_t(symbol.variable)];
    fail(fmt::format("`{}` is not declared", symbol.name));
  }

  //===-- first pass: forms and registers ---------------------------------------------------===//

  void draft(const ptx::Instruction &inst, Draft &out) {
    current = &inst;
    std::vector<const Form *> forms = formsOf(inst.opcode);
    if (forms.empty())
      fail(fmt::format("instruction `{}` is not known", spelling(inst)));
    const Form *byModifiers = nullptr;
    std::string why;
    for (const Form *form : forms) {
      if (!form->matches(inst.modifiers))
        continue;
      byModifiers = form;
      if (form->sm > module.sm) {
        why = fmt::format("`{}` needs sm_{}, the module's target is {}", spelling(inst), form->sm,
                          module.target);
        continue;
      }
      try {
        out = Draft();
        out.form = form;
        draftOperands(inst, *form, out);
        return;
      } catch (const ptx::Error &error) {
        why = error.message;
      }
    }
    if (byModifiers)
      fail(why);
    fail(fmt::format("`{}` is no known form of `{}`", spelling(inst), inst.opcode));
  }

  static std::string spelling(const ptx::Instruction &inst) {
    std::string text(inst.opcode);
    for (std::string_view word : inst.modifiers)
      text += fmt::format(".{}", word);
    return text;
  }

  void draftOperands(const ptx::Instruction &inst, const Form &form, Draft &out) {
    for (std::string_view word : inst.modifiers)
      if (Type type = ptx::typeOf(word); type != Type::None)
        out.types.push_back(type);
    if (form.op == Op::op_setp && !inst.operands.empty() &&
        (out.types.back() == Type::F16x2 || out.types.back() == Type::BF16x2) &&
        inst.operands[0].kind != Operand::Kind::Pair)
      fail(fmt::format("`{}` needs two destinations `p|q`", spelling(inst)));
    out.use.guarded = inst.guard >= 0;
    if (inst.guard >= 0)
      out.use.reads.push_back(inst.guard);
    if (form.operands.size() == 1 && form.operands[0].kind == OperandSpec::Kind::Move)
      return draftMove(inst, out);
    size_t given = inst.operands.size(), required = 0;
    for (const OperandSpec &spec : form.operands)
      required += !spec.optional;
    if (given < required || given > form.operands.size())
      fail(fmt::format("`{}` takes {} operands, here are {}", spelling(inst), required, given));
    size_t spare = given - required, at = 0;
    for (const OperandSpec &spec : form.operands) {
      if (spec.optional) {
        if (!spare) {
          draftAbsent(out);
          continue;
        }
        --spare;
      }
      draftOperand(inst, spec, inst.operands[at++], out);
    }
  }

  /// An operand left out: the handler finds the all-ones constant there.
  void draftAbsent(Draft &out) {
    out.refs.push_back({Ref::Kind::Constant, 0xffffffffu, false, false});
  }

  Type typeFor(const OperandSpec &spec, const Draft &out) const {
    using Select = OperandSpec::Select;
    Type last = out.types.empty() ? Type::B32 : out.types.back();
    switch (spec.select) {
    case Select::Last:
      return last;
    case Select::First:
      return out.types.front();
    case Select::Second:
      return out.types.size() > 1 ? out.types[1] : last;
    case Select::Fixed:
      return spec.fixed;
    case Select::Wide:
      break;
    }
    switch (last) {
    case Type::U16:
      return Type::U32;
    case Type::S16:
      return Type::S32;
    case Type::U32:
      return Type::U64;
    default:
      return Type::S64;
    }
  }

  void draftOperand(const ptx::Instruction &inst, const OperandSpec &spec, const Operand &operand,
                    Draft &out) {
    using Kind = OperandSpec::Kind;
    switch (spec.kind) {
    case Kind::Label:
      return draftLabel(inst, operand, out);
    case Kind::Immediate:
      if (operand.kind != Operand::Kind::Integer)
        fail(fmt::format("`{}` takes an integer constant here", spelling(inst)));
      out.imm = int64_t(operand.bits);
      return;
    case Kind::Memory:
      return draftAddress(inst, operand, out);
    case Kind::Move:
      return; // draftMove has both operands
    case Kind::PredPair: {
      const Operand *first = &operand, *second = nullptr;
      if (operand.kind == Operand::Kind::Pair) {
        first = &operand.elements[0];
        second = &operand.elements[1];
      }
      draftDest(inst, *first, Type::Pred, false, out);
      second ? draftDest(inst, *second, Type::Pred, false, out)
             : out.refs.push_back({Ref::Kind::Scratch, 0, false, true});
      return;
    }
    case Kind::Dest:
    case Kind::Source:
      break;
    }
    Type type = typeFor(spec, out);
    bool isDest = spec.kind == Kind::Dest;
    bool isAccess = spec.byModifier;
    if (spec.pair) {
      const Operand *first = &operand, *second = nullptr;
      if (operand.kind == Operand::Kind::Pair) {
        first = &operand.elements[0];
        second = &operand.elements[1];
      }
      draftDest(inst, *first, type, false, out);
      second ? draftDest(inst, *second, Type::Pred, false, out)
             : out.refs.push_back({Ref::Kind::Scratch, 0, false, true});
      return;
    }
    unsigned vector = spec.vector;
    if (spec.byModifier)
      for (std::string_view word : inst.modifiers)
        vector = vectorOf(word, vector);
    if (vector) {
      // A vector of one may be written as a scalar.
      if (vector == 1 && operand.kind != Operand::Kind::Vector) {
        isDest ? draftDest(inst, operand, type, isAccess, out)
               : draftSource(inst, operand, type, isAccess, out);
        return;
      }
      if (operand.kind != Operand::Kind::Vector || operand.elements.size() != vector)
        fail(fmt::format("`{}` takes a vector of {} here", spelling(inst), vector));
      out.vector = vector;
      size_t first = out.refs.size();
      for (const Operand &element : operand.elements) {
        isDest ? draftDest(inst, element, type, isAccess, out)
               : draftSource(inst, element, type, isAccess, out);
        if (out.refs.back().wide != out.refs[first].wide)
          fail("the registers of a vector have to be of one width");
      }
      return;
    }
    isDest ? draftDest(inst, operand, type, isAccess, out)
           : draftSource(inst, operand, type, isAccess, out);
  }

  /// Loads, stores and 8-bit conversions may use registers wider than the type.
  void checkWidth(const ptx::Instruction &inst, const Operand &operand, Type type, bool access) {
    Type have = function.registers[size_t(operand.reg)].type;
    unsigned want = ptx::bitsOf(type), got = ptx::bitsOf(have);
    bool fits = (type == Type::Pred) == (have == Type::Pred);
    if (type != Type::Pred && fits) {
      bool cvt = inst.opcode == "cvt";
      bool integers = !isFloat(type) && !isFloat(have);
      fits = access || (cvt && integers) ? got >= std::max(want, 8u)
             : want == 8                 ? got >= 16
                                         : got == want;
      if (got == 8)
        fits = access && want == 8;
    }
    if (!fits)
      fail(fmt::format("`{}` is .{}, `{}` takes .{} here", operand.name, ptx::nameOf(have),
                       spelling(inst), ptx::nameOf(type)));
  }
  static bool isFloat(Type type) {
    return type == Type::F16 || type == Type::BF16 || type == Type::F32 || type == Type::F64 ||
           type == Type::F16x2 || type == Type::BF16x2;
  }

  void draftDest(const ptx::Instruction &inst, const Operand &operand, Type type, bool access,
                 Draft &out) {
    if (operand.kind == Operand::Kind::Sink) {
      out.refs.push_back({Ref::Kind::Scratch, 0, ptx::bitsOf(type) == 64, type == Type::Pred});
      return;
    }
    if (operand.kind != Operand::Kind::Register || operand.negated || operand.bits)
      fail(fmt::format("the destination of `{}` has to be a register", spelling(inst)));
    checkWidth(inst, operand, type, access);
    pushRegister(operand, out);
    out.use.writes.push_back(operand.reg);
  }

  void pushRegister(const Operand &operand, Draft &out) {
    Type type = function.registers[size_t(operand.reg)].type;
    out.refs.push_back(
        {Ref::Kind::Register, uint64_t(operand.reg), ptx::bitsOf(type) == 64, false});
  }

  void draftSource(const ptx::Instruction &inst, const Operand &operand, Type type, bool access,
                   Draft &out) {
    bool wide = ptx::bitsOf(type) == 64;
    switch (operand.kind) {
    case Operand::Kind::Register:
      if (operand.bits)
        fail(fmt::format("an offset to `{}` is possible in an address only", operand.name));
      checkWidth(inst, operand, type, access);
      pushRegister(operand, out);
      out.refs.back().negated = operand.negated;
      if (operand.negated && type != Type::Pred)
        fail("`!` is possible before predicates only");
      out.use.reads.push_back(operand.reg);
      return;
    case Operand::Kind::Special:
      draftSpecial(operand, out);
      return;
    case Operand::Kind::Integer:
    case Operand::Kind::Single:
    case Operand::Kind::Double:
      if (type == Type::Pred) {
        out.refs.push_back({Ref::Kind::PredConstant, operand.bits != 0, false, operand.negated});
        return;
      }
      out.refs.push_back({Ref::Kind::Constant, constantBits(inst, operand, type), wide, false});
      return;
    case Operand::Kind::Symbol: {
      if (operand.variable == -1)
        fail(fmt::format("`{}` is not declared", operand.name));
      if (ptx::bitsOf(type) < 32)
        fail(fmt::format("the address of `{}` needs 32 or 64 bits", operand.name));
      uint64_t address = addressOf(operand) + operand.bits;
      out.refs.push_back({Ref::Kind::Constant, wide ? address : uint32_t(address), wide, false});
      return;
    }
    default:
      fail(fmt::format("`{}` takes a register or a constant here", spelling(inst)));
    }
  }

  uint64_t constantBits(const ptx::Instruction &inst, const Operand &operand, Type type) const {
    unsigned bits = ptx::bitsOf(type);
    if (operand.kind == Operand::Kind::Integer) {
      if (type == Type::F32 || type == Type::F64)
        fail(fmt::format("`{}` takes a floating-point constant here, such as 0f3F800000",
                         spelling(inst)));
      return bits >= 64 ? operand.bits : operand.bits & ((uint64_t(1) << bits) - 1);
    }
    if (operand.kind == Operand::Kind::Single) {
      if (bits == 64 && type == Type::F64) {
        float single;
        uint32_t low = uint32_t(operand.bits);
        std::memcpy(&single, &low, 4);
        double value = single;
        uint64_t result;
        std::memcpy(&result, &value, 8);
        return result;
      }
      if (bits != 32)
        fail(fmt::format("`{}` takes no single-precision constant here", spelling(inst)));
      return operand.bits;
    }
    if (type == Type::F32) {
      double value;
      std::memcpy(&value, &operand.bits, 8);
      float single = float(value);
      uint32_t result;
      std::memcpy(&result, &single, 4);
      return result;
    }
    if (bits != 64)
      fail(fmt::format("`{}` takes no double-precision constant here", spelling(inst)));
    return operand.bits;
  }

  void draftSpecial(const Operand &operand, Draft &out) {
    static const std::unordered_map<std::string_view, Special> names = {
        {"%tid.x", Special::TidX},
        {"%tid.y", Special::TidY},
        {"%tid.z", Special::TidZ},
        {"%ntid.x", Special::NtidX},
        {"%ntid.y", Special::NtidY},
        {"%ntid.z", Special::NtidZ},
        {"%ctaid.x", Special::CtaidX},
        {"%ctaid.y", Special::CtaidY},
        {"%ctaid.z", Special::CtaidZ},
        {"%nctaid.x", Special::NctaidX},
        {"%nctaid.y", Special::NctaidY},
        {"%nctaid.z", Special::NctaidZ},
        {"%laneid", Special::LaneId},
        {"%warpid", Special::WarpId},
        {"%nwarpid", Special::NwarpId},
        {"%lanemask_eq", Special::MaskEq},
        {"%lanemask_le", Special::MaskLe},
        {"%lanemask_lt", Special::MaskLt},
        {"%lanemask_ge", Special::MaskGe},
        {"%lanemask_gt", Special::MaskGt},
        {"%smid", Special::SmId},
        {"%nsmid", Special::NsmId},
        {"%gridid", Special::GridId},
        {"%dynamic_smem_size", Special::DynamicShared},
        {"%total_smem_size", Special::TotalShared},
        {"%clock", Special::Clock},
        {"%clock64", Special::Clock64},
        {"%globaltimer", Special::Clock64},
        {"%globaltimer_lo", Special::Clock},
        {"%clock_hi", Special::Zero},
        {"%globaltimer_hi", Special::Zero},
    };
    auto found = names.find(operand.name);
    if (found == names.end())
      fail(fmt::format("special register `{}` is not supported", operand.name));
    bool clock = found->second == Special::Clock || found->second == Special::Clock64;
    if (clock && current->opcode != "mov")
      fail(fmt::format("`{}` can be read by `mov` only", operand.name));
    out.readsClock |= clock;
    out.refs.push_back(
        {Ref::Kind::Special, uint64_t(found->second), found->second == Special::Clock64, false});
  }

  void draftLabel(const ptx::Instruction &inst, const Operand &operand, Draft &out) {
    if (operand.kind != Operand::Kind::Symbol)
      fail(fmt::format("`{}` takes a label here", spelling(inst)));
    if (inst.opcode == "brx") {
      auto found = function.branchTargets.find(operand.name);
      if (found == function.branchTargets.end())
        fail(fmt::format("`{}` is no list of branch targets", operand.name));
      for (std::string_view name : found->second)
        out.targets.push_back(findLabel(name, inst.scope));
      return;
    }
    out.targets.push_back(findLabel(operand.name, inst.scope));
  }

  uint32_t findLabel(std::string_view name, uint32_t scope) const {
    for (;; scope = function.scopeParents[scope]) {
      if (auto found = labels.find({scope, name}); found != labels.end())
        return found->second;
      if (scope == 0)
        fail(fmt::format("label `{}` is not defined", name));
    }
  }

  void draftAddress(const ptx::Instruction &inst, const Operand &operand, Draft &out) {
    if (operand.kind != Operand::Kind::Address || operand.elements.size() != 1)
      fail(fmt::format("`{}` takes an address `[...]` here", spelling(inst)));
    const Operand &base = operand.elements[0];
    unsigned which = out.memoryOperands++;
    switch (base.kind) {
    case Operand::Kind::Register: {
      unsigned bits = ptx::bitsOf(function.registers[size_t(base.reg)].type);
      if (bits != 32 && bits != 64)
        fail(fmt::format("`{}` has {} bits, an address has 32 or 64", base.name, bits));
      out.wideAddress[which] = bits == 64;
      pushRegister(base, out);
      out.use.reads.push_back(base.reg);
      out.offset[which] = int64_t(base.bits);
      return;
    }
    case Operand::Kind::Symbol:
      out.refs.push_back({Ref::Kind::Constant, addressOf(base) + base.bits, true, false});
      return;
    case Operand::Kind::Integer:
      out.refs.push_back({Ref::Kind::Constant, base.bits, true, false});
      return;
    default:
      fail(fmt::format("`{}` takes a register, a symbol or a number as its address",
                       spelling(inst)));
    }
  }

  /// mov copies a scalar, packs a vector into one register, or unpacks one into a vector.
  void draftMove(const ptx::Instruction &inst, Draft &out) {
    if (inst.operands.size() != 2)
      fail(fmt::format("`{}` takes 2 operands, here are {}", spelling(inst), inst.operands.size()));
    const Operand &to = inst.operands[0], &from = inst.operands[1];
    bool unpack = to.kind == Operand::Kind::Vector, pack = from.kind == Operand::Kind::Vector;
    Type type = out.types.back(), part = type;
    if (unpack && pack)
      fail("`mov` does not copy a vector to a vector");
    if (unpack || pack) {
      size_t n = (unpack ? to : from).elements.size();
      unsigned bits = ptx::bitsOf(type);
      if (n == 2 && bits >= 32)
        part = bits == 64 ? Type::B32 : Type::B16;
      else if (n == 4 && bits == 64)
        part = Type::B16;
      else
        fail(fmt::format("`{}` cannot hold a vector of {}", spelling(inst), n));
      out.vector = unsigned(n);
    }
    if (unpack)
      for (const Operand &element : to.elements)
        draftDest(inst, element, part, false, out);
    else
      draftDest(inst, to, type, false, out);
    if (pack)
      for (const Operand &element : from.elements)
        draftSource(inst, element, part, false, out);
    else
      draftSource(inst, from, type, false, out);
  }

private:
  //===-- second pass: units and handlers ---------------------------------------------------===//

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
    std::vector<uint16_t> trackedIndex(function.registers.size(), 0);
    for (size_t r = 0; r < function.registers.size(); ++r)
      if (plan.maybeUndefined[r])
        trackedIndex[r] = uint16_t(program->tracked++);
    if (program->tracked >= readAsGuard)
      fail("too many registers may be read before they are written");
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
      if (!bind(match, inst))
        fail(fmt::format("`{}` is in the table but has no semantics", spelling(source)));
      if (inst.kind == Kind::BranchIndexed) {
        inst.target = uint32_t(program->branchTables.size());
        program->branchTables.push_back(d.targets);
      }
      noteGranules(match, inst);
      addDefCheck(d, uint32_t(i), trackedIndex, inst);
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

  void addDefCheck(const Draft &d, uint32_t index, const std::vector<uint16_t> &trackedIndex,
                   Inst &inst) {
    DefCheck check;
    for (size_t k = 0; k < d.use.reads.size(); ++k) {
      size_t reg = size_t(d.use.reads[k]);
      bool guard = k == 0 && d.use.guarded; // draftOperands puts it first
      if (plan.maybeUndefined[reg])
        check.reads.push_back({uint16_t(trackedIndex[reg] | (guard ? readAsGuard : 0)),
                               std::string(function.registers[reg].name)});
    }
    for (int32_t reg : d.use.writes)
      if (plan.maybeUndefined[size_t(reg)])
        check.writes.push_back(trackedIndex[size_t(reg)]);
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

ModuleLayout layOutModule(const ptx::ParsedModule &module) {
  ModuleLayout layout;
  uint64_t at = moduleBase + guardBytes;
  for (const ptx::Variable &variable : module.variables) {
    at = (at + 255) & ~uint64_t(255);
    layout.addresses.push_back(at);
    if (variable.space != Space::Shared)
      at += variable.bytes + guardBytes;
  }
  return layout;
}

std::unique_ptr<Program> decode(const ptx::ParsedModule &module, const ptx::Function &function,
                                const ModuleLayout &layout) {
  return EntryDecoder(module, function, layout).run();
}

} // namespace fc::emu
