// Graph.h - the formula of a block as one graph of scalars
//
// The derivation works on formulas, not on operations: maps, products and reductions of a block are
// read into a hash-consed graph in which every value is a scalar at one point of its axes. Nothing
// of the IR changes. `a - b` is `a + -1 b`, `a / b` is `a b^-1`, `exp2` and `log2` are `exp` and
// `log`; every other scalar operation keeps its name. A node that an operation of the text computes
// remembers that operation, so that what needs no rewriting is given back as it was written.
#pragma once
#include "compiler/IR/Fc.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/FoldingSet.h"
#include "llvm/Support/Allocator.h"
#include <deque>

namespace fc::online {

enum class Kind : uint8_t {
  Constant, ///< a float; its value is `constant`
  Value,    ///< what an operation on tiles gives, or a block argument: opaque
  Scalar,   ///< a scalar operation without a kind of its own
  Add,      ///< of two
  Mul,      ///< of two; a constant comes first
  Power,    ///< operand to the power `number`
  Exp,      ///< base e
  Log,      ///< base e
  Max,      ///< of two
  Min,      ///< of two
  Select,   ///< condition, value if true, value if false
  Cast,     ///< between floats
  Reduce,   ///< reduction `number` of the graph; operands: what it sums, or the sides of a product
  Accumulator, ///< accumulator `number` of a derivation
  Shift,       ///< x + y, kept whole: x varies along the walk, y moves with an earlier reduction
  Guard,       ///< a condition as a factor: 1 or nothing; inverted when `number` is 0
  Equal,       ///< x == M as a factor, M a maximum that is never below x
};

/// A set of axes, by their number in the graph.
using AxisMask = uint64_t;
/// A set of reductions, by their number in the graph.
using ReductionMask = uint64_t;

struct Node : llvm::FastFoldingSetNode {
  Node(const llvm::FoldingSetNodeID &id, mlir::Location location)
      : FastFoldingSetNode(id), location(location) {}

  Kind kind;
  unsigned id; ///< position in the graph: orders everything that is sorted
  llvm::SmallVector<const Node *, 2> operands;
  double constant = 0;
  int64_t number = 0;
  mlir::Type type;              ///< of the element
  AxisMask axes = 0;            ///< along which it varies
  ReductionMask reductions = 0; ///< on which it depends
  mlir::Location location;

  mlir::StringAttr name;           ///< of a Scalar's operation
  mlir::DictionaryAttr attributes; ///< of a Scalar's operation

  /// The scalar operation of the text that computes it, if one does, and the nodes of its operands;
  /// for a `Value` the nodes of the operands of the operation that defines it.
  mlir::Operation *exemplar = nullptr;
  llvm::SmallVector<const Node *, 2> sources;
  /// The tile or scalar of the text that holds it, if one does.
  mlir::Value origin;

  bool is(double value) const { return kind == Kind::Constant && constant == value; }
};

/// A reduction of the block over a walked axis.
struct Reduction {
  mlir::Operation *op; ///< `fc.reduce` or `fc.dot`
  ReduceKind kind;
  AxisMask axes; ///< reduced
  const Node *node = nullptr;
  bool isDot() const { return mlir::isa<DotOp>(op); }
};

class Graph {
public:
  explicit Graph(mlir::MLIRContext *context) : context(context) {}

  /// States that `op` is a reduction over a walked axis: its result becomes a `Reduce` node. Before
  /// any node of its result is asked for.
  unsigned addReduction(mlir::Operation *op);
  llvm::ArrayRef<Reduction> reductions() const { return reductionList; }

  /// The node of a tile, of a scalar outside maps, or of a scalar inside one.
  const Node *of(mlir::Value value);

  AxisMask maskOf(llvm::StringRef axis);
  AxisMask maskOf(mlir::ArrayAttr axes);
  AxisMask maskOf(mlir::Type type);
  llvm::SmallVector<mlir::StringAttr> axes(AxisMask mask) const;
  /// More than an AxisMask tells apart.
  bool hasTooManyAxes() const { return axisNames.size() > 64; }

  const Node *constant(double value);
  const Node *add(const Node *a, const Node *b);
  const Node *mul(const Node *a, const Node *b);
  const Node *power(const Node *a, int64_t exponent);
  const Node *negate(const Node *a) { return mul(constant(-1), a); }
  /// Exp, Log.
  const Node *unary(Kind kind, const Node *a);
  /// Max, Min.
  const Node *extremum(Kind kind, const Node *a, const Node *b);
  const Node *select(const Node *condition, const Node *a, const Node *b);
  /// The operation of a Scalar node on other operands.
  const Node *like(const Node *scalar, llvm::ArrayRef<const Node *> operands);
  /// `location`: of the expression whose parts they are.
  const Node *shift(const Node *x, const Node *y, mlir::Location location);
  const Node *guard(const Node *condition, bool holds);
  const Node *equal(const Node *x, const Node *maximum);
  /// A new accumulator of a walk, over the given axes.
  const Node *accumulator(AxisMask axes, ReductionMask walk, mlir::Type type);
  /// a == b, a > b of floats.
  const Node *isEqual(const Node *a, const Node *b);
  const Node *isGreater(const Node *a, const Node *b);

private:
  struct Description;
  const Node *get(const Description &description);
  const Node *compare(unsigned predicate, const Node *a, const Node *b);
  const Node *ofScalarOp(mlir::Operation *op);
  const Node *read(mlir::Value value);

  mlir::MLIRContext *context;
  std::deque<Node> nodes;
  llvm::FoldingSet<Node> unique;
  llvm::DenseMap<mlir::Value, const Node *> memo;
  llvm::SmallVector<mlir::StringAttr> axisNames;
  llvm::SmallVector<Reduction, 8> reductionList;
  llvm::DenseMap<mlir::Operation *, unsigned> reductionOf;
  unsigned accumulators = 0;
};

/// A comparison of floats as `greater > smaller` (or >= when `orEqual`).
struct Comparison {
  const Node *greater, *smaller;
  bool orEqual;
};
std::optional<Comparison> asComparison(const Node *node);
/// The sides of a comparison of floats for equality.
std::optional<std::pair<const Node *, const Node *>> asEquality(const Node *node);
/// Whether `node` is the named scalar operation (`arith.andi`).
bool isScalar(const Node *node, llvm::StringRef name);

} // namespace fc::online
