// Place.cpp - mixed-radix places: queries, composition, text form, conversions
#include "compiler/IR/Place.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>
#include <map>

using namespace llvm;

namespace fc {

int Place::count(Unit unit) const {
  int n = 1;
  for (const Digit &digit : digits)
    if (digit.unit == unit)
      n *= digit.size;
  return n;
}

int Place::extent(StringRef axis) const {
  int n = 1;
  for (const Digit &digit : digits)
    if (digit.axis == axis)
      n *= digit.size;
  return n;
}

bool Place::has(StringRef axis) const {
  return any_of(digits, [&](const Digit &digit) { return digit.axis == axis; });
}

Coord Place::at(int warp, int lane, int value) const {
  Coord coord;
  int rest[3] = {value, lane, warp};
  for (const Digit &digit : digits) {
    int &r = rest[int(digit.unit)];
    int x = r % digit.size;
    r /= digit.size;
    if (!digit.axis.empty())
      coord[digit.axis] += x * digit.stride;
  }
  return coord;
}

Place Place::repeat(StringRef axis, int n, Unit unit) const {
  Place place = *this;
  place.digits.push_back({unit, axis.str(), n, extent(axis)});
  return place.normal();
}

Place Place::slice(StringRef axis) const {
  Place place;
  for (const Digit &digit : digits) {
    if (digit.axis != axis)
      place.digits.push_back(digit);
    else if (digit.unit != Unit::Value)
      place.digits.push_back({digit.unit, "", digit.size, 0});
  }
  return place.normal();
}

Place Place::sliceTo(ArrayRef<StringRef> axes) const {
  Place place = *this;
  for (const Digit &digit : digits)
    if (!digit.axis.empty() && !is_contained(axes, digit.axis))
      place = place.slice(digit.axis);
  return place.normal();
}

Place Place::partial(StringRef axis, StringRef rest) const {
  Place place;
  int stride = 1;
  for (Digit digit : digits) {
    if (digit.axis == axis) {
      if (digit.unit == Unit::Value)
        continue;
      digit.axis = rest.str();
      digit.stride = stride;
      stride *= digit.size;
    }
    place.digits.push_back(digit);
  }
  return place.normal();
}

Place Place::rename(StringRef from, StringRef to) const {
  Place place = *this;
  for (Digit &digit : place.digits)
    if (digit.axis == from)
      digit.axis = to.str();
  return place;
}

Place Place::normal() const {
  Place place;
  for (Unit unit : {Unit::Value, Unit::Lane, Unit::Warp}) {
    for (const Digit &digit : digits) {
      if (digit.unit != unit || digit.size == 1)
        continue;
      if (!place.digits.empty()) {
        Digit &last = place.digits.back();
        bool adjacent = digit.axis.empty() || last.stride * last.size == digit.stride;
        if (last.unit == unit && last.axis == digit.axis && adjacent) {
          last.size *= digit.size;
          continue;
        }
      }
      place.digits.push_back(digit);
    }
    // An index past the digits replicates by itself.
    if (!place.digits.empty() && place.digits.back().unit == unit &&
        place.digits.back().axis.empty())
      place.digits.pop_back();
  }
  return place;
}

bool Place::verify() const {
  std::map<std::string, std::vector<std::pair<int, int>>> byAxis;
  for (const Digit &digit : digits) {
    if (digit.size < 1)
      return false;
    if (!digit.axis.empty() && digit.size > 1)
      byAxis[digit.axis].push_back({digit.stride, digit.size});
  }
  for (auto &[axis, list] : byAxis) {
    std::sort(list.begin(), list.end());
    int expected = 1;
    for (auto [stride, size] : list) {
      if (stride != expected)
        return false;
      expected *= size;
    }
  }
  return count(Unit::Lane) <= 32;
}

std::vector<Digit> Place::of(Unit unit) const {
  std::vector<Digit> result;
  for (const Digit &digit : digits)
    if (digit.unit == unit)
      result.push_back(digit);
  return result;
}

static constexpr StringLiteral unitNames = "vlw";

std::string Place::str() const {
  std::string text;
  for (Unit unit : {Unit::Value, Unit::Lane, Unit::Warp}) {
    std::vector<Digit> list = of(unit);
    if (list.empty())
      continue;
    if (!text.empty())
      text += " | ";
    text += unitNames[int(unit)];
    for (const Digit &digit : list) {
      if (digit.axis.empty())
        text += " _:" + std::to_string(digit.size);
      else
        text += " " + digit.axis + ":" + std::to_string(digit.size) + ":" +
                std::to_string(digit.stride);
    }
  }
  return text;
}

std::optional<Place> Place::parse(StringRef text, std::string &error) {
  Place place;
  if (text.trim().empty())
    return place;
  SmallVector<StringRef> units;
  text.split(units, '|');
  for (StringRef part : units) {
    SmallVector<StringRef> words;
    part.split(words, ' ', -1, /*KeepEmpty=*/false);
    size_t unit =
        words.empty() || words[0].size() != 1 ? StringRef::npos : unitNames.find(words[0][0]);
    if (unit == StringRef::npos) {
      error = "a unit is `v`, `l` or `w`, followed by its digits";
      return std::nullopt;
    }
    for (StringRef word : drop_begin(words)) {
      SmallVector<StringRef> fields;
      word.split(fields, ':');
      Digit digit{Unit(unit), "", 0, 0};
      bool replicates = fields[0] == "_";
      bool wrong = fields.size() != (replicates ? 2u : 3u) || fields[0].empty() ||
                   fields[1].getAsInteger(10, digit.size) || digit.size < 1;
      if (!wrong && !replicates) {
        digit.axis = fields[0].str();
        wrong = fields[2].getAsInteger(10, digit.stride) || digit.stride < 1;
      }
      if (wrong) {
        error = "`" + word.str() + "` is no digit: `axis:size:stride` or `_:size`";
        return std::nullopt;
      }
      place.digits.push_back(digit);
    }
  }
  if (!place.verify()) {
    error = "the digits of an axis must tile it once, without gaps, on at most 32 lanes";
    return std::nullopt;
  }
  return place;
}

namespace {
/// The elements of a place by number: a coordinate is a sum of what warp, lane and value say, and
/// so is the number of the element in row-major order over `extents`.
struct ElementNumbers {
  SmallVector<int> warps, lanes, values;

