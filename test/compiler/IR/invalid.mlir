// RUN: %fc-opt %s --split-input-file --verify-diagnostics

// Each message of the verifiers once.

// expected-error @below {{a tile has at least one axis; a value without axes is a plain scalar}}
fc.kernel @t(%x: !fc.tile<f32, []>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{axes are a set: written once each, in alphabetical order, but `d` follows `i`}}
fc.kernel @t(%x: !fc.tile<f32, [i, d]>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{axis `i` has size 0; it must be positive}}
fc.kernel @t(%x: !fc.tile<f32, [i: 0]>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{a tile's element is an integer or a float, not 'index'}}
fc.kernel @t(%x: !fc.tile<index, [i]>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{a tile with a place must have sizes}}
fc.kernel @t(%x: !fc.tile<f32, [i], #fc.place<"l i:8:1">>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{place "l i:8:1" holds 8 elements along `i`, but the tile has 16}}
fc.kernel @t(%x: !fc.tile<f32, [i: 16], #fc.place<"l i:8:1">>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{place "l i:8:1 j:4:1" has the axis `j`, which the tile lacks}}
fc.kernel @t(%x: !fc.tile<f32, [i: 8], #fc.place<"l i:8:1 j:4:1">>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{place "x i:8:1": a unit is `v`, `l` or `w`, followed by its digits}}
fc.kernel @t(%x: !fc.tile<f32, [i: 8], #fc.place<"x i:8:1">>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{place "l i:8": `i:8` is no digit: `axis:size:stride` or `_:size`}}
fc.kernel @t(%x: !fc.tile<f32, [i: 8], #fc.place<"l i:8">>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{place "l i:8:2": the digits of an axis must tile it once, without gaps, on at most 32 lanes}}
fc.kernel @t(%x: !fc.tile<f32, [i: 8], #fc.place<"l i:8:2">>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{a page of 48 elements does not divide `d`, which has 64}}
fc.kernel @t(%x: !fc.tile<f16, [d: 64], #fc.shared<"d", page = 48>>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{the minor axis `e` is none of the tile's}}
fc.kernel @t(%x: !fc.tile<f16, [d: 64], #fc.shared<"e", page = 64>>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{a place is #fc.place or #fc.shared, not 3 : i64}}
fc.kernel @t(%x: !fc.tile<f16, [d: 64], 3 : i64>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{a ring has at least one slot, not 0}}
fc.kernel @t(%x: !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 0>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{a slot's tile lives in shared memory, but '!fc.tile<f16, [d: 64]>' does not}}
fc.kernel @t(%x: !fc.slot<!fc.tile<f16, [d: 64]>>) params ["x"] outputs 0 { }

// -----

// expected-error @below {{schedule has 33 warps; a CTA has 1 to 32}}
fc.kernel @t() params [] outputs 0 schedule <i = 64, warps = 33, stages = 1> { }

// -----

// expected-error @below {{schedule has 0 CTAs an SM; it must be positive}}
fc.kernel @t() params [] outputs 0 schedule <i = 64, warps = 4, stages = 1, ctas = 0> { }

// -----

// expected-error @below {{schedule has 0 stages; a ring has at least one slot}}
fc.kernel @t() params [] outputs 0 schedule <i = 64, warps = 4, stages = 0> { }

// -----

// expected-error @below {{tile size of `i` is -1; it must be positive}}
fc.kernel @t() params [] outputs 0 schedule <i = -1, warps = 4, stages = 1> { }

// -----

// expected-error @below {{names 1 parameters but takes 0}}
fc.kernel @t() params ["x"] outputs 0 { }

// -----

// expected-error @below {{has 2 outputs but 1 parameters}}
fc.kernel @t(%x: f32) params ["x"] outputs 2 { }

// -----

// expected-error @below {{output "x" must be a tensor, but is 'f32'}}
fc.kernel @t(%x: f32) params ["x"] outputs 1 { }

// -----

fc.kernel @t() params [] outputs 0 {
  %M = fc.dim "M"
  // expected-error @below {{has 1 axes but its region takes 0 coordinates}}
  fc.program (b in %M) {
  }
}

// -----

fc.kernel @t() params [] outputs 0 {
  %M = fc.dim "M"
  // expected-error @below {{takes coordinates as i32, not 'i64'}}
  fc.program (b in %M) {
  ^bb0(%b: i64):
  }
}

// -----

fc.kernel @t() params [] outputs 0 {
  %M = fc.dim "M"
  // expected-error @below {{needs one extent and one `tile` flag an axis}}
  "fc.program"(%M) <{axes = ["b"], tiles = array<i1>}> ({
  ^bb0(%b: i32):
  }) : (i32) -> ()
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{gives the points of one axis, but '!fc.tile<i32, [i, j]>' has 2}}
    %z = fc.iota %c0 : !fc.tile<i32, [i, j]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{gives i32 points, not 'i64'}}
    %z = fc.axis %c0 to %M : !fc.tile<i64, [e]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{size is 0; it must be positive}}
    %z = fc.axis %c0 to %M size 0 : !fc.tile<i32, [e]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{has 1 operands but its region takes 2}}
    %z = fc.map(%v) {
    ^bb0(%a: f32, %b: f32):
      fc.yield %a : f32
    } : (!fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i, j]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{operand is '!fc.tile<f32, [i, j]>' but the region takes 'i32'}}
    %z = fc.map(%v) {
    ^bb0(%a: i32):
      fc.yield %a : i32
    } : (!fc.tile<f32, [i, j]>) -> !fc.tile<i32, [i, j]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{gives 1 results but its region yields 2}}
    %z = fc.map(%v) {
    ^bb0(%a: f32):
      fc.yield %a, %a : f32, f32
    } : (!fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i, j]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{result is '!fc.tile<f16, [i, j]>' but the region yields 'f32'}}
    %z = fc.map(%v) {
    ^bb0(%a: f32):
      fc.yield %a : f32
    } : (!fc.tile<f32, [i, j]>) -> !fc.tile<f16, [i, j]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{result '!fc.tile<f32, [i]>' must have the union of the operands' axes}}
    %z = fc.map(%v) {
    ^bb0(%a: f32):
      fc.yield %a : f32
    } : (!fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{region holds scalar operations without side effects, not `fc.iota`}}
    %z = fc.map(%ii) {
    ^bb0(%a: i32):
      %t = fc.iota %a : !fc.tile<i32, [q]>
      fc.yield %a : i32
    } : (!fc.tile<i32, [i]>) -> !fc.tile<i32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    %a = fc.iota %c0 : !fc.tile<i32, [i: 8]>
    %b = fc.iota %c0 : !fc.tile<i32, [i: 16]>
    // expected-error @below {{axis `i` has size 8 and 16 in one operation}}
    %z = fc.map(%a, %b) {
    ^bb0(%p: i32, %q: i32):
      fc.yield %p : i32
    } : (!fc.tile<i32, [i: 8]>, !fc.tile<i32, [i: 16]>) -> !fc.tile<i32, [i: 8]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    %a = fc.iota %c0 : !fc.tile<i32, [q: 8], #fc.place<"l q:8:1">>
    // expected-error @below {{results must be in one place}}
    %s, %t = fc.map(%a) {
    ^bb0(%p: i32):
      fc.yield %p, %p : i32, i32
    } : (!fc.tile<i32, [q: 8], #fc.place<"l q:8:1">>) -> (!fc.tile<i32, [q: 8], #fc.place<"l q:8:1">>, !fc.tile<i32, [q: 8], #fc.place<"v q:8:1">>)
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{over `d`, which '!fc.tile<f32, [i, j]>' lacks}}
    %z = fc.reduce max over ["d"] %v : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{names no axis}}
    %z = fc.reduce max over [] %v : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{names axis `j` twice}}
    %z = fc.reduce max over ["j", "j"] %v : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{result '!fc.tile<f32, [j]>' must have the operand's axes less the reduced ones}}
    %z = fc.reduce max over ["j"] %v : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [j]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{keeps the element type 'f32', but gives '!fc.tile<f16, [i]>'}}
    %z = fc.reduce max over ["j"] %v : !fc.tile<f32, [i, j]> -> !fc.tile<f16, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{`any` does not reduce 'f32'}}
    %z = fc.reduce any over ["j"] %v : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{needs operands of one element type, but has 'f32' and 'i32'}}
    %z = fc.dot over ["j"] %v, %jj : (!fc.tile<f32, [i, j]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{over `i`, which '!fc.tile<i32, [j]>' lacks}}
    %z = fc.dot over ["i"] %v, %jj : (!fc.tile<f32, [i, j]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [j]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{of 'f32' does not give 'f16'}}
    %z = fc.dot over ["j"] %v, %v : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>) -> !fc.tile<f16, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{result '!fc.tile<f32, [j]>' must have the operands' axes less the contracted ones}}
    %z = fc.dot over ["j"] %v, %v : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>) -> !fc.tile<f32, [j]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{adds to '!fc.tile<f32, [i, j]>' but gives '!fc.tile<f32, [i]>'}}
    %z = fc.dot over ["j"] %v, %v into %v : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>, !fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{has 1 indices, but '!fc.tensor<f32, ["M", "N"]>' has 2 dimensions}}
    %z = fc.read %x[%ii] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{moves 'f16', but the tensor's elements are 'f32'}}
    %z = fc.read %y[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) -> !fc.tile<f16, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{value must have the union of the indices' axes}}
    %z = fc.read %y[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) -> f32
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{`where` takes booleans, not '!fc.tile<i32, [i]>'}}
    %z = fc.read %y[%ii] where(%ii) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) where(!fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{bounds an index, not '!fc.tile<f32, [i, j]>'}}
    %z = fc.read %y[%ii] bounds(%v < %M) : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) bounds(!fc.tile<f32, [i, j]> < i32) -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{has 1 bounded indices but 0 limits}}
    %z = "fc.read"(%y, %ii, %ii) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>}> : (!fc.tensor<f32, ["M"]>, !fc.tile<i32, [i]>, !fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{value may only have axes of the indices}}
    fc.write %v to %y[%ii] : !fc.tensor<f32, ["M"]>, (!fc.tile<i32, [i]>) from !fc.tile<f32, [i, j]>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{walks no axis}}
    fc.fold [] from () to () {
    ^bb0:
      fc.yield
    }
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{needs one lower and one upper bound an axis}}
    fc.fold ["j"] from (%c0) to () {
    ^bb0(%j0: i32):
      fc.yield
    }
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{needs one step an axis, but has 2}}
    fc.fold ["j"] from (%c0) to (%M) step (1, 2) {
    ^bb0(%j0: i32):
      fc.yield
    }
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{body takes the start of each axis's tile and the state, 2 values, but has 1}}
    %z = fc.fold ["j"] from (%c0) to (%M) init(%c0 : i32) {
    ^bb0(%j0: i32):
      fc.yield %j0 : i32
    }
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{body argument 1 is 'i64', not 'i32'}}
    %z = fc.fold ["j"] from (%c0) to (%M) init(%c0 : i32) {
    ^bb0(%j0: i32, %s: i64):
      fc.yield %j0 : i32
    }
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{body must yield the state}}
    %z = fc.fold ["j"] from (%c0) to (%M) init(%c0 : i32) {
    ^bb0(%j0: i32, %s: i32):
      fc.yield
    }
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{gives back the state it starts with, but the types differ}}
    %z = "fc.fold"(%c0, %M, %c0) <{axes = ["j"], operandSegmentSizes = array<i32: 1, 1, 1>}> ({
    ^bb0(%j0: i32, %s: i32):
      fc.yield %s : i32
    }, {
    }, {
    }) : (i32, i32, i32) -> i64
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{combine takes two states of 1 values each but has 1 arguments}}
    %z = fc.fold ["j"] from (%c0) to (%M) init(%c0 : i32) {
    ^bb0(%j0: i32, %s: i32):
      fc.yield %s : i32
    } combine {
    ^bb0(%a: i32):
      fc.yield %a : i32
    }
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{combine argument 1 is 'i64', not 'i32'}}
    %z = fc.fold ["j"] from (%c0) to (%M) init(%c0 : i32) {
    ^bb0(%j0: i32, %s: i32):
      fc.yield %s : i32
    } combine {
    ^bb0(%a: i32, %b: i64):
      fc.yield %a : i32
    }
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    // expected-error @below {{combine must yield the state}}
    %z = fc.fold ["j"] from (%c0) to (%M) init(%c0 : i32) {
    ^bb0(%j0: i32, %s: i32):
      fc.yield %s : i32
    } combine {
    ^bb0(%a: i32, %b: i32):
      fc.yield
    }
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    %ring = fc.ring : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1>
    %slot = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1> -> !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>>
    %reg = fc.load %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> -> !fc.tile<f16, [d: 64], #fc.place<"v d:64:1">>
    // expected-error @below {{changes the place only, but}}
    %z = fc.convert %reg : !fc.tile<f16, [d: 64], #fc.place<"v d:64:1">> -> !fc.tile<f32, [d: 64], #fc.place<"v d:64:1">>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    %ring = fc.ring : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1>
    %slot = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1> -> !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>>
    %reg = fc.load %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> -> !fc.tile<f16, [d: 64], #fc.place<"v d:64:1">>
    // expected-error @below {{gives a slot of}}
    %z = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1> -> !fc.slot<!fc.tile<f32, [d: 64], #fc.shared<"d", page = 32>>>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    %ring = fc.ring : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1>
    %slot = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1> -> !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>>
    %reg = fc.load %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> -> !fc.tile<f16, [d: 64], #fc.place<"v d:64:1">>
    // expected-error @below {{gives a slot of}}
    %z = fc.wait %ring, %c0 : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1> -> !fc.slot<!fc.tile<f32, [d: 64], #fc.shared<"d", page = 32>>>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    %ring = fc.ring : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1>
    %slot = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1> -> !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>>
    %reg = fc.load %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> -> !fc.tile<f16, [d: 64], #fc.place<"v d:64:1">>
    // expected-error @below {{moves one tile, but has}}
    %z = fc.load %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> -> !fc.tile<f32, [d: 64], #fc.place<"v d:64:1">>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    %ring = fc.ring : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1>
    %slot = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1> -> !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>>
    %reg = fc.load %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> -> !fc.tile<f16, [d: 64], #fc.place<"v d:64:1">>
    // expected-error @below {{moves between registers and shared memory, but}}
    %z = fc.load %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> -> !fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f32, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f32, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f32, [i, j]>
    %ring = fc.ring : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1>
    %slot = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1> -> !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>>
    %reg = fc.load %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> -> !fc.tile<f16, [d: 64], #fc.place<"v d:64:1">>
    // expected-error @below {{moves one tile, but has}}
    fc.store %v, %slot : !fc.tile<f32, [i, j]>, !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>>
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f16, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (tile i in %M) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ii = fc.iota %i0 : !fc.tile<i32, [i]>
    %jj = fc.axis %c0 to %M : !fc.tile<i32, [j]>
    %v = fc.read %x[%ii, %jj] : !fc.tensor<f16, ["M", "N"]>, (!fc.tile<i32, [i]>, !fc.tile<i32, [j]>) -> !fc.tile<f16, [i, j]>
    %ring = fc.ring : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1>
    %slot = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1> -> !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>>
    %reg = fc.load %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> -> !fc.tile<f16, [d: 64], #fc.place<"v d:64:1">>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 64], #fc.place<"v d:64:1">>
    // expected-error @below {{goes via `plain` or `cp_async`, not `pigeon`}}
    fc.copy %x[%c0, %dd] : !fc.tensor<f16, ["M", "N"]>, (i32, !fc.tile<i32, [d: 64], #fc.place<"v d:64:1">>) -> %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> via "pigeon"
  }
}

