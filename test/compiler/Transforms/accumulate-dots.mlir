// RUN: %fc-opt %s --pass-pipeline='builtin.module(fc.kernel(fc-accumulate-dots))' | FileCheck %s

// acc' = acc / 2 + p v accumulates upon acc / 2. sum' = (sum + p v) + p w is one accumulator, upon the state itself.
// A product that another value reads, too, and one under a factor stay as they are.

// CHECK-LABEL: fc.kernel @walk
// CHECK: fc.fold
// CHECK: ^bb0(%{{.*}}: i32, %[[ACC:.*]]: !fc.tile<f32, [d, i]>, %[[SUM:.*]]: !fc.tile<f32, [d, i]>, %[[READ:.*]]: !fc.tile<f32, [d, i]>, %[[TIMES:.*]]: !fc.tile<f32, [d, i]>):
// CHECK: %[[SHARED:.*]] = fc.dot over ["j"] %[[P:[0-9a-z]+]], %[[V:[0-9a-z]+]] : (
// CHECK: %[[UNDER:.*]] = fc.dot over ["j"] %[[P]], %[[W:[0-9a-z]+]] : (
// CHECK: %[[HALF:.*]] = fc.map(%[[ACC]]) {
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32):
// CHECK-NEXT: %[[C:.*]] = arith.constant 5.0
// CHECK-NEXT: %[[R:.*]] = arith.mulf %[[A]], %[[C]]
// CHECK-NEXT: fc.yield %[[R]]
// CHECK: %[[ACC2:.*]] = fc.dot over ["j"] %[[P]], %[[V]] into %[[HALF]] :
// CHECK: %[[SUM1:.*]] = fc.dot over ["j"] %[[P]], %[[V]] into %[[SUM]] :
// CHECK: %[[SUM2:.*]] = fc.dot over ["j"] %[[P]], %[[W]] into %[[SUM1]] :
// CHECK: %[[READ2:.*]] = fc.map(%[[READ]], %[[SHARED]], %[[SHARED]])
// CHECK: %[[TIMES2:.*]] = fc.map(%[[TIMES]], %[[UNDER]])
// CHECK: fc.yield %[[ACC2]], %[[SUM2]], %[[READ2]], %[[TIMES2]]
fc.kernel @walk(%pt: !fc.tensor<f16, ["M", "N"]>, %vt: !fc.tensor<f16, ["N", "64"]>, %wt: !fc.tensor<f16, ["N", "64"]>, %o: !fc.tensor<f32, ["M", "64"]>, %o1: !fc.tensor<f32, ["M", "64"]>, %o2: !fc.tensor<f32, ["M", "64"]>, %o3: !fc.tensor<f32, ["M", "64"]>) params ["p", "v", "w", "o", "o1", "o2", "o3"] outputs 4 {
  %c0 = arith.constant 0 : i32
  %c64 = arith.constant 64 : i32
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %ii = fc.iota %i0 : <i32, [i]>
    %dd = fc.axis %c0 to %c64 size 64 : <i32, [d]>
    %z = fc.map(%ii, %dd) {
    ^bb0(%i: i32, %d: i32):
      %zero = arith.constant 0.0 : f32
      fc.yield %zero : f32
    } : (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) -> !fc.tile<f32, [d, i]>
    %state:4 = fc.fold ["j"] from (%c0) to (%N) init(%z, %z, %z, %z : !fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>) {
    ^bb0(%j0: i32, %acc: !fc.tile<f32, [d, i]>, %sum: !fc.tile<f32, [d, i]>, %read: !fc.tile<f32, [d, i]>, %times: !fc.tile<f32, [d, i]>):
      %jj = fc.iota %j0 : <i32, [j]>
      %p = fc.read %pt[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f16, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [i, j]>
      %v = fc.read %vt[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "64"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %w = fc.read %wt[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "64"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %pv = fc.dot over ["j"] %p, %v : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %pv1 = fc.dot over ["j"] %p, %v : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %pw1 = fc.dot over ["j"] %p, %w : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %shared = fc.dot over ["j"] %p, %v : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %under = fc.dot over ["j"] %p, %w : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %acc2 = fc.map(%acc, %pv) {
      ^bb0(%a: f32, %b: f32):
        %half = arith.constant 5.000000e-01 : f32
        %r = arith.mulf %a, %half : f32
        %y = arith.addf %b, %r : f32
        fc.yield %y : f32
      } : (!fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>) -> !fc.tile<f32, [d, i]>
      %sum2 = fc.map(%sum, %pv1, %pw1) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %y = arith.addf %a, %b : f32
        %x = arith.addf %y, %c : f32
        fc.yield %x : f32
      } : (!fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>) -> !fc.tile<f32, [d, i]>
      %read2 = fc.map(%read, %shared, %shared) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %y = arith.mulf %a, %b : f32
        %x = arith.addf %y, %c : f32
        fc.yield %x : f32
      } : (!fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>) -> !fc.tile<f32, [d, i]>
      %times2 = fc.map(%times, %under) {
      ^bb0(%a: f32, %b: f32):
        %two = arith.constant 2.000000e+00 : f32
        %y = arith.mulf %b, %two : f32
        %x = arith.addf %a, %y : f32
        fc.yield %x : f32
      } : (!fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>) -> !fc.tile<f32, [d, i]>
      fc.yield %acc2, %sum2, %read2, %times2 : !fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>
    }
    fc.write %state#0 to %o[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
    fc.write %state#1 to %o1[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
    fc.write %state#2 to %o2[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
    fc.write %state#3 to %o3[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
  }
}
