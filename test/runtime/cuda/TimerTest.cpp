// TimerTest.cpp - measuring on the fake driver, whose clock is the host's.
#include "runtime/cuda/Timer.h"
#include "test/runtime/cuda/Fake.h"
#include <thread>

namespace fc::rt::test {
namespace {

using cuda::Timer;
using cuda::TimerOptions;
using cuda::Timing;

class CudaTimer : public FakeCuda {
protected:
  void start(const std::string &plan = "") {
    drive(plan);
    device = open();
    ASSERT_TRUE(device) << error.message;
    timer = Timer::create(device, error);
    ASSERT_TRUE(timer) << error.message;
  }
  /// Work of that length, which a graph replays as nothing.
  cuda::Enqueue sleeping(std::chrono::microseconds time) {
    return [this, time](void *, Error &) {
      ++enqueued;
      std::this_thread::sleep_for(time);
      return true;
    };
  }
  std::shared_ptr<Device> device;
  std::unique_ptr<Timer> timer;
  int enqueued = 0;
};

TEST_F(CudaTimer, MeasuresEachRun) {
  start();
  Timing timing;
  int asked = 0;
  ASSERT_TRUE(timer->measure(sleeping(std::chrono::microseconds(200)),
                             {.warmup = 3, .runs = 7, .during = [&] { ++asked; }}, timing, error))
      << error.message;
  EXPECT_EQ(timing.seconds.size(), 7u);
  EXPECT_FALSE(timing.graph);
  // Warm-up, the question whether it is short, the runs; on a busy machine the warm-up may answer
  // the question.
  EXPECT_THAT(enqueued, testing::AnyOf(3 + 10 + 7, 3 + 7));
  EXPECT_EQ(asked, 1);
  for (double seconds : timing.seconds)
    EXPECT_GE(seconds, 200e-6);
  EXPECT_GE(timing.hostSeconds, 200e-6);
  EXPECT_EQ(count("cuMemsetD32Async"), 0);
}

TEST_F(CudaTimer, RunsLessOftenWhereItTakesLong) {
  start();
  Timing timing;
  ASSERT_TRUE(timer->measure(sleeping(std::chrono::milliseconds(4)),
                             {.warmup = 100, .runs = 100, .mostSeconds = 0.001}, timing, error))
      << error.message;
  EXPECT_EQ(timing.seconds.size(), 5u);
  EXPECT_EQ(enqueued, 2 + 5); // that it is long needs no asking
}

TEST_F(CudaTimer, FlushesBeforeEveryColdRun) {
  start();
  Timing timing;
  ASSERT_TRUE(timer->measure(
      sleeping(std::chrono::microseconds(50)),
      {.warmup = 1, .runs = 5, .cold = true, .graph = TimerOptions::Graph::Off}, timing, error));
  EXPECT_EQ(count("cuMemsetD32Async"), 5);
  EXPECT_THAT(calls(), testing::HasSubstr("cuMemsetD32Async 16777216\n")); // 64 MiB
}

TEST_F(CudaTimer, ReplaysShortWorkFromAGraph) {
  start();
  Timing timing;
  ASSERT_TRUE(
      timer->measure([](void *, Error &) { return true; }, {.warmup = 1, .runs = 5}, timing, error))
      << error.message;
  EXPECT_TRUE(timing.graph);
  EXPECT_EQ(timing.perSample, 20);
  EXPECT_EQ(timing.seconds.size(), 5u);
  EXPECT_EQ(count("cuStreamBeginCapture"), 1);
  EXPECT_EQ(count("cuGraphLaunch"), 3 + 5);
  EXPECT_EQ(count("cuGraphExecDestroy"), 1);
  EXPECT_EQ(count("cuGraphDestroy"), 1);
}

TEST_F(CudaTimer, TakesTheFlushesOffAColdGraph) {
  start();
  Timing timing;
  ASSERT_TRUE(timer->measure(
      [](void *, Error &) { return true; },
      {.warmup = 1, .runs = 2, .cold = true, .graph = TimerOptions::Graph::On}, timing, error))
      << error.message;
  // One graph with the work, one of the flushes alone.
  EXPECT_EQ(count("cuStreamBeginCapture"), 2);
  for (double seconds : timing.seconds)
    EXPECT_GE(seconds, 0);
}

TEST_F(CudaTimer, AFailedCaptureIsEnded) {
  start();
  Timing timing;
  int calls = 0;
  auto failing = [&](void *, Error &error) {
    return ++calls < 5 || error.set(Code::Refused, "no more");
  };
  EXPECT_FALSE(timer->measure(failing, {.warmup = 1, .runs = 5, .graph = TimerOptions::Graph::On},
                              timing, error));
  EXPECT_EQ(error.message, "no more");
  EXPECT_EQ(count("cuStreamEndCapture"), 1);
  EXPECT_TRUE(timer->measure([](void *, Error &) { return true; }, {.runs = 3}, timing, error));
}

TEST_F(CudaTimer, TellsWhatTheDriverSays) {
  start("fail=cuEventRecord:719");
  Timing timing;
  EXPECT_FALSE(timer->measure([](void *, Error &) { return true; }, {}, timing, error));
  EXPECT_THAT(error.message,
              testing::HasSubstr("cannot record an event: CUDA_ERROR_LAUNCH_FAILED"));
}

TEST_F(CudaTimer, TheEmulatorHasNoClock) {
  EXPECT_FALSE(Timer::create(openEmulator(), error));
  EXPECT_EQ(error.message, "`emulator` has no clock of its own");
}

TEST_F(CudaTimer, LeavesNothingBehind) {
  start();
  Timing timing;
  ASSERT_TRUE(timer->measure(
      [](void *, Error &) { return true; },
      {.warmup = 1, .runs = 3, .cold = true, .graph = TimerOptions::Graph::Off}, timing, error));
  timer.reset();
  EXPECT_EQ(allocated(), 0u);
  EXPECT_EQ(count("cuEventCreate"), count("cuEventDestroy"));
  EXPECT_EQ(count("cuStreamCreate"), count("cuStreamDestroy"));
}

} // namespace
} // namespace fc::rt::test
