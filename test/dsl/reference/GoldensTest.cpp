// The reference against independent code: tools/scripts/make-goldens.py computes these attention
// variants from their formulas in NumPy, and its outputs are in test/kernels/goldens.
#include "TestKernel.h"
#include "runtime/Npy.h"
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

using namespace fc::dsl;
using namespace fc::dsl::test;

namespace {

const std::string goldens = FC_SOURCE_DIR "/test/kernels/goldens/";

nlohmann::json cases() {
  std::ifstream file(goldens + "cases.json");
  return nlohmann::json::parse(file);
}

/// A file of the goldens; float64 is kept as it is, in an array of Elem::F32.
Array readGolden(const std::string &path) {
  fc::rt::NpyArray file;
  fc::rt::Error error;
  EXPECT_TRUE(fc::rt::readNpy(path, file, error)) << error.message;
  if (file.descr == "<f8") {
    Array array = Array::zeros(Elem::F32, file.shape);
    std::memcpy(array.f.data(), file.data.data(), file.data.size());
    return array;
  }
  const std::map<std::string, Elem> elems = {
      {"<f2", Elem::F16}, {"<f4", Elem::F32}, {"<i4", Elem::I32}};
  EXPECT_TRUE(elems.count(file.descr)) << path << " is " << file.descr;
  return Array::fromBytes(elems.at(file.descr), file.shape, file.data.data());
}

class Goldens : public testing::TestWithParam<nlohmann::json> {};

TEST_P(Goldens, Agrees) {
  const nlohmann::json &golden = GetParam();
  Defines defines;
  for (auto &[name, value] : golden["defines"].items())
    defines[name] = std::to_string(value.get<int>());
  Diagnostics diagnostics;
  std::unique_ptr<Program> program = checkFile(
      FC_SOURCE_DIR "/kernels_src/" + golden["program"].get<std::string>(), defines, diagnostics);
  ASSERT_TRUE(program) << diagnostics.render();

  Arguments args;
  std::string folder = goldens + golden["name"].get<std::string>() + "/";
  for (std::string name : golden["inputs"])
    args.tensors[name] = readGolden(folder + name + ".npy");
  for (auto &[name, value] : golden["scalars"].items())
    args.scalars[name] = {value.get<double>(), int64_t(value.get<double>())};
  Outcome outcome = evaluate(*program, args);
  ASSERT_FALSE(outcome.error) << outcome.error->render(*program);
  for (std::string name : golden["outputs"]) {
    Array expected = readGolden(folder + name + ".npy");
    EXPECT_EQ(outcome.outputs.at(name).values.shape, expected.shape);
    expectNear(valuesOf(outcome, name), expected.f, 1e-10);
  }
}

INSTANTIATE_TEST_SUITE_P(Numpy, Goldens,
                         testing::ValuesIn(cases().get<std::vector<nlohmann::json>>()),
                         [](auto &info) {
                           std::string name = info.param["name"];
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Goldens, EveryKernelHasOne) {
  std::set<std::string> programs;
  for (const nlohmann::json &golden : cases())
    programs.insert(golden["program"]);
  for (const char *kernel :
       {"attention.fc", "causal.fc", "sliding_window.fc", "alibi.fc", "softcap.fc", "sinks.fc",
        "softmax1.fc", "sigmoid.fc", "gqa.fc", "cross.fc", "manual.fc", "unfused/attention.fc"})
    EXPECT_TRUE(programs.count(kernel)) << kernel;
}

} // namespace
