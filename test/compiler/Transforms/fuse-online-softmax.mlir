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
