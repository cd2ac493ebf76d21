// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-tile),canonicalize,cse)' | FileCheck %s

// Sizes go onto every type, the fold gets its step. The last tile of j may be ragged: what the sum takes past
// the end is 0 already, as the read is bounded by that end, so nothing is masked.

// CHECK-LABEL: fc.kernel @rowsum
// CHECK-SAME: schedule <i = 64, j = 32, warps = 4, stages = 1>
fc.kernel @rowsum(%s: !fc.tensor<f32, ["M", "N"]>, %o: !fc.tensor<f32, ["M"]>) params ["s", "o"] outputs 1 schedule <i = 64, j = 32, warps = 4, stages = 1> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    // CHECK: fc.map(%{{.*}}) {
    // CHECK: } : (!fc.tile<i32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
    %l0 = fc.map(%ii) {
    ^bb0(%i: i32):
      %zero = arith.constant 0.0 : f32
      fc.yield %zero : f32
    } : (!fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
    // CHECK: fc.fold ["j"] from (%{{.*}}) to (%{{.*}}) step (32) init(%{{.*}} : !fc.tile<f32, [i: 64]>) {
    %l = fc.fold ["j"] from (%c0) to (%N) init(%l0 : !fc.tile<f32, [i]>) {
    ^bb0(%j0: i32, %lo: !fc.tile<f32, [i]>):
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      // CHECK: %[[X:.*]] = fc.read {{.*}} -> !fc.tile<f32, [i: 64, j: 32]>
      %x = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
      // CHECK-NEXT: fc.reduce sum over ["j"] %[[X]] : <f32, [i: 64, j: 32]> -> !fc.tile<f32, [i: 64]>
      %t = fc.reduce sum over ["j"] %x : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
      %ln = fc.map(%lo, %t) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.addf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
      fc.yield %ln : !fc.tile<f32, [i]>
    }
    fc.write %l to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
  }
}

// -----

// A score masked to -inf once makes its exponential 0 by itself: sum and product need no mask of their own. The
// test is made over [j], once a turn.

