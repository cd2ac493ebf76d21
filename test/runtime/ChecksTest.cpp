// ChecksTest.cpp - the list of the emulator's checks against its sources.
#include "runtime/Runtime.h"
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <sstream>

namespace {

/// The capital words in quotes of the emulator's sources are the names of its faults.
TEST(Checks, TheListHasEveryFaultOfTheEmulator) {
  std::set<std::string> used, listed;
  const std::regex word("\"([A-Z][A-Z0-9]+(-[A-Z0-9]+)*)\"");
  for (const auto &file :
       std::filesystem::directory_iterator(std::string(FC_SOURCE_DIR) + "/runtime/emulator")) {
    if (file.path().extension() != ".cpp")
      continue;
    std::ostringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string source = text.str();
    for (std::sregex_iterator it(source.begin(), source.end(), word), end; it != end; ++it)
      used.insert((*it)[1]);
  }
  for (const fc::rt::CheckInfo &check : fc::rt::emulatorChecks())
    EXPECT_TRUE(listed.emplace(check.id).second) << check.id;
  EXPECT_THAT(listed, testing::ContainerEq(used)) << "add it to runtime/emulator/Checks.def";
}

} // namespace
