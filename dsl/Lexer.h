// Lexer.h - text to tokens, one at a time: a file of 10 MB needs no list of them.
#pragma once
#include "dsl/Report.h"
#include <string_view>

namespace fc::dsl {

enum class Tok : uint8_t {
  End,
  Name,
  Integer,
  Float,
  String,
#define FC_PUNCT(Id, Spelling) Id,
#define FC_KEYWORD(Id, Spelling) Kw##Id,
#include "dsl/Tokens.def"
};
/// As messages show it: "`->`", "a name", "the end of the file".
std::string_view describe(Tok kind);

struct Token {
  Tok kind = Tok::End;
  uint32_t begin = 0, end = 0; ///< bytes of the text
  Loc loc;
  bool firstOnLine = false;
  int64_t intValue = 0;
  double floatValue = 0;
};

class Lexer {
public:
  /// `text` must outlive the lexer and be valid UTF-8 (checkEncoding).
  Lexer(std::string_view text, int file, Reporter &reporter);
  /// The next token; after the last one, End for ever. What is no token is reported and skipped.
  Token next();
  std::string_view text(const Token &token) const {
    return source.substr(token.begin, token.end - token.begin);
  }

private:
  void skipBlanks();
  void lexNumber(Token &token);
  void lexString(Token &token);
  bool lexPunctuation(Token &token);
  bool reportUnknown(Token &token);
  Loc here() const { return {file, line, uint32_t(at - lineStart + 1)}; }
  char peek(size_t ahead = 0) const {
    return at + ahead < source.size() ? source[at + ahead] : '\0';
  }

  std::string_view source;
  int file;
  Reporter &reporter;
  uint32_t at = 0, line = 1, lineStart = 0;
  bool freshLine = true;
};

/// Reports the first byte that is not UTF-8, or a control character that no text has; false if
/// there is one.
bool checkEncoding(std::string_view text, int file, Reporter &reporter);

} // namespace fc::dsl
