// Fake.h - a test on the fake driver: it opens it under a name of its own, so that what the last
// test made of it is forgotten.
#pragma once
#include "runtime/Runtime.h"
#include "runtime/cuda/CudaDevice.h"
#include "test/runtime/cuda/FakeControl.h"
#include <cstdlib>
#include <dlfcn.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace fc::rt::test {

class FakeCuda : public testing::Test {
protected:
  /// From now on the driver is `library`, which follows `plan`.
  void drive(const std::string &plan, const std::string &library = "libfakecuda.so") {
    static int number = 0;
    path = FC_FAKES_DIR;
    ++number;
    for (int i = 0; i < number; ++i)
      path += "/.";
    path += "/" + library;
    setenv("FLASHCORE_CUDA_LIBRARY", path.c_str(), 1);
    handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_TRUE(handle) << dlerror();
    if (dlsym(handle, "fakeConfigure"))
      ASSERT_EQ(control<int(const char *)>("fakeConfigure")(plan.c_str()), 0);
  }
  void TearDown() override { unsetenv("FLASHCORE_CUDA_LIBRARY"); }

  std::string calls() { return control<const char *()>("fakeCalls")(); }
  int count(const char *name) { return control<int(const char *)>("fakeCount")(name); }
  unsigned long long allocated() { return control<unsigned long long()>("fakeAllocated")(); }

  static std::string file(const std::string &name) {
    std::ifstream stream(name, std::ios::binary);
    EXPECT_TRUE(stream) << name;
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  }
  static std::string naive() { return file(FC_TEST_PTX_DIR "/naive.ptx"); }

  std::shared_ptr<Device> open(const std::string &name = "cuda") {
    error = {};
    return openDevice(name, error);
  }
  std::shared_ptr<const Module> load(const std::shared_ptr<Device> &device, std::string_view text,
                                     std::string_view name = "naive.ptx") {
    error = {};
    return Module::load(device, text, name, error);
  }

  Error error;
  std::string path;

private:
  template <class F> F *control(const char *name) {
    return reinterpret_cast<F *>(dlsym(handle, name));
  }
  void *handle = nullptr;
};

/// Causal attention of one head over `rows` rows, all inputs 1: its output is 1.
struct Ones {
  explicit Ones(std::shared_ptr<Device> device, int64_t rows = 5) : device(device), rows(rows) {
    const std::vector<uint16_t> ones(size(), 0x3c00);
    Error error;
    for (void *&memory : memories) {
      memory = device->allocate(2 * size(), error);
      EXPECT_TRUE(memory && device->upload(memory, ones.data(), 2 * size(), nullptr, error))
          << error.message;
    }
    const std::vector<uint16_t> poison(size(), 0x7fff);
    EXPECT_TRUE(device->upload(memories[3], poison.data(), 2 * size(), nullptr, error));
  }
  ~Ones() {
    for (void *memory : memories)
      device->release(memory);
  }
  size_t size() const { return static_cast<size_t>(rows) * 8; }
  void give(Launch &launch) const {
    constexpr const char *names[] = {"q", "k", "v", "o"};
    Error error;
    for (size_t i = 0; i < 4; ++i)
      EXPECT_TRUE(launch.setTensor(names[i], {memories[i], Elem::F16, {1, 1, rows, 8}, {}}, error))
          << error.message;
  }
  void expectOnes() const {
    std::vector<uint16_t> output(size());
    Error error;
    ASSERT_TRUE(device->download(output.data(), memories[3], 2 * size(), nullptr, error))
        << error.message;
    EXPECT_THAT(output, testing::Each(0x3c00));
  }

  std::shared_ptr<Device> device;
  int64_t rows;
  void *memories[4] = {};
};

} // namespace fc::rt::test
