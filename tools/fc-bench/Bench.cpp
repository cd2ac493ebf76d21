// Bench.cpp - the loop over cases; see Bench.h.
#include "tools/fc-bench/Bench.h"
#include "dsl/Frontend.h"
#include "runtime/cuda/CudaDevice.h"
#include "tools/fc-bench/Case.h"
#include "tools/fc-bench/Commit.h"
#include "tools/fc-bench/Work.h"
#include "tools/fc-run/Boards.h"
#include "tools/fc-run/Compile.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <sys/utsname.h>
#include <unistd.h>

namespace fc::bench {
namespace {

using rt::Code;
using rt::Error;

/// What every case shares.
class Bench {
public:
  Bench(const Options &options, Results &results) : options(options), results(results) {}

  bool start(Error &error) {
    device = rt::openDevice(options.device, error);
    if (!device)
      return false;
    results.version = rt::version;
    results.commit = FC_COMMIT;
    results.runs = options.runs;
    results.warmup = options.warmup;
    const std::time_t now = std::time(nullptr);
    char date[32];
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
    results.date = date;
    utsname machine{};
    if (uname(&machine) == 0)
      results.host = fmt::format("{} {} {}", machine.sysname, machine.release, machine.machine);
    results.device = device->title();
    results.deviceKind = device->name();
    gpu = std::dynamic_pointer_cast<rt::cuda::CudaDevice>(device);
    if (gpu) {
      timer = rt::cuda::Timer::create(device, error);
      if (!timer)
        return false;
      results.cuda = rt::cuda::versionText(gpu->driver().version);
      nvml = Nvml::open(gpu->facts().pciBusId);
      if (nvml)
        results.driver = nvml->driver();
      board = run::boardTitled(gpu->facts().name);
    } else {
      board = run::findBoard("h100");
      if (options.threads &&
          !device->setOption("threads", fmt::format("{}", *options.threads), error))
        return false;
    }
    if (!options.board.empty() && !(board = run::findBoard(options.board)))
      return error.set(Code::NotFound, "--board: there is no board `{}`; there are {}",
                       options.board, run::boardNames());
    results.board = board ? board->name : "";
    shapes = !options.shapes.empty()  ? &options.shapes
             : !options.suite.empty() ? suiteOf(options.suite)
                                      : suiteOf(gpu ? "prefill" : "small");
    return true;
  }

  void file(const std::string &input) {
    std::vector<std::string> strategies = options.strategies;
    std::vector<std::vector<std::string>> parameters{{}};
    if (run::isSource(input)) {
      for (const auto &[name, values] : options.defines) {
        std::vector<std::vector<std::string>> more;
        for (const auto &list : parameters)
          for (const std::string &value : values) {
            more.push_back(list);
            more.back().push_back(name + "=" + value);
          }
        parameters = std::move(more);
      }
    } else {
      strategies.clear(); // it is compiled already
    }
    if (strategies.empty())
      strategies.push_back("");
    for (const auto &defines : parameters)
      for (const std::string &strategy : strategies)
        program(input, defines, strategy);
  }

private:
  run::Options runOptions(const std::string &input, const std::vector<std::string> &defines,
                          const std::string &strategy) const {
    run::Options it;
    it.input = input;
    it.defines = defines;
    it.strategy = strategy;
    it.schedule = options.schedule;
    it.target = options.target;
    it.seed = options.seed;
    it.threads = options.threads;
    if (it.target.empty() && gpu)
      it.target = rt::cuda::targetFor(gpu->facts().capability);
    return it;
  }

  /// One file with one set of parameters by one strategy.
  void program(const std::string &input, const std::vector<std::string> &defines,
               const std::string &strategy) {
    Result shared;
    shared.file = input;
    shared.strategy = strategy;
    shared.kernel = std::filesystem::path(input).stem().string();
    for (const std::string &define : defines)
      shared.cparams[define.substr(0, define.find('='))] = define.substr(define.find('=') + 1);
    const run::Options base = runOptions(input, defines, strategy);
    shared.target = base.target;
    Error error;
    std::string ptx;
    const bool source = run::isSource(input);
    std::shared_ptr<const rt::Module> module;
    if (source ? run::compile(base, ptx, error) : run::readFile(input, ptx, error))
      module = rt::Module::load(device, ptx, source ? input + ".ptx" : input, error);
    if (!module) {
      fail(shared, error);
      return;
    }
    const rt::Manifest &manifest = module->manifest();
    shared.target = manifest.target;
    for (const rt::KernelSpec &kernel : manifest.kernels)
      for (const rt::CompileParam &param : kernel.cparams)
        shared.cparams[param.name] = param.text();
    if (strategy.empty())
      shared.strategy = manifest.kernels[0].variants[0].name;

    const std::string text = !options.checkFile.empty() ? options.checkFile
                             : source                   ? input
                                                        : manifest.sourcePath;
    dsl::Defines compiled;
    for (const auto &[name, value] : shared.cparams)
      compiled[name] = value;
    dsl::Diagnostics diagnostics;
    const auto formula = dsl::checkFile(text, compiled, diagnostics);
    if (!formula) {
      error.set(Code::NotFound,
                "it cannot be checked, and nothing unchecked is measured: give --check FILE.fc\n{}",
                diagnostics.render());
      fail(shared, error);
      return;
    }
    for (const Dims &shape : *shapes) {
      Result result = shared;
      result.dims = shape;
      Error failure;
      progress(result);
      if (!one(base, module, text, *formula, result, failure))
        fail(result, failure);
      else
        results.results.push_back(std::move(result));
    }
  }

  void fail(Result result, const Error &error) {
    result.failure = error.message;
    clearProgress();
    fmt::print(stderr, "fc-bench: {}: {}\n", result.key(), error.message);
    results.results.push_back(std::move(result));
  }

