// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-assign-places),fc-verify-stage{stage=place})' | FileCheck %s

// One step of attention. Rows of i go to eight lanes, two values, four warps; the columns of S and of O lie in
// quads of lanes with runs of eight values. So the row statistics are in one place, and no conversion is
// needed but that of P, which the second product reads from shared memory.

// CHECK-DAG: #[[ROW:.*]] = #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:4:16">
// CHECK-DAG: #[[S:.*]] = #fc.place<"v j:8:1 j:2:32 i:2:8 | l j:4:8 i:8:1 | w i:4:16">
// CHECK-DAG: #[[O:.*]] = #fc.place<"v d:4:1 d:5:16 i:2:8 | l d:4:4 i:8:1 | w i:4:16">
// CHECK-DAG: #[[JJ:.*]] = #fc.place<"v j:8:1 j:2:32 | l j:4:8">
// CHECK-DAG: #[[DROWS:.*]] = #fc.shared<"d", page = 16>
// CHECK-DAG: #[[JROWS:.*]] = #fc.shared<"j", page = 64>
// CHECK-LABEL: fc.kernel @step
fc.kernel @step(%q: !fc.tensor<f16, ["M", "80"]>, %k: !fc.tensor<f16, ["N", "80"]>, %v: !fc.tensor<f16, ["N", "80"]>, %bias: !fc.tensor<f32, ["N"]>, %o: !fc.tensor<f32, ["M", "80"]>) params ["q", "k", "v", "bias", "o"] outputs 1 schedule <i = 64, j = 64, warps = 4, stages = 1> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 64]>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 80]>
    // CHECK: %[[Q:.*]] = fc.read %{{.*}} -> !fc.tile<f16, [d: 80, i: 64], #[[DROWS]]>
    %qt = fc.read %q[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["M", "80"]>, (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [d: 80]>) bounds(!fc.tile<i32, [i: 64]> < i32) -> !fc.tile<f16, [d: 80, i: 64]>
    %m0 = fc.map(%ii) {
    ^bb0(%i: i32):
      %floor = arith.constant 0xF1800000 : f32
      fc.yield %floor : f32
    } : (!fc.tile<i32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
    // CHECK: fc.map(%{{.*}}, %{{.*}}) {
    // CHECK: -> !fc.tile<f32, [d: 80, i: 64], #[[O]]>
    %o0 = fc.map(%ii, %dd) {
    ^bb0(%i: i32, %d: i32):
      %zero = arith.constant 0.0 : f32
      fc.yield %zero : f32
    } : (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [d: 80]>) -> !fc.tile<f32, [d: 80, i: 64]>
    // CHECK: fc.fold {{.*}} init(%{{.*}}, %{{.*}} : !fc.tile<f32, [i: 64], #[[ROW]]>, !fc.tile<f32, [d: 80, i: 64], #[[O]]>)
    %m, %acc = fc.fold ["j"] from (%c0) to (%N) step (64) init(%m0, %o0 : !fc.tile<f32, [i: 64]>, !fc.tile<f32, [d: 80, i: 64]>) {
    ^bb0(%j0: i32, %mo: !fc.tile<f32, [i: 64]>, %oo: !fc.tile<f32, [d: 80, i: 64]>):
      // CHECK: fc.iota %{{.*}} : <i32, [j: 64], #[[JJ]]>
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 64]>
      // CHECK: %[[K:.*]] = fc.read %{{.*}} -> !fc.tile<f16, [d: 80, j: 64], #[[DROWS]]>
      %kt = fc.read %k[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "80"]>, (!fc.tile<i32, [j: 64]>, !fc.tile<i32, [d: 80]>) bounds(!fc.tile<i32, [j: 64]> < i32) -> !fc.tile<f16, [d: 80, j: 64]>
      // CHECK: fc.read %{{.*}} -> !fc.tile<f32, [j: 64], #[[JJ]]>
      %bt = fc.read %bias[%jj] bounds(%jj < %N) : !fc.tensor<f32, ["N"]>, (!fc.tile<i32, [j: 64]>) bounds(!fc.tile<i32, [j: 64]> < i32) -> !fc.tile<f32, [j: 64]>
      // CHECK: fc.dot over ["d"] %[[Q]], %[[K]] by "fma" : {{.*}} -> !fc.tile<f32, [i: 64, j: 64], #[[S]]>
      %x = fc.dot over ["d"] %qt, %kt : (!fc.tile<f16, [d: 80, i: 64]>, !fc.tile<f16, [d: 80, j: 64]>) -> !fc.tile<f32, [i: 64, j: 64]>
      %s = fc.map(%x, %bt) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.addf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64, j: 64]>, !fc.tile<f32, [j: 64]>) -> !fc.tile<f32, [i: 64, j: 64]>
      // CHECK: fc.reduce max over ["j"] %{{.*}} : <f32, [i: 64, j: 64], #[[S]]> -> !fc.tile<f32, [i: 64], #[[ROW]]>
      %mt = fc.reduce max over ["j"] %s : !fc.tile<f32, [i: 64, j: 64]> -> !fc.tile<f32, [i: 64]>
      %mn = fc.map(%mo, %mt) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.maxnumf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
      %p = fc.map(%s, %mn) {
      ^bb0(%a: f32, %b: f32):
        %d = arith.subf %a, %b : f32
        %e = math.exp %d : f32
        %r = arith.truncf %e : f32 to f16
        fc.yield %r : f16
      } : (!fc.tile<f32, [i: 64, j: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f16, [i: 64, j: 64]>
      %vt = fc.read %v[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "80"]>, (!fc.tile<i32, [j: 64]>, !fc.tile<i32, [d: 80]>) bounds(!fc.tile<i32, [j: 64]> < i32) -> !fc.tile<f16, [d: 80, j: 64]>
      // CHECK: %[[P:.*]] = fc.convert %{{.*}} : <f16, [i: 64, j: 64], #[[S]]> -> <f16, [i: 64, j: 64], #[[JROWS]]>
      // CHECK: fc.dot over ["j"] %[[P]], %{{.*}} into %{{.*}} by "fma" : {{.*}} -> !fc.tile<f32, [d: 80, i: 64], #[[O]]>
      // CHECK-NOT: fc.convert
      %on = fc.dot over ["j"] %p, %vt into %oo : (!fc.tile<f16, [i: 64, j: 64]>, !fc.tile<f16, [d: 80, j: 64]>, !fc.tile<f32, [d: 80, i: 64]>) -> !fc.tile<f32, [d: 80, i: 64]>
      fc.yield %mn, %on : !fc.tile<f32, [i: 64]>, !fc.tile<f32, [d: 80, i: 64]>
    } combine {
    ^bb0(%ma: !fc.tile<f32, [i: 64]>, %oa: !fc.tile<f32, [d: 80, i: 64]>, %mb: !fc.tile<f32, [i: 64]>, %ob: !fc.tile<f32, [d: 80, i: 64]>):
      // CHECK: combine
      // CHECK: -> !fc.tile<f32, [i: 64], #[[ROW]]>
      %mc = fc.map(%ma, %mb) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.maxnumf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64]>, !fc.tile<f32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
      fc.yield %mc, %oa : !fc.tile<f32, [i: 64]>, !fc.tile<f32, [d: 80, i: 64]>
    }
    fc.write %acc to %o[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "80"]>, (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [d: 80]>) bounds(!fc.tile<i32, [i: 64]> < i32) from !fc.tile<f32, [d: 80, i: 64]>
  }
}

