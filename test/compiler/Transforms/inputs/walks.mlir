// Three walks: two derived, one by hand.
fc.kernel @walks() params [] outputs 0 {
  %N = fc.dim "N"
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  fc.program (tile i in %N) {
  ^bb0(%i0: i32):
    %s = fc.fold ["j"] from (%c0) to (%N) init(%zero : f32) {
    ^bb0(%j0: i32, %a: f32):
      fc.yield %a : f32
    } combine {
    ^bb0(%a: f32, %b: f32):
      fc.yield %a : f32
    }
    %t = fc.fold ["m"] from (%c0) to (%N) init(%zero : f32) {
    ^bb0(%m0: i32, %a: f32):
      fc.yield %a : f32
    } combine {
    ^bb0(%a: f32, %b: f32):
      fc.yield %a : f32
    }
    %u = fc.fold ["k"] from (%c0) to (%N) init(%zero : f32) {
    ^bb0(%k0: i32, %a: f32):
      fc.yield %a : f32
    }
  }
}
