// CApiTest.cpp - the C API on the emulator: from C, with wrong handles, and from several threads.
#include "runtime/include/fc/runtime.h"
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <thread>
#include <vector>

using testing::HasSubstr;

extern "C" const char *useFromC(const char *ptxPath);

namespace {

const std::string pairPath = std::string(FC_TEST_PTX_DIR) + "/pair.ptx";

std::string pairText() {
  std::ostringstream text;
  text << std::ifstream(pairPath).rdbuf();
  return text.str();
}

class CApi : public testing::Test {
protected:
  fc_device *device = nullptr;
  void SetUp() override { ASSERT_EQ(fc_device_open("emulator", &device), FC_OK); }
  void TearDown() override { fc_device_close(device); }

  std::string loadError(const std::string &text) {
    fc_module *module = nullptr;
    EXPECT_EQ(fc_module_load(device, text.data(), text.size(), "x.ptx", &module), FC_ERROR_MODULE);
    EXPECT_EQ(module, nullptr);
    return fc_last_error();
  }
};

TEST_F(CApi, IsUsableFromC) {
  const char *failure = useFromC(pairPath.c_str());
  EXPECT_EQ(failure, nullptr) << failure;
}

TEST_F(CApi, NamesUnknownDevices) {
  fc_device *other = nullptr;
  EXPECT_EQ(fc_device_open("tpu", &other), FC_ERROR_UNSUPPORTED);
  EXPECT_STREQ(fc_last_error(),
               "there is no device `tpu`; there are `emulator`, `cuda`, `cuda:N` and `auto`");
  EXPECT_EQ(other, nullptr);
  EXPECT_EQ(fc_device_open(nullptr, &other), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_device_open("emulator", nullptr), FC_ERROR_ARGUMENT);
}

TEST_F(CApi, NamesWrongOptions) {
  const struct {
    const char *key, *value, *error;
  } cases[] = {{"colour", "red", "the emulator has no option `colour`"},
               {"seed", "-1", "option `seed` of the emulator is `-1`, expected a number from 0"},
               {"seed", "", "expected a number"},
               {"async", "later", "expected `lazy`, `eager` or `random`"},
               {"threads", "many", "expected a number from 0 (one per core) to 1024"},
               {"sms", "-4", "expected a number from 0"},
               {"races", "perhaps", "expected `on` or `off`"}};
  for (const auto &it : cases) {
    EXPECT_EQ(fc_device_set_option(device, it.key, it.value), FC_ERROR_ARGUMENT);
    EXPECT_THAT(fc_last_error(), HasSubstr(it.error));
  }
  for (const char *value : {"lazy", "eager", "random"})
    EXPECT_EQ(fc_device_set_option(device, "async", value), FC_OK);
}

TEST_F(CApi, NullHandlesAreErrors) {
  fc_module *module = nullptr;
  fc_launch *launch = nullptr;
  fc_param param;
  void *memory = nullptr;
  EXPECT_EQ(fc_device_set_option(nullptr, "seed", "1"), FC_ERROR_ARGUMENT);
  EXPECT_STREQ(fc_last_error(), "the device is NULL");
  EXPECT_EQ(fc_device_allocate(nullptr, 1, &memory), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_device_upload(device, nullptr, nullptr, 1, nullptr), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_device_download(device, nullptr, nullptr, 1, nullptr), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_device_synchronize(nullptr, nullptr), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_module_load(nullptr, "", 0, "x", &module), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_module_load(device, nullptr, 0, "x", &module), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_module_load_file(device, nullptr, &module), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_module_param(nullptr, "k", 0, &param), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_launch_create(nullptr, nullptr, &launch), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_launch_tensor(nullptr, "x", nullptr), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_launch_int(nullptr, "x", 1), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_launch_shape(nullptr, "x", nullptr, 0), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_launch_check(nullptr), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_launch_run(nullptr, nullptr), FC_ERROR_ARGUMENT);
  EXPECT_STREQ(fc_launch_counters(nullptr), "{}");
  EXPECT_STREQ(fc_launch_variant(nullptr), "");
  EXPECT_EQ(fc_launch_seconds(nullptr), 0);
  EXPECT_STREQ(fc_module_manifest(nullptr), "");
  EXPECT_EQ(fc_module_kernel_count(nullptr), 0u);
  EXPECT_EQ(fc_module_param_count(nullptr, "k"), 0u);
  fc_device_close(nullptr);
  fc_device_release(nullptr, nullptr);
  fc_module_unload(nullptr);
  fc_launch_destroy(nullptr);
}

TEST_F(CApi, RefusesWhatIsNoPtxOfOurs) {
  EXPECT_THAT(loadError("hello"), HasSubstr("x.ptx"));
  EXPECT_THAT(loadError(""), HasSubstr("x.ptx"));
  EXPECT_THAT(loadError(std::string("\177ELF\2\1\1\0", 8)),
              HasSubstr("a cubin, and the emulator runs PTX"));
  EXPECT_EQ(loadError(".version 7.0\n.target sm_80\n.address_size 64\n"),
            "x.ptx: there is no `__fc_manifest` in it, so it was not made by fcc");
}

TEST_F(CApi, RefusesAManifestThatDoesNotFitItsPtx) {
  std::string text = pairText();
  const size_t at = text.find(".entry twice(.param .u64 xp, .param .u64 yp, .param .u32 np)");
  ASSERT_NE(at, std::string::npos);
  std::string renamed = text;
  renamed.replace(at, 12, ".entry thrice");
  EXPECT_THAT(loadError(renamed),
              HasSubstr("the manifest names the entry `twice`, and the PTX has none"));
  std::string resized = text;
  resized.replace(text.find(".param .u64 yp, .param .u32 np"), 11, ".param .u32");
  EXPECT_THAT(loadError(resized), HasSubstr("of entry `twice` has 4 bytes"));
}

TEST_F(CApi, MemoryOfTheDevice) {
  void *memory = nullptr;
  ASSERT_EQ(fc_device_allocate(device, 100, &memory), FC_OK);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 256, 0u);
  const std::string text = "there and back";
  std::string back(text.size(), '\0');
  EXPECT_EQ(fc_device_upload(device, memory, text.data(), text.size(), nullptr), FC_OK);
  EXPECT_EQ(fc_device_download(device, back.data(), memory, text.size(), nullptr), FC_OK);
  EXPECT_EQ(fc_device_synchronize(device, nullptr), FC_OK);
  EXPECT_EQ(back, text);
  fc_device_release(device, memory);
  EXPECT_EQ(fc_device_allocate(device, SIZE_MAX, &memory), FC_ERROR_MEMORY);
  ASSERT_EQ(fc_device_allocate(device, 0, &memory), FC_OK);
  EXPECT_NE(memory, nullptr);
  fc_device_release(device, memory);
}

