// PtxFile.h - a PTX micro-kernel with its vectors in comments.
//
//   // run: kernel=add block=32 in=[1*32] in:16=[0..31] u32=7 out=[1..32]
//   // run: kernel=oob out=[0*4] fails=OOB
//   //> oob.ptx:12: error: ...              the whole report, line by line
//
// Arguments stand in the order of the kernel's parameters: `in`, `out` and `inout` are pointers to
// arrays of 32-bit elements (`:8`, `:16`, `:64` for others), `u32`, `u64` and `f32` scalars.
// Elements are integers, floats `1.5f`, doubles `1.5d`, repetitions `v*n`, ranges `a..b`, and in
// outputs `_` for "whatever". `inout=[a]->[b]` gives both sides. A line `//   ...` goes on with the
// one above it. Other settings: kernel (default: the first), grid, block, shared, async (lazy,
// eager, random), seed, threads, races (on, off), mma (plain, exact), limit (of instructions),
// counter:NAME=N; and twin=KERNEL of a run that has to fail: the kernel without the fault, if that
// is not called KERNEL_fixed.
#pragma once
#include "runtime/emulator/Emulator.h"

#include <optional>
#include <string>
#include <vector>

namespace fc::emu::test {

struct Argument {
  enum class Kind { In, Out, InOut, Scalar } kind;
  unsigned width = 32;
  std::vector<uint64_t> values;
  std::vector<std::optional<uint64_t>> expected;
};

struct RunLine {
  unsigned line = 0;
  std::string kernel, fails, golden, twin;
  std::array<uint32_t, 3> grid{1, 1, 1}, block{32, 1, 1};
  uint32_t shared = 0;
  Launch::Async async = Launch::Async::Lazy;
  uint64_t seed = 0, limit = uint64_t(1) << 24;
  int threads = 1;
  bool races = true, exactMma = false;
  std::vector<Argument> arguments;
  std::vector<std::pair<std::string, uint64_t>> counters;
};

struct PtxFile {
  std::string path, name, text, target;
  std::vector<RunLine> runs;
  std::string loadError; ///< `// error: ...`: the module has to be refused with this text
};

/// Reads a file; throws std::runtime_error with the line at fault.
PtxFile readPtxFile(const std::string &path);

/// Runs one line; returns what is wrong, empty if nothing. With `report`, gives the report there.
std::string runLine(const PtxFile &file, const Module &module, const RunLine &run,
                    std::string *report = nullptr);

/// The file with the golden reports of its failing runs as they are now. Reports name lines, so
/// this settles after two rounds.
std::string withGoldenReports(const PtxFile &file);

} // namespace fc::emu::test
