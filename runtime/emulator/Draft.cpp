// Draft.cpp - see Draft.h.
#include "runtime/emulator/Draft.h"

#include <cstring>
#include <fmt/format.h>
#include <map>
#include <unordered_map>

namespace fc::emu {

using ptx::Operand;
using ptx::Type;

std::string spelling(const ptx::Instruction &inst) {
  std::string text(inst.opcode);
  for (std::string_view word : inst.modifiers)
    text += fmt::format(".{}", word);
  return text;
}

namespace {

class Drafter {
public:
  Drafter(const ptx::ParsedModule &module, const ptx::Function &function, const Frame &frame)
      : module(module), function(function), frame(frame) {}

  std::vector<Draft> run() {
    for (const ptx::Label &label : function.labels)
      labels[{label.scope, label.name}] = label.instruction;
    std::vector<Draft> drafts(function.body.size());
    for (size_t i = 0; i < function.body.size(); ++i)
      draft(function.body[i], drafts[i]);
    return drafts;
  }

private:
  const ptx::ParsedModule &module;
  const ptx::Function &function;
  const Frame &frame;
  std::map<std::pair<uint32_t, std::string_view>, uint32_t> labels;
  const ptx::Instruction *current = nullptr;

  [[noreturn]] void fail(std::string message) const {
    throw ptx::Error{current->line, std::move(message)};
  }

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
      uint64_t address = frame.addressOf(operand, current->line) + operand.bits;
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
    out.base[which] = out.refs.size();
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
      out.refs.push_back(
          {Ref::Kind::Constant, frame.addressOf(base, current->line) + base.bits, true, false});
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
};

} // namespace

std::vector<Draft> draftBody(const ptx::ParsedModule &module, const ptx::Function &function,
                             const Frame &frame) {
  return Drafter(module, function, frame).run();
}

} // namespace fc::emu
