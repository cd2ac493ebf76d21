// RUN: %fc-opt %s --split-input-file | %fc-opt --split-input-file | FileCheck %s
// RUN: %fc-opt %s --split-input-file --mlir-print-op-generic | %fc-opt --split-input-file | FileCheck %s

// Each operation once, through the printer and the parser.

// CHECK-LABEL: fc.kernel @values
// CHECK-SAME: params ["x", "flag", "y"] outputs 1
fc.kernel @values(%x: !fc.tensor<f32, ["M", "N?"]>, %flag: i1, %y: !fc.tensor<f32, ["M"]>) params ["x", "flag", "y"] outputs 1 {
  // CHECK: %[[M:.*]] = fc.dim "M"
  %M = fc.dim "M"
  %N = fc.dim "N"
  // CHECK: fc.program (b in %[[M]], tile i in %[[M]])
  fc.program (b in %M, tile i in %M) {
  ^bb0(%b: i32, %i0: i32):
    %c0 = arith.constant 0 : i32
    // CHECK: fc.iota %{{.*}} : <i32, [i]>
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    // CHECK: fc.axis %{{.*}} to %{{.*}} : <i32, [j]>
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
    // CHECK: fc.axis %{{.*}} to %{{.*}} size 64 : <i32, [d]>
    %dd = fc.axis %c0 to %N size 64 : !fc.tile<i32, [d]>
    // CHECK: fc.map(%{{.*}}) {
    // CHECK: } : (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> (!fc.tile<i1, [i, j]>, !fc.tile<i32, [i, j]>)
    %p, %s = fc.map(%ii, %jj) {
    ^bb0(%i: i32, %j: i32):
      %le = arith.cmpi sle, %j, %i : i32
      %sum = arith.addi %i, %j : i32
      fc.yield %le, %sum : i1, i32
    } : (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> (!fc.tile<i1, [i, j]>, !fc.tile<i32, [i, j]>)
    // CHECK: fc.read %{{.*}}[%{{.*}}, %{{.*}}] bounds(%{{.*}} < %[[M]], %{{.*}} < %{{.*}}) where(%{{.*}}, %{{.*}}) : !fc.tensor<f32, ["M", "N?"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) where(!fc.tile<i1, [i, j]>, i1) -> !fc.tile<f32, [i, j]>
    %v = fc.read %x[%ii, %jj] bounds(%ii < %M, %jj < %N) where(%p, %flag) : !fc.tensor<f32, ["M", "N?"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) where(!fc.tile<i1, [i, j]>, i1) -> !fc.tile<f32, [i, j]>
    // CHECK: fc.read %{{.*}}[%{{.*}}, %{{.*}}] : !fc.tensor<f32, ["M", "N?"]>, (i32, i32) -> f32
    %scalar = fc.read %x[%b, %c0] : !fc.tensor<f32, ["M", "N?"]>, (i32, i32) -> f32
    // CHECK: fc.reduce max over ["j"] %{{.*}} : <f32, [i, j]> -> !fc.tile<f32, [i]>
    %m = fc.reduce max over ["j"] %v : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    // CHECK: fc.reduce any over ["i", "j"] %{{.*}} : <i1, [i, j]> -> i1
    %any = fc.reduce any over ["i", "j"] %p : !fc.tile<i1, [i, j]> -> i1
    // CHECK: fc.dot over ["j"] %{{.*}}, %{{.*}} : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i]>
    %d = fc.dot over ["j"] %v, %v : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i]>
    // CHECK: fc.dot over ["j"] %{{.*}}, %{{.*}} into %{{.*}} : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
    %e = fc.dot over ["j"] %v, %v into %d : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
    // CHECK: fc.write %{{.*}} to %{{.*}}[%{{.*}}] bounds(%{{.*}} < %[[M]]) where(%{{.*}}) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) where(i1) from !fc.tile<f32, [i]>
    fc.write %e to %y[%ii] bounds(%ii < %M) where(%any) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) where(i1) from !fc.tile<f32, [i]>
  }
}

// -----

// A fold over two axes with a step, without combine: a hand-written walk; and one without a state.

