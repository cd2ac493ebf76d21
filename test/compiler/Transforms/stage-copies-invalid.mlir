// RUN: %fc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc.kernel(fc-stage-copies))'

fc.kernel @map(%x: !fc.tensor<f32, ["A"]>, %y: !fc.tensor<f32, ["A"]>) params ["x", "y"] outputs 1 schedule <warps = 1, stages = 1> {
  %A = fc.dim "A"
  fc.program (z in %A) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    %aa = fc.iota %c0 : !fc.tile<i32, [a: 32], #fc.place<"l a:32:1">>
    %t = fc.read %x[%aa] : !fc.tensor<f32, ["A"]>, (!fc.tile<i32, [a: 32], #fc.place<"l a:32:1">>) -> !fc.tile<f32, [a: 32], #fc.shared<"a", page = 32>>
    // expected-error@+1 {{uses a tile that is in shared memory; it must be converted to registers first}}
    fc.write %t to %y[%aa] : !fc.tensor<f32, ["A"]>, (!fc.tile<i32, [a: 32], #fc.place<"l a:32:1">>) from !fc.tile<f32, [a: 32], #fc.shared<"a", page = 32>>
  }
}

// -----

fc.kernel @made(%y: !fc.tensor<i32, ["A"]>) params ["y"] outputs 1 schedule <warps = 1, stages = 1> {
  %A = fc.dim "A"
  fc.program (z in %A) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    // expected-error@+1 {{gives a tile in shared memory; only `fc.read` and `fc.convert` can}}
    %aa = fc.iota %c0 : !fc.tile<i32, [a: 32], #fc.shared<"a", page = 32>>
    %bb = fc.iota %c0 : !fc.tile<i32, [a: 32], #fc.place<"l a:32:1">>
    fc.write %bb to %y[%bb] : !fc.tensor<i32, ["A"]>, (!fc.tile<i32, [a: 32], #fc.place<"l a:32:1">>) from !fc.tile<i32, [a: 32], #fc.place<"l a:32:1">>
  }
}
