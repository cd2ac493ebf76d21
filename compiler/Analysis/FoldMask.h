// FoldMask.h - the predicate of a fold: at which points of its tiles anything is added to its state
//
// Read off the body, in whatever spelling: `where(c, s, -inf)` under a maximum and an exponential,
// `where(c, p, 0)` under a sum, conjunctions by nesting, tails. A point is *excluded* if every
// reduction over the fold's axis takes its identity there (language S2); it is *live* otherwise. A
// tile without a live point may be skipped if the body then gives back the state unchanged, which
// is proved by folding the body with each reduction over nothing.
#pragma once
#include "compiler/Analysis/MaskPlan.h"
#include "compiler/IR/Fc.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace fc {

/// The integers and booleans of a fold's body as terms. A value that is the same at all points and
/// is not understood becomes a symbol.
class FoldTerms {
public:
  FoldTerms(Terms &terms, FoldOp fold);

  /// The value at a point. Unknown if it is not understood.
  TermRef of(mlir::Value value);
  /// Where the value of a float or boolean is `constant` for certain.
  TermRef isConstant(mlir::Value value, double constant);

  /// The first point of the fold's tile, as the body has it.
  TermRef start;
  /// Points and their tiles.
  std::vector<TileRange> ranges;
  /// What symbols and flags stand for, by id.
  std::vector<mlir::Value> symbols;
  /// 64-bit symbols: terms are right while they lie within +-kFar.
  std::vector<mlir::Value> guarded;
  /// Tiles read from tensors, by id of their elements.
  std::vector<mlir::Value> elements;
  /// The selects of the body that exclude points.
  llvm::SmallVector<mlir::arith::SelectOp> selects;

  /// A name for messages: of the axis, dimension or parameter; a read as the text has it.
  std::string nameOf(const Term &leaf);
  std::string textOf(mlir::Value value);

private:
  TermRef compute(mlir::Value value);
  TermRef ofArgument(mlir::BlockArgument argument);
  TermRef ofIota(IotaOp iota);
  TermRef ofOperation(mlir::Operation *op);
  TermRef ofComparison(mlir::arith::CmpIOp op);
  TermRef symbol(mlir::Value value);
  TermRef computeIsConstant(mlir::Value value, double constant);
  bool isOutside(mlir::Value value);

  Terms &terms;
  FoldOp fold;
  llvm::DenseMap<mlir::Value, TermRef> known;
  llvm::DenseMap<std::pair<mlir::Value, mlir::Type>, TermRef> points; ///< by base and type of iotas
  std::map<std::pair<void *, double>, TermRef> constants;
};

/// The points at which the fold's body adds to its state.
struct FoldMask {
  TermRef live;
  std::string reason; ///< why there is none: `live` is null
};
FoldMask maskOf(Terms &terms, FoldTerms &values, FoldOp fold);

} // namespace fc
