module {
  fc.kernel @off_by_one(%arg0: !fc.tensor<f16, ["B", "H", "M", "64"]>, %arg1: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg2: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg3: f32, %arg4: !fc.tensor<f16, ["B", "H", "M", "64"]>) params ["q", "k", "v", "scale", "o"] outputs 1 {
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
      %8 = fc.read %arg0[%arg5, %arg6, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f16, [d, i]>
      %9 = arith.divui %1, %3 : i32
      %10 = arith.divui %arg6, %9 : i32
      %11 = fc.read %arg1[%arg5, %10, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %12 = fc.dot over ["d"] %8, %11 : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [i, j]>
      %13 = fc.map(%arg3, %12) {
      ^bb0(%arg8: f32, %arg9: f32):
        %23 = arith.mulf %arg8, %arg9 : f32
        fc.yield %23 : f32
      } : (f32, !fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i, j]>
      %14 = fc.reduce  max over ["j"] %13 : <f32, [i, j]> -> !fc.tile<f32, [i]>
      %15 = fc.map(%14) {
      ^bb0(%arg8: f32):
        %cst = arith.constant 0.000000e+00 : f32
        %23 = arith.maxnumf %arg8, %cst : f32
        fc.yield %23 : f32
      } : (!fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
      %16 = fc.map(%13, %15) {
      ^bb0(%arg8: f32, %arg9: f32):
        %23 = arith.subf %arg8, %arg9 fastmath<nnan> : f32
        %24 = math.exp %23 : f32
        fc.yield %24 : f32
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
      %17 = fc.reduce  sum over ["j"] %16 : <f32, [i, j]> -> !fc.tile<f32, [i]>
      %18 = fc.map(%17, %15) {
      ^bb0(%arg8: f32, %arg9: f32):
        %23 = arith.negf %arg9 : f32
        %24 = math.exp %23 : f32
        %25 = arith.addf %arg8, %24 : f32
        fc.yield %25 : f32
      } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
      %19 = fc.map(%16, %18) {
      ^bb0(%arg8: f32, %arg9: f32):
        %23 = arith.divf %arg8, %arg9 : f32
        %24 = arith.truncf %23 : f32 to f16
        fc.yield %24 : f16
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f16, [i, j]>
      %20 = fc.read %arg2[%arg5, %10, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %21 = fc.dot over ["j"] %19, %20 : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %22 = fc.map(%21) {
      ^bb0(%arg8: f32):
        %23 = arith.truncf %arg8 : f32 to f16
        fc.yield %23 : f16
      } : (!fc.tile<f32, [d, i]>) -> !fc.tile<f16, [d, i]>
      fc.write %22 to %arg4[%arg5, %arg6, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f16, [d, i]>
    }
  }
}

