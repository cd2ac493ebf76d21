// Parser.h - tokens to the syntax tree of Ast.h, by the grammar at the end of docs/language.md.
#pragma once
#include "dsl/Ast.h"
#include "dsl/Report.h"

namespace fc::dsl {

/// Parses `text`, file number `file`. Reports every syntax error (it goes on at the next
/// statement), so the result means something only if `reporter` has no errors. `text` must be valid
/// UTF-8 (checkEncoding) and outlive the result.
ast::File parse(std::string_view text, int file, Reporter &reporter);

} // namespace fc::dsl
