// FakeState.cpp - the plan, the record of calls and the execution of the fake driver.
#include "test/runtime/cuda/FakeControl.h"
#include "test/runtime/cuda/FakeDriver.h"
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <sstream>

namespace fc::rt::cuda::fake {

State &state() {
  // Not destroyed: handles are closed at the end of the process too.
  static State *it = [] {
    auto *made = new State;
    const char *plan = std::getenv("FLASHCORE_FAKE_CUDA");
    if (plan && !parsePlan(plan, made->plan)) {
      fmt::print(stderr, "FLASHCORE_FAKE_CUDA: `{}` is not understood\n", plan);
      std::abort();
    }
    return made;
  }();
  return *it;
}

bool parsePlan(const std::string &text, Plan &plan) {
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    const size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (key == "devices")
      plan.devices = std::stoi(value);
    else if (key == "capability")
      plan.capability = std::stoi(value);
    else if (key == "version")
      plan.version = std::stoi(value);
    else if (key == "memory")
      plan.memory = std::stoull(value);
    else if (key == "static")
      plan.staticShared = std::stoi(value);
    else if (key == "missing")
      plan.missing.insert(value);
    else if (key == "pools")
      plan.pools = value != "0";
    else if (key == "record")
      plan.record = true;
    else if (key == "idle")
      plan.record = plan.idle = true;
    else if (key == "log") {
      plan.log = value;
      for (char &c : plan.log)
        c = c == '_' ? ' ' : c;
    } else if (key == "fail") {
      const size_t colon = value.find(':'), at = value.find('@');
      if (colon == std::string::npos)
        return false;
      plan.failures.push_back({value.substr(0, colon),
                               static_cast<Result>(std::stoi(value.substr(colon + 1))),
                               at == std::string::npos ? 0 : std::stoi(value.substr(at + 1))});
    } else {
      return false;
    }
  }
  return true;
}

Result enter(const std::string &name, const std::string &details) {
  State &now = state();
  const std::lock_guard lock(now.mutex);
  now.calls.push_back(details.empty() ? name : name + " " + details);
  const int count = ++now.counts[name];
  if (now.sticky != Success)
    return now.sticky;
  for (const Plan::Failure &failure : now.plan.failures)
    if (failure.name == name && (failure.at == 0 || failure.at == count)) {
      const bool kills = failure.code >= 700 && failure.code < 720 && failure.code != 701;
      if (kills)
        now.sticky = failure.code;
      return failure.code;
    }
  return Success;
}

Allocation *find(uint64_t address, uint64_t &base) {
  State &now = state();
  const std::lock_guard lock(now.mutex);
  auto after = now.memory.upper_bound(address);
  if (after == now.memory.begin())
    return nullptr;
  auto &[start, allocation] = *--after;
  base = start;
  return address - start < allocation.bytes ? &allocation : nullptr;
}

Result execute(FakeFunction &function, const LaunchConfig &config,
               const std::vector<uint32_t> &cluster, void **params) {
  State &now = state();
  emu::Launch launch;
  launch.entry = function.name;
  launch.grid = {config.gridX, config.gridY, config.gridZ};
  launch.block = {config.blockX, config.blockY, config.blockZ};
  launch.sharedBytes = config.sharedBytes;
  launch.hostThreads = 1;
  std::map<uint64_t, int> buffers;
  const auto slots = function.module->code->params(function.name);
  for (size_t i = 0; i < slots.size(); ++i) {
    launch.params.resize(slots[i].offset + slots[i].size);
    std::memcpy(launch.params.data() + slots[i].offset, params[i], slots[i].size);
    // What points into memory of the device is an address: nothing else has such values.
    uint64_t value = 0, base = 0;
    if (slots[i].size != sizeof value)
      continue;
    std::memcpy(&value, params[i], sizeof value);
    if (Allocation *allocation = find(value, base)) {
      const auto [place, added] = buffers.emplace(base, launch.buffers.size());
      if (added)
        launch.buffers.push_back({fmt::format("memory of parameter {}", i),
                                  reinterpret_cast<void *>(base), allocation->bytes,
                                  allocation->written});
      allocation->written = true;
      launch.pointers.push_back({slots[i].offset, place->second, value - base});
    }
  }
  const emu::Result result = emu::launch(*function.module->code, launch);
  if (result.ok)
    return Success;
  // As a GPU does: the launch is fine, and what comes after it fails.
  const std::lock_guard lock(now.mutex);
  now.sticky = result.report.id == "OOB" ? IllegalAddress : LaunchFailed;
  now.calls.push_back("fault " + result.report.text);
  return Success;
}

} // namespace fc::rt::cuda::fake

using namespace fc::rt::cuda::fake;

int fakeConfigure(const char *text) {
  Plan plan;
  if (!parsePlan(text, plan))
    return 1;
  State &now = state();
  const std::lock_guard lock(now.mutex);
  now.plan = plan;
  now.initialised = false;
  now.sticky = fc::rt::cuda::Success;
  now.calls.clear();
  now.counts.clear();
  for (const auto &[address, allocation] : now.memory)
    std::free(reinterpret_cast<void *>(address));
  now.memory.clear();
  now.allocated = 0;
  return 0;
}

const char *fakeCalls() {
  static thread_local std::string text;
  const std::lock_guard lock(state().mutex);
  text = fmt::format("{}\n", fmt::join(state().calls, "\n"));
  return text.c_str();
}

int fakeCount(const char *name) {
  const std::lock_guard lock(state().mutex);
  const auto found = state().counts.find(name);
  return found == state().counts.end() ? 0 : found->second;
}

unsigned long long fakeAllocated() {
  const std::lock_guard lock(state().mutex);
  return state().allocated;
}
