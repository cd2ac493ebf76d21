// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-map-wmma))' 2> %t.log | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.log

// Both products of attention are by tensor cores. The row of the results is i, so the operand with i is A, also where it
// is written second.

// CHECK-LABEL: fc.kernel @attention
fc.kernel @attention(%q: !fc.tensor<f16, ["M", "40"]>, %k: !fc.tensor<f16, ["N", "40"]>, %v: !fc.tensor<f16, ["N", "24"]>, %o: !fc.tensor<f32, ["M", "24"]>) params ["q", "k", "v", "o"] outputs 1 schedule <i = 64, j = 32, warps = 4, stages = 1> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 64]>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 40]>
    %ee = fc.iota %c0 : !fc.tile<i32, [e: 24]>
    // CHECK: %[[Q:.*]] = fc.read %arg0
    %qt = fc.read %q[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["M", "40"]>, (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [d: 40]>) bounds(!fc.tile<i32, [i: 64]> < i32) -> !fc.tile<f16, [d: 40, i: 64]>
    %z = fc.map(%ii, %ee) {
    ^bb0(%i: i32, %e: i32):
      %zero = arith.constant 0.0 : f32
      fc.yield %zero : f32
    } : (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [e: 24]>) -> !fc.tile<f32, [e: 24, i: 64]>
    %acc = fc.fold ["j"] from (%c0) to (%N) step (32) init(%z : !fc.tile<f32, [e: 24, i: 64]>) {
    ^bb0(%j0: i32, %a: !fc.tile<f32, [e: 24, i: 64]>):
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 32]>
      // CHECK: %[[K:.*]] = fc.read %arg1
      %kt = fc.read %k[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "40"]>, (!fc.tile<i32, [j: 32]>, !fc.tile<i32, [d: 40]>) bounds(!fc.tile<i32, [j: 32]> < i32) -> !fc.tile<f16, [d: 40, j: 32]>
      // CHECK: %[[V:.*]] = fc.read %arg2
      %vt = fc.read %v[%jj, %ee] bounds(%jj < %N) : !fc.tensor<f16, ["N", "24"]>, (!fc.tile<i32, [j: 32]>, !fc.tile<i32, [e: 24]>) bounds(!fc.tile<i32, [j: 32]> < i32) -> !fc.tile<f16, [e: 24, j: 32]>
      // CHECK: fc.dot over ["d"] %[[Q]], %[[K]] by "mma.m16n8k16"
      %x = fc.dot over ["d"] %kt, %qt : (!fc.tile<f16, [d: 40, j: 32]>, !fc.tile<f16, [d: 40, i: 64]>) -> !fc.tile<f32, [i: 64, j: 32]>
      // CHECK: %[[P:.*]] = fc.map
      %p = fc.map(%x) {
      ^bb0(%y: f32):
        %r = arith.truncf %y : f32 to f16
        fc.yield %r : f16
      } : (!fc.tile<f32, [i: 64, j: 32]>) -> !fc.tile<f16, [i: 64, j: 32]>
      // CHECK: fc.dot over ["j"] %[[P]], %[[V]] into %{{.*}} by "mma.m16n8k16"
      %n = fc.dot over ["j"] %p, %vt into %a : (!fc.tile<f16, [i: 64, j: 32]>, !fc.tile<f16, [e: 24, j: 32]>, !fc.tile<f32, [e: 24, i: 64]>) -> !fc.tile<f32, [e: 24, i: 64]>
      fc.yield %n : !fc.tile<f32, [e: 24, i: 64]>
    }
    fc.write %acc to %o[%ii, %ee] bounds(%ii < %M) : !fc.tensor<f32, ["M", "24"]>, (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [e: 24]>) bounds(!fc.tile<i32, [i: 64]> < i32) from !fc.tile<f32, [e: 24, i: 64]>
  }
}

// -----

// What the instruction cannot do is by FMAs, with the reason.

// REMARK: remark: product is by `fma`, not by tensor cores: its rows are no multiple of 16
// REMARK: remark: product is by `fma`, not by tensor cores: its operands are neither f16 nor bf16
// REMARK: remark: product is by `fma`, not by tensor cores: its contracted points are no multiple of 8
// CHECK-LABEL: fc.kernel @others
fc.kernel @others(%q: !fc.tensor<f16, ["M", "64"]>, %x: !fc.tensor<f32, ["M", "64"]>, %y: !fc.tensor<f16, ["M", "4"]>, %o: !fc.tensor<f32, ["M"]>) params ["q", "x", "y", "o"] outputs 1 schedule <i = 16, warps = 1, stages = 1> {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 16]>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 64]>
    %ee = fc.iota %c0 : !fc.tile<i32, [e: 4]>
    %rr = fc.iota %c0 : !fc.tile<i32, [r: 8]>
    %cc = fc.iota %c0 : !fc.tile<i32, [c: 8]>
    %qr = fc.read %q[%rr, %dd] : !fc.tensor<f16, ["M", "64"]>, (!fc.tile<i32, [r: 8]>, !fc.tile<i32, [d: 64]>) -> !fc.tile<f16, [d: 64, r: 8]>
    %qc = fc.read %q[%cc, %dd] : !fc.tensor<f16, ["M", "64"]>, (!fc.tile<i32, [c: 8]>, !fc.tile<i32, [d: 64]>) -> !fc.tile<f16, [c: 8, d: 64]>
    // CHECK: fc.dot over ["d"] {{.*}} by "fma"
    %few = fc.dot over ["d"] %qr, %qc : (!fc.tile<f16, [d: 64, r: 8]>, !fc.tile<f16, [c: 8, d: 64]>) -> !fc.tile<f32, [c: 8, r: 8]>
    %xi = fc.read %x[%ii, %dd] : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i: 16]>, !fc.tile<i32, [d: 64]>) -> !fc.tile<f32, [d: 64, i: 16]>
    %xc = fc.read %x[%cc, %dd] : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [c: 8]>, !fc.tile<i32, [d: 64]>) -> !fc.tile<f32, [c: 8, d: 64]>
    // CHECK: fc.dot over ["d"] {{.*}} by "fma"
    %wide = fc.dot over ["d"] %xi, %xc : (!fc.tile<f32, [d: 64, i: 16]>, !fc.tile<f32, [c: 8, d: 64]>) -> !fc.tile<f32, [c: 8, i: 16]>
    %yi = fc.read %y[%ii, %ee] : !fc.tensor<f16, ["M", "4"]>, (!fc.tile<i32, [i: 16]>, !fc.tile<i32, [e: 4]>) -> !fc.tile<f16, [e: 4, i: 16]>
    %yc = fc.read %y[%cc, %ee] : !fc.tensor<f16, ["M", "4"]>, (!fc.tile<i32, [c: 8]>, !fc.tile<i32, [e: 4]>) -> !fc.tile<f16, [c: 8, e: 4]>
    // CHECK: fc.dot over ["e"] {{.*}} by "fma"
    %short = fc.dot over ["e"] %yi, %yc : (!fc.tile<f16, [e: 4, i: 16]>, !fc.tile<f16, [c: 8, e: 4]>) -> !fc.tile<f32, [c: 8, i: 16]>
  }
}
