// CudaDeviceTest.cpp - the `cuda` device on a fake driver that works.
#include "test/runtime/cuda/Fake.h"

namespace fc::rt::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(FakeCuda, RunsAKernel) {
  drive("");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  EXPECT_EQ(device->name(), "cuda");
  auto module = load(device, naive());
  ASSERT_TRUE(module) << error.message;
  const Ones ones(device);
  Launch launch(module, 0);
  ones.give(launch);
  ASSERT_TRUE(launch.run(nullptr, error)) << error.message;
  ASSERT_TRUE(device->synchronize(nullptr, error));
  ones.expectOnes();
  EXPECT_THAT(calls(), HasSubstr("cuLaunchKernelEx causal grid 1,1,1 block 32,1,1 shared 0 cluster "
                                 "1,1,1 stream 0\n"));
}

TEST_F(FakeCuda, FreesWhatItTook) {
  drive("");
  {
    auto device = open();
    ASSERT_TRUE(device) << error.message;
    auto module = load(device, naive());
    ASSERT_TRUE(module) << error.message;
    const Ones ones(device);
    EXPECT_GT(allocated(), 0u);
  }
  EXPECT_EQ(allocated(), 0u);
  for (const char *name : {"cuModuleUnload", "cuMemPoolDestroy", "cuDevicePrimaryCtxRelease"})
    EXPECT_EQ(count(name), 1) << name;
}

TEST_F(FakeCuda, LoadsTheSameContentOnce) {
  drive("");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto one = load(device, naive());
  auto two = load(device, naive(), "again.ptx");
  ASSERT_TRUE(one && two) << error.message;
  EXPECT_EQ(count("cuModuleLoadDataEx"), 1);
  auto other = load(device, naive() + "// another text\n");
  ASSERT_TRUE(other) << error.message;
  EXPECT_EQ(count("cuModuleLoadDataEx"), 2);
  one.reset();
  two.reset();
  EXPECT_EQ(count("cuModuleUnload"), 1);
  one = load(device, naive());
  EXPECT_EQ(count("cuModuleLoadDataEx"), 3);
}

TEST_F(FakeCuda, EachDeviceHasItsContextAndCode) {
  drive("devices=2");
  auto first = open("cuda:0"), second = open("cuda:1");
  ASSERT_TRUE(first && second) << error.message;
  EXPECT_EQ(open("cuda"), first);
  EXPECT_NE(first, second);
  EXPECT_THAT(calls(), HasSubstr("cuDevicePrimaryCtxRetain 1\n"));
  for (const auto &device : {first, second}) {
    auto module = load(device, naive());
    ASSERT_TRUE(module) << error.message;
    const Ones ones(device);
    Launch launch(module, 0);
    ones.give(launch);
    ASSERT_TRUE(launch.run(nullptr, error)) << error.message;
    ones.expectOnes();
  }
  EXPECT_EQ(count("cuModuleLoadDataEx"), 2);
}

TEST_F(FakeCuda, LeavesTheCallersContextAlone) {
  drive("devices=2");
  auto device = open("cuda:1");
  ASSERT_TRUE(device) << error.message;
  const auto &driver = static_cast<cuda::CudaDevice &>(*device).driver();
  cuda::Context current = device.get();
  driver.contextCurrent(&current);
  EXPECT_EQ(current, nullptr);
}

TEST_F(FakeCuda, UsesTheStreamOfTheCaller) {
  drive("");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto module = load(device, naive());
  const auto &driver = static_cast<cuda::CudaDevice &>(*device).driver();
  cuda::Stream stream = nullptr;
  driver.streamCreate(&stream, cuda::streamNonBlocking);
  const Ones ones(device);
  Launch launch(module, 0);
  ones.give(launch);
  ASSERT_TRUE(launch.run(stream, error)) << error.message;
  EXPECT_THAT(calls(), HasSubstr("cluster 1,1,1 stream given\n"));
  EXPECT_TRUE(device->synchronize(stream, error));
  driver.streamDestroy(stream);
}

