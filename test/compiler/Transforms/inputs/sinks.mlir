module {
  fc.kernel @sinks(%arg0: !fc.tensor<f16, ["B", "H", "M", "64"]>, %arg1: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg2: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg3: !fc.tensor<f32, ["H"]>, %arg4: f32, %arg5: !fc.tensor<f16, ["B", "H", "M", "64"]>) params ["q", "k", "v", "sink", "scale", "o"] outputs 1 {
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
        %26 = arith.addi %arg9, %arg10 : i32
        fc.yield %26 : i32
      } : (!fc.tile<i32, [i]>, i32) -> !fc.tile<i32, [i]>
      %10 = fc.read %arg0[%arg6, %arg7, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f16, [d, i]>
      %11 = arith.divui %1, %3 : i32
      %12 = arith.divui %arg7, %11 : i32
      %13 = fc.read %arg1[%arg6, %12, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %14 = fc.dot over ["d"] %10, %13 : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [i, j]>
      %15 = fc.map(%6, %9, %arg4, %14) {
      ^bb0(%arg9: i32, %arg10: i32, %arg11: f32, %arg12: f32):
        %cst = arith.constant 0xFF800000 : f32
        %26 = arith.cmpi sle, %arg9, %arg10 : i32
        %27 = arith.mulf %arg11, %arg12 : f32
        %28 = arith.select %26, %27, %cst : f32
        fc.yield %28 : f32
      } : (!fc.tile<i32, [j]>, !fc.tile<i32, [i]>, f32, !fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i, j]>
      %16 = fc.reduce  max over ["j"] %15 : <f32, [i, j]> -> !fc.tile<f32, [i]>
      %17 = fc.read %arg3[%arg7] : !fc.tensor<f32, ["H"]>, (i32) -> f32
      %18 = fc.map(%16, %17) {
      ^bb0(%arg9: f32, %arg10: f32):
        %26 = arith.maxnumf %arg9, %arg10 : f32
        fc.yield %26 : f32
      } : (!fc.tile<f32, [i]>, f32) -> !fc.tile<f32, [i]>
      %19 = fc.map(%15, %18) {
      ^bb0(%arg9: f32, %arg10: f32):
        %26 = arith.subf %arg9, %arg10 : f32
        %27 = math.exp %26 : f32
        fc.yield %27 : f32
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
      %20 = fc.reduce  sum over ["j"] %19 : <f32, [i, j]> -> !fc.tile<f32, [i]>
      %21 = fc.map(%20, %17, %18) {
      ^bb0(%arg9: f32, %arg10: f32, %arg11: f32):
        %26 = arith.subf %arg10, %arg11 : f32
        %27 = math.exp %26 : f32
        %28 = arith.addf %arg9, %27 : f32
        fc.yield %28 : f32
      } : (!fc.tile<f32, [i]>, f32, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
      %22 = fc.map(%19, %21) {
      ^bb0(%arg9: f32, %arg10: f32):
        %26 = arith.divf %arg9, %arg10 : f32
        %27 = arith.truncf %26 : f32 to f16
        fc.yield %27 : f16
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f16, [i, j]>
      %23 = fc.read %arg2[%arg6, %12, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %24 = fc.dot over ["j"] %22, %23 : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %25 = fc.map(%24) {
      ^bb0(%arg9: f32):
        %26 = arith.truncf %arg9 : f32 to f16
        fc.yield %26 : f16
      } : (!fc.tile<f32, [d, i]>) -> !fc.tile<f16, [d, i]>
      fc.write %25 to %arg5[%arg6, %arg7, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f16, [d, i]>
    }
  }
}

