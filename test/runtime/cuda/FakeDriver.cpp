// FakeDriver.cpp - the functions of libcuda.so.1 as the fake driver plays them; FakeControl.h says
// what can be asked of it.
#include "test/runtime/cuda/FakeDriver.h"
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <unordered_map>

using namespace fc::rt::cuda;
using namespace fc::rt::cuda::fake;

namespace {

thread_local std::vector<FakeContext *> contextStack;

/// As enter, for what needs a context.
Result enterContext(const std::string &name, const std::string &details = "") {
  const Result code = enter(name, details);
  return code != Success ? code : contextStack.empty() ? InvalidContext : Success;
}

Result allocate(Address *address, size_t bytes) {
  State &now = state();
  const std::lock_guard lock(now.mutex);
  if (bytes == 0)
    return InvalidValue;
  if (now.allocated + bytes > now.plan.memory)
    return OutOfMemory;
  void *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!memory)
    return OutOfMemory;
  std::memset(memory, 0xcd, bytes);
  *address = reinterpret_cast<uint64_t>(memory);
  now.memory[*address] = {bytes, false};
  now.allocated += bytes;
  return Success;
}

Result release(Address address) {
  State &now = state();
  const std::lock_guard lock(now.mutex);
  const auto found = now.memory.find(address);
  if (found == now.memory.end())
    return InvalidValue;
  now.allocated -= found->second.bytes;
  now.memory.erase(found);
  std::free(reinterpret_cast<void *>(address));
  return Success;
}

/// Whether [address, address + bytes) is memory of the device.
bool inside(Address address, size_t bytes, bool written) {
  uint64_t base = 0;
  Allocation *allocation = find(address, base);
  if (!allocation || address - base + bytes > allocation->bytes)
    return false;
  allocation->written |= written;
  return true;
}

/// Does it now, or when the graph is launched that `stream` is captured into.
Result perform(Stream stream, std::function<Result()> work) {
  auto *it = static_cast<FakeStream *>(stream);
  if (!it || !it->capturing)
    return work();
  it->capturing->work.push_back(std::move(work));
  return Success;
}

bool capturing(Stream stream) {
  return stream && static_cast<FakeStream *>(stream)->capturing != nullptr;
}

Result launchOn(FakeFunction &function, const LaunchConfig &config,
                const std::vector<uint32_t> &cluster, void **params) {
  if (config.sharedBytes > static_cast<unsigned>(function.dynamicShared))
    return InvalidValue;
  if (config.blockX * config.blockY * config.blockZ > 1024)
    return InvalidValue;
  if (!function.module->code)
    return Success;
  // A graph keeps its own copy of the parameters.
  struct Saved {
    std::vector<std::vector<std::byte>> bytes;
    std::vector<void *> places;
  };
  auto saved = std::make_shared<Saved>();
  size_t i = 0;
  for (const auto &param : function.module->code->params(function.name)) {
    const auto *from = static_cast<const std::byte *>(params[i++]);
    saved->bytes.emplace_back(from, from + param.size);
  }
  for (auto &bytes : saved->bytes)
    saved->places.push_back(bytes.data());
  return perform(config.stream, [&function, config, cluster, saved] {
    return execute(function, config, cluster, saved->places.data());
  });
}

