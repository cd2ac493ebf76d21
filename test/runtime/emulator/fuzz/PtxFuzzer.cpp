// PtxFuzzer.cpp - any bytes as PTX: lexer, parser and decoder, and if they take it, a short run of
// each kernel. Nothing may crash or hang, and what is said has the id of a check.
#include "runtime/emulator/Checks.h"
#include "runtime/emulator/Emulator.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

void expectKnown(const fc::emu::Report &report) {
  auto known = [&](const fc::emu::Check &check) { return check.id == report.id; };
  auto checks = fc::emu::checks();
  if (report.text.empty() || std::none_of(checks.begin(), checks.end(), known))
    std::abort();
}

/// Runs a kernel with a small buffer wherever a pointer may be meant, and small numbers elsewhere.
void runShortly(const fc::emu::Module &module, const std::string &entry, size_t salt) {
  constexpr size_t bytes = 2048, most = 8;
  static uint8_t memory[most][bytes];
  fc::emu::Launch launch;
  launch.entry = entry;
  launch.grid = {2, 1, 1};
  launch.block = {64, 1, 1};
  launch.sharedBytes = 4096;
  launch.hostThreads = 1;
  launch.instructionLimit = 4000;
  launch.async = fc::emu::Launch::Async(salt % 3);
  launch.seed = salt;
  for (const fc::emu::Module::Param &param : module.params(entry)) {
    launch.params.resize(param.offset + param.size);
    size_t number = launch.buffers.size();
    if (param.size == 8 && number < most) {
      std::memset(memory[number], int(number), bytes);
      launch.pointers.push_back({param.offset, int(number), 0});
      launch.buffers.push_back({param.name, memory[number], bytes, number % 2 == 0});
    } else if (param.size) {
      launch.params[param.offset] = std::byte(40);
    }
  }
  fc::emu::Result result = fc::emu::launch(module, launch);
  if (!result.ok)
    expectKnown(result.report);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fc::emu::Report error;
  auto module =
      fc::emu::Module::load({reinterpret_cast<const char *>(data), size}, "fuzz.ptx", error);
  if (!module) {
    expectKnown(error);
    return 0;
  }
  module->global("__fc_manifest");
  for (const std::string &entry : module->entries())
    runShortly(*module, entry, size);
  return 0;
}
