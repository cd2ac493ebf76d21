// ResultsTest.cpp - results to JSON and back, in tables, beside each other.
#include "tools/fc-bench/Results.h"
#include "tools/fc-bench/Report.h"
#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fc::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

Results example(double median) {
  Results results;
  results.commit = "abc";
  results.date = "2026-01-01T00:00:00Z";
  results.device = "cuda:0 (NVIDIA H100 80GB HBM3)";
  results.deviceKind = "cuda";
  results.driver = "580.1";
  results.cuda = "13.0";
  results.board = "h100";
  results.runs = 100;
  results.warmup = 20;
  Result it;
  it.kernel = "causal";
  it.file = "causal.fc";
  it.strategy = "pipelined";
  it.target = "sm_90a";
  it.variant = "main";
  it.cparams = {{"D", "64"}};
  it.dims = {{"B", 4}, {"M", 1024}};
  it.flops = 1e9;
  it.share = 0.5;
  it.bytes = 1 << 20;
  it.check = {it.dims, true, 2e-4, 1e-3};
  it.roofMicroseconds = 5;
  Measured warm;
  warm.time = {100, median, median, median * 1.1, median * 1.2, median * 0.9, median, 0.01};
  warm.graph = true;
  warm.perSample = 20;
  warm.state = {1980, 2619, 412.5, 54, true};
  it.warm = warm;
  results.results.push_back(it);
  return results;
}

Results readBack(const std::string &json) {
  const std::string path = testing::TempDir() + "results.json";
  std::ofstream(path) << json;
  Results results;
  rt::Error error;
  EXPECT_TRUE(fromFile(path, results, error)) << error.message;
  std::remove(path.c_str());
  return results;
}

TEST(Results, SurviveJson) {
  Results results = example(10);
  Result failed = results.results[0];
  failed.warm.reset();
  failed.failure = "`o` is wrong";
  results.results.push_back(failed);
  Result estimate = results.results[0];
  estimate.warm.reset();
  estimate.estimate = Estimate{2.5, "tensor cores", {{"tensor cores", 2.5}}, {{"mma", 7}}};
  results.results.push_back(estimate);
  const std::string json = toJson(results);
  EXPECT_EQ(toJson(readBack(json)).substr(json.find("\"commit\"")),
            json.substr(json.find("\"commit\"")));
  EXPECT_THAT(json, HasSubstr("no time was measured"));
}

TEST(Results, OthersFilesAreRefused) {
  const std::string path = testing::TempDir() + "other.json";
  Results results;
  rt::Error error;
  for (const char *text : {"", "[]", "{\"format\": 2}", "{\"format\": 1}"}) {
    std::ofstream(path) << text;
    EXPECT_FALSE(fromFile(path, results, error)) << text;
    EXPECT_FALSE(error.message.empty());
  }
  EXPECT_FALSE(fromFile("/nowhere.json", results, error));
  EXPECT_THAT(error.message, HasSubstr("cannot open `/nowhere.json`"));
}

TEST(Report, SaysHowItWasMeasured) {
  const std::string text = table(example(10));
  EXPECT_THAT(text, HasSubstr("cuda:0 (NVIDIA H100 80GB HBM3), CUDA 13.0, driver 580.1; median of "
                              "100 runs after 20; commit abc\n"));
  EXPECT_THAT(text, HasSubstr("100.0"));  // 1e9 operations in 10 us
  EXPECT_THAT(text, HasSubstr("50%"));    // of the roof's 5 us
  EXPECT_THAT(text, HasSubstr("10.00*")); // from a graph
  EXPECT_THAT(text, HasSubstr("1980 MHz 412 W 54 C throttled"));
}

TEST(Report, ComparesWithAnEarlierRun) {
  int slower = -1;
  std::string text = comparison(example(10), example(11), slower);
  EXPECT_EQ(slower, 1);
  EXPECT_THAT(text, HasSubstr("+10.0%"));
  EXPECT_THAT(text, HasSubstr("SLOWER"));
  EXPECT_THAT(text, Not(HasSubstr("careful")));
  text = comparison(example(10), example(9), slower);
  EXPECT_EQ(slower, 0);
  EXPECT_THAT(text, HasSubstr("faster"));
  Results elsewhere = example(10);
  elsewhere.device = "cuda:0 (NVIDIA A100)";
  elsewhere.driver = "570";
  elsewhere.results[0].dims["M"] = 2048;
  text = comparison(elsewhere, example(10), slower);
  EXPECT_THAT(text, HasSubstr("careful: that was cuda:0 (NVIDIA A100)"));
  EXPECT_THAT(text, HasSubstr("careful: another driver"));
  EXPECT_THAT(text, HasSubstr("1 without a partner"));
}

} // namespace
} // namespace fc::bench
