// Progress.cpp - the progress line; see Progress.h.
#include "tools/fc-run/Progress.h"
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace fc::run {

using namespace std::chrono_literals;

ProgressLine::ProgressLine(std::string what)
    : what(std::move(what)), terminal(::isatty(STDERR_FILENO)), start(Clock::now()),
      next(start + (terminal ? 500ms : 2000ms)) {}

ProgressLine::~ProgressLine() {
  if (shown && terminal)
    std::fputs("\r\x1b[K", stderr);
}

void ProgressLine::update(double share) {
  const std::lock_guard lock(mutex);
  const Clock::time_point now = Clock::now();
  if (now < next)
    return;
  next = now + (terminal ? 100ms : 10000ms);
  const double elapsed = std::chrono::duration<double>(now - start).count();
  std::string line = fmt::format("{}: {:3.0f} %, {:.0f} s", what, 100 * share, elapsed);
  if (share > 0.01)
    line += fmt::format(", {:.0f} s to go", elapsed * (1 - share) / share);
  fmt::print(stderr, "{}{}{}", terminal ? "\r" : "", line, terminal ? "\x1b[K" : "\n");
  std::fflush(stderr);
  shown = true;
}

} // namespace fc::run