TEST_F(FakeCuda, IsCapturedIntoAGraph) {
  drive("");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  const cuda::CudaDevice::Scope scope(static_cast<cuda::CudaDevice &>(*device), error);
  auto module = load(device, naive());
  const auto &driver = static_cast<cuda::CudaDevice &>(*device).driver();
  cuda::Stream stream = nullptr;
  driver.streamCreate(&stream, cuda::streamNonBlocking);
  const Ones ones(device);
  Launch launch(module, 0);
  ones.give(launch);
  driver.captureBegin(stream, cuda::captureThreadLocal);
  ASSERT_TRUE(launch.run(stream, error)) << error.message;
  cuda::Graph graph = nullptr;
  driver.captureEnd(stream, &graph);
  EXPECT_THAT(calls(), HasSubstr("stream given captured\n"));
  cuda::GraphExec executable = nullptr;
  driver.graphInstantiate(&executable, graph, 0);
  driver.graphLaunch(executable, stream);
  ones.expectOnes();
  driver.graphExecDestroy(executable);
  driver.graphDestroy(graph);
  driver.streamDestroy(stream);
}

/// `text` with its manifest edited.
template <class Edit> std::string edited(std::string text, Edit edit) {
  // The manifest is a list of byte values: read it, edit it, write it anew.
  const size_t begin = text.find('{', text.find("__fc_manifest")), end = text.find('}', begin);
  std::string json;
  std::istringstream numbers(text.substr(begin + 1, end - begin - 1));
  for (std::string number; std::getline(numbers, number, ',');)
    json += static_cast<char>(std::stoi(number));
  json.resize(json.find('\0'));
  edit(json);
  std::string bytes;
  for (char c : json)
    bytes += fmt::format("{}, ", static_cast<int>(c));
  const size_t open = text.find('[', text.find("__fc_manifest"));
  return text.substr(0, open) + fmt::format("[{}] = {{{}0}}", json.size() + 1, bytes) +
         text.substr(end + 1);
}

/// `naive.ptx` as if its launch had this member.
std::string asking(const std::string &text, const std::string &member, const std::string &value) {
  return edited(text, [&](std::string &json) {
    json.insert(json.find("\"block\""), fmt::format("\"{}\": {}, ", member, value));
  });
}

TEST_F(FakeCuda, EncodesTensorMaps) {
  // The kernel takes q by a tensor map.
  std::string text = edited(naive(), [](std::string &json) {
    json.insert(json.find("\"block\""), "\"tensorMaps\": [{\"tensor\": \"q\", \"box\": [1, 1, 32, "
                                        "8], \"swizzle\": 32, \"fill\": \"nan\"}], ");
    const std::string arg = "{\"tensor\": \"q\"}";
    json.replace(json.find(arg, json.find("\"args\"")), arg.size(), "{\"tensorMap\": 0}");
  });
  const std::string param = ".param .u64 q,";
  text.replace(text.find(param), param.size(), ".param .align 64 .b8 q[128],");
  drive("record");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto module = load(device, text);
  ASSERT_TRUE(module) << error.message;
  const Ones ones(device, 100);
  Launch launch(module, 0);
  ones.give(launch);
  ASSERT_TRUE(launch.run(nullptr, error)) << error.message;
  // f16; one batch and one head, whose strides mean nothing; rows of 16 bytes.
  EXPECT_THAT(calls(), HasSubstr("cuTensorMapEncodeTiled type 6 extents 8,100,1,1 strides 16,16,16 "
                                 "box 8,32,1,1 steps 1,1,1,1 interleave 0 swizzle 1 promotion 3 "
                                 "fill 1\n"));
  EXPECT_EQ(count("cuLaunchKernelEx"), 1);

  // TMA asks for more than the kernel: said before the driver would.
  const std::vector<int64_t> shape{1, 1, 100, 8};
  ASSERT_TRUE(launch.setTensor("q", {ones.memories[0], Elem::F16, shape, {900, 900, 9, 1}}, error));
  EXPECT_FALSE(launch.run(nullptr, error));
  EXPECT_EQ(error.message, "kernel `causal`: `q` is read by TMA in `causal`: stride 2 is 18 bytes, "
                           "and must be a multiple of 16 below 2^40");
  auto *odd = static_cast<char *>(ones.memories[0]) + 2;
  ASSERT_TRUE(launch.setTensor("q", {odd, Elem::F16, {1, 1, 100, 8}, {}}, error));
  EXPECT_FALSE(launch.run(nullptr, error));
  EXPECT_THAT(error.message, HasSubstr("which must be aligned to 16 bytes"));

  // Neither the emulator nor an old driver has them.
  auto emulated = load(openEmulator(), text);
  ASSERT_TRUE(emulated) << error.message;
  Launch slow(emulated, 0);
  ones.give(slow);
  EXPECT_FALSE(slow.run(nullptr, error));
  EXPECT_EQ(error.code, Code::Unsupported);
  EXPECT_THAT(error.message,
              HasSubstr("launched with tensor maps, which the emulator does not have"));
  drive("version=11080 record missing=cuTensorMapEncodeTiled");
  device = open();
  module = load(device, text);
  ASSERT_TRUE(module) << error.message;
  Launch old(module, 0);
  const Ones more(device, 100);
  more.give(old);
  EXPECT_FALSE(old.run(nullptr, error));
  EXPECT_EQ(error.message, "`causal` reads by TMA, which needs a driver of CUDA 12.0 or newer, and "
                           "this one is of CUDA 11.8");
}

