// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-fold-exp2))' | FileCheck %s

// Scores are a scale, known at launch, times a product: the sign of the scale goes into q, its magnitude, kept off 0, into
// one FMA; the maximum is of the product; masks stay.

// CHECK-LABEL: fc.kernel @scaled
// CHECK: %[[Q:.*]] = fc.read %arg0
// CHECK: %[[BITS:.*]] = arith.bitcast %arg2 : f32 to i32
// CHECK: %[[NEGATIVE:.*]] = arith.cmpi slt, %[[BITS]]
// CHECK: %[[SIGN:.*]] = arith.select %[[NEGATIVE]]
// CHECK: %[[FLIPPED:.*]] = fc.map(%[[Q]], %[[SIGN]])
// CHECK: arith.xori
// CHECK: %[[ABS:.*]] = math.absf %arg2
// CHECK: %[[TINY:.*]] = arith.cmpf olt, %[[ABS]], %[[LEAST:.*]] : f32
// CHECK: %[[FACTOR:.*]] = arith.select %[[TINY]], %[[LEAST]], %[[ABS]]
// CHECK: %[[A:.*]] = arith.mulf %[[FACTOR]]
// CHECK: fc.fold
// CHECK: %[[X:.*]] = fc.dot over ["d"] %[[FLIPPED]]
// CHECK: %[[SEEN:.*]] = fc.map(%[[X]],
// CHECK-NOT: arith.mulf
// CHECK: arith.select
// CHECK: %[[MAX:.*]] = fc.reduce max over ["j"] %[[SEEN]]
// CHECK: %[[SCALED:.*]] = fc.map(%[[MAX]], %[[FACTOR]])
// CHECK: arith.mulf
// CHECK: %[[M:.*]] = fc.map(%{{.*}}, %[[SCALED]])
// CHECK: arith.maxnumf
// CHECK: %[[ANCHOR:.*]] = fc.map(%[[M]])
// CHECK: arith.constant -1.44269502
// CHECK: %[[FAR:.*]] = fc.map(%[[M]])
// CHECK: math.absf
// CHECK: arith.cmpf ugt
// CHECK: %[[NEAR:.*]] = fc.map(%[[SEEN]], %[[ANCHOR]], %[[A]])
// CHECK: math.fma
// CHECK-NEXT: math.exp2
// In a far row (x * factor, rounded) - m, in others what is above: what differs is chosen once a row.
// CHECK: %[[E:.*]] = fc.map(%[[FAR]], %[[NEAR]], %[[SEEN]], %[[A]], %[[ANCHOR]], %[[M]], %[[FACTOR]])
// CHECK-NEXT: ^bb0(%[[F:.*]]: i1, %{{.*}}: f32, %[[S:.*]]: f32, %[[TA:.*]]: f32, %[[TC:.*]]: f32, %[[TM:.*]]: f32, %[[TF:.*]]: f32):
// CHECK-NEXT: %[[TIMES:.*]] = arith.select %[[F]], %[[TF]], %[[TA]]
// CHECK-NEXT: %[[NOTHING:.*]] = arith.constant -0.000000e+00
// CHECK-NEXT: %[[PLUS:.*]] = arith.select %[[F]], %[[NOTHING]], %[[TC]]
// CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.000000e+00
// CHECK-NEXT: %[[LESS:.*]] = arith.select %[[F]], %[[TM]], %[[ZERO]]
// CHECK-NEXT: %[[P:.*]] = math.fma %[[S]], %[[TIMES]], %[[PLUS]]
// CHECK-NEXT: %[[D:.*]] = arith.subf %[[P]], %[[LESS]] fastmath<nnan>
// CHECK: %[[X2:.*]] = arith.mulf %[[D]], %
// CHECK-NEXT: math.exp2 %[[X2]]
// CHECK: {fc.rare}
// CHECK: fc.reduce sum over ["j"] %[[E]]
fc.kernel @scaled(%q: !fc.tensor<f16, ["M", "64"]>, %k: !fc.tensor<f16, ["N", "64"]>, %scale: f32, %o: !fc.tensor<f32, ["M"]>) params ["q", "k", "scale", "o"] outputs 1 schedule <i = 64, j = 64, warps = 4, stages = 1> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 64]>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 64]>
    %qt = fc.read %q[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["M", "64"]>, (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [d: 64]>) bounds(!fc.tile<i32, [i: 64]> < i32) -> !fc.tile<f16, [d: 64, i: 64]>
    %z = fc.map(%ii) {
    ^bb0(%i: i32):
      %zero = arith.constant 0.0 : f32
      fc.yield %zero : f32
    } : (!fc.tile<i32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
    %state:2 = fc.fold ["j"] from (%c0) to (%N) step (64) init(%z, %z : !fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>) {
    ^bb0(%j0: i32, %m0: !fc.tile<f32, [i: 64]>, %l0: !fc.tile<f32, [i: 64]>):
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 64]>
      %kt = fc.read %k[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "64"]>, (!fc.tile<i32, [j: 64]>, !fc.tile<i32, [d: 64]>) bounds(!fc.tile<i32, [j: 64]> < i32) -> !fc.tile<f16, [d: 64, j: 64]>
      %x = fc.dot over ["d"] %qt, %kt by "mma.m16n8k16" : (!fc.tile<f16, [d: 64, i: 64]>, !fc.tile<f16, [d: 64, j: 64]>) -> !fc.tile<f32, [i: 64, j: 64]>
      %s = fc.map(%scale, %x, %jj, %N) {
      ^bb0(%a: f32, %b: f32, %j: i32, %n: i32):
        %ninf = arith.constant 0xFF800000 : f32
        %c = arith.cmpi slt, %j, %n : i32
        %r = arith.mulf %a, %b : f32
        %y = arith.select %c, %r, %ninf : f32
        fc.yield %y : f32
      } : (f32, !fc.tile<f32, [i: 64, j: 64]>, !fc.tile<i32, [j: 64]>, i32) -> !fc.tile<f32, [i: 64, j: 64]>
      %t = fc.reduce max over ["j"] %s : !fc.tile<f32, [i: 64, j: 64]> -> !fc.tile<f32, [i: 64]>
      %m = fc.map(%m0, %t) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.maxnumf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
      %e = fc.map(%s, %m) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.subf %a, %b fastmath<nnan> : f32
        %p = math.exp %r : f32
        fc.yield %p : f32
      } : (!fc.tile<f32, [i: 64, j: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64, j: 64]>
      %l = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i: 64, j: 64]> -> !fc.tile<f32, [i: 64]>
      fc.yield %m, %l : !fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>
    }
    fc.write %state#1 to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 64]>) bounds(!fc.tile<i32, [i: 64]> < i32) from !fc.tile<f32, [i: 64]>
  }
}

