// Scalars.h - one elementwise operation of the language as scalar `arith` and `math`
//
// The same code fills the regions of maps and stands outside them. Integers are i32 where the
// operation and its operands are proved to fit (Interval.h), else i64; a value that fits is i32
// wherever it is passed on.
#pragma once
#include "compiler/Import/Tree.h"
#include "mlir/IR/Builders.h"

namespace fc {

/// The floating-point or integer type that holds an element type in memory; `bool` is a byte there.
mlir::Type memoryType(mlir::MLIRContext *context, dsl::Elem elem);

/// Whether the value at a point follows from its operands' values at that point.
bool isElementwise(const dsl::Expr *expr);

class Scalars {
public:
  Scalars(mlir::OpBuilder &builder, Tree &tree, Intervals &intervals)
      : builder(builder), tree(tree), intervals(intervals) {}

  /// The type of a value as it is passed on: i1 for `bool`, i32 or i64 for `int`, else as in
  /// memory.
  mlir::Type typeOf(const dsl::Expr *expr);
  mlir::Value constant(const dsl::Expr &expr, mlir::Location loc);
  /// `operands` are the values of expr.operands, of the types typeOf gives.
  mlir::Value apply(const dsl::Expr &expr, llvm::ArrayRef<mlir::Value> operands,
                    mlir::Location loc);
  /// An `int` as i32, a range bound: what does not fit 32 bits is beyond every axis, and is
  /// clamped.
  mlir::Value bound(const dsl::Expr *expr, mlir::Value value, mlir::Location loc);
  /// Sign-extends or truncates.
  mlir::Value toWidth(mlir::Value value, unsigned width, mlir::Location loc);

private:
  mlir::Value integer(const dsl::Expr &expr, llvm::ArrayRef<mlir::Value> in);
  mlir::Value floating(const dsl::Expr &expr, llvm::ArrayRef<mlir::Value> in);
  mlir::Value divide(const dsl::Expr &expr, mlir::Value a, mlir::Value b);
  mlir::Value compare(const dsl::Expr &expr, mlir::Value a, mlir::Value b);
  mlir::Value bit(const dsl::Expr &expr, mlir::Value x, mlir::Value n);
  mlir::Value convert(const dsl::Expr &expr, mlir::Value value);
  mlir::Value toWideInteger(const dsl::Expr *expr, mlir::Value value);
  mlir::Value roundToInteger(const dsl::Expr &expr, const dsl::Expr *from, mlir::Value value);
  mlir::Value random(const dsl::Expr &expr, llvm::ArrayRef<mlir::Value> in);

  mlir::Value intConstant(int64_t value, mlir::Type type);
  mlir::Value floatConstant(double value, mlir::Type type);
  unsigned widthOf(const dsl::Expr &expr);

  mlir::OpBuilder &builder;
  Tree &tree;
  Intervals &intervals;
  mlir::Location loc = builder.getUnknownLoc();
};

} // namespace fc
