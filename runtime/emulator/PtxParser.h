// PtxParser.h - what the parser is made of: reading tokens, then declarations of variables.
#pragma once
#include "runtime/emulator/PtxLexer.h"

#include <fmt/format.h>

namespace fc::emu::ptx {

/// Bounds that no real module meets and that keep hostile ones from exhausting memory.
constexpr uint64_t maxVariableBytes = uint64_t(1) << 30;
constexpr unsigned maxNesting = 64;
constexpr uint32_t maxRegisterRange = 1u << 20;

/// Whether `word` is a special register such as %tid, and whether that takes `.x`, `.y` or `.z`.
bool isSpecialRegister(std::string_view word);
bool isDimensioned(std::string_view word);
/// Whether ".word" is a state space that variables may be declared in; and which.
bool isSpaceWord(std::string_view word);
Space spaceOf(std::string_view word);

/// One token ahead, and what is said when it is another than expected.
class TokenReader {
protected:
  explicit TokenReader(std::string_view text) : lexer(text) { advance(); }

  Lexer lexer;
  Token token;

  [[noreturn]] void fail(std::string message) const { throw Error{token.line, std::move(message)}; }
  void advance() { token = lexer.next(); }
  std::string seen() const {
    return token.kind == TokenKind::End ? "the end of the text" : fmt::format("`{}`", token.text);
  }
  void expect(char c) {
    if (!token.is(c))
      fail(fmt::format("expected `{}`, found {}", c, seen()));
    advance();
  }
  bool accept(char c) {
    if (!token.is(c))
      return false;
    advance();
    return true;
  }
  bool atDotted(std::string_view word) const {
    return token.kind == TokenKind::Dotted && token.text == word;
  }
  std::string_view word(std::string_view what) {
    if (token.kind != TokenKind::Word)
      fail(fmt::format("expected {}, found {}", what, seen()));
    std::string_view text = token.text;
    advance();
    return text;
  }
  uint64_t integer(std::string_view what) {
    if (token.kind != TokenKind::Integer)
      fail(fmt::format("expected {}, found {}", what, seen()));
    uint64_t bits = token.bits;
    advance();
    return bits;
  }
  uint32_t small(std::string_view what) {
    uint64_t bits = integer(what);
    if (bits > UINT32_MAX)
      fail(fmt::format("{} {} does not fit 32 bits", what, bits));
    return uint32_t(bits);
  }
};

/// {.space} {.align N} .type name[N] {= init}: variables and parameters.
class DeclarationParser : protected TokenReader {
protected:
  using TokenReader::TokenReader;

  /// What stands before the names, from behind the space on: {.align N} {.ptr ...} .type.
  Variable parseVariableHead(Space space);
  /// One name with its dimensions and its initialiser; `variable` is a copy of the head.
  void parseVariableName(Variable &variable, bool external);

private:
  void parseInitializer(Variable &variable);
};

} // namespace fc::emu::ptx
