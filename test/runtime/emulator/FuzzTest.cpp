// What the fuzzers of asan builds do for as long as one lets them, in the ordinary tests: thousands
// of spoiled texts, the same ones every time. FC_FUZZ_TIMES asks for more, FC_FUZZ_SEED for others.
#include "test/runtime/fuzz/Mutator.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#define LLVMFuzzerTestOneInput fuzzPtx
#include "test/runtime/emulator/fuzz/PtxFuzzer.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzzManifest
#include "test/runtime/fuzz/ManifestFuzzer.cpp"
#undef LLVMFuzzerTestOneInput

namespace {

std::string readAll(const std::filesystem::path &path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> filesOf(const std::string &folder, const char *extension) {
  std::vector<std::filesystem::path> paths;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(FC_SOURCE_DIR + folder))
    if (entry.path().extension() == extension)
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// Each micro-kernel on its own, so that a fault meets one.
std::vector<std::string> microKernels() {
  std::vector<std::string> kernels;
  for (const auto &path : filesOf("/test/runtime/emulator/ptx", ".ptx")) {
    std::string text = readAll(path);
    if (text.find("\n.func") != std::string::npos)
      kernels.push_back(text);
    size_t first = text.find(".version"), at = text.find(".visible .entry");
    size_t headEnd = text.find("\n\n", first);
    while (at != std::string::npos && headEnd != std::string::npos) {
      size_t end = text.find("\n}\n", at);
      if (end == std::string::npos)
        break;
      kernels.push_back(text.substr(first, headEnd + 1 - first) + text.substr(at, end + 3 - at));
      at = text.find(".visible .entry", end);
    }
  }
  return kernels;
}

size_t setting(const char *name, size_t otherwise) {
  const char *value = std::getenv(name);
  return value ? size_t(std::strtoull(value, nullptr, 10)) : otherwise;
}

void run(int (*entry)(const uint8_t *, size_t), const std::string &text) {
  entry(reinterpret_cast<const uint8_t *>(text.data()), text.size());
}

TEST(Fuzz, SpoiledKernels) {
  std::vector<std::string> kernels = microKernels();
  ASSERT_GT(kernels.size(), 300u);
  fc::test::Mutator mutator(setting("FC_FUZZ_SEED", 1));
  size_t loaded = 0;
  const size_t times = setting("FC_FUZZ_TIMES", 10000);
  for (size_t i = 0; i < times; ++i) {
    const std::string &one = kernels[mutator.below(kernels.size())];
    const std::string &two = kernels[mutator.below(kernels.size())];
    std::string text = mutator.spoil(one, two);
    SCOPED_TRACE(text); // shown when an assertion fails; an abort names no text
    run(fuzzPtx, text);
    fc::emu::Report ignored;
    loaded += fc::emu::Module::load(text, "fuzz.ptx", ignored) != nullptr;
  }
  // If all were refused, execution was never tried; if none, nothing was spoiled.
  EXPECT_GT(loaded, times / 10);
  EXPECT_LT(loaded, times * 9 / 10);
}

TEST(Fuzz, EveryMicroKernelWithStrangeBuffers) {
  for (const std::string &kernel : microKernels())
    run(fuzzPtx, kernel);
}

TEST(Fuzz, SpoiledManifests) {
  std::vector<std::string> manifests;
  for (const auto &path : filesOf("/test/runtime/fuzz/corpus/manifest", ".json"))
    manifests.push_back(readAll(path));
  ASSERT_FALSE(manifests.empty());
  fc::test::Mutator mutator(setting("FC_FUZZ_SEED", 2));
  for (size_t i = 0; i < setting("FC_FUZZ_TIMES", 10000) / 4; ++i)
    run(fuzzManifest, mutator.spoil(manifests[mutator.below(manifests.size())],
                                    manifests[mutator.below(manifests.size())]));
}

} // namespace
