// FuzzFrontend.cpp - the libFuzzer target over lexer, parser and checker:
//
//     build-asan/fuzzers/fuzz-frontend -dict=test/dsl/fuzz/words.dict test/dsl/fuzz/corpus
//     test/dsl/examples
#include "test/dsl/fuzz/CheckAny.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fc::dsl::test::checkAny(std::string(reinterpret_cast<const char *>(data), size));
  return 0;
}
