// EmitNodes.cpp - values of the graph back as operations
//
// What the text computed is given back as it was written (its operation is cloned); what the
// derivation made is built from arith and math. A node goes where it belongs: constant along the
// walk, before the fold; along the walk, once into its body; moved by reductions of the walk, into
// the scope that asks, for it differs between the state before, the state after and the end.
#include "compiler/Transforms/Online/Emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fc::online {

Value mapOver(OpBuilder &builder, Location location, ArrayRef<Value> operands,
              llvm::function_ref<Value(OpBuilder &, ValueRange)> region) {
  SmallVector<Type> types;
  for (Value operand : operands)
    types.push_back(operand.getType());
  auto axes = unionOfAxes(types, [&] { return mlir::emitError(location); });
  assert(axes && "sizes of one axis differ before any is chosen");
  if (axes->empty())
    return region(builder, operands);
  // The type of the result is known once the region is there.
  Region held;
  auto *block = new Block;
  held.push_back(block);
  for (Value operand : operands)
    block->addArgument(elementOf(operand.getType()), operand.getLoc());
  OpBuilder inside(builder.getContext());
  inside.setInsertionPointToEnd(block);
  Value result = region(inside, block->getArguments());
  YieldOp::create(inside, location, ValueRange{result});
  auto map =
      MapOp::create(builder, location, TypeRange{TileType::get(result.getType(), *axes)}, operands);
  map.getBody().takeBody(held);
  return map.getResult(0);
}

Scope &Emitter::scopeOf(const Node *node, Scope &scope) {
  if (node->reductions & derivation.mask())
    return scope;
  return node->axes & walked ? *body : *outer;
}

Value Emitter::value(const Node *node, Scope &asked) {
  Scope &scope = scopeOf(node, asked);
  if (Value known = scope.values.lookup(node))
    return known;
  Value result;
  switch (node->kind) {
  case Kind::Reduce: {
    unsigned number = unsigned(node->number);
    result =
        derivation.has(number) ? value(derivation.valueOf(number), scope) : finished.lookup(number);
    // Narrow floats are carried as f32.
    if (elementOf(result.getType()) != node->type)
      result =
          mapOver(scope.builder, node->location, {result}, [&](OpBuilder &builder, ValueRange in) {
            return castTo(builder, node->location, in[0], node->type);
          });
    break;
  }
  case Kind::Value:
    result = &scope == outer.get() ? node->origin : clone(node, scope);
    break;
  default:
    result = &scope == outer.get() && node->origin ? node->origin : inlined(node, scope);
  }
  assert(result && "every node that is asked for has a value");
  scope.values[node] = result;
  return result;
}

Value Emitter::clone(const Node *node, Scope &scope) {
  Operation *op = node->origin.getDefiningOp();
  assert(op && "what varies along a walk is computed");
  SmallVector<Value> operands;
  for (auto [operand, source] : llvm::zip(op->getOperands(), node->sources))
    operands.push_back(broadcast(value(source, scope), graph.maskOf(operand.getType()), scope));
  Operation *copy = scope.builder.clone(*op);
  copy->setOperands(operands);
  for (auto [from, to] : llvm::zip(op->getResults(), copy->getResults()))
    scope.values[graph.of(from)] = to;
  return scope.values.lookup(node);
}

Value Emitter::indexTile(StringAttr axis, Scope &scope) {
  for (AxisOp walkedAxis : axes)
    if (walkedAxis.axis() == axis.getValue())
      return value(graph.of(walkedAxis.getOut()), scope);
  // The points of another axis are a value of this block or of one around it.
  for (Block *block = made->getBlock(); block; block = block->getParentOp()->getBlock()) {
    for (Operation &op : *block)
      if (isa<AxisOp, IotaOp>(op) && over(op.getResult(0), axis.getValue()))
        return op.getResult(0);
    for (BlockArgument argument : block->getArguments())
      if (auto tile = dyn_cast<TileType>(argument.getType());
          tile && tile.getAxes().size() == 1 && tile.has(axis.getValue()))
        return argument;
    if (isa<KernelOp>(block->getParentOp()))
      break;
  }
  llvm_unreachable("an axis of a value has points");
}

