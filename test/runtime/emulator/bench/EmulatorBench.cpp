// Instruction rate of the emulator by class: a loop of 32 copies of an instruction, on one host
// thread; then a FlashAttention-2 kernel (cuda/flash.cu) on all of them.
//   build/bin/bench_emulator          prints million warp instructions a second of CPU time
#include "runtime/emulator/Emulator.h"

#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <vector>

namespace {

struct Case {
  const char *name, *instruction;
};

constexpr Case cases[] = {
    {"add.s32", "add.s32 %r1, %r2, %r3;"},
    {"mad.lo.s32", "mad.lo.s32 %r1, %r2, %r3, %r4;"},
    {"mul.wide.u32", "mul.wide.u32 %d1, %r2, %r3;"},
    {"shl.b32", "shl.b32 %r1, %r2, 3;"},
    {"lop3.b32", "lop3.b32 %r1, %r2, %r3, %r4, 0x96;"},
    {"prmt.b32", "prmt.b32 %r1, %r2, %r3, 0x5410;"},
    {"setp.lt.f32", "setp.lt.f32 %p1, %f2, %f3;"},
    {"selp.f32", "selp.f32 %f1, %f2, %f3, %p0;"},
    {"fma.rn.f32", "fma.rn.f32 %f1, %f2, %f3, %f4;"},
    {"max.f32", "max.f32 %f1, %f2, %f3;"},
    {"ex2.approx.ftz.f32", "ex2.approx.ftz.f32 %f1, %f2;"},
    {"rcp.approx.ftz.f32", "rcp.approx.ftz.f32 %f1, %f2;"},
    {"fma.rn.f16x2", "fma.rn.f16x2 %r1, %r2, %r3, %r4;"},
    {"cvt.rn.f16x2.f32", "cvt.rn.f16x2.f32 %r1, %f2, %f3;"},
    {"shfl.sync.bfly", "shfl.sync.bfly.b32 %r1, %r2, 1, 31, 0xffffffff;"},
    {"ld.shared.f32", "ld.shared.f32 %f1, [%s];"},
    {"ld.shared.v4.f32", "ld.shared.v4.f32 {%f1, %f5, %f6, %f7}, [%s16];"},
    {"st.shared.f32", "st.shared.f32 [%s], %f2;"},
    {"ld.global.f32", "ld.global.f32 %f1, [%g];"},
    {"ldmatrix.x4", "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r1, %r5, %r6, %r7}, [%s16];"},
    {"mma.m16n8k16.f32.f16", "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1, %f5, %f6, "
                             "%f7}, {%r2, %r3, %r4, %r2}, "
                             "{%r3, %r4}, {%f2, %f3, %f4, %f2};"},
    {"bar.sync", "bar.sync 0;"},
};

std::string kernel(const Case &c) {
  std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n"
                     ".visible .entry k(.param .u64 o, .param .u32 n)\n{\n"
                     ".reg .pred %p<4>;\n.reg .b32 %r<9>, %i, %n, %t, %s, %s16;\n.reg .f32 %f<9>;\n"
                     ".reg .b64 %d<4>, %g;\n.shared .align 16 .b8 m[4096];\n"
                     "mov.u32 %t, %tid.x;\nld.param.u64 %g, [o];\nld.param.u32 %n, [n];\n"
                     "mul.wide.u32 %d2, %t, 4;\nadd.s64 %g, %g, %d2;\nst.global.u32 [%g], %t;\n"
                     "mov.u32 %s, m;\nmad.lo.u32 %s16, %t, 16, %s;\nmad.lo.u32 %s, %t, 4, %s;\n"
                     "mov.b32 %r2, 0x3c003c00;\nmov.b32 %r3, 0x40003800;\nadd.u32 %r4, %t, 5;\n"
                     "st.shared.v4.b32 [%s16], {%r2, %r3, %r4, %r4};\nbar.sync 0;\n"
                     "cvt.rn.f32.u32 %f2, %t;\nmov.f32 %f3, 0f3F000000;\nmov.f32 %f4, 0f3E800000;\n"
                     "setp.lt.u32 %p0, %t, 16;\nmov.u32 %i, 0;\nloop:\n";
  for (int i = 0; i < 32; ++i)
    text += std::string(c.instruction) + "\n";
  return text + "add.u32 %i, %i, 1;\nsetp.lt.u32 %p3, %i, %n;\n@%p3 bra loop;\nret;\n}\n";
}

/// Attention over random bits that are halves in [-1, 1): wall time, CPU time and what was issued.
bool benchFlash(uint32_t heads, uint32_t length, bool races) {
  std::ifstream file(FC_SOURCE_DIR "/test/runtime/emulator/cuda/flash.ptx");
  std::stringstream text;
  text << file.rdbuf();
  fc::emu::Report error;
  auto module = fc::emu::Module::load(text.str(), "flash.ptx", error);
  if (!module) {
    fmt::print("{}\n", error.text);
    return false;
  }
  size_t count = size_t(heads) * length * 64;
  std::vector<uint16_t> q(count), k(count), v(count), o(count);
  uint32_t state = 1;
  for (auto *array : {&q, &k, &v})
    for (uint16_t &x : *array)
      x = uint16_t((state = state * 1664525 + 1013904223) >> 16 & 0x9bff) | 0x2000;
  fc::emu::Launch launch;
  launch.entry = "flash";
  launch.grid = {length / 64, heads, 1};
  launch.block = {128, 1, 1};
  launch.sharedBytes = 5 * 64 * 128;
  launch.checkRaces = races;
  launch.params.resize(44);
  float scale = 0.125f * 1.4426950408889634f;
  std::memcpy(launch.params.data() + 32, &length, 4);
  std::memcpy(launch.params.data() + 36, &length, 4);
  std::memcpy(launch.params.data() + 40, &scale, 4);
  launch.buffers = {{"q", q.data(), count * 2, true},
                    {"k", k.data(), count * 2, true},
                    {"v", v.data(), count * 2, true},
                    {"o", o.data(), count * 2, false}};
  launch.pointers = {{0, 0, 0}, {8, 1, 0}, {16, 2, 0}, {24, 3, 0}};
  std::clock_t start = std::clock();
  auto result = fc::emu::launch(*module, launch);
  double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
  if (!result.ok) {
    fmt::print("{}\n", result.report.text);
    return false;
  }
  fmt::print("flash, H={} S={} D=64, races {:<3} {:>8.3f} s {:>8.3f} s of CPU {:>6.1f} M/s\n",
             heads, length, races ? "on" : "off", result.seconds, seconds,
             double(result.counters["warp_instructions"]) / seconds / 1e6);
  return true;
}

} // namespace

