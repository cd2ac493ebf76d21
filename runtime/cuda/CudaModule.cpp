// CudaModule.cpp - loading code through the driver and launching it; see CudaModule.h.
#include "runtime/cuda/CudaModule.h"
#include <algorithm>
#include <bit>
#include <cstring>

namespace fc::rt::cuda {
namespace {

/// Static and dynamic shared memory of a CTA that needs no opting in, on every device.
constexpr int commonShared = 48 << 10;
constexpr size_t logBytes = 16 << 10;
/// Clusters up to this size run on every device that has clusters.
constexpr uint32_t portableCluster = 8;

} // namespace

std::shared_ptr<const CudaModule> CudaModule::load(std::shared_ptr<const CudaDevice> device,
                                                   const std::string &content,
                                                   std::string_view name, Error &error) {
  std::shared_ptr<CudaModule> module(new CudaModule(device, content));
  auto image = Image::read(module->bytes, name, error);
  const CudaDevice::Scope scope(*device, error);
  if (!image || !scope)
    return nullptr;
  module->image = std::move(*image);

  const Driver &driver = device->driver();
  std::string errors(logBytes, '\0'), notes(logBytes, '\0');
  JitOption keys[] = {JitOption::ErrorLogBuffer, JitOption::ErrorLogBufferBytes,
                      JitOption::InfoLogBuffer, JitOption::InfoLogBufferBytes};
  const auto size = std::bit_cast<void *>(logBytes);
  void *values[] = {errors.data(), size, notes.data(), size};
  // The text ends with a zero, as the driver wants it.
  const Result code =
      driver.moduleLoad(&module->handle, module->bytes.c_str(), std::size(keys), keys, values);
  if (code != Success) {
    module->handle = nullptr;
    std::string log(errors.c_str());
    if (const std::string more(notes.c_str()); !more.empty())
      log += (log.empty() ? "" : "\n") + more;
    device->fail(code, fmt::format("load `{}`", name), log, error);
    return nullptr;
  }
  for (const Image::Entry &it : module->image.entries) {
    Entry &entry = module->functions[it.name];
    entry.name = device->intern(it.name);
    const auto what = [&] { return fmt::format("find `{}` in `{}`", it.name, name); };
    if (!device->check(driver.moduleFunction(&entry.function, module->handle, it.name.c_str()),
                       error, what) ||
        !device->check(driver.functionAttribute(&entry.staticShared, FunctionAttribute::SharedBytes,
                                                entry.function),
                       error, what))
      return nullptr;
    entry.dynamicShared = static_cast<uint32_t>(std::max(0, commonShared - entry.staticShared));
  }
  return module;
}

CudaModule::~CudaModule() {
  if (!handle)
    return;
  // Its code must not go away under a kernel that still runs.
  const CudaDevice::Scope scope(*device);
  if (scope) {
    device->driver().contextSynchronize();
    device->driver().moduleUnload(handle);
  }
}

std::vector<std::string> CudaModule::entries() const {
  std::vector<std::string> result;
  for (const Image::Entry &it : image.entries)
    result.push_back(it.name);
  return result;
}

std::optional<std::vector<DeviceModule::EntryParam>>
CudaModule::params(std::string_view entry) const {
  const Image::Entry *it = image.entry(entry);
  return it ? std::optional(it->params) : std::nullopt;
}

bool CudaModule::run(const LaunchPlan &plan, void *stream, const Progress &, RunResult &,
                     Error &error) const {
  const CudaDevice::Scope scope(*device, error);
  if (!scope)
    return false;
  // By buffer; most kernels have none.
  std::vector<Address> workspaces;
  bool fine = true;
  for (size_t i = 0; i < plan.buffers.size() && fine; ++i)
    if (!plan.buffers[i].data) {
      workspaces.resize(plan.buffers.size());
      fine = device->allocateOn(stream, plan.buffers[i].bytes, workspaces[i], error);
    }
  for (size_t i = 0; i < plan.launches.size() && fine; ++i)
    fine = launch(plan, plan.launches[i], stream, workspaces, error);
  for (Address workspace : workspaces)
    if (workspace)
      device->freeOn(stream, workspace);
  return fine;
}

/// Raises the limits that are opt-in. Several threads may do so at once; the driver takes any
/// order, and the largest stays.
bool CudaModule::prepare(Entry &entry, const EntryLaunch &launch, Error &error) const {
  const Driver &driver = device->driver();
  if (launch.shared > entry.dynamicShared.load(std::memory_order_acquire)) {
    const size_t all = launch.shared + static_cast<size_t>(entry.staticShared);
    if (all > device->facts().sharedBytes)
      return error.set(Code::Refused,
                       "`{}` asks for {} bytes of shared memory, and a CTA of {} has at most {}",
                       launch.entry, all, device->title(), device->facts().sharedBytes);
    static std::mutex raising;
    const std::lock_guard lock(raising);
    if (launch.shared > entry.dynamicShared.load(std::memory_order_relaxed)) {
      if (!device->check(driver.setFunctionAttribute(entry.function,
                                                     FunctionAttribute::MaxDynamicSharedBytes,
                                                     static_cast<int>(launch.shared)),
                         error, [&] {
                           return fmt::format("give `{}` {} bytes of shared memory", launch.entry,
                                              launch.shared);
                         }))
        return false;
      entry.dynamicShared.store(launch.shared, std::memory_order_release);
    }
  }
  const uint32_t cluster = launch.cluster[0] * launch.cluster[1] * launch.cluster[2];
  if (cluster > portableCluster && !entry.largeCluster.load(std::memory_order_acquire)) {
    if (!device->check(
            driver.setFunctionAttribute(entry.function,
                                        FunctionAttribute::NonPortableClusterSizeAllowed, 1),
            error, [&] { return fmt::format("allow `{}` clusters of {}", launch.entry, cluster); }))
      return false;
    entry.largeCluster.store(true, std::memory_order_release);
  }
  return true;
}

/// Writes a tensor map; TMA has no type for 8-bit floats and bools, which are bytes to it.
bool CudaModule::encode(const EntryLaunch::TensorMap &map, const std::string &entry,
                        Address address, std::byte *to, Error &error) const {
  const Driver &driver = device->driver();
  if (!driver.tensorMapEncode)
    return error.set(Code::Unsupported,
                     "`{}` reads by TMA, which needs a driver of CUDA 12.0 or newer, and this one "
                     "is of CUDA {}",
                     entry, versionText(driver.version));
  constexpr TensorMapType types[] = {
      TensorMapType::Float32, TensorMapType::Float16, TensorMapType::Bfloat16,
      TensorMapType::Uint8,   TensorMapType::Uint8,   TensorMapType::Uint8,
      TensorMapType::Uint8,   TensorMapType::Uint16,  TensorMapType::Int32,
      TensorMapType::Uint32,  TensorMapType::Int64,   TensorMapType::Uint8};
  static_assert(std::size(types) == numElems && static_cast<int>(Elem::I16) == 7);
  const TensorMapSwizzle swizzle = map.swizzle == 0    ? TensorMapSwizzle::None
                                   : map.swizzle == 32 ? TensorMapSwizzle::Bytes32
                                   : map.swizzle == 64 ? TensorMapSwizzle::Bytes64
                                                       : TensorMapSwizzle::Bytes128;
  constexpr uint32_t steps[5] = {1, 1, 1, 1, 1};
  TensorMapBytes bytes;
  const Result code = driver.tensorMapEncode(
      &bytes, types[static_cast<size_t>(map.elem)], map.rank, std::bit_cast<void *>(address),
      map.extents.data(), map.strides.data(), map.box.data(), steps, tensorMapInterleaveNone,
      swizzle, tensorMapPromotion256, map.nanFill ? tensorMapFillNan : tensorMapFillZero);
  std::memcpy(to, &bytes, sizeof bytes);
  return device->check(code, error,
                       [&] { return fmt::format("make a tensor map for `{}`", entry); });
}

bool CudaModule::launch(const LaunchPlan &plan, const EntryLaunch &launch, Stream stream,
                        const std::vector<Address> &workspaces, Error &error) const {
  const auto found = functions.find(launch.entry);
  if (found == functions.end())
    return error.set(Code::Module, "there is no entry `{}`", launch.entry);
  Entry &entry = found->second;
  if (!prepare(entry, launch, error))
    return false;

  // The parameters with their addresses; on the stack where they fit, as they nearly always do.
  alignas(64) std::byte few[1024];
  void *fewPlaces[128];
  std::vector<std::byte> many;
  std::vector<void *> manyPlaces;
  std::byte *params = few;
  void **places = fewPlaces;
  if (launch.params.size() > sizeof few) {
    many.resize(launch.params.size());
    params = many.data();
  }
  if (launch.slots.size() > std::size(fewPlaces)) {
    manyPlaces.resize(launch.slots.size());
    places = manyPlaces.data();
  }
  std::memcpy(params, launch.params.data(), launch.params.size());
  auto addressOf = [&](size_t index, uint64_t byteOffset) {
    const BufferRange &buffer = plan.buffers[index];
    return (buffer.data ? std::bit_cast<Address>(buffer.data) : workspaces[index]) + byteOffset;
  };
  for (const EntryLaunch::Pointer &pointer : launch.pointers) {
    const Address address = addressOf(pointer.buffer, pointer.byteOffset);
    std::memcpy(params + pointer.paramOffset, &address, sizeof address);
  }
  for (const EntryLaunch::TensorMap &map : launch.tensorMaps)
    if (!encode(map, launch.entry, addressOf(map.buffer, map.byteOffset), params + map.paramOffset,
                error))
      return false;
  for (size_t i = 0; i < launch.slots.size(); ++i)
    places[i] = params + launch.slots[i].offset;

  const Driver &driver = device->driver();
  const auto &[gx, gy, gz] = launch.grid;
  const auto &[bx, by, bz] = launch.block;
  const bool cluster = launch.cluster != std::array<uint32_t, 3>{1, 1, 1};
  Result code = Success;
  if (driver.launchEx) {
    LaunchAttribute attribute{LaunchAttributeId::ClusterDimension, {}, {}};
    attribute.value.cluster = {launch.cluster[0], launch.cluster[1], launch.cluster[2]};
    const LaunchConfig config{gx, gy, gz, bx, by, bz, launch.shared, stream, &attribute, cluster};
    code = driver.launchEx(&config, entry.function, places, nullptr);
  } else if (cluster) {
    return error.set(Code::Unsupported,
                     "`{}` is launched in clusters, which need a driver of CUDA 11.8 or newer, and "
                     "this one is of CUDA {}",
                     launch.entry, versionText(driver.version));
  } else {
    code = driver.launch(entry.function, gx, gy, gz, bx, by, bz, launch.shared, stream, places,
                         nullptr);
  }
  if (code == Success) {
    device->launched(entry.name);
    return true;
  }
  return device->fail(
      code,
      fmt::format("launch `{}` (variant `{}`, grid {} x {} x {}, block {} x {} x {}, "
                  "{} bytes of shared memory)",
                  launch.entry, plan.variant, gx, gy, gz, bx, by, bz, launch.shared),
      "", error);
}

} // namespace fc::rt::cuda
