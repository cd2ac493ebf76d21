// Timer.cpp - events, graphs and the flushing of caches; see Timer.h.
#include "runtime/cuda/Timer.h"
#include "runtime/cuda/CudaDevice.h"
#include <algorithm>
#include <chrono>

namespace fc::rt::cuda {
namespace {

/// Copies of the work in one graph; with the flush of a cache in between, fewer.
constexpr int warmCopies = 20, coldCopies = 10;
constexpr int leastRuns = 5;
/// A run that takes this long by the host's clock, its waiting included, is not short.
constexpr double surelyLong = 1e-3;
/// The flush writes this often the L2, and at least this much.
constexpr size_t flushFactor = 2, leastFlush = size_t{64} << 20;

double medianOf(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

class CudaTimer : public Timer {
public:
  explicit CudaTimer(std::shared_ptr<CudaDevice> device)
      : device(std::move(device)), driver(this->device->driver()) {}

  ~CudaTimer() override {
    const CudaDevice::Scope scope(*device);
    if (!scope)
      return;
    for (Event event : events)
      driver.eventDestroy(event);
    if (flush)
      driver.free(flush);
    if (stream)
      driver.streamDestroy(stream);
  }

  bool start(Error &error) {
    const CudaDevice::Scope scope(*device, error);
    return scope && check(driver.streamCreate(&stream, streamNonBlocking), error, "make a stream");
  }

  bool measure(const Enqueue &enqueue, const TimerOptions &options, Timing &timing,
               Error &error) override {
    timing = {};
    const CudaDevice::Scope scope(*device, error);
    if (!scope || (options.cold && !allocateFlush(error)))
      return false;
    // The second run tells how many the time allows; the first may load code.
    using Clock = std::chrono::steady_clock;
    double once = 0;
    for (int i = 0; i < 2; ++i) {
      const Clock::time_point begin = Clock::now();
      if (!enqueue(stream, error) || !finish(error))
        return false;
      once = std::max(std::chrono::duration<double>(Clock::now() - begin).count(), 1e-9);
    }
    const double most = options.mostSeconds / once;
    const int runs =
        most < options.runs ? std::min(options.runs, std::max(leastRuns, int(most))) : options.runs;
    for (int i = 2; i < options.warmup && i < most / 4; ++i)
      if (!enqueue(stream, error))
        return false;
    if (!finish(error))
      return false;
    bool graph = options.graph == TimerOptions::Graph::On;
    if (options.graph == TimerOptions::Graph::Auto && once < surelyLong) {
      // Whether a run is short is asked of a warm one: the answer is the same for cold ones then.
      std::vector<double> probe;
      if (!sample(enqueue, 10, false, {}, probe, nullptr, error))
        return false;
      graph = medianOf(probe) < shortRun;
    }
    timing.graph = graph;
    if (graph)
      return replay(enqueue, options, runs, timing, error);
    return sample(enqueue, runs, options.cold, options.during, timing.seconds, &timing.hostSeconds,
                  error);
  }

private:
  bool check(Result code, Error &error, const char *what) const {
    return device->check(code, error, [&] { return std::string(what); });
  }
  bool finish(Error &error) const {
    return check(driver.streamSynchronize(stream), error, "finish the work that is measured");
  }

  bool allocateFlush(Error &error) {
    if (flush)
      return true;
    flushBytes = std::max(flushFactor * device->facts().l2Bytes, leastFlush);
    return check(driver.allocate(&flush, flushBytes), error, "allocate what flushes the L2");
  }
  bool enqueueFlush(Error &error) const {
    return check(driver.fill(flush, 0x5a5a5a5a, flushBytes / 4, stream), error, "flush the L2");
  }
  bool needEvents(size_t count, Error &error) {
    while (events.size() < count) {
      Event event = nullptr;
      if (!check(driver.eventCreate(&event, eventDefault), error, "make an event"))
        return false;
      events.push_back(event);
    }
    return true;
  }

  /// Each run between two events.
  bool sample(const Enqueue &enqueue, int runs, bool cold, const std::function<void()> &during,
              std::vector<double> &seconds, double *hostSeconds, Error &error) {
    using Clock = std::chrono::steady_clock;
    if (!needEvents(2 * static_cast<size_t>(runs), error))
      return false;
    std::vector<double> host;
    for (int i = 0; i < runs; ++i) {
      const size_t at = 2 * static_cast<size_t>(i);
      if ((cold && !enqueueFlush(error)) ||
          !check(driver.eventRecord(events[at], stream), error, "record an event"))
        return false;
      const Clock::time_point begin = Clock::now();
      if (!enqueue(stream, error))
        return false;
      host.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
      if (!check(driver.eventRecord(events[at + 1], stream), error, "record an event"))
        return false;
      if (during && i == runs / 2)
        during();
    }
    return finish(error) && elapsed(runs, seconds, error) &&
           (!hostSeconds || ((*hostSeconds = medianOf(host)), true));
  }

  bool elapsed(int count, std::vector<double> &seconds, Error &error) const {
    seconds.clear();
    for (int i = 0; i < count; ++i) {
      const size_t at = 2 * static_cast<size_t>(i);
      float milliseconds = 0;
      if (!check(driver.eventElapsed(&milliseconds, events[at], events[at + 1]), error,
                 "read an event"))
        return false;
      seconds.push_back(1e-3 * static_cast<double>(milliseconds));
    }
    return true;
  }

  /// A captured graph that goes away with its owner.
  struct Captured {
    const Driver &driver;
    Graph graph = nullptr;
    GraphExec executable = nullptr;
    ~Captured() {
      if (executable)
        driver.graphExecDestroy(executable);
      if (graph)
        driver.graphDestroy(graph);
    }
  };

  bool capture(const Enqueue &enqueue, int copies, bool cold, Captured &captured, Error &error) {
    if (!check(driver.captureBegin(stream, captureThreadLocal), error, "begin to capture"))
      return false;
    bool fine = true;
    for (int i = 0; i < copies && fine; ++i)
      fine = (!cold || enqueueFlush(error)) && (!enqueue || enqueue(stream, error));
    // Ended in any case: else the stream could not be used again.
    const Result code = driver.captureEnd(stream, &captured.graph);
    return fine && check(code, error, "capture the work into a graph") &&
           check(driver.graphInstantiate(&captured.executable, captured.graph, 0), error,
                 "make a graph of the work");
  }

  /// Replays of many copies of the work; what the flushes of a cold one take is taken off.
  bool replay(const Enqueue &enqueue, const TimerOptions &options, int runs, Timing &timing,
              Error &error) {
    const int copies = options.cold ? coldCopies : warmCopies;
    timing.perSample = copies;
    auto run = [&](const Enqueue &work, bool during, std::vector<double> &seconds) {
      Captured captured{driver};
      if (!capture(work, copies, options.cold, captured, error))
        return false;
      auto launch = [&](void *, Error &) {
        return check(driver.graphLaunch(captured.executable, stream), error, "launch a graph");
      };
      for (int i = 0; i < 3; ++i)
        if (!launch(stream, error))
          return false;
      return finish(error) &&
             sample(launch, runs, false, during ? options.during : std::function<void()>(), seconds,
                    nullptr, error);
    };
    if (!run(enqueue, true, timing.seconds))
      return false;
    double flushes = 0;
    if (options.cold) {
      std::vector<double> alone;
      if (!run({}, false, alone))
        return false;
      flushes = medianOf(alone);
    }
    for (double &seconds : timing.seconds)
      seconds = std::max(seconds - flushes, 0.0) / copies;
    return true;
  }

  std::shared_ptr<CudaDevice> device;
  const Driver &driver;
  Stream stream = nullptr;
  std::vector<Event> events;
  Address flush = 0;
  size_t flushBytes = 0;
};

} // namespace

std::unique_ptr<Timer> Timer::create(const std::shared_ptr<Device> &device, Error &error) {
  auto cuda = std::dynamic_pointer_cast<CudaDevice>(device);
  if (!cuda) {
    error.set(Code::Unsupported, "`{}` has no clock of its own", device->name());
    return nullptr;
  }
  auto timer = std::make_unique<CudaTimer>(std::move(cuda));
  return timer->start(error) ? std::move(timer) : nullptr;
}

} // namespace fc::rt::cuda