int main() {
  fmt::print("{:<22} {:>14} {:>14}\n", "instruction", "checks", "and races");
  for (const Case &c : cases) {
    fc::emu::Report error;
    auto module = fc::emu::Module::load(kernel(c), c.name, error);
    if (!module) {
      fmt::print("{}\n", error.text);
      return 1;
    }
    double rate[2];
    for (bool races : {false, true}) {
      std::vector<uint32_t> o(32);
      fc::emu::Launch launch;
      launch.entry = "k";
      launch.block = {32, 1, 1};
      launch.checkRaces = races;
      launch.params.resize(12);
      uint32_t n = 3000;
      std::memcpy(launch.params.data() + 8, &n, 4);
      launch.buffers = {{"o", o.data(), 128, false}};
      launch.pointers = {{0, 0, 0}};
      std::clock_t start = std::clock();
      auto result = fc::emu::launch(*module, launch);
      double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
      if (!result.ok) {
        fmt::print("{}\n", result.report.text);
        return 1;
      }
      rate[races] = double(result.counters["warp_instructions"]) / seconds / 1e6;
    }
    fmt::print("{:<22} {:>12.1f} M {:>12.1f} M\n", c.name, rate[0], rate[1]);
  }
  for (auto [heads, length] : {std::pair{8u, 512u}, {1u, 4096u}})
    for (bool races : {false, true})
      if (!benchFlash(heads, length, races))
        return 1;
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("most memory: {} MB\n", usage.ru_maxrss / 1024);
}
