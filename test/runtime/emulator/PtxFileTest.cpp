// Runs every file of test/runtime/emulator/ptx/, one test a `run:` line, and has ptxas assemble it.
// `EmulatorPtxTests --update` writes the reports as they are now into the files, to be read before
// they are committed.
#include "PtxFile.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>

namespace fc::emu::test {
namespace {

std::string findPtxas() {
  if (std::filesystem::exists("/usr/local/cuda/bin/ptxas"))
    return "/usr/local/cuda/bin/ptxas";
  return std::system("command -v ptxas > /dev/null 2>&1") == 0 ? "ptxas" : "";
}

class RunTest : public ::testing::Test {
public:
  RunTest(std::shared_ptr<PtxFile> file, size_t index) : file(std::move(file)), index(index) {}
  void TestBody() override {
    Report error;
    auto module = Module::load(file->text, file->name, error);
    ASSERT_TRUE(module) << error.text;
    std::string wrong = runLine(*file, *module, file->runs[index]);
    EXPECT_TRUE(wrong.empty()) << file->path << ":" << file->runs[index].line << ": " << wrong;
  }

private:
  std::shared_ptr<PtxFile> file;
  size_t index;
};

class RefusedTest : public ::testing::Test {
public:
  explicit RefusedTest(std::shared_ptr<PtxFile> file) : file(std::move(file)) {}
  void TestBody() override {
    Report error;
    EXPECT_FALSE(Module::load(file->text, file->name, error));
    EXPECT_EQ(error.text, file->loadError);
  }

private:
  std::shared_ptr<PtxFile> file;
};

class AssembleTest : public ::testing::Test {
public:
  explicit AssembleTest(std::shared_ptr<PtxFile> file) : file(std::move(file)) {}
  void TestBody() override {
    static const std::string ptxas = findPtxas();
    if (ptxas.empty())
      GTEST_SKIP() << "ptxas is not installed";
    std::string command =
        ptxas + " -arch=" + file->target + " -o /dev/null " + file->path + " 2>&1";
    FILE *pipe = popen(command.c_str(), "r");
    ASSERT_TRUE(pipe);
    std::string output;
    char buffer[4096];
    while (size_t n = fread(buffer, 1, sizeof buffer, pipe))
      output.append(buffer, n);
    EXPECT_EQ(pclose(pipe), 0) << output;
  }

private:
  std::shared_ptr<PtxFile> file;
};

std::string testName(const std::string &file) {
  std::string name = std::filesystem::path(file).stem();
  for (char &c : name)
    if (!isalnum(c))
      c = '_';
  return name;
}

} // namespace
} // namespace fc::emu::test

int main(int argc, char **argv) {
  using namespace fc::emu::test;
  ::testing::InitGoogleTest(&argc, argv);
  std::vector<std::string> paths;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(
           std::string(FC_SOURCE_DIR) + "/test/runtime/emulator/ptx"))
    if (entry.path().extension() == ".ptx")
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  if (argc > 1 && std::string_view(argv[1]) == "--update") {
    for (int round = 0; round < 2; ++round)
      for (const std::string &path : paths) {
        std::string text = withGoldenReports(readPtxFile(path));
        std::ofstream(path) << text;
      }
    return 0;
  }
  for (const std::string &path : paths) {
    auto file = std::make_shared<PtxFile>(readPtxFile(path));
    std::string suite = "Ptx_" + testName(path);
    for (size_t i = 0; i < file->runs.size(); ++i) {
      const RunLine &run = file->runs[i];
      std::string name =
          (run.kernel.empty() ? "run" : run.kernel) + "_line" + std::to_string(run.line);
      ::testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, path.c_str(),
                              int(run.line),
                              [=]() -> ::testing::Test * { return new RunTest(file, i); });
    }
    if (!file->loadError.empty()) {
      ::testing::RegisterTest(suite.c_str(), "refused", nullptr, nullptr, path.c_str(), 1,
                              [=]() -> ::testing::Test * { return new RefusedTest(file); });
      continue;
    }
    ::testing::RegisterTest(suite.c_str(), "assembles", nullptr, nullptr, path.c_str(), 1,
                            [=]() -> ::testing::Test * { return new AssembleTest(file); });
  }
  return RUN_ALL_TESTS();
}