  ElementNumbers(const Place &place, const std::map<std::string, int> &extents, int warpCount) {
    auto number = [&](const Coord &coord) {
      int result = 0;
      for (const auto &[axis, extent] : extents)
        result = result * extent + coord.lookup(axis);
      return result;
    };
    for (int warp = 0; warp < warpCount; ++warp)
      warps.push_back(number(place.at(warp, 0, 0)));
    for (int lane = 0; lane < 32; ++lane)
      lanes.push_back(number(place.at(0, lane, 0)));
    for (int value = 0, n = place.count(Unit::Value); value < n; ++value)
      values.push_back(number(place.at(0, 0, value)));
  }
};
} // namespace

Conversion convert(const Place &from, const Place &to, int warps) {
  if (from == to)
    return {Conversion::Nothing, {}};
  std::map<std::string, int> extents;
  for (const Place *place : {&from, &to})
    for (const Digit &digit : place->digits)
      if (!digit.axis.empty()) {
        if (!from.has(digit.axis) || !to.has(digit.axis))
          return {Conversion::Shared, {}};
        extents[digit.axis] = std::max(from.extent(digit.axis), to.extent(digit.axis));
      }
  int elements = 1;
  for (const auto &[axis, extent] : extents)
    elements *= extent;
  ElementNumbers sources(from, extents, warps), targets(to, extents, warps);

  bool withinThread = true;
  std::vector<int> permutation;
  // Of each element, the last warp seen to hold it; the last thread, and the first value of that.
  std::vector<int> heldByWarp(elements, -1), heldByThread(elements, -1), heldAs(elements, -1);
  for (int warp = 0; warp < warps; ++warp) {
    for (int lane : sources.lanes)
      for (int value : sources.values)
        heldByWarp[sources.warps[warp] + lane + value] = warp;
    for (int lane = 0; lane < 32; ++lane) {
      int thread = warp * 32 + lane;
      for (auto [value, number] : enumerate(sources.values)) {
        int element = sources.warps[warp] + sources.lanes[lane] + number;
        if (heldByThread[element] != thread) {
          heldByThread[element] = thread;
          heldAs[element] = value;
        }
      }
      std::vector<int> mine;
      for (int number : targets.values) {
        int element = targets.warps[warp] + targets.lanes[lane] + number;
        if (heldByWarp[element] != warp)
          return {Conversion::Shared, {}};
        mine.push_back(heldByThread[element] == thread ? heldAs[element] : -1);
        withinThread = withinThread && mine.back() >= 0;
      }
      if (thread == 0)
        permutation = mine;
      else
        withinThread = withinThread && mine == permutation;
    }
  }
  if (!withinThread)
    return {Conversion::Shuffle, {}};
  for (size_t i = 0; i < permutation.size(); ++i)
    if (permutation[i] != int(i))
      return {Conversion::Permute, permutation};
  if (int(permutation.size()) == from.count(Unit::Value))
    return {Conversion::Nothing, {}};
  return {Conversion::Permute, permutation};
}

} // namespace fc
