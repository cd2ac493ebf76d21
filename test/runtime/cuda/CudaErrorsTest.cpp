// CudaErrorsTest.cpp - everything that may go wrong with a GPU, played by the fake driver.
#include "test/runtime/cuda/Fake.h"

namespace fc::rt::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class CudaErrors : public FakeCuda {
protected:
  /// Why `cuda` cannot be opened.
  std::string refusal(const std::string &name = "cuda") {
    EXPECT_FALSE(open(name));
    EXPECT_TRUE(error);
    return error.message;
  }
  /// A device with the kernel loaded and its arguments given.
  void setUp(const std::string &plan) {
    drive(plan);
    device = open();
    ASSERT_TRUE(device) << error.message;
    module = load(device, naive());
    ASSERT_TRUE(module) << error.message;
    ones = std::make_unique<Ones>(device);
    launch = std::make_unique<Launch>(module, 0);
    ones->give(*launch);
  }
  std::shared_ptr<Device> device;
  std::shared_ptr<const Module> module;
  std::unique_ptr<Ones> ones;
  std::unique_ptr<Launch> launch;
};

TEST_F(CudaErrors, NoDriver) {
  setenv("FLASHCORE_CUDA_LIBRARY", "/nowhere/libcuda.so.1", 1);
  EXPECT_EQ(
      refusal(),
      "`cuda` cannot be used: there is no NVIDIA driver: /nowhere/libcuda.so.1: cannot open "
      "shared object file: No such file or directory; `emulator` runs the same PTX on the CPU");
  EXPECT_EQ(error.code, Code::Unsupported);
}

TEST_F(CudaErrors, NoGpuWanted) {
  setenv("FLASHCORE_CUDA_LIBRARY", "none", 1);
  EXPECT_THAT(refusal(), HasSubstr("FLASHCORE_CUDA_LIBRARY is `none`"));
  EXPECT_EQ(open("auto")->name(), "emulator");
}

TEST_F(CudaErrors, NotADriver) {
  drive("", "libnotcuda.so");
  EXPECT_THAT(refusal(), HasSubstr("is not NVIDIA's driver: it has no cuDriverGetVersion"));
}

TEST_F(CudaErrors, AFunctionIsMissing) {
  drive("missing=cuMemPoolCreate");
  EXPECT_THAT(refusal(), HasSubstr("(CUDA 13.0) has no function `cuMemPoolCreate`"));
}

TEST_F(CudaErrors, AnOptionalFunctionMayBeMissing) {
  drive("missing=cuLaunchKernelEx");
  EXPECT_TRUE(open()) << error.message;
}

TEST_F(CudaErrors, DriverTooOld) {
  drive("version=11020", "libfakecuda_old.so");
  EXPECT_THAT(refusal(), HasSubstr("the NVIDIA driver is too old: it supports CUDA 11.2, and CUDA "
                                   "11.4 (driver R470) or newer is needed"));
}

TEST_F(CudaErrors, NoDevice) {
  drive("devices=0");
  EXPECT_THAT(refusal(),
              HasSubstr("the NVIDIA driver (CUDA 13.0) does not start: CUDA_ERROR_NO_DEVICE: no "
                        "CUDA-capable device is detected; `nvidia-smi` and CUDA_VISIBLE_DEVICES"));
  EXPECT_EQ(error.id, "CUDA_ERROR_NO_DEVICE");
}

TEST_F(CudaErrors, DriverDoesNotFitTheKernelModule) {
  drive("fail=cuInit:803");
  EXPECT_THAT(refusal(), HasSubstr("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"));
  EXPECT_THAT(error.message, HasSubstr("reboot, or reload the module"));
}

TEST_F(CudaErrors, ADriverThatFailedIsTriedAgain) {
  drive("fail=cuInit:3@1");
  EXPECT_FALSE(open());
  EXPECT_TRUE(open()) << error.message;
}

TEST_F(CudaErrors, NoSuchDevice) {
  drive("devices=2");
  EXPECT_THAT(refusal("cuda:2"),
              HasSubstr("there is no device `cuda:2`: the driver sees 2 devices"));
  EXPECT_THAT(refusal("cuda:x"), HasSubstr("there is no device `cuda:x`; there are `emulator`"));
  EXPECT_THAT(refusal("cuda:-1"), HasSubstr("there is no device `cuda:-1`"));
  EXPECT_THAT(refusal("rocm"), HasSubstr("there is no device `rocm`"));
}

TEST_F(CudaErrors, TheDeviceIsInUse) {
  drive("fail=cuDevicePrimaryCtxRetain:46");
  EXPECT_THAT(refusal(), HasSubstr("cuda:0 (fake GPU 0 of the tests) cannot get its primary "
                                   "context: error 46"));
}

TEST_F(CudaErrors, OutOfMemory) {
  drive("memory=1000000");
  device = open();
  ASSERT_TRUE(device) << error.message;
  EXPECT_EQ(device->allocate(2000000, error), nullptr);
  EXPECT_EQ(error.code, Code::Memory);
  EXPECT_EQ(error.message,
            "cuda:0 (fake GPU 0 of the tests) cannot allocate 2000000 bytes: "
            "CUDA_ERROR_OUT_OF_MEMORY: out of memory; the device has 0.0 GiB in all, which it "
            "shares with other programs");
  // A failed allocation does no harm.
  void *memory = device->allocate(1000, error);
  EXPECT_TRUE(memory);
  device->release(memory);
}

