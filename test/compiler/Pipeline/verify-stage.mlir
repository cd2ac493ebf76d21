// RUN: %fc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc-verify-stage{stage=import})'
// RUN: not %fc-opt %s --split-input-file --pass-pipeline='builtin.module(fc-verify-stage{stage=tyle})' 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: error: no stage is called `tyle`

// Each promise of the `import` stage broken once.

fc.kernel @loop() params [] outputs 0 {
  fc.program () {
    %c0 = arith.constant 0 : i32
    // expected-error @below {{`scf.for` is left after stage `import`, which ends with: one fc.kernel over named axes, no sizes; every read has its bounds}}
    scf.for %i = %c0 to %c0 step %c0 : i32 {
    }
  }
}

// -----

fc.kernel @sized() params [] outputs 0 {
  fc.program () {
    %c0 = arith.constant 0 : i32
    // expected-error @below {{has the size of a tile before one is chosen: '!fc.tile<i32, [i: 64]>'}}
    %ii = fc.iota %c0 : !fc.tile<i32, [i: 64]>
  }
}
