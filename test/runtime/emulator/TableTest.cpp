// The opcode table: ptxas accepts every form that it claims, the decoder binds every one, and every
// check has a test.
#include "PtxFile.h"
#include "runtime/emulator/Checks.h"
#include "runtime/emulator/Emulator.h"
#include "runtime/emulator/Opcodes.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

namespace fc::emu {
namespace {

std::string readAll(const std::filesystem::path &path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class Conformance : public ::testing::TestWithParam<unsigned> {};

TEST_P(Conformance, EveryFormDecodes) {
  Report error;
  EXPECT_TRUE(Module::load(conformancePtx(GetParam(), false), "forms.ptx", error)) << error.text;
}

TEST_P(Conformance, PtxasAcceptsEveryForm) {
  std::string ptxas =
      std::filesystem::exists("/usr/local/cuda/bin/ptxas") ? "/usr/local/cuda/bin/ptxas" : "ptxas";
  if (std::system((ptxas + " --version > /dev/null 2>&1").c_str()) != 0)
    GTEST_SKIP() << "ptxas is not installed";
  auto path = std::filesystem::temp_directory_path() /
              ("fc-forms-" + std::to_string(GetParam()) + "-" + std::to_string(getpid()) + ".ptx");
  std::ofstream(path) << conformancePtx(GetParam(), false);
  std::string command = ptxas + " -O0 -arch=sm_" + std::to_string(GetParam()) + " -o /dev/null " +
                        path.string() + " 2>&1";
  FILE *pipe = popen(command.c_str(), "r");
  ASSERT_TRUE(pipe);
  std::string output;
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, pipe))
    output.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << output.substr(0, 4000);
  std::filesystem::remove(path);
}

INSTANTIATE_TEST_SUITE_P(Targets, Conformance, ::testing::Values(80u, 89u, 90u));

TEST(Table, ListsItsForms) {
  std::string list = listPtx();
  EXPECT_NE(list.find("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"), std::string::npos);
  EXPECT_EQ(size_t(std::count(list.begin(), list.end(), '\n')), allForms().size());
}

/// The twin of a run that has to fail: without the fault.
std::string twinOf(const test::RunLine &run) {
  return run.twin.empty() ? run.kernel + "_fixed" : run.twin;
}

bool passes(const test::PtxFile &file, const std::string &kernel) {
  for (const test::RunLine &run : file.runs)
    if (run.kernel == kernel && run.fails.empty())
      return true;
  return false;
}

TEST(Table, ThePageOfThePtxIsThatOfTheTable) {
  std::string page = readAll(FC_SOURCE_DIR "/docs/ptx.md");
  EXPECT_NE(page.find("```\n" + listPtx() + "```\n"), std::string::npos)
      << "put the output of `fc-run --list-ptx` into docs/ptx.md";
}

TEST(Table, EveryCheckHasAKernelThatTripsItAndASilentTwin) {
  std::set<std::string> tripped;
  const std::string folder = FC_SOURCE_DIR "/test/runtime/emulator/ptx/checks";
  for (const auto &entry : std::filesystem::directory_iterator(folder)) {
    test::PtxFile file = test::readPtxFile(entry.path());
    if (!file.loadError.empty()) {
      std::filesystem::path twin = entry.path();
      twin.replace_filename(entry.path().stem().string() + "_fixed.ptx");
      EXPECT_TRUE(std::filesystem::exists(twin)) << twin;
      tripped.insert("PARSE");
    }
    for (const test::RunLine &run : file.runs) {
      if (run.fails.empty())
        continue;
      EXPECT_NE(run.golden, "") << file.name << ":" << run.line << ": the report is not given";
      EXPECT_LT(std::count(run.golden.begin(), run.golden.end(), '\n'), 24)
          << file.name << ":" << run.line << ": more than a screen";
      EXPECT_TRUE(passes(file, twinOf(run)))
          << file.name << ":" << run.line << ": there is no passing run of `" << twinOf(run) << "`";
      tripped.insert(run.fails);
    }
  }
  for (const Check &check : checks())
    EXPECT_TRUE(tripped.count(std::string(check.id))) << "no micro-kernel trips " << check.id;
}

TEST(Table, EveryFaultIsInTheListOfChecks) {
  // `Fault{"ID"` and `refuse("ID"` in the sources.
  std::set<std::string> known;
  for (const Check &check : checks())
    EXPECT_TRUE(known.insert(std::string(check.id)).second) << check.id << " twice";
  for (const auto &entry : std::filesystem::directory_iterator(FC_SOURCE_DIR "/runtime/emulator")) {
    std::string text = readAll(entry.path());
    for (std::string_view start : {"Fault{\"", "refuse(\""})
      for (size_t at = 0; (at = text.find(start, at)) != std::string::npos;) {
        at += start.size();
        std::string id = text.substr(at, text.find('"', at) - at);
        EXPECT_TRUE(known.count(id)) << entry.path() << " reports " << id;
      }
  }
}

} // namespace
} // namespace fc::emu
