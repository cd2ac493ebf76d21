// Opcodes.cpp - parses the rows of Opcodes.def at the first use.
#include "runtime/emulator/Opcodes.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <unordered_map>

namespace fc::emu {

namespace {

struct Row {
  const char *opcode; ///< set on FC_OPCODE rows
  Op op;
  Family family;
  const char *modifiers;
  const char *operands;
  unsigned sm;
  Class cls;
};

const Row rows[] = {
#define FC_OPCODE(name, family)                                                                    \
  {#name, Op::op_##name, Family::family, nullptr, nullptr, 0, Class::Alu},
#define FC_FORM(modifiers, operands, sm, cls)                                                      \
  {nullptr, Op::Count, Family::Arith, modifiers, operands, sm, Class::cls},
#include "runtime/emulator/Opcodes.def"
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    size_t end = text.find(separator);
    if (end != 0)
      parts.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return parts;
}

bool takeSuffix(std::string_view &text, std::string_view suffix) {
  if (text.size() < suffix.size() || text.substr(text.size() - suffix.size()) != suffix)
    return false;
  text.remove_suffix(suffix.size());
  return true;
}

OperandSpec parseOperandSpec(std::string_view text) {
  using Kind = OperandSpec::Kind;
  using Select = OperandSpec::Select;
  OperandSpec spec;
  spec.optional = takeSuffix(text, "?");
  if (text == "p|q") {
    spec.kind = Kind::PredPair;
    return spec;
  }
  spec.pair = takeSuffix(text, "|p");
  size_t colon = text.find(':');
  std::string_view head = text.substr(0, colon);
  if (head == "mov") {
    spec.kind = Kind::Move;
    return spec;
  }
  if (head[0] == 'v') {
    head.remove_prefix(1);
    if (head.size() > 1)
      spec.vector = unsigned(head[1] - '0');
    else
      spec.byModifier = true;
    head = head.substr(0, 1);
  }
  assert(head.size() == 1 && "unknown operand letter in Opcodes.def");
  spec.kind = head[0] == 'd'   ? Kind::Dest
              : head[0] == 's' ? Kind::Source
              : head[0] == 'm' ? Kind::Memory
              : head[0] == 'l' ? Kind::Label
                               : Kind::Immediate;
  if (colon != std::string_view::npos) {
    std::string_view select = text.substr(colon + 1);
    spec.select = select == "w"   ? Select::Wide
                  : select == "1" ? Select::First
                  : select == "2" ? Select::Second
                                  : Select::Fixed;
    if (spec.select == Select::Fixed) {
      spec.fixed = ptx::typeOf(select);
      assert(spec.fixed != ptx::Type::None && "unknown type in Opcodes.def");
    }
  }
  return spec;
}

std::vector<Form> parseForms() {
  std::vector<Form> forms;
  const Row *opcode = nullptr;
  for (const Row &row : rows) {
    if (row.opcode) {
      opcode = &row;
      continue;
    }
    Form form;
    form.op = opcode->op;
    form.family = opcode->family;
    form.opcode = opcode->opcode;
    form.sm = row.sm;
    form.cls = row.cls;
    form.modifierText = row.modifiers;
    form.operandText = row.operands;
    for (std::string_view group : split(row.modifiers, ' ')) {
      ModifierGroup parsed;
      parsed.optional = takeSuffix(group, "?");
      parsed.choices = split(group, '|');
      form.modifiers.push_back(std::move(parsed));
    }
    for (std::string_view operand : split(row.operands, ' '))
      form.operands.push_back(parseOperandSpec(operand));
    forms.push_back(std::move(form));
  }
  return forms;
}

} // namespace

bool Form::matches(const std::vector<std::string_view> &words) const {
  size_t at = 0;
  for (const ModifierGroup &group : modifiers) {
    bool found = false;
    if (at < words.size())
      for (std::string_view choice : group.choices)
        found |= words[at] == choice;
    if (found)
      ++at;
    else if (!group.optional)
      return false;
  }
  return at == words.size();
}

unsigned vectorOf(std::string_view word, unsigned otherwise) {
  return word == "v2" || word == "x2"   ? 2
         : word == "v4" || word == "x4" ? 4
         : word == "x1"                 ? 1
                                        : otherwise;
}

const std::vector<Form> &allForms() {
  static const std::vector<Form> forms = parseForms();
  return forms;
}

std::vector<const Form *> formsOf(std::string_view opcode) {
  static const std::unordered_map<std::string_view, std::vector<const Form *>> index = [] {
    std::unordered_map<std::string_view, std::vector<const Form *>> map;
    for (const Form &form : allForms())
      map[form.opcode].push_back(&form);
    return map;
  }();
  auto found = index.find(opcode);
  return found == index.end() ? std::vector<const Form *>() : found->second;
}

std::string_view nameOf(Class cls) {
  static constexpr std::string_view names[] = {"alu",     "fma",    "mufu",    "convert", "memory",
                                               "global",  "shared", "local",   "const",   "atomic",
                                               "shuffle", "sync",   "control", "async",   "tensor"};
  return names[unsigned(cls)];
}

std::string listPtx() {
  std::string text;
  for (const Form &form : allForms()) {
    std::string line(form.opcode);
    for (const ModifierGroup &group : form.modifiers) {
      std::string choices;
      for (std::string_view choice : group.choices)
        choices += fmt::format("{}.{}", choices.empty() ? "" : "|", choice);
      if (group.choices.size() > 1 || group.optional)
        line += fmt::format("{{{}}}", choices);
      else
        line += choices;
    }
    text += fmt::format("{}  {}  sm_{}\n", line, form.operandText, form.sm);
  }
  return text;
}

namespace {

/// All choices of the modifiers; when those are many, each choice of each group at least once.
std::vector<std::vector<std::string_view>> spellings(const Form &form) {
  constexpr size_t many = 400;
  size_t product = 1;
  for (const ModifierGroup &group : form.modifiers)
    product = std::min(product * (group.choices.size() + group.optional), many + 1);
  auto pick = [](const ModifierGroup &group, size_t k, std::vector<std::string_view> &into) {
    if (k < group.choices.size())
      into.push_back(group.choices[k]); // one past the last: left out
  };
  std::vector<std::vector<std::string_view>> all;
  size_t n = form.modifiers.size();
  if (product <= many) {
    std::vector<size_t> at(n, 0);
    for (;;) {
      std::vector<std::string_view> words;
      for (size_t g = 0; g < n; ++g)
        pick(form.modifiers[g], at[g], words);
      all.push_back(std::move(words));
      size_t g = 0;
      while (g < n && ++at[g] == form.modifiers[g].choices.size() + form.modifiers[g].optional)
        at[g++] = 0;
      if (g == n)
        return all;
    }
  }
  for (size_t g = 0; g < n; ++g)
    for (size_t k = 0; k < form.modifiers[g].choices.size() + form.modifiers[g].optional; ++k) {
      std::vector<std::string_view> words;
      for (size_t other = 0; other < n; ++other) {
        const ModifierGroup &group = form.modifiers[other];
        pick(group, other == g ? k : group.optional ? group.choices.size() : 0, words);
      }
      all.push_back(std::move(words));
    }
  return all;
}

/// An operand of the form, made of registers that the conformance module declares.
std::string exampleOperand(const Form &form, const OperandSpec &spec,
                           const std::vector<std::string_view> &words, unsigned index) {
  using Kind = OperandSpec::Kind;
  std::vector<ptx::Type> types;
  unsigned vector = spec.vector;
  for (std::string_view word : words) {
    if (ptx::Type type = ptx::typeOf(word); type != ptx::Type::None)
      types.push_back(type);
    if (spec.byModifier)
      vector = vectorOf(word, vector);
  }
  auto reg = [&](ptx::Type type, unsigned k) {
    if (type == ptx::Type::Pred)
      return fmt::format("%p{}", k);
    unsigned bits = ptx::bitsOf(type);
    return fmt::format("%{}{}", bits == 64 ? "d" : bits == 32 ? "r" : "h", k);
  };
  switch (spec.kind) {
  case Kind::PredPair:
    return types.back() == ptx::Type::F16x2 || types.back() == ptx::Type::BF16x2 ? "%p0|%p1"
                                                                                 : "%p0";
  case Kind::Memory:
    return "[%d9]";
  case Kind::Label:
    return form.op == Op::op_brx ? "targets" : "done";
  case Kind::Immediate:
    return form.op == Op::op_cp ? "16" : "5";
  case Kind::Move:
    return fmt::format("{}, {}", reg(types.back(), 0), reg(types.back(), 1));
  case Kind::Dest:
  case Kind::Source:
    break;
  }
  ptx::Type type = types.empty() ? ptx::Type::B32 : types.back();
  using Select = OperandSpec::Select;
  if (spec.select == Select::First)
    type = types.front();
  else if (spec.select == Select::Second)
    type = types[1];
  else if (spec.select == Select::Fixed)
    type = spec.fixed;
  else if (spec.select == Select::Wide)
    type = ptx::bitsOf(type) == 16 ? ptx::Type::B32 : ptx::Type::B64;
  if (vector) {
    std::string text = "{";
    for (unsigned k = 0; k < vector; ++k)
      text += (k ? ", " : "") + reg(type, index + k);
    return text + "}";
  }
  // Member masks and barrier numbers are constants in what compilers write.
  if (spec.kind == Kind::Source && form.family == Family::WarpLanes &&
      &spec == &form.operands.back() && form.op != Op::op_activemask)
    return "0xffffffff";
  if (spec.kind == Kind::Source && form.family == Family::Sync && spec.fixed == ptx::Type::U32) {
    bool first = &spec == &form.operands[form.operands[0].kind == Kind::Dest];
    return words[0] == "warp" ? "0xffffffff" : first ? "1" : "32";
  }
  std::string text = reg(type, index);
  return spec.pair ? text + "|%p1" : text;
}

} // namespace

std::string conformancePtx(unsigned sm, bool archSpecific) {
  std::string text =
      fmt::format(".version 8.7\n.target sm_{}{}\n.address_size 64\n.visible .entry forms()\n{{\n"
                  ".reg .pred %p<10>;\n.reg .b16 %h<10>;\n.reg .b32 %r<64>;\n.reg .b64 %d<10>;\n"
                  "targets: .branchtargets done;\n",
                  sm, archSpecific ? "a" : "");
  for (const Form &form : allForms()) {
    if (form.sm > sm)
      continue;
    for (const std::vector<std::string_view> &words : spellings(form)) {
      std::string line(form.opcode);
      for (std::string_view word : words)
        line += fmt::format(".{}", word);
      unsigned index = 0;
      const char *separator = " ";
      for (const OperandSpec &spec : form.operands) {
        line += separator + exampleOperand(form, spec, words, index++);
        separator = ", ";
      }
      text += line + ";\n";
    }
  }
  return text + "done: ret;\n}\n";
}

} // namespace fc::emu
