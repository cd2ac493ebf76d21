//===-- FcOps.td - the operations of the fc dialect -------------*- tablegen -*-===//
//
// By the stage that introduces them: values and memory (import), the fold (online), conversions (place),
// rings and slots (async).
//
//===----------------------------------------------------------------------===//
#ifndef FC_OPS_TD
#define FC_OPS_TD

include "compiler/IR/FcDialect.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Fc_Op<string opMnemonic, list<Trait> traits = []> : Op<Fc_Dialect, opMnemonic, traits>;

def Fc_Index : AnyTypeOf<[I32, I64, Fc_Tile], "an integer scalar or index tile">;
def Fc_Predicate : AnyTypeOf<[I1, Fc_Tile], "a boolean scalar or tile">;
def Fc_Operand : AnyTypeOf<[Fc_Tile, Fc_Slot], "a tile, or a slot that is read in place">;

//===-- The kernel -------------------------------------------------------------===//

def Fc_KernelOp : Fc_Op<"kernel", [IsolatedFromAbove, Symbol, NoTerminator, SingleBlock]> {
  let summary = "an entry of the PTX: parameters, what is known at launch, one program";
  let description = [{
    The block's arguments are the parameters in launch order, outputs last; `params` names them. The body
    computes what the grid needs from dimensions and scalars, then holds one `fc.program`.

    ```mlir
    fc.kernel @scale(%x: !fc.tensor<f32, ["M"]>, %y: !fc.tensor<f32, ["M"]>) params ["x", "y"] outputs 1 {
      %M = fc.dim "M"
      fc.program (tile i in %M) {
      ^bb0(%i0: i32):
        ...
      }
    }
    ```
    After the `tile` stage the attribute `schedule` says how the kernel is cut. What the text assumes stands in
    `fc.ranges` (of a parameter: its least and greatest value) and `fc.sorted` (tensors that never fall along
    their last dimension).
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrArrayAttr:$params, I64Attr:$outputs,
                       OptionalAttr<Fc_ScheduleAttr>:$schedule);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The one program of the kernel.
    ::fc::ProgramOp program();
    /// Threads of a CTA; a schedule must be there.
    int64_t threads() { return getSchedule()->getWarps() * 32; }
  }];
}

def Fc_ProgramOp : Fc_Op<"program", [NoTerminator, SingleBlock]> {
  let summary = "the work of one CTA, over grid coordinates";
  let description = [{
    One coordinate a grid axis, an `i32`: of a point axis the point's offset in 0 .. extent, of a `tile`
    axis the offset of the tile's first element (a multiple of the tile size once one is chosen). Axes are in
    the order of the text; extents are known at launch.
  }];
  let arguments = (ins Variadic<I32>:$extents, StrArrayAttr:$axes, DenseBoolArrayAttr:$tiles);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Fc_DimOp : Fc_Op<"dim", [Pure]> {
  let summary = "a dimension's value at launch";
  let description = [{`%M = fc.dim "M"`. Dimensions are below 2^30, checked at every launch.}];
  let arguments = (ins StrAttr:$name);
  let results = (outs I32:$value);
  let assemblyFormat = "$name attr-dict";
}

//===-- Values over axes -------------------------------------------------------===//

def Fc_AxisOp : Fc_Op<"axis", [Pure]> {
  let summary = "the points of an axis of the program: lo <= x < hi";
  let description = [{
    Until the `online` stage, which puts walked axes into folds, and the `tile` stage, which makes `fc.iota`
    of the others. `size`, when there, is a compile-time bound of hi - lo: such an axis is *held* whole;
    one without is *walked*.

    `%jj = fc.axis %lo to %N : <i32, [j]>`
  }];
  let arguments = (ins I32:$lo, I32:$hi, OptionalAttr<I64Attr>:$size);
  let results = (outs Fc_Tile:$out);
  let assemblyFormat = "$lo `to` $hi (`size` $size^)? attr-dict `:` type($out)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::StringRef axis() { return getOut().getType().getAxes()[0].getValue(); }
  }];
}

