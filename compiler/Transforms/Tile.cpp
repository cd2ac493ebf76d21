// Tile.cpp - declared; its work is added with its tests
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace fc {
#define GEN_PASS_DEF_TILE
#include "compiler/Transforms/Passes.h.inc"

namespace {
struct Tile : impl::TileBase<Tile> {
  using Base::Base;
  void runOnOperation() override {
    getOperation()->emitError("this build has no Tile");
    signalPassFailure();
  }
};
} // namespace
} // namespace fc
