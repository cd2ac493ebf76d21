// RUN: %fc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc-lower-to-threads)'

#I = #fc.place<"l i:32:1">
fc.kernel @unknown(%x: !fc.tensor<f32, ["I"]>) params ["x"] outputs 1 schedule <i = 32, warps = 1, stages = 1> {
  %n = fc.dim "I"
  fc.program (tile i in %n) {
  ^bb0(%i0: i32):
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 32], #I>
    %v = fc.map(%ii) {
    ^bb0(%i: i32):
      %a = arith.sitofp %i : i32 to f32
      // expected-error@+1 {{`math.erf` on 'f32' has no code for one thread}}
      %r = math.erf %a : f32
      fc.yield %r : f32
    } : (!fc.tile<i32, [i: 32], #I>) -> !fc.tile<f32, [i: 32], #I>
    fc.write %v to %x[%ii] : !fc.tensor<f32, ["I"]>, (!fc.tile<i32, [i: 32], #I>) from !fc.tile<f32, [i: 32], #I>
  }
}

// -----

#I = #fc.place<"l i:32:1">
fc.kernel @size(%x: !fc.tensor<i32, ["I"]>) params ["x"] outputs 1 schedule <warps = 1, stages = 1> {
  %n = fc.dim "I"
  // expected-error@+1 {{has the tile axis `i`, which the schedule gives no size}}
  fc.program (tile i in %n) {
  ^bb0(%i0: i32):
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 32], #I>
    fc.write %ii to %x[%ii] : !fc.tensor<i32, ["I"]>, (!fc.tile<i32, [i: 32], #I>) from !fc.tile<i32, [i: 32], #I>
  }
}

// -----

#I = #fc.place<"l i:32:1">
fc.kernel @grid(%x: !fc.tensor<i32, ["I"]>) params ["x"] outputs 1 schedule <i = 32, warps = 1, stages = 1> {
  %n = fc.dim "I"
  %m = arith.xori %n, %n : i32
  // expected-error@+1 {{has an extent along `i` that is no expression of dimensions and scalars}}
  fc.program (tile i in %m) {
  ^bb0(%i0: i32):
    %ii = fc.iota %i0 : !fc.tile<i32, [i: 32], #I>
    fc.write %ii to %x[%ii] : !fc.tensor<i32, ["I"]>, (!fc.tile<i32, [i: 32], #I>) from !fc.tile<i32, [i: 32], #I>
  }
}

// -----

// The copy's lanes would need what other threads have computed.

#I = #fc.place<"v i:8:1">
#A = #fc.place<"v i:8:1 | l d:32:1">
#T = #fc.shared<"d", page = 32>
fc.kernel @elsewhere(%x: !fc.tensor<i32, ["I", "D"]>, %y: !fc.tensor<i32, ["I", "D"]>) params ["x", "y"] outputs 1 schedule <warps = 1, stages = 1> {
  %n = fc.dim "I"
  fc.program (z in %n) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 8], #I>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 32], #fc.place<"l d:32:1">>
    %ring = fc.ring at 0 : !fc.ring<!fc.tile<i32, [d: 32, i: 8], #T>, 1>
    %slot = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<i32, [d: 32, i: 8], #T>, 1> -> !fc.slot<!fc.tile<i32, [d: 32, i: 8], #T>>
    %t = fc.read %x[%ii, %dd] : !fc.tensor<i32, ["I", "D"]>, (!fc.tile<i32, [i: 8], #I>, !fc.tile<i32, [d: 32], #fc.place<"l d:32:1">>) -> !fc.tile<i32, [d: 32, i: 8], #A>
    // expected-note@+1 {{the value is '!fc.tile<i32, [i: 8], #fc.place<"v i:8:1">>'}}
    %m = fc.reduce max over ["d"] %t : !fc.tile<i32, [d: 32, i: 8], #A> -> !fc.tile<i32, [i: 8], #I>
    // expected-error@+1 {{needs a value in other threads than hold it, and it cannot be computed anew}}
    fc.copy %x[%m, %dd] : !fc.tensor<i32, ["I", "D"]>, (!fc.tile<i32, [i: 8], #I>, !fc.tile<i32, [d: 32], #fc.place<"l d:32:1">>) -> %slot : !fc.slot<!fc.tile<i32, [d: 32, i: 8], #T>> via "plain"
    %u = fc.load %slot : !fc.slot<!fc.tile<i32, [d: 32, i: 8], #T>> -> !fc.tile<i32, [d: 32, i: 8], #A>
    fc.write %u to %y[%ii, %dd] : !fc.tensor<i32, ["I", "D"]>, (!fc.tile<i32, [i: 8], #I>, !fc.tile<i32, [d: 32], #fc.place<"l d:32:1">>) from !fc.tile<i32, [d: 32, i: 8], #A>
  }
}

// -----

#P = #fc.place<"v i:8:1 | l j:32:1 | w j:2:32">
fc.kernel @room(%x: !fc.tensor<f32, ["I", "J"]>, %y: !fc.tensor<f32, ["I"]>) params ["x", "y"] outputs 1 schedule <warps = 2, stages = 1> {
  %n = fc.dim "I"
  fc.program (w in %n) {
  ^bb0(%w: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 8], #fc.place<"v i:8:1">>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 64], #fc.place<"l j:32:1 | w j:2:32">>
    %t = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 8], #fc.place<"v i:8:1">>, !fc.tile<i32, [j: 64], #fc.place<"l j:32:1 | w j:2:32">>) -> !fc.tile<f32, [i: 8, j: 64], #P>
    // expected-error@+1 {{crosses warps, but `fc-allocate-shared` made no room for that}}
    %s = fc.reduce sum over ["j"] %t : !fc.tile<f32, [i: 8, j: 64], #P> -> !fc.tile<f32, [i: 8], #fc.place<"v i:8:1">>
    fc.write %s to %y[%ii] : !fc.tensor<f32, ["I"]>, (!fc.tile<i32, [i: 8], #fc.place<"v i:8:1">>) from !fc.tile<f32, [i: 8], #fc.place<"v i:8:1">>
  }
}

// -----

#A = #fc.place<"v i:8:1 | l d:32:1">
#T = #fc.shared<"d", page = 32>
fc.kernel @offset(%x: !fc.tensor<i32, ["I", "D"]>) params ["x"] outputs 1 schedule <warps = 1, stages = 1> {
  %n = fc.dim "I"
  fc.program (z in %n) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %ring = fc.ring : !fc.ring<!fc.tile<i32, [d: 32, i: 8], #T>, 1>
    // expected-error@+1 {{is of a ring without an offset; `fc-allocate-shared` gives it one}}
    %slot = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<i32, [d: 32, i: 8], #T>, 1> -> !fc.slot<!fc.tile<i32, [d: 32, i: 8], #T>>
  }
}
