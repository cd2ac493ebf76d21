// CudaDevice.h - one GPU behind NVIDIA's driver.
//
// It shares the primary context with the host program, so that pointers of PyTorch or of the CUDA
// runtime are its pointers, and it works on the streams that it is given. Everything that leaves
// the driver in an error is told in the driver's words and ours, with the log of its compiler.
#pragma once
#include "runtime/Device.h"
#include "runtime/cuda/Driver.h"
#include "runtime/cuda/Image.h"
#include <atomic>
#include <mutex>
#include <set>
#include <unordered_map>

namespace fc::rt::cuda {

class CudaModule;

/// What is known of a GPU.
struct DeviceFacts {
  std::string name;     ///< "NVIDIA H100 80GB HBM3"
  std::string pciBusId; ///< "0000:01:00.0"
  int capability = 0;   ///< 90
  int sms = 0;
  int clockKhz = 0, memoryClockKhz = 0, memoryBusBits = 0; ///< 0: the driver does not tell
  size_t memoryBytes = 0, l2Bytes = 0;
  size_t sharedBytes = 0; ///< at most, of a CTA
  bool pools = false;     ///< allocates in the order of a stream
};

class CudaDevice : public Device, public std::enable_shared_from_this<CudaDevice> {
public:
  /// The device of that number; the same object for all who hold one.
  static std::shared_ptr<CudaDevice> open(int ordinal, Error &error);
  ~CudaDevice() override;

  std::string name() const override { return "cuda"; }
  std::string title() const override;
  int sms(std::string_view) const override { return known.sms; }
  bool setOption(std::string_view key, std::string_view value, Error &error) override;
  std::shared_ptr<const DeviceModule> load(std::string_view bytes, std::string_view name,
                                           Error &error) override;
  void *allocate(size_t bytes, Error &error) override;
  void release(void *memory) override;
  bool upload(void *device, const void *host, size_t bytes, void *stream, Error &error) override;
  bool download(void *host, const void *device, size_t bytes, void *stream, Error &error) override;
  bool synchronize(void *stream, Error &error) override;

  const Driver &driver() const { return *library; }
  const DeviceFacts &facts() const { return known; }
  int ordinal() const { return number; }

  /// Makes the primary context current for the time of its life, where it is not.
  class Scope {
  public:
    Scope(const CudaDevice &device, Error &error);
    /// For clean-up: failures are nobody's business any more.
    explicit Scope(const CudaDevice &device);
    ~Scope();
    Scope(const Scope &) = delete;
    Scope &operator=(const Scope &) = delete;
    explicit operator bool() const { return code == Success; }

  private:
    const CudaDevice &device;
    Result code = Success;
    bool pushed = false;
  };

  /// Whether `code` is success; if not, `what()` ("launch `causal`") goes into the message.
  template <class What> bool check(Result code, Error &error, What what) const {
    return code == Success || fail(code, what(), "", error);
  }
  /// Tells of a failed call. `log`: what the driver's compiler said.
  bool fail(Result code, const std::string &what, std::string_view log, Error &error) const;
  /// Memory for one launch, freed in the order of `stream`.
  bool allocateOn(Stream stream, size_t bytes, Address &address, Error &error) const;
  void freeOn(Stream stream, Address address) const;
  /// Remembers the entry that is launched: where a GPU stops, it says so at a later call.
  void launched(const std::string *entry) const {
    lastEntry.store(entry, std::memory_order_relaxed);
  }
  /// The name for as long as the device lives.
  const std::string *intern(const std::string &entry) const;

private:
  CudaDevice(std::shared_ptr<const Driver> library, int number)
      : library(std::move(library)), number(number) {}
  bool start(Error &error);
  bool checkTarget(const Image &image, std::string_view name, Error &error) const;

  std::shared_ptr<const Driver> library;
  int number;
  Ordinal handle = 0;
  Context context = nullptr;
  MemoryPool pool = nullptr;
  DeviceFacts known;
  mutable std::atomic<int> lost{Success};
  mutable std::atomic<const std::string *> lastEntry{nullptr};
  mutable std::mutex naming; ///< of `names`
  mutable std::set<std::string> names;
  std::mutex loading; ///< of `loaded`; held while the driver compiles
  /// Loaded code, by a hash of its content.
  std::unordered_multimap<uint64_t, std::weak_ptr<const CudaModule>> loaded;
};

} // namespace fc::rt::cuda
