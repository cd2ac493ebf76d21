// Lanes.h - how handlers are written: a lane function, applied to the lanes of a mask.
//
// `Of<T>` says how a T lies in a unit: 64-bit types in two units, everything else in one, 16-bit
// types in the low half of their word. Results go through a buffer, of which the lanes of the mask
// are kept: one loop, without a branch, that is vectorised.
#pragma once
#include "runtime/emulator/Isa.h"
#include "runtime/emulator/Machine.h"

#include <cstring>
#include <tuple>
#include <utility>

// A destination may be the same register as a source, lane for lane; nothing else overlaps.
#if defined(__clang__)
#define FC_LANES _Pragma("clang loop vectorize(assume_safety)")
#else
#define FC_LANES _Pragma("GCC ivdep")
#endif

namespace fc::emu {
FC_ISA_BEGIN

template <class T> struct Of {
  using Storage = uint32_t;
  static FC_INLINE T get(const uint32_t *p, unsigned lane) {
    T value;
    std::memcpy(&value, p + lane, sizeof(T));
    return value;
  }
  static FC_INLINE void set(uint32_t *p, unsigned lane, T value) {
    uint32_t word = 0;
    std::memcpy(&word, &value, sizeof(T));
    p[lane] = word;
  }
};
template <class T>
  requires(sizeof(T) == 8)
struct Of<T> {
  using Storage = uint64_t;
  static FC_INLINE T get(const uint64_t *p, unsigned lane) {
    T value;
    std::memcpy(&value, p + lane, 8);
    return value;
  }
  static FC_INLINE void set(uint64_t *p, unsigned lane, T value) {
    std::memcpy(p + lane, &value, 8);
  }
};

template <class T> typename Of<T>::Storage *bank(Warp &warp, uint16_t unit) {
  if constexpr (sizeof(T) == 8)
    return warp.wide(unit);
  else
    return warp.word(unit);
}

/// Writes the lanes of the mask.
template <class Storage> FC_INLINE void keepLanes(Storage *d, const Storage *from, uint32_t mask) {
  if (mask == allLanes) {
    std::memcpy(d, from, warpSize * sizeof(Storage));
    return;
  }
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    d[l] = from[l];
  }
}

/// d[l] = f(a[l], ...) where operand 0 is d and the sources follow it.
template <class D, class... S, class F>
FC_INLINE void mapLanes(Warp &warp, const Inst &inst, uint32_t mask, F f) {
  auto apply = [&]<size_t... I>(std::index_sequence<I...>) {
    auto *d = bank<D>(warp, inst.op[0]);
    std::tuple<typename Of<S>::Storage *...> s{bank<S>(warp, inst.op[1 + I])...};
    alignas(64) typename Of<D>::Storage buffer[warpSize];
    FC_LANES
    for (unsigned l = 0; l < warpSize; ++l)
      Of<D>::set(buffer, l, f(Of<S>::get(std::get<I>(s), l)...));
    keepLanes(d, buffer, mask);
  };
  apply(std::index_sequence_for<S...>());
}

/// The lanes for which f(a[l], ...) holds; `first` is the first source operand.
template <class... S, class F>
FC_INLINE uint32_t testLanes(Warp &warp, const Inst &inst, unsigned first, F f) {
  return [&]<size_t... I>(std::index_sequence<I...>) {
    std::tuple<typename Of<S>::Storage *...> s{bank<S>(warp, inst.op[first + I])...};
    uint32_t bits = 0;
    for (unsigned l = 0; l < warpSize; ++l)
      bits |= uint32_t(f(Of<S>::get(std::get<I>(s), l)...)) << l;
    return bits;
  }(std::index_sequence_for<S...>());
}

/// Handler made of a stateless lane function object.
template <class F, class D, class... S> void run(Warp &warp, const Inst &inst, uint32_t mask) {
  mapLanes<D, S...>(warp, inst, mask, [](S... s) -> D { return F()(s...); });
}

FC_ISA_END
using namespace FC_ISA;
} // namespace fc::emu
