// Nvml.cpp - the few functions of NVML that are called; see Nvml.h. Their names, parameters and
// values are those of nvml.h.
#include "tools/fc-bench/Nvml.h"
#include <cstdlib>
#include <dlfcn.h>

namespace fc::bench {
namespace {

using Handle = void *;
constexpr int success = 0, smClock = 1, memoryClock = 2, gpuTemperature = 0;
/// nvmlClocksThrottleReason...: software power cap, hardware slowdown, software and hardware
/// thermal slowdown, hardware power brake.
constexpr unsigned long long slowed = 0x4 | 0x8 | 0x20 | 0x40 | 0x80;

class LoadedNvml : public Nvml {
public:
  ~LoadedNvml() override {
    if (started)
      shutdown();
    // The library stays open: drivers do not like to be closed.
  }

  bool start(const std::string &pciBusId) {
    const char *chosen = std::getenv("FLASHCORE_NVML_LIBRARY");
    void *library = dlopen(chosen && *chosen ? chosen : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    auto find = [&](auto &function, const char *name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    if (!library || !find(init, "nvmlInit_v2") || !find(shutdown, "nvmlShutdown") ||
        !find(byBus, "nvmlDeviceGetHandleByPciBusId_v2") ||
        !find(clock, "nvmlDeviceGetClockInfo") || !find(power, "nvmlDeviceGetPowerUsage") ||
        !find(temperature, "nvmlDeviceGetTemperature") ||
        !find(driverVersion, "nvmlSystemGetDriverVersion"))
      return false;
    find(reasons, "nvmlDeviceGetCurrentClocksThrottleReasons");
    started = init() == success;
    return started && byBus(pciBusId.c_str(), &device) == success;
  }

  GpuState now() const override {
    GpuState state;
    unsigned value = 0;
    if (clock(device, smClock, &value) == success)
      state.smMhz = value;
    if (clock(device, memoryClock, &value) == success)
      state.memoryMhz = value;
    if (power(device, &value) == success)
      state.watts = value / 1e3;
    if (temperature(device, gpuTemperature, &value) == success)
      state.celsius = value;
    unsigned long long bits = 0;
    if (reasons && reasons(device, &bits) == success)
      state.throttled = (bits & slowed) != 0;
    return state;
  }

  std::string driver() const override {
    char text[96] = {};
    return driverVersion(text, sizeof text - 1) == success ? text : "";
  }

private:
  bool started = false;
  Handle device = nullptr;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*byBus)(const char *, Handle *) = nullptr;
  int (*clock)(Handle, int, unsigned *) = nullptr;
  int (*power)(Handle, unsigned *) = nullptr;
  int (*temperature)(Handle, int, unsigned *) = nullptr;
  int (*reasons)(Handle, unsigned long long *) = nullptr;
  int (*driverVersion)(char *, unsigned) = nullptr;
};

} // namespace

std::unique_ptr<Nvml> Nvml::open(const std::string &pciBusId) {
  auto nvml = std::make_unique<LoadedNvml>();
  return nvml->start(pciBusId) ? std::move(nvml) : nullptr;
}

} // namespace fc::bench
