// Words.h - the words the language knows: keywords, operations, element types. One place, so that
// the lexer, the checker, the messages' suggestions and the editors' grammars agree.
#pragma once
#include "dsl/Kernel.h"
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fc::dsl {

struct Builtin {
  std::string_view name;
  Op op;
  bool takesAxes;
  unsigned minOperands, maxOperands;
};

std::span<const std::string_view> keywords();
std::span<const Builtin> builtins();
std::span<const std::string_view> elementTypeNames(); ///< without `int`
/// The keys of a `schedule`: "tile", "split", "walks" (of an axis), "warps", "stages", "ctas".
std::span<const std::string_view> scheduleKeys();
/// Targets that `schedule NAME { ... }` may name.
std::span<const std::string_view> targetNames();

/// The operation of that name, with or without axes; null if there is none.
const Builtin *findBuiltin(std::string_view name, bool takesAxes);
bool isReserved(std::string_view name);                 ///< a keyword or the name of an operation
std::optional<Elem> elementType(std::string_view name); ///< of a tensor; `int` is none
/// The name as the language spells it in expressions: I64 is "int".
std::string_view spelled(Elem elem);

/// The candidate nearest to `word` in edit distance, if it is near enough to be what was meant.
std::optional<std::string> nearest(std::string_view word,
                                   std::span<const std::string_view> candidates);

} // namespace fc::dsl
