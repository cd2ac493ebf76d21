//===-- FcDialect.td - the fc dialect ---------------------------*- tablegen -*-===//
#ifndef FC_DIALECT_TD
#define FC_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Fc_Dialect : Dialect {
  let name = "fc";
  let cppNamespace = "::fc";
  let summary = "Attention kernels over named axes";
  let description = [{
    Values are tiles over *named axes* (`!fc.tile<f32, [i: 64, j: 64]>`), so there are no transposes,
    reshapes or broadcasts to write or to undo: operands of an operation meet by the names of their axes.
    Scalar regions (`fc.map`) hold `arith` and `math`, so MLIR's own folding works on masks and scores.

    Three rules hold everywhere:

    * **Indices are tiles.** The point of an axis is a value (`fc.axis`, `fc.iota`) that maps take as an
      operand; nothing asks for "the current position".
    * **Axes are a set**, printed in alphabetical order. A value without axes is a plain scalar. Order
      exists only in places (`#fc.place`) and shared layouts (`#fc.shared`).
    * **Maps are axis-minimal.** What needs fewer axes is computed in a map over fewer axes.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerTypes();
  }];
}

//===-- Attributes -------------------------------------------------------------===//

class Fc_Attr<string name, string attrMnemonic> : AttrDef<Fc_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Fc_PlaceAttr : Fc_Attr<"Place", "place"> {
  let summary = "which thread and register holds an element of a tile";
  let description = [{
    A mixed-radix map (warp, lane, value) -> coordinates, as text: the digits of each unit, fastest first,
    each `axis:size:stride`; `_:size` replicates. See `compiler/IR/Place.h`.

    `#fc.place<"v j:2:1 i:2:8 j:8:8 | l j:4:2 i:8:1 | w i:4:16">` is the accumulator of `mma.m16n8`,
    repeated eight times along j, on four warps along i.
  }];
  let parameters = (ins StringRefParameter<"digits, in Place's text form">:$text);
  let assemblyFormat = "`<` $text `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The place as a data structure (parsed from the text).
    ::fc::Place place() const;
    static PlaceAttr get(::mlir::MLIRContext *context, const ::fc::Place &place);
  }];
}

def Fc_SharedAttr : Fc_Attr<"Shared", "shared"> {
  let summary = "the layout of a tile in shared memory";
  let description = [{
    `minor` is the contiguous axis; its elements lie in pages of `page` elements; all other axes are the
    rows, alphabetical (parts first), the last one fastest. Within a page row, 16-byte chunks are XORed by address bits 7-9
    when a page row is 32, 64 or 128 bytes wide (the function of TMA and wgmma). See `compiler/IR/SharedLayout.h`.
  }];
  let parameters = (ins StringRefParameter<"the contiguous axis">:$minor, "int64_t":$page);
  let assemblyFormat = "`<` $minor `,` `page` `=` $page `>`";
}