TEST_F(CApi, NamesWrongTensors) {
  fc_module *module = nullptr;
  ASSERT_EQ(fc_module_load_file(device, pairPath.c_str(), &module), FC_OK) << fc_last_error();
  fc_launch *launch = nullptr;
  EXPECT_EQ(fc_launch_create(module, nullptr, &launch), FC_ERROR_ARGUMENT);
  EXPECT_THAT(fc_last_error(), HasSubstr("it has 2 kernels, so say which one"));
  EXPECT_EQ(fc_launch_create(module, "thrice", &launch), FC_ERROR_NOT_FOUND);
  ASSERT_EQ(fc_launch_create(module, "twice", &launch), FC_OK);
  const int64_t shape[1] = {4};
  float data[4];
  const fc_tensor noDtype{data, 99, 1, shape, nullptr};
  EXPECT_EQ(fc_launch_tensor(launch, "x", &noDtype), FC_ERROR_ARGUMENT);
  const fc_tensor negative{data, FC_F32, -1, shape, nullptr};
  EXPECT_EQ(fc_launch_tensor(launch, "x", &negative), FC_ERROR_ARGUMENT);
  const fc_tensor shapeless{data, FC_F32, 1, nullptr, nullptr};
  EXPECT_EQ(fc_launch_tensor(launch, "x", &shapeless), FC_ERROR_ARGUMENT);
  const fc_tensor good{data, FC_F32, 1, shape, nullptr};
  EXPECT_EQ(fc_launch_tensor(launch, "x", &good), FC_OK);
  int64_t found = 0;
  EXPECT_EQ(fc_launch_shape(launch, "y", &found, 0), FC_ERROR_ARGUMENT);
  EXPECT_EQ(fc_launch_shape(launch, "y", &found, 1), FC_OK);
  EXPECT_EQ(found, 4);
  fc_launch_destroy(launch);
  fc_module_unload(module);
}

