// CudaDevice.cpp - the context, memory and errors of a GPU; see CudaDevice.h.
#include "runtime/cuda/CudaDevice.h"
#include "runtime/cuda/CudaModule.h"
#include <bit>

namespace fc::rt::cuda {
namespace {

/// After these the driver answers every call of the process with the same error.
bool losesDevice(Result code) {
  switch (code) {
  case EccUncorrectable:
  case NvlinkUncorrectable:
  case Contained:
  case IllegalAddress:
  case LaunchTimeout:
  case ContextIsDestroyed:
  case Assert:
  case HardwareStackError:
  case IllegalInstruction:
  case MisalignedAddress:
  case InvalidAddressSpace:
  case InvalidPc:
  case LaunchFailed:
    return true;
  default:
    return false;
  }
}

Code codeOf(Result code) {
  switch (code) {
  case OutOfMemory:
    return Code::Memory;
  case InvalidImage:
  case NoBinaryForGpu:
  case InvalidPtx:
  case JitCompilerNotFound:
  case UnsupportedPtxVersion:
  case JitCompilationDisabled:
    return Code::Module;
  default:
    return Code::Fault;
  }
}

Address addressOf(const void *memory) { return std::bit_cast<Address>(memory); }

} // namespace

// --- opening ---

std::shared_ptr<CudaDevice> CudaDevice::open(int ordinal, Error &error) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, int>, std::weak_ptr<CudaDevice>> opened;
  auto driver = Driver::open(error);
  if (!driver)
    return nullptr;
  const std::lock_guard lock(mutex);
  auto &place = opened[{driver->path, ordinal}];
  if (auto device = place.lock())
    return device;
  std::shared_ptr<CudaDevice> device(new CudaDevice(std::move(driver), ordinal));
  if (!device->start(error))
    return nullptr;
  place = device;
  return device;
}

bool CudaDevice::start(Error &error) {
  int count = 0;
  if (!check(library->deviceCount(&count), error, [] { return "count the devices"; }))
    return false;
  if (count == 0)
    return error.set(Code::Unsupported, "the NVIDIA driver (CUDA {}) sees no device",
                     versionText(library->version));
  if (number < 0 || number >= count)
    return error.set(Code::Unsupported, "there is no device `cuda:{}`: the driver sees {} device{}",
                     number, count, count == 1 ? "" : "s");
  if (!check(library->deviceGet(&handle, number), error, [] { return "open the device"; }))
    return false;
  auto attribute = [&](DeviceAttribute which) {
    int value = 0;
    return library->deviceAttribute(&value, which, handle) == Success ? value : 0;
  };
  char text[256] = {};
  if (library->deviceName(text, sizeof text - 1, handle) == Success)
    known.name = text;
  char bus[32] = {};
  if (library->devicePciBusId(bus, sizeof bus - 1, handle) == Success)
    known.pciBusId = bus;
  library->deviceMemory(&known.memoryBytes, handle);
  known.capability = 10 * attribute(DeviceAttribute::CapabilityMajor) +
                     attribute(DeviceAttribute::CapabilityMinor);
  known.sms = attribute(DeviceAttribute::MultiprocessorCount);
  known.clockKhz = attribute(DeviceAttribute::ClockRate);
  known.memoryClockKhz = attribute(DeviceAttribute::MemoryClockRate);
  known.memoryBusBits = attribute(DeviceAttribute::GlobalMemoryBusWidth);
  known.l2Bytes = static_cast<size_t>(attribute(DeviceAttribute::L2CacheSize));
  known.sharedBytes = static_cast<size_t>(attribute(DeviceAttribute::SharedPerBlockOptin));
  known.pools = attribute(DeviceAttribute::MemoryPoolsSupported) != 0;
  if (!check(library->contextRetain(&context, handle), error,
             [] { return "get its primary context"; }))
    return false;
  if (!known.pools)
    return true;
  // A pool that keeps what is freed: the default one gives it back at every synchronisation.
  const Scope scope(*this, error);
  MemoryPoolProperties properties{};
  properties.allocationType = 1;
  properties.location = {1, handle};
  if (!scope || !check(library->poolCreate(&pool, &properties), error,
                       [] { return "make a pool of memory"; }))
    return false;
  uint64_t keep = UINT64_MAX;
  return check(library->poolSetAttribute(pool, poolReleaseThreshold, &keep), error,
               [] { return "set up its pool of memory"; });
}

CudaDevice::~CudaDevice() {
  if (pool) {
    const Scope scope(*this);
    if (scope)
      library->poolDestroy(pool);
  }
  if (context)
    library->contextRelease(handle);
}

CudaDevice::Scope::Scope(const CudaDevice &device, Error &error) : Scope(device) {
  if (const int lost = device.lost.load(std::memory_order_relaxed); lost != Success)
    code = static_cast<Result>(lost);
  if (code != Success)
    device.fail(code, "be used", "", error);
}

CudaDevice::Scope::Scope(const CudaDevice &device) : device(device) {
  Context current = nullptr;
  code = device.library->contextCurrent(&current);
  if (code == Success && current != device.context) {
    code = device.library->contextPush(device.context);
    pushed = code == Success;
  }
}

CudaDevice::Scope::~Scope() {
  Context old = nullptr;
  if (pushed)
    device.library->contextPop(&old);
}

// --- errors ---

std::string CudaDevice::title() const {
  return fmt::format("cuda:{}{}", number, known.name.empty() ? "" : " (" + known.name + ")");
}

