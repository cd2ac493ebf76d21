//===-- Passes.td - the passes of the compiler ------------------*- tablegen -*-===//
//
// In the order of the pipeline (compiler/Pipeline.cpp). Each description says what comes in and goes out,
// what the pass relies on and what it refuses; its first example is the first case of the test it names.
//
//===----------------------------------------------------------------------===//
#ifndef FC_PASSES_TD
#define FC_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseOnlineSoftmax : Pass<"fc-fuse-online-softmax", "::fc::KernelOp"> {
  let summary = "derive the online form of every chain of reductions over a walked axis";
  let description = [{
    Puts every reduction and store over a walked axis (`fc.axis` without a size) into an `fc.fold` over it. A
    reduction whose terms depend on an earlier reduction over the same axis becomes part of one carried state
    with that reduction, corrected when the earlier one moves: softmax in every spelling, sinks, log-sum-exp,
    variances, the gradient of softmax. Nothing is recognised by name; what is accepted is every sum of terms

        coef * F(r) * G(x) * prod (x + y(r))^n * exp(X(x) + Y(r)) * conditions on x

    over values x along the axis and earlier results r. What depends on r alone leaves the sum and is applied
    after the walk; the rest is accumulated at a running anchor, and moving the anchor is linear in the
    accumulators. The same corrections give the fold's `combine`. Maxima start at kFloor, so that neither body
    nor merge holds a guard; behind the fold, what saw no point is -inf.

    The kernel's attribute `fc.walks = {j = 2}` allows that many walks over an axis; the default is one. Walks over
    an axis inside a hand-written loop, or after it, are folds of their own.

    Relies on: canonical, deduplicated input. Refuses: a dependence that does not factor out, unless another walk
    is allowed (`OnlineNotDerivable`, with the dependence and what would work). Numerics: sums are reassociated.
    The first example is the first case of `test/compiler/Transforms/fuse-online-softmax.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def AccumulateDots : Pass<"fc-accumulate-dots", "::fc::KernelOp"> {
  let summary = "add products to a carried state where they are made";
  let description = [{
    In: a kernel whose walks are folds. Out: the same; where the next value of a fold's state is a sum with a product that
    nothing else reads, the product accumulates upon the rest (`fc.dot .. into`), as loops by hand do not say it.
    Sums round in another order, as a longer walk's do. Refuses nothing.

    Test: `test/compiler/Transforms/accumulate-dots.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def DropExcluded : Pass<"fc-drop-excluded", "::fc::KernelOp"> {
  let summary = "keep points that a mask excludes from a product away from its other operand";
  let description = [{
    In: a kernel whose walks are folds. Out: the same; where an operand of a product is 0 because a test over the
    contracted axes alone fails (`j < len[b]`), the other operand is read under that test (`where`), or
    selected by it, so that a NaN there does not reach the result (language S2). The tests are found by
    constant folding (`compiler/Transforms/TailValues.h`). Refuses nothing.

    Test: `test/compiler/Transforms/drop-excluded.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def AddVariants : Pass<"fc-add-variants", "::mlir::ModuleOp"> {
  let summary = "give a kernel several forms, each for launches of one kind";
  let description = [{
    In: kernels at the end of `online`. Out: a kernel with products by tensor cores is replaced by up to three, each with its schedule: `K$wide` with the tiles that an SM works through fastest,
    `K$small` with at most half the rows for launches whose grid would leave SMs idle, and, where copies are by
    cp.async, `K`, called `plain`, which asks nothing of addresses and strides (`fc.aligned` lists the parameters that the other
    two take to be multiples of 16 bytes). `fc.condition` and `fc.requires` are expressions of the manifest
    (docs/manifest.md): when the form is the best, and without which it is wrong. Where a schedule is asked for there is one size of tiles,
    `K$aligned` and `K`. With the shape of a launch as a hint the form that it takes gets the tiles that end it first. Other
    kernels stay as they are.

    Refuses what fc-choose-schedule refuses of a request. Test: `test/compiler/Transforms/add-variants.mlir`.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"", "the target, such as sm_80">,
    Option<"strategy", "strategy", "std::string", "\"pipelined\"", "the rung: scalar, ...">,
    ListOption<"items", "schedule", "std::string", "forced choices: `i=64`, `warps=4`, `stages=1`">,
    ListOption<"shape", "shape", "std::string", "all dimensions of a launch, as a hint: `B=1`, `M=512`">
  ];
}

def ChooseSchedule : Pass<"fc-choose-schedule", "::fc::KernelOp"> {
  let summary = "choose tile sizes, warps and ring slots for a target, or check those asked for";
  let description = [{
    In: a kernel at the end of `online`. Out: its `schedule`, if it has none yet, and what is expected of it (`fc.estimate`:
    registers a thread, bytes of shared memory, CTAs an SM). What is asked for holds: by items of the option, which win,
    or by the kernel's own statement (`fc.schedule_items`, left by import).

    Of what is open, the search (`compiler/Target/ScheduleSearch.h`) tries tiles of 128, 64, 32 and 16 with 16 or 32 rows a
    warp where products are by tensor cores, and takes what fits and the resource model finds fastest. Otherwise, or if none
    of those fits, it takes the largest of 64, 32, 16, 8 (a walked axis down to 1) with which the kernel fits, on four
    warps, fewer for few rows, 8 or 16 where four have too few registers. It fits when the operands of products fit the
    target's shared memory and the tiles that live at once its registers (`compiler/Target/ResourceModel.h`). Held axes and
    folds with a step have their sizes already.

    Refused: an unknown target, strategy or axis; a size other than 1, 2, 4 or a multiple of 8; what does not
    fit, with the item that takes most. Test: `test/compiler/Transforms/choose-schedule.mlir`.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"", "the target, such as sm_80">,
    Option<"strategy", "strategy", "std::string", "\"scalar\"", "the rung: scalar, ...">,
    ListOption<"items", "schedule", "std::string", "forced choices: `i=64`, `warps=4`, `stages=1`">
  ];
}

def Tile : Pass<"fc-tile", "::fc::KernelOp"> {
  let summary = "give every axis its tile size, so that a program works on one tile";
  let description = [{
    In: a kernel with a schedule. Out: sizes on all types, steps on all folds, `fc.axis` turned into `fc.iota`. A
    held axis takes whole groups of lanes (a power of two up to 8, then multiples of 8).

    Where the end of an axis may lie inside a tile, the points past it are not seen: reads and writes over
    the axis get that bound, and what a reduction or product takes there becomes what adds nothing to it
    (-inf, +inf, 0, false, true), by a map with one test `point < end` over the axis alone. What is right
    without a mask (a bounded read under a sum; exp of a masked score) gets none.

    Refused: an axis with two sizes. Test: `test/compiler/Transforms/tile.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def PlanMask : Pass<"fc-plan-mask", "::fc::KernelOp"> {
  let summary = "walk only the tiles that may hold a key, and test only those that may hold an excluded point";
  let description = [{
    In: sized tiles. For each `fc.fold` the predicate is read off its body: at which points some reduction over
    the walked axis takes anything but its identity (`compiler/Analysis/FoldMask.h`). A three-valued evaluation
    over the tile (`compiler/Analysis/MaskPlan.h`) gives a condition of launch values and the tile's start without
    which the tile is empty. That, solved for the walked axis, becomes the fold's bounds: still multiples of
    the step from the old `lo`. The selects that exclude points become maps marked `fc.test`: the first operand, a
    uniform `i1`, says whether the tile may hold an excluded point, and where not the second is the result.
    That is a hint: the region gives the right result in either case.

    Where the condition leaves gaps or does not solve, the fold gets a `hop`: it leads over the gaps, and evaluates the
    rest of the condition for each tile. Elements that the text says are sorted give bounds by search (`fc.hop`,
    monotone) in front of the fold. Where every row is proved to see a key, the tests at a softmax's end that only a row
    without one needs are dropped; where not, `warn-unsafe-rows` says so.

    Left alone: folds over several axes, folds that write, and folds for which it cannot be proved that
    a tile without keys leaves the state as it is (hand-written loops, mostly). 64-bit launch values are trusted
    while they are within 2^40; beyond, every tile is walked and tested.

    Test: `test/compiler/Transforms/plan-mask.mlir`, `plan-mask-hop.test`, `plan-mask-rows.test`.
  }];
  let options = [Option<"warnUnsafeRows", "warn-unsafe-rows", "bool", /*default=*/"false",
                        "warn where a row may see no key">];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SplitWalks : Pass<"fc-split-walks", "::fc::KernelOp"> {
  let summary = "cut the tiles of a walk into parts, one for each share of the warps";
  let description = [{
    In: a kernel with a schedule whose folds have their final bounds and masks. Out: the same; with `split j = n` in
    the schedule, every fold over `j` carries one state a part: in its body the axis `j` has a n-th of its size, and what is
    computed from it has the axis `j.part` of n points, too. Behind the fold, an `fc.merge` over the parts applies
    the fold's own `combine`. All parts walk the same tiles, so copies and barriers stay what they are; a part
    in which no point is seen leaves the identity.

    Left whole, with a remark: a hand-written fold (no `combine`), one over several axes, one that writes or holds
    another loop. Test: `test/compiler/Transforms/split-walks.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def MapWmma : Pass<"fc-map-wmma", "::fc::KernelOp"> {
  let summary = "choose which products are by tensor cores";
  let description = [{
    In: sized tiles. Out: `by "mma.m16n8k16"` on every product that the instruction can do, with the operand
    that has the result's row (`compiler/IR/PlaceRules.h`) as A, which gives the rows. That takes operands of f16 or bf16 over two
    axes each, one of them contracted; rows in multiples of 16, columns and contracted points in multiples of 8 (a
    last half step is `mma.m16n8k8`). Every other product is `by "fma"`, with a remark that says why.

    Test: `test/compiler/Transforms/map-wmma.mlir`.
  }];
}

def MultiplyReciprocals : Pass<"fc-multiply-reciprocals", "::fc::KernelOp"> {
  let summary = "what many elements are divided by is inverted once";
  let description = [{
    In: maps. Out: a quotient `x / r` of f32 is `x * (1 / r)` where r is a number or the same for all points of the map's
    tile; the reciprocal of the latter is finite unless r is NaN, so that 0 / 0 stays 0. With `rows` the same is done where r varies
    over fewer axes than x: without more where it cannot be 0 (`nnan`), else with a map marked `fc.rare`
    (`compiler/IR/TestMap.h`) for rows below 2^-126 or above 2^126: x (1 / (r s)) s with a power of two s, and what 0 asks for. With `rows` all other
    quotients get the flag `arcp`: two units of the last place are allowed.

    Left alone: quotients that are rounded to integers or compared; f16, bf16 and f64. Why, and what that costs:
    `docs/decisions/division.md`. Test: `test/compiler/Transforms/multiply-reciprocals.mlir`.
  }];
  let options = [
    Option<"rows", "rows", "bool", "false",
           "also what is shared by rows: after fc-fuse-online-softmax, which reads quotients">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def FoldExp2 : Pass<"fc-fold-exp2", "::fc::KernelOp"> {
  let summary = "one FMA and one ex2 for each exponential of a score";
  let description = [{
    In: sized tiles, products with their instructions. Out: in every fold, `exp(y - r)` of a tile y and a row r is
    `exp2(fma(y, log2 e, -r log2 e))`. Where y is a positive scalar times x, through selects against -inf, and only
    exponentials, maxima and minima use y, the scalar goes into the FMA too, and maxima are taken of x and scaled once a
    row. A scalar known at launch gives its sign to the operand of the product x that the loop leaves unchanged.

    A map marked `fc.rare` (`compiler/IR/TestMap.h`) takes the form of the text again in rows whose |r| is above 1024,
    where the rounding of `r log2 e` shows: finite masks such as -1e30, huge scales.

    Left alone: differences with the guard of S1 (no `nnan`), exponentials over a row's axes alone. Test:
    `test/compiler/Transforms/fold-exp2.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def AssignPlaces : Pass<"fc-assign-places", "::fc::KernelOp"> {
  let summary = "decide where every tile lives: which thread's registers, or shared memory";
  let description = [{
    In: sized tiles. Out: a place on every tile, and `by "fma"` on every product without an instruction. Such a product reads both
    operands from shared memory: a read that only products use lies there from the start, any other operand by an
    `fc.convert` behind its definition. A product by `mma` reads B from there, and A from registers if it is computed,
    or if a loop leaves it unchanged and registers can hold it. All other tiles are in registers, by the one rule of
    `compiler/IR/PlaceRules.h`. What is wanted in a second place is made or read again, or converted. A 16-bit fragment that is
    written behind the loops is converted so that lanes store 16 bytes each, neighbours side by side.

    Test: `test/compiler/Transforms/assign-places.mlir`.
  }];
}

def DeferSums : Pass<"fc-defer-sums", "::fc::KernelOp"> {
  let summary = "reduce a carried sum across lanes once, after the loop";
  let description = [{
    In: placed tiles. Out: a member of a fold's state that starts at 0 and is a sum of terms linear in itself (times rows)
    and of sums reduced in the body is carried apart in each lane: its type gains an axis for the lanes that the
    reduced axis lies on (`fc.reduce sum over ["j"] %e into "jq"`), and one `fc.reduce` over that axis
    follows the fold. Nothing else may use the state in the body. The `combine` of a fold that changes goes away: what merges
    states has used it before.

    Test: `test/compiler/Transforms/defer-sums.mlir`.
  }];
}

def StageCopies : Pass<"fc-stage-copies", "::fc::KernelOp"> {
  let summary = "turn folds into loops and shared tiles into rings that copies fill";
  let description = [{
    In: placed tiles. Out: every fold is an `scf.for` (a nest, first axis outermost; the loop of an empty range turns
    zero times), and no value lies in shared memory: each such tile is a slot of an `fc.ring` at the program's top.
    The producer acquires the slot of a turn, fills it (`fc.copy via "plain"`, or `fc.store` from registers) and
    publishes it; the consumers wait, use it and release it behind the last use. A copy stands before the first use
    of its tile, not where the read stood. Reads in loops get as many slots as the schedule's `stages`, all else one.
    A turn's number counts the turns of its loop from 0, wherever the range starts. Conversions between
    registers that exchange elements across threads go through a slot too.

    `copies=cp_async`: where a turn of a loop reads two tiles or more, the copy of each is begun while the one before is
    used, that of the first while the last of the turn before is (in front of the loop for the first turn, and not past its end).
    Indices are made anew for the turn they are for; a read whose indices depend on the state is copied where it is used.
    With `stages` of n > 1 a loop that is in no other has n slots for each tile: the copies of the turn n - 1 later begin
    behind its first product (`compiler/IR/Turns.h` has the marks: the loop's body stands n times, so that slots are
    constants; copies of a turn are a group).

    Relies on: what uses a tile in shared memory is a product, or a conversion to registers (it becomes `fc.load`).
    Refuses any other use, by its operation. Tests: `test/compiler/Transforms/stage-copies.mlir`, `...-invalid.mlir`.
  }];
  let options = [
    Option<"copies", "copies", "std::string", "\"plain\"", "how tiles get from global to shared memory: plain, or cp_async, which runs ahead">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def AllocateShared : Pass<"fc-allocate-shared", "::fc::KernelOp"> {
  let summary = "give every ring its place in shared memory and fence conflicting accesses";
  let description = [{
    In: rings without offsets. Out: each `fc.ring` has its offset, aligned as its layout's swizzle asks; each
    `fc.reduce` that crosses warps has room for their partial results (attribute `fc.exchange`, a byte offset); the
    kernel has `fc.shared_bytes`; and a `gpu.barrier` stands before each access that conflicts with one since
    the last barrier (overlapping bytes, one of them a write), across the back edges of loops too.

    Buffers share bytes only where their lives are apart; inside a loop only if the kernel does not fit
    otherwise, since that costs barriers. Refuses a kernel that does not fit the target, naming its three largest buffers.
    Tests: `test/compiler/Transforms/allocate-shared.mlir`, `...-invalid.mlir`.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"", "whose shared memory limit holds">
  ];
}

def LowerToThreads : Pass<"fc-lower-to-threads", "::mlir::ModuleOp"> {
  let summary = "rewrite tiles as the scalars of one thread";
  let description = [{
    In: loops, rings with offsets, tiles in registers. Out: one `llvm.func` an entry, with the attributes that
    `compiler/README.md` names, over one external array in dynamic shared memory (`fc_shared`).

    A tile becomes as many scalars as its place has values. Of the threads that hold one element, one writes it.
    Elements past a bound are 0 and are not touched. Index tiles and predicates of copies are computed anew for the
    lanes that copy. Slots are addressed through their swizzle, in vectors of up to 16 bytes. Tensors are accessed
    in vectors where base and strides prove aligned in a uniform test at run time. Products are loops
    of FMAs. Reductions go through the thread's values, then butterflies, then shared memory if warps hold parts. The
    language's own arithmetic (S1, T3) is expanded here (`Threads/Arith.cpp`).

    Refuses operations that have no code for one thread, by name, and values that a copy would need from
    other threads. Tests: `test/compiler/Transforms/lower-to-threads*.mlir`, and `test/compiler/Threads/`, which runs
    what comes out on the emulator.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def VerifyStage : Pass<"fc-verify-stage"> {
  let summary = "check that a stage left what it promises";
  let description = [{
    Rejects any operation of a dialect that the stage does not leave (`compiler/Stages.def`), and what the
    stage's own check finds. Test: `test/compiler/Pipeline/verify-stage.mlir`.
  }];
  let options = [Option<"stage", "stage", "std::string", "", "the stage that has ended">];
}

#endif
