// Values.cpp - expressions become values: maps, reads, reductions, products
#include "compiler/Import/KernelImporter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace fc {

using dsl::Axis;
using dsl::Elem;
using dsl::Expr;
using dsl::Op;

//===-- Where things stand -----------------------------------------------------===//

int KernelImporter::depthOf(Value value) {
  for (int depth = int(scopes.size()) - 1; depth > 0; --depth)
    if (scopes[depth].block == value.getParentBlock())
      return depth;
  return 0;
}

void KernelImporter::insertAt(size_t depth) {
  Scope &scope = scopes[depth];
  if (scope.before)
    builder.setInsertionPoint(scope.before);
  else
    builder.setInsertionPointToEnd(scope.block);
}

void KernelImporter::insertFor(ArrayRef<Value> operands) {
  int depth = scopes.size() > 1 ? 1 : 0; // the kernel's own region computes the grid and no more
  for (Value operand : operands)
    depth = std::max(depth, depthOf(operand));
  insertAt(depth);
}

//===-- Values -----------------------------------------------------------------===//

Value KernelImporter::value(const Expr *expr) {
  expr = tree.resolve(expr);
  switch (expr->op) {
  case Op::DimRef:
    return dims.lookup(expr->dim);
  case Op::ScalarRef:
    return scalarValues.lookup(expr->scalar);
  case Op::PointRef:
  case Op::AxisRef:
    return axes.lookup(expr->axis).points;
  default:
    break;
  }
  if (Value made = values.lookup(expr))
    return made;
  if (!inProgress.insert(expr).second) {
    refuse(expr->loc, "a read that is guarded by a condition on itself");
    return {};
  }
  Value made = make(expr);
  inProgress.erase(expr);
  if (!made)
    return {};
  values[expr] = made;
  scopes[depthOf(made)].made.push_back(expr);
  return made;
}

Value KernelImporter::make(const Expr *expr) {
  switch (expr->op) {
  case Op::VarRef: // remembered like any value: a `let` keeps what the variable was (rule A8)
    return vars.lookup(expr->var);
  case Op::Const:
    insertFor({});
    return scalars.constant(*expr, locOf(expr->loc));
  case Op::Read:
    return makeRead(expr);
  case Op::Dot:
    return makeDot(expr);
  case Op::Sum:
  case Op::MaxOf:
  case Op::MinOf:
  case Op::Any:
  case Op::All:
    return makeReduction(expr);
  case Op::CumSum:
    refuse(expr->loc,
           "`cumsum`, the running sum along an axis; a loop over chunks of the axis that carries "
           "the sum does the same");
    return {};
  default:
    return makeElementwise(expr);
  }
}

Value KernelImporter::boundValue(const Expr *expr) {
  Value bound = value(expr);
  if (!bound)
    return {};
  insertFor({bound});
  return scalars.bound(expr, bound, locOf(expr->loc));
}

//===-- Maps -------------------------------------------------------------------===//

Value KernelImporter::apply(Location loc, ArrayRef<Value> operands,
                            llvm::function_ref<Value(ArrayRef<Value>)> body) {
  SmallVector<Type> types;
  for (Value operand : operands)
    types.push_back(operand.getType());
  auto united = unionOfAxes(types, [&] { return mlir::emitError(loc); });
  if (!united)
    return {};
  if (united->empty()) {
    insertFor(operands);
    return body(operands);
  }
  auto *block = new Block;
  SmallVector<Value> arguments;
  for (Value operand : operands)
    arguments.push_back(block->addArgument(elementOf(operand.getType()), operand.getLoc()));
  builder.setInsertionPointToStart(block);
  Value result = body(arguments);
  YieldOp::create(builder, loc, ValueRange{result});
  insertFor(operands);
  auto map =
      MapOp::create(builder, loc, TypeRange{TileType::get(result.getType(), *united)}, operands);
  map.getBody().push_back(block);
  return map.getResult(0);
}

Value KernelImporter::broadcast(Value value, ArrayRef<const Axis *> wanted, Location loc) {
  SmallVector<Value> operands;
  for (const Axis *axis : wanted)
    if (!over(value, axis->name))
      operands.push_back(axes.lookup(axis).points);
  if (operands.empty() || llvm::is_contained(operands, Value()))
    return value;
  // A constant stands in the region, where it is seen to be one.
  if (Operation *constant = value.getDefiningOp(); constant && matchPattern(constant, m_Constant()))
    return apply(loc, operands,
                 [&](ArrayRef<Value>) { return builder.clone(*constant)->getResult(0); });
  operands.insert(operands.begin(), value);
  return apply(loc, operands, [](ArrayRef<Value> in) { return in[0]; });
}

