// DriverTypes.h - what FlashCore needs of NVIDIA's driver interface, declared anew, so that the
// project builds where no CUDA is installed.
//
// Names, values and layouts are facts of the driver's stable binary interface (cuda.h of CUDA
// 13.0); test/runtime/cuda/HeaderTest.cpp compares every one with cuda.h where that is found.
#pragma once
#include <cstddef>
#include <cstdint>

namespace fc::rt::cuda {

using Ordinal = int;         ///< CUdevice
using Address = uint64_t;    ///< CUdeviceptr
using Context = void *;      ///< CUcontext
using ModuleHandle = void *; ///< CUmodule
using Function = void *;     ///< CUfunction
using Stream = void *;       ///< CUstream
using Event = void *;        ///< CUevent
using Graph = void *;        ///< CUgraph
using GraphExec = void *;    ///< CUgraphExec
using MemoryPool = void *;   ///< CUmemoryPool

/// CUresult; values not listed here exist too.
enum Result : int {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NotInitialized = 3,
  Deinitialized = 4,
  StubLibrary = 34,
  DeviceUnavailable = 46,
  NoDevice = 100,
  InvalidDevice = 101,
  InvalidImage = 200,
  InvalidContext = 201,
  NoBinaryForGpu = 209,
  EccUncorrectable = 214,
  InvalidPtx = 218,
  NvlinkUncorrectable = 220,
  JitCompilerNotFound = 221,
  UnsupportedPtxVersion = 222,
  JitCompilationDisabled = 223,
  Contained = 226,
  InvalidHandle = 400,
  NotFound = 500,
  IllegalAddress = 700,
  LaunchOutOfResources = 701,
  LaunchTimeout = 702,
  ContextIsDestroyed = 709,
  Assert = 710,
  HardwareStackError = 714,
  IllegalInstruction = 715,
  MisalignedAddress = 716,
  InvalidAddressSpace = 717,
  InvalidPc = 718,
  LaunchFailed = 719,
  NotSupported = 801,
  SystemDriverMismatch = 803,
  StreamCaptureUnsupported = 900,
};

/// CUdevice_attribute.
enum class DeviceAttribute : int {
  ClockRate = 13, ///< kHz
  MultiprocessorCount = 16,
  MemoryClockRate = 36,      ///< kHz
  GlobalMemoryBusWidth = 37, ///< bits
  L2CacheSize = 38,
  CapabilityMajor = 75,
  CapabilityMinor = 76,
  SharedPerBlockOptin = 97,
  MemoryPoolsSupported = 115,
};

/// CUfunction_attribute.
enum class FunctionAttribute : int {
  SharedBytes = 1, ///< static shared memory
  LocalBytes = 3,
  Registers = 4,
  MaxDynamicSharedBytes = 8,
  NonPortableClusterSizeAllowed = 14,
};

/// CUjit_option.
enum class JitOption : int {
  InfoLogBuffer = 3,
  InfoLogBufferBytes = 4,
  ErrorLogBuffer = 5,
  ErrorLogBufferBytes = 6,
  GenerateLineInfo = 13,
};

/// CUlaunchAttributeID.
enum class LaunchAttributeId : int { ClusterDimension = 4 };

/// CUlaunchAttribute, with the one value that is used.
struct LaunchAttribute {
  LaunchAttributeId id;
  char pad[4];
  union alignas(8) {
    char bytes[64];
    struct {
      unsigned x, y, z;
    } cluster;
  } value;
};

/// CUlaunchConfig.
struct LaunchConfig {
  unsigned gridX, gridY, gridZ;
  unsigned blockX, blockY, blockZ;
  unsigned sharedBytes;
  Stream stream;
  LaunchAttribute *attributes;
  unsigned attributeCount;
};

/// CUmemPoolProps.
struct MemoryPoolProperties {
  int allocationType; ///< 1: pinned to the device, the only one
  int handleTypes;    ///< 0: not shared with other processes
  struct {
    int type; ///< 1: a device
    int id;   ///< its ordinal
  } location;
  void *securityAttributes;
  size_t maxBytes; ///< 0: no limit
  unsigned short usage;
  unsigned char reserved[54];
};

/// CUtensorMap: written by the driver, read by TMA.
struct alignas(64) TensorMapBytes {
  uint64_t words[16];
};
/// CUtensorMapDataType.
enum class TensorMapType : int {
  Uint8 = 0,
  Uint16 = 1,
  Uint32 = 2,
  Int32 = 3,
  Int64 = 5,
  Float16 = 6,
  Float32 = 7,
  Bfloat16 = 9,
};
/// CUtensorMapSwizzle.
enum class TensorMapSwizzle : int { None = 0, Bytes32 = 1, Bytes64 = 2, Bytes128 = 3 };
inline constexpr int tensorMapInterleaveNone = 0; ///< CU_TENSOR_MAP_INTERLEAVE_NONE
inline constexpr int tensorMapPromotion256 = 3;   ///< CU_TENSOR_MAP_L2_PROMOTION_L2_256B
inline constexpr int tensorMapFillZero = 0;       ///< CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE
/// CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA
inline constexpr int tensorMapFillNan = 1;

inline constexpr int poolReleaseThreshold = 4;   ///< CU_MEMPOOL_ATTR_RELEASE_THRESHOLD
inline constexpr unsigned eventDefault = 0;      ///< CU_EVENT_DEFAULT
inline constexpr unsigned streamNonBlocking = 1; ///< CU_STREAM_NON_BLOCKING
inline constexpr int captureThreadLocal = 1;     ///< CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
inline constexpr int captureNone = 0;            ///< CU_STREAM_CAPTURE_STATUS_NONE

/// The oldest driver that works: CUDA 11.4 (R470), which has every required function.
inline constexpr int oldestDriver = 11040;

} // namespace fc::rt::cuda
