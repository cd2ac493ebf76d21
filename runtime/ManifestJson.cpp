// ManifestJson.cpp - see ManifestJson.h.
#include "runtime/ManifestJson.h"
#include <algorithm>
#include <cctype>

namespace fc::rt {

bool isIdentifier(std::string_view text) {
  if (text.empty() || text.size() > 256 || std::isdigit(static_cast<unsigned char>(text[0])))
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c == '_' || (c < 128 && std::isalnum(c)); });
}

std::string show(const Json &json) {
  std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

//===-- texts ---------------------------------------------------------------------------------===//

namespace {

/// How deep brackets nest outside of strings. Looked at before parsing, so that a hostile text
/// cannot make a tree whose destruction recurses without bound.
size_t bracketDepth(std::string_view json) {
  size_t depth = 0, most = 0;
  bool inString = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      most = std::max(most, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return most;
}

constexpr size_t maxText = size_t{16} << 20;

} // namespace

std::optional<Json> parseJson(std::string_view text, size_t mostLevels, std::string &error) {
  error.clear();
  if (text.size() > maxText) {
    error =
        fmt::format("the manifest has {} bytes, and at most {} are allowed", text.size(), maxText);
    return std::nullopt;
  }
  if (const size_t depth = bracketDepth(text); depth > mostLevels) {
    error = fmt::format("the manifest nests {} levels deep, and at most {} are allowed", depth,
                        mostLevels);
    return std::nullopt;
  }
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const Json::exception &exception) {
    // The parser's own words: "[json.exception.parse_error.101] parse error at ..." - the id says
    // nothing to a reader.
    std::string_view what = exception.what();
    if (auto end = what.find("] "); end != std::string_view::npos)
      what.remove_prefix(end + 2);
    error = fmt::format("the manifest is no JSON: {}", what);
    return std::nullopt;
  }
}

//===-- values --------------------------------------------------------------------------------===//

void JsonReader::atMost(const Json &json, size_t most) {
  if (json.size() > most)
    fail("has {} elements, and at most {} are allowed", json.size(), most);
}

void JsonReader::object(const Json &json, std::initializer_list<std::string_view> known) {
  if (!json.is_object())
    return fail("{} is no object", show(json));
  for (const auto &[key, value] : json.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return fail("has a member `{}`, which format 1 does not know", key);
}

void JsonReader::read(const Json &json, std::string &into) {
  if (json.is_string())
    into = json.get<std::string>();
  else
    fail("{} is no string", show(json));
}

void JsonReader::read(const Json &json, bool &into) {
  if (json.is_boolean())
    into = json.get<bool>();
  else
    fail("{} is neither true nor false", show(json));
}

int64_t JsonReader::integer(const Json &json, int64_t least, int64_t most) {
  if (!json.is_number_integer() ||
      (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t{INT64_MAX})) {
    fail("{} is no integer of 64 bits", show(json));
    return least;
  }
  const auto value = json.get<int64_t>();
  if (value < least || value > most)
    fail("{}, and it must be from {} to {}", value, least, most);
  return std::clamp(value, least, most);
}

std::string JsonReader::identifier(const Json &json) {
  std::string text;
  read(json, text);
  if (ok() && !isIdentifier(text))
    fail("{} is no name", show(json));
  return text;
}

std::string JsonReader::newName(const Json &json, std::set<std::string> &taken) {
  std::string text = identifier(json);
  if (ok() && !taken.insert(text).second)
    fail("`{}` is there twice", text);
  return text;
}

std::array<uint32_t, 3> JsonReader::triple(const Json &json, int64_t most) {
  std::array<uint32_t, 3> result{1, 1, 1};
  if (!json.is_array() || json.size() != 3)
    fail("{} is no array of three numbers", show(json));
  else
    elements(json, [&](const Json &element, size_t i) {
      result[i] = static_cast<uint32_t>(integer(element, 1, most));
    });
  return result;
}

} // namespace fc::rt
