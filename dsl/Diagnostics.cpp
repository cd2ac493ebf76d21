// Diagnostics.cpp - the list of diagnostics, and their text in clang's form.
#include "dsl/Diagnostics.h"
#include "dsl/Report.h"
#include <algorithm>

namespace fc::dsl {

namespace {
struct Entry {
  std::string_view name, message;
  Severity severity;
};
constexpr Entry kEntries[] = {
#define FC_DIAG(Name, Level, Message) {#Name, Message, Severity::Level},
#include "dsl/Diagnostics.def"
};
} // namespace

std::string_view name(Diag diag) { return kEntries[size_t(diag)].name; }
Severity severity(Diag diag) { return kEntries[size_t(diag)].severity; }
std::string_view format(Diag diag) { return kEntries[size_t(diag)].message; }

bool Diagnostics::hasErrors() const {
  return std::ranges::any_of(
      list, [](const Diagnostic &d) { return severity(d.diag) == Severity::Error; });
}

//===-- Reporter ----------------------------------------------------------===//

Reporter::Handle Reporter::reportText(Diag diag, Loc loc, std::string message) {
  if (!seen.emplace(diag, loc.file, loc.line, loc.col, loc.line ? "" : message).second)
    return {};
  if (severity(diag) == Severity::Error) {
    if (full())
      return {};
    ++errorCount;
  } else if (++warningCount > kMaxErrors) {
    return {};
  }
  out.list.push_back({diag, loc, std::move(message), {}});
  return Handle(&out);
}

void Reporter::finish() {
  // std::stable_sort would do, but for its use of a deprecated function in this library.
  auto key = [](const Diagnostic &d) { return std::tuple(d.loc.file, d.loc.line, d.loc.col); };
  for (auto at = out.list.begin(); at != out.list.end(); ++at)
    std::rotate(std::ranges::upper_bound(out.list.begin(), at, key(*at), {}, key), at, at + 1);
  if (full())
    out.list.push_back(
        {Diag::TooManyErrors,
         {},
         fmt::vformat(format(Diag::TooManyErrors), fmt::make_format_args(kMaxErrors)),
         {}});
}

//===-- Rendering ---------------------------------------------------------===//

namespace {

struct Style {
  const char *bold = "", *red = "", *magenta = "", *green = "", *reset = "";
};
constexpr Style kColors = {"\033[1m", "\033[1;31m", "\033[1;35m", "\033[1;32m", "\033[0m"};

bool isContinuation(char c) { return (uint8_t(c) & 0xC0) == 0x80; }

/// The text with nothing that a terminal would act on or cannot show.
std::string printable(std::string_view text) {
  std::string shown;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t c = uint8_t(text[i]);
    if (c >= 0x20 && c < 0x7F) {
      shown += char(c);
    } else if (c == '\t') {
      shown += ' ';
    } else if (c >= 0xC2 && i + 1 < text.size() && isContinuation(text[i + 1])) {
      shown += char(c); // the sequence was checked, or is shown as it is
      while (i + 1 < text.size() && isContinuation(text[i + 1]))
        shown += text[++i];
    } else {
      shown += fmt::format("<{:02X}>", c);
    }
  }
  return shown;
}

size_t width(std::string_view text) {
  return size_t(std::ranges::count_if(text, [](char c) { return !isContinuation(c); }));
}

/// The beginnings of the lines of a file, so that each diagnostic need not count from the top.
std::vector<size_t> lineStarts(std::string_view text) {
  std::vector<size_t> starts = {0};
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    starts.push_back(at + 1);
  return starts;
}

/// The line of `loc` and a caret below; of a long line the part around the caret.
std::string excerpt(std::string_view line, uint32_t column, const Style &style) {
  constexpr size_t kBefore = 60, kAfter = 50;
  size_t caret = std::min<size_t>(column - 1, line.size());
  size_t begin = line.size() > kBefore + kAfter && caret > kBefore ? caret - kBefore : 0;
  size_t end = line.size() > kBefore + kAfter ? std::min(line.size(), caret + kAfter) : line.size();
  while (begin < caret && isContinuation(line[begin]))
    ++begin;
  while (end < line.size() && isContinuation(line[end]))
    ++end;
  std::string left = begin ? "..." : "";
  left += printable(line.substr(begin, caret - begin));
  std::string text = left + printable(line.substr(caret, end - caret));
  if (end < line.size())
    text += "...";
  return fmt::format("  {}\n  {}{}^{}\n", text, std::string(width(left), ' '), style.green,
                     style.reset);
}

} // namespace

std::string Diagnostics::render(bool color) const {
  Style style = color ? kColors : Style();
  std::vector<std::vector<size_t>> starts(files.size());
  auto place = [&](Loc loc) {
    if (size_t(loc.file) >= files.size())
      return std::string();
    const std::string &path = files[size_t(loc.file)].path;
    return loc.line ? fmt::format("{}:{}:{}: ", path, loc.line, loc.col)
                    : fmt::format("{}: ", path);
  };
  std::string out;
  for (const Diagnostic &d : list) {
    bool error = severity(d.diag) == Severity::Error;
    out += fmt::format("{}{}{}{}: {}{}{} [{}]{}\n", style.bold, place(d.loc),
                       error ? style.red : style.magenta, error ? "error" : "warning", style.reset,
                       style.bold, printable(d.message), name(d.diag), style.reset);
    if (d.loc.line && size_t(d.loc.file) < files.size()) {
      std::string_view text = files[size_t(d.loc.file)].text;
      auto &lines = starts[size_t(d.loc.file)];
      if (lines.empty())
        lines = lineStarts(text);
      if (d.loc.line <= lines.size()) {
        size_t begin = lines[d.loc.line - 1];
        std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
        if (line.ends_with('\r'))
          line.remove_suffix(1);
        out += excerpt(line, d.loc.col, style);
      }
    }
    for (const Note &note : d.notes)
      out += fmt::format("{}{}{}: {}{}\n", style.bold, note.loc.line ? place(note.loc) : "",
                         note.isFix ? "fix" : "note", style.reset, printable(note.message));
  }
  return out;
}

} // namespace fc::dsl
