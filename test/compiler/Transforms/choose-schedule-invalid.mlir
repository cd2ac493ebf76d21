// RUN: %fc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{target=sm_89}))'
// RUN: not %fc-opt %s --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{target=sm_75}))' 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not %fc-opt %s --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{strategy=fast}))' 2>&1 | FileCheck %s --check-prefix=STRATEGY
// RUN: not %fc-opt %s --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{schedule=i64}))' 2>&1 | FileCheck %s --check-prefix=ITEM
// RUN: not %fc-opt %s --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{schedule=stages=2}))' 2>&1 | FileCheck %s --check-prefix=STAGES
// RUN: not %fc-opt %S/inputs/walks.mlir --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{schedule=split:k=2}))' 2>&1 | FileCheck %s --check-prefix=BY-HAND
// RUN: not %fc-opt %S/inputs/walks.mlir --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{schedule=split:i=2}))' 2>&1 | FileCheck %s --check-prefix=NO-WALK
// RUN: not %fc-opt %S/inputs/walks.mlir --pass-pipeline='builtin.module(fc.kernel(fc-choose-schedule{schedule=split:j=2,split:m=2}))' 2>&1 | FileCheck %s --check-prefix=TWO
// BY-HAND: schedule splits the walk over `k`, but it is written by hand, so the order of its turns matters
// NO-WALK: schedule splits the walk over `i`, but nothing walks it
// TWO: schedule splits `j` and `m`; one walk can be split
// TARGET: target `sm_75` is unknown; it must be one of sm_80, sm_86, sm_89, sm_90, sm_90a, sm_100a, sm_120a
// STRATEGY: strategy `fast` is unknown; it must be `scalar`, `tensor`, `pipelined` or `auto`
// STAGES: schedule asks for 2 stages; this strategy copies when it needs the data, in 1
// ITEM: `i64` is no schedule item; write `axis=size`, `warps=n`, `stages=n`, `ctas=n` or `split:axis=n`

