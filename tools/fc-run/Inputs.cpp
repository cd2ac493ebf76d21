// Inputs.cpp - random and regular inputs; see Inputs.h.
#include "tools/fc-run/Inputs.h"
#include <algorithm>
#include <charconv>
#include <cstring>

namespace fc::run {

using rt::Code;
using rt::Elem;

size_t HostTensor::size() const {
  size_t result = 1;
  for (int64_t extent : shape)
    result *= static_cast<size_t>(extent);
  return result;
}

namespace {

/// SplitMix64's output function (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014).
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

} // namespace

Random::Random(uint64_t seed, std::string_view name) : state(mix(seed + 0x9e3779b97f4a7c15)) {
  for (char c : name)
    state = mix(state ^ static_cast<unsigned char>(c));
}

uint64_t Random::bits() { return mix(state += 0x9e3779b97f4a7c15); }

double Random::normal() {
  // The sum of twelve uniform numbers has variance 1; it is computed in integers, so it is exact.
  // Its tails end at 6 deviations, where a true normal has one number in a billion.
  int64_t sum = 0;
  for (int i = 0; i < 6; ++i) {
    const uint64_t two = bits();
    sum += static_cast<int64_t>(two >> 32) + static_cast<int64_t>(two & 0xffffffff);
  }
  return static_cast<double>(sum - 6 * (int64_t{1} << 32)) * 0x1p-32;
}

int64_t Random::uniform(int64_t low, int64_t high) {
  const auto range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  const auto scaled = static_cast<uint64_t>(static_cast<unsigned __int128>(bits()) * range >> 64);
  return static_cast<int64_t>(static_cast<uint64_t>(low) + scaled);
}

namespace {

/// "uniform:0:16" as its words.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(':', at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::optional<double> number(const std::string &word, const std::map<std::string, int64_t> &dims) {
  if (auto dim = dims.find(word); dim != dims.end())
    return static_cast<double>(dim->second);
  double value = 0;
  const auto [end, status] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || status != std::errc() || end != word.data() + word.size())
    return std::nullopt;
  return value;
}

std::string_view defaultFill(Elem elem) {
  switch (elem) {
  case Elem::I8:
    return "uniform:-8:8";
  case Elem::U8:
    return "uniform:0:16";
  case Elem::Bool:
    return "uniform:0:2";
  case Elem::I16:
  case Elem::I32:
  case Elem::U32:
  case Elem::I64:
    return "zeros";
  default:
    return "normal";
  }
}

} // namespace

bool fill(HostTensor &tensor, std::string_view name, std::string_view how, uint64_t seed,
          const std::map<std::string, int64_t> &dims, rt::Error &error) {
  const std::vector<std::string> words = split(how.empty() ? defaultFill(tensor.elem) : how);
  auto fail = [&](std::string_view rule) {
    return error.set(Code::Argument, "--fill: `{}={}`, expected {}", name, how, rule);
  };
  std::vector<double> numbers;
  for (size_t i = 1; i < words.size(); ++i) {
    auto value = number(words[i], dims);
    if (!value)
      return fail(fmt::format("a number or a dimension where `{}` stands", words[i]));
    numbers.push_back(*value);
  }
  const std::string &kind = words[0];
  const size_t operands = kind == "uniform"                                            ? 2
                          : kind == "const" || kind == "steps" || kind == "cumulative" ? 1
                                                                                       : 0;
  static constexpr std::string_view kinds[] = {"normal",  "zeros", "const",     "arange",
                                               "uniform", "steps", "cumulative"};
  if (std::find(std::begin(kinds), std::end(kinds), kind) == std::end(kinds))
    return fail("normal, zeros, const:V, arange, uniform:LO:HI, steps:K or cumulative:T");
  if (numbers.size() != operands)
    return fail(fmt::format("{} number{} after `{}`", operands, operands == 1 ? "" : "s", kind));
  if (kind == "uniform" && !(numbers[0] < numbers[1]))
    return fail("a range that is not empty");

  Random random(seed, name);
  const size_t count = tensor.size();
  const auto last = static_cast<size_t>(tensor.shape.empty() ? 1 : tensor.shape.back());
  tensor.bits.assign(count * static_cast<size_t>(bytesOf(tensor.elem)), std::byte{0});
  for (size_t i = 0; i < count; ++i) {
    double value = 0;
    const auto place = static_cast<double>(i % last);
    if (kind == "normal")
      value = random.normal();
    else if (kind == "const")
      value = numbers[0];
    else if (kind == "arange")
      value = static_cast<double>(i);
    else if (kind == "uniform" && isFloat(tensor.elem))
      value = numbers[0] +
              (numbers[1] - numbers[0]) * (static_cast<double>(random.bits() >> 11) * 0x1p-53);
    else if (kind == "uniform")
      value = static_cast<double>(
          random.uniform(static_cast<int64_t>(numbers[0]), static_cast<int64_t>(numbers[1])));
    else if (kind == "steps")
      value =
          static_cast<double>(static_cast<int64_t>(place * numbers[0] / static_cast<double>(last)));
    else if (kind == "cumulative")
      value = static_cast<double>(static_cast<int64_t>(
          place * numbers[0] / static_cast<double>(std::max<size_t>(last, 2) - 1)));
    store(tensor.elem, tensor.bits.data(), i, value);
  }
  return true;
}

uint64_t poisonBits(Elem elem) {
  switch (elem) {
  case Elem::F32:
    return 0x7fb7b7b7;
  case Elem::F16:
    return 0x7db7;
  case Elem::BF16:
    return 0x7fb7;
  case Elem::F8E4M3:
    return 0x7f;
  case Elem::F8E5M2:
    return 0x7d;
  default:
    return 0x7f7f7f7f7f7f7f7f >> (64 - 8 * bytesOf(elem));
  }
}

void poison(HostTensor &tensor) {
  const uint64_t bits = poisonBits(tensor.elem);
  const auto bytes = static_cast<size_t>(bytesOf(tensor.elem));
  tensor.bits.resize(tensor.size() * bytes);
  for (size_t at = 0; at < tensor.bits.size(); at += bytes)
    std::memcpy(tensor.bits.data() + at, &bits, bytes);
}

} // namespace fc::run
