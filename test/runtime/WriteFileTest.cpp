// WriteFileTest.cpp - files that appear whole or not at all.
#include "runtime/WriteFile.h"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace fc::rt;
namespace fs = std::filesystem;

namespace {

class WriteFile : public testing::Test {
protected:
  void SetUp() override {
    folder =
        fs::path(testing::TempDir()) /
        ("write-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  void TearDown() override { fs::remove_all(folder); }
  std::string contents(const fs::path &path) const {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  size_t files() const {
    return size_t(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }
  fs::path folder;
  Error error;
};

TEST_F(WriteFile, PutsPartsTogetherAndReplacesWhatWasThere) {
  const fs::path path = folder / "x";
  ASSERT_TRUE(writeFile(path, {"a longer text", ""}, error)) << error.message;
  ASSERT_TRUE(writeFile(path, {"ab", "", "c"}, error)) << error.message;
  EXPECT_EQ(contents(path), "abc");
  EXPECT_EQ(files(), 1u);
}

TEST_F(WriteFile, LeavesNothingBehindWhereItFails) {
  fs::create_directories(folder / "sub" / "inner");
  EXPECT_FALSE(writeFile(folder / "sub", {"a"}, error));
  EXPECT_EQ(error.code, Code::NotFound);
  EXPECT_TRUE(fs::is_directory(folder / "sub" / "inner"));
  EXPECT_EQ(files(), 1u);
  EXPECT_FALSE(writeFile(folder / "none" / "x", {"a"}, error));
  EXPECT_EQ(error.message, fmt::format("cannot write `{}`: No such file or directory",
                                       (folder / "none/x").string()));
}

TEST_F(WriteFile, WritesToADeviceAsItIs) {
  const fs::path link = folder / "full";
  fs::create_symlink("/dev/full", link);
  EXPECT_FALSE(writeFile(link, {"a"}, error));
  EXPECT_EQ(error.message,
            fmt::format("cannot write `{}`: No space left on device", link.string()));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_TRUE(writeFile("/dev/null", {"a"}, error)) << error.message;
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

} // namespace
