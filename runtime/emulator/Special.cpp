// Special.cpp - rcp, sqrt, rsqrt, ex2, lg2, sin, cos, tanh.
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Lanes.h"
#include "runtime/emulator/Math.h"

#include <cfenv>

namespace fc::emu {
FC_ISA_BEGIN

using ptx::Type;

namespace {

struct Rcp {
  float operator()(float x) const { return 1.0f / x; }
  double operator()(double x) const { return 1.0 / x; }
};
struct Sqrt {
  float operator()(float x) const { return __builtin_sqrtf(x); }
  double operator()(double x) const { return __builtin_sqrt(x); }
};
struct Rsqrt {
  float operator()(float x) const { return float(1.0 / __builtin_sqrt(double(x))); }
  double operator()(double x) const { return 1.0 / __builtin_sqrt(x); }
};
struct Ex2 {
  float operator()(float x) const { return exp2Approx(x); }
};
struct Lg2 {
  float operator()(float x) const { return log2Approx(x); }
};
struct Sin {
  float operator()(float x) const { return sineApprox(x, 0); }
};
struct Cos {
  float operator()(float x) const { return sineApprox(x, 1); }
};
struct Tanh {
  float operator()(float x) const { return tanhApprox(x); }
};

template <class F, bool Ftz> struct Single {
  float operator()(float x) const { return canonical(Ftz ? flush(F()(flush(x))) : F()(x)); }
};

template <class F> Handler single(bool ftz) {
  return ftz ? run<Single<F, true>, float, float> : run<Single<F, false>, float, float>;
}

/// The coarse f64 forms give the upper 32 bits only.
template <class F> struct UpperHalf {
  double operator()(double x) const {
    double flushed = std::bit_cast<uint64_t>(x) << 1 >> 53 ? x : std::copysign(0.0, x);
    double y = F()(flushed);
    return std::bit_cast<double>(std::bit_cast<uint64_t>(y) & ~uint64_t(0xffffffff));
  }
};

/// Directed rounding, through the host's mode.
template <class F, class T> void directed(Warp &warp, const Inst &inst, uint32_t mask) {
  static constexpr int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
  bool ftz = inst.aux & 4;
  auto *d = bank<T>(warp, inst.op[0]);
  int old = std::fegetround();
  std::fesetround(modes[inst.aux & 3]);
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    T input = Of<T>::get(bank<T>(warp, inst.op[1]), l);
    if constexpr (sizeof(T) == 4)
      input = ftz ? flush(input) : input;
    volatile T x = input;
    volatile T y = F()(T(x));
    T result = y;
    if constexpr (sizeof(T) == 4)
      result = canonical(ftz ? flush(result) : result);
    Of<T>::set(d, l, result);
  }
  std::fesetround(old);
}

/// f16, bf16 and their pairs: computed as f32, rounded once more.
template <class F, bool Half, bool Packed, bool Ftz> struct Small {
  static uint32_t one(uint16_t x) {
    float wide = Half ? fromHalf(x) : fromBfloat(x);
    wide = Ftz ? flush(wide) : wide;
    float y = F()(wide);
    return Half ? toHalf(y) : toBfloat(Ftz ? flush(y) : y);
  }
  uint32_t operator()(uint32_t x) const {
    return one(uint16_t(x)) | (Packed ? one(uint16_t(x >> 16)) << 16 : 0);
  }
};

template <class F> Handler small(Type type) {
  switch (type) {
  case Type::F16:
    return run<Small<F, true, false, false>, uint32_t, uint32_t>;
  case Type::F16x2:
    return run<Small<F, true, true, false>, uint32_t, uint32_t>;
  case Type::BF16:
    return run<Small<F, false, false, true>, uint32_t, uint32_t>;
  case Type::BF16x2:
    return run<Small<F, false, true, true>, uint32_t, uint32_t>;
  default:
    return nullptr;
  }
}

template <class F> bool bindRounded(const Match &match, Inst &inst) {
  bool ftz = match.has("ftz"), isSingle = match.type() == Type::F32;
  uint32_t rounding = match.has("rz") ? 1 : match.has("rm") ? 2 : match.has("rp") ? 3 : 0;
  if (rounding) {
    inst.aux = rounding | (ftz ? 4 : 0);
    inst.run = isSingle ? directed<F, float> : directed<F, double>;
  } else if (isSingle) {
    inst.run = single<F>(ftz);
  } else {
    inst.run = match.has("approx") ? run<UpperHalf<F>, double, double> : run<F, double, double>;
  }
  return true;
}

template <class F> bool bindApprox(const Match &match, Inst &inst) {
  inst.run = match.type() == Type::F32 ? single<F>(match.has("ftz")) : small<F>(match.type());
  return inst.run;
}

} // namespace

bool bindSpecial(const Match &match, Inst &inst) {
  switch (match.form.op) {
  case Op::op_rcp:
    return bindRounded<Rcp>(match, inst);
  case Op::op_sqrt:
    return bindRounded<Sqrt>(match, inst);
  case Op::op_rsqrt:
    return bindRounded<Rsqrt>(match, inst);
  case Op::op_ex2:
    return bindApprox<Ex2>(match, inst);
  case Op::op_lg2:
    return bindApprox<Lg2>(match, inst);
  case Op::op_sin:
    return bindApprox<Sin>(match, inst);
  case Op::op_cos:
    return bindApprox<Cos>(match, inst);
  case Op::op_tanh:
    return bindApprox<Tanh>(match, inst);
  default:
    return false;
  }
}

FC_ISA_END
} // namespace fc::emu
