// FakeDevice.h - a device that runs nothing and remembers what it was asked: for the tests of the
// launch check.
#pragma once
#include "runtime/Runtime.h"
#include <cstring>

namespace fc::rt::test {

class FakeModule : public DeviceModule {
public:
  std::vector<std::string> entryNames;
  std::string manifest;
  /// The `__fc_manifest` array has its zero byte.
  bool terminated = true;
  std::map<std::string, std::vector<EntryParam>, std::less<>> entryParams;
  mutable std::vector<LaunchPlan> plans;

  std::vector<std::string> entries() const override { return entryNames; }
  std::vector<std::byte> global(std::string_view symbol) const override {
    if (symbol != manifestSymbol || manifest.empty())
      return {};
    const auto *bytes = reinterpret_cast<const std::byte *>(manifest.c_str());
    return {bytes, bytes + manifest.size() + terminated};
  }
  std::optional<std::vector<EntryParam>> params(std::string_view entry) const override {
    auto found = entryParams.find(entry);
    if (found == entryParams.end())
      return std::nullopt;
    return found->second;
  }
  bool run(const LaunchPlan &plan, void *, const Progress &, RunResult &result,
           Error &) const override {
    plans.push_back(plan);
    result.counters["entries"] = plan.launches.size();
    return true;
  }
};

class FakeDevice : public Device {
public:
  std::shared_ptr<FakeModule> module = std::make_shared<FakeModule>();
  int smCount = 58;

  std::string name() const override { return "fake"; }
  int sms(std::string_view) const override { return smCount; }
  bool setOption(std::string_view key, std::string_view, Error &error) override {
    return error.set(Code::Argument, "no option `{}`", key);
  }
  std::shared_ptr<const DeviceModule> load(std::string_view, std::string_view, Error &) override {
    return module;
  }
  void *allocate(size_t bytes, Error &) override { return std::malloc(bytes + 1); }
  void release(void *memory) override { std::free(memory); }
  bool upload(void *to, const void *from, size_t bytes, void *, Error &) override {
    std::memcpy(to, from, bytes);
    return true;
  }
  bool download(void *to, const void *from, size_t bytes, void *, Error &) override {
    std::memcpy(to, from, bytes);
    return true;
  }
  bool synchronize(void *, Error &) override { return true; }
};

} // namespace fc::rt::test
