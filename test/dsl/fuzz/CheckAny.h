// CheckAny.h - what the fuzzer and the replay of its corpus do with a text: lex, parse, check, and
// use all that comes out of it. Anything may be said of the text; nothing may crash, hang or leak.
#pragma once
#include <cstdint>
#include <string>

namespace fc::dsl::test {

/// The program, if `text` is one: a broken promise of the front end aborts. A first byte below 4
/// picks definitions of compile-time parameters and is not part of the program.
void checkAny(std::string text);

} // namespace fc::dsl::test
