// Error.h - what went wrong, as a code and a sentence. Functions of the runtime that can fail take
// an `Error &` and return false, null or nothing; no exception leaves them.
#pragma once
#include <fmt/format.h>
#include <string>

namespace fc::rt {

/// The values are those of `fc_status` in fc/runtime.h.
enum class Code : uint8_t {
  Ok = 0,
  Argument = 1,    ///< the API was used wrongly: a null handle, an unknown option
  NotFound = 2,    ///< no such file, kernel or parameter
  Module = 3,      ///< the PTX or its manifest is wrong
  Refused = 4,     ///< a launch that the manifest does not allow
  Fault = 5,       ///< the device stopped: a fault that the emulator found, a failed launch
  Unsupported = 6, ///< no such device here
  Memory = 7,      ///< out of memory
};

struct Error {
  Code code = Code::Ok;
  std::string message; ///< lower case, no full stop; a report of the emulator has several lines
  std::string id;      ///< of a Fault: "OOB", "DEADLOCK", ...; else empty

  explicit operator bool() const { return code != Code::Ok; }
  template <class... Args>
  bool set(Code newCode, fmt::format_string<Args...> format, Args &&...args) {
    code = newCode;
    message = fmt::format(format, std::forward<Args>(args)...);
    id.clear();
    return false; // so that `return error.set(...)` reads well
  }
};

} // namespace fc::rt
