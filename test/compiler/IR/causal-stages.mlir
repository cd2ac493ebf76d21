// RUN: %fc-opt %s --split-input-file | %fc-opt --split-input-file | FileCheck %s

// One kernel, causal attention, as each stage leaves it: the contract between the passes.
// First as `import` makes it: unsized, every read bounded, softmax written out.

// CHECK-LABEL: fc.kernel @causal_import
fc.kernel @causal_import(%q: !fc.tensor<f16, ["B", "H", "M", "64"]>, %k: !fc.tensor<f16, ["B", "G", "N", "64"]>,
    %v: !fc.tensor<f16, ["B", "G", "N", "64"]>, %scale: f32, %o: !fc.tensor<f16, ["B", "H", "M", "64"]>,
    %lse: !fc.tensor<f32, ["B", "H", "M"]>) params ["q", "k", "v", "scale", "o", "lse"] outputs 2 {
  %B = fc.dim "B"
  %H = fc.dim "H"
  %M = fc.dim "M"
  %N = fc.dim "N"
  %G = fc.dim "G"
  // CHECK: fc.program (b in %{{.*}}, h in %{{.*}}, tile i in %{{.*}})
  fc.program (b in %B, h in %H, tile i in %M) {
  ^bb0(%b: i32, %h: i32, %i0: i32):
    %c0 = arith.constant 0 : i32
    %c64 = arith.constant 64 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
    %dd = fc.axis %c0 to %c64 size 64 : !fc.tile<i32, [d]>
    %R = arith.divsi %H, %G : i32
    %g = arith.divsi %h, %R : i32
    %qt = fc.read %q[%b, %h, %ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f16, [d, i]>
    %kt = fc.read %k[%b, %g, %jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
    %x = fc.dot over ["d"] %qt, %kt : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [i, j]>
    %s = fc.map(%x, %scale) {
    ^bb0(%a: f32, %c: f32):
      %r = arith.mulf %a, %c : f32
      fc.yield %r : f32
    } : (!fc.tile<f32, [i, j]>, f32) -> !fc.tile<f32, [i, j]>
    %off = arith.subi %N, %M : i32
    %seen = fc.map(%s, %ii, %jj, %off) {
    ^bb0(%a: f32, %i: i32, %j: i32, %c: i32):
      %ninf = arith.constant 0xFF800000 : f32
      %last = arith.addi %i, %c : i32
      %see = arith.cmpi sle, %j, %last : i32
      %r = arith.select %see, %a, %ninf : f32
      fc.yield %r : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<i32, [i]>, !fc.tile<i32, [j]>, i32) -> !fc.tile<f32, [i, j]>
    %m = fc.reduce max over ["j"] %seen : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %e = fc.map(%seen, %m) {
    ^bb0(%a: f32, %c: f32):
      %d = arith.subf %a, %c : f32
      %r = math.exp %d : f32
      fc.yield %r : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
    %l = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
    %p = fc.map(%e, %l) {
    ^bb0(%a: f32, %c: f32):
      %d = arith.divf %a, %c : f32
      %r = arith.truncf %d : f32 to f16
      fc.yield %r : f16
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f16, [i, j]>
    %vt = fc.read %v[%b, %g, %jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
    %acc = fc.dot over ["j"] %p, %vt : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
    %ot = fc.map(%acc) {
    ^bb0(%a: f32):
      %r = arith.truncf %a : f32 to f16
      fc.yield %r : f16
    } : (!fc.tile<f32, [d, i]>) -> !fc.tile<f16, [d, i]>
    fc.write %ot to %o[%b, %h, %ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f16, [d, i]>
    %ls = fc.map(%m, %l) {
    ^bb0(%a: f32, %c: f32):
      %d = math.log %c : f32
      %r = arith.addf %a, %d : f32
      fc.yield %r : f32
    } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
    fc.write %ls to %lse[%b, %h, %ii] bounds(%ii < %M) : !fc.tensor<f32, ["B", "H", "M"]>, (i32, i32, !fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
  }
}

// -----

// The walk over j as `online` makes it (sum of exponentials only): a carried state with its combine.

// CHECK-LABEL: fc.kernel @online
fc.kernel @online(%s: !fc.tensor<f32, ["M", "N"]>, %o: !fc.tensor<f32, ["M"]>) params ["s", "o"] outputs 1 {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %m0 = fc.map(%ii) {
    ^bb0(%i: i32):
      %floor = arith.constant 0xF1800000 : f32
      fc.yield %floor : f32
    } : (!fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
    %l0 = fc.map(%ii) {
    ^bb0(%i: i32):
      %zero = arith.constant 0.0 : f32
      fc.yield %zero : f32
    } : (!fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
    // CHECK: fc.fold ["j"] from (%{{.*}}) to (%{{.*}}) init(
    %m, %l = fc.fold ["j"] from (%c0) to (%N) init(%m0, %l0 : !fc.tile<f32, [i]>, !fc.tile<f32, [i]>) {
    ^bb0(%j0: i32, %mo: !fc.tile<f32, [i]>, %lo: !fc.tile<f32, [i]>):
      %jj = fc.iota %j0 : !fc.tile<i32, [j]>
      %x = fc.read %s[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) bounds(!fc.tile<i32, [i]> < i32, !fc.tile<i32, [j]> < i32) -> !fc.tile<f32, [i, j]>
      %mt = fc.reduce max over ["j"] %x : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
      %mn = fc.map(%mo, %mt) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.maxnumf %a, %b : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
      %e = fc.map(%x, %mn) {
      ^bb0(%a: f32, %b: f32):
        %d = arith.subf %a, %b : f32
        %r = math.exp %d : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
      %lt = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
      %ln = fc.map(%mo, %mn, %lo, %lt) {
      ^bb0(%a: f32, %b: f32, %old: f32, %add: f32):
        %d = arith.subf %a, %b : f32
        %c = math.exp %d : f32
        %t = arith.mulf %old, %c : f32
        %r = arith.addf %t, %add : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>, !fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
      fc.yield %mn, %ln : !fc.tile<f32, [i]>, !fc.tile<f32, [i]>
    // CHECK: } combine {
    } combine {
    ^bb0(%ma: !fc.tile<f32, [i]>, %la: !fc.tile<f32, [i]>, %mb: !fc.tile<f32, [i]>, %lb: !fc.tile<f32, [i]>):
      %mc, %lc = fc.map(%ma, %la, %mb, %lb) {
      ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
        %top = arith.maxnumf %a, %c : f32
        %da = arith.subf %a, %top : f32
        %db = arith.subf %c, %top : f32
        %ea = math.exp %da : f32
        %eb = math.exp %db : f32
        %ta = arith.mulf %b, %ea : f32
        %tb = arith.mulf %d, %eb : f32
        %r = arith.addf %ta, %tb : f32
        fc.yield %top, %r : f32, f32
      } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>, !fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>)
      fc.yield %mc, %lc : !fc.tile<f32, [i]>, !fc.tile<f32, [i]>
    }
    fc.write %l to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
  }
}

// -----

// Sized, placed and staged: an `fma` product reads both operands from slots; its result is in registers.

#acc = #fc.place<"v j:4:1 i:2:8 | l j:4:4 i:8:1 | w i:4:16">
#rows = #fc.shared<"d", page = 64>

// CHECK-LABEL: fc.kernel @staged
// CHECK-SAME: schedule <i = 64, j = 16, warps = 4, stages = 1>
fc.kernel @staged(%q: !fc.tensor<f16, ["M", "64"]>, %k: !fc.tensor<f16, ["N", "64"]>, %o: !fc.tensor<f32, ["M", "N"]>) params ["q", "k", "o"] outputs 1 schedule <i = 64, j = 16, warps = 4, stages = 1> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c16 = arith.constant 16 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 64], #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:4:16">>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 64], #fc.place<"v d:64:1">>
    %Q = fc.ring : !fc.ring<!fc.tile<f16, [d: 64, i: 64], #rows>, 1>
    %K = fc.ring : !fc.ring<!fc.tile<f16, [d: 64, j: 16], #rows>, 1>
    %q0 = fc.acquire %Q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 64], #rows>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, i: 64], #rows>>
    fc.copy %q[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["M", "64"]>, (!fc.tile<i32, [i: 64], #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:4:16">>, !fc.tile<i32, [d: 64], #fc.place<"v d:64:1">>) bounds(!fc.tile<i32, [i: 64], #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:4:16">> < i32) -> %q0 : !fc.slot<!fc.tile<f16, [d: 64, i: 64], #rows>> via "plain"
    fc.publish %Q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 64], #rows>, 1>
    %qs = fc.wait %Q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 64], #rows>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, i: 64], #rows>>
    scf.for %j0 = %c0 to %N step %c16 : i32 {
      %n = arith.divui %j0, %c16 : i32
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 16], #fc.place<"v j:4:1 | l j:4:4">>
      %k0 = fc.acquire %K, %n : !fc.ring<!fc.tile<f16, [d: 64, j: 16], #rows>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, j: 16], #rows>>
      fc.copy %k[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "64"]>, (!fc.tile<i32, [j: 16], #fc.place<"v j:4:1 | l j:4:4">>, !fc.tile<i32, [d: 64], #fc.place<"v d:64:1">>) bounds(!fc.tile<i32, [j: 16], #fc.place<"v j:4:1 | l j:4:4">> < i32) -> %k0 : !fc.slot<!fc.tile<f16, [d: 64, j: 16], #rows>> via "plain"
      fc.publish %K, %n : !fc.ring<!fc.tile<f16, [d: 64, j: 16], #rows>, 1>
      %ks = fc.wait %K, %n : !fc.ring<!fc.tile<f16, [d: 64, j: 16], #rows>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, j: 16], #rows>>
      // CHECK: fc.dot over ["d"] %{{.*}}, %{{.*}} by "fma"
      %x = fc.dot over ["d"] %qs, %ks by "fma" : (!fc.slot<!fc.tile<f16, [d: 64, i: 64], #rows>>, !fc.slot<!fc.tile<f16, [d: 64, j: 16], #rows>>) -> !fc.tile<f32, [i: 64, j: 16], #acc>
      fc.release %K, %n : !fc.ring<!fc.tile<f16, [d: 64, j: 16], #rows>, 1>
      fc.write %x to %o[%ii, %jj] bounds(%ii < %M, %jj < %N) : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i: 64], #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:4:16">>, !fc.tile<i32, [j: 16], #fc.place<"v j:4:1 | l j:4:4">>) bounds(!fc.tile<i32, [i: 64], #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:4:16">> < i32, !fc.tile<i32, [j: 16], #fc.place<"v j:4:1 | l j:4:4">> < i32) from !fc.tile<f32, [i: 64, j: 16], #acc>
    }
    fc.release %Q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 64], #rows>, 1>
  }
}
