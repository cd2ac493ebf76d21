// Bench.h - runs a kernel written in the fc dialect, from the end of stage `place`, on the emulator
#pragma once
#include "runtime/Elem.h"
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace fc::test {

/// A tensor in row-major order, perhaps with padded rows. Elements are set and read as doubles.
struct Array {
  rt::Elem elem = rt::Elem::F32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides; ///< elements
  std::vector<std::byte> bytes;
  int64_t start = 0; ///< elements before the first
  bool null = false; ///< passed as a null pointer

  /// `pad`: elements between one row and the next; `start`: before the first.
  static Array make(rt::Elem elem, std::vector<int64_t> shape, int64_t pad = 0, int64_t start = 0);
  static Array random(rt::Elem elem, std::vector<int64_t> shape, unsigned seed, int64_t pad = 0,
                      int64_t start = 0);
  double at(std::vector<int64_t> index) const;
  void set(std::vector<int64_t> index, double value);
  size_t offset(const std::vector<int64_t> &index) const;
};

struct Compiled {
  std::string ptx;
  std::vector<std::string> args;
  int64_t threads = 0, shared = 0;
  std::string error; ///< of the compiler; empty when all is well
  int barriers = 0;  ///< in the PTX text
};

/// Lowers one kernel; `placed` is the text at the end of stage `place`.
Compiled compile(const std::string &placed);

struct Run {
  std::map<std::string, Array *> tensors; ///< outputs too
  std::map<std::string, int64_t> dims;
  std::map<std::string, double> scalars;
  uint32_t ctas = 1;
};

/// Launches it. Returns what went wrong, or "". Bytes that no thread wrote keep their value.
std::string launch(const Compiled &kernel, Run &run);
/// Both.
std::string run(const std::string &placed, Run run);

} // namespace fc::test
