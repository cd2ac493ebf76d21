// OpenDevice.cpp - from the name of a device to the device.
#include "runtime/cuda/CudaDevice.h"
#include <charconv>

namespace fc::rt {

std::shared_ptr<Device> openDevice(std::string_view name, Error &error) {
  if (name == "emulator")
    return openEmulator();
  if (name == "auto") {
    Error ignored; // without a GPU there is the emulator, and that is no failure
    if (auto device = cuda::CudaDevice::open(0, ignored))
      return device;
    return openEmulator();
  }
  int ordinal = 0;
  bool known = name == "cuda";
  if (name.starts_with("cuda:")) {
    const char *end = name.data() + name.size();
    const auto [after, status] = std::from_chars(name.data() + 5, end, ordinal);
    known = status == std::errc() && after == end && ordinal >= 0;
  }
  if (!known) {
    error.set(Code::Unsupported,
              "there is no device `{}`; there are `emulator`, `cuda`, `cuda:N` and `auto`", name);
    return nullptr;
  }
  auto device = cuda::CudaDevice::open(ordinal, error);
  if (!device) {
    const std::string id = error.id;
    error.set(error.code, "`{}` cannot be used: {}; `emulator` runs the same PTX on the CPU", name,
              error.message);
    error.id = id;
  }
  return device;
}

} // namespace fc::rt