bool CudaDevice::fail(Result code, const std::string &what, std::string_view log,
                      Error &error) const {
  std::string hint;
  switch (code) {
  case OutOfMemory:
    hint = fmt::format("; the device has {:.1f} GiB in all, which it shares with other programs",
                       static_cast<double>(known.memoryBytes) / 0x1p30);
    break;
  case UnsupportedPtxVersion:
    hint = fmt::format("; this driver knows the PTX of CUDA {}: install a newer driver, or give it "
                       "a cubin made by ptxas",
                       versionText(library->version));
    break;
  case JitCompilerNotFound:
    hint = "; libnvidia-ptxjitcompiler.so is missing beside libcuda.so.1: install it, or give a "
           "cubin made by ptxas";
    break;
  case NoBinaryForGpu:
    hint = fmt::format("; this device runs code for sm_{}", known.capability);
    break;
  case LaunchOutOfResources:
    hint = "; it asks for more registers or shared memory than an SM has";
    break;
  default:
    break;
  }
  if (losesDevice(code)) {
    lost.store(code, std::memory_order_relaxed);
    // The driver tells at the next call what went wrong in the work before it.
    if (const std::string *entry = lastEntry.load(std::memory_order_relaxed))
      hint = fmt::format("; the last kernel launched was `{}`", *entry);
    hint += "; the device is lost to this process, which has to be started anew; "
            "`--device=emulator` finds what a kernel does wrong";
  }
  while (!log.empty() && (log.back() == '\n' || log.back() == ' ' || log.back() == '\0'))
    log.remove_suffix(1);
  error.set(codeOf(code), "{} cannot {}: {}{}{}{}", title(), what, library->text(code), hint,
            log.empty() ? "" : "\n", log);
  error.id = library->name(code);
  return false;
}

bool CudaDevice::setOption(std::string_view key, std::string_view, Error &error) {
  return error.set(Code::Argument, "the `cuda` device has no option `{}`; the emulator has options",
                   key);
}

const std::string *CudaDevice::intern(const std::string &entry) const {
  const std::lock_guard lock(naming);
  return &*names.insert(entry).first;
}

// --- memory ---

void *CudaDevice::allocate(size_t bytes, Error &error) {
  const Scope scope(*this, error);
  Address address = 0;
  if (!scope || !check(library->allocate(&address, bytes ? bytes : 1), error,
                       [&] { return fmt::format("allocate {} bytes", bytes); }))
    return nullptr;
  return std::bit_cast<void *>(address);
}

void CudaDevice::release(void *memory) {
  const Scope scope(*this);
  if (memory && scope)
    library->free(addressOf(memory));
}

bool CudaDevice::allocateOn(Stream stream, size_t bytes, Address &address, Error &error) const {
  const auto what = [&] { return fmt::format("allocate {} bytes of workspace", bytes); };
  return check(pool ? library->allocateAsync(&address, bytes, pool, stream)
                    : library->allocate(&address, bytes),
               error, what);
}

void CudaDevice::freeOn(Stream stream, Address address) const {
  if (pool) {
    library->freeAsync(address, stream);
    return;
  }
  library->streamSynchronize(stream);
  library->free(address);
}

// Both copies wait, since the host's memory may be pinned: then the driver would still be reading
// or writing it when the caller goes on.
bool CudaDevice::upload(void *device, const void *host, size_t bytes, void *stream, Error &error) {
  const Scope scope(*this, error);
  const auto what = [&] { return fmt::format("copy {} bytes to it", bytes); };
  return scope &&
         (bytes == 0 ||
          (check(library->copyToDevice(addressOf(device), host, bytes, stream), error, what) &&
           check(library->streamSynchronize(stream), error, what)));
}

bool CudaDevice::download(void *host, const void *device, size_t bytes, void *stream,
                          Error &error) {
  const Scope scope(*this, error);
  const auto what = [&] { return fmt::format("copy {} bytes from it", bytes); };
  return scope && (bytes == 0 || (check(library->copyToHost(host, addressOf(device), bytes, stream),
                                        error, what) &&
                                  check(library->streamSynchronize(stream), error, what)));
}

bool CudaDevice::synchronize(void *stream, Error &error) {
  const Scope scope(*this, error);
  return scope && check(library->streamSynchronize(stream), error,
                        [] { return "finish the work on its stream"; });
}

// --- code ---

bool CudaDevice::checkTarget(const Image &image, std::string_view name, Error &error) const {
  bool exact = false;
  const int wanted = capabilityOf(image.target, exact);
  const bool cubin = image.kind == Image::Kind::Cubin;
  // PTX runs on what is as new; a cubin only within its major version, and code for `sm_90a` only
  // on what has its number.
  const bool runs = cubin   ? wanted / 10 == known.capability / 10 && wanted <= known.capability
                    : exact ? wanted == known.capability
                            : wanted <= known.capability;
  if (wanted == 0 || runs)
    return true;
  const std::string_view target = targetFor(known.capability);
  return error.set(
      Code::Module, "{}: it is made for {}, and {} runs sm_{}; {}{}", name, image.target, title(),
      known.capability,
      target.empty() ? "fcc compiles for sm_80 and newer" : "compile it with --target=", target);
}

std::shared_ptr<const DeviceModule> CudaDevice::load(std::string_view bytes, std::string_view name,
                                                     Error &error) {
  const uint64_t hash = std::hash<std::string_view>()(bytes);
  const std::lock_guard lock(loading);
  for (auto [it, end] = loaded.equal_range(hash); it != end;) {
    auto module = it->second.lock();
    if (module && module->content() == bytes)
      return module;
    it = module ? std::next(it) : loaded.erase(it);
  }
  std::string content(bytes);
  auto image = Image::read(content, name, error);
  if (!image || !checkTarget(*image, name, error))
    return nullptr;
  auto module = CudaModule::load(shared_from_this(), content, name, error);
  if (module)
    loaded.emplace(hash, module);
  return module;
}

} // namespace fc::rt::cuda
