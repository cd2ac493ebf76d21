// Opcodes.cpp - parses the rows of Opcodes.def at the first use.
#include "runtime/emulator/Opcodes.h"

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
  static constexpr std::string_view names[] = {
      "alu",    "fma",     "mufu", "convert", "memory",  "global", "shared", "local",
      "const",  "atomic",  "shuffle", "sync", "control", "async",  "tensor"};
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

} // namespace fc::emu
