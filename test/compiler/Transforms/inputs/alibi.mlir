module {
  fc.kernel @alibi(%arg0: !fc.tensor<f16, ["B", "H", "M", "64"]>, %arg1: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg2: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg3: !fc.tensor<f32, ["H"]>, %arg4: f32, %arg5: !fc.tensor<f16, ["B", "H", "M", "64"]>) params ["q", "k", "v", "slope", "scale", "o"] outputs 1 {
    %c64_i32 = arith.constant 64 : i32
    %c0_i32 = arith.constant 0 : i32
    %0 = fc.dim "B"
    %1 = fc.dim "H"
    %2 = fc.dim "M"
    %3 = fc.dim "G"
    %4 = fc.dim "N"
    fc.program (b in %0, h in %1, tile i in %2) {
    ^bb0(%arg6: i32, %arg7: i32, %arg8: i32):
      %5 = fc.iota %arg8 : <i32, [i]>
      %6 = fc.axis %c0_i32 to %4 : <i32, [j]>
      %7 = fc.axis %c0_i32 to %c64_i32 size 64 : <i32, [d]>
      %8 = arith.subi %4, %2 : i32
      %9 = fc.map(%5, %8) {
      ^bb0(%arg9: i32, %arg10: i32):
        %24 = arith.addi %arg9, %arg10 : i32
        fc.yield %24 : i32
      } : (!fc.tile<i32, [i]>, i32) -> !fc.tile<i32, [i]>
      %10 = fc.read %arg0[%arg6, %arg7, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f16, [d, i]>
      %11 = arith.divui %1, %3 : i32
      %12 = arith.divui %arg7, %11 : i32
      %13 = fc.read %arg1[%arg6, %12, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %14 = fc.dot over ["d"] %10, %13 : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [i, j]>
      %15 = fc.read %arg3[%arg7] : !fc.tensor<f32, ["H"]>, (i32) -> f32
      %16 = fc.map(%6, %9, %arg4, %14, %15) {
      ^bb0(%arg9: i32, %arg10: i32, %arg11: f32, %arg12: f32, %arg13: f32):
        %cst = arith.constant 0xFF800000 : f32
        %24 = arith.cmpi sle, %arg9, %arg10 : i32
        %25 = arith.mulf %arg11, %arg12 : f32
        %26 = arith.subi %arg9, %arg10 : i32
        %27 = arith.sitofp %26 : i32 to f32
        %28 = arith.mulf %arg13, %27 : f32
        %29 = arith.addf %25, %28 : f32
        %30 = arith.select %24, %29, %cst : f32
        fc.yield %30 : f32
      } : (!fc.tile<i32, [j]>, !fc.tile<i32, [i]>, f32, !fc.tile<f32, [i, j]>, f32) -> !fc.tile<f32, [i, j]>
      %17 = fc.reduce  max over ["j"] %16 : <f32, [i, j]> -> !fc.tile<f32, [i]>
      %18 = fc.map(%16, %17) {
      ^bb0(%arg9: f32, %arg10: f32):
        %24 = arith.subf %arg9, %arg10 : f32
        %25 = math.exp %24 : f32
        fc.yield %25 : f32
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
      %19 = fc.reduce  sum over ["j"] %18 : <f32, [i, j]> -> !fc.tile<f32, [i]>
      %20 = fc.map(%18, %19) {
      ^bb0(%arg9: f32, %arg10: f32):
        %24 = arith.divf %arg9, %arg10 : f32
        %25 = arith.truncf %24 : f32 to f16
        fc.yield %25 : f16
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f16, [i, j]>
      %21 = fc.read %arg2[%arg6, %12, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %22 = fc.dot over ["j"] %20, %21 : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %23 = fc.map(%22) {
      ^bb0(%arg9: f32):
        %24 = arith.truncf %arg9 : f32 to f16
        fc.yield %24 : f16
      } : (!fc.tile<f32, [d, i]>) -> !fc.tile<f16, [d, i]>
      fc.write %23 to %arg5[%arg6, %arg7, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f16, [d, i]>
    }
  }
}

