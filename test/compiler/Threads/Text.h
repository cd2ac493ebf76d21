// Text.h - pieces of fc text for kernels made by tests
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace fc::test {

/// Axes with sizes, alphabetical: {{"i", 16}, {"j", 8}}.
using Axes = std::vector<std::pair<std::string, int>>;

inline std::string tileText(const std::string &element, const Axes &axes,
                            const std::string &place) {
  std::string text = "!fc.tile<" + element + ", [";
  for (size_t i = 0; i < axes.size(); ++i)
    text += (i ? ", " : "") + axes[i].first + ": " + std::to_string(axes[i].second);
  return text + "], " + place + ">";
}
inline std::string placeText(const std::string &digits) { return "#fc.place<\"" + digits + "\">"; }
inline std::string sharedText(const std::string &minor, int page) {
  return "#fc.shared<\"" + minor + "\", page = " + std::to_string(page) + ">";
}
inline std::string tensorText(const std::string &element, const std::vector<std::string> &extents) {
  std::string text = "!fc.tensor<" + element + ", [";
  for (size_t i = 0; i < extents.size(); ++i)
    text += (i ? ", \"" : "\"") + extents[i] + "\"";
  return text + "]>";
}
inline std::string slotText(const std::string &tile) { return "!fc.slot<" + tile + ">"; }

} // namespace fc::test
