// EmitTerms.h - uniform terms of a plan as scalar operations
#pragma once
#include "compiler/Analysis/FoldPlan.h"
#include "mlir/IR/Builders.h"

namespace fc {

/// Writes uniform terms of a plan: those without the start of the walked tile in front of the fold,
/// or in front of `before`, the rest where `inside` stands, for the tile that starts at `start`.
class TermEmitter {
public:
  TermEmitter(FoldPlan &plan, mlir::OpBuilder inside, mlir::Value start,
              mlir::Operation *before = nullptr);

  /// An i1, i32 or i64, as the term's range allows.
  mlir::Value emit(TermRef term);
  /// An i32; the term's range must fit.
  mlir::Value emit32(TermRef term);

private:
  using Parts = llvm::SmallVector<std::pair<TermRef, int64_t>>;

  bool varies(TermRef term) { return plan.terms.contains(term, plan.values.start); }
  mlir::OpBuilder &at(TermRef term) { return varies(term) ? inside : outside; }
  mlir::Value constant(mlir::OpBuilder &builder, mlir::Type type, int64_t value);
  /// Sign-extended or truncated; what is truncated fits.
  mlir::Value as(mlir::OpBuilder &builder, mlir::Type type, mlir::Value value);
  mlir::Value write(TermRef term);
  mlir::Value writeLookup(TermRef term);
  mlir::Value writeJunction(TermRef term);
  mlir::Value writeSum(mlir::OpBuilder &builder, TermRef sum);
  /// sum <= 0 as `what varies <= the rest`, so that a turn of the loop compares once.
  mlir::Value writeRelation(mlir::OpBuilder &builder, TermRef sum,
                            mlir::arith::CmpIPredicate predicate);
  /// The parts of a sum as one value; those that do not vary first.
  mlir::Value writePart(llvm::ArrayRef<std::pair<TermRef, int64_t>> parts, int64_t number,
                        mlir::Type type);
  mlir::Value nonZero(mlir::OpBuilder &builder, mlir::Type type, TermRef term, mlir::Value divisor);
  /// A value of the fold's body, for the tile that starts at `start`.
  mlir::Value remake(mlir::OpBuilder &builder, mlir::Value value);

  FoldPlan &plan;
  mlir::OpBuilder outside, inside;
  mlir::Value start;
  mlir::Location loc;
  llvm::DenseMap<TermRef, mlir::Value> written;
  llvm::DenseMap<mlir::Value, mlir::Value> remade; ///< by `remake`
};

} // namespace fc
