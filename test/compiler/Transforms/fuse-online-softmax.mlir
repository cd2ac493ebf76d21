// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(canonicalize,cse,fc.kernel(fc-fuse-online-softmax),canonicalize,cse)' | FileCheck %s

// Softmax as the text has it: p is normalised before the product, and the division leaves the walk.

// CHECK-LABEL: fc.kernel @attention
// CHECK: %[[ACC0:.*]] = fc.map
// CHECK: %[[FOLD:.*]]:3 = fc.fold ["j"] from (%{{.*}}) to (%{{.*}}) init(
// CHECK: ^bb0(%[[J0:.*]]: i32, %[[M:.*]]: !fc.tile<f32, [i]>, %[[L:.*]]: !fc.tile<f32, [i]>, %[[A:.*]]: !fc.tile<f32, [d, i]>):
// CHECK: %[[JJ:.*]] = fc.iota %[[J0]]
// CHECK: %[[S:.*]] = fc.read %{{.*}}[%{{.*}}, %[[JJ]]]
// CHECK: %[[MT:.*]] = fc.reduce max over ["j"] %[[S]]
// CHECK: %[[M1:.*]] = fc.map(%[[M]], %[[MT]])
// CHECK: arith.maxnumf
// CHECK: %[[C:.*]] = fc.map(%[[M]], %[[M1]])
// CHECK: arith.subf %{{.*}}, %{{.*}} fastmath<nnan>
// CHECK-NEXT: math.exp
// CHECK: %[[P:.*]] = fc.map(%[[S]], %[[M1]])
// CHECK: arith.subf %{{.*}}, %{{.*}} fastmath<nnan>
// CHECK-NEXT: math.exp
// CHECK-NOT: math.exp
// CHECK: fc.reduce sum over ["j"] %[[P]]
// CHECK: %[[AC:.*]] = fc.map(%[[A]], %[[C]])
// CHECK: %[[PH:.*]] = fc.map(%[[P]])
// CHECK: arith.truncf
// CHECK: fc.dot over ["j"] %[[PH]], %{{.*}} into %[[AC]]
// CHECK: } combine {
// CHECK: ^bb0(%{{.*}}: !fc.tile<f32, [i]>, %{{.*}}: !fc.tile<f32, [i]>, %{{.*}}: !fc.tile<f32, [d, i]>, %{{.*}}: !fc.tile<f32, [i]>, %{{.*}}: !fc.tile<f32, [i]>, %{{.*}}: !fc.tile<f32, [d, i]>):
// CHECK: %[[O:.*]] = fc.map(%[[FOLD]]#2, %[[FOLD]]#1)
// CHECK-NOT: fastmath
// CHECK: arith.divf
// CHECK: fc.write %[[O]]
// CHECK-NOT: fc.axis{{.*}}[j]
fc.kernel @attention(%s: !fc.tensor<f32, ["M", "N"]>, %v: !fc.tensor<f16, ["N", "64"]>, %o: !fc.tensor<f32, ["M", "64"]>) params ["s", "v", "o"] outputs 1 {
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
    %m = fc.reduce max over ["j"] %st : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %e = fc.map(%st, %m) {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.subf %a, %b : f32
      %1 = math.exp %0 : f32
      fc.yield %1 : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
    %l = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %p = fc.map(%e, %l) {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.divf %a, %b : f32
      %1 = arith.truncf %0 : f32 to f16
      fc.yield %1 : f16
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f16, [i, j]>
    %acc = fc.dot over ["j"] %p, %vt : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
    fc.write %acc to %o[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
  }
}

// -----

// A sink written as max(max s, sink): the anchor is the larger of both, the sink is added behind the fold once.

// CHECK-LABEL: fc.kernel @sink
// CHECK: %[[SINK:.*]] = fc.read
// CHECK: %[[FOLD:.*]]:2 = fc.fold ["j"]
// CHECK: ^bb0(%{{.*}}: i32, %[[M:.*]]: !fc.tile<f32, [i]>, %[[L:.*]]: !fc.tile<f32, [i]>):
// CHECK: %[[MT:.*]] = fc.reduce max
// CHECK: %[[M1:.*]] = fc.map(%[[M]], %[[MT]])
// CHECK: %[[OLD:.*]] = fc.map(%[[M]], %[[SINK]])
// CHECK: arith.maxnumf
// CHECK: %[[NEW:.*]] = fc.map(%[[M1]], %[[SINK]])
// CHECK: arith.maxnumf
// CHECK: fc.map(%[[OLD]], %[[NEW]])
// CHECK: math.exp
// CHECK: } combine {
// CHECK: }
// CHECK: fc.write
fc.kernel @sink(%s: !fc.tensor<f32, ["M", "N"]>, %z: !fc.tensor<f32, ["M"]>, %o: !fc.tensor<f32, ["M"]>) params ["s", "z", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
    %sink = fc.read %z[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f32, [i]>
    %st = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
    %top = fc.reduce max over ["j"] %st : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %m = fc.map(%top, %sink) {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.maxnumf %a, %b : f32
      fc.yield %0 : f32
    } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
    %e = fc.map(%st, %m) {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.subf %a, %b : f32
      %1 = math.exp %0 : f32
      fc.yield %1 : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
    %l = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %all = fc.map(%l, %sink, %m) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %0 = arith.subf %b, %c : f32
      %1 = math.exp %0 : f32
      %2 = arith.addf %a, %1 : f32
      fc.yield %2 : f32
    } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
    fc.write %all to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
  }
}

// -----

// A store of what is finished only when the walk has ended takes a walk more, which was asked for. It carries
// nothing, so it has no combine.

// CHECK-LABEL: fc.kernel @normalise
// CHECK-NOT: fc.walks
// CHECK: fc.fold ["j"]
// CHECK: } combine {
// CHECK: fc.fold ["j"] from (%{{.*}}) to (%{{.*}}) {
// CHECK: ^bb0(%[[J0:.*]]: i32):
// CHECK: fc.iota %[[J0]]
// CHECK: fc.read
// CHECK: fc.write
// CHECK: fc.yield
// CHECK-NEXT: }
// CHECK-NOT: combine
fc.kernel @normalise(%s: !fc.tensor<f32, ["M", "N"]>, %o: !fc.tensor<f32, ["M", "N"]>) params ["s", "o"] outputs 1 attributes {fc.walks = {j = 2 : i64}} {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
    %st = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
    %m = fc.reduce max over ["j"] %st : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %e = fc.map(%st, %m) {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.subf %a, %b : f32
      %1 = math.exp %0 : f32
      fc.yield %1 : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
    %l = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %p = fc.map(%e, %l) {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.divf %a, %b : f32
      fc.yield %0 : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
    fc.write %p to %o[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) from !fc.tile<f32, [i, j]>
  }
}

// -----

// A loop written by hand stays as it is: the order of its turns may matter.

// CHECK-LABEL: fc.kernel @by_hand
// CHECK: fc.fold ["j"]
// CHECK-NOT: combine
// CHECK: fc.write
fc.kernel @by_hand(%s: !fc.tensor<f32, ["N"]>, %o: !fc.tensor<f32, ["1"]>) params ["s", "o"] outputs 1 {
  %N = fc.dim "N"
  %c1 = arith.constant 1 : i32
  fc.program (b in %c1) {
  ^bb0(%b: i32):
    %c0 = arith.constant 0 : i32
    %zero = arith.constant 0.0 : f32
    %r = fc.fold ["j"] from (%c0) to (%N) init(%zero : f32) {
    ^bb0(%j0: i32, %a: f32):
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      %x = fc.read %s[%jj] bounds(%jj < %N) : !fc.tensor<f32, ["N"]>, (!fc.tile<i32, [j]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [j]>
      %t = fc.reduce sum over ["j"] %x : !fc.tile<f32, [j]> -> f32
      %n = arith.addf %a, %t : f32
      fc.yield %n : f32
    }
    fc.write %r to %o[%b] : !fc.tensor<f32, ["1"]>, (i32) from f32
  }
}

// -----

// A walk within a walk: what does not vary along the outer one stands around it, and is read in the inner one.

// CHECK-LABEL: fc.kernel @within
// CHECK: fc.fold ["j"]
// CHECK-NOT: fc.read
// CHECK: fc.fold ["e"]
// CHECK: %[[E:.*]] = fc.iota %{{.*}} : <i32, [e]>
// CHECK: fc.read %{{.*}}[%{{.*}}, %[[E]]]
// CHECK: fc.read %{{.*}}[%{{.*}}, %[[E]]]
// CHECK: fc.dot over ["e"]
fc.kernel @within(%q: !fc.tensor<f32, ["M", "E"]>, %k: !fc.tensor<f32, ["N", "E"]>, %o: !fc.tensor<f32, ["M"]>) params ["q", "k", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  %E = fc.dim "E"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
    %ee = fc.axis %c0 to %E : !fc.tile<i32, [e]>
    %qt = fc.read %q[%ii, %ee] : !fc.tensor<f32, ["M", "E"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [e]>) -> !fc.tile<f32, [e, i]>
    %kt = fc.read %k[%jj, %ee] : !fc.tensor<f32, ["N", "E"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [e]>) -> !fc.tile<f32, [e, j]>
    %s = fc.dot over ["e"] %qt, %kt : (!fc.tile<f32, [e, i]>, !fc.tile<f32, [e, j]>) -> !fc.tile<f32, [i, j]>
    %l = fc.reduce sum over ["j"] %s : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    fc.write %l to %o[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) from !fc.tile<f32, [i]>
  }
}