// -----

// Without rows of a grid a tile of one axis spreads over all threads. What is reduced comes into each warp first.

// CHECK-DAG: #[[J:.*]] = #fc.place<"l j:32:1 | w j:2:32">
// CHECK-DAG: #[[W:.*]] = #fc.place<"v j:2:32 | l j:32:1">
// CHECK-DAG: #[[D:.*]] = #fc.place<"v d:2:64 | l d:32:1 | w d:2:32">
// CHECK-LABEL: fc.kernel @decode
fc.kernel @decode(%q: !fc.tensor<f32, ["B", "128"]>, %k: !fc.tensor<f32, ["N", "128"]>, %o: !fc.tensor<f32, ["B", "128"]>) params ["q", "k", "o"] outputs 1 schedule <j = 64, warps = 2, stages = 1> {
  %B = fc.dim "B"
  %N = fc.dim "N"
  fc.program (b in %B) {
  ^bb0(%b: i32):
    %c0 = arith.constant 0 : i32
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 128]>
    %qt = fc.read %q[%b, %dd] : !fc.tensor<f32, ["B", "128"]>, (i32, !fc.tile<i32, [d: 128]>) -> !fc.tile<f32, [d: 128]>
    fc.fold ["j"] from (%c0) to (%N) step (64) {
    ^bb0(%j0: i32):
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 64]>
      %kt = fc.read %k[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f32, ["N", "128"]>, (!fc.tile<i32, [j: 64]>, !fc.tile<i32, [d: 128]>) bounds(!fc.tile<i32, [j: 64]> < i32) -> !fc.tile<f32, [d: 128, j: 64]>
      // CHECK: fc.dot over ["d"] {{.*}} -> !fc.tile<f32, [j: 64], #[[J]]>
      %x = fc.dot over ["d"] %qt, %kt : (!fc.tile<f32, [d: 128]>, !fc.tile<f32, [d: 128, j: 64]>) -> !fc.tile<f32, [j: 64]>
      // CHECK: fc.convert %{{.*}} : <f32, [j: 64], #[[J]]> -> <f32, [j: 64], #[[W]]>
      // CHECK: fc.reduce max over ["j"] %{{.*}} : <f32, [j: 64], #[[W]]> -> f32
      %m = fc.reduce max over ["j"] %x : !fc.tile<f32, [j: 64]> -> f32
      %e = fc.map(%x, %m) {
      ^bb0(%a: f32, %c: f32):
        %r = arith.subf %a, %c : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [j: 64]>, f32) -> !fc.tile<f32, [j: 64]>
      // CHECK: fc.dot over ["j"] {{.*}} -> !fc.tile<f32, [d: 128], #[[D]]>
      %y = fc.dot over ["j"] %e, %kt : (!fc.tile<f32, [j: 64]>, !fc.tile<f32, [d: 128, j: 64]>) -> !fc.tile<f32, [d: 128]>
      fc.write %y to %o[%b, %dd] : !fc.tensor<f32, ["B", "128"]>, (i32, !fc.tile<i32, [d: 128]>) from !fc.tile<f32, [d: 128]>
      fc.yield
    }
  }
}

