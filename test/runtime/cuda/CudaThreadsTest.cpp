// CudaThreadsTest.cpp - several threads on several devices.
#include "test/runtime/cuda/Fake.h"
#include <thread>

namespace fc::rt::test {
namespace {

TEST_F(FakeCuda, ThreadsShareDevicesAndModules) {
  drive("devices=2");
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  const std::string text = naive();
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      Error mine;
      auto device = openDevice(t % 2 ? "cuda:1" : "cuda:0", mine);
      auto module = device ? Module::load(device, text, "naive.ptx", mine) : nullptr;
      if (!module) {
        ++failures;
        return;
      }
      const Ones ones(device, 3 + t);
      Launch launch(module, 0);
      ones.give(launch);
      for (int i = 0; i < 20; ++i)
        failures += !launch.run(nullptr, mine);
      ones.expectOnes();
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(count("cuLaunchKernelEx"), 160);
}

TEST_F(FakeCuda, AnErrorBelongsToItsThread) {
  drive("");
  auto device = open();
  ASSERT_TRUE(device) << error.message;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        Error mine;
        const std::string name = fmt::format("file {}", t);
        EXPECT_FALSE(device->load("nothing", name, mine));
        EXPECT_EQ(mine.message, name + ": neither a cubin nor PTX: it has no `.target`");
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace
} // namespace fc::rt::test