def Fc_IotaOp : Fc_Op<"iota", [Pure]> {
  let summary = "base + position along the one axis";
  let description = [{
    Of an axis that is cut into parts, the points of all parts: base + position along the axis + part * size of
    the axis, such as `%jj = fc.iota %j0 : <i32, [j: 64, j.part: 2]>`.
  }];
  let arguments = (ins I32:$base);
  let results = (outs Fc_Tile:$out);
  let assemblyFormat = "$base attr-dict `:` type($out)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::StringRef axis() { return getOut().getType().getAxes()[0].getValue(); }
  }];
}

def Fc_MapOp : Fc_Op<"map", [Pure, IsolatedFromAbove,
                             SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "a scalar region applied at every point of its operands' axes";
  let description = [{
    Operands are tiles or scalars; they broadcast by axis name. The region takes their elements and yields one
    scalar a result; every result has the union of the operands' axes, in one place. Only `arith` and
    `math` operations without side effects stand in the region; nothing is captured.

    ```mlir
    %p = fc.map(%s, %m) {
    ^bb0(%x: f32, %y: f32):
      %d = arith.subf %x, %y : f32
      %e = math.exp %d : f32
      fc.yield %e : f32
    } : (!fc.tile<f32, [i, j]>, !fc.tile<f32, [i]>) -> !fc.tile<f32, [i, j]>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$ins);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<Fc_Tile>:$outs);
  let assemblyFormat = "`(` $ins `)` $body attr-dict `:` functional-type($ins, $outs)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let hasFolder = 0;
  let extraClassDeclaration = [{
    ::mlir::Block *block() { return &getBody().front(); }
    ::fc::YieldOp yield();
  }];
}

def Fc_ReduceOp : Fc_Op<"reduce", [Pure]> {
  let summary = "a tile reduced over axes";
  let description = [{
    `%m = fc.reduce max over ["j"] %s : !fc.tile<f32, [i, j]> -> !fc.tile<f32, [i]>`. Over nothing: the
    kind's identity. `max` and `min` of floats ignore NaN as PTX does.

    `into` names a new axis: what is left of the reduced one where only the values of each thread are added. The lanes
    that hold parts of one result are its points.
    `%l = fc.reduce sum over ["j"] %e into "jq" : <f32, [i: 64, j: 64], ...> -> !fc.tile<f32, [i: 64, jq: 4], ...>`
  }];
  let arguments = (ins Fc_ReduceKindAttr:$kind, StrArrayAttr:$axes, Fc_Tile:$in, OptionalAttr<StrAttr>:$into);
  let results = (outs AnyType:$out);
  let assemblyFormat = "$kind `over` $axes $in (`into` $into^)? attr-dict `:` type($in) `->` type($out)";
  let builders = [OpBuilder<(ins "::mlir::Type":$out, "::fc::ReduceKind":$kind, "::mlir::ArrayAttr":$axes,
                                 "::mlir::Value":$in),
                            [{ build($_builder, $_state, out, kind, axes, in, ::mlir::StringAttr()); }]>];
  let hasVerifier = 1;
}

def Fc_ExtremeOp : Fc_Op<"extreme", [Pure]> {
  let summary = "the least or greatest integer of a tile over one axis, the same in every thread";
  let description = [{
    What a plan asks of ids: each warp finds it on its own, so there is no barrier. The elements are computed anew
    where they are taken, from points, maps and reads. Elements from `count` on do not count; if none counts, it is
    the first. `sorted`: elements never fall along the axis, so that one of them says it.

    `%low = fc.extreme min %ids of %count : !fc.tile<i32, [j: 64]>`
  }];
  let arguments = (ins Fc_ReduceKindAttr:$kind, Fc_Tile:$in, Optional<I32>:$count, UnitAttr:$sorted);
  let results = (outs I32:$out);
  let assemblyFormat = "$kind $in (`of` $count^)? (`sorted` $sorted^)? attr-dict `:` type($in)";
  let hasVerifier = 1;
}

def Fc_DotOp : Fc_Op<"dot", [AlwaysSpeculatable, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the sum of products over axes, added to an accumulator";
  let description = [{
    Axes of the result: the union of the operands' axes less the contracted ones. Floats give f32, integers
    i64 (i32 where the range allows). From the `place` stage on `by` names the instruction: `fma`, ...; an
    `fma` dot reads both operands from shared memory.

    `%s = fc.dot over ["d"] %q, %k : (!fc.tile<f16, [d, i]>, !fc.tile<f16, [d, j]>) -> !fc.tile<f32, [i, j]>`
  }];
  let arguments = (ins StrArrayAttr:$axes, Fc_Operand:$a, Fc_Operand:$b, Optional<AnyType>:$acc,
                       OptionalAttr<StrAttr>:$by);
  let results = (outs AnyType:$out);
  let assemblyFormat = [{
    `over` $axes $a `,` $b (`into` $acc^)? (`by` $by^)? attr-dict `:` functional-type(operands, $out)
  }];
  let hasVerifier = 1;
}

//===-- Global memory ----------------------------------------------------------===//

def Fc_ReadOp : Fc_Op<"read", [AttrSizedOperandSegments, Pure]> {
  let summary = "a gather from a tensor";
  let description = [{
    One index a dimension, each a scalar or an index tile; the result's axes are the union of theirs and of
    `where`'s. An element is read only where each `bounds` index is below its limit and each `where` predicate
    holds; elsewhere it is 0 and memory is not touched. Tensors that a kernel reads do not change while it runs,
    so reads are pure.

    ```mlir
    %k = fc.read %kt[%b, %g, %jj, %dd] bounds(%jj < %N) :
        !fc.tensor<f16, [...]>, (i32, i32, !fc.tile<i32, [j]>, !fc.tile<i32, [d]>), (!fc.tile<i32, [j]>)
        -> !fc.tile<f16, [d, j]>
    ```
  }];
  let arguments = (ins Fc_Tensor:$tensor, Variadic<Fc_Index>:$indices, Variadic<Fc_Index>:$bounded,
                       Variadic<AnyTypeOf<[I32, I64]>>:$limits, Variadic<Fc_Predicate>:$where);
  let results = (outs AnyType:$out);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Fc_WriteOp : Fc_Op<"write", [AttrSizedOperandSegments]> {
  let summary = "a scatter to an output";
  let description = [{
    The same outwards: the value at each point of the indices' axes, where the bounds and predicates hold.
    Its element type is the tensor's. Each element of a tensor is written once in a launch.
  }];
  let arguments = (ins AnyType:$value, Arg<Fc_Tensor, "", [MemWrite]>:$tensor, Variadic<Fc_Index>:$indices,
                       Variadic<Fc_Index>:$bounded, Variadic<AnyTypeOf<[I32, I64]>>:$limits,
                       Variadic<Fc_Predicate>:$where);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

//===-- The fold ---------------------------------------------------------------===//

def Fc_FoldOp : Fc_Op<"fold", [RecursiveMemoryEffects, AttrSizedOperandSegments]> {
  let summary = "a state carried over a walk along an axis";
  let description = [{
    Walks `axes` from lo to hi, a tile at a time (`step` elements once chosen; a hand-written `for c in` has step 1 from
    the start). `body` takes the start of each axis's tile (i32), then the state, and yields the new state.
    `combine` takes two states and merges them; it is there when the fold was derived (the state is then a
    monoid with identity `init`), and empty when the order of the walk matters (a hand-written loop). What
    follows the walk is ordinary data flow after the fold. A walk without a state writes from its body.

    `hop` is there when tiles are skipped (`fc-plan-mask`): of a tile's start it yields the start of a tile, that one
    or a later, and whether that tile is walked; tiles in between are not. They leave the state as it is, so
    leaving `hop` out is right, too.

    ```mlir
    %m, %l = fc.fold ["j"] from (%c0) to (%N) init(%floor, %zero : !fc.tile<f32, [i]>, !fc.tile<f32, [i]>) {
    ^bb0(%j0: i32, %m0: !fc.tile<f32, [i]>, %l0: !fc.tile<f32, [i]>):
      ...
      fc.yield %m1, %l1 : ...
    } combine {
    ^bb0(%ma: ..., %la: ..., %mb: ..., %lb: ...):
      ...
      fc.yield %mc, %lc : ...
    }
    ```
  }];
  let arguments = (ins StrArrayAttr:$axes, Variadic<I32>:$lo, Variadic<I32>:$hi, Variadic<AnyType>:$init,
                       OptionalAttr<DenseI64ArrayAttr>:$step);
  let regions = (region SizedRegion<1>:$body, MaxSizedRegion<1>:$combine, MaxSizedRegion<1>:$hop);
  let results = (outs Variadic<AnyType>:$results);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The state as the body takes it.
    ::mlir::Block::BlockArgListType state() {
      return getBody().getArguments().drop_front(getAxes().size());
    }
    ::fc::YieldOp yield();
    bool derived() { return !getCombine().empty(); }
  }];
}

def Fc_HopOp : Fc_Op<"hop", [RecursivelySpeculatable, RecursiveMemoryEffects]> {
  let summary = "the start of the next tile that is walked";
  let description = [{
    A fold's `hop` as a search: from `from` on, a step at a time or as far as the region says, until a start is not
    below `to` or the region's flag is true. `monotone`: the region yields its argument, and where its flag is true it
    stays so for later starts; then halves are searched, not steps.

    ```mlir
    %next = fc.hop %from to %hi step 64 {
    ^bb0(%start: i32):
      ...
      fc.yield %later, %walked : i32, i1
    }
    ```
  }];
  let arguments = (ins I32:$from, I32:$to, I64Attr:$step, UnitAttr:$monotone);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs I32:$start);
  let assemblyFormat = "$from `to` $to `step` $step (`monotone` $monotone^)? attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

def Fc_MergeOp : Fc_Op<"merge", [RecursiveMemoryEffects]> {
  let summary = "states reduced over an axis by what combines two";
  let description = [{
    `combine` takes two states without the axis and gives their merger, as that of the `fc.fold` that carried
    them; it is applied in the order of the axis. After the `place` stage the axis is on warps, which exchange
    their states through shared memory; of a result each then holds its share, or all of it.

    ```mlir
    %m, %l = fc.merge over "j.part"(%ms, %ls : !fc.tile<f32, [i, j.part]>, !fc.tile<f32, [i, j.part]>) {
    ^bb0(%ma: !fc.tile<f32, [i]>, %la: ..., %mb: ..., %lb: ...):
      ...
      fc.yield %mc, %lc : ...
    } -> !fc.tile<f32, [i]>, !fc.tile<f32, [i]>
    ```
  }];
  let arguments = (ins StrAttr:$axis, Variadic<Fc_Tile>:$states);
  let regions = (region SizedRegion<1>:$combine);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = [{
    `over` $axis `(` $states `:` type($states) `)` $combine attr-dict `->` type($results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::fc::YieldOp yield();
  }];
}

def Fc_YieldOp : Fc_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "what a region gives back";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ (void)$_state; }]>];
}

//===-- Places -----------------------------------------------------------------===//

def Fc_ConvertOp : Fc_Op<"convert", [Pure]> {
  let summary = "the same tile in another place";
  let description = [{
    Between registers and registers, or registers and shared memory.
    `%1 = fc.convert %0 : !fc.tile<f16, [i: 64, j: 64], #fc.place<...>> -> !fc.tile<f16, [i: 64, j: 64], #fc.shared<"j", page = 64>>`
  }];
  let arguments = (ins Fc_Tile:$in);
  let results = (outs Fc_Tile:$out);
  let assemblyFormat = "$in attr-dict `:` type($in) `->` type($out)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===-- Rings ------------------------------------------------------------------===//

def Fc_RingOp : Fc_Op<"ring", []> {
  let summary = "allocates a ring in shared memory";
  let description = [{
    `offset` (bytes) is set by `fc-allocate-shared`. Slot of turn n: n mod slots.
    `%K = fc.ring : !fc.ring<!fc.tile<f16, [d: 64, j: 64], #fc.shared<"d", page = 64>>, 1>`
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$offset);
  let results = (outs Fc_Ring:$ring);
  let assemblyFormat = "(`at` $offset^)? attr-dict `:` type($ring)";
}

class Fc_SlotGetOp<string opMnemonic> : Fc_Op<opMnemonic, []> {
  let arguments = (ins Fc_Ring:$ring, I32:$turn);
  let results = (outs Fc_Slot:$slot);
  let assemblyFormat = "$ring `,` $turn attr-dict `:` type($ring) `->` type($slot)";
  let hasVerifier = 1;
}
class Fc_SlotPutOp<string opMnemonic> : Fc_Op<opMnemonic, []> {
  let arguments = (ins Fc_Ring:$ring, I32:$turn);
  let assemblyFormat = "$ring `,` $turn attr-dict `:` type($ring)";
}
def Fc_AcquireOp : Fc_SlotGetOp<"acquire"> {
  let summary = "the producer gets the slot of a turn, once its last readers have released it";
}
def Fc_PublishOp : Fc_SlotPutOp<"publish"> {
  let summary = "the producer hands the slot of a turn over";
}
def Fc_WaitOp : Fc_SlotGetOp<"wait"> {
  let summary = "the consumer gets the slot of a turn, once it has been filled";
}
def Fc_ReleaseOp : Fc_SlotPutOp<"release"> {
  let summary = "the consumer gives the slot of a turn back";
}

def Fc_CopyOp : Fc_Op<"copy", [AttrSizedOperandSegments]> {
  let summary = "a read from a tensor straight into a slot";
  let description = [{
    Indices, bounds and predicates as of `fc.read`; what is not read is filled with 0. `via` is `plain` (loads
    and stores by all threads) or, on the rungs that have it, `cp_async`, which moves 4 bytes and more at once: the
    slot's minor axis has to be contiguous in memory, with no bounds and predicates along it. Its completion belongs
    to the ring.
  }];
  let arguments = (ins Arg<Fc_Tensor, "", [MemRead]>:$tensor, Variadic<Fc_Index>:$indices,
                       Variadic<Fc_Index>:$bounded, Variadic<AnyTypeOf<[I32, I64]>>:$limits,
                       Variadic<Fc_Predicate>:$where, Arg<Fc_Slot, "", [MemWrite]>:$slot, StrAttr:$via);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether a copy to a slot of `tile` could go via `cp_async`.
    static bool canBeAsynchronous(TileType tile, ::mlir::ValueRange indices, ::mlir::ValueRange bounded,
                                  ::mlir::ValueRange where);
  }];
}

def Fc_LoadOp : Fc_Op<"load", [MemoryEffects<[MemRead]>]> {
  let summary = "a slot's tile into registers";
  let arguments = (ins Fc_Slot:$slot);
  let results = (outs Fc_Tile:$out);
  let assemblyFormat = "$slot attr-dict `:` type($slot) `->` type($out)";
  let hasVerifier = 1;
}

def Fc_StoreOp : Fc_Op<"store", [MemoryEffects<[MemWrite]>]> {
  let summary = "a tile from registers into a slot";
  let arguments = (ins Fc_Tile:$value, Fc_Slot:$slot);
  let assemblyFormat = "$value `,` $slot attr-dict `:` type($value) `,` type($slot)";
  let hasVerifier = 1;
}

#endif
