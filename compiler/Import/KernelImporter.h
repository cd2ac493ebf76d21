// KernelImporter.h - one kernel of the checked tree becomes one fc.kernel
//
// Values are made when something first needs them, in the outermost region where their operands
// are: what does not depend on a loop stands before it. Elementwise trees whose parts have one user
// and the same axes are one map; whatever has fewer axes, or several users, is a value of its own,
// so maps are axis-minimal from the start.
#pragma once
#include "compiler/IR/Fc.h"
#include "compiler/Import/Scalars.h"
#include "compiler/Import/Usage.h"
#include "llvm/ADT/MapVector.h"

namespace fc {

class KernelImporter {
public:
  KernelImporter(mlir::OpBuilder &builder, const dsl::Program &program, const dsl::Kernel &kernel,
                 llvm::StringRef target);
  /// Appends the kernel at the builder's insertion point. Failure when something was refused.
  mlir::LogicalResult run();

private:
  using Expr = dsl::Expr;
  /// A region being filled: the kernel's, the program's, those of folds.
  struct Scope {
    mlir::Block *block;
    mlir::Operation *before = nullptr; ///< where to insert; null: at the end
    std::vector<const Expr *> made;    ///< what `values` holds of this region
  };
  struct AxisValue {
    mlir::Value points; ///< the tile of points, or the scalar that a point axis binds
    mlir::Value hi;     ///< where they end, when they need a bound; else null
  };

  // Kernel and statements (KernelImporter.cpp)
  KernelOp makeKernel();
  void makeProgram();
  void bindGridAxis(const dsl::Axis *axis, mlir::Value coordinate);
  bool isKnownExactly(const dsl::Axis *axis);
  std::optional<int64_t> heldSize(const dsl::Axis *axis);
  void statements(const std::vector<dsl::Stmt> &body);
  void declareAxis(const dsl::Axis *axis);
  void declareLet(const dsl::Let *let);
  void setVar(const dsl::Var *var, const Expr *value);
  void store(const dsl::Stmt &stmt);
  void loop(const dsl::Stmt &stmt);
  void addFacts(KernelOp op);
  void addSchedules(KernelOp op);

  // Values (Values.cpp)
  mlir::Value value(const Expr *expr);
  mlir::Value make(const Expr *expr);
  mlir::Value makeRead(const Expr *expr);
  mlir::Value makePredicate(const std::vector<Guards> &alternatives, mlir::Location loc);
  mlir::Value makeReduction(const Expr *expr);
  mlir::Value makeDot(const Expr *expr);
  mlir::Value makeElementwise(const Expr *expr);
  /// An axis bound as i32.
  mlir::Value boundValue(const Expr *expr);
  /// A new value of `expr`'s axes from others: a map, or scalar operations when no operand is a
  /// tile.
  mlir::Value apply(mlir::Location loc, llvm::ArrayRef<mlir::Value> operands,
                    llvm::function_ref<mlir::Value(llvm::ArrayRef<mlir::Value>)> body);
  /// `value` over at least `axes`.
  mlir::Value broadcast(mlir::Value value, llvm::ArrayRef<const dsl::Axis *> axes,
                        mlir::Location loc);
  struct Access {
    llvm::SmallVector<mlir::Value> indices, bounded, limits;
  };
  Access access(llvm::ArrayRef<const Expr *> indices);
  void addBound(Access &access, const dsl::Axis *axis);

  // Where things stand
  int depthOf(mlir::Value value);
  /// Sets the builder to the outermost region that has all operands.
  void insertFor(llvm::ArrayRef<mlir::Value> operands);
  void insertAt(size_t depth);

  mlir::Location locOf(dsl::Loc loc);
  void refuse(dsl::Loc loc, const llvm::Twine &message);

  mlir::OpBuilder &builder;
  const dsl::Program &program;
  const dsl::Kernel &kernel;
  llvm::StringRef target;
  Tree tree;
  Intervals intervals;
  Usage usage;
  Scalars scalars;

  std::vector<Scope> scopes;
  llvm::DenseMap<const Expr *, mlir::Value> values;
  llvm::DenseMap<const dsl::Axis *, AxisValue> axes;
  llvm::DenseMap<const dsl::Var *, mlir::Value> vars;
  llvm::DenseMap<const dsl::Tensor *, mlir::Value> tensors;
  llvm::DenseMap<const dsl::Scalar *, mlir::Value> scalarValues;
  llvm::DenseMap<const dsl::Dim *, mlir::Value> dims;
  llvm::DenseSet<const Expr *> inProgress;
  llvm::MapVector<llvm::StringRef, int64_t>
      walksOver; ///< how many walks over an axis are asked for
  bool failed = false;
};

} // namespace fc
