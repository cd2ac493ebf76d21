// RUN: %fc-opt %s --pass-pipeline='builtin.module(fc.kernel(fc-stage-copies,fc-allocate-shared{target=sm_80}))' | FileCheck %s --check-prefix=ASYNC
// RUN: %fc-opt %s --pass-pipeline='builtin.module(fc.kernel(fc-stage-copies,fc-allocate-shared{target=sm_80}),fc-lower-to-threads,fc-verify-stage{stage=thread})' | FileCheck %s

// Causal attention from the end of stage place to the code of one thread.

#S = #fc.place<"v j:4:1 j:4:16 i:2:8 | l j:4:4 i:8:1 | w i:4:16">
#R = #fc.place<"v i:2:8 | l _:4 i:8:1 | w i:4:16">
#J = #fc.place<"v j:4:1 j:4:16 | l j:4:4">
#O = #fc.place<"v d:4:1 d:4:16 i:2:8 | l d:4:4 i:8:1 | w i:4:16">
#D = #fc.place<"v d:4:1 d:4:16 | l d:4:4">
#rows = #fc.shared<"d", page = 64>
#keys = #fc.shared<"j", page = 64>

// Two barriers a tile: the copy of K and the store of P each wait for what the other half has read.
// ASYNC-LABEL: fc.kernel @causal
// ASYNC: fc.program
// ASYNC: scf.for
// ASYNC: fc.copy
// ASYNC: gpu.barrier
// ASYNC: fc.dot over ["d"]
// ASYNC: fc.store
// ASYNC: fc.copy
// ASYNC: gpu.barrier
// ASYNC: fc.dot over ["j"]
// ASYNC-NOT: gpu.barrier
// ASYNC: fc.write

// CHECK-LABEL: llvm.func @causal(
// CHECK-SAME: fc.args = ["tensor:q", "stride:q:0", "stride:q:1", "stride:q:2", "tensor:k", "stride:k:0", "stride:k:1", "stride:k:2", "tensor:v", "stride:v:0", "stride:v:1", "stride:v:2", "scalar:scale", "tensor:o", "stride:o:0", "stride:o:1", "stride:o:2", "tensor:lse", "stride:lse:0", "stride:lse:1", "dim:B", "dim:H", "dim:M", "dim:N", "dim:G"]
// CHECK-SAME: fc.block = 128
// CHECK-SAME: fc.grid = "[\22*\22, \22B\22, [\22*\22, \22H\22, [\22/\22, [\22+\22, \22M\22, 63], 64]]]"
// CHECK-SAME: fc.shared = 32768
// CHECK: nvvm.reqntid = array<i32: 128, 1, 1>

