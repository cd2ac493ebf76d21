// MaskTests.h - the selects of a mask as maps that run only where a tile is not full
#pragma once
#include "compiler/Analysis/FoldMask.h"

namespace fc {

/// A select that keeps one side and excludes points by a constant on the other.
struct MaskSelect {
  mlir::arith::SelectOp op;
  TermRef keeps; ///< where it gives the kept side

  mlir::Value kept() const { return op->getOperand(keepsFirst ? 1 : 2); }
  mlir::FloatAttr filler;
  bool keepsFirst = true;
};

/// The selects of `values` that can be marked, in program order.
llvm::SmallVector<MaskSelect> maskSelects(Terms &terms, FoldTerms &values, FoldOp fold);

/// Splits each select's map into what comes before, the test, and what comes after; neighbouring
/// tests become one. `flagOf` gives the uniform i1 that says whether a test of these selects is
/// needed; null: the test stays as it is.
void markTests(llvm::ArrayRef<MaskSelect> selects,
               llvm::function_ref<mlir::Value(llvm::ArrayRef<TermRef>)> flagOf);

} // namespace fc