Value Emitter::broadcast(Value value, AxisMask wanted, Scope &scope) {
  AxisMask missing = wanted & ~graph.maskOf(value.getType());
  if (!missing)
    return value;
  SmallVector<Value> operands{value};
  for (StringAttr axis : graph.axes(missing))
    operands.push_back(indexTile(axis, scope));
  return mapOver(scope.builder, value.getLoc(), operands,
                 [](OpBuilder &, ValueRange in) { return in[0]; });
}

//===-- Scalar nodes -----------------------------------------------------------===//

/// How a node is built: which operation, on which nodes.
struct Emitter::Form {
  enum Op {
    Exemplar,
    Constant,
    Add,
    Sub,
    Negate,
    Mul,
    Divide,
    Power,
    Exp,
    Log,
    Max,
    Min,
    Select,
    Cast,
    Scalar
  } op;
  SmallVector<const Node *, 2> operands;
};

static bool isNegation(const Node *node) {
  return node->kind == Kind::Mul && node->operands[0]->is(-1);
}

/// The factors of a product, apart by whether they multiply or divide.
static void factors(Graph &graph, const Node *node, bool above,
                    SmallVectorImpl<const Node *> &numerator,
                    SmallVectorImpl<const Node *> &denominator) {
  if (node->kind == Kind::Mul) {
    for (const Node *operand : node->operands)
      factors(graph, operand, above, numerator, denominator);
  } else if (node->kind == Kind::Power && node->number < 0) {
    factors(graph, graph.power(node->operands[0], -node->number), !above, numerator, denominator);
  } else {
    (above ? numerator : denominator).push_back(node);
  }
}

Emitter::Form Emitter::formOf(const Node *node) {
  ArrayRef<const Node *> in = node->operands;
  switch (node->kind) {
  case Kind::Constant:
    return {Form::Constant, {}};
  default:
    break;
  }
  if (node->exemplar)
    return {Form::Exemplar, node->sources};
  switch (node->kind) {
  case Kind::Add:
    if (isNegation(in[1]))
      return {Form::Sub, {in[0], in[1]->operands[1]}};
    if (isNegation(in[0]))
      return {Form::Sub, {in[1], in[0]->operands[1]}};
    return {Form::Add, {in[0], in[1]}};
  case Kind::Mul: {
    // One division at the end, so that 0 / 0 of a row without points is 0 (language S1).
    SmallVector<const Node *> numerator, denominator;
    factors(graph, node, true, numerator, denominator);
    auto product = [&](ArrayRef<const Node *> list) {
      const Node *result = graph.constant(1);
      for (const Node *factor : list)
        result = graph.mul(result, factor);
      return result;
    };
    if (!denominator.empty())
      return {Form::Divide, {product(numerator), product(denominator)}};
    if (in[0]->is(-1))
      return {Form::Negate, {in[1]}};
    return {Form::Mul, {in[0], in[1]}};
  }
  case Kind::Power:
    if (node->number < 0)
      return {Form::Divide, {graph.constant(1), graph.power(in[0], -node->number)}};
    return {Form::Power, {in[0]}};
  case Kind::Exp:
    return {Form::Exp, {in[0]}};
  case Kind::Log:
    return {Form::Log, {in[0]}};
  case Kind::Max:
    return {Form::Max, {in[0], in[1]}};
  case Kind::Min:
    return {Form::Min, {in[0], in[1]}};
  case Kind::Select:
    return {Form::Select, {in[0], in[1], in[2]}};
  case Kind::Cast:
    return {Form::Cast, {in[0]}};
  case Kind::Guard:
    return {Form::Select,
            {in[0], graph.constant(node->number ? 1 : 0), graph.constant(node->number ? 0 : 1)}};
  default:
    return {Form::Scalar, node->operands};
  }
}

