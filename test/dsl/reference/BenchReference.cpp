// How long the reference takes, by program and shape.
//
//   build/bin/bench_reference                     all
//   build/bin/bench_reference --benchmark_filter=attention/1x8x512
#include "dsl/Frontend.h"
#include "dsl/Numeric.h"
#include "dsl/Reference.h"
#include <benchmark/benchmark.h>
#include <random>

using namespace fc::dsl;

namespace {

Array randomHalves(std::mt19937_64 &rng, std::vector<int64_t> shape) {
  Array array = Array::zeros(Elem::F16, std::move(shape));
  std::normal_distribution<double> normal;
  for (double &x : array.f)
    x = roundToElem(Elem::F16, normal(rng));
  return array;
}

void evaluateKernel(benchmark::State &state, std::string file, int64_t heads, int64_t length,
                    int threads) {
  Diagnostics diagnostics;
  std::unique_ptr<Program> program =
      checkFile(std::string(FC_SOURCE_DIR "/kernels_src/") + file, {}, diagnostics);
  if (!program) {
    state.SkipWithError(diagnostics.render().c_str());
    return;
  }
  std::mt19937_64 rng(0);
  Arguments args;
  for (const char *name : {"q", "k", "v"})
    args.tensors[name] = randomHalves(rng, {1, heads, length, 64});
  ReferenceOptions options;
  options.threads = threads;
  for (auto _ : state) {
    Outcome outcome = evaluate(*program, args, options);
    if (outcome.error)
      state.SkipWithError(outcome.error->render(*program).c_str());
    benchmark::DoNotOptimize(outcome.outputs);
  }
}

} // namespace

int main(int argc, char **argv) {
  struct Case {
    const char *file;
    int64_t heads, length;
  };
  for (Case c : {Case{"attention.fc", 8, 512}, Case{"causal.fc", 8, 512}, Case{"manual.fc", 8, 512},
                 Case{"attention.fc", 1, 4096}})
    for (int threads : {1, 2}) {
      std::string file = c.file;
      std::string name = file.substr(0, file.find('.')) + "/1x" + std::to_string(c.heads) + "x" +
                         std::to_string(c.length) + "x64/threads:" + std::to_string(threads);
      benchmark::RegisterBenchmark(name.c_str(), evaluateKernel, file, c.heads, c.length, threads)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  benchmark::RunSpecifiedBenchmarks();
}
