// RUN: %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc.kernel(fc-allocate-shared{target=sm_80}))' | FileCheck %s

// Two slots whose lives are apart take the same bytes; what shares bytes is fenced: the second store waits for the
// first load, each load for its store.

#A = #fc.place<"v j:8:1 | l i:32:1">
#T = #fc.shared<"j", page = 8>

// CHECK-LABEL: fc.kernel @apart
// CHECK-SAME: fc.shared_bytes = 1024
// CHECK: %[[P:.*]] = fc.ring at 0 :
// CHECK: %[[Q:.*]] = fc.ring at 0 :
// CHECK: fc.store
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
// CHECK: gpu.barrier
// CHECK-NEXT: fc.store
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
// CHECK-NOT: gpu.barrier
fc.kernel @apart(%x: !fc.tensor<f32, ["I", "J"]>) params ["x"] outputs 1 schedule <warps = 1, stages = 1> {
  %n = fc.dim "I"
  fc.program (z in %n) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %p = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %q = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>
    %t = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>) -> !fc.tile<f32, [i: 32, j: 8], #A>
    %s = fc.acquire %p, %c0 : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
    fc.store %t, %s : !fc.tile<f32, [i: 32, j: 8], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
    fc.publish %p, %c0 : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %w = fc.wait %p, %c0 : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
    %u = fc.load %w : !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>> -> !fc.tile<f32, [i: 32, j: 8], #A>
    fc.release %p, %c0 : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %s1 = fc.acquire %q, %c0 : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
    fc.store %u, %s1 : !fc.tile<f32, [i: 32, j: 8], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
    fc.publish %q, %c0 : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %w1 = fc.wait %q, %c0 : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
    %u1 = fc.load %w1 : !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>> -> !fc.tile<f32, [i: 32, j: 8], #A>
    fc.release %q, %c0 : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    fc.write %u1 to %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>) from !fc.tile<f32, [i: 32, j: 8], #A>
  }
}

// -----

// The store of the next turn must not overtake the load of this one: a barrier across the back edge. The second
// ring, of half the loop's life, is apart from the first: sharing would cost two barriers more.

#A = #fc.place<"v j:8:1 | l i:32:1">
#T = #fc.shared<"j", page = 8>

// CHECK-LABEL: fc.kernel @loop
// CHECK-SAME: fc.shared_bytes = 2048
// CHECK: fc.ring at 0 :
// CHECK: fc.ring at 1024 :
// CHECK: scf.for
// CHECK: fc.store
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
// CHECK: fc.store
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
// CHECK-NOT: gpu.barrier
// CHECK: fc.write
fc.kernel @loop(%x: !fc.tensor<f32, ["I", "J"]>) params ["x"] outputs 1 schedule <warps = 1, stages = 1> {
  %n = fc.dim "I"
  fc.program (z in %n) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %p = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %q = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>
    %t = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>) -> !fc.tile<f32, [i: 32, j: 8], #A>
    %r = scf.for %k = %c0 to %n step %c1 iter_args(%v = %t) -> (!fc.tile<f32, [i: 32, j: 8], #A>) : i32 {
      %s = fc.acquire %p, %k : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
      fc.store %v, %s : !fc.tile<f32, [i: 32, j: 8], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
      %u = fc.load %s : !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>> -> !fc.tile<f32, [i: 32, j: 8], #A>
      %s1 = fc.acquire %q, %k : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
      fc.store %u, %s1 : !fc.tile<f32, [i: 32, j: 8], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
      %u1 = fc.load %s1 : !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>> -> !fc.tile<f32, [i: 32, j: 8], #A>
      scf.yield %u1 : !fc.tile<f32, [i: 32, j: 8], #A>
    }
    fc.write %r to %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>) from !fc.tile<f32, [i: 32, j: 8], #A>
  }
}

// -----

// The same with one ring alone: the store needs the barrier.

#A = #fc.place<"v j:8:1 | l i:32:1">
#T = #fc.shared<"j", page = 8>

