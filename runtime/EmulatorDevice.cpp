// EmulatorDevice.cpp - the emulator as a device. Its memory is the host's; it runs synchronously,
// so streams mean nothing to it.
#include "runtime/Device.h"
#include "runtime/emulator/Emulator.h"
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

namespace fc::rt {
namespace {

/// What the options say; a launch takes a copy.
struct Options {
  uint64_t seed = 0;
  emu::Launch::Async async = emu::Launch::Async::Lazy;
  int threads = 0;
  bool races = true;
  bool exactMma = false;
  uint64_t maxInstructions = emu::Launch().instructionLimit;
  int sms = 0; ///< 0: those of the board that the target is best known for
};

/// SMs of one well-known board a target: A100, A10, L4, H100 SXM, B200, RTX PRO 6000.
int smsOf(std::string_view target) {
  struct Board {
    std::string_view target;
    int sms;
  };
  constexpr Board boards[] = {{"sm_80", 108},  {"sm_86", 72},    {"sm_89", 58},   {"sm_90", 132},
                              {"sm_90a", 132}, {"sm_100a", 148}, {"sm_120a", 188}};
  for (const Board &board : boards)
    if (board.target == target)
      return board.sms;
  return 108;
}

template <class Int> std::optional<Int> parseInt(std::string_view text) {
  Int value{};
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<bool> parseBool(std::string_view text) {
  if (text == "1" || text == "true" || text == "on")
    return true;
  if (text == "0" || text == "false" || text == "off")
    return false;
  return std::nullopt;
}

class EmulatorDevice;

class EmulatorModule : public DeviceModule {
public:
  EmulatorModule(std::shared_ptr<const EmulatorDevice> device,
                 std::shared_ptr<const emu::Module> module)
      : device(std::move(device)), module(std::move(module)) {}

  std::vector<std::string> entries() const override { return module->entries(); }
  std::vector<std::byte> global(std::string_view symbol) const override {
    const auto bytes = module->global(symbol);
    return {bytes.begin(), bytes.end()};
  }
  std::optional<std::vector<EntryParam>> params(std::string_view entry) const override {
    std::vector<EntryParam> result;
    for (const auto &param : module->params(entry))
      result.push_back({param.size, param.offset});
    return result;
  }
  bool run(const LaunchPlan &plan, void *stream, const Progress &progress, RunResult &result,
           Error &error) const override;

private:
  std::shared_ptr<const EmulatorDevice> device;
  std::shared_ptr<const emu::Module> module;
};

class EmulatorDevice : public Device, public std::enable_shared_from_this<EmulatorDevice> {
public:
  std::string name() const override { return "emulator"; }

  int sms(std::string_view target) const override {
    const Options now = current();
    return now.sms > 0 ? now.sms : smsOf(target);
  }

  bool setOption(std::string_view key, std::string_view value, Error &error) override {
    const std::lock_guard lock(mutex);
    auto refuse = [&](std::string_view rule) {
      return error.set(Code::Argument, "option `{}` of the emulator is `{}`, expected {}", key,
                       value, rule);
    };
    if (key == "seed") {
      auto number = parseInt<uint64_t>(value);
      if (!number)
        return refuse("a number from 0 to 2^64 - 1");
      options.seed = *number;
    } else if (key == "async") {
      using Async = emu::Launch::Async;
      if (value != "lazy" && value != "eager" && value != "random")
        return refuse("`lazy`, `eager` or `random`");
      options.async = value == "lazy"    ? Async::Lazy
                      : value == "eager" ? Async::Eager
                                         : Async::Random;
    } else if (key == "threads") {
      auto number = parseInt<int>(value);
      if (!number || *number < 0 || *number > 1024)
        return refuse("a number from 0 (one per core) to 1024");
      options.threads = *number;
    } else if (key == "sms") {
      auto number = parseInt<int>(value);
      if (!number || *number < 0 || *number > 65536)
        return refuse("a number from 0 (as the target's board) to 65536");
      options.sms = *number;
    } else if (key == "max-instructions") {
      auto number = parseInt<uint64_t>(value);
      if (!number)
        return refuse("a number of warp instructions by CTA, 0 for no limit");
      options.maxInstructions = *number;
    } else if (key == "races" || key == "exact-mma") {
      auto flag = parseBool(value);
      if (!flag)
        return refuse("`on` or `off`");
      (key == "races" ? options.races : options.exactMma) = *flag;
    } else {
      return error.set(Code::Argument,
                       "the emulator has no option `{}`; it has `seed`, `async`, `threads`, "
                       "`races`, `exact-mma`, `max-instructions` and `sms`",
                       key);
    }
    return true;
  }

  std::shared_ptr<const DeviceModule> load(std::string_view bytes, std::string_view name,
                                           Error &error) override {
    if (bytes.substr(0, 4) == "\177ELF") {
      error.set(Code::Module, "{}: a cubin, and the emulator runs PTX", name);
      return nullptr;
    }
    emu::Report report;
    auto module = emu::Module::load(bytes, name, report);
    if (!module) {
      error.set(Code::Module, "{}", report.text);
      error.id = report.id;
      return nullptr;
    }
    return std::make_shared<EmulatorModule>(shared_from_this(), std::move(module));
  }

  void *allocate(size_t bytes, Error &error) override {
    void *memory = nullptr;
    const size_t rounded = (bytes / 256 + 1) * 256;
    if (bytes <= SIZE_MAX - 512)
      memory = std::aligned_alloc(256, rounded);
    if (!memory)
      error.set(Code::Memory, "no memory for {} bytes", bytes);
    return memory;
  }
  void release(void *memory) override { std::free(memory); }
  bool upload(void *device, const void *host, size_t bytes, void *, Error &) override {
    if (bytes)
      std::memcpy(device, host, bytes);
    return true;
  }
  bool download(void *host, const void *device, size_t bytes, void *, Error &) override {
    if (bytes)
      std::memcpy(host, device, bytes);
    return true;
  }
  bool synchronize(void *, Error &) override { return true; }

  Options current() const {
    const std::lock_guard lock(mutex);
    return options;
  }

private:
  mutable std::mutex mutex;
  Options options;
};

bool EmulatorModule::run(const LaunchPlan &plan, void *, const Progress &progress,
                         RunResult &result, Error &error) const {
  for (const EntryLaunch &entry : plan.launches)
    if (!entry.tensorMaps.empty())
      return error.set(
          Code::Unsupported,
          "`{}` is launched with tensor maps, which the emulator does not have: compile "
          "with another --strategy to run it here",
          entry.entry);
  const Options options = device->current();
  std::vector<std::vector<std::byte>> workspaces;
  emu::Launch launch;
  launch.async = options.async;
  launch.seed = options.seed;
  launch.hostThreads = options.threads;
  launch.checkRaces = options.races;
  launch.exactMma = options.exactMma;
  launch.instructionLimit = options.maxInstructions;
  for (const BufferRange &range : plan.buffers) {
    void *data = range.data;
    if (!data)
      data = workspaces.emplace_back(range.bytes).data();
    launch.buffers.push_back({range.name, data, range.bytes, range.initialized});
  }
  struct Context {
    const Progress &progress;
    size_t done, all;
  } context{progress, 0, plan.launches.size()};
  if (progress) {
    launch.progressContext = &context;
    launch.progress = [](void *pointer, double share) {
      const auto &it = *static_cast<Context *>(pointer);
      it.progress((static_cast<double>(it.done) + share) / static_cast<double>(it.all));
    };
  }
  for (const EntryLaunch &entry : plan.launches) {
    launch.entry = entry.entry;
    launch.grid = entry.grid;
    launch.block = entry.block;
    launch.sharedBytes = entry.shared;
    launch.params = entry.params;
    launch.pointers.clear();
    for (const auto &pointer : entry.pointers)
      launch.pointers.push_back(
          {pointer.paramOffset, static_cast<int>(pointer.buffer), pointer.byteOffset});
    emu::Result ran = emu::launch(*module, launch);
    for (const auto &[name, count] : ran.counters)
      result.counters[name] += count;
    result.seconds += ran.seconds;
    if (!ran.ok) {
      error.set(Code::Fault, "{}", ran.report.text);
      error.id = ran.report.id;
      return false;
    }
    ++context.done;
    // What one entry wrote the next one reads; which bytes it wrote is not kept from launch to
    // launch.
    for (emu::Buffer &buffer : launch.buffers)
      buffer.initialized = true;
  }
  return true;
}

} // namespace

std::shared_ptr<Device> openEmulator() { return std::make_shared<EmulatorDevice>(); }

} // namespace fc::rt
