// ManifestJson.h - reading the JSON of a manifest, which may come from anywhere
//
// Every member is checked before it is used, and the first one that is wrong is named by its path,
// which the reader carries. A failed read makes every later one fail too, so that a reader of a
// format reads straight on and looks at the outcome where it needs a value.
#pragma once
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

namespace fc::rt {

using Json = nlohmann::ordered_json;

/// The tree of a text of at most 16 MB and so many levels, or nothing and why.
std::optional<Json> parseJson(std::string_view text, size_t mostLevels, std::string &error);

/// What a JSON value looks like in a message: whole if short.
std::string show(const Json &json);
/// A letter or `_`, then letters, digits and `_`; at most 256.
bool isIdentifier(std::string_view text);

class JsonReader {
public:
  /// What is wrong goes to `error`, which is empty before.
  explicit JsonReader(std::string &error) : error(error) {}

protected:
  bool ok() const { return error.empty(); }
  template <class... Args> void fail(fmt::format_string<Args...> format, Args &&...args) {
    if (ok())
      error = fmt::format("{}: {}", path.empty() ? "the manifest" : path,
                          fmt::format(format, std::forward<Args>(args)...));
  }

  /// Runs `read` with `part` appended to the path.
  template <class Read> void at(std::string_view part, Read read) {
    if (!ok())
      return;
    const size_t length = path.size();
    path += part;
    read();
    path.resize(length);
  }

  /// Member `name` of an object; absent is an error unless `optional`.
  template <class Read>
  void member(const Json &object, std::string_view name, Read read, bool optional = false) {
    at(path.empty() ? std::string(name) : fmt::format(".{}", name), [&] {
      auto found = object.find(name);
      if (found != object.end())
        read(*found);
      else if (!optional)
        fail("is missing");
    });
  }

  /// An array of at most that many elements.
  void atMost(const Json &json, size_t most);

  /// Each element of an array, with its number.
  template <class Read> void elements(const Json &json, Read read) {
    if (!json.is_array())
      return fail("{} is no array", show(json));
    for (size_t i = 0; i < json.size() && ok(); ++i)
      at(fmt::format("[{}]", i), [&] { read(json[i], i); });
  }

  /// Refuses what is no object and members that the format does not know.
  void object(const Json &json, std::initializer_list<std::string_view> known);

  void read(const Json &json, std::string &into);
  void read(const Json &json, bool &into);
  /// An integer from `least` to `most`.
  int64_t integer(const Json &json, int64_t least, int64_t most);
  std::string identifier(const Json &json);
  /// A name that is not taken yet.
  std::string newName(const Json &json, std::set<std::string> &taken);
  /// Three numbers from 1 to `most`.
  std::array<uint32_t, 3> triple(const Json &json, int64_t most);

private:
  std::string &error;
  std::string path;
};

} // namespace fc::rt
