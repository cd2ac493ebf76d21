// Inputs.h - the inputs of a run: from files, or random and the same on every machine.
#pragma once
#include "runtime/Elem.h"
#include "runtime/Error.h"
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fc::run {

/// A row-major tensor in host memory.
struct HostTensor {
  rt::Elem elem = rt::Elem::F32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bits;
  size_t size() const; ///< number of elements
};

/// A sequence of numbers that depends on the seed and the name alone, and on no library's idea of a
/// logarithm: every machine makes the same bits.
class Random {
public:
  Random(uint64_t seed, std::string_view name);
  uint64_t bits();                            ///< 64 uniform bits
  double normal();                            ///< mean 0, deviation 1
  int64_t uniform(int64_t low, int64_t high); ///< low <= x < high

private:
  uint64_t state;
};

/// Fills `tensor` (its element type and shape are set) as `how` says: "normal", "zeros", "const:V",
/// "arange", "uniform:LO:HI", "steps:K", "cumulative:T"; empty: by its element type. `dims` may
/// stand for numbers.
bool fill(HostTensor &tensor, std::string_view name, std::string_view how, uint64_t seed,
          const std::map<std::string, int64_t> &dims, rt::Error &error);

/// Makes every element one that no kernel writes by chance: a NaN with a payload of its own,
/// 0x7f7f... in integers, 0x7f in a bool.
void poison(HostTensor &tensor);
/// The bits of a poisoned element.
uint64_t poisonBits(rt::Elem elem);

} // namespace fc::run
