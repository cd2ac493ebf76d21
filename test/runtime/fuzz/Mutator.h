// Mutator.h - spoils texts, the same way on every machine: what the fuzzers try in the ordinary
// tests, a bounded number of times.
#pragma once
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fc::test {

class Mutator {
public:
  explicit Mutator(uint64_t seed) : state(seed) {}

  /// A number below `n`.
  size_t below(size_t n) {
    state += 0x9e3779b97f4a7c15u; // splitmix64
    uint64_t x = state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return size_t((x ^ (x >> 31)) % n);
  }

  /// `text` with one to three faults. `other` gives lines and words to take over.
  std::string spoil(std::string text, const std::string &other) {
    for (size_t faults = 1 + below(3); faults && !text.empty(); --faults)
      spoilOnce(text, other);
    return text;
  }

private:
  uint64_t state;

  struct Span {
    size_t at, size;
  };

  void spoilOnce(std::string &text, const std::string &other) {
    size_t at = below(text.size());
    switch (below(9)) {
    case 0: // another byte
      text[at] = char(below(256));
      return;
    case 1: // some bytes less
      text.erase(at, 1 + below(8));
      return;
    case 2: // the rest gone
      text.resize(at);
      return;
    case 3: // a line twice, or one of the other text
    case 4: {
      std::string line = at % 2
                             ? std::string(lineAt(text, at))
                             : std::string(lineAt(other, other.empty() ? 0 : below(other.size())));
      size_t end = text.find('\n', at);
      text.insert(end == std::string::npos ? text.size() : end + 1, line + "\n");
      return;
    }
    case 5: { // a line gone
      size_t begin = text.rfind('\n', at), end = text.find('\n', at + 1);
      if (begin != std::string::npos && end != std::string::npos)
        text.erase(begin, end - begin);
      return;
    }
    case 6: { // a number at its limits
      static constexpr const char *limits[] = {"0",
                                               "1",
                                               "-1",
                                               "3",
                                               "17",
                                               "65536",
                                               "2147483648",
                                               "4294967295",
                                               "1e309",
                                               "0x7fffffff",
                                               "99999999999999999999"};
      Span number = wordAt(text, at, [](char c) { return std::isdigit((unsigned char)c) != 0; });
      if (number.size)
        text.replace(number.at, number.size, limits[below(std::size(limits))]);
      return;
    }
    default: { // a word instead of another
      auto inWord = [](char c) {
        return std::isalnum((unsigned char)c) || c == '_' || c == '%' || c == '$';
      };
      Span to = wordAt(text, at, inWord);
      const std::string &source = below(3) || other.empty() ? text : other;
      Span from = wordAt(source, below(source.size()), inWord);
      if (to.size && from.size)
        text.replace(to.at, to.size, std::string(source.substr(from.at, from.size)));
      return;
    }
    }
  }

  static std::string_view lineAt(std::string_view text, size_t at) {
    size_t begin = at ? text.rfind('\n', at - 1) : std::string_view::npos;
    begin = begin == std::string_view::npos ? 0 : begin + 1;
    size_t end = text.find('\n', begin);
    return text.substr(begin, end == std::string_view::npos ? end : end - begin);
  }

  /// The word around the first byte from `at` on that may be in one.
  template <class F> static Span wordAt(std::string_view text, size_t at, F inWord) {
    while (at < text.size() && !inWord(text[at]))
      ++at;
    size_t end = at;
    while (at > 0 && inWord(text[at - 1]))
      --at;
    while (end < text.size() && inWord(text[end]))
      ++end;
    return {at, end - at};
  }
};

} // namespace fc::test
