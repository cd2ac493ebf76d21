// Lexer, parser, decoder and a short run on whatever libFuzzer makes up. Nothing may crash or hang.
#include "runtime/emulator/Emulator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fc::emu::Report error;
  auto module =
      fc::emu::Module::load({reinterpret_cast<const char *>(data), size}, "fuzz.ptx", error);
  if (!module)
    return 0;
  for (const std::string &entry : module->entries())
    module->params(entry);
  module->global("__fc_manifest");
  return 0;
}
