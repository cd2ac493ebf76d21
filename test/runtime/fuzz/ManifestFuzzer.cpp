// ManifestFuzzer.cpp - any bytes as a manifest: an answer, and if it parses, plans for launches of
// its kernels.
#include "test/runtime/FakeDevice.h"
#include <bit>
#include <cstdlib>

using namespace fc::rt;
using namespace fc::rt::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string text(reinterpret_cast<const char *>(data), size);
  std::string reason;
  const auto manifest = parseManifest(text, reason);
  if (manifest.has_value() != reason.empty())
    std::abort();
  if (!manifest)
    return 0;
  auto device = std::make_shared<FakeDevice>();
  device->module->manifest = text;
  for (const KernelSpec &kernel : manifest->kernels)
    for (const Variant &variant : kernel.variants)
      for (const LaunchSpec &launch : variant.launches)
        device->module->entryNames.push_back(launch.entry);
  Error error;
  const auto module = Module::load(device, "", "x.ptx", error);
  if (!module)
    return 0;
  for (size_t k = 0; k < manifest->kernels.size(); ++k) {
    Launch launch(module, k);
    Error ignored;
    uint64_t address = 1 << 20;
    for (const Dimension &dim : launch.kernel().dims)
      launch.setDim(dim.name, static_cast<int64_t>(dim.name[0] % 7), ignored);
    for (const Param &param : launch.kernel().params)
      if (param.isTensor())
        if (auto shape = launch.shapeOf(param.name, ignored))
          launch.setTensor(param.name,
                           {std::bit_cast<void *>(address += 1 << 20), param.elem, *shape, {}},
                           ignored);
    LaunchPlan plan;
    Error refused;
    if (launch.plan(plan, refused) == static_cast<bool>(refused))
      std::abort();
  }
  return 0;
}