fc.kernel @causal(%q: !fc.tensor<f16, ["B", "H", "M", "64"]>, %k: !fc.tensor<f16, ["B", "G", "N", "64"]>,
    %v: !fc.tensor<f16, ["B", "G", "N", "64"]>, %scale: f32, %o: !fc.tensor<f16, ["B", "H", "M", "64"]>,
    %lse: !fc.tensor<f32, ["B", "H", "M"]>) params ["q", "k", "v", "scale", "o", "lse"] outputs 2 schedule <i = 64, j = 64, warps = 4, stages = 1> {
  %B = fc.dim "B"
  %H = fc.dim "H"
  %M = fc.dim "M"
  %N = fc.dim "N"
  %G = fc.dim "G"
  fc.program (b in %B, h in %H, tile i in %M) {
  ^bb0(%b: i32, %h: i32, %i0: i32):
    %c0 = arith.constant 0 : i32
    %zero = arith.constant 0.0 : f32
    %iiw = fc.iota %i0 : !fc.tile<i32, [i: 64], #R>
    %ddw = fc.iota %c0 : !fc.tile<i32, [d: 64], #D>
    %R = arith.divsi %H, %G : i32
    %g = arith.divsi %h, %R : i32
    %off = arith.subi %N, %M : i32
    %qt = fc.read %q[%b, %h, %iiw, %ddw] bounds(%iiw < %M) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i: 64], #R>, !fc.tile<i32, [d: 64], #D>) bounds(!fc.tile<i32, [i: 64], #R> < i32) -> !fc.tile<f16, [d: 64, i: 64], #rows>
    %m0 = fc.map(%iiw) {
    ^bb0(%i: i32):
      %floor = arith.constant 0xF1800000 : f32
      fc.yield %floor : f32
    } : (!fc.tile<i32, [i: 64], #R>) -> !fc.tile<f32, [i: 64], #R>
    %l0 = fc.map(%iiw) {
    ^bb0(%i: i32):
      %z = arith.constant 0.0 : f32
      fc.yield %z : f32
    } : (!fc.tile<i32, [i: 64], #R>) -> !fc.tile<f32, [i: 64], #R>
    %o0 = fc.map(%iiw, %ddw) {
    ^bb0(%i: i32, %d: i32):
      %z = arith.constant 0.0 : f32
      fc.yield %z : f32
    } : (!fc.tile<i32, [i: 64], #R>, !fc.tile<i32, [d: 64], #D>) -> !fc.tile<f32, [d: 64, i: 64], #O>
    %m, %l, %acc = fc.fold ["j"] from (%c0) to (%N) step (64) init(%m0, %l0, %o0 : !fc.tile<f32, [i: 64], #R>, !fc.tile<f32, [i: 64], #R>, !fc.tile<f32, [d: 64, i: 64], #O>) {
    ^bb0(%j0: i32, %mo: !fc.tile<f32, [i: 64], #R>, %lo: !fc.tile<f32, [i: 64], #R>, %oo: !fc.tile<f32, [d: 64, i: 64], #O>):
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 64], #J>
      %kt = fc.read %k[%b, %g, %jj, %ddw] bounds(%jj < %N) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j: 64], #J>, !fc.tile<i32, [d: 64], #D>) bounds(!fc.tile<i32, [j: 64], #J> < i32) -> !fc.tile<f16, [d: 64, j: 64], #rows>
      %vt = fc.read %v[%b, %g, %jj, %ddw] bounds(%jj < %N) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j: 64], #J>, !fc.tile<i32, [d: 64], #D>) bounds(!fc.tile<i32, [j: 64], #J> < i32) -> !fc.tile<f16, [d: 64, j: 64], #rows>
      %x = fc.dot over ["d"] %qt, %kt by "fma" : (!fc.tile<f16, [d: 64, i: 64], #rows>, !fc.tile<f16, [d: 64, j: 64], #rows>) -> !fc.tile<f32, [i: 64, j: 64], #S>
      %seen = fc.map(%x, %iiw, %jj, %off, %N, %scale) {
      ^bb0(%a: f32, %i: i32, %j: i32, %c: i32, %n: i32, %sc: f32):
        %ninf = arith.constant 0xFF800000 : f32
        %s = arith.mulf %a, %sc : f32
        %last = arith.addi %i, %c : i32
        %see = arith.cmpi sle, %j, %last : i32
        %in = arith.cmpi slt, %j, %n : i32
        %both = arith.andi %see, %in : i1
        %r = arith.select %both, %s, %ninf : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64, j: 64], #S>, !fc.tile<i32, [i: 64], #R>, !fc.tile<i32, [j: 64], #J>, i32, i32, f32) -> !fc.tile<f32, [i: 64, j: 64], #S>
      %mt = fc.reduce max over ["j"] %seen : !fc.tile<f32, [i: 64, j: 64], #S> -> !fc.tile<f32, [i: 64], #R>
      %mn = fc.map(%mo, %mt) {
      ^bb0(%a: f32, %c: f32):
        %r = arith.maxnumf %a, %c : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64], #R>, !fc.tile<f32, [i: 64], #R>) -> !fc.tile<f32, [i: 64], #R>
      %e = fc.map(%seen, %mn) {
      ^bb0(%a: f32, %c: f32):
        %d = arith.subf %a, %c fastmath<nnan> : f32
        %r = math.exp %d : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64, j: 64], #S>, !fc.tile<f32, [i: 64], #R>) -> !fc.tile<f32, [i: 64, j: 64], #S>
      %lt = fc.reduce sum over ["j"] %e : !fc.tile<f32, [i: 64, j: 64], #S> -> !fc.tile<f32, [i: 64], #R>
      %cc = fc.map(%mo, %mn) {
      ^bb0(%a: f32, %c: f32):
        %d = arith.subf %a, %c fastmath<nnan> : f32
        %r = math.exp %d : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64], #R>, !fc.tile<f32, [i: 64], #R>) -> !fc.tile<f32, [i: 64], #R>
      %ln = fc.map(%cc, %lo, %lt) {
      ^bb0(%c: f32, %old: f32, %add: f32):
        %t = arith.mulf %old, %c : f32
        %r = arith.addf %t, %add : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [i: 64], #R>, !fc.tile<f32, [i: 64], #R>, !fc.tile<f32, [i: 64], #R>) -> !fc.tile<f32, [i: 64], #R>
      %p = fc.map(%e) {
      ^bb0(%a: f32):
        %r = arith.truncf %a : f32 to f16
        fc.yield %r : f16
      } : (!fc.tile<f32, [i: 64, j: 64], #S>) -> !fc.tile<f16, [i: 64, j: 64], #S>
      %ps = fc.convert %p : !fc.tile<f16, [i: 64, j: 64], #S> -> !fc.tile<f16, [i: 64, j: 64], #keys>
      %oc = fc.map(%oo, %cc) {
      ^bb0(%a: f32, %c: f32):
        %r = arith.mulf %a, %c : f32
        fc.yield %r : f32
      } : (!fc.tile<f32, [d: 64, i: 64], #O>, !fc.tile<f32, [i: 64], #R>) -> !fc.tile<f32, [d: 64, i: 64], #O>
      %on = fc.dot over ["j"] %ps, %vt into %oc by "fma" : (!fc.tile<f16, [i: 64, j: 64], #keys>, !fc.tile<f16, [d: 64, j: 64], #rows>, !fc.tile<f32, [d: 64, i: 64], #O>) -> !fc.tile<f32, [d: 64, i: 64], #O>
      fc.yield %mn, %ln, %on : !fc.tile<f32, [i: 64], #R>, !fc.tile<f32, [i: 64], #R>, !fc.tile<f32, [d: 64, i: 64], #O>
    }
    %ot = fc.map(%acc, %l) {
    ^bb0(%a: f32, %c: f32):
      %d = arith.divf %a, %c : f32
      %r = arith.truncf %d : f32 to f16
      fc.yield %r : f16
    } : (!fc.tile<f32, [d: 64, i: 64], #O>, !fc.tile<f32, [i: 64], #R>) -> !fc.tile<f16, [d: 64, i: 64], #O>
    fc.write %ot to %o[%b, %h, %iiw, %ddw] bounds(%iiw < %M) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i: 64], #R>, !fc.tile<i32, [d: 64], #D>) bounds(!fc.tile<i32, [i: 64], #R> < i32) from !fc.tile<f16, [d: 64, i: 64], #O>
    %ls = fc.map(%m, %l) {
    ^bb0(%a: f32, %c: f32):
      %z = arith.constant 0.0 : f32
      %ninf = arith.constant 0xFF800000 : f32
      %none = arith.cmpf oeq, %c, %z : f32
      %d = math.log %c : f32
      %r = arith.addf %a, %d : f32
      %t = arith.select %none, %ninf, %r : f32
      fc.yield %t : f32
    } : (!fc.tile<f32, [i: 64], #R>, !fc.tile<f32, [i: 64], #R>) -> !fc.tile<f32, [i: 64], #R>
    fc.write %ls to %lse[%b, %h, %iiw] bounds(%iiw < %M) : !fc.tensor<f32, ["B", "H", "M"]>, (i32, i32, !fc.tile<i32, [i: 64], #R>) bounds(!fc.tile<i32, [i: 64], #R> < i32) from !fc.tile<f32, [i: 64], #R>
  }
}
