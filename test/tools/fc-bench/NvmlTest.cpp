// NvmlTest.cpp - clocks, power and temperature from a fake library, and from none.
#include "tools/fc-bench/Nvml.h"
#include <cstdlib>
#include <gtest/gtest.h>

namespace fc::bench {
namespace {

TEST(Nvml, TellsTheState) {
  setenv("FLASHCORE_NVML_LIBRARY", FC_FAKES_DIR "/libfakecuda.so", 1);
  const auto nvml = Nvml::open("0000:01:00.0");
  unsetenv("FLASHCORE_NVML_LIBRARY");
  ASSERT_TRUE(nvml);
  const GpuState state = nvml->now();
  EXPECT_EQ(state.smMhz, 1980);
  EXPECT_EQ(state.memoryMhz, 2619);
  EXPECT_EQ(state.watts, 412.5);
  EXPECT_EQ(state.celsius, 54);
  EXPECT_EQ(state.throttled, true);
  EXPECT_EQ(nvml->driver(), "580.0.fake");
}

TEST(Nvml, IsNotNeeded) {
  setenv("FLASHCORE_NVML_LIBRARY", "/nowhere/libnvidia-ml.so.1", 1);
  EXPECT_FALSE(Nvml::open("0000:01:00.0"));
  setenv("FLASHCORE_NVML_LIBRARY", FC_FAKES_DIR "/libnotcuda.so", 1);
  EXPECT_FALSE(Nvml::open("0000:01:00.0"));
  unsetenv("FLASHCORE_NVML_LIBRARY");
}

} // namespace
} // namespace fc::bench