  void progress(const Result &result) const {
    if (isatty(STDERR_FILENO))
      fmt::print(stderr, "\r\x1b[K{}", result.key());
  }
  void clearProgress() const {
    if (isatty(STDERR_FILENO))
      fmt::print(stderr, "\r\x1b[K");
  }

  bool one(const run::Options &base, const std::shared_ptr<const rt::Module> &module,
           const std::string &source, const dsl::Program &formula, Result &result, Error &error) {
    if (!completeDims(*module, result.dims, error))
      return false;
    run::Options own = base;
    own.dims = result.dims;
    // Options for inputs that only other kernels have are not this one's business.
    auto has = [&](const std::string &name, bool tensor) {
      return std::ranges::any_of(module->manifest().kernels, [&](const rt::KernelSpec &kernel) {
        const auto index = kernel.param(name);
        return index && kernel.params[*index].isTensor() == tensor && !kernel.params[*index].output;
      });
    };
    for (const auto &[name, how] : options.fill)
      if (has(name, true))
        own.fill[name] = how;
    for (const auto &[name, value] : options.set)
      if (has(name, false))
        own.set[name] = value;

    Case it(own, module);
    if (!it.prepare(error))
      return false;
    const Work work = workOf(formula, it.run());
    result.flops = work.flops;
    result.share = work.share();
    result.note = work.note;
    result.bytes = it.run().tensorBytes();
    if (board)
      result.roofMicroseconds =
          std::max(result.flops / (board->tensorTflops * 1e6),
                   static_cast<double>(result.bytes) / (board->memoryGbs * 1e3));

    if (!check(own, it, module, source, work, result, error))
      return false;
    return gpu ? measure(it, result, error) : estimate(it, result);
  }

  /// At this shape where the reference can do it, else at a smaller one.
  bool check(const run::Options &own, Case &it, const std::shared_ptr<const rt::Module> &module,
             const std::string &source, const Work &work, Result &result, Error &error) {
    if (work.dense <= options.checkLimit) {
      result.check.same = true;
      return it.check(source, result.check, error);
    }
    run::Options smaller = own;
    for (int64_t most : {1024, 712, 512, 328, 200, 136, 72, 40}) {
      double cost = work.dense;
      for (auto &[name, value] : smaller.dims) {
        value = std::min(own.dims.at(name), name == "B" ? std::min<int64_t>(most, 2) : most);
        if (own.dims.at(name) > 0)
          cost *= static_cast<double>(value) / static_cast<double>(own.dims.at(name));
      }
      if (cost <= options.checkLimit)
        break;
    }
    // Checked once for all shapes that shrink to the same.
    const Check *known = nullptr;
    for (const auto &[checked, found] : checks)
      if (checked == module && found.at == smaller.dims)
        known = &found;
    if (known) {
      result.check = *known;
    } else {
      Case small(smaller, module);
      if (!small.prepare(error) || !small.check(source, result.check, error))
        return false;
      checks.emplace_back(module, result.check);
    }
    // The emulator's counters come from a run of the shape itself.
    return gpu || it.runOnce(error);
  }

  bool measure(Case &it, Result &result, Error &error) {
    if (!it.place(error) || !it.enqueue(nullptr, error) || !device->synchronize(nullptr, error) ||
        !it.checkWritten(error))
      return false;
    result.variant = it.variants();
    auto time = [&](bool cold, std::optional<Measured> &measured) {
      Measured found;
      rt::cuda::Timing timing;
      rt::cuda::TimerOptions how{.warmup = options.warmup,
                                 .runs = options.runs,
                                 .mostSeconds = options.mostSeconds,
                                 .cold = cold,
                                 .graph = options.graph,
                                 .during = [&] {
                                   if (nvml)
                                     found.state = nvml->now();
                                 }};
      if (!timer->measure([&](void *stream, Error &e) { return it.enqueue(stream, e); }, how,
                          timing, error))
        return false;
      for (double &seconds : timing.seconds)
        seconds *= 1e6;
      found.time = summarize(timing.seconds);
      found.graph = timing.graph;
      found.perSample = timing.perSample;
      found.hostMicroseconds = timing.hostSeconds * 1e6;
      measured = found;
      return true;
    };
    return (!options.warm || time(false, result.warm)) &&
           (!options.cold || time(true, result.cold));
  }

  bool estimate(Case &it, Result &result) {
    result.variant = fmt::format("{}", fmt::join(it.run().variants, ", "));
    Estimate found;
    found.counters = it.run().counters;
    const auto units = run::unitTimes(*board, found.counters, result.bytes);
    for (const run::UnitTime &unit : units)
      found.units[unit.unit] = unit.microseconds;
    found.microseconds = run::slowest(units).microseconds;
    found.unit = run::slowest(units).unit;
    result.estimate = std::move(found);
    return true;
  }

  const Options &options;
  Results &results;
  std::shared_ptr<rt::Device> device;
  std::shared_ptr<rt::cuda::CudaDevice> gpu;
  std::unique_ptr<rt::cuda::Timer> timer;
  std::unique_ptr<Nvml> nvml;
  const run::Board *board = nullptr;
  const std::vector<Dims> *shapes = nullptr;
  std::vector<std::pair<std::shared_ptr<const rt::Module>, Check>> checks;
};

} // namespace

bool measureAll(const Options &options, Results &results, Error &error) {
  Bench bench(options, results);
  if (!bench.start(error))
    return false;
  for (const std::string &input : options.inputs)
    bench.file(input);
  if (isatty(STDERR_FILENO))
    fmt::print(stderr, "\r\x1b[K");
  return true;
}

} // namespace fc::bench
