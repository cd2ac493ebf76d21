// DumpAst.h - a checked program as text, for `fcc --emit=ast` and for tests.
#pragma once
#include "dsl/Kernel.h"
#include <string>

namespace fc::dsl {

/// All kernels, close to the language: names resolved, constants folded, `fn`s expanded. Each value
/// shows its element type and its axes, and each widening that the checker put in is a call
/// (`f32(x)`). A part that several expressions share is written once, as `%1`.
///
///     let s: f32 (i, j) = scale * dot[d](q[b, h, i, d], k[b, g, j, d])
std::string dumpAst(const Program &program);
std::string dumpAst(const Kernel &kernel);

/// One expression as the text has it: nothing is shared, and the widenings that the checker put in
/// are left out.
///
///     where(j <= i + (N - M), s, -inf)
std::string formula(const Expr &expr);

} // namespace fc::dsl
