// Device.h - what runs kernels: the interface between launches, which know manifests, and machines,
// which know entries, bytes and memory. The emulator implements it; a GPU's driver fits behind it.
#pragma once
#include "runtime/Elem.h"
#include "runtime/Error.h"
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fc::rt {

/// One launch of an entry, all numbers final.
struct EntryLaunch {
  std::string entry;
  std::array<uint32_t, 3> grid{1, 1, 1}, block{1, 1, 1}, cluster{1, 1, 1};
  uint32_t shared = 0; ///< dynamic shared memory, bytes
  /// The parameters, each aligned to its size, as PTX lays them out; addresses are filled in by the
  /// device.
  std::vector<std::byte> params;
  struct Slot {
    uint32_t offset, bytes;
  };
  std::vector<Slot> slots; ///< one a parameter
  /// The address of `buffer` plus `byteOffset` goes to `params[paramOffset]`.
  struct Pointer {
    uint32_t paramOffset;
    size_t buffer;
    uint64_t byteOffset;
  };
  std::vector<Pointer> pointers;
  /// What TMA reads a tensor by, 128 bytes that go to `params[paramOffset]`; how they are written
  /// is the device's affair. Arrays begin with the innermost dimension.
  struct TensorMap {
    uint32_t paramOffset;
    size_t buffer;
    uint64_t byteOffset;
    Elem elem;
    uint32_t rank;
    std::array<uint64_t, 5> extents; ///< elements
    std::array<uint64_t, 4> strides; ///< bytes, of all dimensions but the innermost
    std::array<uint32_t, 5> box;     ///< elements
    uint32_t swizzle;                ///< bytes
    bool nanFill;
  };
  std::vector<TensorMap> tensorMaps;
};

/// A range of memory that a launch may touch. Ranges of one plan do not overlap.
struct BufferRange {
  std::string name;         ///< the tensors in it: "q", "q and k"
  void *data = nullptr;     ///< null: workspace, which the device provides for the time of the plan
  size_t bytes = 0;         ///< over 0
  bool initialized = false; ///< someone wrote it before
};

/// What a launch comes to: entries to run one after the other, and the memory that they share.
struct LaunchPlan {
  std::string variant; ///< of the manifest; empty if there is nothing to do
  std::vector<BufferRange> buffers;
  std::vector<EntryLaunch> launches;
};

/// Told now and then the share of the work that is done, in [0, 1]. May come from another thread.
using Progress = std::function<void(double)>;

struct RunResult {
  std::map<std::string, uint64_t>
      counters;       ///< sums over the entries; empty where the device counts nothing
  double seconds = 0; ///< of the run itself, where the device runs synchronously; else 0
};

/// PTX that a device has loaded. Immutable, shared between threads.
class DeviceModule {
public:
  virtual ~DeviceModule() = default;
  virtual std::vector<std::string> entries() const = 0;
  /// The bytes of a module-scope array; empty if there is none.
  virtual std::vector<std::byte> global(std::string_view symbol) const = 0;
  struct EntryParam {
    uint32_t bytes, offset;
  };
  /// The parameters of an entry; nothing if the device cannot tell.
  virtual std::optional<std::vector<EntryParam>> params(std::string_view entry) const = 0;
  /// Runs the plan on `stream` (0: the default one). A device that is asynchronous returns when it
  /// is enqueued.
  virtual bool run(const LaunchPlan &plan, void *stream, const Progress &progress,
                   RunResult &result, Error &error) const = 0;
};

class Device {
public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;                ///< "emulator", "cuda"
  virtual std::string title() const { return name(); } ///< "cuda:0 (NVIDIA H100 80GB HBM3)"
  /// The number of SMs that a variant's condition sees. `target` ("sm_80") is that of the module.
  virtual int sms(std::string_view target) const = 0;
  virtual bool setOption(std::string_view key, std::string_view value, Error &error) = 0;
  virtual std::shared_ptr<const DeviceModule> load(std::string_view bytes, std::string_view name,
                                                   Error &error) = 0;
  // Memory of the device. 256-byte aligned; a size of 0 gives an address that is not null.
  virtual void *allocate(size_t bytes, Error &error) = 0;
  virtual void release(void *memory) = 0;
  virtual bool upload(void *device, const void *host, size_t bytes, void *stream, Error &error) = 0;
  virtual bool download(void *host, const void *device, size_t bytes, void *stream,
                        Error &error) = 0;
  virtual bool synchronize(void *stream, Error &error) = 0;
};

/// Opens "emulator", "cuda" (the first GPU), "cuda:1" or "auto": the first GPU where there is one
/// that works, else the emulator.
std::shared_ptr<Device> openDevice(std::string_view name, Error &error);
std::shared_ptr<Device> openEmulator();

} // namespace fc::rt
