// Timer.h - how long work takes on a GPU, by its own clock.
//
// A single run lies between two events. Where a run is so short that the gaps between launches and
// the events themselves would be what is measured, many copies of the work are captured into a
// graph, and its replay is measured: no host is in the way then.
#pragma once
#include "runtime/Device.h"
#include <functional>

namespace fc::rt::cuda {

class CudaDevice;

struct TimerOptions {
  int warmup = 20, runs = 100;
  /// Fewer runs, but at least 5, where they would take longer than this.
  double mostSeconds = 10;
  /// Before every run the L2 cache is filled with other data.
  bool cold = false;
  enum class Graph { Auto, On, Off } graph = Graph::Auto;
  /// Called once, while the GPU is at work: the moment to ask for clocks and power.
  std::function<void()> during;
};

struct Timing {
  std::vector<double> seconds; ///< of one run, in the order measured
  bool graph = false;          ///< replayed from a graph
  int perSample = 1;           ///< runs that a sample is the mean of
  double hostSeconds = 0;      ///< the host's time to enqueue one run; 0 for a graph
};

/// Enqueues the work once. May be called while `stream` is being captured.
using Enqueue = std::function<bool(void *stream, Error &error)>;

class Timer {
public:
  /// With graphs chosen by themselves, runs shorter than this are replayed from one.
  static constexpr double shortRun = 20e-6;

  /// Null if `device` is no GPU.
  static std::unique_ptr<Timer> create(const std::shared_ptr<Device> &device, Error &error);
  virtual ~Timer() = default;
  virtual bool measure(const Enqueue &enqueue, const TimerOptions &options, Timing &timing,
                       Error &error) = 0;
};

} // namespace fc::rt::cuda