// -----

// Points of j meet columns of [i, j] and rows of [d, j], so they are made twice, and what is read at them is read
// twice. A factor over [d, j] that is computed stands in registers first.

// CHECK-DAG: #[[COL:.*]] = #fc.place<"v j:8:1 | l j:4:8">
// CHECK-DAG: #[[ROWJ:.*]] = #fc.place<"l _:4 j:8:1 | w j:4:8">
// CHECK-DAG: #[[DJ:.*]] = #fc.place<"v d:4:1 | l d:4:4 j:8:1 | w j:4:8">
// CHECK-DAG: #[[SH:.*]] = #fc.shared<"d", page = 16>
// CHECK-LABEL: fc.kernel @two_places
fc.kernel @two_places(%q: !fc.tensor<f16, ["M", "16"]>, %k: !fc.tensor<f16, ["N", "16"]>, %w: !fc.tensor<f32, ["N"]>, %o: !fc.tensor<f32, ["M", "N"]>) params ["q", "k", "w", "o"] outputs 1 schedule <i = 32, j = 32, warps = 4, stages = 1> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 32]>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 16]>
    %qt = fc.read %q[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["M", "16"]>, (!fc.tile<i32, [i: 32]>, !fc.tile<i32, [d: 16]>) bounds(!fc.tile<i32, [i: 32]> < i32) -> !fc.tile<f16, [d: 16, i: 32]>
    fc.fold ["j"] from (%c0) to (%N) step (32) {
    ^bb0(%j0: i32):
      // CHECK-DAG: fc.iota %{{.*}} : <i32, [j: 32], #[[COL]]>
      // CHECK-DAG: fc.iota %{{.*}} : <i32, [j: 32], #[[ROWJ]]>
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 32]>
      // CHECK-DAG: fc.read %{{.*}} -> !fc.tile<f32, [j: 32], #[[ROWJ]]>
      // CHECK-DAG: fc.read %{{.*}} -> !fc.tile<f32, [j: 32], #[[COL]]>
      %wt = fc.read %w[%jj] bounds(%jj < %N) : !fc.tensor<f32, ["N"]>, (!fc.tile<i32, [j: 32]>) bounds(!fc.tile<i32, [j: 32]> < i32) -> !fc.tile<f32, [j: 32]>
      // CHECK: fc.read %{{.*}} -> !fc.tile<f16, [d: 16, j: 32], #[[DJ]]>
      %kt = fc.read %k[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "16"]>, (!fc.tile<i32, [j: 32]>, !fc.tile<i32, [d: 16]>) bounds(!fc.tile<i32, [j: 32]> < i32) -> !fc.tile<f16, [d: 16, j: 32]>
      %kw = fc.map(%kt, %wt) {
      ^bb0(%a: f16, %c: f32):
        %e = arith.extf %a : f16 to f32
        %f = arith.mulf %e, %c : f32
        %r = arith.truncf %f : f32 to f16
        fc.yield %r : f16
      } : (!fc.tile<f16, [d: 16, j: 32]>, !fc.tile<f32, [j: 32]>) -> !fc.tile<f16, [d: 16, j: 32]>
      // CHECK: %[[KW:.*]] = fc.convert %{{.*}} : <f16, [d: 16, j: 32], #[[DJ]]> -> <f16, [d: 16, j: 32], #[[SH]]>
      // CHECK: fc.dot over ["d"] %{{.*}}, %[[KW]]
      %x = fc.dot over ["d"] %qt, %kw : (!fc.tile<f16, [d: 16, i: 32]>, !fc.tile<f16, [d: 16, j: 32]>) -> !fc.tile<f32, [i: 32, j: 32]>
      %y = fc.map(%x, %wt) {
      ^bb0(%a: f32, %c: f32):
        %r = arith.mulf %a, %c : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 32, j: 32]>, !fc.tile<f32, [j: 32]>) -> !fc.tile<f32, [i: 32, j: 32]>
      fc.write %y to %o[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i: 32]>, !fc.tile<i32, [j: 32]>) bounds(!fc.tile<i32, [i: 32]> < i32, !fc.tile<i32, [j: 32]> < i32) from !fc.tile<f32, [i: 32, j: 32]>
      fc.yield
    }
  }
}

