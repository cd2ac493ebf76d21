// TestUtil.h - what the tests of the front end share.
#pragma once
#include "dsl/Frontend.h"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace fc::dsl::test {

inline const std::filesystem::path kTestDir = std::filesystem::path(FC_SOURCE_DIR) / "test" / "dsl";

inline std::string readText(const std::filesystem::path &path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The .fc files of a folder, sorted.
inline std::vector<std::filesystem::path> programs(const std::filesystem::path &folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".fc")
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// A program and what was said of it.
struct Checked {
  std::unique_ptr<Program> program;
  Diagnostics diagnostics;
  /// The names of the diagnostics: "AxisMissing UnknownName".
  std::string names() const {
    std::string list;
    for (const Diagnostic &d : diagnostics.list)
      list += (list.empty() ? "" : " ") + std::string(name(d.diag));
    return list;
  }
};

inline Checked checkText(std::string text, const Defines &defines = {}) {
  Checked result;
  result.program = checkSource("test.fc", std::move(text), defines, result.diagnostics);
  return result;
}

/// A kernel around statements: q k v and o of the usual shapes, axes b h i (grid) and j d.
inline Checked checkBody(const std::string &body) {
  return checkText(
      "kernel test<T: type = f16, D: int = 64>(\n"
      "    q: T[B, H, M, D], k: T[B, H, N, D], v: T[B, H, N, D], n: i32[B], c: f32[H],\n"
      "    width: int = 4, scale: f32 = 1.5, flag: bool = true\n"
      ") -> (o: T[B, H, M, D], l: f32[B, H, M])\n"
      "{\n  grid b in B, h in H, tile i in M\n  axis j in N, d in D\n" +
      body + "\n}\n");
}

} // namespace fc::dsl::test