// -----

fc.kernel @k(%x: !fc.tensor<f16, ["M", "N"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
  %N = fc.dim "N"
  fc.program (tile i in %N) {
  ^bb0(%i0: i32):
    %c0 = arith.constant 0 : i32
    %ring = fc.ring : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1>
    %slot = fc.acquire %ring, %c0 : !fc.ring<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>, 1> -> !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>>
    %dd = fc.iota %c0 : !fc.tile<i32, [d: 64], #fc.place<"v d:64:1">>
    // expected-error @below {{goes via `cp_async`, which needs 4 bytes and more that are contiguous along `d`, with no bounds or predicates along it}}
    fc.copy %x[%c0, %dd] bounds(%dd < %N) : !fc.tensor<f16, ["M", "N"]>, (i32, !fc.tile<i32, [d: 64], #fc.place<"v d:64:1">>) bounds(!fc.tile<i32, [d: 64], #fc.place<"v d:64:1">> < i32) -> %slot : !fc.slot<!fc.tile<f16, [d: 64], #fc.shared<"d", page = 64>>> via "cp_async"
  }
}

// -----

fc.kernel @k() params [] outputs 0 {
  %N = fc.dim "N"
  fc.program () {
    %c0 = arith.constant 0 : i32
    // expected-error @below {{a hop takes an `i32` and yields an `i32` and an `i1`}}
    %next = fc.hop %c0 to %N step 64 {
    ^bb0(%start: i32):
      fc.yield %start : i32
    }
  }
}

// -----

fc.kernel @k() params [] outputs 0 {
  %N = fc.dim "N"
  fc.program () {
    %c0 = arith.constant 0 : i32
    // expected-error @below {{hops, so it must walk one axis in steps}}
    %z = fc.fold ["j"] from (%c0) to (%N) init(%c0 : i32) {
    ^bb0(%j0: i32, %s: i32):
      fc.yield %s : i32
    } hop {
    ^bb0(%start: i32):
      %true = arith.constant true
      fc.yield %start, %true : i32, i1
    }
  }
}

// -----

fc.kernel @k() params [] outputs 0 {
  fc.program () {
    %c0 = arith.constant 0 : i32
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 64]>
    // expected-error @below {{finds a `min` or a `max`, not a `sum`}}
    %x = fc.extreme sum %jj : !fc.tile<i32, [j: 64]>
  }
}

// -----

fc.kernel @k() params [] outputs 0 {
  fc.program () {
    %c0 = arith.constant 0 : i32
    %jj = fc.iota %c0 : !fc.tile<i32, [j: 64]>
    %x = fc.map(%jj) {
    ^bb0(%j: i32):
      %f = arith.sitofp %j : i32 to f32
      fc.yield %f : f32
    } : (!fc.tile<i32, [j: 64]>) -> !fc.tile<f32, [j: 64]>
    // expected-error @below {{takes integers of at most 32 bits over one axis, not '!fc.tile<f32, [j: 64]>'}}
    %y = fc.extreme max %x : !fc.tile<f32, [j: 64]>
  }
}

// -----

fc.kernel @k(%y: !fc.tensor<f32, ["M"]>) params ["y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (i in %M) {
  ^bb0(%i: i32):
    %s = fc.iota %i : !fc.tile<i32, [j: 8, j.part: 2]>
    // expected-error @below {{merges 1 tiles: `combine` takes two of each and yields one, which are the results}}
    %m = fc.merge over "j.part"(%s : !fc.tile<i32, [j: 8, j.part: 2]>) {
    ^bb0(%a: !fc.tile<i32, [j: 8]>):
      fc.yield %a : !fc.tile<i32, [j: 8]>
    } -> !fc.tile<i32, [j: 8]>
  }
}

