// Pairs.h - NAME=NUMBER and NAME=VALUE on the command lines of the tools.
//
// Each function adds to a map and returns what is wrong with the text, or nothing.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fc::run {

/// Of `option`, such as --shape: "B=1,H=8" and "B=1 H=8" alike. Numbers are from 0 to 2^31 - 1.
std::optional<std::string> parseNumbers(std::string_view option,
                                        const std::vector<std::string> &items,
                                        std::map<std::string, int64_t> &numbers);

/// Of `option`: "q=q.npy".
std::optional<std::string> parsePairs(std::string_view option,
                                      const std::vector<std::string> &items,
                                      std::map<std::string, std::string> &pairs);

} // namespace fc::run
