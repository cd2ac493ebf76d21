// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-drop-excluded))' | FileCheck %s

// Weights are 0 behind a length, whatever the row: v is read before it only.

// CHECK-LABEL: fc.kernel @length
fc.kernel @length(%x: !fc.tensor<f32, ["M", "N"]>, %v: !fc.tensor<f32, ["N", "16"]>, %len: i32, %o: !fc.tensor<f32, ["M", "16"]>) params ["x", "v", "len", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %c16 = arith.constant 16 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %dd = fc.axis %c0 to %c16 size 16 : !fc.tile<i32, [d]>
    fc.fold ["j"] from (%c0) to (%N) {
    ^bb0(%j0: i32):
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      // CHECK: %[[SEES:.*]] = fc.map(%{{.*}}, %{{.*}}) {
      // CHECK: arith.cmpi slt
      // CHECK: } : (!fc.tile<i32, [j]>, i32) -> !fc.tile<i1, [j]>
      %sees = fc.map(%jj, %len) {
      ^bb0(%j: i32, %n: i32):
        %r = arith.cmpi slt, %j, %n : i32
        fc.yield %r : i1
      } : (!fc.tile<i32, [j]>, i32) -> !fc.tile<i1, [j]>
      // CHECK: fc.read %{{.*}} bounds(%{{[0-9]*}} < %{{[0-9]*}}, %{{[0-9]*}} < %{{[0-9]*}}) :
      %s = fc.read %x[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
      %e = fc.map(%s, %sees, %ii, %jj) {
      ^bb0(%a: f32, %c: i1, %i: i32, %j: i32):
        %ninf = arith.constant 0xFF800000 : f32
        %causal = arith.cmpi sle, %j, %i : i32
        %both = arith.andi %c, %causal : i1
        %y = arith.select %both, %a, %ninf : f32
        %r = math.exp %y : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i, j]>, !fc.tile<i1, [j]>, !fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
      %vt = fc.read %v[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f32, ["N", "16"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [d, j]>
      // CHECK: %[[V:.*]] = fc.read %{{.*}} where(%[[SEES]]) : {{.*}} -> !fc.tile<f32, [d, j]>
      // CHECK-NEXT: fc.dot over ["j"] %{{.*}}, %[[V]]
      %y = fc.dot over ["j"] %e, %vt : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [d, j]>) -> !fc.tile<f32, [d, i]>
      fc.write %y to %o[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "16"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
      fc.yield
    }
  }
}

// -----

// A test that depends on the row excludes no v altogether. A test inside one map over j is taken out of it, with
// its outcome; a computed operand is selected.

// CHECK-LABEL: fc.kernel @others
fc.kernel @others(%w: !fc.tensor<f32, ["N"]>, %v: !fc.tensor<f32, ["N", "16"]>, %len: i32, %o: !fc.tensor<f32, ["M", "16"]>) params ["w", "v", "len", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %c16 = arith.constant 16 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %dd = fc.axis %c0 to %c16 size 16 : !fc.tile<i32, [d]>
    fc.fold ["j"] from (%c0) to (%N) {
    ^bb0(%j0: i32):
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      %vt = fc.read %v[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f32, ["N", "16"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [d, j]>
      %causal = fc.map(%ii, %jj) {
      ^bb0(%i: i32, %j: i32):
        %one = arith.constant 1.0 : f32
        %zero = arith.constant 0.0 : f32
        %c = arith.cmpi sle, %j, %i : i32
        %r = arith.select %c, %one, %zero : f32
        fc.yield %r : f32
      } : (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
      // CHECK-NOT: where
      // CHECK: fc.dot over ["j"]
      %y = fc.dot over ["j"] %causal, %vt : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [d, j]>) -> !fc.tile<f32, [d, i]>
      %wt = fc.read %w[%jj] bounds(%jj < %N) : !fc.tensor<f32, ["N"]>, (!fc.tile<i32, [j]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [j]>
      %p = fc.map(%wt, %jj, %len) {
      ^bb0(%a: f32, %j: i32, %n: i32):
        %zero = arith.constant 0.0 : f32
        %past = arith.cmpi sge, %j, %n : i32
        %r = arith.select %past, %zero, %a : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [j]>, !fc.tile<i32, [j]>, i32) -> !fc.tile<f32, [j]>
      %v2 = fc.map(%vt) {
      ^bb0(%a: f32):
        %r = arith.addf %a, %a : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [d, j]>) -> !fc.tile<f32, [d, j]>
      // CHECK: %[[PAST:.*]] = arith.cmpi sge
      // CHECK: arith.select %[[PAST]],
      // CHECK: %[[PAST:.*]] = arith.cmpi sge
      // CHECK: arith.xori %[[PAST]], %true
      // CHECK: } : (!fc.tile<i32, [j]>, i32) -> !fc.tile<i1, [j]>
      // CHECK-NEXT: %[[V:.*]] = fc.map(%{{.*}}, %{{.*}}) {
      // CHECK: arith.select
      // CHECK: fc.dot over ["j"] %{{.*}}, %[[V]]
      %z = fc.dot over ["j"] %p, %v2 : (!fc.tile<f32, [j]>, !fc.tile<f32, [d, j]>) -> !fc.tile<f32, [d]>
      %sum = fc.map(%y, %z) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.addf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [d, i]>, !fc.tile<f32, [d]>) -> !fc.tile<f32, [d, i]>
      fc.write %sum to %o[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "16"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
      fc.yield
    }
  }
}
