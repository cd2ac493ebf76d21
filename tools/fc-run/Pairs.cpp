// Pairs.cpp - NAME=NUMBER and NAME=VALUE on the command lines of the tools.
#include "tools/fc-run/Pairs.h"
#include <charconv>
#include <fmt/format.h>
#include <sstream>

namespace fc::run {

std::optional<std::string> parseNumbers(std::string_view option,
                                        const std::vector<std::string> &items,
                                        std::map<std::string, int64_t> &numbers) {
  for (const std::string &item : items) {
    std::stringstream stream(item);
    for (std::string part; std::getline(stream, part, ',');) {
      if (part.empty())
        continue;
      const size_t equals = part.find('=');
      int64_t value = 0;
      const char *end = part.data() + part.size();
      std::from_chars_result result{nullptr, std::errc::invalid_argument};
      if (equals != 0 && equals != std::string::npos)
        result = std::from_chars(part.data() + equals + 1, end, value);
      if (result.ec != std::errc() || result.ptr != end || value < 0 || value > INT32_MAX)
        return fmt::format("{}: `{}` is not NAME=NUMBER with a number from 0 to 2^31 - 1", option,
                           part);
      if (!numbers.emplace(part.substr(0, equals), value).second)
        return fmt::format("{}: `{}` is given twice", option, part.substr(0, equals));
    }
  }
  return std::nullopt;
}

std::optional<std::string> parsePairs(std::string_view option,
                                      const std::vector<std::string> &items,
                                      std::map<std::string, std::string> &pairs) {
  for (const std::string &item : items) {
    const size_t equals = item.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == item.size())
      return fmt::format("{}: `{}` is not NAME=VALUE", option, item);
    if (!pairs.emplace(item.substr(0, equals), item.substr(equals + 1)).second)
      return fmt::format("{}: `{}` is given twice", option, item.substr(0, equals));
  }
  return std::nullopt;
}

} // namespace fc::run
