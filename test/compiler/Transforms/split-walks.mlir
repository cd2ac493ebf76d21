// RUN: %fc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc.kernel(fc-split-walks))' | FileCheck %s

// Each tile of 64 keys becomes two parts of 32. What is over the keys is over both axes; what is reduced over them
// keeps the parts, and with it the state, a scalar one too. The fold's `combine` goes to the merge behind it.

// CHECK-LABEL: fc.kernel @sums
fc.kernel @sums(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>, %z: !fc.tensor<f32, ["M"]>) params ["x", "y", "z"] outputs 2 schedule <i = 8, j = 64, warps = 2, stages = 1, split j = 2> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %zero = arith.constant 0.0 : f32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 8]>
    %l0 = fc.map(%ii) {
    ^bb0(%i: i32):
      %r = arith.constant 0.0 : f32
      fc.yield %r : f32
    } : (!fc.tile<i32, [i: 8]>) -> !fc.tile<f32, [i: 8]>
    // CHECK: %[[P:.*]] = fc.iota %{{.*}} : <i32, [j.part: 2]>
    // CHECK: %[[L0:.*]] = fc.map(%{{.*}}, %[[P]])
    // CHECK: -> !fc.tile<f32, [i: 8, j.part: 2]>
    // CHECK: %[[T0:.*]] = fc.map(%{{.*}}, %{{.*}})
    // CHECK: -> !fc.tile<f32, [j.part: 2]>
    // CHECK: %[[S:.*]]:2 = fc.fold ["j"] from (%{{.*}}) to (%{{.*}}) step (64) init(%[[L0]], %[[T0]] : !fc.tile<f32, [i: 8, j.part: 2]>, !fc.tile<f32, [j.part: 2]>) {
    %l, %t = fc.fold ["j"] from (%c0) to (%N) step (64) init(%l0, %zero : !fc.tile<f32, [i: 8]>, f32) {
    // CHECK-NEXT: ^bb0(%[[J0:.*]]: i32, %{{.*}}: !fc.tile<f32, [i: 8, j.part: 2]>, %{{.*}}: !fc.tile<f32, [j.part: 2]>):
    ^bb0(%j0: i32, %lo: !fc.tile<f32, [i: 8]>, %to: f32):
      // CHECK: %[[JJ:.*]] = fc.iota %[[J0]] : <i32, [j: 32, j.part: 2]>
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 64]>
      // CHECK: fc.read %{{.*}}[%{{.*}}, %[[JJ]]] bounds(%[[JJ]] < %{{.*}}) : {{.*}} -> !fc.tile<f32, [i: 8, j: 32, j.part: 2]>
      %s = fc.read %x[%ii, %jj] bounds(%jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i: 8]>, !fc.tile<i32, [j: 64]>) bounds(!fc.tile<i32, [j: 64]> < i32) -> !fc.tile<f32, [i: 8, j: 64]>
      // CHECK: fc.reduce sum over ["j"] %{{.*}} : <f32, [i: 8, j: 32, j.part: 2]> -> !fc.tile<f32, [i: 8, j.part: 2]>
      %lt = fc.reduce sum over ["j"] %s : !fc.tile<f32, [i: 8, j: 64]> -> !fc.tile<f32, [i: 8]>
      %ln = fc.map(%lo, %lt) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.addf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 8]>, !fc.tile<f32, [i: 8]>) -> !fc.tile<f32, [i: 8]>
      // CHECK: fc.reduce sum over ["i"] %{{.*}} : <f32, [i: 8, j.part: 2]> -> !fc.tile<f32, [j.part: 2]>
      %tt = fc.reduce sum over ["i"] %lt : !fc.tile<f32, [i: 8]> -> f32
      // CHECK-NEXT: %[[TN:.*]] = fc.map(%{{.*}}, %{{.*}}) {
      // CHECK: arith.addf
      // CHECK: } : (!fc.tile<f32, [j.part: 2]>, !fc.tile<f32, [j.part: 2]>) -> !fc.tile<f32, [j.part: 2]>
      %tn = arith.addf %to, %tt : f32
      // CHECK: fc.yield %{{.*}}, %[[TN]] : !fc.tile<f32, [i: 8, j.part: 2]>, !fc.tile<f32, [j.part: 2]>
      fc.yield %ln, %tn : !fc.tile<f32, [i: 8]>, f32
    } combine {
    ^bb0(%la: !fc.tile<f32, [i: 8]>, %ta: f32, %lb: !fc.tile<f32, [i: 8]>, %tb: f32):
      %lc = fc.map(%la, %lb) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.addf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 8]>, !fc.tile<f32, [i: 8]>) -> !fc.tile<f32, [i: 8]>
      %tc = arith.addf %ta, %tb : f32
      fc.yield %lc, %tc : !fc.tile<f32, [i: 8]>, f32
    }
    // CHECK-NOT: combine
    // CHECK: %[[R:.*]]:2 = fc.merge over "j.part"(%[[S]]#0, %[[S]]#1 : !fc.tile<f32, [i: 8, j.part: 2]>, !fc.tile<f32, [j.part: 2]>) {
    // CHECK-NEXT: ^bb0(%{{.*}}: !fc.tile<f32, [i: 8]>, %{{.*}}: f32, %{{.*}}: !fc.tile<f32, [i: 8]>, %{{.*}}: f32):
    // CHECK: } -> !fc.tile<f32, [i: 8]>, f32
    // CHECK: fc.write %[[R]]#0
    fc.write %l to %y[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 8]>) bounds(!fc.tile<i32, [i: 8]> < i32) from !fc.tile<f32, [i: 8]>
    fc.write %t to %z[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 8]>) bounds(!fc.tile<i32, [i: 8]> < i32) from f32
  }
}

