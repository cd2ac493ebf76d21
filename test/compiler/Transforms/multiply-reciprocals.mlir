// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-multiply-reciprocals))' | FileCheck %s --check-prefixes=CHECK,SHARED
// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-multiply-reciprocals{rows=true}))' | FileCheck %s --check-prefixes=CHECK,ROWS

// A tile by a number, by a parameter, by a row that is no 0 (`nnan`) and by a tile. By a parameter 0 / 0 stays 0, since no reciprocal
// is infinite.
// CHECK-LABEL: fc.kernel @tile
// CHECK: fc.map
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %[[ROW:.*]]: f32, %[[CAP:.*]]: f32):
// CHECK: %[[THIRD:.*]] = arith.constant 0.333333343
// CHECK: arith.mulf %[[X]], %[[THIRD]]
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[INVERSE:.*]] = arith.divf %[[ONE]], %[[CAP]] fastmath<nnan,arcp>
// CHECK: %[[ABS:.*]] = math.absf %[[INVERSE]]
// CHECK: %[[INF:.*]] = arith.constant 0x7F800000
// CHECK: %[[LARGE:.*]] = arith.cmpf oeq, %[[ABS]], %[[INF]]
// CHECK: %[[MOST:.*]] = arith.constant 3.4028234
// CHECK: %[[SIGNED:.*]] = math.copysign %[[MOST]], %[[INVERSE]]
// CHECK: %[[FINITE:.*]] = arith.select %[[LARGE]], %[[SIGNED]], %[[INVERSE]]
// CHECK: arith.mulf %{{.*}}, %[[FINITE]]
// SHARED: arith.divf %{{.*}}, %[[ROW]] fastmath<nnan> :
// SHARED: arith.divf %{{.*}}, %[[X]] :
// ROWS: %[[BY:.*]] = arith.divf %{{.*}}, %[[ROW]] fastmath<nnan,arcp>
// ROWS-NEXT: arith.mulf %{{.*}}, %[[BY]]
// ROWS: arith.divf %{{.*}}, %[[X]] fastmath<arcp>
fc.kernel @tile(%x: !fc.tensor<f32, ["M", "N"]>, %cap: f32, %o: !fc.tensor<f32, ["M", "N"]>) params ["x", "cap", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M, tile j in %N) {
  ^bb0(%i0: i32, %j0: i32):
    %ii = fc.iota %i0 : <i32, [i]>
    %jj = fc.iota %j0 : <i32, [j]>
    %xt = fc.read %x[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
    %l = fc.reduce sum over ["j"] %xt : <f32, [i, j]> -> !fc.tile<f32, [i]>
    %y = fc.map(%xt, %l, %cap) {
    ^bb0(%e: f32, %row: f32, %c: f32):
      %three = arith.constant 3.0 : f32
      %a = arith.divf %e, %three : f32
      %b = arith.divf %a, %c : f32
      %d = arith.divf %b, %row fastmath<nnan> : f32
      %g = arith.divf %d, %e : f32
      fc.yield %g : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>, f32) -> !fc.tile<f32, [i, j]>
    fc.write %y to %o[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) from !fc.tile<f32, [i, j]>
  }
}

// -----

