// Conditions.h - what reads the expressions of a manifest, for reports
//
// Which form of a kernel a launch takes is for the runtime to say, of which the compiler knows
// nothing: whoever wants to be told brings its reader along.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace fc::explain {

class Launch;

class Conditions {
public:
  virtual ~Conditions() = default;
  /// An expression (docs/manifest.md, in JSON) as the language would write it.
  virtual std::string text(const std::string &expression) const = 0;
  /// Its value at a launch on a machine of so many SMs, a bool as 1 or 0; nothing if it has none.
  /// Tensors are those of an allocator: row after row, from an address that is aligned to more than
  /// a condition asks for.
  virtual std::optional<int64_t> value(const std::string &expression, const Launch &launch,
                                       int64_t sms) const = 0;
};

} // namespace fc::explain
