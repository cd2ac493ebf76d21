// RUN: %fc-opt %s --canonicalize --split-input-file | FileCheck %s

// What a map need not compute at every point leaves it: `scale * m` goes to a map over [i], and a sum of two
// scalars becomes a plain scalar. Operands nobody reads, or given twice, go away.

// CHECK-LABEL: fc.kernel @narrow
fc.kernel @narrow(%s: !fc.tensor<f32, ["M", "N"]>, %r: !fc.tensor<f32, ["M"]>, %a: f32, %b: f32, %y: !fc.tensor<f32, ["M", "N"]>) params ["s", "r", "a", "b", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M, tile j in %M) {
  ^bb0(%i0: i32, %j0: i32):
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.iota %j0 : !fc.tile<i32, [j]>
    %x = fc.read %s[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    %m = fc.read %r[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
    // CHECK: %[[AB:.*]] = arith.addf
    // CHECK: %[[ROW:.*]] = fc.map(%[[AB]], %{{.*}}) {
    // CHECK: arith.mulf
    // CHECK: } : (f32, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
    // CHECK: fc.map(%{{.*}}, %[[ROW]]) {
    // CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: f32):
    // CHECK-NEXT: arith.subf
    // CHECK-NEXT: fc.yield
    %p = fc.map(%x, %m, %a, %b, %x, %ii) {
    ^bb0(%v: f32, %mm: f32, %c: f32, %d: f32, %again: f32, %unused: i32):
      %t = arith.addf %c, %d : f32
      %u = arith.mulf %t, %mm : f32
      %w = arith.subf %again, %u : f32
      fc.yield %w : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>, f32, f32, !fc.tile<f32, [i, j]>, !fc.tile<i32, [i]>) -> !fc.tile<f32, [i, j]>
    fc.write %p to %y[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) from !fc.tile<f32, [i, j]>
  }
}

// -----

// A result that is an operand is that operand; a result nobody reads is not computed; an operand that alone gives
// the result an axis stays although the region does not read it.

// CHECK-LABEL: fc.kernel @identity
fc.kernel @identity(%r: !fc.tensor<f32, ["M"]>, %y: !fc.tensor<f32, ["M"]>) params ["r", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    // CHECK: %[[V:.*]] = fc.read
    %v = fc.read %r[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
    %same, %unused = fc.map(%v) {
    ^bb0(%a: f32):
      %s = arith.addf %a, %a : f32
      fc.yield %a, %s : f32, f32
    } : (!fc.tile<f32, [i]>) -> (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>)
    // CHECK-NEXT: fc.write %[[V]]
    fc.write %same to %y[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) from !fc.tile<f32, [i]>
    // CHECK-NEXT: %[[Z:.*]] = fc.map(%{{.*}}) {
    %zero = fc.map(%ii) {
    ^bb0(%i: i32):
      %c = arith.constant 0.0 : f32
      fc.yield %c : f32
    } : (!fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
    // CHECK: fc.write %[[Z]]
    fc.write %zero to %y[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) from !fc.tile<f32, [i]>
  }
}

// -----

#flat = #fc.shared<"j", page = 64>

// A conversion to where a tile already is goes away.

// CHECK-LABEL: fc.kernel @convert
fc.kernel @convert(%x: !fc.tensor<f16, ["M", "N"]>, %y: !fc.tensor<f16, ["M", "N"]>) params ["x", "y"] outputs 1 {
  fc.program () {
    %c0 = arith.constant 0 : i32
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 64], #fc.place<"v j:64:1">>
    %v = fc.read %x[%c0, %jj] : !fc.tensor<f16, ["M", "N"]>, (i32, !fc.tile<i32, [j: 64], #fc.place<"v j:64:1">>) -> !fc.tile<f16, [j: 64], #fc.place<"v j:64:1">>
    // CHECK-NOT: fc.convert
    %same = fc.convert %v : !fc.tile<f16, [j: 64], #fc.place<"v j:64:1">> -> !fc.tile<f16, [j: 64], #fc.place<"v j:64:1">>
    fc.write %same to %y[%c0, %jj] : !fc.tensor<f16, ["M", "N"]>, (i32, !fc.tile<i32, [j: 64], #fc.place<"v j:64:1">>) from !fc.tile<f16, [j: 64], #fc.place<"v j:64:1">>
  }
}
