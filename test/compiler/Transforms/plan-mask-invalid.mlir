// RUN: %fc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc-verify-stage{stage=mask})'

// What `fc-plan-mask` promises of its tests, broken once each: a uniform flag first, then the value that stands untested.

fc.kernel @no_flag() params [] outputs 0 schedule <i = 64, warps = 4, stages = 1> {
  fc.program () {
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 64]>
    // expected-error @below {{is marked as a test, but is not one: its first operand must be an `i1`, its second of the type of its one result}}
    %x = fc.map(%ii, %ii) {
    ^bb0(%a: i32, %b: i32):
      fc.yield %b : i32
    } {fc.test} : (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [i: 64]>) -> !fc.tile<i32, [i: 64]>
  }
}

// -----

fc.kernel @other_type(%flag: i1) params ["flag"] outputs 0 schedule <i = 64, warps = 4, stages = 1> {
  fc.program () {
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 64]>
    // expected-error @below {{is marked as a test, but is not one}}
    %x = fc.map(%flag, %ii) {
    ^bb0(%f: i1, %a: i32):
      %y = arith.sitofp %a : i32 to f32
      fc.yield %y : f32
    } {fc.test} : (i1, !fc.tile<i32, [i: 64]>) -> !fc.tile<f32, [i: 64]>
  }
}

// -----

fc.kernel @two_results(%flag: i1) params ["flag"] outputs 0 schedule <i = 64, warps = 4, stages = 1> {
  fc.program () {
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 64]>
    // expected-error @below {{is marked as a test, but is not one}}
    %x:2 = fc.map(%flag, %ii) {
    ^bb0(%f: i1, %a: i32):
      fc.yield %a, %a : i32, i32
    } {fc.test} : (i1, !fc.tile<i32, [i: 64]>) -> (!fc.tile<i32, [i: 64]>, !fc.tile<i32, [i: 64]>)
  }
}
