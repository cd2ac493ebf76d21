module {
  fc.kernel @causal(%arg0: !fc.tensor<f16, ["B", "H", "M", "64"]>, %arg1: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg2: !fc.tensor<f16, ["B", "G", "N", "64"]>, %arg3: f32, %arg4: !fc.tensor<f16, ["B", "H", "M", "64"]>, %arg5: !fc.tensor<f32, ["B", "H", "M"]>) params ["q", "k", "v", "scale", "o", "lse"] outputs 2 {
    %0 = fc.dim "B"
    %1 = fc.dim "H"
    %2 = fc.dim "M"
    %3 = fc.dim "G"
    %4 = fc.dim "N"
    fc.program (b in %0, h in %1, tile i in %2) {
    ^bb0(%arg6: i32, %arg7: i32, %arg8: i32):
      %5 = fc.iota %arg8 : <i32, [i]>
      %c0_i32 = arith.constant 0 : i32
      %6 = fc.axis %c0_i32 to %4 : <i32, [j]>
      %c0_i32_0 = arith.constant 0 : i32
      %c64_i32 = arith.constant 64 : i32
      %7 = fc.axis %c0_i32_0 to %c64_i32 size 64 : <i32, [d]>
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
      %15 = fc.map(%6, %9, %arg3, %14) {
      ^bb0(%arg9: i32, %arg10: i32, %arg11: f32, %arg12: f32):
        %24 = arith.cmpi sle, %arg9, %arg10 : i32
        %25 = arith.mulf %arg11, %arg12 : f32
        %cst = arith.constant 0xFF800000 : f32
        %26 = arith.select %24, %25, %cst : f32
        fc.yield %26 : f32
      } : (!fc.tile<i32, [j]>, !fc.tile<i32, [i]>, f32, !fc.tile<f32, [i, j]>) -> !fc.tile<f32, [i, j]>
      %16 = fc.reduce  max over ["j"] %15 : <f32, [i, j]> -> !fc.tile<f32, [i]>
      %17 = fc.map(%15, %16) {
      ^bb0(%arg9: f32, %arg10: f32):
        %24 = arith.subf %arg9, %arg10 : f32
        %25 = math.exp %24 : f32
        fc.yield %25 : f32
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
      %18 = fc.reduce  sum over ["j"] %17 : <f32, [i, j]> -> !fc.tile<f32, [i]>
      %19 = fc.map(%17, %18) {
      ^bb0(%arg9: f32, %arg10: f32):
        %24 = arith.divf %arg9, %arg10 : f32
        %25 = arith.truncf %24 : f32 to f16
        fc.yield %25 : f16
      } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f16, [i, j]>
      %20 = fc.read %arg2[%arg6, %12, %6, %7] bounds(%6 < %4) : !fc.tensor<f16, ["B", "G", "N", "64"]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [j]> < i32) -> !fc.tile<f16, [d, j]>
      %21 = fc.dot over ["j"] %19, %20 : (!fc.tile<f16, [i, j]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [d, i]>
      %22 = fc.map(%21) {
      ^bb0(%arg9: f32):
        %24 = arith.truncf %arg9 : f32 to f16
        fc.yield %24 : f16
      } : (!fc.tile<f32, [d, i]>) -> !fc.tile<f16, [d, i]>
      fc.write %22 to %arg4[%arg6, %arg7, %5, %7] bounds(%5 < %2) : !fc.tensor<f16, ["B", "H", "M", "64"]>, (i32, i32, !fc.tile<i32, [i]>, !fc.tile<i32, [d]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f16, [d, i]>
      %23 = fc.map(%16, %18) {
      ^bb0(%arg9: f32, %arg10: f32):
        %24 = math.log %arg10 : f32
        %25 = arith.addf %arg9, %24 : f32
        fc.yield %25 : f32
      } : (!fc.tile<f32, [i]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i]>
      fc.write %23 to %arg5[%arg6, %arg7, %5] bounds(%5 < %2) : !fc.tensor<f32, ["B", "H", "M"]>, (i32, i32, !fc.tile<i32, [i]>) bounds(!fc.tile<i32, [i]> < i32) from !fc.tile<f32, [i]>
    }
  }
}

{-#
  external_resources: {
    mlir_reproducer: {
      pipeline: "builtin.module(canonicalize{  max-iterations=10 max-num-rewrites=-1 region-simplify=normal test-convergence=false top-down=true}, cse, fc-verify-stage{stage=import}, fc.kernel(fc-fuse-online-softmax), canonicalize{  max-iterations=10 max-num-rewrites=-1 region-simplify=normal test-convergence=false top-down=true}, cse, fc.kernel(fc-drop-excluded), fc-verify-stage{stage=online}, fc-add-variants{  strategy=pipelined target=sm_80}, fc.kernel(fc-choose-schedule{ strategy=pipelined target=sm_80},fc-tile), canonicalize{  max-iterations=10 max-num-rewrites=-1 region-simplify=normal test-convergence=false top-down=true}, cse, fc-verify-stage{stage=tile}, fc.kernel(fc-plan-mask{warn-unsafe-rows=false}), cse, fc-verify-stage{stage=mask}, fc.kernel(fc-split-walks,fc-map-wmma,fc-fold-exp2,fc-assign-places,fc-defer-sums), fc-verify-stage{stage=place}, fc.kernel(fc-stage-copies{copies=cp_async},fc-allocate-shared{target=sm_80}), fc-verify-stage{stage=async})",
      disable_threading: true,
      verify_each: true
    }
  }
#-}