def Fc_ScheduleAttr : Fc_Attr<"Schedule", "schedule"> {
  let summary = "how a kernel is cut: tile sizes in elements, warps, ring slots, CTAs an SM, parts of a walk";
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$axes,
                        ArrayRefParameter<"int64_t">:$sizes, "int64_t":$warps, "int64_t":$stages,
                        "::mlir::StringAttr":$splitAxis, "int64_t":$parts, "int64_t":$ctas);
  let builders = [AttrBuilder<(ins "::llvm::ArrayRef<::mlir::StringAttr>":$axes,
                                   "::llvm::ArrayRef<int64_t>":$sizes, "int64_t":$warps, "int64_t":$stages), [{
    return $_get($_ctxt, axes, sizes, warps, stages, ::mlir::StringAttr(), 1, 1);
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let description = [{
    `#fc.schedule<i = 64, j = 128, warps = 8, stages = 1, split j = 2>`: each tile of the walked axis `j` is cut into
    two parts, which the two halves of the warps take. Without a split, `parts` is 1. With `ctas = 2` a thread has no
    more registers than let two CTAs share an SM; without it, `ctas` is 1.
  }];
  let extraClassDeclaration = [{
    /// The tile size of an axis, or -1.
    int64_t size(::llvm::StringRef axis) const;
  }];
}

def Fc_ReduceKind : I32EnumAttr<"ReduceKind", "what a reduction combines by", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Max", 1, "max">, I32EnumAttrCase<"Min", 2, "min">,
    I32EnumAttrCase<"Any", 3, "any">, I32EnumAttrCase<"All", 4, "all">]> {
  let cppNamespace = "::fc";
  let genSpecializedAttr = 0;
}
def Fc_ReduceKindAttr : EnumAttr<Fc_Dialect, Fc_ReduceKind, "reduce_kind"> {
  let assemblyFormat = "$value";
}

//===-- Types ------------------------------------------------------------------===//

class Fc_Type<string name, string typeMnemonic> : TypeDef<Fc_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Fc_Tile : Fc_Type<"Tile", "tile"> {
  let summary = "a value over named axes";
  let description = [{
    `!fc.tile<f32, [i: 64, j], #fc.place<"...">>`: element type, the set of axes, each with its size once the
    `tile` stage has chosen one, and, from the `place` stage on, where it lives: `#fc.place` (registers) or
    `#fc.shared` (shared memory).
  }];
  let parameters = (ins "::mlir::Type":$element, ArrayRefParameter<"::mlir::StringAttr">:$axes,
                        ArrayRefParameter<"int64_t">:$sizes, "::mlir::Attribute":$place);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t kUnsized = ::mlir::ShapedType::kDynamic;
    /// An axis and its size (kUnsized before the `tile` stage).
    using AxisSize = std::pair<::mlir::StringAttr, int64_t>;
    /// Sorts `axes`. Axes must be distinct and not empty.
    static TileType get(::mlir::Type element, ::llvm::SmallVector<AxisSize> axes,
                        ::mlir::Attribute place = {});
    /// Tile over `axes`, or the plain element type when there are none.
    static ::mlir::Type getOrScalar(::mlir::Type element, ::llvm::SmallVector<AxisSize> axes,
                                    ::mlir::Attribute place = {});
    bool has(::llvm::StringRef axis) const;
    /// The number of an axis among the type's. It must be there.
    int number(::llvm::StringRef axis) const;
    /// The size of an axis; kUnsized if it has none yet. The axis must be there.
    int64_t size(::llvm::StringRef axis) const;
    bool sized() const;
    ::llvm::SmallVector<AxisSize> axisSizes() const;
    TileType withElement(::mlir::Type element) const;
    TileType withPlace(::mlir::Attribute place) const;
    /// The place if it is a `#fc.place`, else null.
    ::fc::PlaceAttr registers() const;
    /// The layout if the tile is in shared memory, else null.
    ::fc::SharedAttr shared() const;
  }];
}

def Fc_Tensor : Fc_Type<"Tensor", "tensor"> {
  let summary = "a tensor parameter in global memory";
  let description = [{
    `!fc.tensor<f16, ["B", "H", "M", "64"]>`: element type and the extents as written: names, numbers or
    expressions. `?` after an extent: it or 1. Strides are the launch's; the last is 1.
  }];
  let parameters = (ins "::mlir::Type":$element,
                        OptionalArrayRefParameter<"::mlir::StringAttr">:$extents);
  let assemblyFormat = "`<` $element `,` `[` (`]`) : ($extents^ `]`)? `>`";
  let extraClassDeclaration = [{
    int64_t rank() const { return getExtents().size(); }
    /// Whether extent `dim` is `X?`.
    bool orOne(int64_t dim) const { return getExtents()[dim].getValue().ends_with("?"); }
  }];
}

def Fc_Ring : Fc_Type<"Ring", "ring"> {
  let summary = "an n-slot buffer in shared memory with its synchronisation";
  let parameters = (ins "::fc::TileType":$tile, "int64_t":$slots);
  let description = [{`!fc.ring<tile, 2>`; the tile carries its `#fc.shared` layout.}];
  let assemblyFormat = "`<` $tile `,` $slots `>`";
  let genVerifyDecl = 1;
}

def Fc_Slot : Fc_Type<"Slot", "slot"> {
  let summary = "one slot of a ring, between acquire or wait and publish or release";
  let parameters = (ins "::fc::TileType":$tile);
  let assemblyFormat = "`<` $tile `>`";
  let genVerifyDecl = 1;
}

#endif