// CHECK-LABEL: fc.kernel @folds
fc.kernel @folds(%y: !fc.tensor<f32, ["N"]>) params ["y"] outputs 1 schedule <j = 32, warps = 4, stages = 1> {
  %N = fc.dim "N"
  fc.program () {
    %c0 = arith.constant 0 : i32
    %zero = arith.constant 0.0 : f32
    // CHECK: fc.fold ["r", "j"] from (%{{.*}}, %{{.*}}) to (%{{.*}}, %{{.*}}) step (1, 32) init(%{{.*}} : f32) {
    %s = fc.fold ["r", "j"] from (%c0, %c0) to (%N, %N) step (1, 32) init(%zero : f32) {
    ^bb0(%r: i32, %j0: i32, %a: f32):
      fc.yield %a : f32
    }
    // CHECK: fc.fold ["j"] from (%{{.*}}) to (%{{.*}}) step (32) {
    fc.fold ["j"] from (%c0) to (%N) step (32) {
    ^bb0(%j0: i32):
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 32]>
      %v = fc.map(%jj, %s) {
      ^bb0(%j: i32, %x: f32):
        fc.yield %x : f32
      } : (!fc.tile<i32, [j: 32]>, f32) -> !fc.tile<f32, [j: 32]>
      fc.write %v to %y[%jj] bounds(%jj < %N) : !fc.tensor<f32, ["N"]>, (!fc.tile<i32, [j: 32]>) bounds(!fc.tile<i32, [j: 32]> < i32) from !fc.tile<f32, [j: 32]>
      fc.yield
    }
  }
}

// -----

#rows = #fc.place<"v j:2:1 i:2:8 j:8:8 | l j:4:2 i:8:1 | w i:4:16">
#flat = #fc.shared<"j", page = 64>
!reg = !fc.tile<f16, [i: 64, j: 64], #rows>
!slot = !fc.slot<!fc.tile<f16, [i: 64, j: 64], #flat>>
!ring = !fc.ring<!fc.tile<f16, [i: 64, j: 64], #flat>, 2>

// CHECK-LABEL: fc.kernel @rings
fc.kernel @rings(%x: !fc.tensor<f16, ["M", "N"]>) params ["x"] outputs 0 {
  %N = fc.dim "N"
  fc.program () {
    %c0 = arith.constant 0 : i32
    // CHECK: fc.ring : <{{.*}}, 2>
    %r = fc.ring : !ring
    // CHECK: fc.ring at 1024 : <{{.*}}, 2>
    %r2 = fc.ring at 1024 : !ring
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 64], #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:4:16">>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 64], #fc.place<"v j:64:1">>
    // CHECK: %[[A:.*]] = fc.acquire
    %a = fc.acquire %r, %c0 : !ring -> !slot
    // CHECK: fc.copy %{{.*}}[%{{.*}}, %{{.*}}] bounds(%{{.*}} < %{{.*}}) : {{.*}} -> %[[A]] : {{.*}} via "plain"
    fc.copy %x[%ii, %jj] bounds(%jj < %N) : !fc.tensor<f16, ["M", "N"]>, (!fc.tile<i32, [i: 64], #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:4:16">>, !fc.tile<i32, [j: 64], #fc.place<"v j:64:1">>) bounds(!fc.tile<i32, [j: 64], #fc.place<"v j:64:1">> < i32) -> %a : !slot via "plain"
    // CHECK: fc.publish
    fc.publish %r, %c0 : !ring
    // CHECK: %[[W:.*]] = fc.wait
    %w = fc.wait %r, %c0 : !ring -> !slot
    // CHECK: %[[T:.*]] = fc.load %[[W]]
    %t = fc.load %w : !slot -> !reg
    // CHECK: fc.release
    fc.release %r, %c0 : !ring
    %b = fc.acquire %r2, %c0 : !ring -> !slot
    // CHECK: fc.store %[[T]], %{{.*}}
    fc.store %t, %b : !reg, !slot
    // CHECK: fc.convert %[[T]]
    %u = fc.convert %t : !reg -> !fc.tile<f16, [i: 64, j: 64], #flat>
  }
}

// -----

