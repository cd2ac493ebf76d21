// Overlap.cpp - whether strided tensors share memory.
//
// Elements x of a and y of b share a byte if
//
//   -bytes_a < (address_a + sum_k x_k s_k) - (address_b + sum_k y_k t_k) < bytes_b
//
// which asks for integers in boxes that bring a weighted sum near a given number. Dimensions of
// equal stride become one (x_k - y_k, with a range on both sides of 0), the rest is a search from
// the largest stride down: what the smaller ones can still reach leaves few values to try, one or
// two for nested layouts.
#include "runtime/Overlap.h"
#include <algorithm>
#include <vector>

namespace fc::rt {
namespace {

using Wide = __int128;

struct Term {
  Wide stride;
  Wide low, high; ///< the range of its coefficient
};

Wide floorDiv(Wide a, Wide b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

class Search {
public:
  Search(std::vector<Term> &&termsIn, Wide least, Wide most)
      : terms(std::move(termsIn)), least(least), most(most), reachLow(terms.size() + 1),
        reachHigh(terms.size() + 1) {
    for (size_t i = terms.size(); i-- > 0;) {
      reachLow[i] = reachLow[i + 1] + terms[i].stride * terms[i].low;
      reachHigh[i] = reachHigh[i + 1] + terms[i].stride * terms[i].high;
    }
  }

  /// Is there a choice of coefficients from term `i` on that brings `sum` into [least, most]?
  bool from(size_t i, Wide sum) {
    if (++steps > 100000)
      return true;
    if (i == terms.size())
      return least <= sum && sum <= most;
    const Term &term = terms[i];
    const Wide first = std::max(term.low, -floorDiv(sum + reachHigh[i + 1] - least, term.stride));
    const Wide last = std::min(term.high, floorDiv(most - sum - reachLow[i + 1], term.stride));
    for (Wide x = first; x <= last; ++x)
      if (from(i + 1, sum + x * term.stride))
        return true;
    return false;
  }

private:
  std::vector<Term> terms;
  Wide least, most;
  std::vector<Wide> reachLow, reachHigh;
  int steps = 0;
};

} // namespace

uint64_t Region::end() const {
  uint64_t last = address;
  for (size_t i = 0; i < shape.size(); ++i)
    last += static_cast<uint64_t>(shape[i] - 1) * static_cast<uint64_t>(strides[i]);
  return last + elementBytes;
}

bool overlap(const Region &a, const Region &b) {
  if (a.end() <= b.address || b.end() <= a.address)
    return false;
  std::vector<Term> terms;
  auto add = [&](Wide stride, Wide low, Wide high) {
    if (stride == 0 || (low == 0 && high == 0))
      return;
    auto same = std::find_if(terms.begin(), terms.end(),
                             [&](const Term &term) { return term.stride == stride; });
    if (same == terms.end()) {
      terms.push_back({stride, low, high});
    } else {
      same->low += low;
      same->high += high;
    }
  };
  for (size_t i = 0; i < a.shape.size(); ++i)
    add(a.strides[i], 0, a.shape[i] - 1);
  for (size_t i = 0; i < b.shape.size(); ++i)
    add(b.strides[i], -(b.shape[i] - 1), 0);
  std::sort(terms.begin(), terms.end(),
            [](const Term &x, const Term &y) { return x.stride > y.stride; });
  // a's element begins before b's ends, and the other way round.
  const Wide least = -static_cast<Wide>(a.elementBytes) + 1;
  const Wide most = static_cast<Wide>(b.elementBytes) - 1;
  return Search(std::move(terms), least, most)
      .from(0, static_cast<Wide>(a.address) - static_cast<Wide>(b.address));
}

bool overlapsItself(const Region &region) {
  std::vector<size_t> order;
  for (size_t i = 0; i < region.shape.size(); ++i)
    if (region.shape[i] > 1)
      order.push_back(i);
  std::sort(order.begin(), order.end(),
            [&](size_t x, size_t y) { return region.strides[x] < region.strides[y]; });
  Wide span = static_cast<Wide>(region.elementBytes);
  for (size_t i : order) {
    if (region.strides[i] < span)
      return true;
    span += static_cast<Wide>(region.strides[i]) * (region.shape[i] - 1);
  }
  return false;
}

} // namespace fc::rt
