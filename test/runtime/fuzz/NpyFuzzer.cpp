// NpyFuzzer.cpp - any bytes as a .npy file: read or refused, and converted to every element type or
// refused.
#include "runtime/Npy.h"
#include <cstdlib>

using namespace fc::rt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  NpyArray array;
  Error error;
  if (!parseNpy({reinterpret_cast<const char *>(data), size}, "x.npy", array, error))
    return error.message.empty() ? std::abort(), 0 : 0;
  for (int i = 0; i < numElems; ++i) {
    std::vector<std::byte> bits;
    if (convertNpy(array, "x.npy", static_cast<Elem>(i), bits, error) &&
        bits.size() !=
            static_cast<size_t>(array.size()) * static_cast<size_t>(bytesOf(static_cast<Elem>(i))))
      std::abort();
  }
  return 0;
}