// A row that may be 0: what has a reciprocal is multiplied by it. A thread that has a row beyond takes x * (1 / (r * s)) * s for each of
// its rows, s being 1, 2^24 or 2^-24; by 0, three products take all but 0 beyond the largest number.
// ROWS-LABEL: fc.kernel @row
// ROWS: %[[X:.*]] = fc.map(
// ROWS: math.exp
// ROWS: %[[INVERSE:.*]] = fc.map(%[[L:.*]]) {
// ROWS: arith.divf %{{.*}}, %{{.*}} fastmath<nnan,arcp>
// ROWS: %[[FAR:.*]] = fc.map(%[[L]]) {
// ROWS: arith.cmpf olt
// ROWS: arith.cmpf ogt
// ROWS: %[[NEAR:.*]] = fc.map(%[[X]], %[[INVERSE]]) {
// ROWS: arith.mulf
// ROWS: %[[CHOSEN:.*]] = fc.map(%[[FAR]], %[[NEAR]], %[[X]], %[[L]]) {
// ROWS-NEXT: ^bb0(%{{.*}}: i1, %{{.*}}: f32, %[[E:.*]]: f32, %[[R:.*]]: f32):
// ROWS: %[[DOWN:.*]] = arith.select
// ROWS: %[[SHIFT:.*]] = arith.select %{{.*}}, %{{.*}}, %[[DOWN]]
// ROWS: %[[ZERO:.*]] = arith.cmpf oeq
// ROWS: %[[SHIFTED:.*]] = arith.mulf %[[R]], %[[SHIFT]]
// ROWS: %[[BY:.*]] = arith.divf %{{.*}}, %[[SHIFTED]] fastmath<nnan,arcp>
// ROWS: %[[SIGN:.*]] = math.copysign %{{.*}}, %[[R]]
// ROWS: %[[A:.*]] = arith.select %[[ZERO]], %{{.*}}, %[[BY]]
// ROWS-NEXT: %[[ONCE:.*]] = arith.mulf %[[E]], %[[A]]
// ROWS-NEXT: %[[B:.*]] = arith.select %[[ZERO]], %{{.*}}, %[[SHIFT]]
// ROWS-NEXT: %[[TWICE:.*]] = arith.mulf %[[ONCE]], %[[B]]
// ROWS: %[[C:.*]] = arith.select %[[ZERO]], %[[SIGN]], %
// ROWS-NEXT: arith.mulf %[[TWICE]], %[[C]]
// ROWS: {fc.rare}
// ROWS: fc.map(%[[CHOSEN]]) {
// ROWS-NEXT: ^bb0(
// ROWS-NEXT: math.absf
// ROWS-NEXT: fc.yield
// SHARED-LABEL: fc.kernel @row
// SHARED: fc.map
// SHARED: arith.divf
// SHARED-NOT: fc.rare
fc.kernel @row(%x: !fc.tensor<f32, ["M", "N"]>, %o: !fc.tensor<f32, ["M", "N"]>) params ["x", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M, tile j in %N) {
  ^bb0(%i0: i32, %j0: i32):
    %ii = fc.iota %i0 : <i32, [i]>
    %jj = fc.iota %j0 : <i32, [j]>
    %xt = fc.read %x[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
    %l = fc.reduce sum over ["j"] %xt : <f32, [i, j]> -> !fc.tile<f32, [i]>
    %y = fc.map(%xt, %l) {
    ^bb0(%e: f32, %row: f32):
      %a = math.exp %e : f32
      %d = arith.divf %a, %row : f32
      %g = math.absf %d : f32
      fc.yield %g : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
    fc.write %y to %o[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) from !fc.tile<f32, [i, j]>
  }
}

// -----

// What is rounded to an integer or compared stays as it is, and so do a number without a reciprocal and halves.
// CHECK-LABEL: fc.kernel @kept
// CHECK: fc.map
// CHECK-NOT: arith.mulf
// CHECK: %[[A:.*]] = arith.divf %{{.*}}, %{{.*}} : f32
// CHECK: math.floor %[[A]]
// CHECK: arith.divf %{{.*}}, %{{.*}} : f32
// CHECK: arith.cmpf
// CHECK: arith.divf %{{.*}}, %{{.*}} : f16
// CHECK-NOT: arith.mulf
fc.kernel @kept(%x: !fc.tensor<f32, ["M"]>, %cap: f32, %o: !fc.tensor<f32, ["M"]>) params ["x", "cap", "o"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %ii = fc.iota %i0 : <i32, [i]>
    %xt = fc.read %x[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f32, [i]>
    %y = fc.map(%xt, %cap) {
    ^bb0(%e: f32, %c: f32):
      %three = arith.constant 3.0 : f32
      %a = arith.divf %e, %three : f32
      %floor = math.floor %a : f32
      %b = arith.divf %e, %c : f32
      %one = arith.constant 1.0 : f32
      %less = arith.cmpf olt, %b, %one : f32
      %h = arith.truncf %e : f32 to f16
      %three16 = arith.constant 3.0 : f16
      %q = arith.divf %h, %three16 : f16
      %w = arith.extf %q : f16 to f32
      %r = arith.select %less, %w, %floor : f32
      fc.yield %r : f32
    } : (!fc.tile<f32, [i]>, f32) -> !fc.tile<f32, [i]>
    fc.write %y to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
  }
}
