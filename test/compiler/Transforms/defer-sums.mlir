// RUN: %fc-opt %s --pass-pipeline='builtin.module(fc.kernel(fc-assign-places,fc-defer-sums))' | FileCheck %s

// l' = c l + sum e stays apart in the four lanes of a quad, until the loop is over. n, whose sum another value of the
// turn reads, does not.

// CHECK-DAG: #[[LANES:.*]] = #fc.place<"l jq:4:1">
// CHECK-DAG: #[[APART:.*]] = #fc.place<"v i:2:8 | l jq:4:1 i:8:1 | w i:4:16">
// CHECK-LABEL: fc.kernel @sums
// CHECK: %[[LANE:.*]] = fc.iota %{{.*}} : <i32, [jq: 4], #[[LANES]]>
// CHECK: %[[ZERO:.*]] = fc.map(%{{.*}}, %[[LANE]])
// CHECK: -> !fc.tile<f32, [i: 64, jq: 4], #[[APART]]>
// CHECK: %[[STATE:.*]]:2 = fc.fold ["j"] {{.*}} init(%[[ZERO]],
// CHECK: ^bb0(%{{.*}}: i32, %[[L:.*]]: !fc.tile<f32, [i: 64, jq: 4], #[[APART]]>, %{{.*}}: !fc.tile<f32, [i: 64], #
// CHECK: %[[SUM:.*]] = fc.reduce sum over ["j"] %[[X:.*]] into "jq" : {{.*}} -> !fc.tile<f32, [i: 64, jq: 4], #[[APART]]>
// CHECK: fc.reduce sum over ["j"] %[[X]] : {{.*}} -> !fc.tile<f32, [i: 64], #
// CHECK: fc.map(%[[L]], %[[SUM]])
// CHECK: -> !fc.tile<f32, [i: 64, jq: 4], #[[APART]]>
// CHECK-NOT: combine
// CHECK: %[[WHOLE:.*]] = fc.reduce sum over ["jq"] %[[STATE]]#0
// CHECK: fc.write %[[WHOLE]]
fc.kernel @sums(%x: !fc.tensor<f32, ["M", "N"]>, %o: !fc.tensor<f32, ["M"]>, %p: !fc.tensor<f32, ["M"]>) params ["x", "o", "p"] outputs 2 schedule <i = 64, j = 64, warps = 4, stages = 1> {
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
    ^bb0(%j0: i32, %l0: !fc.tile<f32, [i: 64]>, %n0: !fc.tile<f32, [i: 64]>):
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 64]>
      %xt = fc.read %x[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [j: 64]>) bounds(!fc.tile<i32, [i: 64]> < i32, !fc.tile<i32, [j: 64]> < i32) -> !fc.tile<f32, [i: 64, j: 64]>
      %sum = fc.reduce sum over ["j"] %xt : !fc.tile<f32, [i: 64, j: 64]> -> !fc.tile<f32, [i: 64]>
      %more = fc.reduce sum over ["j"] %xt : !fc.tile<f32, [i: 64, j: 64]> -> !fc.tile<f32, [i: 64]>
      %l = fc.map(%l0, %sum) {
      ^bb0(%a: f32, %b: f32):
        %half = arith.constant 0.5 : f32
        %r = arith.mulf %a, %half : f32
        %y = arith.addf %r, %b : f32
        fc.yield %y : f32
      } : (!fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
      %n = fc.map(%n0, %more) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.mulf %b, %b : f32
        %y = arith.addf %a, %r : f32
        fc.yield %y : f32
      } : (!fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
      fc.yield %l, %n : !fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>
    } combine {
    ^bb0(%la: !fc.tile<f32, [i: 64]>, %na: !fc.tile<f32, [i: 64]>, %lb: !fc.tile<f32, [i: 64]>, %nb: !fc.tile<f32, [i: 64]>):
      fc.yield %la, %nb : !fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>
    }
    fc.write %state#0 to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 64]>) bounds(!fc.tile<i32, [i: 64]> < i32) from !fc.tile<f32, [i: 64]>
    fc.write %state#1 to %p[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 64]>) bounds(!fc.tile<i32, [i: 64]> < i32) from !fc.tile<f32, [i: 64]>
  }
}