// CHECK-LABEL: fc.kernel @back_edge
// CHECK: scf.for
// CHECK: gpu.barrier
// CHECK-NEXT: fc.store
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
fc.kernel @back_edge(%x: !fc.tensor<f32, ["I", "J"]>) params ["x"] outputs 1 schedule <warps = 1, stages = 1> {
  %n = fc.dim "I"
  fc.program (z in %n) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %p = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>
    %t = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>) -> !fc.tile<f32, [i: 32, j: 8], #A>
    %r = scf.for %k = %c0 to %n step %c1 iter_args(%v = %t) -> (!fc.tile<f32, [i: 32, j: 8], #A>) : i32 {
      %s = fc.acquire %p, %k : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
      fc.store %v, %s : !fc.tile<f32, [i: 32, j: 8], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
      %u = fc.load %s : !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>> -> !fc.tile<f32, [i: 32, j: 8], #A>
      scf.yield %u : !fc.tile<f32, [i: 32, j: 8], #A>
    }
    fc.write %r to %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>) from !fc.tile<f32, [i: 32, j: 8], #A>
  }
}

// -----

// Two rings of 96 KiB do not fit apart: in the loop they share bytes, and each store waits.

#A = #fc.place<"v j:768:1 | l i:32:1">
#T = #fc.shared<"j", page = 32>

// CHECK-LABEL: fc.kernel @tight
// CHECK-SAME: fc.shared_bytes = 98304
// CHECK: fc.ring at 0 :
// CHECK: fc.ring at 0 :
// CHECK: scf.for
// CHECK: gpu.barrier
// CHECK-NEXT: fc.store
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
// CHECK: gpu.barrier
// CHECK-NEXT: fc.store
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
fc.kernel @tight(%x: !fc.tensor<f32, ["I", "J"]>) params ["x"] outputs 1 schedule <warps = 1, stages = 1> {
  %n = fc.dim "I"
  fc.program (z in %n) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %p = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 768], #T>, 1>
    %q = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 768], #T>, 1>
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 768], #fc.place<"v j:768:1">>
    %t = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 768], #fc.place<"v j:768:1">>) -> !fc.tile<f32, [i: 32, j: 768], #A>
    %r = scf.for %k = %c0 to %n step %c1 iter_args(%v = %t) -> (!fc.tile<f32, [i: 32, j: 768], #A>) : i32 {
      %s = fc.acquire %p, %k : !fc.ring<!fc.tile<f32, [i: 32, j: 768], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 768], #T>>
      fc.store %v, %s : !fc.tile<f32, [i: 32, j: 768], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 768], #T>>
      %u = fc.load %s : !fc.slot<!fc.tile<f32, [i: 32, j: 768], #T>> -> !fc.tile<f32, [i: 32, j: 768], #A>
      %s1 = fc.acquire %q, %k : !fc.ring<!fc.tile<f32, [i: 32, j: 768], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 768], #T>>
      fc.store %u, %s1 : !fc.tile<f32, [i: 32, j: 768], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 768], #T>>
      %u1 = fc.load %s1 : !fc.slot<!fc.tile<f32, [i: 32, j: 768], #T>> -> !fc.tile<f32, [i: 32, j: 768], #A>
      scf.yield %u1 : !fc.tile<f32, [i: 32, j: 768], #A>
    }
    fc.write %r to %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 768], #fc.place<"v j:768:1">>) from !fc.tile<f32, [i: 32, j: 768], #A>
  }
}

// -----

// A reduction that crosses warps gets room (here 8 results, 2 warps, 4 bytes) and fences itself against others.

// CHECK-LABEL: fc.kernel @across
// CHECK-SAME: fc.shared_bytes = 4096
// CHECK: fc.reduce sum over ["j"] %{{.*}} {fc.exchange = 0 : i64}
// CHECK: fc.reduce max over ["j"] %{{.*}} {fc.exchange = 2048 : i64}
fc.kernel @across(%x: !fc.tensor<f32, ["I", "J"]>, %y: !fc.tensor<f32, ["I"]>, %z: !fc.tensor<f32, ["I"]>) params ["x", "y", "z"] outputs 2 schedule <warps = 2, stages = 1> {
  %n = fc.dim "I"
  fc.program (w in %n) {
  ^bb0(%w: i32):
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 8], #fc.place<"v i:8:1">>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 64], #fc.place<"l j:32:1 | w j:2:32">>
    scf.for %k = %c0 to %n step %c1 : i32 {
      %t = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 8], #fc.place<"v i:8:1">>, !fc.tile<i32, [j: 64], #fc.place<"l j:32:1 | w j:2:32">>) -> !fc.tile<f32, [i: 8, j: 64], #fc.place<"v i:8:1 | l j:32:1 | w j:2:32">>
      %s = fc.reduce sum over ["j"] %t : !fc.tile<f32, [i: 8, j: 64], #fc.place<"v i:8:1 | l j:32:1 | w j:2:32">> -> !fc.tile<f32, [i: 8], #fc.place<"v i:8:1">>
      %m = fc.reduce max over ["j"] %t : !fc.tile<f32, [i: 8, j: 64], #fc.place<"v i:8:1 | l j:32:1 | w j:2:32">> -> !fc.tile<f32, [i: 8], #fc.place<"v i:8:1">>
      fc.write %s to %y[%ii] : !fc.tensor<f32, ["I"]>, (!fc.tile<i32, [i: 8], #fc.place<"v i:8:1">>) from !fc.tile<f32, [i: 8], #fc.place<"v i:8:1">>
      fc.write %m to %z[%ii] : !fc.tensor<f32, ["I"]>, (!fc.tile<i32, [i: 8], #fc.place<"v i:8:1">>) from !fc.tile<f32, [i: 8], #fc.place<"v i:8:1">>
    }
  }
}

