// FuzzCorpusTest.cpp - the corpus of the fuzzer, and all other programs of the tests, once through
// checkAny in every build. A file that once broke something stays in the corpus.
#include "test/dsl/TestUtil.h"
#include "test/dsl/fuzz/CheckAny.h"

using namespace fc::dsl::test;

static std::vector<std::filesystem::path> corpus() {
  std::vector<std::filesystem::path> files = programs(kTestDir / "examples");
  for (const auto &path : programs(kTestDir / "errors"))
    files.push_back(path);
  for (const auto &entry : std::filesystem::directory_iterator(kTestDir / "fuzz/corpus"))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

TEST(FuzzCorpus, IsReplayed) {
  size_t count = 0;
  for (const auto &path : corpus()) {
    SCOPED_TRACE(path.string());
    checkAny(readText(path));
    ++count;
  }
  EXPECT_GT(count, 300u);
}
