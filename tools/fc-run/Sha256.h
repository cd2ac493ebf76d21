// Sha256.h - the digest by which a manifest names the text that it was made of (FIPS 180-4).
#pragma once
#include <string>
#include <string_view>

namespace fc::run {

/// In 64 lower-case hexadecimal digits.
std::string sha256(std::string_view text);

} // namespace fc::run
