// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{target=sm_89}))' | FileCheck %s
// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{target=sm_89 schedule=warps=2}))' | FileCheck %s --check-prefix=WARPS
// RUN: %fc-opt %S/inputs/walks.mlir --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{target=sm_89 schedule=i=64,split:j=2}))' | FileCheck %s --check-prefix=SPLIT

// Each part of a split walk is like a tile of its own, on as many warps as one has.
// SPLIT: schedule <i = 64, j = 128, m = 64, k = 64, warps = 8, stages = 1, split j = 2>

// A product over a walked axis: the largest tiles that fit, four warps.

// CHECK-LABEL: fc.kernel @scores
// CHECK-SAME: schedule <i = 64, j = 64, warps = 4, stages = 1>
// WARPS-LABEL: fc.kernel @scores
// WARPS-SAME: schedule <i = 64, j = 32, warps = 2, stages = 1>
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
      // Three more that live at once: with two warps tiles of 64 by 64 would take 256 registers.
      %y, %z, %w = fc.map(%x) {
      ^bb0(%a: f32):
        %b = math.exp %a : f32
        %c = math.sqrt %a : f32
        %d = math.log %a : f32
        fc.yield %b, %c, %d : f32, f32, f32
      } : (!fc.tile<f32, [i, j]>) -> (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>)
      %m = fc.reduce max over ["j"] %y : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
      %s = fc.map(%m, %x, %y, %z, %w) {
      ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %e: f32):
        %1 = arith.addf %a, %b : f32
        %2 = arith.addf %c, %1 : f32
        %3 = arith.addf %d, %2 : f32
        %4 = arith.addf %e, %3 : f32
        fc.yield %4 : f32
      } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i, j]>
      fc.write %s to %o[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) from !fc.tile<f32, [i, j]>
      fc.yield
    }
  }
}

// -----

// The kernel's own statement is taken, and gone afterwards; the command line goes over it, and so far as
// the grid fixes a size, nothing does. An axis of known length has no tile wider than itself, and small tiles of
// rows need fewer warps.

// CHECK-LABEL: fc.kernel @own
// CHECK-SAME: schedule <i = 32, e = 24, warps = 8, stages = 1> attributes {fc.estimate
// WARPS-LABEL: fc.kernel @own
// WARPS-SAME: schedule <i = 32, e = 24, warps = 2, stages = 1> attributes {fc.estimate
fc.kernel @own(%o: !fc.tensor<f32, ["M", "24"]>) params ["o"] outputs 1 attributes {fc.schedule_items = {i = 32, warps = 8}, fc.by = {e = 24}} {
  %M = fc.dim "M"
  %E = arith.constant 24 : i32
  fc.program (tile i in %M, tile e in %E) {
  ^bb0(%i0: i32, %e0: i32):
  }
}

// -----

// CHECK-LABEL: fc.kernel @short
// CHECK-SAME: schedule <i = 16, warps = 2, stages = 1>
fc.kernel @short(%o: !fc.tensor<f32, ["12"]>) params ["o"] outputs 1 {
  %M = arith.constant 12 : i32
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

// Of axes walked together only the fastest is cut; a step that the text fixed is no choice.

// CHECK-LABEL: fc.kernel @together
// CHECK-SAME: schedule <r = 1, j = 64, warps = 4, stages = 1>
fc.kernel @together(%R: i32, %N: i32) params ["R", "N"] outputs 0 {
  %M = fc.dim "M"
  fc.program (b in %M) {
  ^bb0(%b: i32):
    %c0 = arith.constant 0 : i32
    fc.fold ["r", "j"] from (%c0, %c0) to (%R, %N) {
    ^bb0(%r0: i32, %j0: i32):
      fc.yield
    }
    fc.fold ["c"] from (%c0) to (%N) step (1) {
    ^bb0(%c: i32):
      fc.yield
    }
  }
}

// -----

// A statement to split a walk that must stay whole is passed over: it says how, never what.

// CHECK-LABEL: fc.kernel @idle
// CHECK-SAME: schedule <j = 64, warps = 4, stages = 1> attributes {fc.estimate
fc.kernel @idle() params [] outputs 0 attributes {fc.schedule_items = {"split:j" = 2}} {
  %N = fc.dim "N"
  %c0 = arith.constant 0 : i32
  fc.program (i in %N) {
  ^bb0(%i0: i32):
    fc.fold ["j"] from (%c0) to (%N) {
    ^bb0(%j0: i32):
      fc.yield
    }
  }
}
