// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-stage-copies))' | FileCheck %s

// A read that two products use is one slot; it is filled before the first of them, and released behind the
// second. What was computed goes into a slot by a store. Rings stand at the program's top.

#S = #fc.place<"v j:4:1 i:2:8 | l j:4:4 i:8:1">
#R = #fc.place<"v i:2:8 | l _:4 i:8:1">
#J = #fc.place<"v j:4:1 | l j:4:4">
#D = #fc.place<"v d:16:1">
#rows = #fc.shared<"d", page = 16>

// CHECK-LABEL: fc.kernel @twice
// CHECK: fc.program
// CHECK: %[[P:.*]] = fc.ring : <<f16, [i: 16, j: 16], #{{.*}}>, 1>
// CHECK-NEXT: %[[K:.*]] = fc.ring : <<f16, [d: 16, j: 16], #{{.*}}>, 2>
// CHECK-NEXT: %[[Q:.*]] = fc.ring : <<f16, [d: 16, i: 16], #{{.*}}>, 1>
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK: fc.acquire %[[Q]], %[[ZERO]]
// CHECK: fc.copy %{{.*}} via "plain"
// CHECK: fc.publish %[[Q]], %[[ZERO]]
// CHECK: %[[QS:.*]] = fc.wait %[[Q]], %[[ZERO]]
// CHECK: scf.for %[[J0:.*]] = %[[LO:.*]] to %{{.*}} step %[[STEP:.*]] iter_args
// The turn's number counts from 0 wherever the range starts.
// CHECK: %[[AT:.*]] = arith.subi %[[J0]], %[[LO]]
// CHECK: %[[N:.*]] = arith.divui %[[AT]], %[[STEP]]
// CHECK: fc.acquire %[[K]], %[[N]]
// CHECK: fc.copy %{{.*}} bounds({{.*}}) : {{.*}} via "plain"
// CHECK: fc.publish %[[K]], %[[N]]
// CHECK: %[[KS:.*]] = fc.wait %[[K]], %[[N]]
// CHECK: %[[X:.*]] = fc.dot over ["d"] %[[QS]], %[[KS]] by "fma"
// CHECK: %[[W:.*]] = fc.acquire %[[P]], %[[N]]
// CHECK: fc.store %{{.*}}, %[[W]]
// CHECK: fc.publish %[[P]], %[[N]]
// CHECK: %[[PS:.*]] = fc.wait %[[P]], %[[N]]
// CHECK: fc.dot over ["j"] %[[PS]], %[[KS]] into %{{.*}} by "fma"
// CHECK: fc.release %[[P]], %[[N]]
// CHECK: fc.release %[[K]], %[[N]]
// CHECK: scf.yield
// CHECK: fc.release %[[Q]], %[[ZERO]]
fc.kernel @twice(%q: !fc.tensor<f16, ["M", "16"]>, %k: !fc.tensor<f16, ["N", "16"]>, %o: !fc.tensor<f32, ["M", "16"]>) params ["q", "k", "o"] outputs 1 schedule <i = 16, j = 16, warps = 1, stages = 2> {
  %M = fc.dim "M"
  %N = fc.dim "N"
  %L = fc.dim "L"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 16], #R>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 16], #D>
    %do = fc.iota %c0 : !fc.tile<i32, [d: 16], #fc.place<"v d:4:1 | l d:4:4">>
    %qt = fc.read %q[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["M", "16"]>, (!fc.tile<i32, [i: 16], #R>, !fc.tile<i32, [d: 16], #D>) bounds(!fc.tile<i32, [i: 16], #R> < i32) -> !fc.tile<f16, [d: 16, i: 16], #rows>
    %z = fc.map(%ii, %do) {
    ^bb0(%a: i32, %b: i32):
      %r = arith.constant 0.0 : f32
      fc.yield %r : f32
    } : (!fc.tile<i32, [i: 16], #R>, !fc.tile<i32, [d: 16], #fc.place<"v d:4:1 | l d:4:4">>) -> !fc.tile<f32, [d: 16, i: 16], #fc.place<"v d:4:1 i:2:8 | l d:4:4 i:8:1">>
    %acc = fc.fold ["j"] from (%L) to (%N) step (16) init(%z : !fc.tile<f32, [d: 16, i: 16], #fc.place<"v d:4:1 i:2:8 | l d:4:4 i:8:1">>) {
    ^bb0(%j0: i32, %old: !fc.tile<f32, [d: 16, i: 16], #fc.place<"v d:4:1 i:2:8 | l d:4:4 i:8:1">>):
      %jj = fc.iota %j0 : !fc.tile<i32, [j: 16], #J>
      %kt = fc.read %k[%jj, %dd] bounds(%jj < %N) : !fc.tensor<f16, ["N", "16"]>, (!fc.tile<i32, [j: 16], #J>, !fc.tile<i32, [d: 16], #D>) bounds(!fc.tile<i32, [j: 16], #J> < i32) -> !fc.tile<f16, [d: 16, j: 16], #rows>
      %x = fc.dot over ["d"] %qt, %kt by "fma" : (!fc.tile<f16, [d: 16, i: 16], #rows>, !fc.tile<f16, [d: 16, j: 16], #rows>) -> !fc.tile<f32, [i: 16, j: 16], #S>
      %p = fc.map(%x) {
      ^bb0(%a: f32):
        %r = arith.truncf %a : f32 to f16
        fc.yield %r : f16
      } : (!fc.tile<f32, [i: 16, j: 16], #S>) -> !fc.tile<f16, [i: 16, j: 16], #S>
      %ps = fc.convert %p : !fc.tile<f16, [i: 16, j: 16], #S> -> !fc.tile<f16, [i: 16, j: 16], #fc.shared<"j", page = 16>>
      %new = fc.dot over ["j"] %ps, %kt into %old by "fma" : (!fc.tile<f16, [i: 16, j: 16], #fc.shared<"j", page = 16>>, !fc.tile<f16, [d: 16, j: 16], #rows>, !fc.tile<f32, [d: 16, i: 16], #fc.place<"v d:4:1 i:2:8 | l d:4:4 i:8:1">>) -> !fc.tile<f32, [d: 16, i: 16], #fc.place<"v d:4:1 i:2:8 | l d:4:4 i:8:1">>
      fc.yield %new : !fc.tile<f32, [d: 16, i: 16], #fc.place<"v d:4:1 i:2:8 | l d:4:4 i:8:1">>
    }
    fc.write %acc to %o[%ii, %do] bounds(%ii < %M) : !fc.tensor<f32, ["M", "16"]>, (!fc.tile<i32, [i: 16], #R>, !fc.tile<i32, [d: 16], #fc.place<"v d:4:1 | l d:4:4">>) bounds(!fc.tile<i32, [i: 16], #R> < i32) from !fc.tile<f32, [d: 16, i: 16], #fc.place<"v d:4:1 i:2:8 | l d:4:4 i:8:1">>
  }
}

// -----

// A fold over two axes is a nest; turns count through both. It may carry nothing.

// CHECK-LABEL: fc.kernel @nest
// CHECK: scf.for %[[A0:.*]] = %{{.*}} to %{{.*}} step %[[SA:.*]] : i32
// CHECK-NEXT: %[[NA:.*]] = arith.divui %[[A0]], %[[SA]]
// CHECK-NEXT: scf.for %[[B0:.*]] = %{{.*}} to %[[HI:.*]] step %[[SB:.*]] : i32
// CHECK: %[[NB:.*]] = arith.divui %[[B0]], %[[SB]]
// CHECK: %[[TURNS:.*]] = arith.ceildivsi %[[HI]], %[[SB]]
// CHECK: %[[BEFORE:.*]] = arith.muli %[[NA]], %[[TURNS]]
// CHECK: %[[N:.*]] = arith.addi %[[BEFORE]], %[[NB]]
// CHECK: fc.acquire %{{.*}}, %[[N]]
// CHECK: fc.load
// CHECK: fc.release
fc.kernel @nest(%x: !fc.tensor<f32, ["A", "B"]>, %y: !fc.tensor<f32, ["A", "B"]>) params ["x", "y"] outputs 1 schedule <a = 8, b = 8, warps = 1, stages = 1> {
  %A = fc.dim "A"
  %B = fc.dim "B"
  fc.program (z in %A) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    fc.fold ["a", "b"] from (%c0, %c0) to (%A, %B) step (8, 8) {
    ^bb0(%a0: i32, %b0: i32):
      %aa = fc.iota %a0 : !fc.tile<i32, [a: 8], #fc.place<"l a:8:1">>
      %bb = fc.iota %b0 : !fc.tile<i32, [b: 8], #fc.place<"v b:2:1 | l _:8 b:4:2">>
      %t = fc.read %x[%aa, %bb] bounds(%aa < %A, %bb < %B) : !fc.tensor<f32, ["A", "B"]>, (!fc.tile<i32, [a: 8], #fc.place<"l a:8:1">>, !fc.tile<i32, [b: 8], #fc.place<"v b:2:1 | l _:8 b:4:2">>) bounds(!fc.tile<i32, [a: 8], #fc.place<"l a:8:1">> < i32, !fc.tile<i32, [b: 8], #fc.place<"v b:2:1 | l _:8 b:4:2">> < i32) -> !fc.tile<f32, [a: 8, b: 8], #fc.shared<"b", page = 8>>
      %u = fc.convert %t : !fc.tile<f32, [a: 8, b: 8], #fc.shared<"b", page = 8>> -> !fc.tile<f32, [a: 8, b: 8], #fc.place<"v b:2:1 | l a:8:1 b:4:2">>
      fc.write %u to %y[%aa, %bb] bounds(%aa < %A, %bb < %B) : !fc.tensor<f32, ["A", "B"]>, (!fc.tile<i32, [a: 8], #fc.place<"l a:8:1">>, !fc.tile<i32, [b: 8], #fc.place<"v b:2:1 | l _:8 b:4:2">>) bounds(!fc.tile<i32, [a: 8], #fc.place<"l a:8:1">> < i32, !fc.tile<i32, [b: 8], #fc.place<"v b:2:1 | l _:8 b:4:2">> < i32) from !fc.tile<f32, [a: 8, b: 8], #fc.place<"v b:2:1 | l a:8:1 b:4:2">>
      fc.yield
    }
  }
}

// -----

// Registers to registers: a permutation inside each thread stays; an exchange goes through a slot.

// CHECK-LABEL: fc.kernel @converts
// CHECK: fc.ring
// CHECK-NOT: fc.ring
// CHECK: fc.convert
// CHECK: fc.acquire
// CHECK: fc.store
// CHECK: fc.publish
// CHECK: fc.wait
// CHECK: fc.load
// CHECK: fc.release
fc.kernel @converts(%x: !fc.tensor<f32, ["A", "B"]>, %y: !fc.tensor<f32, ["A", "B"]>) params ["x", "y"] outputs 1 schedule <warps = 1, stages = 1> {
  %A = fc.dim "A"
  fc.program (z in %A) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %aa = fc.iota %c0 : !fc.tile<i32, [a: 32], #fc.place<"l a:32:1">>
    %bb = fc.iota %c0 : !fc.tile<i32, [b: 8], #fc.place<"v b:8:1">>
    %t = fc.read %x[%aa, %bb] : !fc.tensor<f32, ["A", "B"]>, (!fc.tile<i32, [a: 32], #fc.place<"l a:32:1">>, !fc.tile<i32, [b: 8], #fc.place<"v b:8:1">>) -> !fc.tile<f32, [a: 32, b: 8], #fc.place<"v b:8:1 | l a:32:1">>
    %u = fc.convert %t : !fc.tile<f32, [a: 32, b: 8], #fc.place<"v b:8:1 | l a:32:1">> -> !fc.tile<f32, [a: 32, b: 8], #fc.place<"v b:2:4 b:4:1 | l a:32:1">>
    %v = fc.convert %u : !fc.tile<f32, [a: 32, b: 8], #fc.place<"v b:2:4 b:4:1 | l a:32:1">> -> !fc.tile<f32, [a: 32, b: 8], #fc.place<"v a:8:1 | l b:8:1 a:4:8">>
    fc.write %v to %y[%aa, %bb] : !fc.tensor<f32, ["A", "B"]>, (!fc.tile<i32, [a: 32], #fc.place<"l a:32:1">>, !fc.tile<i32, [b: 8], #fc.place<"v b:8:1">>) from !fc.tile<f32, [a: 32, b: 8], #fc.place<"v a:8:1 | l b:8:1 a:4:8">>
  }
}