// expected-error @below {{schedule names `k`, which is no axis of `unknown`; it has `i`, `warps`, `stages` and `ctas`}}
fc.kernel @unknown() params [] outputs 0 attributes {fc.schedule_items = {k = 32}} {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

// expected-error @below {{schedule asks for tiles of 12 along `i`; a tile size is 1, 2, 4 or a multiple of 8}}
fc.kernel @size() params [] outputs 0 attributes {fc.schedule_items = {i = 12}} {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

// expected-error @below {{schedule asks for tiles of 0 along `i`; a tile size is 1, 2, 4 or a multiple of 8}}
fc.kernel @empty() params [] outputs 0 attributes {fc.schedule_items = {i = 0}} {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

// expected-error @below {{schedule asks for tiles of 32 along `i`, but the grid says `by 64`}}
fc.kernel @by() params [] outputs 0 attributes {fc.by = {i = 64}, fc.schedule_items = {i = 32}} {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

// expected-error @below {{schedule asks for 25 CTAs on an SM; sm_89 has room for 1 to 24}}
fc.kernel @ctas() params [] outputs 0 attributes {fc.schedule_items = {ctas = 25}} {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

// expected-error @below {{schedule <i = 64, warps = 16, ctas = 4> does not fit sm_89: a CTA takes 0 bytes of shared memory and 16 warps, and an SM has 102400 and 48}}
fc.kernel @together() params [] outputs 0 attributes {fc.schedule_items = {i = 64, warps = 16, ctas = 4}} {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

// The text is held to the same rules as the command line.

// expected-error @below {{schedule asks for 5 stages; a ring has 1 to 4 slots}}
fc.kernel @stages() params [] outputs 0 attributes {fc.schedule_items = {stages = 5}} {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

// expected-error @below {{schedule asks for 33 warps; a CTA has 1 to 32}}
fc.kernel @warps() params [] outputs 0 attributes {fc.schedule_items = {warps = 33}} {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
  }
}

// -----

// expected-error @below {{schedule asks for a tile size of `d`, but the kernel fixes it at 64}}
fc.kernel @held() params [] outputs 0 attributes {fc.schedule_items = {d = 32}} {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %dd = fc.axis %i0 to %M size 64 : !fc.tile<i32, [d]>
  }
}

// -----

// expected-error @below {{schedule <i = 512, warps = 4> does not fit sm_89: the operands of products take 131072 bytes of shared memory, the largest 65536 (`q`, f16 over [d: 64, i: 512]), and a CTA has 101376}}
fc.kernel @shared(%q: !fc.tensor<f16, ["M", "64"]>, %k: !fc.tensor<f16, ["M", "64"]>, %o: !fc.tensor<f32, ["M"]>) params ["q", "k", "o"] outputs 1 attributes {fc.schedule_items = {i = 512}} {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %c64 = arith.constant 64 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %dd = fc.axis %c0 to %c64 size 64 : !fc.tile<i32, [d]>
    %qt = fc.read %q[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f16, [d, i]>
    %kt = fc.read %k[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f16, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f16, [d, i]>
    %x = fc.dot over ["d"] %qt, %kt : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, i]>) -> !fc.tile<f32, [i]>
    fc.write %x to %o[%ii] bounds(%ii < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
  }
}

// -----

// A value over three axes is the largest item, whatever the tile.

// expected-error @below {{even with the smallest tiles along `i`: schedule <i = 8, warps = 16> does not fit sm_89: its tiles take 512 registers a thread at once, the largest 512 (a value, f32 over [d: 64, i: 8, t: 512]), and there are 88 beside addresses and counters}}
fc.kernel @registers(%a: !fc.tensor<f32, ["M", "64"]>, %b: !fc.tensor<f32, ["M", "64"]>, %o: !fc.tensor<f32, ["M", "64"]>) params ["a", "b", "o"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %c64 = arith.constant 64 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %dd = fc.axis %c0 to %c64 size 64 : !fc.tile<i32, [d]>
    %c512 = arith.constant 512 : i32
    %tt = fc.axis %c0 to %c512 size 512 : !fc.tile<i32, [t]>
    %x = fc.map(%ii, %dd, %tt) {
    ^bb0(%i: i32, %d: i32, %t: i32):
      %s = arith.addi %i, %d : i32
      %r = arith.muli %s, %t : i32
      %f = arith.sitofp %r : i32 to f32
      fc.yield %f : f32
    } : (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>, !fc.tile<i32, [t]>) -> !fc.tile<f32, [d, i, t]>
    %y = fc.reduce max over ["t"] %x : !fc.tile<f32, [d, i, t]> -> !fc.tile<f32, [d, i]>
    fc.write %y to %o[%ii, %dd] bounds(%ii < %M) : !fc.tensor<f32, ["M", "64"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [d, i]>
  }
}

// -----

// expected-error @below {{schedule splits tiles of 24 along `j` into 2 parts; a part has 1, 2, 4 or a multiple of 8 points}}
fc.kernel @split_tiles() params [] outputs 0 attributes {fc.schedule_items = {j = 24, "split:j" = 2}} {
  %N = fc.dim "N"
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  fc.program (tile i in %N) {
  ^bb0(%i0: i32):
    %s, %t = fc.fold ["j"] from (%c0) to (%N) init(%zero, %zero : f32, f32) {
    ^bb0(%j0: i32, %a: f32, %b: f32):
      fc.yield %a, %b : f32, f32
    } combine {
    ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
      fc.yield %a, %b : f32, f32
    }
    %u = fc.fold ["k"] from (%c0) to (%N) init(%zero : f32) {
    ^bb0(%k0: i32, %a: f32):
      fc.yield %a : f32
    }
  }
}

// -----

// expected-error @below {{schedule splits `j` into 2 parts, which cannot share 3 warps evenly}}
fc.kernel @split_warps() params [] outputs 0 attributes {fc.schedule_items = {warps = 3, "split:j" = 2}} {
  %N = fc.dim "N"
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  fc.program (tile i in %N) {
  ^bb0(%i0: i32):
    %s, %t = fc.fold ["j"] from (%c0) to (%N) init(%zero, %zero : f32, f32) {
    ^bb0(%j0: i32, %a: f32, %b: f32):
      fc.yield %a, %b : f32, f32
    } combine {
    ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
      fc.yield %a, %b : f32, f32
    }
    %u = fc.fold ["k"] from (%c0) to (%N) init(%zero : f32) {
    ^bb0(%k0: i32, %a: f32):
      fc.yield %a : f32
    }
  }
}

// -----

// expected-error @below {{schedule splits `j` into 64 parts; each takes a warp or more, and a CTA has 1 to 32}}
fc.kernel @split_parts() params [] outputs 0 attributes {fc.schedule_items = {"split:j" = 64}} {
  %N = fc.dim "N"
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  fc.program (tile i in %N) {
  ^bb0(%i0: i32):
    %s, %t = fc.fold ["j"] from (%c0) to (%N) init(%zero, %zero : f32, f32) {
    ^bb0(%j0: i32, %a: f32, %b: f32):
      fc.yield %a, %b : f32, f32
    } combine {
    ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
      fc.yield %a, %b : f32, f32
    }
    %u = fc.fold ["k"] from (%c0) to (%N) init(%zero : f32) {
    ^bb0(%k0: i32, %a: f32):
      fc.yield %a : f32
    }
  }
}
