// PtxLexer.h - PTX text to tokens. One token is read at a time; nothing is allocated.
#pragma once
#include "runtime/emulator/Ptx.h"

namespace fc::emu::ptx {

enum class TokenKind : uint8_t {
  End,
  Word,    ///< identifier, register or opcode: add, %r1, $L__BB0_1
  Dotted,  ///< .global, .L2::128B; `text` lacks the dot
  Integer, ///< `bits`
  Single,  ///< 0f3F800000
  Double,  ///< 0d3FF0000000000000, or a decimal fraction
  String,  ///< without its quotes
  Punct,   ///< one character, `punct`
};

struct Token {
  TokenKind kind = TokenKind::End;
  char punct = 0;
  std::string_view text;
  uint64_t bits = 0;
  uint32_t line = 1;
  bool is(char c) const { return kind == TokenKind::Punct && punct == c; }
};

class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) {}
  /// The next token. Throws Error on a character or number that PTX does not have.
  Token next();
  /// Skips to just behind the `}` that closes a `{` already read (debug sections, skipped bodies).
  void skipBraces();

private:
  void skipBlank();
  Token number();
  std::string_view text;
  size_t at = 0;
  uint32_t line = 1;
};

} // namespace fc::emu::ptx
