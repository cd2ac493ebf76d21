// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-plan-mask),cse)' | FileCheck %s

// Row i takes keys j <= i: the walk ends behind the tile that holds the last row's last key, and only a tile whose
// last key is past the first row is tested.

// CHECK-LABEL: fc.kernel @causal_sum
// CHECK: ^bb0(%[[I0:.*]]: i32):
// CHECK-DAG: %[[C63:.*]] = arith.constant 63 : i32
// CHECK: %[[REACH:.*]] = arith.addi %[[I0]], %[[C63]]
// CHECK: arith.minsi %[[REACH]]
// CHECK: arith.maxsi
// CHECK-NEXT: arith.trunci
// CHECK-NEXT: %[[HI:.*]] = arith.minsi
// CHECK: fc.fold ["j"] from (%{{.*}}) to (%[[HI]]) step (32)
// CHECK: ^bb0(%[[J0:.*]]: i32, %{{.*}}: !fc.tile<f32, [i: 64]>):
// CHECK: %[[NEEDED:.*]] = arith.cmpi sge, %[[J0]], %{{.*}} : i32
// CHECK: %[[X:.*]] = fc.read
// CHECK: %[[T:.*]] = fc.map(%[[NEEDED]], %[[X]], %{{.*}}, %{{.*}}) {
// CHECK: } {fc.test} : (i1, !fc.tile<f32, [i: 64, j: 32]>
// CHECK: fc.reduce sum over ["j"] %[[T]]
fc.kernel @causal_sum(%s: !fc.tensor<f32, ["M", "N"]>, %o: !fc.tensor<f32, ["M"]>) params ["s", "o"] outputs 1 schedule <i = 64, j = 32, warps = 4, stages = 1> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 64]>
    %l0 = fc.map(%ii) {
    ^bb0(%i: i32):
      %zero = arith.constant 0.0 : f32
      fc.yield %zero : f32
    } : (!fc.tile<i32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
    %l = fc.fold ["j"] from (%c0) to (%N) step (32) init(%l0 : !fc.tile<f32, [i: 64]>) {
    ^bb0(%j0: i32, %lo: !fc.tile<f32, [i: 64]>):
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 32]>
      %x = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [j: 32]>) bounds(!fc.tile<i32, [i: 64]> < i32, !fc.tile<i32, [j: 32]> < i32) -> !fc.tile<f32, [i: 64, j: 32]>
      %y = fc.map(%ii, %jj, %x) {
      ^bb0(%i: i32, %j: i32, %a: f32):
        %zero = arith.constant 0.0 : f32
        %c = arith.cmpi sle, %j, %i : i32
        %r = arith.select %c, %a, %zero : f32
        fc.yield %r : f32
      } : (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [j: 32]>, !fc.tile<f32, [i: 64, j: 32]>) -> !fc.tile<f32, [i: 64, j: 32]>
      %t = fc.reduce sum over ["j"] %y : !fc.tile<f32, [i: 64, j: 32]> -> !fc.tile<f32, [i: 64]>
      %ln = fc.map(%lo, %t) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.addf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
      fc.yield %ln : !fc.tile<f32, [i: 64]>
    }
    fc.write %l to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 64]>) bounds(!fc.tile<i32, [i: 64]> < i32) from !fc.tile<f32, [i: 64]>
  }
}

// -----

// A tile without keys halves this state, so no tile may be skipped: the bounds stay.

// CHECK-LABEL: fc.kernel @halves
// CHECK: %[[N:.*]] = fc.dim "N"
// CHECK: fc.fold ["j"] from (%{{.*}}) to (%[[N]]) step (32)
fc.kernel @halves(%s: !fc.tensor<f32, ["M", "N"]>, %o: !fc.tensor<f32, ["M"]>) params ["s", "o"] outputs 1 schedule <i = 64, j = 32, warps = 4, stages = 1> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 64]>
    %l0 = fc.map(%ii) {
    ^bb0(%i: i32):
      %zero = arith.constant 0.0 : f32
      fc.yield %zero : f32
    } : (!fc.tile<i32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
    %l = fc.fold ["j"] from (%c0) to (%N) step (32) init(%l0 : !fc.tile<f32, [i: 64]>) {
    ^bb0(%j0: i32, %lo: !fc.tile<f32, [i: 64]>):
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 32]>
      %x = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [j: 32]>) bounds(!fc.tile<i32, [i: 64]> < i32, !fc.tile<i32, [j: 32]> < i32) -> !fc.tile<f32, [i: 64, j: 32]>
      %y = fc.map(%ii, %jj, %x) {
      ^bb0(%i: i32, %j: i32, %a: f32):
        %zero = arith.constant 0.0 : f32
        %c = arith.cmpi sle, %j, %i : i32
        %r = arith.select %c, %a, %zero : f32
        fc.yield %r : f32
      } : (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [j: 32]>, !fc.tile<f32, [i: 64, j: 32]>) -> !fc.tile<f32, [i: 64, j: 32]>
      %t = fc.reduce sum over ["j"] %y : !fc.tile<f32, [i: 64, j: 32]> -> !fc.tile<f32, [i: 64]>
      %ln = fc.map(%lo, %t) {
      ^bb0(%a: f32, %b: f32):
        %half = arith.constant 0.5 : f32
        %h = arith.mulf %a, %half : f32
        %r = arith.addf %h, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
      fc.yield %ln : !fc.tile<f32, [i: 64]>
    }
    fc.write %l to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 64]>) bounds(!fc.tile<i32, [i: 64]> < i32) from !fc.tile<f32, [i: 64]>
  }
}