TEST_F(CudaErrors, CompilerErrorsAreShown) {
  drive("fail=cuModuleLoadDataEx:218 log=ptxas_application_ptx_input,_line_9;_fatal:_bad_token");
  device = open();
  ASSERT_TRUE(device) << error.message;
  EXPECT_FALSE(load(device, naive()));
  EXPECT_EQ(error.code, Code::Module);
  EXPECT_EQ(error.id, "CUDA_ERROR_INVALID_PTX");
  EXPECT_EQ(
      error.message,
      "cuda:0 (fake GPU 0 of the tests) cannot load `naive.ptx`: CUDA_ERROR_INVALID_PTX: a PTX "
      "JIT compilation failed\nptxas application ptx input, line 9; fatal: bad token");
}

TEST_F(CudaErrors, PtxNewerThanTheDriver) {
  drive("fail=cuModuleLoadDataEx:222 version=12020");
  device = open();
  ASSERT_TRUE(device) << error.message;
  EXPECT_FALSE(load(device, naive()));
  EXPECT_THAT(error.message, HasSubstr("this driver knows the PTX of CUDA 12.2"));
}

TEST_F(CudaErrors, NoCompilerBesideTheDriver) {
  drive("fail=cuModuleLoadDataEx:221");
  device = open();
  EXPECT_FALSE(load(device, naive()));
  EXPECT_THAT(error.message, HasSubstr("libnvidia-ptxjitcompiler.so is missing"));
}

TEST_F(CudaErrors, TargetOfAnotherDevice) {
  drive("capability=75");
  device = open();
  ASSERT_TRUE(device) << error.message;
  EXPECT_FALSE(load(device, naive()));
  EXPECT_EQ(error.message, "naive.ptx: it is made for sm_80, and cuda:0 (fake GPU 0 of the tests) "
                           "runs sm_75; fcc compiles for sm_80 and newer");
  EXPECT_EQ(count("cuModuleLoadDataEx"), 0);
  std::string hopper = naive();
  hopper.replace(hopper.find(".target sm_80"), 13, ".target sm_90a");
  device.reset();
  drive("capability=100");
  device = open();
  EXPECT_FALSE(load(device, hopper));
  EXPECT_THAT(error.message, HasSubstr("made for sm_90a, and"));
  EXPECT_THAT(error.message, HasSubstr("compile it with --target=sm_100a"));
  device.reset();
  drive("capability=90");
  device = open();
  EXPECT_TRUE(load(device, hopper)) << error.message;
}

TEST_F(CudaErrors, LaunchFails) {
  setUp("fail=cuLaunchKernelEx:701@1");
  EXPECT_FALSE(launch->run(nullptr, error));
  EXPECT_EQ(error.code, Code::Fault);
  EXPECT_EQ(
      error.message,
      "cuda:0 (fake GPU 0 of the tests) cannot launch `causal` (variant `naive`, grid 1 x 1 x "
      "1, block 32 x 1 x 1, 0 bytes of shared memory): CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES: too "
      "many resources requested for launch; it asks for more registers or shared memory than "
      "an SM has");
  // Such an error passes.
  EXPECT_TRUE(launch->run(nullptr, error)) << error.message;
}

TEST_F(CudaErrors, AKernelFaults) {
  setUp("fail=cuStreamSynchronize:700@6");
  ASSERT_TRUE(launch->run(nullptr, error)) << error.message;
  EXPECT_FALSE(device->synchronize(nullptr, error));
  EXPECT_EQ(error.code, Code::Fault);
  EXPECT_EQ(error.id, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(error.message,
            "cuda:0 (fake GPU 0 of the tests) cannot finish the work on its stream: "
            "CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered; the last kernel "
            "launched was `causal`; the device is lost to this process, which has to be started "
            "anew; `--device=emulator` finds what a kernel does wrong");
  // From here on everything says so, and nothing hangs or crashes.
  EXPECT_FALSE(launch->run(nullptr, error));
  EXPECT_THAT(error.message, HasSubstr("CUDA_ERROR_ILLEGAL_ADDRESS"));
  EXPECT_EQ(count("cuLaunchKernelEx"), 1);
  EXPECT_EQ(device->allocate(16, error), nullptr);
  EXPECT_FALSE(load(device, naive() + "//"));
}

TEST_F(CudaErrors, WorkspaceThatDoesNotFit) {
  setUp("record memory=100000");
  LaunchPlan plan;
  plan.buffers.push_back({"workspace 0", nullptr, 1 << 20, false});
  RunResult result;
  EXPECT_FALSE(module->code().run(plan, nullptr, {}, result, error));
  EXPECT_EQ(error.code, Code::Memory);
  EXPECT_THAT(error.message, HasSubstr("cannot allocate 1048576 bytes of workspace"));
}

TEST_F(CudaErrors, NeitherPtxNorCubin) {
  drive("");
  device = open();
  EXPECT_FALSE(load(device, "hello", "note.txt"));
  EXPECT_EQ(error.message, "note.txt: neither a cubin nor PTX: it has no `.target`");
  EXPECT_FALSE(load(device, "\177ELF", "x.cubin"));
  EXPECT_EQ(error.message, "x.cubin: an ELF file, and not a whole cubin with a kernel");
}

TEST_F(CudaErrors, HasNoOptions) {
  drive("");
  device = open();
  EXPECT_FALSE(device->setOption("seed", "1", error));
  EXPECT_THAT(error.message, StartsWith("the `cuda` device has no option `seed`"));
}

} // namespace
} // namespace fc::rt::test
