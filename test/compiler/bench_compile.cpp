// bench_compile.cpp - how long fcc takes, in process: text to PTX, and where the time goes
#include "compiler/Compile.h"
#include <benchmark/benchmark.h>

using namespace fc;

static void compileKernel(benchmark::State &state, const char *name, Emit emit, Stage stage) {
  CompileOptions options;
  options.input = std::string(FC_SOURCE_DIR "/kernels_src/") + name + ".fc";
  options.emit = emit;
  options.stopAfter = stage;
  for (auto _ : state) {
    std::string messages;
    llvm::raw_string_ostream errors(messages);
    std::optional<std::string> ptx = compile(options, errors);
    if (!ptx)
      return state.SkipWithError(messages.c_str());
    benchmark::DoNotOptimize(ptx->data());
    state.counters["bytes"] = double(ptx->size());
  }
}

#define KERNEL(name)                                                                               \
  BENCHMARK_CAPTURE(compileKernel, name, #name, Emit::Ptx, Stage::Thread)                          \
      ->Unit(benchmark::kMillisecond)
KERNEL(attention);
KERNEL(causal);
KERNEL(sliding_window);
KERNEL(sinks);
KERNEL(manual);

#define STAGE(id)                                                                                  \
  BENCHMARK_CAPTURE(compileKernel, attention_to_##id, "attention", Emit::Mlir, Stage::id)          \
      ->Unit(benchmark::kMillisecond)
STAGE(Import);
STAGE(Online);
STAGE(Place);
STAGE(Thread);

// The mask plan is what Mask takes more than Tile.
#define PLAN(name)                                                                                 \
  BENCHMARK_CAPTURE(compileKernel, name##_to_Tile, #name, Emit::Mlir, Stage::Tile)                 \
      ->Unit(benchmark::kMillisecond);                                                             \
  BENCHMARK_CAPTURE(compileKernel, name##_to_Mask, #name, Emit::Mlir, Stage::Mask)                 \
      ->Unit(benchmark::kMillisecond)
PLAN(causal);
PLAN(dilated);
PLAN(document);
PLAN(natten2d);
PLAN(block_diffusion);

BENCHMARK_MAIN();
