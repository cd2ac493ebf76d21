// HopLoops.h - loops that skip tiles
#pragma once
#include "compiler/IR/Fc.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace fc {

/// On an scf.for made of a fold with a hop: the turn after the one that starts at j starts where
/// the first `fc.hop` of the body leads, not at j + step. Its first iteration argument counts
/// turns.
inline constexpr llvm::StringLiteral kHopsAttr = "fc.hops";

/// Where the next turn of such a loop starts; null for every other loop.
inline mlir::Value nextStart(mlir::scf::ForOp loop) {
  if (!loop->hasAttr(kHopsAttr))
    return {};
  auto hops = loop.getBody()->getOps<HopOp>();
  return hops.empty() ? mlir::Value() : (*hops.begin()).getStart();
}

} // namespace fc