TEST_F(FakeCuda, AsksForLargeSharedMemoryOnce) {
  drive("");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto module = load(device, asking(naive(), "shared", "100000"));
  ASSERT_TRUE(module) << error.message;
  const Ones ones(device);
  Launch launch(module, 0);
  ones.give(launch);
  ASSERT_TRUE(launch.run(nullptr, error)) << error.message;
  ASSERT_TRUE(launch.run(nullptr, error)) << error.message;
  EXPECT_EQ(count("cuFuncSetAttribute"), 1);
  EXPECT_THAT(calls(), HasSubstr("cuFuncSetAttribute causal 8 100000\n"));
  EXPECT_THAT(calls(), HasSubstr("shared 100000 "));
}

TEST_F(FakeCuda, CountsStaticSharedMemoryToo) {
  drive("record static=20000");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto module = load(device, asking(naive(), "shared", "40000"));
  ASSERT_TRUE(module) << error.message;
  const Ones ones(device);
  Launch launch(module, 0);
  ones.give(launch);
  ASSERT_TRUE(launch.run(nullptr, error)) << error.message;
  EXPECT_THAT(calls(), HasSubstr("cuFuncSetAttribute causal 8 40000\n"));
}

TEST_F(FakeCuda, RefusesMoreSharedMemoryThanThereIs) {
  drive("");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto module = load(device, asking(naive(), "shared", "200000"));
  ASSERT_TRUE(module) << error.message;
  const Ones ones(device);
  Launch launch(module, 0);
  ones.give(launch);
  EXPECT_FALSE(launch.run(nullptr, error));
  EXPECT_EQ(error.code, Code::Refused);
  EXPECT_EQ(error.message, "`causal` asks for 200000 bytes of shared memory, and a CTA of cuda:0 "
                           "(fake GPU 0 of the tests) has at most 166912");
  EXPECT_EQ(count("cuLaunchKernelEx"), 0);
}