struct ErrorText {
  Result code;
  const char *name, *text;
};
constexpr ErrorText errorTexts[] = {
    {Success, "CUDA_SUCCESS", "no error"},
    {InvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {NoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {InvalidImage, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {InvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {NoBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {InvalidPtx, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {JitCompilerNotFound, "CUDA_ERROR_JIT_COMPILER_NOT_FOUND",
     "PTX JIT compiler library not found"},
    {UnsupportedPtxVersion, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {NotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {IllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {LaunchOutOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
     "too many resources requested for launch"},
    {LaunchFailed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {SystemDriverMismatch, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
     "system has unsupported display driver / cuda driver combination"},
};

const ErrorText *textOf(Result code) {
  for (const ErrorText &it : errorTexts)
    if (it.code == code)
      return &it;
  return nullptr;
}

} // namespace

extern "C" {

Result cuInit(unsigned) {
  if (const Result code = enter("cuInit"); code != Success)
    return code;
  State &now = state();
  const std::lock_guard lock(now.mutex);
  now.contexts.clear();
  for (int i = 0; i < 8; ++i)
    now.contexts.push_back({i});
  now.initialised = true;
  return now.plan.devices ? Success : NoDevice;
}
Result cuDriverGetVersion(int *version) {
  *version = state().plan.version;
  return enter("cuDriverGetVersion");
}
Result cuGetErrorName(Result code, const char **name) {
  const ErrorText *it = textOf(code);
  *name = it ? it->name : nullptr;
  return it ? Success : InvalidValue;
}
Result cuGetErrorString(Result code, const char **text) {
  const ErrorText *it = textOf(code);
  *text = it ? it->text : nullptr;
  return it ? Success : InvalidValue;
}

// --- devices and contexts ---

Result cuDeviceGetCount(int *count) {
  *count = state().plan.devices;
  return enter("cuDeviceGetCount");
}
Result cuDeviceGet(Ordinal *device, int ordinal) {
  *device = ordinal;
  return enter("cuDeviceGet", fmt::format("{}", ordinal));
}
Result cuDeviceGetName(char *name, int length, Ordinal device) {
  std::snprintf(name, static_cast<size_t>(length), "fake GPU %d of the tests", device);
  return enter("cuDeviceGetName");
}
Result cuDeviceTotalMem_v2(size_t *bytes, Ordinal) {
  *bytes = state().plan.memory;
  return enter("cuDeviceTotalMem");
}
Result cuDeviceGetPCIBusId(char *id, int length, Ordinal device) {
  std::snprintf(id, static_cast<size_t>(length), "0000:0%d:00.0", device + 1);
  return enter("cuDeviceGetPCIBusId");
}
Result cuDeviceGetAttribute(int *value, DeviceAttribute attribute, Ordinal) {
  const Plan &plan = state().plan;
  switch (attribute) {
  case DeviceAttribute::ClockRate:
    *value = 1'000'000;
    break;
  case DeviceAttribute::MultiprocessorCount:
    *value = 4;
    break;
  case DeviceAttribute::MemoryClockRate:
    *value = 1'000'000;
    break;
  case DeviceAttribute::GlobalMemoryBusWidth:
    *value = 128;
    break;
  case DeviceAttribute::L2CacheSize:
    *value = 1 << 20;
    break;
  case DeviceAttribute::CapabilityMajor:
    *value = plan.capability / 10;
    break;
  case DeviceAttribute::CapabilityMinor:
    *value = plan.capability % 10;
    break;
  case DeviceAttribute::SharedPerBlockOptin:
    *value = 163 << 10;
    break;
  case DeviceAttribute::MemoryPoolsSupported:
    *value = plan.pools;
    break;
  default:
    return InvalidValue;
  }
  return enter("cuDeviceGetAttribute");
}
Result cuDevicePrimaryCtxRetain(Context *context, Ordinal device) {
  *context = &state().contexts[static_cast<size_t>(device)];
  return enter("cuDevicePrimaryCtxRetain", fmt::format("{}", device));
}
Result cuDevicePrimaryCtxRelease_v2(Ordinal) { return enter("cuDevicePrimaryCtxRelease"); }
Result cuCtxGetCurrent(Context *context) {
  *context = contextStack.empty() ? nullptr : contextStack.back();
  return Success;
}
Result cuCtxPushCurrent_v2(Context context) {
  contextStack.push_back(static_cast<FakeContext *>(context));
  return Success;
}
Result cuCtxPopCurrent_v2(Context *context) {
  if (contextStack.empty())
    return InvalidContext;
  *context = contextStack.back();
  contextStack.pop_back();
  return Success;
}
Result cuCtxSynchronize() { return enterContext("cuCtxSynchronize"); }

// --- code ---

Result cuModuleLoadDataEx(ModuleHandle *module, const void *image, unsigned count, JitOption *keys,
                          void **values) {
  const Result code = enterContext("cuModuleLoadDataEx");
  const Plan &plan = state().plan;
  auto say = [&](const std::string &text) {
    for (unsigned i = 0; i + 1 < count; ++i)
      if (keys[i] == JitOption::ErrorLogBuffer)
        std::snprintf(static_cast<char *>(values[i]), reinterpret_cast<size_t>(values[i + 1]), "%s",
                      text.c_str());
  };
  if (code != Success) {
    say(plan.log);
    return code;
  }
  auto made = std::make_unique<FakeModule>();
  const auto *text = static_cast<const char *>(image);
  if (!plan.record) {
    if (std::memcmp(text, "\177ELF", 4) == 0)
      return NoBinaryForGpu;
    fc::emu::Report report;
    made->code = fc::emu::Module::load(text, "the PTX", report);
    if (!made->code) {
      say(report.text);
      return InvalidPtx;
    }
  }
  *module = made.release();
  return Success;
}
Result cuModuleUnload(ModuleHandle module) {
  const Result code = enterContext("cuModuleUnload");
  delete static_cast<FakeModule *>(module);
  return code;
}
Result cuModuleGetFunction(Function *function, ModuleHandle module, const char *name) {
  const Result code = enterContext("cuModuleGetFunction", name);
  if (code != Success)
    return code;
  State &now = state();
  const std::lock_guard lock(now.mutex);
  now.functions.push_back(std::make_unique<FakeFunction>(
      FakeFunction{static_cast<FakeModule *>(module), name, (48 << 10) - now.plan.staticShared}));
  *function = now.functions.back().get();
  return Success;
}
Result cuFuncGetAttribute(int *value, FunctionAttribute attribute, Function) {
  *value = attribute == FunctionAttribute::SharedBytes ? state().plan.staticShared : 0;
  return enterContext("cuFuncGetAttribute");
}
Result cuFuncSetAttribute(Function function, FunctionAttribute attribute, int value) {
  auto *it = static_cast<FakeFunction *>(function);
  const Result code = enterContext(
      "cuFuncSetAttribute", fmt::format("{} {} {}", it->name, static_cast<int>(attribute), value));
  if (code == Success && attribute == FunctionAttribute::MaxDynamicSharedBytes)
    it->dynamicShared = value;
  return code;
}

static std::string launchText(const FakeFunction &function, const LaunchConfig &config,
                              const std::vector<uint32_t> &cluster) {
  return fmt::format("{} grid {},{},{} block {},{},{} shared {} cluster {} stream {}{}",
                     function.name, config.gridX, config.gridY, config.gridZ, config.blockX,
                     config.blockY, config.blockZ, config.sharedBytes, fmt::join(cluster, ","),
                     config.stream ? "given" : "0", capturing(config.stream) ? " captured" : "");
}
Result cuLaunchKernel(Function function, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                      unsigned by, unsigned bz, unsigned shared, Stream stream, void **params,
                      void **) {
  auto *it = static_cast<FakeFunction *>(function);
  const LaunchConfig config{gx, gy, gz, bx, by, bz, shared, stream, nullptr, 0};
  const Result code = enterContext("cuLaunchKernel", launchText(*it, config, {1, 1, 1}));
  return code == Success ? launchOn(*it, config, {1, 1, 1}, params) : code;
}
#ifndef FC_FAKE_OLD
Result cuLaunchKernelEx(const LaunchConfig *config, Function function, void **params, void **) {
  if (state().plan.idle)
    return Success;
  auto *it = static_cast<FakeFunction *>(function);
  std::vector<uint32_t> cluster{1, 1, 1};
  for (unsigned i = 0; i < config->attributeCount; ++i) {
    const LaunchAttribute &attribute = config->attributes[i];
    if (attribute.id != LaunchAttributeId::ClusterDimension)
      return InvalidValue;
    cluster = {attribute.value.cluster.x, attribute.value.cluster.y, attribute.value.cluster.z};
  }
  const Result code = enterContext("cuLaunchKernelEx", launchText(*it, *config, cluster));
  return code == Success ? launchOn(*it, *config, cluster, params) : code;
}
#endif

Result cuTensorMapEncodeTiled(TensorMapBytes *map, TensorMapType type, uint32_t rank, void *address,
                              const uint64_t *extents, const uint64_t *strides, const uint32_t *box,
                              const uint32_t *steps, int interleave, TensorMapSwizzle swizzle,
                              int promotion, int fill) {
  auto list = [&](const auto *values, uint32_t count) {
    return fmt::format("{}", fmt::join(values, values + count, ","));
  };
  const Result code = enter(
      "cuTensorMapEncodeTiled",
      fmt::format(
          "type {} extents {} strides {} box {} steps {} interleave {} swizzle {} promotion "
          "{} fill {}",
          static_cast<int>(type), list(extents, rank), list(strides, rank - 1), list(box, rank),
          list(steps, rank), interleave, static_cast<int>(swizzle), promotion, fill));
  uint64_t base = 0;
  const auto at = reinterpret_cast<uint64_t>(address);
  if (code == Success && (at % 16 || !find(at, base)))
    return InvalidValue;
  *map = {};
  map->words[0] = at;
  return code;
}

// --- memory ---

Result cuMemAlloc_v2(Address *address, size_t bytes) {
  const Result code = enterContext("cuMemAlloc", fmt::format("{}", bytes));
  return code == Success ? allocate(address, bytes) : code;
}
Result cuMemFree_v2(Address address) {
  const Result code = enterContext("cuMemFree");
  return code == Success ? release(address) : code;
}
Result cuMemPoolCreate(MemoryPool *pool, const MemoryPoolProperties *properties) {
  *pool = pool;
  return properties->allocationType == 1 ? enterContext("cuMemPoolCreate") : InvalidValue;
}
Result cuMemPoolDestroy(MemoryPool) { return enterContext("cuMemPoolDestroy"); }
Result cuMemPoolSetAttribute(MemoryPool, int, void *) {
  return enterContext("cuMemPoolSetAttribute");
}
Result cuMemAllocFromPoolAsync(Address *address, size_t bytes, MemoryPool, Stream) {
  const Result code = enterContext("cuMemAllocFromPoolAsync", fmt::format("{}", bytes));
  return code == Success ? allocate(address, bytes) : code;
}
Result cuMemFreeAsync(Address address, Stream stream) {
  const Result code = enterContext("cuMemFreeAsync");
  // A captured allocation is the graph's, and lives as long as this process.
  return code != Success || capturing(stream) ? code : release(address);
}
Result cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t bytes, Stream stream) {
  const Result code = enterContext("cuMemcpyHtoDAsync", fmt::format("{}", bytes));
  if (code != Success)
    return code;
  if (!inside(to, bytes, true))
    return InvalidValue;
  return perform(stream, [=] {
    std::memcpy(reinterpret_cast<void *>(to), from, bytes);
    return Success;
  });
}
Result cuMemcpyDtoHAsync_v2(void *to, Address from, size_t bytes, Stream stream) {
  const Result code = enterContext("cuMemcpyDtoHAsync", fmt::format("{}", bytes));
  if (code != Success)
    return code;
  if (!inside(from, bytes, false))
    return InvalidValue;
  return perform(stream, [=] {
    std::memcpy(to, reinterpret_cast<const void *>(from), bytes);
    return Success;
  });
}
Result cuMemsetD32Async(Address address, unsigned value, size_t words, Stream stream) {
  const Result code = enterContext("cuMemsetD32Async", fmt::format("{}", words));
  if (code != Success)
    return code;
  if (!inside(address, 4 * words, true))
    return InvalidValue;
  return perform(stream, [=] {
    std::fill_n(reinterpret_cast<unsigned *>(address), words, value);
    return Success;
  });
}

// --- streams, events, graphs ---

Result cuStreamCreate(Stream *stream, unsigned) {
  *stream = new FakeStream;
  return enterContext("cuStreamCreate");
}
Result cuStreamDestroy_v2(Stream stream) {
  delete static_cast<FakeStream *>(stream);
  return enterContext("cuStreamDestroy");
}
Result cuStreamSynchronize(Stream stream) {
  const Result code = enterContext("cuStreamSynchronize");
  return code == Success && capturing(stream) ? StreamCaptureUnsupported : code;
}
Result cuEventCreate(Event *event, unsigned) {
  *event = new FakeEvent;
  return enterContext("cuEventCreate");
}
Result cuEventDestroy_v2(Event event) {
  delete static_cast<FakeEvent *>(event);
  return enterContext("cuEventDestroy");
}
Result cuEventRecord(Event event, Stream) {
  static_cast<FakeEvent *>(event)->when = std::chrono::steady_clock::now();
  return enterContext("cuEventRecord");
}
Result cuEventElapsedTime(float *milliseconds, Event from, Event to) {
  const auto passed = static_cast<FakeEvent *>(to)->when - static_cast<FakeEvent *>(from)->when;
  *milliseconds = std::chrono::duration<float, std::milli>(passed).count();
  return enterContext("cuEventElapsedTime");
}
Result cuStreamBeginCapture_v2(Stream stream, int) {
  if (!stream)
    return StreamCaptureUnsupported;
  static_cast<FakeStream *>(stream)->capturing = new FakeGraph;
  return enterContext("cuStreamBeginCapture");
}
Result cuStreamEndCapture(Stream stream, Graph *graph) {
  *graph = static_cast<FakeStream *>(stream)->capturing;
  static_cast<FakeStream *>(stream)->capturing = nullptr;
  return enterContext("cuStreamEndCapture");
}
Result cuGraphInstantiateWithFlags(GraphExec *executable, Graph graph, unsigned long long) {
  *executable = new FakeGraph(*static_cast<FakeGraph *>(graph));
  return enterContext("cuGraphInstantiateWithFlags");
}
Result cuGraphLaunch(GraphExec executable, Stream) {
  if (const Result code = enterContext("cuGraphLaunch"); code != Success)
    return code;
  for (const auto &work : static_cast<FakeGraph *>(executable)->work)
    if (const Result code = work(); code != Success)
      return code;
  return Success;
}
Result cuGraphDestroy(Graph graph) {
  delete static_cast<FakeGraph *>(graph);
  return enterContext("cuGraphDestroy");
}
Result cuGraphExecDestroy(GraphExec executable) {
  delete static_cast<FakeGraph *>(executable);
  return enterContext("cuGraphExecDestroy");
}

#ifndef FC_FAKE_OLD
Result cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t, int *status) {
  struct Known {
    void *function;
    int since;
  };
  static const std::unordered_map<std::string, Known> known = {
#define FC_DRIVER(Member, Name, Exported, Since, Need, Params)                                     \
  {#Name, {reinterpret_cast<void *>(&Exported), Since}},
#include "runtime/cuda/Driver.def"
#undef FC_DRIVER
  };
  const auto found = known.find(name);
  *function = nullptr;
  if (found == known.end() || state().plan.missing.count(name)) {
    *status = 1;
    return NotFound;
  }
  if (version < found->second.since || version > state().plan.version) {
    *status = 2;
    return NotFound;
  }
  *status = 0;
  *function = found->second.function;
  return Success;
}
#endif
}