// -----

// Three axes: the last in rank is on values; what meets such a tile is read into its slices. An axis of one
// point takes no digits.

// CHECK-DAG: #[[IJD:.*]] = #fc.place<"v j:2:1 i:2:8 d:4:1 | l j:4:2 i:8:1">
// CHECK-DAG: #[[IJ:.*]] = #fc.place<"v j:2:1 i:2:8 | l j:4:2 i:8:1">
// CHECK-DAG: #[[ID:.*]] = #fc.place<"v i:2:8 d:4:1 | l _:4 i:8:1">
// CHECK-DAG: #[[JD:.*]] = #fc.place<"v j:2:1 d:4:1 | l j:4:2">
// CHECK-LABEL: fc.kernel @three_axes
fc.kernel @three_axes(%q: !fc.tensor<f32, ["M", "4"]>, %k: !fc.tensor<f32, ["N", "4"]>, %o: !fc.tensor<f32, ["M", "N"]>) params ["q", "k", "o"] outputs 1 schedule <i = 16, j = 8, r = 1, warps = 1, stages = 1> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M, tile j in %N, tile r in %N) {
  ^bb0(%i0: i32, %j0: i32, %r0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 16]>
    %jj = fc.iota %j0 : !fc.tile<i32, [j: 8]>
    %rr = fc.iota %r0 : !fc.tile<i32, [r: 1]>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 4]>
    // CHECK: fc.read %{{.*}} -> !fc.tile<f32, [d: 4, i: 16], #[[ID]]>
    %qt = fc.read %q[%ii, %dd] : !fc.tensor<f32, ["M", "4"]>, (!fc.tile<i32, [i: 16]>, !fc.tile<i32, [d: 4]>) -> !fc.tile<f32, [d: 4, i: 16]>
    // CHECK: fc.read %{{.*}} -> !fc.tile<f32, [d: 4, j: 8], #[[JD]]>
    %kt = fc.read %k[%jj, %dd] : !fc.tensor<f32, ["N", "4"]>, (!fc.tile<i32, [j: 8]>, !fc.tile<i32, [d: 4]>) -> !fc.tile<f32, [d: 4, j: 8]>
    // CHECK: -> !fc.tile<f32, [d: 4, i: 16, j: 8, r: 1], #[[IJD]]>
    %x = fc.map(%qt, %kt, %rr) {
    ^bb0(%a: f32, %b: f32, %r: i32):
      %d = arith.subf %a, %b : f32
      %e = math.absf %d : f32
      fc.yield %e : f32
    } : (!fc.tile<f32, [d: 4, i: 16]>, !fc.tile<f32, [d: 4, j: 8]>, !fc.tile<i32, [r: 1]>) -> !fc.tile<f32, [d: 4, i: 16, j: 8, r: 1]>
    // CHECK: fc.reduce sum over ["d", "r"] %{{.*}} : {{.*}} -> !fc.tile<f32, [i: 16, j: 8], #[[IJ]]>
    %y = fc.reduce sum over ["d", "r"] %x : !fc.tile<f32, [d: 4, i: 16, j: 8, r: 1]> -> !fc.tile<f32, [i: 16, j: 8]>
    fc.write %y to %o[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i: 16]>, !fc.tile<i32, [j: 8]>) from !fc.tile<f32, [i: 16, j: 8]>
  }
}

// -----