TEST_F(CApi, FaultsAreReportedWithTheirName) {
  std::string text = pairText();
  const std::string bound = "@%p bra DONE;";
  text.replace(text.find(bound), bound.size(), "");
  fc_module *module = nullptr;
  ASSERT_EQ(fc_module_load(device, text.data(), text.size(), "x.ptx", &module), FC_OK)
      << fc_last_error();
  fc_launch *launch = nullptr;
  ASSERT_EQ(fc_launch_create(module, "twice", &launch), FC_OK);
  const int64_t shape[1] = {4};
  float x[4] = {}, y[4];
  const fc_tensor in{x, FC_F32, 1, shape, nullptr}, out{y, FC_F32, 1, shape, nullptr};
  EXPECT_EQ(fc_launch_tensor(launch, "x", &in), FC_OK);
  EXPECT_EQ(fc_launch_tensor(launch, "y", &out), FC_OK);
  EXPECT_EQ(fc_launch_run(launch, nullptr), FC_ERROR_FAULT);
  EXPECT_THAT(fc_last_error_id(), HasSubstr("OOB"));
  EXPECT_THAT(fc_last_error(), HasSubstr("x.ptx"));
  EXPECT_EQ(fc_launch_check(nullptr), FC_ERROR_ARGUMENT);
  EXPECT_STREQ(fc_last_error_id(), "");
  fc_launch_destroy(launch);
  fc_module_unload(module);
}

/// One module, several threads, each with launches and errors of its own.
TEST_F(CApi, IsUsableFromSeveralThreads) {
  fc_module *module = nullptr;
  ASSERT_EQ(fc_module_load_file(device, pairPath.c_str(), &module), FC_OK) << fc_last_error();
  std::vector<std::string> failures(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round) {
        const int64_t size = 10 + t, shape[1] = {size};
        std::vector<float> x(static_cast<size_t>(size), static_cast<float>(t)), y(x.size(), -1);
        fc_launch *launch = nullptr;
        const fc_tensor in{x.data(), FC_F32, 1, shape, nullptr},
            out{y.data(), FC_F32, 1, shape, nullptr};
        fc_status status = fc_launch_create(module, "twice", &launch);
        status = status ? status : fc_launch_tensor(launch, "x", &in);
        status = status ? status : fc_launch_tensor(launch, "y", &out);
        status = status ? status : fc_launch_run(launch, nullptr);
        if (status != FC_OK || y != std::vector<float>(x.size(), static_cast<float>(2 * t)))
          failures[static_cast<size_t>(t)] = fc_last_error();
        const std::string name = "w" + std::to_string(t);
        if (fc_launch_int(launch, name.c_str(), 1) == FC_OK ||
            std::string(fc_last_error()).find(name) == std::string::npos)
          failures[static_cast<size_t>(t)] = "the error of another thread";
        fc_device_set_option(device, "seed", std::to_string(round).c_str());
        fc_launch_destroy(launch);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &failure : failures)
    EXPECT_EQ(failure, "");
  fc_module_unload(module);
}

} // namespace