TEST_F(FakeCuda, LaunchesClusters) {
  drive("record");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto module = load(device, asking(naive(), "cluster", "[2, 1, 1]"));
  ASSERT_TRUE(module) << error.message;
  const Ones ones(device, 64);
  Launch launch(module, 0);
  ones.give(launch);
  ASSERT_TRUE(launch.run(nullptr, error)) << error.message;
  EXPECT_THAT(calls(), HasSubstr("grid 2,1,1 block 32,1,1 shared 0 cluster 2,1,1"));
  EXPECT_EQ(count("cuFuncSetAttribute"), 0);

  module = load(device, asking(naive(), "cluster", "[16, 1, 1]"));
  ASSERT_TRUE(module) << error.message;
  const Ones more(device, 512);
  Launch large(module, 0);
  more.give(large);
  ASSERT_TRUE(large.run(nullptr, error)) << error.message;
  EXPECT_THAT(calls(), HasSubstr("cuFuncSetAttribute causal 14 1\n"));
}

TEST_F(FakeCuda, GivesWorkspaceInTheOrderOfTheStream) {
  drive("record");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto *cuda = static_cast<cuda::CudaDevice *>(device.get());
  auto code = cuda->load(naive(), "naive.ptx", error);
  ASSERT_TRUE(code) << error.message;
  LaunchPlan plan;
  plan.variant = "v";
  plan.buffers.push_back({"workspace 0", nullptr, 4096, false});
  EntryLaunch launch;
  launch.entry = "causal";
  launch.params.resize(8);
  launch.slots = {{0, 8}};
  launch.pointers = {{0, 0, 16}};
  plan.launches = {launch, launch};
  RunResult result;
  ASSERT_TRUE(code->run(plan, nullptr, {}, result, error)) << error.message;
  const std::string all = calls();
  const size_t take = all.find("cuMemAllocFromPoolAsync 4096"), put = all.find("cuMemFreeAsync");
  EXPECT_LT(take, all.find("cuLaunchKernelEx"));
  EXPECT_LT(all.rfind("cuLaunchKernelEx"), put);
  EXPECT_EQ(allocated(), 0u);
}

TEST_F(FakeCuda, GivesWorkspaceWithoutPools) {
  drive("record pools=0");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto code = device->load(naive(), "naive.ptx", error);
  LaunchPlan plan;
  plan.buffers.push_back({"workspace 0", nullptr, 4096, false});
  RunResult result;
  ASSERT_TRUE(code->run(plan, nullptr, {}, result, error)) << error.message;
  EXPECT_THAT(calls(), HasSubstr("cuMemAlloc 4096\n"));
  EXPECT_THAT(calls(), Not(HasSubstr("Async")));
  EXPECT_EQ(allocated(), 0u);
}

TEST_F(FakeCuda, RunsOnAnOldDriver) {
  drive("version=11040", "libfakecuda_old.so");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto module = load(device, naive());
  ASSERT_TRUE(module) << error.message;
  const Ones ones(device);
  Launch launch(module, 0);
  ones.give(launch);
  ASSERT_TRUE(launch.run(nullptr, error)) << error.message;
  ones.expectOnes();
  EXPECT_EQ(count("cuLaunchKernel"), 1);

  module = load(device, asking(naive(), "cluster", "[2, 1, 1]"));
  Launch cluster(module, 0);
  const Ones more(device, 64);
  more.give(cluster);
  EXPECT_FALSE(cluster.run(nullptr, error));
  EXPECT_EQ(error.message, "`causal` is launched in clusters, which need a driver of CUDA 11.8 or "
                           "newer, and this one is of CUDA 11.4");
}

TEST_F(FakeCuda, AutoTakesTheGpuAndElseTheEmulator) {
  drive("");
  auto device = open("auto");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->name(), "cuda");
  device.reset();
  drive("devices=0");
  device = open("auto");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->name(), "emulator");
}

#ifdef FC_TEST_CUBIN
TEST_F(FakeCuda, LoadsACubin) {
  drive("record");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  auto module = load(device, file(FC_TEST_CUBIN), "naive.cubin");
  ASSERT_TRUE(module) << error.message;
  EXPECT_EQ(module->manifest().kernels[0].name, "causal");
  const Ones ones(device);
  Launch launch(module, 0);
  ones.give(launch);
  EXPECT_TRUE(launch.run(nullptr, error)) << error.message;
}
#endif

} // namespace
} // namespace fc::rt::test
