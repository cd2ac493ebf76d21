module {
  fc.kernel @sliding_window(%arg0: !fc.tensor<f16, ["B", "H", "M", "64"]>, %arg1: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg2: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg3: i64, %arg4: i64, %arg5: f32, %arg6: !fc.tensor<f16, ["B", "H", "M", "64"]>) params ["q", "k", "v", "left", "right", "scale", "o"] outputs 1 {
    %c64_i32 = arith.constant 64 : i32
    %c0_i32 = arith.constant 0 : i32
    %0 = fc.dim "B"
    %1 = fc.dim "H"
    %2 = fc.dim "M"
    %3 = fc.dim "G"
    %4 = fc.dim "N"
    fc.program (b in %0, h in %1, tile i in %2) {
    ^bb0(%arg7: i32, %arg8: i32, %arg9: i32):
      %5 = fc.iota %arg9 : <i32, [i]>
      %6 = fc.axis %c0_i32 to %4 : <i32, [j]>
      %7 = fc.axis %c0_i32 to %c64_i32 size 64 : <i32, [d]>
      %8 = arith.subi %4, %2 : i32
      %9 = fc.map(%5, %8) {
      ^bb0(%arg10: i32, %arg11: i32):
        %31 = arith.addi %arg10, %arg11 : i32
        fc.yield %31 : i32
      } : (!fc.tile<i32, [i]>, i32) -> !fc.tile<i32, [i]>
      %10 = fc.map(%9, %arg3) {
      ^bb0(%arg10: i32, %arg11: i64):
        %31 = arith.extsi %arg10 : i32 to i64
        %32 = arith.subi %31, %arg11 : i64
        fc.yield %32 : i64
      } : (!fc.tile<i32, [i]>, i64) -> !fc.tile<i64, [i]>
      %11 = fc.map(%9, %arg4) {
      ^bb0(%arg10: i32, %arg11: i64):
        %31 = arith.extsi %arg10 : i32 to i64
        %32 = arith.addi %31, %arg11 : i64
        fc.yield %32 : i64
      } : (!fc.tile<i32, [i]>, i64) -> !fc.tile<i64, [i]>
      %12 = fc.read %arg0[%arg7, %arg8, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) -> !fc.tile<f16, [d, i]>
      %13 = arith.divui %1, %3 : i32
      %14 = arith.divui %arg8, %13 : i32
      %15 = fc.read %arg1[%arg7, %14, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %16 = fc.dot over ["d"] %12, %15 : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [i, j]>
      %17 = fc.map(%10) {
      ^bb0(%arg10: i64):
        %c-1_i64 = arith.constant -1 : i64
        %31 = arith.maxsi %arg10, %c-1_i64 : i64
        fc.yield %31 : i64
      } : (!fc.tile<i64, [i]>) -> !fc.tile<i64, [i]>
      %18 = fc.map(%17) {
      ^bb0(%arg10: i64):
        %c1073741823_i64 = arith.constant 1073741823 : i64
        %31 = arith.minsi %arg10, %c1073741823_i64 : i64
        fc.yield %31 : i64
      } : (!fc.tile<i64, [i]>) -> !fc.tile<i64, [i]>
      %19 = fc.map(%18) {
      ^bb0(%arg10: i64):
        %31 = arith.trunci %arg10 : i64 to i32
        fc.yield %31 : i32
      } : (!fc.tile<i64, [i]>) -> !fc.tile<i32, [i]>
      %20 = fc.map(%11) {
      ^bb0(%arg10: i64):
        %c-1_i64 = arith.constant -1 : i64
        %31 = arith.maxsi %arg10, %c-1_i64 : i64
        fc.yield %31 : i64
      } : (!fc.tile<i64, [i]>) -> !fc.tile<i64, [i]>
      %21 = fc.map(%20) {
      ^bb0(%arg10: i64):
        %c1073741823_i64 = arith.constant 1073741823 : i64
        %31 = arith.minsi %arg10, %c1073741823_i64 : i64
        fc.yield %31 : i64
      } : (!fc.tile<i64, [i]>) -> !fc.tile<i64, [i]>
      %22 = fc.map(%21) {
      ^bb0(%arg10: i64):
        %31 = arith.trunci %arg10 : i64 to i32
        fc.yield %31 : i32
      } : (!fc.tile<i64, [i]>) -> !fc.tile<i32, [i]>
      %23 = fc.map(%6, %arg5, %16, %19, %22) {
      ^bb0(%arg10: i32, %arg11: f32, %arg12: f32, %arg13: i32, %arg14: i32):
        %cst = arith.constant 0xFF800000 : f32
        %31 = arith.cmpi sle, %arg13, %arg10 : i32
        %32 = arith.cmpi sle, %arg10, %arg14 : i32
        %33 = arith.andi %31, %32 : i1
        %34 = arith.mulf %arg11, %arg12 : f32
        %35 = arith.select %33, %34, %cst : f32
        fc.yield %35 : f32
      } : (!fc.tile<i32, [j]>, f32, !fc.tile<f32, [i, j]>, !fc.tile<i32, [i]>, !fc.tile<i32, [i]>) -> !fc.tile<f32, [i, j]>
      %24 = fc.reduce  max over ["j"] %23 : <f32, [i, j]> -> !fc.tile<f32, [i]>
      %25 = fc.map(%23, %24) {
      ^bb0(%arg10: f32, %arg11: f32):
        %31 = arith.subf %arg10, %arg11 : f32
        %32 = math.exp %31 : f32
        fc.yield %32 : f32
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
      %26 = fc.reduce  sum over ["j"] %25 : <f32, [i, j]> -> !fc.tile<f32, [i]>
      %27 = fc.map(%25, %26) {
      ^bb0(%arg10: f32, %arg11: f32):
        %31 = arith.divf %arg10, %arg11 : f32
        %32 = arith.truncf %31 : f32 to f16
        fc.yield %32 : f16
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f16, [i, j]>
      %28 = fc.read %arg2[%arg7, %14, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %29 = fc.dot over ["j"] %27, %28 : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %30 = fc.map(%29) {
      ^bb0(%arg10: f32):
        %31 = arith.truncf %arg10 : f32 to f16
        fc.yield %31 : f16
      } : (!fc.tile<f32, [d, i]>) -> !fc.tile<f16, [d, i]>
      fc.write %30 to %arg6[%arg7, %arg8, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f16, [d, i]>
    }
  }
}

