// Lexer.cpp - see Lexer.h.
#include "dsl/Lexer.h"
#include "dsl/Words.h"
#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace fc::dsl {

std::string_view describe(Tok kind) {
  switch (kind) {
  case Tok::End:
    return "the end of the file";
  case Tok::Name:
    return "a name";
  case Tok::Integer:
  case Tok::Float:
    return "a number";
  case Tok::String:
    return "a string";
#define FC_PUNCT(Id, Spelling)                                                                     \
  case Tok::Id:                                                                                    \
    return "`" Spelling "`";
#define FC_KEYWORD(Id, Spelling)                                                                   \
  case Tok::Kw##Id:                                                                                \
    return "`" Spelling "`";
#include "dsl/Tokens.def"
  }
  return "";
}

static bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// The length of the UTF-8 sequence at `at`, or 0 if there is none (overlong, surrogate, cut off).
static unsigned sequenceLength(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return at + i < text.size() ? uint8_t(text[at + i]) : 0; };
  auto continues = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  uint8_t first = byte(0);
  if (first < 0x80)
    return 1;
  if (first >= 0xC2 && first < 0xE0)
    return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    bool narrow = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0);
    return !narrow && continues(1) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    bool narrow = (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90);
    return !narrow && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

bool checkEncoding(std::string_view text, int file, Reporter &reporter) {
  uint32_t line = 1;
  size_t lineStart = 0;
  for (size_t at = 0; at < text.size();) {
    uint8_t byte = uint8_t(text[at]);
    Loc loc{file, line, uint32_t(at - lineStart + 1)};
    unsigned length = sequenceLength(text, at);
    if (!length) {
      reporter.report(Diag::NotUtf8, loc, unsigned(byte));
      return false;
    }
    if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7F) {
      reporter.report(Diag::ControlCharacter, loc, unsigned(byte));
      return false;
    }
    at += length;
    if (byte == '\n') {
      ++line;
      lineStart = at;
    }
  }
  return true;
}

Lexer::Lexer(std::string_view text, int file, Reporter &reporter)
    : source(text), file(file), reporter(reporter) {
  if (text.starts_with("\xEF\xBB\xBF")) // a byte order mark says nothing in UTF-8
    at = 3;
}

void Lexer::skipBlanks() {
  while (at < source.size()) {
    char c = source[at];
    if (c == '\n') {
      ++at;
      ++line;
      lineStart = at;
      freshLine = true;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at;
    } else if (c == '/' && peek(1) == '/') {
      while (at < source.size() && source[at] != '\n')
        ++at;
    } else {
      return;
    }
  }
}

static const std::unordered_map<std::string_view, Tok> &keywordTokens() {
  static const std::unordered_map<std::string_view, Tok> map = {
#define FC_KEYWORD(Id, Spelling) {Spelling, Tok::Kw##Id},
#include "dsl/Tokens.def"
  };
  return map;
}

Token Lexer::next() {
  while (true) {
    skipBlanks();
    Token token;
    token.begin = at;
    token.loc = here();
    token.firstOnLine = freshLine;
    token.end = at;
    if (at >= source.size())
      return token;
    freshLine = false;
    if (isLetter(peek())) {
      while (isLetter(peek()) || isDigit(peek()))
        ++at;
      token.end = at;
      auto keyword = keywordTokens().find(text(token));
      token.kind = keyword == keywordTokens().end() ? Tok::Name : keyword->second;
      return token;
    }
    if (isDigit(peek()) || (peek() == '.' && isDigit(peek(1)))) {
      lexNumber(token);
      return token;
    }
    if (peek() == '"') {
      lexString(token);
      return token;
    }
    if (lexPunctuation(token))
      return token;
    if (reportUnknown(token))
      return token;
    freshLine = token.firstOnLine; // what was skipped stood for nothing
  }
}