// CHECK-LABEL: fc.kernel @hops
fc.kernel @hops(%doc: !fc.tensor<i32, ["N"]>) params ["doc"] outputs 0 {
  %N = fc.dim "N"
  fc.program () {
    %c0 = arith.constant 0 : i32
    // CHECK: fc.fold ["j"] from (%{{.*}}) to (%{{.*}}) step (64) init(%{{.*}} : i32) {
    %z = fc.fold ["j"] from (%c0) to (%N) step (64) init(%c0 : i32) {
    ^bb0(%j0: i32, %s: i32):
      fc.yield %s : i32
    // CHECK: } hop {
    // CHECK-NEXT: ^bb0(%[[START:.*]]: i32):
    } hop {
    ^bb0(%start: i32):
      %jj = fc.iota %start : !fc.tile<i32, [j: 64]>
      %ids = fc.read %doc[%jj] bounds(%jj < %N) : !fc.tensor<i32, ["N"]>, (!fc.tile<i32, [j: 64]>) bounds(!fc.tile<i32, [j: 64]> < i32) -> !fc.tile<i32, [j: 64]>
      // CHECK: fc.extreme min %{{.*}} of %{{.*}} : <i32, [j: 64]>
      %low = fc.extreme min %ids of %N : !fc.tile<i32, [j: 64]>
      // CHECK: fc.extreme max %{{.*}} sorted : <i32, [j: 64]>
      %high = fc.extreme max %ids sorted : !fc.tile<i32, [j: 64]>
      %walked = arith.cmpi slt, %low, %high : i32
      // CHECK: fc.yield %[[START]], %{{.*}} : i32, i1
      fc.yield %start, %walked : i32, i1
    }
    // CHECK: fc.hop %{{.*}} to %{{.*}} step 64 {
    %next = fc.hop %c0 to %N step 64 {
    ^bb0(%start: i32):
      %true = arith.constant true
      fc.yield %start, %true : i32, i1
    }
  }
}

// -----

// States merged over an axis; the points of an axis in parts.

// CHECK-LABEL: fc.kernel @merge
// CHECK-SAME: schedule <j = 64, warps = 4, stages = 1, ctas = 2, split j = 2>
fc.kernel @merge(%y: !fc.tensor<f32, ["N"]>) params ["y"] outputs 1 schedule <j = 64, warps = 4, stages = 1, ctas = 2, split j = 2> {
  %N = fc.dim "N"
  fc.program (i in %N) {
  ^bb0(%i: i32):
    // CHECK: %[[JJ:.*]] = fc.iota %{{.*}} : <i32, [j: 32, j.part: 2]>
    %jj = fc.iota %i : !fc.tile<i32, [j: 32, j.part: 2]>
    %l = fc.reduce sum over ["j"] %jj : !fc.tile<i32, [j: 32, j.part: 2]> -> !fc.tile<i32, [j.part: 2]>
    // CHECK: %{{.*}}:2 = fc.merge over "j.part"(%[[JJ]], %{{.*}} : !fc.tile<i32, [j: 32, j.part: 2]>, !fc.tile<i32, [j.part: 2]>) {
    // CHECK-NEXT: ^bb0(%{{.*}}: !fc.tile<i32, [j: 32]>, %{{.*}}: i32, %[[B:.*]]: !fc.tile<i32, [j: 32]>, %{{.*}}: i32):
    // CHECK: fc.yield %[[B]], %{{.*}} : !fc.tile<i32, [j: 32]>, i32
    // CHECK-NEXT: } -> !fc.tile<i32, [j: 32]>, i32
    %a, %b = fc.merge over "j.part"(%jj, %l : !fc.tile<i32, [j: 32, j.part: 2]>, !fc.tile<i32, [j.part: 2]>) {
    ^bb0(%xa: !fc.tile<i32, [j: 32]>, %xb: i32, %ya: !fc.tile<i32, [j: 32]>, %yb: i32):
      %z = arith.addi %xb, %yb : i32
      fc.yield %ya, %z : !fc.tile<i32, [j: 32]>, i32
    } -> !fc.tile<i32, [j: 32]>, i32
  }
}
