// FakeDriver.h - the state of the fake driver; see FakeControl.h for what it plays.
#pragma once
#include "runtime/cuda/DriverTypes.h"
#include "runtime/emulator/Emulator.h"
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace fc::rt::cuda::fake {

struct Plan {
  int devices = 1, capability = 80, version = 13000, staticShared = 0;
  size_t memory = size_t{16} << 30;
  std::set<std::string> missing;
  struct Failure {
    std::string name;
    Result code;
    int at; ///< 0: always
  };
  std::vector<Failure> failures;
  std::string log;
  bool pools = true, record = false, idle = false;
};

struct FakeContext {
  int device;
};
struct FakeModule {
  std::shared_ptr<const emu::Module> code; ///< null where it is only recorded
};
struct FakeFunction {
  FakeModule *module;
  std::string name;
  int dynamicShared = 48 << 10;
};
struct FakeGraph {
  std::vector<std::function<Result()>> work;
};
struct FakeStream {
  FakeGraph *capturing = nullptr;
};
struct FakeEvent {
  std::chrono::steady_clock::time_point when;
};
struct Allocation {
  size_t bytes;
  bool written;
};

struct State {
  std::recursive_mutex mutex;
  Plan plan;
  bool initialised = false;
  Result sticky = Success;
  std::vector<std::string> calls;
  std::map<std::string, int> counts;
  std::map<uint64_t, Allocation> memory;
  size_t allocated = 0;
  std::vector<FakeContext> contexts;
  std::vector<std::unique_ptr<FakeFunction>> functions;
};
State &state();

bool parsePlan(const std::string &text, Plan &plan);
/// Records a call. What it returns is for the caller to return, unless it is Success.
Result enter(const std::string &name, const std::string &details = "");
/// The allocation that `address` lies in; its base in `base`.
Allocation *find(uint64_t address, uint64_t &base);
/// Runs a launch on the emulator.
Result execute(FakeFunction &function, const LaunchConfig &config,
               const std::vector<uint32_t> &cluster, void **params);

} // namespace fc::rt::cuda::fake