// -----

fc.kernel @k(%y: !fc.tensor<f32, ["M"]>) params ["y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (i in %M) {
  ^bb0(%i: i32):
    %s = fc.iota %i : !fc.tile<i32, [j: 8]>
    // expected-error @below {{over `j.part`, which '!fc.tile<i32, [j: 8]>' lacks}}
    %m = fc.merge over "j.part"(%s : !fc.tile<i32, [j: 8]>) {
    ^bb0(%a: !fc.tile<i32, [j: 8]>, %b: !fc.tile<i32, [j: 8]>):
      fc.yield %a : !fc.tile<i32, [j: 8]>
    } -> !fc.tile<i32, [j: 8]>
  }
}

// -----

fc.kernel @k(%y: !fc.tensor<f32, ["M"]>) params ["y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (i in %M) {
  ^bb0(%i: i32):
    %s = fc.iota %i : !fc.tile<i32, [j: 8, j.part: 2]>
    // expected-error @below {{result 'i32' must be '!fc.tile<i32, [j: 8, j.part: 2]>' without `j.part`}}
    %m = fc.merge over "j.part"(%s : !fc.tile<i32, [j: 8, j.part: 2]>) {
    ^bb0(%a: !fc.tile<i32, [j: 8]>, %b: !fc.tile<i32, [j: 8]>):
      fc.yield %a : !fc.tile<i32, [j: 8]>
    } -> i32
  }
}