// -----

// With a bias there is no factor to take out: the scores themselves meet log2 e in the FMA. A difference with the guard of
// the language (no nnan) stays, and so do exponentials of rows.

// CHECK-LABEL: fc.kernel @biased
// CHECK-NOT: arith.xori
// CHECK: %[[LOG2E:.*]] = arith.constant 1.44269502
// CHECK: fc.fold
// CHECK: %[[S:.*]] = fc.map(%arg1, %{{.*}})
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: fc.reduce max over ["j"] %[[S]]
// CHECK: %[[NEAR:.*]] = fc.map(%[[S]], %{{.*}}, %[[LOG2E]])
// CHECK: math.fma
// CHECK: fc.map(%{{.*}}, %[[NEAR]], %[[S]], %{{.*}})
// CHECK: {fc.rare}
// CHECK: %[[KEPT:.*]] = fc.map(%[[S]], %{{.*}})
// CHECK: %[[D:.*]] = arith.subf
// CHECK-NEXT: math.exp %[[D]]
// CHECK: math.exp %
// CHECK-NOT: fc.rare
fc.kernel @biased(%x: !fc.tensor<f32, ["M", "N"]>, %scale: f32, %o: !fc.tensor<f32, ["M"]>) params ["x", "scale", "o"] outputs 1 schedule <i = 64, j = 64, warps = 4, stages = 1> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 64]>
    %z = fc.map(%ii) {
    ^bb0(%i: i32):
      %zero = arith.constant 0.0 : f32
      fc.yield %zero : f32
    } : (!fc.tile<i32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
    %state:2 = fc.fold ["j"] from (%c0) to (%N) step (64) init(%z, %z : !fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>) {
    ^bb0(%j0: i32, %m0: !fc.tile<f32, [i: 64]>, %l0: !fc.tile<f32, [i: 64]>):
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 64]>
      %xt = fc.read %x[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [j: 64]>) bounds(!fc.tile<i32, [i: 64]> < i32, !fc.tile<i32, [j: 64]> < i32) -> !fc.tile<f32, [i: 64, j: 64]>
      %s = fc.map(%scale, %xt) {
      ^bb0(%a: f32, %b: f32):
        %half = arith.constant 0.5 : f32
        %r = arith.mulf %a, %b : f32
        %y = arith.addf %r, %half : f32
        fc.yield %y : f32
      } : (f32, !fc.tile<f32, [i: 64, j: 64]>) -> !fc.tile<f32, [i: 64, j: 64]>
      %t = fc.reduce max over ["j"] %s : !fc.tile<f32, [i: 64, j: 64]> -> !fc.tile<f32, [i: 64]>
      %e = fc.map(%s, %t) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.subf %a, %b fastmath<nnan> : f32
        %p = math.exp %r : f32
        fc.yield %p : f32
      } : (!fc.tile<f32, [i: 64, j: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64, j: 64]>
      %g = fc.map(%s, %t) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.subf %a, %b : f32
        %p = math.exp %r : f32
        fc.yield %p : f32
      } : (!fc.tile<f32, [i: 64, j: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64, j: 64]>
      %c = fc.map(%m0, %t) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.subf %a, %b fastmath<nnan> : f32
        %p = math.exp %r : f32
        fc.yield %p : f32
      } : (!fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
      %both = fc.map(%e, %g, %c) {
      ^bb0(%a: f32, %b: f32, %w: f32):
        %r = arith.addf %a, %b : f32
        %p = arith.mulf %r, %w : f32
        fc.yield %p : f32
      } : (!fc.tile<f32, [i: 64, j: 64]>, !fc.tile<f32, [i: 64, j: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64, j: 64]>
      %l = fc.reduce sum over ["j"] %both : !fc.tile<f32, [i: 64, j: 64]> -> !fc.tile<f32, [i: 64]>
      fc.yield %t, %l : !fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>
    }
    fc.write %state#1 to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 64]>) bounds(!fc.tile<i32, [i: 64]> < i32) from !fc.tile<f32, [i: 64]>
  }
}
