// Progress.h - a line on stderr for runs that take long.
#pragma once
#include <chrono>
#include <mutex>
#include <string>

namespace fc::run {

/// On a terminal one line that is rewritten, from half a second on; elsewhere a line every ten
/// seconds, from two on. Safe to call from several threads.
class ProgressLine {
public:
  explicit ProgressLine(std::string what);
  ~ProgressLine(); ///< clears the line
  void update(double share);

private:
  using Clock = std::chrono::steady_clock;
  std::string what;
  bool terminal;
  Clock::time_point start, next;
  bool shown = false;
  std::mutex mutex;
};

} // namespace fc::run
