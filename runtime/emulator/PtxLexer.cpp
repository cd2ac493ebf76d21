// PtxLexer.cpp - see PtxLexer.h. Numbers follow the ISA's "Constants" chapter.
#include "runtime/emulator/PtxLexer.h"

#include <bit>
#include <cstdlib>
#include <fmt/format.h>

namespace fc::emu::ptx {

namespace {
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%';
}
bool isWord(char c) { return isWordStart(c) || isDigit(c); }
int hexDigit(char c) {
  if (isDigit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}
} // namespace

void Lexer::skipBlank() {
  while (at < text.size()) {
    char c = text[at];
    if (c == '\n') {
      ++line;
      ++at;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' ||
               (c == '\0' && at + 1 == text.size())) {
      ++at; // one trailing NUL is how embedded PTX strings often end
    } else if (c == '/' && at + 1 < text.size() && text[at + 1] == '/') {
      while (at < text.size() && text[at] != '\n')
        ++at;
    } else if (c == '/' && at + 1 < text.size() && text[at + 1] == '*') {
      uint32_t start = line;
      size_t end = text.find("*/", at + 2);
      if (end == std::string_view::npos)
        throw Error{start, "a comment is never closed"};
      for (; at < end + 2; ++at)
        line += text[at] == '\n';
    } else {
      return;
    }
  }
}

Token Lexer::number() {
  Token token;
  token.line = line;
  token.kind = TokenKind::Integer;
  size_t start = at;
  auto takeDigits = [&](unsigned base) {
    size_t first = at;
    bool overflow = false;
    for (int d; at < text.size() && (d = hexDigit(text[at])) >= 0 && unsigned(d) < base; ++at) {
      overflow |= token.bits > (~uint64_t(0) - unsigned(d)) / base;
      token.bits = token.bits * base + unsigned(d);
    }
    if (at == first)
      throw Error{line, "a number has no digits"};
    if (overflow)
      throw Error{line, fmt::format("`{}` does not fit 64 bits", text.substr(start, at - start))};
  };
  char kind = text[at] == '0' && at + 1 < text.size() ? text[at + 1] : '\0';
  if (kind == 'x' || kind == 'X') {
    at += 2;
    takeDigits(16);
  } else if (kind == 'b' || kind == 'B') {
    at += 2;
    takeDigits(2);
  } else if (kind == 'f' || kind == 'F' || kind == 'd' || kind == 'D') {
    bool single = kind == 'f' || kind == 'F';
    at += 2;
    size_t first = at;
    takeDigits(16);
    if (at - first != (single ? 8u : 16u))
      throw Error{line, fmt::format("`{}` needs {} hexadecimal digits",
                                    text.substr(start, at - start), single ? 8 : 16)};
    token.kind = single ? TokenKind::Single : TokenKind::Double;
  } else {
    size_t end = at;
    while (end < text.size() && isDigit(text[end]))
      ++end;
    bool fraction = end < text.size() &&
                    ((text[end] == '.' && end + 1 < text.size() && isDigit(text[end + 1])) ||
                     text[end] == 'e' || text[end] == 'E');
    if (fraction) {
      size_t stop = end;
      while (stop < text.size() &&
             (isDigit(text[stop]) || text[stop] == '.' || text[stop] == 'e' || text[stop] == 'E' ||
              ((text[stop] == '-' || text[stop] == '+') &&
               (text[stop - 1] == 'e' || text[stop - 1] == 'E'))))
        ++stop;
      std::string copy(text.substr(at, stop - at));
      char *parsed = nullptr;
      double value = std::strtod(copy.c_str(), &parsed);
      if (parsed != copy.c_str() + copy.size())
        throw Error{line, fmt::format("`{}` is not a number", copy)};
      token.bits = std::bit_cast<uint64_t>(value);
      token.kind = TokenKind::Double;
      at = stop;
    } else {
      takeDigits(kind >= '0' && kind <= '7' ? 8 : 10);
    }
  }
  if (at < text.size() && text[at] == 'U')
    ++at;
  if (at < text.size() && isWord(text[at]))
    throw Error{line, fmt::format("`{}` is not a number", text.substr(start, at + 1 - start))};
  token.text = text.substr(start, at - start);
  return token;
}

Token Lexer::next() {
  skipBlank();
  Token token;
  token.line = line;
  if (at >= text.size()) {
    token.text = text.substr(text.size());
    return token;
  }
  char c = text[at];
  size_t start = at;
  if (isWordStart(c)) {
    while (at < text.size() && isWord(text[at]))
      ++at;
    token.kind = TokenKind::Word;
    token.text = text.substr(start, at - start);
    return token;
  }
  if (isDigit(c))
    return number();
  if (c == '.' && at + 1 < text.size() && isWord(text[at + 1])) {
    ++at;
    for (;;) {
      while (at < text.size() && isWord(text[at]))
        ++at;
      // A scope such as `.shared::cta` is one word; a single colon ends a label.
      if (at + 2 < text.size() && text[at] == ':' && text[at + 1] == ':' && isWord(text[at + 2]))
        at += 2;
      else
        break;
    }
    token.kind = TokenKind::Dotted;
    token.text = text.substr(start + 1, at - start - 1);
    return token;
  }
  if (c == '"') {
    size_t end = ++at;
    while (end < text.size() && text[end] != '"' && text[end] != '\n')
      end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
    if (end >= text.size() || text[end] != '"')
      throw Error{line, "a string is not closed on its line"};
    token.kind = TokenKind::String;
    token.text = text.substr(at, end - at);
    at = end + 1;
    return token;
  }
  if (std::string_view("{}[](),;:=+-!|<>@*/&^~").find(c) == std::string_view::npos)
    throw Error{line, c > ' ' && c < 127 ? fmt::format("unexpected character `{}`", c)
                                         : fmt::format("unexpected byte 0x{:02x}", uint8_t(c))};
  ++at;
  token.kind = TokenKind::Punct;
  token.punct = c;
  token.text = text.substr(start, 1);
  return token;
}

void Lexer::skipBraces() {
  // Debug sections hold words that are no PTX tokens, so this goes by characters.
  uint32_t start = line;
  for (int depth = 1; depth > 0; ++at) {
    if (at < text.size() && text[at] == '/' && at + 1 < text.size() &&
        (text[at + 1] == '/' || text[at + 1] == '*')) {
      skipBlank();
      --at;
      continue;
    }
    if (at >= text.size())
      throw Error{start, "`{` is never closed"};
    if (text[at] == '"') {
      size_t end = text.find('"', at + 1);
      if (end == std::string_view::npos)
        throw Error{line, "a string is never closed"};
      at = end;
      continue;
    }
    depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
    line += text[at] == '\n';
  }
}

} // namespace fc::emu::ptx
