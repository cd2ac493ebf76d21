// Diagnostics.h - what the front end says of a program: errors, warnings and the notes below them.
#pragma once
#include "dsl/Kernel.h"
#include <string>
#include <string_view>
#include <vector>

namespace fc::dsl {

enum class Severity : uint8_t { Error, Warning };

/// Every diagnostic that exists, from Diagnostics.def.
enum class Diag : uint16_t {
#define FC_DIAG(Name, Level, Message) Name,
#include "dsl/Diagnostics.def"
};
std::string_view name(Diag diag); ///< "AxisMissing"
Severity severity(Diag diag);
std::string_view format(Diag diag); ///< the fmt format string of its message

struct Note {
  Loc loc; ///< line 0: no place
  std::string message;
  bool isFix = false; ///< a suggested change: shown as `fix: ...`
};

struct Diagnostic {
  Diag diag;
  Loc loc;
  std::string message; ///< formatted, without the name
  std::vector<Note> notes;
};

class Diagnostics {
public:
  std::vector<Diagnostic> list;
  std::vector<SourceFile>
      files; ///< for the source lines; a copy, so that it outlives a failed Program
  bool hasErrors() const;
  /// All of them as text in clang's form: `path:line:col: error: message [Name]`, the line, a
  /// caret, the notes. Long lines are cut around the caret. `color` adds ANSI escapes.
  std::string render(bool color = false) const;
};

} // namespace fc::dsl
