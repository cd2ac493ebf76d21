// RUN: %fc-opt %s --fc-add-variants='target=sm_80 strategy=pipelined' | FileCheck %s
// RUN: %fc-opt %s --fc-add-variants='target=sm_80 strategy=tensor' | FileCheck %s --check-prefix=TENSOR
// RUN: %fc-opt %s --fc-add-variants='target=sm_80 strategy=scalar' | FileCheck %s --check-prefix=SCALAR
// RUN: %fc-opt %s --fc-add-variants='target=sm_80 strategy=pipelined schedule=i=32,warps=2' | FileCheck %s --check-prefix=FORCED

// Wide tiles where the grid is large, small ones otherwise, both for tensors aligned to 16 bytes; plain copies for all else.

// CHECK: fc.kernel @scores$wide
// CHECK-SAME: schedule <i = [[ROWS:[0-9]+]],
// CHECK-SAME: fc.aligned = ["q", "k", "o"]
// CHECK-SAME: fc.condition = "[\22>=\22, [\22/\22, [\22+\22, \22M\22, {{[0-9]+}}], [[ROWS]]], [\22*\22, {{[2-4]}}, [\22sms\22]]]"
// CHECK-SAME: fc.estimate = {ctas_per_sm = {{[0-9]+}} : i64, cycles = {{[0-9]+}} : i64, registers = {{[0-9]+}} : i64, shared = {{[0-9]+}} : i64}
// CHECK-SAME: fc.requires = "[\22and\22, [\22aligned\22, \22q\22, 16], [\22aligned\22, \22k\22, 16], [\22aligned\22, \22o\22, 16]]"
// CHECK-SAME: fc.variant = "wide", fc.variant_of = "scores"
// CHECK: fc.kernel @scores$small
// CHECK-NOT: fc.condition
// CHECK-SAME: fc.requires
// CHECK: fc.kernel @scores(
// CHECK-NOT: fc.aligned
// CHECK-NOT: fc.requires
// CHECK: fc.kernel @other(
// CHECK-NOT: fc.kernel

// Copies that wait ask nothing of addresses.
// TENSOR: fc.kernel @scores$wide
// TENSOR-NOT: fc.requires
// TENSOR: fc.kernel @scores(
// TENSOR-SAME: fc.variant = "small"
// TENSOR-NOT: fc.kernel @scores

// SCALAR-NOT: $
// SCALAR: fc.kernel @scores(

// The walk reads one tensor: with one slot its copies would hide behind nothing.
// FORCED: fc.kernel @scores$aligned
// FORCED-SAME: schedule <i = 32, j = {{[0-9]+}}, warps = 2, stages = {{[23]}}>
// FORCED: fc.kernel @scores(
// FORCED-SAME: schedule <i = 32, j = {{[0-9]+}}, warps = 2, stages = 1>
// FORCED-NOT: fc.kernel @scores

fc.kernel @scores(%q: !fc.tensor<f16, ["M", "64"]>, %k: !fc.tensor<f16, ["N", "64"]>, %o: !fc.tensor<f32, ["M", "N"]>) params ["q", "k", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %c64 = arith.constant 64 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %dd = fc.axis %c0 to %c64 size 64 : !fc.tile<i32, [d]>
    %qt = fc.read %q[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f16, [d, i]>
    fc.fold ["j"] from (%c0) to (%N) {
    ^bb0(%j0: i32):
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      %kt = fc.read %k[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "64"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %x = fc.dot over ["d"] %qt, %kt : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [i, j]>
      fc.write %x to %o[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) from !fc.tile<f32, [i, j]>
      fc.yield
    }
  }
}

// A kernel without products stays as it is.

fc.kernel @other(%o: !fc.tensor<f32, ["M"]>) params ["o"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}
