// The reference against independent code: tools/scripts/make-goldens.py computes these attention
// variants from their formulas in NumPy, and its outputs are in test/kernels/goldens.
#include "TestKernel.h"
#include <cstring>
#include <fstream>
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

/// What NumPy wrote, version 1 of its format: a header in ASCII, then the elements. Type f8 is kept
/// as it is, in an array of Elem::F32.
Array readNpy(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  EXPECT_GT(bytes.size(), 10u) << path;
  size_t length = uint8_t(bytes[8]) | uint8_t(bytes[9]) << 8;
  std::string header = bytes.substr(10, length);
  EXPECT_NE(header.find("'fortran_order': False"), std::string::npos);
  std::vector<int64_t> shape;
  for (size_t at = header.find("'shape': (") + 10; header[at] != ')';) {
    if (isdigit(header[at]))
      shape.push_back(std::stoll(header.substr(at), &length));
    at += isdigit(header[at]) ? length : 1;
  }
  const char *data = bytes.data() + 10 + (uint8_t(bytes[8]) | uint8_t(bytes[9]) << 8);
  if (header.find("'<f2'") != std::string::npos)
    return Array::fromBytes(Elem::F16, shape, data);
  if (header.find("'<f4'") != std::string::npos)
    return Array::fromBytes(Elem::F32, shape, data);
  if (header.find("'<i4'") != std::string::npos)
    return Array::fromBytes(Elem::I32, shape, data);
  EXPECT_NE(header.find("'<f8'"), std::string::npos) << path;
  Array array = Array::zeros(Elem::F32, shape);
  std::memcpy(array.f.data(), data, array.f.size() * sizeof(double));
  return array;
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
    args.tensors[name] = readNpy(folder + name + ".npy");
  for (auto &[name, value] : golden["scalars"].items())
    args.scalars[name] = {value.get<double>(), int64_t(value.get<double>())};
  Outcome outcome = evaluate(*program, args);
  ASSERT_FALSE(outcome.error) << outcome.error->render(*program);
  for (std::string name : golden["outputs"]) {
    Array expected = readNpy(folder + name + ".npy");
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
