// Counters.cpp - counters as nested JSON objects
#include "runtime/Counters.h"

namespace fc::rt {

nlohmann::ordered_json countersJson(const std::map<std::string, uint64_t> &counters) {
  auto result = nlohmann::ordered_json::object();
  for (const auto &[name, count] : counters)
    if (size_t dot = name.find('.'); dot != std::string::npos)
      result[name.substr(0, dot)][name.substr(dot + 1)] = count;
    else if (counters.contains(name + ".total"))
      result[name] = nlohmann::ordered_json::object(); // its classes follow
    else
      result[name] = count;
  return result;
}

} // namespace fc::rt
