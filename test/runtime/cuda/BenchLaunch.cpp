// BenchLaunch.cpp - bench_launch: what a launch through the C API costs, beside a fake driver whose
// launches cost nothing: all that is measured is ours.
#include "runtime/include/fc/runtime.h"
#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>

namespace {

void must(fc_status status) {
  if (status == FC_OK)
    return;
  std::fprintf(stderr, "bench_launch: %s\n", fc_last_error());
  std::exit(1);
}

struct Setting {
  fc_device *device = nullptr;
  fc_module *module = nullptr;
  void *memory = nullptr;
  static constexpr size_t bytes = size_t{1} << 26;

  Setting() {
    setenv("FLASHCORE_CUDA_LIBRARY", FC_FAKES_DIR "/libfakecuda.so", 1);
    setenv("FLASHCORE_FAKE_CUDA", "idle", 1);
    must(fc_device_open("cuda", &device));
    must(fc_module_load_file(device, FC_TEST_PTX_DIR "/naive.ptx", &module));
    must(fc_device_allocate(device, bytes, &memory));
  }
};
Setting &setting() {
  static Setting it;
  return it;
}

/// Gives the four tensors of attention; `slot` chooses where they lie.
void give(fc_launch *launch, int64_t rows, int64_t keys, int slot) {
  constexpr const char *names[] = {"q", "k", "v", "o"};
  for (int i = 0; i < 4; ++i) {
    const int64_t shape[] = {2, 4, i == 0 || i == 3 ? rows : keys, 8};
    const fc_tensor tensor{static_cast<char *>(setting().memory) + (size_t(i * 2 + slot) << 22),
                           FC_F16, 4, shape, nullptr};
    must(fc_launch_tensor(launch, names[i], &tensor));
  }
}

/// The same arguments again.
void runAgain(benchmark::State &state) {
  fc_launch *launch = nullptr;
  must(fc_launch_create(setting().module, nullptr, &launch));
  give(launch, 128, 128, 0);
  for (auto _ : state)
    must(fc_launch_run(launch, nullptr));
  fc_launch_destroy(launch);
}
BENCHMARK(runAgain);

/// Tensors of the same shapes elsewhere: what a model does, step for step.
void newAddresses(benchmark::State &state) {
  fc_launch *launch = nullptr;
  must(fc_launch_create(setting().module, nullptr, &launch));
  int slot = 0;
  for (auto _ : state) {
    give(launch, 128, 128, slot ^= 1);
    must(fc_launch_run(launch, nullptr));
  }
  fc_launch_destroy(launch);
}
BENCHMARK(newAddresses);

/// One key more each time: decoding.
void newShapes(benchmark::State &state) {
  fc_launch *launch = nullptr;
  must(fc_launch_create(setting().module, nullptr, &launch));
  int64_t keys = 0;
  for (auto _ : state) {
    keys = keys % 4096 + 1;
    give(launch, 1, keys, 0);
    must(fc_launch_run(launch, nullptr));
  }
  fc_launch_destroy(launch);
}
BENCHMARK(newShapes);

/// A launch made for one run.
void fromNothing(benchmark::State &state) {
  for (auto _ : state) {
    fc_launch *launch = nullptr;
    must(fc_launch_create(setting().module, nullptr, &launch));
    give(launch, 128, 128, 0);
    must(fc_launch_run(launch, nullptr));
    fc_launch_destroy(launch);
  }
}
BENCHMARK(fromNothing);

} // namespace

BENCHMARK_MAIN();