// CHECK-LABEL: fc.kernel @softmax
fc.kernel @softmax(%s: !fc.tensor<f32, ["M", "N"]>, %v: !fc.tensor<f32, ["N", "16"]>, %o: !fc.tensor<f32, ["M", "16"]>) params ["s", "v", "o"] outputs 1 schedule <i = 64, j = 32, warps = 4, stages = 1> {
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
      // CHECK: fc.fold
      // CHECK-NEXT: ^bb0(%[[J0:.*]]: i32):
      // CHECK-NEXT: %[[JJ:.*]] = fc.iota %[[J0]] : <i32, [j: 32]>
      // CHECK-NEXT: %[[IN:.*]] = fc.map(%[[JJ]], %{{.*}}) {
      // CHECK: arith.cmpi slt
      // CHECK: } : (!fc.tile<i32, [j: 32]>, i32) -> !fc.tile<i1, [j: 32]>
      // CHECK-NOT: arith.cmpi
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      %x = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
      // CHECK: %[[X:.*]] = fc.map(%{{.*}}, %[[IN]]) {
      // CHECK: arith.constant 0xFF800000 : f32
      // CHECK: arith.select
      // CHECK: fc.reduce max over ["j"] %[[X]]
      %m = fc.reduce max over ["j"] %x : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
      // CHECK: %[[E:.*]] = fc.map(%[[X]], %{{.*}}) {
      %e = fc.map(%x, %m) {
      ^bb0(%a: f32, %b: f32):
        %d = arith.subf %a, %b : f32
        %r = math.exp %d : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
      // CHECK: fc.reduce sum over ["j"] %[[E]]
      %l = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
      %p = fc.map(%e, %l) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.divf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
      %vt = fc.read %v[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f32, ["N", "16"]>, (!fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [d, j]>
      // CHECK-NOT: arith.select
      // CHECK: fc.dot over ["j"]
      %acc = fc.dot over ["j"] %p, %vt : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [d, j]>) -> !fc.tile<f32, [d, i]>
      fc.write %acc to %o[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "16"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
      fc.yield
    }
  }
}

// -----

// Lengths that the tile divides need no tests. An exponential of a read is 1 past the end, not 0: over a length
// that it does not divide, sum and product share one mask.

// CHECK-LABEL: fc.kernel @divides
// CHECK-NOT: arith.select
// CHECK-LABEL: fc.kernel @divides_not
// CHECK: arith.select
// CHECK: fc.reduce sum over ["j"] %[[E:[0-9]+]] :
// CHECK: fc.dot over ["j"] %[[E]],
// CHECK-NOT: arith.select
fc.kernel @divides(%s: !fc.tensor<f32, ["M", "96"]>, %o: !fc.tensor<f32, ["M"]>) params ["s", "o"] outputs 1 schedule <i = 64, j = 32, warps = 4, stages = 1> {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %n = arith.constant 96 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    fc.fold ["j"] from (%c0) to (%n) {
    ^bb0(%j0: i32):
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      %x = fc.read %s[%ii, %jj] bounds(%ii < %M) : !fc.tensor<f32, ["M", "96"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f32, [i, j]>
      %e = fc.map(%x) {
      ^bb0(%a: f32):
        %r = math.exp %a : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i, j]>
      %l = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
      fc.write %l to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
      fc.yield
    }
  }
}
fc.kernel @divides_not(%s: !fc.tensor<f32, ["M", "90"]>, %o: !fc.tensor<f32, ["M"]>) params ["s", "o"] outputs 1 schedule <i = 64, j = 32, warps = 4, stages = 1> {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %n = arith.constant 90 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    fc.fold ["j"] from (%c0) to (%n) {
    ^bb0(%j0: i32):
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      %x = fc.read %s[%ii, %jj] bounds(%ii < %M) : !fc.tensor<f32, ["M", "90"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f32, [i, j]>
      %e = fc.map(%x) {
      ^bb0(%a: f32):
        %r = math.exp %a : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i, j]>
      %l = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
      %q = fc.dot over ["j"] %e, %x into %l : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
      fc.write %q to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
      fc.yield
    }
  }
}

// -----

// Bounds that hold for all tiles are dropped: `d < 64` where tiles of 32 divide 64, and `j < 100` where j ends at 96;
// not `d < 48`, and not `i < M`.

// CHECK-LABEL: fc.kernel @idle
fc.kernel @idle(%s: !fc.tensor<f32, ["M", "64"]>, %t: !fc.tensor<f32, ["100"]>, %o: !fc.tensor<f32, ["M", "64"]>) params ["s", "t", "o"] outputs 1 schedule <i = 64, d = 32, j = 32, warps = 4, stages = 1> {
  %M = fc.dim "M"
  %d64 = arith.constant 64 : i32
  %d48 = arith.constant 48 : i32
  %j96 = arith.constant 96 : i32
  %j100 = arith.constant 100 : i32
  // CHECK: %[[M:.*]] = fc.dim "M"
  fc.program (tile i in %M, tile d in %d64) {
  ^bb0(%i0: i32, %d0: i32):
    // CHECK: %[[II:.*]] = fc.iota %{{.*}} : <i32, [i: 64]>
    // CHECK: %[[DD:.*]] = fc.iota %{{.*}} : <i32, [d: 32]>
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %dd = fc.iota %d0 : !fc.tile<i32, [d]>
    // CHECK: fc.read %{{.*}}[%[[II]], %[[DD]]] bounds(%[[II]] < %[[M]]) :
    %x = fc.read %s[%ii, %dd] bounds(%ii < %M, %dd < %d64) : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [d]> < i32) -> !fc.tile<f32, [d, i]>
    // CHECK: fc.read %{{.*}}[%[[II]], %[[DD]]] bounds(%[[II]] < %[[M]], %[[DD]] < %{{.*}}) :
    %y = fc.read %s[%ii, %dd] bounds(%ii < %M, %dd < %d48) : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [d]> < i32) -> !fc.tile<f32, [d, i]>
    %z = fc.map(%x, %y) {
    ^bb0(%a: f32, %b: f32):
      %r = arith.addf %a, %b : f32
      fc.yield %r : f32
    } : (!fc.tile<f32, [d, i]>, !fc.tile<f32, [d, i]>) -> !fc.tile<f32, [d, i]>
    // CHECK: fc.write %{{.*}} to %{{.*}}[%[[II]], %[[DD]]] bounds(%[[II]] < %[[M]]) :
    fc.write %z to %o[%ii, %dd] bounds(%ii < %M, %dd < %d64) : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [d]> < i32) from !fc.tile<f32, [d, i]>
    %c0 = arith.constant 0 : i32
    fc.fold ["j"] from (%c0) to (%j96) {
    ^bb0(%j0: i32):
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      // CHECK: fc.read %{{.*}}[%{{.*}}] : !fc.tensor<f32, ["100"]>
      %w = fc.read %t[%jj] bounds(%jj < %j100) : !fc.tensor<f32, ["100"]>, (!fc.tile<i32, [j]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [j]>
      // CHECK: fc.write %{{.*}}[%{{.*}}] : !fc.tensor<f32, ["100"]>
      fc.write %w to %t[%jj] bounds(%jj < %j96) : !fc.tensor<f32, ["100"]>, (!fc.tile<i32, [j]>) bounds(!fc.tile<i32, [j]> < i32) from !fc.tile<f32, [j]>
      fc.yield
    }
  }
}