Value KernelImporter::makeElementwise(const Expr *root) {
  auto isInside = [&](const Expr *expr) {
    return expr == root || (isElementwise(expr) && usage.uses(expr) == 1 &&
                            expr->axes == root->axes && !values.contains(expr));
  };
  // What the map takes: the values of all parts that do not belong to it.
  llvm::SetVector<Value> operands;
  bool ok = true;
  auto collect = [&](auto &self, const Expr *expr) -> void {
    expr = tree.resolve(expr);
    if (expr->op == Op::Const)
      return;
    if (isInside(expr)) {
      for (const Expr *operand : expr->operands)
        self(self, operand);
    } else if (Value operand = value(expr)) {
      operands.insert(operand);
    } else {
      ok = false;
    }
  };
  collect(collect, root);
  if (!ok)
    return {};
  return apply(locOf(root->loc), operands.getArrayRef(), [&](ArrayRef<Value> arguments) {
    auto build = [&](auto &self, const Expr *expr) -> Value {
      expr = tree.resolve(expr);
      if (expr->op == Op::Const)
        return scalars.constant(*expr, locOf(expr->loc));
      if (!isInside(expr)) // made above, so this only looks it up
        return arguments[llvm::find(operands, value(expr)) - operands.begin()];
      SmallVector<Value> in;
      for (const Expr *operand : expr->operands)
        in.push_back(self(self, operand));
      return scalars.apply(*expr, in, locOf(expr->loc));
    };
    return build(build, root);
  });
}

//===-- Reductions and products ------------------------------------------------===//

static SmallVector<Attribute> namesOf(OpBuilder &builder, const std::vector<const Axis *> &axes) {
  SmallVector<Attribute> names;
  for (const Axis *axis : axes)
    names.push_back(builder.getStringAttr(axis->name));
  return names;
}

/// The type of `types`' union of axes less those reduced.
static Type reducedType(Type element, ArrayRef<Type> types, ArrayRef<Attribute> names) {
  auto list = *unionOfAxes(types, [] { return InFlightDiagnostic(); });
  llvm::erase_if(list, [&](auto &axis) { return llvm::is_contained(names, axis.first); });
  return TileType::getOrScalar(element, list);
}

Value KernelImporter::makeReduction(const Expr *expr) {
  Location loc = locOf(expr->loc);
  Value in = value(tree.cast(expr->operands[0], expr->elem));
  if (!in)
    return {};
  Type element = scalars.typeOf(expr);
  if (elementOf(in.getType()) != element)
    in = apply(loc, {in}, [&](ArrayRef<Value> x) {
      return scalars.toWidth(x[0], element.getIntOrFloatBitWidth(), loc);
    });
  in = broadcast(in, expr->reduced, loc);
  ReduceKind kind = ReduceKind::All;
  switch (expr->op) {
  case Op::Sum:
    kind = ReduceKind::Sum;
    break;
  case Op::MaxOf:
    kind = ReduceKind::Max;
    break;
  case Op::MinOf:
    kind = ReduceKind::Min;
    break;
  case Op::Any:
    kind = ReduceKind::Any;
    break;
  default:
    break;
  }
  auto names = namesOf(builder, expr->reduced);
  insertFor({in});
  return ReduceOp::create(builder, loc, reducedType(element, {in.getType()}, names), kind,
                          builder.getArrayAttr(names), in);
}

Value KernelImporter::makeDot(const Expr *expr) {
  Location loc = locOf(expr->loc);
  Value sides[2];
  for (int side : {0, 1}) {
    const Expr *operand = tree.resolve(expr->operands[side]);
    // fc.dot takes integers as signed.
    if (operand->elem == Elem::U8 || operand->elem == Elem::U32)
      operand = tree.cast(operand, Elem::I64);
    sides[side] = value(operand);
    if (!sides[side])
      return {};
    sides[side] = broadcast(sides[side], expr->reduced, loc);
  }
  if (isInteger(expr->elem)) {
    unsigned width = 0;
    for (Value side : sides)
      width = std::max(width, elementOf(side.getType()).getIntOrFloatBitWidth());
    for (Value &side : sides)
      if (elementOf(side.getType()).getIntOrFloatBitWidth() != width)
        side = apply(loc, {side},
                     [&](ArrayRef<Value> x) { return scalars.toWidth(x[0], width, loc); });
  }
  auto names = namesOf(builder, expr->reduced);
  insertFor({sides[0], sides[1]});
  return DotOp::create(
      builder, loc,
      reducedType(scalars.typeOf(expr), {sides[0].getType(), sides[1].getType()}, names),
      builder.getArrayAttr(names), sides[0], sides[1], Value(), StringAttr());
}

