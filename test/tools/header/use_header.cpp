// use_header.cpp - a user's program: the header that fcc wrote, the runtime, nothing else
//
// One key: the softmax is 1 and the output is the value, exactly.
#include "attention.h"
#include <cstdio>
#include <vector>

static int fail(const char *what) {
  std::printf("%s: %s\n", what, fc_last_error());
  return 1;
}

int main() {
  fc_device *device = nullptr;
  fc_module *module = nullptr;
  if (fc_device_open("emulator", &device) || fc_attention::load(device, &module))
    return fail("load");

  const int64_t rows[4] = {1, 2, 3, 64}, keys[4] = {1, 2, 1, 64}, stats[3] = {1, 2, 3};
  const uint16_t half = 0x3800, two = 0x4000, poison = 0x7e00;
  std::vector<uint16_t> q(2 * 3 * 64, half), k(2 * 64, half), v(2 * 64, two), o(2 * 3 * 64, poison);
  std::vector<float> lse(6);
  fc_attention::attention_arguments arguments;
  arguments.q = {q.data(), FC_F16, 4, rows, nullptr};
  arguments.k = {k.data(), FC_F16, 4, keys, nullptr};
  arguments.v = {v.data(), FC_F16, 4, keys, nullptr};
  arguments.scale = 1.0f;
  arguments.o = {o.data(), FC_F16, 4, rows, nullptr};
  arguments.lse = {lse.data(), FC_F32, 3, stats, nullptr};
  if (fc_attention::attention(module, arguments))
    return fail("launch");
  for (uint16_t value : o)
    if (value != two) {
      std::printf("o has %#x, expected %#x\n", value, two);
      return 1;
    }
  if (lse[5] != 16.0f) { // log(exp(64 * 0.5 * 0.5))
    std::printf("lse is %f, expected 16\n", lse[5]);
    return 1;
  }

  // A wrong launch is refused in the words of the .fc file.
  arguments.q.rank = 3;
  if (fc_attention::attention(module, arguments) != FC_ERROR_REFUSED)
    return fail("a wrong rank went through");
  std::printf("refused: %s\nall as expected\n", fc_last_error());
  fc_module_unload(module);
  fc_device_close(device);
}
