// Emit.h - a derived walk as an `fc.fold`, and what its reductions are after it
#pragma once
#include "compiler/Transforms/Online/Derive.h"
#include "mlir/IR/Builders.h"

namespace fc::online {

/// Where values are computed, and those that are there already.
struct Scope {
  mlir::OpBuilder builder;
  llvm::DenseMap<const Node *, mlir::Value> values;
  /// Anchored exponentials and shifts, by their `Shift`.
  llvm::DenseMap<const Node *, mlir::Value> shifts, exponentials;
  /// Tiles of sides.
  llvm::SmallVector<std::tuple<Side, ReduceKind, mlir::Value>> tiles;

  explicit Scope(mlir::OpBuilder builder) : builder(builder) {}
};

/// Emits the fold of one walk.
class Emitter {
public:
  /// `axes`: the `fc.axis` of each walked axis. `finished`: the values of the reductions of other
  /// walks.
  Emitter(Graph &graph, const Derivation &derivation, llvm::ArrayRef<AxisOp> axes,
          llvm::DenseMap<unsigned, mlir::Value> &finished);

  /// Makes the fold at the builder's position, with clones of `writes` in its body, and replaces
  /// the results of `reductions` by what they are after it (also noted in `finished`).
  FoldOp run(mlir::OpBuilder &builder, mlir::Location location, llvm::ArrayRef<unsigned> reductions,
             llvm::ArrayRef<WriteOp> writes);

private:
  // Nodes (EmitNodes.cpp).
  Scope &scopeOf(const Node *node, Scope &scope);
  /// The value of a node over its axes, in the scope where it belongs.
  mlir::Value value(const Node *node, Scope &scope);
  /// ... broadcast to at least `axes`.
  mlir::Value broadcast(mlir::Value value, AxisMask axes, Scope &scope);
  mlir::Value clone(const Node *node, Scope &scope);
  mlir::Value inlined(const Node *root, Scope &scope);
  mlir::Value indexTile(mlir::StringAttr axis, Scope &scope);
  struct Form;
  Form formOf(const Node *node);
  mlir::Value build(const Form &form, const Node *node, mlir::OpBuilder &builder,
                    mlir::Location location, mlir::ValueRange operands);

  // Steps (Emit.cpp).
  /// What the walk knows of an anchor's moved half: always finite.
  mlir::Value anchor(const Node *y, Scope &scope);
  bool staysFinite(const Node *node);
  mlir::Value shifted(const Node *shift, Scope &now);
  mlir::Value exponential(const Node *shift, Scope &now);
  /// What a side is at the points of a tile; under its guards, where one fails, the kind's
  /// identity.
  mlir::Value tileOf(const Side &side, ReduceKind kind, AxisMask axes, Scope &now);
  mlir::Value correction(const Node *shift, Scope &old, Scope &now);
  /// An accumulator of `old`, moved to the anchors of `now`.
  mlir::Value moved(const Accumulator &accumulator, Scope &old, Scope &now);
  mlir::Value identity(const Accumulator &accumulator, Scope &scope);
  /// The accumulators of `now`, from those of `olds` and, if `tile`, the points of this turn.
  void step(llvm::MutableArrayRef<Scope *> olds, Scope &now, bool tile);
  mlir::Type typeOf(const Accumulator &accumulator);

  Graph &graph;
  const Derivation &derivation;
  llvm::SmallVector<AxisOp> axes;
  AxisMask walked = 0;
  llvm::DenseMap<unsigned, mlir::Value> &finished;
  FoldOp made;
  std::unique_ptr<Scope> outer, body;
  /// Corrections exp(y_now - y_old), by shift and old scope, while a step is made.
  llvm::DenseMap<std::pair<const Node *, Scope *>, mlir::Value> corrections;
};

/// A map of `operands` over the union of their axes, or plain scalar operations when there are
/// none.
mlir::Value mapOver(mlir::OpBuilder &builder, mlir::Location location,
                    llvm::ArrayRef<mlir::Value> operands,
                    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange)> region);

/// The value a reduction starts with, as a scalar.
mlir::Value identityOf(ReduceKind kind, mlir::Type type, mlir::OpBuilder &builder,
                       mlir::Location location);
/// A float as the float type asked for.
mlir::Value castTo(mlir::OpBuilder &builder, mlir::Location location, mlir::Value value,
                   mlir::Type type);
/// Two values of a reduction as one, as scalars.
mlir::Value combineOf(ReduceKind kind, mlir::Value a, mlir::Value b, mlir::OpBuilder &builder,
                      mlir::Location location);

} // namespace fc::online
