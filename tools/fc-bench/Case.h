// Case.h - one kernel file at one shape: its inputs, its check, its launches on the device.
#pragma once
#include "dsl/Kernel.h"
#include "tools/fc-bench/Results.h"
#include "tools/fc-run/Session.h"

namespace fc::bench {

/// Gives the dimensions of `module` that `dims` lacks: B=1, G=H, N=M. Those that no kernel has are
/// dropped.
bool completeDims(const rt::Module &module, Dims &dims, rt::Error &error);

class Case {
public:
  /// `options`: how fc-run would run it. Both must outlive the case.
  Case(const run::Options &options, std::shared_ptr<const rt::Module> module)
      : options(options), module(std::move(module)), session(options, this->module) {}
  ~Case();
  Case(const Case &) = delete;
  Case &operator=(const Case &) = delete;

  /// Makes the inputs.
  bool prepare(rt::Error &error) { return session.prepare(error); }
  /// Runs once and compares every output with the .fc at `source`.
  bool check(const std::string &source, Check &found, rt::Error &error);
  /// Runs once, for the counters.
  bool runOnce(rt::Error &error) { return session.run(error); }
  /// Puts everything into the device's memory, to be run again and again.
  bool place(rt::Error &error);
  /// Enqueues the kernels in order.
  bool enqueue(void *stream, rt::Error &error);
  /// Every element of every output was written, and none is NaN.
  bool checkWritten(rt::Error &error);

  const run::Session &run() const { return session; }
  std::string variants() const; ///< of the launches, once they ran

private:
  const run::Options &options;
  std::shared_ptr<const rt::Module> module;
  run::Session session;
  std::map<std::string, void *> memory;
  std::vector<rt::Launch> launches;
};

} // namespace fc::bench
