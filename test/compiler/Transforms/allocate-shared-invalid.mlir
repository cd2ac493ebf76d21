// RUN: %fc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc.kernel(fc-allocate-shared{target=sm_86}))'

#A = #fc.place<"v j:768:1 | l i:32:1">
#T = #fc.shared<"j", page = 32>

// expected-error@+1 {{needs 106496 bytes of shared memory, and sm_86 has 101376 for a CTA; choose smaller tiles}}
fc.kernel @large(%x: !fc.tensor<f32, ["I", "J"]>) params ["x"] outputs 1 schedule <warps = 2, stages = 1> {
  %n = fc.dim "I"
  fc.program (z in %n) {
  ^bb0(%z: i32):
    %c0 = arith.constant 0 : i32
    // expected-note@+1 {{98304 bytes hold '!fc.tile<f32, [i: 32, j: 768], #fc.shared<"j", page = 32>>' here, slots: 1}}
    %p = fc.ring : !fc.ring<!fc.tile<f32, [i: 32, j: 768], #T>, 1>
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 768], #fc.place<"v j:768:1">>
    %aa = fc.iota %c0 : !fc.tile<i32, [a: 32], #fc.place<"v a:32:1">>
    %bb = fc.iota %c0 : !fc.tile<i32, [b: 64], #fc.place<"l b:32:1 | w b:2:32">>
    %t = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 768], #fc.place<"v j:768:1">>) -> !fc.tile<f32, [i: 32, j: 768], #A>
    %v = fc.read %x[%aa, %bb] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [a: 32], #fc.place<"v a:32:1">>, !fc.tile<i32, [b: 64], #fc.place<"l b:32:1 | w b:2:32">>) -> !fc.tile<f32, [a: 32, b: 64], #fc.place<"v a:32:1 | l b:32:1 | w b:2:32">>
    %s = fc.acquire %p, %c0 : !fc.ring<!fc.tile<f32, [i: 32, j: 768], #T>, 1> -> !fc.slot<!fc.tile<f32, [i: 32, j: 768], #T>>
    fc.store %t, %s : !fc.tile<f32, [i: 32, j: 768], #A>, !fc.slot<!fc.tile<f32, [i: 32, j: 768], #T>>
    // expected-note@+1 {{8192 bytes take this exchange between warps}}
    %m = fc.reduce max over ["b"] %v : !fc.tile<f32, [a: 32, b: 64], #fc.place<"v a:32:1 | l b:32:1 | w b:2:32">> -> !fc.tile<f32, [a: 32], #fc.place<"v a:32:1">>
    %u = fc.load %s : !fc.slot<!fc.tile<f32, [i: 32, j: 768], #T>> -> !fc.tile<f32, [i: 32, j: 768], #A>
    fc.write %u to %x[%ii, %jj] : !fc.tensor<f32, ["I", "J"]>, (!fc.tile<i32, [i: 32], #fc.place<"l i:32:1">>, !fc.tile<i32, [j: 768], #fc.place<"v j:768:1">>) from !fc.tile<f32, [i: 32, j: 768], #A>
  }
}
