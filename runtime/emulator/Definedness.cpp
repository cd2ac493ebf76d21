// Definedness.cpp - see Definedness.h.
#include "runtime/emulator/Definedness.h"

#include <algorithm>

namespace fc::emu {

using ptx::Type;

namespace {

/// Collects the flows of one instruction.
class Flows {
public:
  Flows(const Draft &draft, const ptx::Function &function) : draft(draft), function(function) {}

  std::vector<ByteFlow> result;

  bool isRegister(size_t k) const { return draft.refs[k].kind == Ref::Kind::Register; }
  bool isConstant(size_t k) const { return draft.refs[k].kind == Ref::Kind::Constant; }
  uint64_t constant(size_t k) const { return draft.refs[k].value; }
  unsigned width(size_t k) const {
    return bytesOf(function.registers[size_t(draft.refs[k].value)].type);
  }
  /// Byte `byte` of operand `k`; of what is no register, all bytes are defined.
  RegisterByte at(size_t k, unsigned byte) const {
    return isRegister(k) ? RegisterByte{int32_t(draft.refs[k].value), byte} : RegisterByte{};
  }
  void flow(size_t to, unsigned byte, RegisterByte from, RegisterByte other = {}) {
    if (isRegister(to))
      result.push_back({at(to, byte), {from, other}});
  }

private:
  const Draft &draft;
  const ptx::Function &function;
};

void move(Flows &flows, const Draft &draft) {
  size_t n = draft.refs.size();
  if (n == 2) { // a scalar
    for (unsigned b = 0; flows.isRegister(0) && b < flows.width(0); ++b)
      flows.flow(0, b, flows.at(1, b));
    return;
  }
  unsigned part = bytesOf(draft.types.back()) / draft.vector, at = 0;
  bool unpack = !flows.isRegister(0) || flows.width(0) == part;
  for (size_t k = 0; k < draft.vector; ++k)
    for (unsigned b = 0; b < part; ++b, ++at)
      if (unpack)
        flows.flow(k, b, flows.at(n - 1, at));
      else
        flows.flow(0, at, flows.at(1 + k, b));
}

/// Between integers: the low bytes move, the rest is zeros or copies of the sign.
void convert(Flows &flows, const Draft &draft) {
  if (!flows.isRegister(0))
    return;
  Type to = draft.types.front(), from = draft.types.back();
  unsigned moved = std::min(bytesOf(to), bytesOf(from)), all = flows.width(0);
  // Into a wider register, the sign of the narrower of the two types goes on.
  Type narrow = bytesOf(to) < bytesOf(from) ? to : from;
  for (unsigned b = 0; b < all; ++b)
    flows.flow(0, b,
               b < moved               ? flows.at(1, b)
               : ptx::isSigned(narrow) ? flows.at(1, moved - 1)
                                       : RegisterByte{});
}

void permute(Flows &flows) {
  uint64_t selector = flows.constant(3);
  for (unsigned b = 0; b < 4; ++b) {
    unsigned from = unsigned(selector >> (4 * b)) & 7;
    flows.flow(0, b, flows.at(from < 4 ? 1 : 2, from % 4));
  }
}

/// `and` with a constant drops bytes; otherwise a byte is made of two.
void combine(Flows &flows, Op op) {
  for (unsigned b = 0; flows.isRegister(0) && b < flows.width(0); ++b) {
    auto source = [&](size_t k, size_t other) {
      bool dropped =
          op == Op::op_and && flows.isConstant(other) && !(flows.constant(other) >> (8 * b) & 0xff);
      return dropped ? RegisterByte{} : flows.at(k, b);
    };
    flows.flow(0, b, source(1, 2), source(2, 1));
  }
}

} // namespace

unsigned bytesOf(Type type) { return type == Type::Pred ? 1 : std::max(ptx::bitsOf(type) / 8, 1u); }

std::optional<std::vector<ByteFlow>> byteFlows(const Draft &draft, const ptx::Function &function) {
  Flows flows(draft, function);
  Op op = draft.form->op;
  Type type = draft.types.empty() ? Type::None : draft.types.back();
  switch (op) {
  case Op::op_mov:
    if (type == Type::Pred)
      return std::nullopt;
    move(flows, draft);
    break;
  case Op::op_cvt:
    if (draft.form->modifiers.size() != 2 || !ptx::isInteger(draft.types[0]) ||
        !ptx::isInteger(draft.types[1]))
      return std::nullopt;
    convert(flows, draft);
    break;
  case Op::op_prmt:
    if (draft.form->modifiers.size() != 1 || !flows.isConstant(3))
      return std::nullopt;
    permute(flows);
    break;
  case Op::op_and:
  case Op::op_or:
  case Op::op_xor:
    if (type == Type::Pred)
      return std::nullopt;
    combine(flows, op);
    break;
  default:
    return std::nullopt;
  }
  return std::move(flows.result);
}

unsigned bytesUsed(const Draft &draft, const ptx::Function &function, int32_t reg) {
  unsigned all = bytesOf(function.registers[size_t(reg)].type);
  if (draft.form->op != Op::op_st)
    return all;
  const Ref &base = draft.refs[0];
  bool isBase = base.kind == Ref::Kind::Register && int32_t(base.value) == reg;
  return isBase ? all : std::min(all, bytesOf(draft.types.back()));
}

std::vector<bool> registersToWatch(const std::vector<Draft> &drafts, const ptx::Function &function,
                                   const RegisterPlan &plan) {
  std::vector<bool> watched = plan.maybeUndefined;
  if (std::find(watched.begin(), watched.end(), true) == watched.end())
    return watched;
  for (bool changed = true; changed;) {
    changed = false;
    for (const Draft &draft : drafts)
      if (auto flows = byteFlows(draft, function))
        for (const ByteFlow &flow : *flows)
          for (const RegisterByte &from : flow.from)
            if (from.reg >= 0 && watched[size_t(from.reg)] && !watched[size_t(flow.to.reg)])
              changed = watched[size_t(flow.to.reg)] = true;
  }
  return watched;
}

} // namespace fc::emu
