// HeaderTest.cpp - DriverTypes.h and Driver.def against NVIDIA's cuda.h, where it is installed.
#include "runtime/cuda/Driver.h"
#include <gtest/gtest.h>

#ifdef FC_HAVE_CUDA_HEADER
#include <cuda.h>
#include <cudaTypedefs.h>
#include <type_traits>

namespace ours = fc::rt::cuda;

#define SAME(Mine, Theirs) static_assert(static_cast<int>(Mine) == static_cast<int>(Theirs))
SAME(ours::Success, CUDA_SUCCESS);
SAME(ours::InvalidValue, CUDA_ERROR_INVALID_VALUE);
SAME(ours::OutOfMemory, CUDA_ERROR_OUT_OF_MEMORY);
SAME(ours::NotInitialized, CUDA_ERROR_NOT_INITIALIZED);
SAME(ours::Deinitialized, CUDA_ERROR_DEINITIALIZED);
SAME(ours::StubLibrary, CUDA_ERROR_STUB_LIBRARY);
SAME(ours::DeviceUnavailable, CUDA_ERROR_DEVICE_UNAVAILABLE);
SAME(ours::NoDevice, CUDA_ERROR_NO_DEVICE);
SAME(ours::InvalidDevice, CUDA_ERROR_INVALID_DEVICE);
SAME(ours::InvalidImage, CUDA_ERROR_INVALID_IMAGE);
SAME(ours::InvalidContext, CUDA_ERROR_INVALID_CONTEXT);
SAME(ours::NoBinaryForGpu, CUDA_ERROR_NO_BINARY_FOR_GPU);
SAME(ours::EccUncorrectable, CUDA_ERROR_ECC_UNCORRECTABLE);
SAME(ours::InvalidPtx, CUDA_ERROR_INVALID_PTX);
SAME(ours::NvlinkUncorrectable, CUDA_ERROR_NVLINK_UNCORRECTABLE);
SAME(ours::JitCompilerNotFound, CUDA_ERROR_JIT_COMPILER_NOT_FOUND);
SAME(ours::UnsupportedPtxVersion, CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
SAME(ours::JitCompilationDisabled, CUDA_ERROR_JIT_COMPILATION_DISABLED);
SAME(ours::Contained, CUDA_ERROR_CONTAINED);
SAME(ours::InvalidHandle, CUDA_ERROR_INVALID_HANDLE);
SAME(ours::NotFound, CUDA_ERROR_NOT_FOUND);
SAME(ours::IllegalAddress, CUDA_ERROR_ILLEGAL_ADDRESS);
SAME(ours::LaunchOutOfResources, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
SAME(ours::LaunchTimeout, CUDA_ERROR_LAUNCH_TIMEOUT);
SAME(ours::ContextIsDestroyed, CUDA_ERROR_CONTEXT_IS_DESTROYED);
SAME(ours::Assert, CUDA_ERROR_ASSERT);
SAME(ours::HardwareStackError, CUDA_ERROR_HARDWARE_STACK_ERROR);
SAME(ours::IllegalInstruction, CUDA_ERROR_ILLEGAL_INSTRUCTION);
SAME(ours::MisalignedAddress, CUDA_ERROR_MISALIGNED_ADDRESS);
SAME(ours::InvalidAddressSpace, CUDA_ERROR_INVALID_ADDRESS_SPACE);
SAME(ours::InvalidPc, CUDA_ERROR_INVALID_PC);
SAME(ours::LaunchFailed, CUDA_ERROR_LAUNCH_FAILED);
SAME(ours::NotSupported, CUDA_ERROR_NOT_SUPPORTED);
SAME(ours::SystemDriverMismatch, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH);
SAME(ours::StreamCaptureUnsupported, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);

SAME(ours::DeviceAttribute::ClockRate, CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
SAME(ours::DeviceAttribute::MultiprocessorCount, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
SAME(ours::DeviceAttribute::MemoryClockRate, CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE);
SAME(ours::DeviceAttribute::GlobalMemoryBusWidth, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH);
SAME(ours::DeviceAttribute::L2CacheSize, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
SAME(ours::DeviceAttribute::CapabilityMajor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME(ours::DeviceAttribute::CapabilityMinor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME(ours::DeviceAttribute::SharedPerBlockOptin,
     CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
SAME(ours::DeviceAttribute::MemoryPoolsSupported, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED);
SAME(ours::FunctionAttribute::SharedBytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
SAME(ours::FunctionAttribute::LocalBytes, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
SAME(ours::FunctionAttribute::Registers, CU_FUNC_ATTRIBUTE_NUM_REGS);
SAME(ours::FunctionAttribute::MaxDynamicSharedBytes,
     CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
SAME(ours::FunctionAttribute::NonPortableClusterSizeAllowed,
     CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED);
SAME(ours::JitOption::InfoLogBuffer, CU_JIT_INFO_LOG_BUFFER);
SAME(ours::JitOption::InfoLogBufferBytes, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES);
SAME(ours::JitOption::ErrorLogBuffer, CU_JIT_ERROR_LOG_BUFFER);
SAME(ours::JitOption::ErrorLogBufferBytes, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
SAME(ours::JitOption::GenerateLineInfo, CU_JIT_GENERATE_LINE_INFO);
SAME(ours::LaunchAttributeId::ClusterDimension, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION);
SAME(ours::TensorMapType::Uint8, CU_TENSOR_MAP_DATA_TYPE_UINT8);
SAME(ours::TensorMapType::Uint16, CU_TENSOR_MAP_DATA_TYPE_UINT16);
SAME(ours::TensorMapType::Uint32, CU_TENSOR_MAP_DATA_TYPE_UINT32);
SAME(ours::TensorMapType::Int32, CU_TENSOR_MAP_DATA_TYPE_INT32);
SAME(ours::TensorMapType::Int64, CU_TENSOR_MAP_DATA_TYPE_INT64);
SAME(ours::TensorMapType::Float16, CU_TENSOR_MAP_DATA_TYPE_FLOAT16);
SAME(ours::TensorMapType::Float32, CU_TENSOR_MAP_DATA_TYPE_FLOAT32);
SAME(ours::TensorMapType::Bfloat16, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16);
SAME(ours::TensorMapSwizzle::None, CU_TENSOR_MAP_SWIZZLE_NONE);
SAME(ours::TensorMapSwizzle::Bytes32, CU_TENSOR_MAP_SWIZZLE_32B);
SAME(ours::TensorMapSwizzle::Bytes64, CU_TENSOR_MAP_SWIZZLE_64B);
SAME(ours::TensorMapSwizzle::Bytes128, CU_TENSOR_MAP_SWIZZLE_128B);
SAME(ours::tensorMapInterleaveNone, CU_TENSOR_MAP_INTERLEAVE_NONE);
SAME(ours::tensorMapPromotion256, CU_TENSOR_MAP_L2_PROMOTION_L2_256B);
SAME(ours::tensorMapFillZero, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
SAME(ours::tensorMapFillNan, CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA);
static_assert(sizeof(ours::TensorMapBytes) == sizeof(CUtensorMap));
SAME(ours::poolReleaseThreshold, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD);
SAME(ours::eventDefault, CU_EVENT_DEFAULT);
SAME(ours::streamNonBlocking, CU_STREAM_NON_BLOCKING);
SAME(ours::captureThreadLocal, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
SAME(ours::captureNone, CU_STREAM_CAPTURE_STATUS_NONE);

static_assert(sizeof(ours::Address) == sizeof(CUdeviceptr));
static_assert(sizeof(ours::Ordinal) == sizeof(CUdevice));
static_assert(sizeof(ours::LaunchAttribute) == sizeof(CUlaunchAttribute));
static_assert(offsetof(ours::LaunchAttribute, value) == offsetof(CUlaunchAttribute, value));
static_assert(sizeof(ours::LaunchConfig) == sizeof(CUlaunchConfig));
static_assert(offsetof(ours::LaunchConfig, sharedBytes) ==
              offsetof(CUlaunchConfig, sharedMemBytes));
static_assert(offsetof(ours::LaunchConfig, stream) == offsetof(CUlaunchConfig, hStream));
static_assert(offsetof(ours::LaunchConfig, attributes) == offsetof(CUlaunchConfig, attrs));
static_assert(offsetof(ours::LaunchConfig, attributeCount) == offsetof(CUlaunchConfig, numAttrs));
static_assert(sizeof(ours::MemoryPoolProperties) == sizeof(CUmemPoolProps));
static_assert(offsetof(ours::MemoryPoolProperties, location) == offsetof(CUmemPoolProps, location));
static_assert(offsetof(ours::MemoryPoolProperties, maxBytes) == offsetof(CUmemPoolProps, maxSize));
static_assert(CU_MEM_ALLOCATION_TYPE_PINNED == 1 && CU_MEM_LOCATION_TYPE_DEVICE == 1);

// Each function in the form that it had in the version asked for: as many parameters, of the same
// sizes.
template <class Mine, class Theirs> struct SameShape : std::false_type {};
template <class... Mine, class... Theirs>
struct SameShape<ours::Result (*)(Mine...), CUresult (*)(Theirs...)> {
  static constexpr bool value = [] {
    if constexpr (sizeof...(Mine) != sizeof...(Theirs))
      return false;
    else
      return ((sizeof(Mine) == sizeof(Theirs) &&
               std::is_pointer_v<Mine> == std::is_pointer_v<Theirs>) &&
              ...);
  }();
};
#define FC_DRIVER(Member, Name, Exported, Since, Need, Params)                                     \
  static_assert(SameShape<decltype(ours::Driver::Member), PFN_##Name##_v##Since>::value, #Name);
#include "runtime/cuda/Driver.def"
#undef FC_DRIVER

TEST(CudaHeader, Agrees) { SUCCEED() << "all of it is checked when this is compiled"; }
#else
TEST(CudaHeader, Agrees) { GTEST_SKIP() << "there is no cuda.h here"; }
#endif