// -----

// Merged states are exchanged between warps: four words a thread of the shared one (16 of the 32 rows come from the other
// part), one of that which all keep. The bytes are those of a ring that is done with, behind a barrier.

#T = #fc.shared<"i", page = 32>
#OP = #fc.place<"v d:8:1 | l i:32:1 | w j.part:2:1">
#LP = #fc.place<"l i:32:1 | w j.part:2:1">
#O = #fc.place<"v d:4:1 | l i:32:1 | w d:2:4">
#L = #fc.place<"l i:32:1">
#D = #fc.place<"v d:8:1">

// CHECK-LABEL: fc.kernel @merge
// CHECK-SAME: fc.shared_bytes = 1280
// CHECK: fc.ring at 0 :
// CHECK: fc.load
// CHECK-NEXT: fc.release
// CHECK-NOT: gpu.barrier
// CHECK: gpu.barrier
// CHECK-NEXT: fc.merge
// CHECK: } {fc.exchange = 0 : i64} ->
// CHECK-NOT: gpu.barrier
fc.kernel @merge(%x: !fc.tensor<f32, ["M", "8"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 2 schedule <i = 32, warps = 2, stages = 1, split j = 2> {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ring = fc.ring : !fc.ring<!fc.tile<f32, [i: 32], #T>, 1>
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 32], #L>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 8], #D>
    %pp = fc.iota %c0 : !fc.tile<i32, [j.part: 2], #fc.place<"w j.part:2:1">>
    %l0 = fc.map(%ii) {
    ^bb0(%i: i32):
      %r = arith.sitofp %i : i32 to f32
      fc.yield %r : f32
    } : (!fc.tile<i32, [i: 32], #L>) -> !fc.tile<f32, [i: 32], #L>
    %s = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<f32, [i: 32], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32], #T>>
    fc.store %l0, %s : !fc.tile<f32, [i: 32], #L>, !fc.slot<!fc.tile<f32, [i: 32], #T>>
    fc.publish %ring, %c0 : !fc.ring<!fc.tile<f32, [i: 32], #T>, 1>
    %w = fc.wait %ring, %c0 : !fc.ring<!fc.tile<f32, [i: 32], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32], #T>>
    %l1 = fc.load %w : !fc.slot<!fc.tile<f32, [i: 32], #T>> -> !fc.tile<f32, [i: 32], #L>
    fc.release %ring, %c0 : !fc.ring<!fc.tile<f32, [i: 32], #T>, 1>
    %ls = fc.map(%l1, %pp) {
    ^bb0(%a: f32, %p: i32):
      fc.yield %a : f32
    } : (!fc.tile<f32, [i: 32], #L>, !fc.tile<i32, [j.part: 2], #fc.place<"w j.part:2:1">>) -> !fc.tile<f32, [i: 32, j.part: 2], #LP>
    %os = fc.map(%ls, %dd) {
    ^bb0(%a: f32, %p: i32):
      fc.yield %a : f32
    } : (!fc.tile<f32, [i: 32, j.part: 2], #LP>, !fc.tile<i32, [d: 8], #D>) -> !fc.tile<f32, [d: 8, i: 32, j.part: 2], #OP>
    %o, %l = fc.merge over "j.part"(%os, %ls : !fc.tile<f32, [d: 8, i: 32, j.part: 2], #OP>, !fc.tile<f32, [i: 32, j.part: 2], #LP>) {
    ^bb0(%oa: !fc.tile<f32, [d: 8, i: 32], #O>, %la: !fc.tile<f32, [i: 32], #L>, %ob: !fc.tile<f32, [d: 8, i: 32], #O>, %lb: !fc.tile<f32, [i: 32], #L>):
      fc.yield %ob, %la : !fc.tile<f32, [d: 8, i: 32], #O>, !fc.tile<f32, [i: 32], #L>
    } -> !fc.tile<f32, [d: 8, i: 32], #O>, !fc.tile<f32, [i: 32], #L>
    fc.write %o to %x[%ii, %dd] : !fc.tensor<f32, ["M", "8"]>, (!fc.tile<i32, [i: 32], #L>, !fc.tile<i32, [d: 8], #D>) from !fc.tile<f32, [d: 8, i: 32], #O>
    fc.write %l to %y[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i: 32], #L>) from !fc.tile<f32, [i: 32], #L>
  }
}

// -----

// A tile that each turn of a loop reads, copied in front of it: the wait for what a turn copies waits for it, too, in front of the
// same barrier. Where no turn is taken it is still on its way when the kernel ends, and nobody minds.

#Q = #fc.shared<"d", page = 64>
#A = #fc.place<"v d:64:1 | l i:32:1">
#I = #fc.place<"l i:32:1">
#D = #fc.place<"v d:64:1">

// CHECK-LABEL: fc.kernel @covered
// CHECK: fc.wait {{.*}} {fc.covered}
// CHECK: scf.for
// CHECK: fc.copy
// CHECK: fc.wait
// CHECK-NOT: fc.covered
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
// CHECK-NOT: gpu.barrier
// CHECK: fc.write
fc.kernel @covered(%x: !fc.tensor<f16, ["I", "D"]>) params ["x"] outputs 1 schedule <warps = 2, stages = 1> {
  %n = fc.dim "I"
  fc.program (z in %n) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %q = fc.ring : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
    %k = fc.ring : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 32], #I>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 64], #D>
    %t = fc.read %x[%ii, %dd] : !fc.tensor<f16, ["I", "D"]>, (!fc.tile<i32, [i: 32], #I>, !fc.tile<i32, [d: 64], #D>) -> !fc.tile<f16, [d: 64, i: 32], #A>
    %s = fc.acquire %q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>>
    fc.copy %x[%ii, %dd] : !fc.tensor<f16, ["I", "D"]>, (!fc.tile<i32, [i: 32], #I>, !fc.tile<i32, [d: 64], #D>) -> %s : !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>> via "cp_async"
    fc.publish %q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
    %w = fc.wait %q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>>
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%v = %t) -> (!fc.tile<f16, [d: 64, i: 32], #A>) : i32 {
      %s1 = fc.acquire %k, %i : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>>
      fc.copy %x[%ii, %dd] : !fc.tensor<f16, ["I", "D"]>, (!fc.tile<i32, [i: 32], #I>, !fc.tile<i32, [d: 64], #D>) -> %s1 : !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>> via "cp_async"
      fc.publish %k, %i : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
      %w1 = fc.wait %k, %i : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>>
      %u = fc.load %w : !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>> -> !fc.tile<f16, [d: 64, i: 32], #A>
      %u1 = fc.load %w1 : !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>> -> !fc.tile<f16, [d: 64, i: 32], #A>
      fc.release %k, %i : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
      scf.yield %u1 : !fc.tile<f16, [d: 64, i: 32], #A>
    }
    fc.release %q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
    fc.write %r to %x[%ii, %dd] : !fc.tensor<f16, ["I", "D"]>, (!fc.tile<i32, [i: 32], #I>, !fc.tile<i32, [d: 64], #D>) from !fc.tile<f16, [d: 64, i: 32], #A>
  }
}

// -----

// The same, read in front of the loop.

#Q = #fc.shared<"d", page = 64>
#A = #fc.place<"v d:64:1 | l i:32:1">
#I = #fc.place<"l i:32:1">
#D = #fc.place<"v d:64:1">

// CHECK-LABEL: fc.kernel @uncovered
// CHECK-NOT: fc.covered
// CHECK: fc.write
fc.kernel @uncovered(%x: !fc.tensor<f16, ["I", "D"]>) params ["x"] outputs 1 schedule <warps = 2, stages = 1> {
  %n = fc.dim "I"
  fc.program (z in %n) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %q = fc.ring : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
    %k = fc.ring : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 32], #I>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 64], #D>
    %t = fc.read %x[%ii, %dd] : !fc.tensor<f16, ["I", "D"]>, (!fc.tile<i32, [i: 32], #I>, !fc.tile<i32, [d: 64], #D>) -> !fc.tile<f16, [d: 64, i: 32], #A>
    %s = fc.acquire %q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>>
    fc.copy %x[%ii, %dd] : !fc.tensor<f16, ["I", "D"]>, (!fc.tile<i32, [i: 32], #I>, !fc.tile<i32, [d: 64], #D>) -> %s : !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>> via "cp_async"
    fc.publish %q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
    %w = fc.wait %q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>>
    %u2 = fc.load %w : !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>> -> !fc.tile<f16, [d: 64, i: 32], #A>
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%v = %u2) -> (!fc.tile<f16, [d: 64, i: 32], #A>) : i32 {
      %s1 = fc.acquire %k, %i : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>>
      fc.copy %x[%ii, %dd] : !fc.tensor<f16, ["I", "D"]>, (!fc.tile<i32, [i: 32], #I>, !fc.tile<i32, [d: 64], #D>) -> %s1 : !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>> via "cp_async"
      fc.publish %k, %i : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
      %w1 = fc.wait %k, %i : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1> -> !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>>
      %u = fc.load %w : !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>> -> !fc.tile<f16, [d: 64, i: 32], #A>
      %u1 = fc.load %w1 : !fc.slot<!fc.tile<f16, [d: 64, i: 32], #Q>> -> !fc.tile<f16, [d: 64, i: 32], #A>
      fc.release %k, %i : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
      scf.yield %u1 : !fc.tile<f16, [d: 64, i: 32], #A>
    }
    fc.release %q, %c0 : !fc.ring<!fc.tile<f16, [d: 64, i: 32], #Q>, 1>
    fc.write %r to %x[%ii, %dd] : !fc.tensor<f16, ["I", "D"]>, (!fc.tile<i32, [i: 32], #I>, !fc.tile<i32, [d: 64], #D>) from !fc.tile<f16, [d: 64, i: 32], #A>
  }
}

// -----

// What comes in front of a loop and what the loop needs share bytes: the first turn waits for it, so the barrier is in front
// of the loop. The turns themselves need two.

#A = #fc.place<"v j:8:1 | l i:32:1">
#T = #fc.shared<"j", page = 8>

// CHECK-LABEL: fc.kernel @first_turn
// CHECK: fc.store
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
// CHECK: gpu.barrier
// CHECK-NEXT: scf.for
// CHECK-NOT: gpu.barrier
// CHECK: fc.store
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
// CHECK-NOT: gpu.barrier
// CHECK: fc.store
// CHECK: gpu.barrier
// CHECK-NEXT: fc.load
// CHECK-NOT: gpu.barrier
// CHECK: fc.write
fc.kernel @first_turn(%x: !fc.tensor<f32, ["I", "J"]>) params ["x"] outputs 1 schedule <warps = 2, stages = 1> {
  %n = fc.dim "I"
  fc.program (z in %n) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %q = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %k = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %w = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1>
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>
    %t = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>) -> !fc.tile<f32, [i: 32, j: 8], #A>
    %s0 = fc.acquire %q, %c0 : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
    fc.store %t, %s0 : !fc.tile<f32, [i: 32, j: 8], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
    %u0 = fc.load %s0 : !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>> -> !fc.tile<f32, [i: 32, j: 8], #A>
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%v = %u0) -> (!fc.tile<f32, [i: 32, j: 8], #A>) : i32 {
      %s1 = fc.acquire %k, %i : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
      fc.store %v, %s1 : !fc.tile<f32, [i: 32, j: 8], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
      %u1 = fc.load %s1 : !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>> -> !fc.tile<f32, [i: 32, j: 8], #A>
      %s2 = fc.acquire %w, %i : !fc.ring<!fc.tile<f32, [i: 32, j: 8], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
      fc.store %u1, %s2 : !fc.tile<f32, [i: 32, j: 8], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>>
      %u2 = fc.load %s2 : !fc.slot<!fc.tile<f32, [i: 32, j: 8], #T>> -> !fc.tile<f32, [i: 32, j: 8], #A>
      scf.yield %u2 : !fc.tile<f32, [i: 32, j: 8], #A>
    }
    fc.write %r to %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 8], #fc.place<"v j:8:1">>) from !fc.tile<f32, [i: 32, j: 8], #A>
  }
}