Value Emitter::build(const Form &form, const Node *node, OpBuilder &builder, Location location,
                     ValueRange in) {
  switch (form.op) {
  case Form::Exemplar: {
    Operation *copy = builder.clone(*node->exemplar);
    copy->setOperands(in);
    return copy->getResult(0);
  }
  case Form::Constant:
    return arith::ConstantOp::create(builder, location,
                                     builder.getF32FloatAttr(float(node->constant)));
  case Form::Add:
    return arith::AddFOp::create(builder, location, in[0], in[1]);
  case Form::Sub:
    return arith::SubFOp::create(builder, location, in[0], in[1]);
  case Form::Negate:
    return arith::NegFOp::create(builder, location, in[0]);
  case Form::Mul:
    return arith::MulFOp::create(builder, location, in[0], in[1]);
  case Form::Divide:
    return arith::DivFOp::create(builder, location, in[0], in[1]);
  case Form::Power: {
    Value result = in[0];
    for (int64_t i = 1; i < node->number; ++i)
      result = arith::MulFOp::create(builder, location, result, in[0]);
    return result;
  }
  case Form::Exp:
    return math::ExpOp::create(builder, location, in[0]);
  case Form::Log:
    return math::LogOp::create(builder, location, in[0]);
  case Form::Max:
    return arith::MaxNumFOp::create(builder, location, in[0], in[1]);
  case Form::Min:
    return arith::MinNumFOp::create(builder, location, in[0], in[1]);
  case Form::Select:
    return arith::SelectOp::create(builder, location, in[0], in[1], in[2]);
  case Form::Cast:
    if (in[0].getType() == node->type)
      return in[0];
    if (in[0].getType().getIntOrFloatBitWidth() < node->type.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(builder, location, node->type, in[0]);
    return arith::TruncFOp::create(builder, location, node->type, in[0]);
  case Form::Scalar: {
    OperationState state(location, node->name.getValue(), in, TypeRange{node->type},
                         node->attributes.getValue());
    return builder.create(state)->getResult(0);
  }
  }
  llvm_unreachable("every form is built");
}

Value Emitter::inlined(const Node *root, Scope &scope) {
  // A tree over the root's axes becomes one map. It ends at what has fewer axes (computed in a map
  // of its own), at what another map of the text gives, and at what is there already.
  SmallVector<Value> operands;
  llvm::DenseMap<const Node *, unsigned> operandOf;
  auto isConstant = [](const Node *node) {
    return node->kind == Kind::Constant || isScalar(node, "arith.constant");
  };
  auto joins = [&](const Node *node) {
    if (isConstant(node) || node == root)
      return true;
    return node->kind != Kind::Value && node->kind != Kind::Reduce &&
           node->kind != Kind::Accumulator && node->axes == root->axes && !node->origin &&
           &scopeOf(node, scope) == &scope && !scope.values.contains(node);
  };
  llvm::SmallPtrSet<const Node *, 8> seen;
  SmallVector<const Node *> order;
  std::function<void(const Node *)> visit = [&](const Node *node) {
    if (!seen.insert(node).second)
      return;
    if (!joins(node)) {
      operandOf[node] = operands.size();
      operands.push_back(value(node, scope));
      return;
    }
    for (const Node *operand : formOf(node).operands)
      visit(operand);
    order.push_back(node);
  };
  visit(root);
  return mapOver(scope.builder, root->location, operands,
                 [&](OpBuilder &builder, ValueRange arguments) {
                   llvm::DenseMap<const Node *, Value> local;
                   for (auto &[node, index] : operandOf)
                     local[node] = arguments[index];
                   for (const Node *node : order) {
                     Form form = formOf(node);
                     SmallVector<Value> in;
                     for (const Node *operand : form.operands)
                       in.push_back(local.lookup(operand));
                     local[node] = build(form, node, builder, node->location, in);
                   }
                   return local.lookup(root);
                 });
}

} // namespace fc::online
