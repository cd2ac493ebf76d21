// ExamplesTest.cpp - every example of the language, fused, against the reference evaluator
#include "test/compiler/Online/OnlinePrograms.h"
#include "test/dsl/reference/Instances.h"
#include <filesystem>
#include <fstream>

namespace fc::test {
namespace {

const std::string kFolder = FC_SOURCE_DIR "/test/dsl/examples/";

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (auto &entry : std::filesystem::directory_iterator(kFolder))
    if (entry.path().extension() == ".fc")
      all.push_back(entry.path().stem().string());
  std::sort(all.begin(), all.end());
  return all;
}

class OnlineExample : public testing::TestWithParam<std::string> {};

TEST_P(OnlineExample, EqualsTheReference) {
  const dsl::test::Instance &instance = dsl::test::instances().at(GetParam());
  std::ifstream file(kFolder + GetParam() + ".fc");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  Imported imported = import(text, instance.defines, kFolder + GetParam() + ".fc");
  ASSERT_TRUE(imported.program) << imported.diagnostics;
  if (!imported.module)
    GTEST_SKIP() << "not imported: " << imported.diagnostics;
  // Sparsemax's threshold does not factor out. `p * vs as f16` is not bounded before the walk ends
  // (rule T4).
  static const std::map<std::string, std::string> refused = {{"sparsemax_refused", "walks j = 3"},
                                                             {"int8kv", "walks j = 2"}};
  if (auto it = refused.find(GetParam()); it != refused.end()) {
    EXPECT_FALSE(imported.run(true));
    EXPECT_NE(imported.diagnostics.find(it->second), std::string::npos) << imported.diagnostics;
    return;
  }
  ASSERT_TRUE(imported.run(true)) << imported.diagnostics;
  std::mt19937 rng(3);
  Options options;
  options.cut = [&](llvm::StringRef, int64_t) { return 1 + int64_t(rng() % 6); };
  options.split = &rng;
  dsl::Arguments arguments = dsl::test::argumentsFor(*imported.program, instance, 5);
  for (const dsl::Kernel &kernel : imported.program->kernels) {
    dsl::Outcome expected = dsl::evaluate(kernel, arguments);
    ASSERT_FALSE(expected.error) << expected.error->render(*imported.program);
    Launch launch = launchOf(kernel, arguments, expected);
    ASSERT_FALSE(dsl::bindScalars(kernel, instance.dims, launch.scalars));
    for (KernelOp op : imported.module.get().getOps<KernelOp>())
      if (op.getSymName() == kernel.name) {
        ASSERT_EQ(interpret(op, launch, options), "") << kernel.name;
      }
    EXPECT_LE(distance(launch, expected), 1e-6) << kernel.name; // constants are f32 in the IR
    for (auto &[name, output] : expected.outputs)
      arguments.tensors.try_emplace(name, output.values);
  }
}

INSTANTIATE_TEST_SUITE_P(All, OnlineExample, testing::ValuesIn(names()),
                         [](const auto &info) { return info.param; });

} // namespace
} // namespace fc::test