void Lexer::lexNumber(Token &token) {
  // Taken whole, with what sticks to it, so that `1.5.2`, `0x10` or `12ab` is one mistake and not
  // three.
  bool isFloat = false;
  while (isDigit(peek()))
    ++at;
  if (peek() == '.' && peek(1) != '.') {
    isFloat = true;
    ++at;
    while (isDigit(peek()))
      ++at;
  }
  if ((peek() == 'e' || peek() == 'E') &&
      (isDigit(peek(1)) || ((peek(1) == '+' || peek(1) == '-') && isDigit(peek(2))))) {
    isFloat = true;
    at += 2;
    while (isDigit(peek()))
      ++at;
  }
  uint32_t numberEnd = at;
  while (isLetter(peek()) || isDigit(peek()) || (peek() == '.' && peek(1) != '.'))
    ++at;
  token.end = at;
  token.kind = isFloat ? Tok::Float : Tok::Integer;
  const char *begin = source.data() + token.begin, *end = source.data() + numberEnd;
  std::string_view spelling = text(token).substr(0, 40);
  if (numberEnd != at || *begin == '.' || end[-1] == '.') {
    const char *rule = *begin == '.'    ? "a digit stands before the point"
                       : end[-1] == '.' ? "a digit stands after the point"
                                        : "numbers are decimal, as `12`, `0.5` or `1e-6`";
    reporter.report(Diag::BadNumber, token.loc, spelling, rule);
  } else if (isFloat) {
    // Overflow and underflow both come back as out of range; underflow is zero for every purpose
    // here.
    auto [rest, error] = std::from_chars(begin, end, token.floatValue);
    bool tiny = std::string_view(begin, size_t(end - begin)).find("e-") != std::string_view::npos ||
                std::string_view(begin, size_t(end - begin)).find("E-") != std::string_view::npos;
    if (error != std::errc() || token.floatValue > 3.4028234663852886e38) {
      if (tiny && error != std::errc())
        token.floatValue = 0;
      else
        reporter.report(Diag::NumberTooLarge, token.loc, spelling, "f32")
            .fix("write `inf` for infinity");
    }
  } else if (auto [rest, error] = std::from_chars(begin, end, token.intValue);
             error != std::errc()) {
    reporter.report(Diag::NumberTooLarge, token.loc, spelling, "int (64 bits)");
  }
}

void Lexer::lexString(Token &token) {
  token.kind = Tok::String;
  uint32_t begin = ++at;
  while (at < source.size() && source[at] != '"' && source[at] != '\n')
    ++at;
  token.begin = begin;
  token.end = at;
  if (peek() == '"')
    ++at;
  else
    reporter.report(Diag::UnterminatedString, token.loc);
}

bool Lexer::lexPunctuation(Token &token) {
  // The longest spelling first: `<=` before `<`.
  struct Spelling {
    std::string_view text;
    Tok kind;
  };
  static constexpr Spelling spellings[] = {
#define FC_PUNCT(Id, Text) {Text, Tok::Id},
#include "dsl/Tokens.def"
  };
  for (size_t length : {2, 1})
    for (const Spelling &spelling : spellings)
      if (spelling.text.size() == length && source.substr(at, length) == spelling.text) {
        token.kind = spelling.kind;
        at += uint32_t(length);
        token.end = at;
        return true;
      }
  return false;
}

/// True if `token` is now what was meant, so that the rest of the line is read in that sense.
bool Lexer::reportUnknown(Token &token) {
  // What other languages write, and what this one writes for it.
  struct Habit {
    std::string_view spelling, better;
    Tok meant;
  };
  static constexpr Habit habits[] = {{"&&", "`and`", Tok::KwAnd},
                                     {"||", "`or`", Tok::KwOr},
                                     {"!", "`not`", Tok::KwNot},
                                     {"^", "`x * x` or `exp2(n * log2(x))` for a power", Tok::Star},
                                     {"&", "`and`, or `bit(x, n)` to test one bit", Tok::KwAnd},
                                     {"#", "`//` for a comment", Tok::End}};
  const Habit *habit = std::ranges::find_if(
      habits, [&](const Habit &h) { return source.substr(at).starts_with(h.spelling); });
  bool known = habit != std::end(habits);
  unsigned length =
      known ? unsigned(habit->spelling.size()) : std::max(1u, sequenceLength(source, at));
  auto handle = reporter.report(Diag::UnknownCharacter, here(), source.substr(at, length));
  if (known)
    handle.fix(fmt::format("write {}", habit->better));
  at += length;
  if (!known)
    return false;
  if (habit->meant == Tok::End) {
    while (at < source.size() && source[at] != '\n')
      ++at;
    return false;
  }
  token.kind = habit->meant;
  token.end = at;
  return true;
}

} // namespace fc::dsl
