// RUN: %fc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(canonicalize,cse,fc.kernel(fc-fuse-online-softmax))'

// The kink of a maximum lies at an earlier reduction.

fc.kernel @kink(%s: !fc.tensor<f32, ["M", "N"]>, %o: !fc.tensor<f32, ["M"]>) params ["s", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
    %st = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
    // expected-note @+1 {{`max[j]` here is a reduction over `j` too}}
    %m = fc.reduce max over ["j"] %st : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %e = fc.map(%st, %m) {
    ^bb0(%a: f32, %b: f32):
      %zero = arith.constant 0.0 : f32
      %0 = arith.subf %a, %b : f32
      // expected-note @+1 {{the kink of `max` lies at an earlier reduction over the walk}}
      %1 = arith.maxnumf %0, %zero : f32
      fc.yield %1 : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
    // expected-error @+2 {{this `sum[j]` cannot be computed in 1 walk over `j` [OnlineNotDerivable]}}
    // expected-note @+1 {{what works: `schedule { walks j = 2 }`}}
    %l = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    fc.write %l to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
  }
}

// -----

// An exponent that multiplies the walk by an earlier reduction.

fc.kernel @temperature(%s: !fc.tensor<f32, ["M", "N"]>, %o: !fc.tensor<f32, ["M"]>) params ["s", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
    %st = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
    // expected-note @+1 {{`max[j]` here}}
    %m = fc.reduce max over ["j"] %st : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %e = fc.map(%st, %m) {
    ^bb0(%a: f32, %b: f32):
      // expected-note @+1 {{exp(a * b) has no factor that depends on b alone}}
      %0 = arith.mulf %a, %b : f32
      %1 = math.exp %0 : f32
      fc.yield %1 : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
    // expected-error @+2 {{this `sum[j]` cannot be computed in 1 walk}}
    // expected-note @+1 {{what works}}
    %l = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    fc.write %l to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
  }
}

// -----

// A store over the walk of what the walk must finish first.

fc.kernel @store(%s: !fc.tensor<f32, ["M", "N"]>, %o: !fc.tensor<f32, ["M", "N"]>) params ["s", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
    %st = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
    // expected-note @+1 {{`max[j]` here}}
    %m = fc.reduce max over ["j"] %st : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %e = fc.map(%st, %m) {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.subf %a, %b : f32
      fc.yield %0 : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
    // expected-error @+3 {{this `write` cannot be computed in 1 walk}}
    // expected-note @+2 {{known only when the walk has ended}}
    // expected-note @+1 {{what works: `schedule { walks j = 2 }`}}
    fc.write %e to %o[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) from !fc.tile<f32, [i, j]>
  }
}

// -----

// f16 has not the range for a difference that is bounded only when the walk has ended (language T4).

fc.kernel @cast(%s: !fc.tensor<f32, ["M", "N"]>, %v: !fc.tensor<f16, ["N", "64"]>, %o: !fc.tensor<f32, ["M", "64"]>) params ["s", "v", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %c64 = arith.constant 64 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
    %dd = fc.axis %c0 to %c64 size 64 : !fc.tile<i32, [d]>
    %st = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
    %vt = fc.read %v[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "64"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
    // expected-note @+1 {{`max[j]` here}}
    %m = fc.reduce max over ["j"] %st : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %e = fc.map(%st, %m) {
    ^bb0(%a: f32, %b: f32):
      // expected-note @+1 {{what is cast to f16 is not bounded by 1 before the walk ends}}
      %0 = arith.subf %a, %b : f32
      %1 = arith.truncf %0 : f32 to f16
      fc.yield %1 : f16
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f16, [i, j]>
    // expected-error @+2 {{this `dot[j]` cannot be computed in 1 walk}}
    // expected-note @+1 {{what works}}
    %acc = fc.dot over ["j"] %e, %vt : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
    fc.write %acc to %o[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
  }
}

// -----

// A walk around a walk: what the inner one needs of the outer one's axis would see one tile of it.

fc.kernel @again(%q: !fc.tensor<f32, ["M", "D"]>, %k: !fc.tensor<f32, ["N", "D"]>, %v: !fc.tensor<f32, ["N", "D"]>, %o: !fc.tensor<f32, ["M", "D"]>) params ["q", "k", "v", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  %D = fc.dim "D"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
    %dd = fc.axis %c0 to %D : !fc.tile<i32, [d]>
    %qt = fc.read %q[%ii, %dd] : !fc.tensor<f32, ["M", "D"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) -> !fc.tile<f32, [d, i]>
    %kt = fc.read %k[%jj, %dd] : !fc.tensor<f32, ["N", "D"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [d]>) -> !fc.tile<f32, [d, j]>
    // expected-error @+2 {{`dot[d]` is wanted in each turn of a walk over `d`, which is its own axis}}
    // expected-note @+1 {{what works: a compile-time size of at most 8192, which is held, or another axis of the same range in one of the two places}}
    %s = fc.dot over ["d"] %qt, %kt : (!fc.tile<f32, [d, i]>, !fc.tile<f32, [d, j]>) -> !fc.tile<f32, [i, j]>
    %vt = fc.read %v[%jj, %dd] : !fc.tensor<f32, ["N", "D"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [d]>) -> !fc.tile<f32, [d, j]>
    %ot = fc.dot over ["j"] %s, %vt : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [d, j]>) -> !fc.tile<f32, [d, i]>
    // expected-note @+1 {{`d` is not held, so that what is stored along it is computed a tile at a time here}}
    fc.write %ot to %o[%ii, %dd] : !fc.tensor<f32, ["M", "D"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) from !fc.tile<f32, [d, i]>
  }
}