// -----

// What is not over the keys by itself (the state stays as it is) is the same in each part. Without a split nothing
// changes.

// CHECK-LABEL: fc.kernel @same
// CHECK: fc.fold
// CHECK: ^bb0(%{{.*}}: i32, %[[OLD:.*]]: !fc.tile<f32, [i: 8, j.part: 4]>):
// CHECK: fc.yield %[[OLD]]
fc.kernel @same(%y: !fc.tensor<f32, ["M"]>) params ["y"] outputs 1 schedule <i = 8, j = 64, warps = 4, stages = 1, split j = 4> {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 8]>
    %l0 = fc.read %y[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 8]>) -> !fc.tile<f32, [i: 8]>
    %l = fc.fold ["j"] from (%c0) to (%M) step (64) init(%l0 : !fc.tile<f32, [i: 8]>) {
    ^bb0(%j0: i32, %lo: !fc.tile<f32, [i: 8]>):
      fc.yield %lo : !fc.tile<f32, [i: 8]>
    } combine {
    ^bb0(%la: !fc.tile<f32, [i: 8]>, %lb: !fc.tile<f32, [i: 8]>):
      fc.yield %la : !fc.tile<f32, [i: 8]>
    }
    fc.write %l to %y[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 8]>) from !fc.tile<f32, [i: 8]>
  }
}

// -----

// CHECK-LABEL: fc.kernel @whole
// CHECK-NOT: j.part
fc.kernel @whole(%y: !fc.tensor<f32, ["M"]>) params ["y"] outputs 1 schedule <j = 64, warps = 4, stages = 1, split j = 2> {
  %M = fc.dim "M"
  fc.program (i in %M) {
  ^bb0(%i: i32):
    %c0 = arith.constant 0 : i32
    %zero = arith.constant 0.0 : f32
    // expected-remark @below {{walk over `j` is not split: it is written by hand, so the order of its turns matters}}
    %l = fc.fold ["j"] from (%c0) to (%M) step (64) init(%zero : f32) {
    ^bb0(%j0: i32, %lo: f32):
      fc.yield %lo : f32
    }
    // expected-remark @below {{walk over `j` is not split: it is over several axes at once}}
    %k = fc.fold ["r", "j"] from (%c0, %c0) to (%M, %M) step (1, 64) init(%zero : f32) {
    ^bb0(%r0: i32, %j0: i32, %lo: f32):
      fc.yield %lo : f32
    } combine {
    ^bb0(%a: f32, %b: f32):
      fc.yield %a : f32
    }
    // expected-remark @below {{walk over `j` is not split: it carries nothing that could be merged}}
    fc.fold ["j"] from (%c0) to (%M) step (64) {
    ^bb0(%j0: i32):
      fc.yield
    }
    fc.write %l to %y[%i] : !fc.tensor<f32, ["M"]>, (i32) from f32
  }
}