// The parts of a walk lie on warps of their own, the slowest; rows and columns as without them. A merged state over
// several axes is shared out to the warps that held its parts (here along `d`), and stays so up to the write; what is
// over the row alone each of them has.

// CHECK-DAG: #[[L:.*]] = #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:2:16 j.part:2:1">
// CHECK-DAG: #[[O:.*]] = #fc.place<"v d:8:1 d:2:32 i:2:8 | l d:4:8 i:8:1 | w i:2:16 j.part:2:1">
// CHECK-DAG: #[[LM:.*]] = #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:2:16">
// CHECK-DAG: #[[OM:.*]] = #fc.place<"v d:4:1 d:2:32 i:2:8 | l d:4:8 i:8:1 | w i:2:16 d:2:4">
// CHECK-LABEL: fc.kernel @parts
fc.kernel @parts(%x: !fc.tensor<f32, ["P", "M", "64"]>, %o: !fc.tensor<f32, ["M", "64"]>) params ["x", "o"] outputs 1 schedule <i = 32, j = 64, warps = 4, stages = 1, split j = 2> {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 32]>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 64]>
    %pp = fc.iota %c0 : !fc.tile<i32, [j.part: 2]>
    %os = fc.read %x[%pp, %ii, %dd] : !fc.tensor<f32, ["P", "M", "64"]>, (!fc.tile<i32, [j.part: 2]>, !fc.tile<i32, [i: 32]>, !fc.tile<i32, [d: 64]>) -> !fc.tile<f32, [d: 64, i: 32, j.part: 2]>
    %ls = fc.reduce sum over ["d"] %os : !fc.tile<f32, [d: 64, i: 32, j.part: 2]> -> !fc.tile<f32, [i: 32, j.part: 2]>
    // CHECK: fc.merge over "j.part"(%{{.*}}, %{{.*}} : !fc.tile<f32, [i: 32, j.part: 2], #[[L]]>, !fc.tile<f32, [d: 64, i: 32, j.part: 2], #[[O]]>) {
    %l, %acc = fc.merge over "j.part"(%ls, %os : !fc.tile<f32, [i: 32, j.part: 2]>, !fc.tile<f32, [d: 64, i: 32, j.part: 2]>) {
    // CHECK-NEXT: ^bb0(%{{.*}}: !fc.tile<f32, [i: 32], #[[LM]]>, %{{.*}}: !fc.tile<f32, [d: 64, i: 32], #[[OM]]>, %{{.*}}: !fc.tile<f32, [i: 32], #[[LM]]>, %{{.*}}: !fc.tile<f32, [d: 64, i: 32], #[[OM]]>):
    ^bb0(%la: !fc.tile<f32, [i: 32]>, %oa: !fc.tile<f32, [d: 64, i: 32]>, %lb: !fc.tile<f32, [i: 32]>, %ob: !fc.tile<f32, [d: 64, i: 32]>):
      %lc = fc.map(%la, %lb) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.addf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 32]>, !fc.tile<f32, [i: 32]>) -> !fc.tile<f32, [i: 32]>
      // CHECK: -> !fc.tile<f32, [d: 64, i: 32], #[[OM]]>
      %oc = fc.map(%oa, %ob, %lc) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %s = arith.addf %a, %b : f32
        %r = arith.mulf %s, %c : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [d: 64, i: 32]>, !fc.tile<f32, [d: 64, i: 32]>, !fc.tile<f32, [i: 32]>) -> !fc.tile<f32, [d: 64, i: 32]>
      fc.yield %lc, %oc : !fc.tile<f32, [i: 32]>, !fc.tile<f32, [d: 64, i: 32]>
    } -> !fc.tile<f32, [i: 32]>, !fc.tile<f32, [d: 64, i: 32]>
    // CHECK-NOT: fc.convert
    // CHECK: } : (!fc.tile<f32, [d: 64, i: 32], #[[OM]]>, !fc.tile<f32, [i: 32], #[[LM]]>) -> !fc.tile<f32, [d: 64, i: 32], #[[OM]]>
    %y = fc.map(%acc, %l) {
    ^bb0(%a: f32, %b: f32):
      %r = arith.divf %a, %b : f32
      fc.yield %r : f32
    } : (!fc.tile<f32, [d: 64, i: 32]>, !fc.tile<f32, [i: 32]>) -> !fc.tile<f32, [d: 64, i: 32]>
    // CHECK: fc.write {{.*}} from !fc.tile<f32, [d: 64, i: 32], #[[OM]]>
    fc.write %y to %o[%ii, %dd] : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i: 32]>, !fc.tile<i32, [d: 64]>) from !fc.tile<f32, [d: 64, i: 32]>
  }
}
