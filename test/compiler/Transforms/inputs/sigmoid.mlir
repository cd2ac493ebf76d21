module {
  fc.kernel @sigmoid_attention(%arg0: !fc.tensor<f16, ["B", "H", "M", "64"]>, %arg1: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg2: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg3: f32, %arg4: !fc.tensor<f16, ["B", "H", "M", "64"]>) params ["q", "k", "v", "scale", "o"] outputs 1 {
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
      %6 = fc.axis %c0_i32 to %4 : <i32, [j]>
      %7 = fc.axis %c0_i32 to %c64_i32 size 64 : <i32, [d]>
      %8 = arith.subi %4, %2 : i32
      %9 = fc.map(%5, %8) {
      ^bb0(%arg8: i32, %arg9: i32):
        %21 = arith.addi %arg8, %arg9 : i32
        fc.yield %21 : i32
      } : (!fc.tile<i32, [i]>, i32) -> !fc.tile<i32, [i]>
      %10 = fc.read %arg0[%arg5, %arg6, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f16, [d, i]>
      %11 = arith.divui %1, %3 : i32
      %12 = arith.divui %arg6, %11 : i32
      %13 = fc.read %arg1[%arg5, %12, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %14 = fc.dot over ["d"] %10, %13 : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [i, j]>
      %15 = arith.sitofp %4 : i32 to f32
      %16 = math.log %15 : f32
      %17 = fc.map(%6, %9, %arg3, %14, %16) {
      ^bb0(%arg8: i32, %arg9: i32, %arg10: f32, %arg11: f32, %arg12: f32):
        %cst = arith.constant 1.000000e+00 : f32
        %cst_0 = arith.constant 0xFF800000 : f32
        %21 = arith.cmpi sle, %arg8, %arg9 : i32
        %22 = arith.mulf %arg10, %arg11 : f32
        %23 = arith.subf %22, %arg12 : f32
        %24 = arith.select %21, %23, %cst_0 : f32
        %25 = arith.negf %24 : f32
        %26 = math.exp %25 : f32
        %27 = arith.addf %26, %cst : f32
        %28 = arith.divf %cst, %27 fastmath<nnan> : f32
        %29 = arith.truncf %28 : f32 to f16
        fc.yield %29 : f16
      } : (!fc.tile<i32, [j]>, !fc.tile<i32, [i]>, f32, !fc.tile<f32, [i, j]>, f32) -> !fc.tile<f16, [i, j]>
      %18 = fc.read %arg2[%arg5, %12, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %19 = fc.dot over ["j"] %17, %18 : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %20 = fc.map(%19) {
      ^bb0(%arg8: f32):
        %21 = arith.truncf %arg8 : f32 to f16
        fc.yield %21 : f16
      } : (!fc.tile<f32, [d, i]>) -> !fc.tile<f16, [d, i]>
      fc.write %20 to %arg4[%arg5, %arg6, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f16, [d, i]>
    }
  }
}

