module {
  fc.kernel @manual(%arg0: !fc.tensor<f16, ["B", "H", "M", "64"]>, %arg1: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg2: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg3: f32, %arg4: !fc.tensor<f16, ["B", "H", "M", "64"]>) params ["q", "k", "v", "scale", "o"] outputs 1 {
    %c64_i32 = arith.constant 64 : i32
    %c0_i32 = arith.constant 0 : i32
    %0 = fc.dim "B"
    %1 = fc.dim "H"
    %2 = fc.dim "M"
    %3 = fc.dim "G"
    %4 = fc.dim "N"
    fc.program (b in %0, h in %1, tile i in %2) {
    ^bb0(%arg5: i32, %arg6: i32, %arg7: i32):
      %5 = fc.iota %arg7 : <i32, [i]>
      %6 = fc.axis %c0_i32 to %c64_i32 size 64 : <i32, [d]>
      %7 = fc.map(%5) {
      ^bb0(%arg8: i32):
        %cst = arith.constant 0xFF800000 : f32
        fc.yield %cst : f32
      } : (!fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
      %8 = fc.map(%5) {
      ^bb0(%arg8: i32):
        %cst = arith.constant 0.000000e+00 : f32
        fc.yield %cst : f32
      } : (!fc.tile<i32, [i]>) -> !fc.tile<f32, [i]>
      %9 = fc.map(%5, %6) {
      ^bb0(%arg8: i32, %arg9: i32):
        %cst = arith.constant 0.000000e+00 : f32
        fc.yield %cst : f32
      } : (!fc.tile<i32, [i]>, !fc.tile<i32, [d]>) -> !fc.tile<f32, [d, i]>
      %10 = arith.subi %4, %2 : i32
      %11 = fc.map(%5, %10) {
      ^bb0(%arg8: i32, %arg9: i32):
        %17 = arith.addi %arg8, %arg9 : i32
        fc.yield %17 : i32
      } : (!fc.tile<i32, [i]>, i32) -> !fc.tile<i32, [i]>
      %12 = fc.read %arg0[%arg5, %arg6, %5, %6] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f16, [d, i]>
      %13 = arith.divui %1, %3 : i32
      %14 = arith.divui %arg6, %13 : i32
      %15:3 = fc.fold ["j"] from (%c0_i32) to (%4) init(%8, %9, %7 : !fc.tile<f32, [i]>, !fc.tile<f32, [d, i]>, !fc.tile<f32, [i]>) {
      ^bb0(%arg8: i32, %arg9: !fc.tile<f32, [i]>, %arg10: !fc.tile<f32, [d, i]>, %arg11: !fc.tile<f32, [i]>):
        %17 = fc.iota %arg8 : <i32, [j]>
        %18 = fc.read %arg1[%arg5, %14, %17, %6] bounds(%17 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
        %19 = fc.dot over ["d"] %12, %18 : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [i, j]>
        %20 = fc.map(%17, %11, %arg3, %19) {
        ^bb0(%arg12: i32, %arg13: i32, %arg14: f32, %arg15: f32):
          %cst = arith.constant 0xFF800000 : f32
          %31 = arith.cmpi sle, %arg12, %arg13 : i32
          %32 = arith.mulf %arg14, %arg15 : f32
          %33 = arith.select %31, %32, %cst : f32
          fc.yield %33 : f32
        } : (!fc.tile<i32, [j]>, !fc.tile<i32, [i]>, f32, !fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i, j]>
        %21 = fc.reduce  max over ["j"] %20 : <f32, [i, j]> -> !fc.tile<f32, [i]>
        %22 = fc.map(%arg11, %21) {
        ^bb0(%arg12: f32, %arg13: f32):
          %31 = arith.maxnumf %arg12, %arg13 : f32
          fc.yield %31 : f32
        } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
        %23 = fc.map(%20, %22) {
        ^bb0(%arg12: f32, %arg13: f32):
          %31 = arith.subf %arg12, %arg13 : f32
          %32 = math.exp %31 : f32
          fc.yield %32 : f32
        } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
        %24 = fc.reduce  sum over ["j"] %23 : <f32, [i, j]> -> !fc.tile<f32, [i]>
        %25 = fc.map(%arg9, %arg11, %22, %24) {
        ^bb0(%arg12: f32, %arg13: f32, %arg14: f32, %arg15: f32):
          %31 = arith.subf %arg13, %arg14 : f32
          %32 = math.exp %31 : f32
          %33 = arith.mulf %arg12, %32 : f32
          %34 = arith.addf %33, %arg15 : f32
          fc.yield %34 : f32
        } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>, !fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
        %26 = fc.map(%arg11, %22) {
        ^bb0(%arg12: f32, %arg13: f32):
          %31 = arith.subf %arg12, %arg13 : f32
          %32 = math.exp %31 : f32
          fc.yield %32 : f32
        } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
        %27 = fc.map(%23) {
        ^bb0(%arg12: f32):
          %31 = arith.truncf %arg12 : f32 to f16
          fc.yield %31 : f16
        } : (!fc.tile<f32, [i, j]>) -> !fc.tile<f16, [i, j]>
        %28 = fc.read %arg2[%arg5, %14, %17, %6] bounds(%17 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
        %29 = fc.dot over ["j"] %27, %28 : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
        %30 = fc.map(%arg10, %26, %29) {
        ^bb0(%arg12: f32, %arg13: f32, %arg14: f32):
          %31 = arith.mulf %arg12, %arg13 : f32
          %32 = arith.addf %31, %arg14 : f32
          fc.yield %32 : f32
        } : (!fc.tile<f32, [d, i]>, !fc.tile<f32, [i]>, !fc.tile<f32, [d, i]>) -> !fc.tile<f32, [d, i]>
        fc.yield %25, %30, %22 : !fc.tile<f32, [i]>, !fc.tile<f32, [d, i]>, !fc.tile<f32, [i]>
      }
      %16 = fc.map(%15#1, %15#0) {
      ^bb0(%arg8: f32, %arg9: f32):
        %17 = arith.divf %arg8, %arg9 : f32
        %18 = arith.truncf %17 : f32 to f16
        fc.yield %18 : f16
      } : (!fc.tile<f32, [d, i]>, !fc.tile<f32, [i]>) -> !fc.tile<f16, [d, i]>
      fc.write %16 to %arg4[%arg5, %arg6, %5, %6] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f16, [d, i]>
    }
  }
}