// -----

// A held axis of 33 points takes a tile of 40, so reads and writes over it are bounded by 33, and reductions
// take what adds nothing to them. Its points become one fc.iota.

// CHECK-LABEL: fc.kernel @held
fc.kernel @held(%s: !fc.tensor<f32, ["M", "33"]>, %t: !fc.tensor<i32, ["33"]>, %o: !fc.tensor<f32, ["M", "33"]>) params ["s", "t", "o"] outputs 1 schedule <i = 64, warps = 4, stages = 1> {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    // CHECK: %[[C33:.*]] = arith.constant 33 : i32
    %n = arith.constant 33 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    // CHECK: %[[DD:.*]] = fc.iota %{{.*}} : <i32, [d: 40]>
    // CHECK: fc.map(%[[DD]], %[[C33]]) {
    %dd = fc.axis %c0 to %n size 33 : !fc.tile<i32, [d]>
    // CHECK: fc.read %{{.*}} bounds(%{{.*}} < %{{.*}}, %[[DD]] < %[[C33]])
    %x = fc.read %s[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "33"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f32, [d, i]>
    // CHECK: fc.read %{{.*}}[%[[DD]]] bounds(%[[DD]] < %[[C33]])
    %y = fc.read %t[%dd] : !fc.tensor<i32, ["33"]>, (!fc.tile<i32, [d]>) -> !fc.tile<i32, [d]>
    // CHECK: arith.constant 0x7F800000 : f32
    // CHECK: arith.select
    // CHECK: fc.reduce min over ["d"]
    %a = fc.reduce min over ["d"] %x : !fc.tile<f32, [d, i]> -> !fc.tile<f32, [i]>
    // CHECK: arith.constant -2147483648 : i32
    // CHECK: arith.select
    // CHECK: fc.reduce max over ["d"]
    %b = fc.reduce max over ["d"] %y : !fc.tile<i32, [d]> -> i32
    %c = fc.map(%y, %ii, %b) {
    ^bb0(%q: i32, %i: i32, %w: i32):
      %k = arith.cmpi slt, %q, %i : i32
      fc.yield %k : i1
    } : (!fc.tile<i32, [d]>, !fc.tile<i32, [i]>, i32) -> !fc.tile<i1, [d, i]>
    // CHECK: arith.constant true
    // CHECK: arith.select
    // CHECK: fc.reduce all over ["d"]
    %all = fc.reduce all over ["d"] %c : !fc.tile<i1, [d, i]> -> !fc.tile<i1, [i]>
    // CHECK: arith.constant false
    // CHECK: arith.select
    // CHECK: fc.reduce any over ["d"]
    %any = fc.reduce any over ["d"] %c : !fc.tile<i1, [d, i]> -> !fc.tile<i1, [i]>
    %z = fc.map(%a, %b, %all, %any, %x) {
    ^bb0(%e: f32, %f: i32, %g: i1, %h: i1, %q: f32):
      %g1 = arith.select %g, %e, %q : f32
      %f1 = arith.sitofp %f : i32 to f32
      %r = arith.select %h, %g1, %f1 : f32
      fc.yield %r : f32
    } : (!fc.tile<f32, [i]>, i32, !fc.tile<i1, [i]>, !fc.tile<i1, [i]>, !fc.tile<f32, [d, i]>) -> !fc.tile<f32, [d, i]>
    // CHECK: fc.write %{{.*}} bounds(%{{.*}} < %{{.*}}, %[[DD]] < %[[C33]])
    fc.write %z to %o[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "33"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
  }
}

// -----

// A walk that ends before its tensor does: the read is bounded by the walk's end too, so what lies behind it (NaN,
// perhaps) never enters. Two axes walked together; a step that the text fixed stays.

// CHECK-LABEL: fc.kernel @ends_early
fc.kernel @ends_early(%s: !fc.tensor<f32, ["R", "N"]>, %len: i32, %o: !fc.tensor<f32, ["R"]>) params ["s", "len", "o"] outputs 1 schedule <r = 1, j = 32, warps = 4, stages = 1> {
  %R = fc.dim "R"
  %N = fc.dim "N"
  fc.program (b in %R) {
  ^bb0(%b: i32):
    %c0 = arith.constant 0 : i32
    %l0 = arith.constant 0.0 : f32
    // CHECK: fc.fold ["r", "j"] from (%{{.*}}, %{{.*}}) to (%[[R:.*]], %[[LEN:.*]]) step (1, 32)
    %l = fc.fold ["r", "j"] from (%c0, %c0) to (%R, %len) init(%l0 : f32) {
    ^bb0(%r0: i32, %j0: i32, %lo: f32):
      %rr = fc.iota %r0 : !fc.tile<i32, [r]>
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      // CHECK: fc.read %{{.*}} bounds(%[[JJ:.*]] < %{{.*}}, %{{.*}} < %[[R]], %[[JJ]] < %[[LEN]])
      %x = fc.read %s[%rr, %jj] bounds(%jj < %N) : !fc.tensor<f32, ["R", "N"]>, (!fc.tile<i32, [r]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [j, r]>
      %t = fc.reduce sum over ["j", "r"] %x : !fc.tile<f32, [j, r]> -> f32
      // CHECK: fc.fold ["c"] from (%{{.*}}) to (%{{.*}}) step (8)
      %u = fc.fold ["c"] from (%c0) to (%N) step (8) init(%t : f32) {
      ^bb0(%c: i32, %old: f32):
        %cc = fc.iota %c : !fc.tile<i32, [c]>
        // CHECK: -> !fc.tile<f32, [c: 8]>
        %y = fc.read %s[%b, %cc] bounds(%cc < %N) : !fc.tensor<f32, ["R", "N"]>, (i32, !fc.tile<i32, [c]>) bounds(!fc.tile<i32, [c]> < i32) -> !fc.tile<f32, [c]>
        %z = fc.reduce sum over ["c"] %y : !fc.tile<f32, [c]> -> f32
        %n = arith.addf %old, %z : f32
        fc.yield %n : f32
      }
      %ln = arith.addf %lo, %u : f32
      fc.yield %ln : f32
    }
    fc.write %l to %o[%b] : !fc.tensor<f32, ["R"]>, (i32) from f32
  }
}
