// Nvml.h - clocks, power and temperature of a GPU, by libnvidia-ml.so.1, opened at run time.
//
// $FLASHCORE_NVML_LIBRARY names another library. Where there is none, nothing is known, and nothing
// fails.
#pragma once
#include <memory>
#include <optional>
#include <string>

namespace fc::bench {

/// A moment of a GPU; what it does not tell is missing.
struct GpuState {
  std::optional<double> smMhz, memoryMhz, watts, celsius;
  std::optional<bool> throttled; ///< slowed by heat or power
};

class Nvml {
public:
  /// Of the GPU at that place ("0000:01:00.0"); null where NVML cannot tell.
  static std::unique_ptr<Nvml> open(const std::string &pciBusId);
  virtual ~Nvml() = default;
  virtual GpuState now() const = 0;
  virtual std::string driver() const = 0; ///< "580.65.06"
};

} // namespace fc::bench
