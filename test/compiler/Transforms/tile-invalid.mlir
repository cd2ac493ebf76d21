// RUN: %fc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc.kernel(fc-tile))'

// expected-error @below {{has no schedule; fc-choose-schedule comes before fc-tile}}
fc.kernel @unscheduled() params [] outputs 0 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

// expected-error @below {{has a schedule without a size for axis `i`}}
fc.kernel @other_axis() params [] outputs 0 schedule <j = 8, warps = 4, stages = 1> {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

fc.kernel @two_sizes() params [] outputs 0 schedule <warps = 4, stages = 1> {
  %M = fc.dim "M"
  fc.program (b in %M) {
  ^bb0(%b: i32):
    %d1 = fc.axis %b to %M size 32 : !fc.tile<i32, [d]>
    // expected-error @below {{axis `d` has tiles of 32 and of 64; all tiles of an axis in a kernel have one size}}
    %d2 = fc.axis %b to %M size 64 : !fc.tile<i32, [d]>
  }
}

// -----

fc.kernel @nobodys_axis() params [] outputs 0 schedule <warps = 4, stages = 1> {
  %M = fc.dim "M"
  fc.program (b in %M) {
  ^bb0(%b: i32):
    // expected-error @below {{axis `x` has no tile size: it is neither held, nor walked, nor a tile axis of the grid}}
    %x = fc.iota %b : !fc.tile<i32, [x]>
  }
}