//===-- Reads ------------------------------------------------------------------===//

void KernelImporter::addBound(Access &access, const Axis *axis) {
  AxisValue entry = axes.lookup(axis);
  if (!entry.hi || llvm::is_contained(access.bounded, entry.points))
    return;
  access.bounded.push_back(entry.points);
  access.limits.push_back(entry.hi);
}

KernelImporter::Access KernelImporter::access(ArrayRef<const Expr *> indices) {
  Access result;
  llvm::DenseSet<const Expr *> seen;
  // Points of a grid that a tensor bounds may lie past the end as well.
  auto addPoints = [&](auto &self, const Expr *expr) -> void {
    expr = tree.resolve(expr);
    if (!seen.insert(expr).second)
      return;
    if (expr->op == Op::PointRef)
      addBound(result, expr->axis);
    for (const Expr *operand : expr->operands)
      self(self, operand);
  };
  for (const Expr *index : indices) {
    result.indices.push_back(value(index));
    addPoints(addPoints, index);
  }
  for (const Expr *index : indices)
    for (const Axis *axis : index->axes)
      addBound(result, axis);
  return result;
}

Value KernelImporter::makeRead(const Expr *expr) {
  Location loc = locOf(expr->loc);
  std::vector<const Expr *> operands = expr->operands;
  Access place = access(operands);
  const std::vector<Guards> &alternatives = usage.guards(expr);
  SmallVector<Value> where;
  if (alternatives.size() == 1) {
    for (const Guard &guard : alternatives[0])
      where.push_back(makePredicate({{guard}}, loc));
  } else if (!alternatives.empty()) {
    where.push_back(makePredicate(alternatives, loc));
  }
  if (llvm::is_contained(place.indices, Value()) || llvm::is_contained(where, Value()))
    return {};

  // A read that may leave the tensor stays in the loop that needs it: the loop may make no turn
  // (S3).
  SmallVector<Value> all(place.indices);
  llvm::append_range(all, place.bounded);
  llvm::append_range(all, place.limits);
  if (where.empty() && staysInside(expr, intervals))
    insertFor(all);
  else
    insertAt(scopes.size() - 1);
  Type memory = memoryType(builder.getContext(), expr->elem);
  SmallVector<Type> types(ValueRange(place.indices).getTypes());
  llvm::append_range(types, ValueRange(where).getTypes());
  Value read = ReadOp::create(builder, loc, reducedType(memory, types, {}), tensors[expr->tensor],
                              place.indices, place.bounded, place.limits, where);
  Type wanted = scalars.typeOf(expr);
  if (wanted == memory)
    return read;
  return apply(loc, {read}, [&](ArrayRef<Value> in) -> Value {
    if (expr->elem != Elem::Bool)
      return scalars.toWidth(in[0], wanted.getIntOrFloatBitWidth(), loc);
    Value zero = arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(memory, 0));
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, in[0], zero);
  });
}

Value KernelImporter::makePredicate(const std::vector<Guards> &alternatives, Location loc) {
  llvm::SetVector<Value> operands;
  for (const Guards &guards : alternatives)
    for (const Guard &guard : guards) {
      Value condition = value(guard.condition);
      if (!condition)
        return {};
      operands.insert(condition);
    }
  if (operands.size() == 1 && alternatives.size() == 1 && alternatives[0][0].holds)
    return operands[0];
  return apply(loc, operands.getArrayRef(), [&](ArrayRef<Value> arguments) {
    auto conjunct = [&](const Guard &guard) -> Value {
      Value x = arguments[llvm::find(operands, value(guard.condition)) - operands.begin()];
      if (guard.holds)
        return x;
      Value one = arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
      return arith::XOrIOp::create(builder, loc, x, one);
    };
    Value any;
    for (const Guards &guards : alternatives) {
      Value all;
      for (const Guard &guard : guards) {
        Value next = conjunct(guard);
        all = all ? Value(arith::AndIOp::create(builder, loc, all, next)) : next;
      }
      any = any ? Value(arith::OrIOp::create(builder, loc, any, all)) : all;
    }
    return any;
  });
}

} // namespace fc
