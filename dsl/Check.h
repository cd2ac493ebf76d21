// Check.h - syntax trees to the checked form of Kernel.h: names resolved, `fn`s expanded, types and
// axis sets worked out, every rule of docs/language.md (A1-A8, T1-T5, D1-D4, F1, K1) enforced.
#pragma once
#include "dsl/Ast.h"
#include "dsl/Frontend.h"
#include "dsl/Report.h"

namespace fc::dsl {

/// Checks the kernels of files[0]; the other files only bring their `fn`s. `sources` are the texts,
/// by file number. Fills `program` (not its `files`); it means something only if `reporter` has no
/// errors.
void check(const std::vector<ast::File> &files, const std::deque<SourceFile> &sources,
           const Defines &defines, Program &program, Reporter &reporter);

/// Operations that the `fn`s of one kernel may expand to, and the depth of the resulting
/// expressions (through `let`s): what bounds the recursion of everything behind the checker.
constexpr unsigned kMaxExpansion = 200'000, kMaxExprDepth = 1000;
/// Axes of one kernel.
constexpr unsigned kMaxAxes = 100;

} // namespace fc::dsl
