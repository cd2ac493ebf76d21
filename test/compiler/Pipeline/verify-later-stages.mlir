// RUN: split-file %s %t
// RUN: %fc-opt %t/online.mlir --verify-diagnostics --pass-pipeline='builtin.module(fc-verify-stage{stage=online})'
// RUN: %fc-opt %t/tile.mlir --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc-verify-stage{stage=tile})'
// RUN: %fc-opt %t/place.mlir --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc-verify-stage{stage=place})'
// RUN: %fc-opt %t/async.mlir --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc-verify-stage{stage=async})'
// RUN: %fc-opt %t/thread.mlir --verify-diagnostics --pass-pipeline='builtin.module(fc-verify-stage{stage=thread})'

// Each promise of the later stages broken once.

//--- online.mlir
fc.kernel @walked() params [] outputs 0 {
  %N = fc.dim "N"
  fc.program () {
    %c0 = arith.constant 0 : i32
    // expected-error @below {{axis `j` is walked, but not by a fold}}
    %jj = fc.axis %c0 to %N : !fc.tile<i32, [j]>
  }
}

//--- tile.mlir
// expected-error @below {{has no schedule}}
fc.kernel @schedule() params [] outputs 0 {
  fc.program () {
  }
}

// -----

fc.kernel @step() params [] outputs 0 schedule <warps = 4, stages = 1> {
  %N = fc.dim "N"
  fc.program () {
    %c0 = arith.constant 0 : i32
    // expected-error @below {{has no step}}
    fc.fold ["j"] from (%c0) to (%N) {
    ^bb0(%j0: i32):
      fc.yield
    }
  }
}

// -----

fc.kernel @axis() params [] outputs 0 schedule <warps = 4, stages = 1> {
  %N = fc.dim "N"
  fc.program () {
    %c0 = arith.constant 0 : i32
    // expected-error @below {{stands where sizes are known; an `fc.iota` should}}
    %dd = fc.axis %c0 to %N size 64 : !fc.tile<i32, [d: 64]>
  }
}

// -----

fc.kernel @size() params [] outputs 0 schedule <warps = 4, stages = 1> {
  fc.program () {
    %c0 = arith.constant 0 : i32
    // expected-error @below {{has no size: '!fc.tile<i32, [i]>'}}
    %ii = fc.iota %c0 : !fc.tile<i32, [i]>
  }
}

//--- place.mlir
fc.kernel @place() params [] outputs 0 schedule <warps = 4, stages = 1> {
  fc.program () {
    %c0 = arith.constant 0 : i32
    // expected-error @below {{has no place: '!fc.tile<i32, [i: 64]>'}}
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 64]>
  }
}

// -----

fc.kernel @dot() params [] outputs 0 schedule <warps = 4, stages = 1> {
  fc.program () {
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 64], #fc.place<"v i:64:1">>
    // expected-error @below {{has no instruction}}
    %x = fc.dot over ["i"] %ii, %ii : (!fc.tile<i32, [i: 64], #fc.place<"v i:64:1">>, !fc.tile<i32, [i: 64], #fc.place<"v i:64:1">>) -> i32
  }
}

//--- async.mlir
fc.kernel @fold() params [] outputs 0 {
  fc.program () {
    %c0 = arith.constant 0 : i32
    // expected-error @below {{is left; loops are scf.for}}
    fc.fold ["j"] from (%c0) to (%c0) {
    ^bb0(%j0: i32):
      fc.yield
    }
  }
}

// -----

fc.kernel @offset() params [] outputs 0 {
  fc.program () {
    // expected-error @below {{has no offset in shared memory}}
    %r = fc.ring : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1>
  }
}

// -----

fc.kernel @value(%x: !fc.tensor<f16, ["D"]>) params ["x"] outputs 0 {
  fc.program () {
    %c0 = arith.constant 0 : i32
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 64], #fc.place<"v d:64:1">>
    // expected-error @below {{is a value in shared memory; a slot should be}}
    %v = fc.read %x[%dd] : !fc.tensor<f16, ["D"]>, (!fc.tile<i32, [d: 64], #fc.place<"v d:64:1">>) -> !fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>
  }
}

//--- thread.mlir
// expected-error @below {{`fc.kernel` is left after stage `thread`, which ends with: code of one thread: only llvm and nvvm are left}}
fc.kernel @left() params [] outputs 0 {
  fc.program () {
  }
}
