// Report.h - how the phases of the front end report: formatted by Diagnostics.def, each place and
// kind once (an expanded `fn` meets the same mistake at every use), and a limit, since after a
// hundred errors nobody reads on.
#pragma once
#include "dsl/Diagnostics.h"
#include <fmt/format.h>
#include <set>
#include <tuple>

namespace fc::dsl {

class Reporter {
public:
  explicit Reporter(Diagnostics &diagnostics) : out(diagnostics) {}

  /// A reported diagnostic, to hang notes on. Does nothing if the diagnostic was a repetition.
  class Handle {
  public:
    Handle() = default;
    explicit Handle(Diagnostics *out) : out(out), index(out->list.size() - 1) {}
    Handle &note(Loc loc, std::string message) { return add({loc, std::move(message), false}); }
    Handle &fix(std::string message, Loc loc = {}) { return add({loc, std::move(message), true}); }
    explicit operator bool() const { return out; }

  private:
    Handle &add(Note note) {
      if (out)
        out->list[index].notes.push_back(std::move(note));
      return *this;
    }
    Diagnostics *out = nullptr;
    size_t index = 0;
  };

  template <typename... Args> Handle report(Diag diag, Loc loc, const Args &...args) {
    return reportText(diag, loc, fmt::vformat(format(diag), fmt::make_format_args(args...)));
  }
  /// The number of errors so far.
  unsigned errors() const { return errorCount; }
  /// True after kMaxErrors: a phase may stop looking.
  bool full() const { return errorCount >= kMaxErrors; }
  /// Puts the diagnostics into the order of the text; called once, at the end.
  void finish();

  static constexpr unsigned kMaxErrors = 100;

private:
  Handle reportText(Diag diag, Loc loc, std::string message);
  Diagnostics &out;
  unsigned errorCount = 0, warningCount = 0;
  std::set<std::tuple<Diag, int, uint32_t, uint32_t, std::string>> seen;
};

} // namespace fc::dsl
