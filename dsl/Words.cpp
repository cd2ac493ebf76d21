// Words.cpp - see Words.h.
#include "dsl/Words.h"
#include <algorithm>
#include <array>

namespace fc::dsl {

static constexpr std::string_view kKeywords[] = {
#define FC_KEYWORD(Id, Spelling) Spelling,
#include "dsl/Tokens.def"
};

static constexpr Builtin kBuiltins[] = {
#define FC_BUILTIN(Name, Operation, Axes, Fewest, Most) {Name, Op::Operation, Axes, Fewest, Most},
#include "dsl/Builtins.def"
};

static constexpr std::string_view kElems[] = {"f32", "f16", "bf16", "f8e4m3", "f8e5m2", "i8",
                                              "u8",  "i16", "i32",  "u32",    "i64",    "bool"};
static constexpr int kBits[] = {32, 16, 16, 8, 8, 8, 8, 16, 32, 32, 64, 8};
static constexpr std::string_view kScheduleKeys[] = {"tile",  "split",  "walks",
                                                     "warps", "stages", "ctas"};
static constexpr std::string_view kTargets[] = {"sm_80",  "sm_86",   "sm_89",  "sm_90",
                                                "sm_90a", "sm_100a", "sm_120a"};

std::span<const std::string_view> keywords() { return kKeywords; }
std::span<const Builtin> builtins() { return kBuiltins; }
std::span<const std::string_view> elementTypeNames() { return kElems; }
std::span<const std::string_view> scheduleKeys() { return kScheduleKeys; }
std::span<const std::string_view> targetNames() { return kTargets; }

const Builtin *findBuiltin(std::string_view name, bool takesAxes) {
  for (const Builtin &builtin : kBuiltins)
    if (builtin.name == name && builtin.takesAxes == takesAxes)
      return &builtin;
  return nullptr;
}

bool isReserved(std::string_view name) {
  return std::ranges::find(kKeywords, name) != std::end(kKeywords) || findBuiltin(name, true) ||
         findBuiltin(name, false);
}

std::optional<Elem> elementType(std::string_view name) {
  const auto *found = std::ranges::find(kElems, name);
  if (found == std::end(kElems))
    return std::nullopt;
  return Elem(found - std::begin(kElems));
}

std::string_view name(Elem elem) { return kElems[size_t(elem)]; }
int bits(Elem elem) { return kBits[size_t(elem)]; }
bool isFloat(Elem elem) { return elem <= Elem::F8E5M2; }
bool isInteger(Elem elem) { return elem >= Elem::I8 && elem <= Elem::I64; }
std::string_view spelled(Elem elem) { return elem == Elem::I64 ? "int" : name(elem); }

std::string_view name(Op op) {
  switch (op) {
  case Op::Const:
    return "constant";
  case Op::DimRef:
    return "dimension";
  case Op::ScalarRef:
    return "scalar";
  case Op::PointRef:
    return "point";
  case Op::AxisRef:
    return "axis";
  case Op::LetRef:
    return "let";
  case Op::VarRef:
    return "var";
  case Op::Read:
    return "read";
  case Op::Neg:
    return "-";
  case Op::Add:
    return "+";
  case Op::Sub:
    return "-";
  case Op::Mul:
    return "*";
  case Op::Div:
    return "/";
  case Op::Mod:
    return "%";
  case Op::Lt:
    return "<";
  case Op::Le:
    return "<=";
  case Op::Gt:
    return ">";
  case Op::Ge:
    return ">=";
  case Op::Eq:
    return "==";
  case Op::Ne:
    return "!=";
  case Op::And:
    return "and";
  case Op::Or:
    return "or";
  case Op::Not:
    return "not";
  case Op::Cast:
    return "as";
  default:
    break;
  }
  for (const Builtin &builtin : kBuiltins)
    if (builtin.op == op)
      return builtin.name;
  return "";
}

/// Edits (insert, delete, replace, swap of neighbours) from `a` to `b`, or `limit + 1` if there are
/// more.
static unsigned editDistance(std::string_view a, std::string_view b, unsigned limit) {
  if (a.size() > b.size() + limit || b.size() > a.size() + limit)
    return limit + 1;
  std::vector<unsigned> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    previous[j] = unsigned(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = unsigned(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return previous[b.size()];
}

std::optional<std::string> nearest(std::string_view word,
                                   std::span<const std::string_view> candidates) {
  if (word.size() > 64)
    return std::nullopt;
  // A one-letter name is near to every other one: suggest only for what can be a slip of the
  // finger.
  unsigned limit = word.size() < 3 ? 0 : word.size() < 6 ? 1 : 2;
  unsigned best = limit + 1;
  std::optional<std::string> found;
  for (std::string_view candidate : candidates) {
    unsigned distance = editDistance(word, candidate, limit);
    if (distance < best) {
      best = distance;
      found = std::string(candidate);
    }
  }
  return found;
}

const Kernel *Program::kernel(std::string_view name) const {
  for (const Kernel &kernel : kernels)
    if (kernel.name == name)
      return &kernel;
  return nullptr;
}

} // namespace fc::dsl
