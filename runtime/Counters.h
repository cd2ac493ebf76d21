// Counters.h - what a device counted, as JSON
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace fc::rt {

/// An object by name. Classes nest: `warp_instructions.alu` is the field `alu` of the object
/// `warp_instructions`, whose own count is its field `total`.
nlohmann::ordered_json countersJson(const std::map<std::string, uint64_t> &counters);

} // namespace fc::rt
