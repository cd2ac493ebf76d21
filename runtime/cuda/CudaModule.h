// CudaModule.h - PTX or a cubin that the driver has loaded, and its launches.
#pragma once
#include "runtime/cuda/CudaDevice.h"

namespace fc::rt::cuda {

class CudaModule : public DeviceModule {
public:
  static std::shared_ptr<const CudaModule> load(std::shared_ptr<const CudaDevice> device,
                                                const std::string &content, std::string_view name,
                                                Error &error);
  ~CudaModule() override;

  std::string_view content() const { return bytes; }
  std::vector<std::string> entries() const override;
  std::vector<std::byte> global(std::string_view symbol) const override {
    return image.global(symbol);
  }
  std::optional<std::vector<EntryParam>> params(std::string_view entry) const override;
  bool run(const LaunchPlan &plan, void *stream, const Progress &progress, RunResult &result,
           Error &error) const override;

private:
  /// An entry and the limits that were raised for it so far.
  struct Entry {
    Function function = nullptr;
    const std::string *name = nullptr;
    int staticShared = 0;
    std::atomic<uint32_t> dynamicShared{0};
    std::atomic<bool> largeCluster{false};
  };

  CudaModule(std::shared_ptr<const CudaDevice> device, const std::string &content)
      : device(std::move(device)), bytes(content) {}
  bool prepare(Entry &entry, const EntryLaunch &launch, Error &error) const;
  bool encode(const EntryLaunch::TensorMap &map, const std::string &entry, Address address,
              std::byte *to, Error &error) const;
  bool launch(const LaunchPlan &plan, const EntryLaunch &launch, Stream stream,
              const std::vector<Address> &workspaces, Error &error) const;

  std::shared_ptr<const CudaDevice> device;
  std::string bytes;
  Image image; ///< points into `bytes`
  ModuleHandle handle = nullptr;
  mutable std::map<std::string, Entry, std::less<>> functions;
};

} // namespace fc::rt::cuda