// -----

fc.kernel @k(%y: !fc.tensor<f32, ["M"]>) params ["y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (i in %M) {
  ^bb0(%i: i32):
    %s = fc.iota %i : !fc.tile<i32, [j: 8, j.part: 2]>
    // expected-error @below {{combines 'i32', but gives '!fc.tile<i32, [j: 8]>'}}
    %m = fc.merge over "j.part"(%s : !fc.tile<i32, [j: 8, j.part: 2]>) {
    ^bb0(%a: !fc.tile<i32, [j: 8]>, %b: i32):
      fc.yield %a : !fc.tile<i32, [j: 8]>
    } -> !fc.tile<i32, [j: 8]>
  }
}

// -----

fc.kernel @k(%y: !fc.tensor<f32, ["M"]>) params ["y"] outputs 1 {
  %M = fc.dim "M"
  fc.program (i in %M) {
  ^bb0(%i: i32):
    // expected-error @below {{gives the points of one axis, but '!fc.tile<i32, [i.part: 2, j: 8]>' has 2}}
    %s = fc.iota %i : !fc.tile<i32, [i.part: 2, j: 8]>
  }
}

// -----

// expected-error @below {{schedule splits a walk into 3 parts; they share 4 warps evenly}}
fc.kernel @k() params [] outputs 0 schedule <j = 64, warps = 4, stages = 1, split j = 3> {
}
