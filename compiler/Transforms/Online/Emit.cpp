// Emit.cpp - the fold: initial state, body, combine, and the reductions after it
//
// One routine, `step`, makes the new state from old states and, in the body, the points of a tile.
// The body is step(one state, tile), the merge is step(two states, nothing): the same corrections,
// no new knowledge.
//
// A carried maximum starts at kFloor, which is finite, so that no difference of anchors is NaN and
// nothing is guarded in the body or in the merge, in any order of tiles. Differences from an anchor
// are marked `nnan`. After the walk the floor stands for "no point" and becomes -inf.
#include "compiler/Transforms/Online/Emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"
#include <limits>

using namespace mlir;

namespace fc::online {

//===-- Scalars ----------------------------------------------------------------===//

static Value floatConstant(OpBuilder &builder, Location location, double value) {
  return arith::ConstantOp::create(builder, location, builder.getF32FloatAttr(float(value)));
}

/// a - b where neither is -inf on both sides: IEEE's difference.
static Value difference(OpBuilder &builder, Location location, Value a, Value b) {
  auto sub = arith::SubFOp::create(builder, location, a, b);
  sub.setFastmath(arith::FastMathFlags::nnan);
  return sub;
}

/// What a maximum or minimum of integers starts with.
static APInt extremeInteger(ReduceKind kind, unsigned width) {
  return kind == ReduceKind::Max ? APInt::getSignedMinValue(width)
                                 : APInt::getSignedMaxValue(width);
}

Value identityOf(ReduceKind kind, Type type, OpBuilder &builder, Location location) {
  if (isa<FloatType>(type)) {
    float value = kind == ReduceKind::Max ? kFloor : kind == ReduceKind::Min ? -kFloor : 0.0f;
    return arith::ConstantOp::create(builder, location, builder.getFloatAttr(type, value));
  }
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value(width, 0);
  if (kind == ReduceKind::Max || kind == ReduceKind::Min)
    value = extremeInteger(kind, width);
  else if (kind == ReduceKind::All)
    value = APInt(width, 1);
  return arith::ConstantOp::create(builder, location, builder.getIntegerAttr(type, value));
}

Value combineOf(ReduceKind kind, Value a, Value b, OpBuilder &builder, Location location) {
  bool isFloat = isa<FloatType>(a.getType());
  switch (kind) {
  case ReduceKind::Sum:
    return isFloat ? arith::AddFOp::create(builder, location, a, b).getResult()
                   : arith::AddIOp::create(builder, location, a, b).getResult();
  case ReduceKind::Max:
    return isFloat ? arith::MaxNumFOp::create(builder, location, a, b).getResult()
                   : arith::MaxSIOp::create(builder, location, a, b).getResult();
  case ReduceKind::Min:
    return isFloat ? arith::MinNumFOp::create(builder, location, a, b).getResult()
                   : arith::MinSIOp::create(builder, location, a, b).getResult();
  case ReduceKind::Any:
    return arith::OrIOp::create(builder, location, a, b);
  case ReduceKind::All:
    return arith::AndIOp::create(builder, location, a, b);
  }
  llvm_unreachable("every kind combines");
}

/// As f32, if it is a narrower float.
static Value widened(OpBuilder &builder, Location location, Value value) {
  auto type = dyn_cast<FloatType>(value.getType());
  if (!type || type.getWidth() >= 32)
    return value;
  return arith::ExtFOp::create(builder, location, builder.getF32Type(), value);
}

/// As the float type asked for.
Value castTo(OpBuilder &builder, Location location, Value value, Type type) {
  value = widened(builder, location, value);
  if (!type || value.getType() == type || !isa<FloatType>(type))
    return value;
  return arith::TruncFOp::create(builder, location, type, value);
}

//===-- Anchors ----------------------------------------------------------------===//

Emitter::Emitter(Graph &graph, const Derivation &derivation, ArrayRef<AxisOp> axes,
                 llvm::DenseMap<unsigned, Value> &finished)
    : graph(graph), derivation(derivation), axes(axes), finished(finished) {
  for (AxisOp axis : axes)
    walked |= graph.maskOf(axis.axis());
}

bool Emitter::staysFinite(const Node *node) {
  switch (node->kind) {
  case Kind::Constant:
    return std::isfinite(node->constant);
  case Kind::Accumulator: {
    const Accumulator &accumulator = *llvm::find_if(
        derivation.accumulators(), [&](const Accumulator &known) { return known.node == node; });
    return accumulator.kind == ReduceKind::Max || accumulator.kind == ReduceKind::Min;
  }
  case Kind::Reduce:
    return derivation.has(node->number) && staysFinite(derivation.valueOf(node->number));
  case Kind::Max:
    // A sink of -inf is none: the other side counts.
    return staysFinite(node->operands[0]) || staysFinite(node->operands[1]);
  case Kind::Add:
  case Kind::Mul:
    return staysFinite(node->operands[0]) && staysFinite(node->operands[1]);
  default:
    return false;
  }
}

Value Emitter::anchor(const Node *y, Scope &scope) {
  Value raw = value(y, scope);
  if (staysFinite(y))
    return raw;
  // Any anchor is exact, so one that is not a number yet is taken as 0.
  auto key = graph.guard(y, true); // a key of its own: the cleaned value of y
  if (Value known = scope.values.lookup(key))
    return known;
  Location location = y->location;
  Value clean =
      mapOver(scope.builder, location, {raw}, [&](OpBuilder &builder, ValueRange in) -> Value {
        Value size = math::AbsFOp::create(builder, location, in[0]);
        Value infinity = floatConstant(builder, location, std::numeric_limits<double>::infinity());
        Value finite =
            arith::CmpFOp::create(builder, location, arith::CmpFPredicate::OLT, size, infinity);
        return arith::SelectOp::create(builder, location, finite, in[0],
                                       floatConstant(builder, location, 0));
      });
  scope.values[key] = clean;
  return clean;
}

/// x + y as x - (-y), when y is a negation: the maximum itself is an operand, not its opposite.
static const Node *negated(const Node *y) {
  return y->kind == Kind::Mul && y->operands[0]->is(-1) ? y->operands[1] : nullptr;
}

Value Emitter::shifted(const Node *shift, Scope &now) {
  if (Value known = now.shifts.lookup(shift))
    return known;
  const Node *x = shift->operands[0], *y = shift->operands[1], *minus = negated(y);
  Value operands[] = {value(x, now), anchor(minus ? minus : y, now)};
  Value result =
      mapOver(now.builder, x->location, operands, [&](OpBuilder &builder, ValueRange in) -> Value {
        if (minus)
          return difference(builder, x->location, in[0], in[1]);
        return arith::AddFOp::create(builder, x->location, in[0], in[1]);
      });
  return now.shifts[shift] = result;
}

Value Emitter::exponential(const Node *exponent, Scope &now) {
  if (exponent->kind != Kind::Shift)
    return value(graph.unary(Kind::Exp, exponent), now);
  if (Value known = now.exponentials.lookup(exponent))
    return known;
  bool alone = llvm::none_of(derivation.accumulators(), [&](const Accumulator &accumulator) {
    return llvm::any_of(shiftAtoms(accumulator),
                        [&](const ShiftAtom &atom) { return atom.shift == exponent; });
  });
  Value result;
  Location location = exponent->operands[0]->location;
  if (!alone) {
    // The difference is a factor elsewhere.
    result = mapOver(now.builder, location, {shifted(exponent, now)},
                     [&](OpBuilder &builder, ValueRange in) -> Value {
                       return math::ExpOp::create(builder, location, in[0]);
                     });
  } else {
    const Node *x = exponent->operands[0], *y = exponent->operands[1], *minus = negated(y);
    Value operands[] = {value(x, now), anchor(minus ? minus : y, now)};
    result =
        mapOver(now.builder, location, operands, [&](OpBuilder &builder, ValueRange in) -> Value {
          Value w = minus ? difference(builder, location, in[0], in[1])
                          : arith::AddFOp::create(builder, location, in[0], in[1]).getResult();
          return math::ExpOp::create(builder, location, w);
        });
  }
  return now.exponentials[exponent] = result;
}

//===-- Tiles ------------------------------------------------------------------===//

Value Emitter::tileOf(const Side &side, ReduceKind kind, AxisMask wanted, Scope &now) {
  for (auto &[known, knownKind, tile] : now.tiles)
    if (known == side && (knownKind == kind || side.guards.empty()))
      return broadcast(tile, wanted, now);
  Value result;
  Location location = made.getLoc();
  if (side.atoms.size() == 1 && side.guards.empty() && !side.exponent &&
      side.atoms[0].second == 1 && side.atoms[0].first->kind != Kind::Shift) {
    // As the text has it.
    result = value(side.atoms[0].first, now);
    if (side.type && elementOf(result.getType()) != side.type && isa<FloatType>(side.type))
      result = mapOver(now.builder, location, {result}, [&](OpBuilder &builder, ValueRange in) {
        return castTo(builder, location, in[0], side.type);
      });
  } else {
    SmallVector<Value> operands;
    for (auto &[node, power] : side.atoms)
      operands.push_back(node->kind == Kind::Shift ? shifted(node, now) : value(node, now));
    unsigned exponentialAt = operands.size(), guardsAt = exponentialAt;
    // Where the exponent is -inf the point is excluded, whatever the other factors are.
    bool excludes = side.exponent && !side.atoms.empty();
    if (side.exponent) {
      operands.push_back(exponential(side.exponent, now));
      if (excludes)
        operands.push_back(value(
            side.exponent->kind == Kind::Shift ? side.exponent->operands[0] : side.exponent, now));
      guardsAt = operands.size();
    }
    for (const Node *guard : side.guards) {
      operands.push_back(value(guard->operands[0], now));
      if (guard->kind == Kind::Equal)
        operands.push_back(value(guard->operands[1], now));
    }
    result = mapOver(now.builder, location, operands, [&](OpBuilder &builder, ValueRange in) {
      Value product;
      // One factor under guards keeps its type: nothing is computed.
      bool plain = side.atoms.size() == 1 && !side.exponent && side.atoms[0].second == 1;
      auto multiply = [&](Value factor) {
        product = product ? arith::MulFOp::create(builder, location, product, factor).getResult()
                          : factor;
      };
      for (auto [i, atom] : llvm::enumerate(side.atoms)) {
        Value factor = plain ? in[i] : widened(builder, location, in[i]);
        Value power = factor;
        for (int64_t k = 1; k < std::abs(atom.second); ++k)
          power = arith::MulFOp::create(builder, location, power, factor);
        if (atom.second < 0)
          power =
              arith::DivFOp::create(builder, location, floatConstant(builder, location, 1), power);
        multiply(power);
      }
      if (side.exponent)
        multiply(in[exponentialAt]);
      if (!product)
        product = floatConstant(builder, location, 1);
      Value nothing = identityOf(kind, product.getType(), builder, location);
      if (excludes) {
        Value infinity = floatConstant(builder, location, -std::numeric_limits<double>::infinity());
        Value unseen = arith::CmpFOp::create(builder, location, arith::CmpFPredicate::OEQ,
                                             in[exponentialAt + 1], infinity);
        product = arith::SelectOp::create(builder, location, unseen, nothing, product);
      }
      unsigned at = guardsAt;
      for (const Node *guard : side.guards) {
        Value holds = in[at++];
        bool positive = true;
        if (guard->kind == Kind::Equal) {
          // Where all are -inf, all equal the maximum, which is at its floor then.
          Value floor = identityOf(ReduceKind::Max, holds.getType(), builder, location);
          Value clamped = arith::MaxNumFOp::create(builder, location, holds, floor);
          holds = arith::CmpFOp::create(builder, location, arith::CmpFPredicate::OEQ, clamped,
                                        in[at++]);
        } else {
          positive = guard->number;
        }
        product = arith::SelectOp::create(builder, location, holds, positive ? product : nothing,
                                          positive ? nothing : product);
      }
      return castTo(builder, location, product, side.type ? side.type : product.getType());
    });
  }
  now.tiles.push_back({side, kind, result});
  return broadcast(result, wanted, now);
}

//===-- Corrections ------------------------------------------------------------===//

Value Emitter::correction(const Node *shift, Scope &old, Scope &now) {
  Value &known = corrections[{shift, &old}];
  if (known)
    return known;
  const Node *y = shift->operands[1], *minus = negated(y);
  Location location = shift->operands[0]->location;
  // exp(y_now - y_old), never exp(-m) alone.
  Value before = anchor(minus ? minus : y, old), after = anchor(minus ? minus : y, now);
  Value operands[] = {minus ? before : after, minus ? after : before};
  Value result =
      mapOver(now.builder, location, operands, [&](OpBuilder &builder, ValueRange in) -> Value {
        return math::ExpOp::create(builder, location, difference(builder, location, in[0], in[1]));
      });
  return corrections[{shift, &old}] = result;
}

static int64_t binomial(int64_t n, int64_t k) {
  int64_t result = 1;
  for (int64_t i = 0; i < k; ++i)
    result = result * (n - i) / (i + 1);
  return result;
}

Value Emitter::moved(const Accumulator &accumulator, Scope &old, Scope &now) {
  Location location = accumulator.location;
  SmallVector<ShiftAtom> shifts = shiftAtoms(accumulator);
  SmallVector<Value> operands;
  // Distances that the anchors moved: operands in pairs, before and after.
  SmallVector<bool> isMinus;
  for (ShiftAtom &atom : shifts) {
    const Node *y = atom.shift->operands[1], *minus = negated(y);
    isMinus.push_back(minus);
    operands.push_back(anchor(minus ? minus : y, old));
    operands.push_back(anchor(minus ? minus : y, now));
  }
  // (w + d)^n = sum C(n, i) d^(n-i) w^i, over all shifts at once.
  SmallVector<SmallVector<int64_t>> powers{{}};
  for (ShiftAtom &atom : shifts) {
    SmallVector<SmallVector<int64_t>> longer;
    for (auto &prefix : powers)
      for (int64_t k = atom.power; k >= 0; --k) {
        longer.push_back(prefix);
        longer.back().push_back(k);
      }
    powers = std::move(longer);
  }
  unsigned lowerAt = operands.size();
  for (auto &choice : powers)
    operands.push_back(old.values.lookup(derivation.lowered(accumulator, choice).node));
  unsigned factorsAt = operands.size();
  for (const Side &side : accumulator.sides)
    if (side.exponent && side.exponent->kind == Kind::Shift)
      operands.push_back(correction(side.exponent, old, now));
  unsigned equalsAt = operands.size();
  for (const Side &side : accumulator.sides)
    for (const Node *guard : side.guards)
      if (guard->kind == Kind::Equal) {
        operands.push_back(value(guard->operands[1], old));
        operands.push_back(value(guard->operands[1], now));
      }
  if (operands.size() == 1)
    return operands[0];

  return mapOver(now.builder, location, operands, [&](OpBuilder &builder, ValueRange in) {
    SmallVector<Value> distances;
    for (unsigned i = 0; i < shifts.size(); ++i)
      distances.push_back(isMinus[i] ? difference(builder, location, in[2 * i], in[2 * i + 1])
                                     : difference(builder, location, in[2 * i + 1], in[2 * i]));
    Value sum;
    for (auto [index, choice] : llvm::enumerate(powers)) {
      Value term = in[lowerAt + index];
      int64_t coefficient = 1, degree = 0;
      for (auto [i, atom] : llvm::enumerate(shifts)) {
        coefficient *= binomial(atom.power, choice[i]);
        for (int64_t k = choice[i]; k < atom.power; ++k, ++degree)
          term = arith::MulFOp::create(builder, location, term, distances[i]);
      }
      if (coefficient != 1)
        term = arith::MulFOp::create(builder, location, term,
                                     floatConstant(builder, location, coefficient));
      if (degree > 1) {
        // A high power of the distance overflows when a side is empty; nothing of nothing is
        // nothing.
        Value zero = floatConstant(builder, location, 0);
        Value empty = arith::CmpFOp::create(builder, location, arith::CmpFPredicate::OEQ,
                                            in[lowerAt + index], zero);
        term = arith::SelectOp::create(builder, location, empty, zero, term);
      }
      sum = sum ? arith::AddFOp::create(builder, location, sum, term).getResult() : term;
    }
    for (unsigned i = factorsAt; i < equalsAt; ++i)
      sum = arith::MulFOp::create(builder, location, sum, in[i]);
    for (unsigned i = equalsAt; i < in.size(); i += 2) {
      Value same =
          arith::CmpFOp::create(builder, location, arith::CmpFPredicate::OEQ, in[i], in[i + 1]);
      Value nothing = identityOf(accumulator.kind, sum.getType(), builder, location);
      sum = arith::SelectOp::create(builder, location, same, sum, nothing);
    }
    return sum;
  });
}

//===-- The fold ---------------------------------------------------------------===//

Type Emitter::typeOf(const Accumulator &accumulator) {
  SmallVector<TileType::AxisSize> list;
  for (StringAttr axis : graph.axes(accumulator.axes()))
    list.push_back({axis, TileType::kUnsized});
  return TileType::getOrScalar(accumulator.type(), list);
}

Value Emitter::identity(const Accumulator &accumulator, Scope &scope) {
  Location location = accumulator.location;
  SmallVector<Value> operands;
  for (StringAttr axis : graph.axes(accumulator.axes()))
    operands.push_back(indexTile(axis, scope));
  return mapOver(scope.builder, location, operands, [&](OpBuilder &builder, ValueRange) {
    return identityOf(accumulator.kind, accumulator.type(), builder, location);
  });
}

void Emitter::step(MutableArrayRef<Scope *> olds, Scope &now, bool tile) {
  corrections.clear();
  for (const Accumulator &accumulator : derivation.accumulators()) {
    Location location = accumulator.location;
    SmallVector<Value> parts;
    for (Scope *old : olds)
      parts.push_back(moved(accumulator, *old, now));
    OpBuilder &builder = now.builder;
    if (tile) {
      SmallVector<Attribute> names;
      for (StringAttr axis : graph.axes(accumulator.reduced))
        names.push_back(axis);
      ArrayAttr reduced = builder.getArrayAttr(names);
      SmallVector<Value, 2> sides;
      for (const Side &side : accumulator.sides)
        sides.push_back(tileOf(side, accumulator.kind, accumulator.reduced, now));
      if (accumulator.isDot()) {
        assert(parts.size() == 1 && "a turn continues one state");
        now.values[accumulator.node] =
            DotOp::create(builder, location, typeOf(accumulator), reduced, sides[0], sides[1],
                          parts[0], StringAttr());
        continue;
      }
      Value body = sides[0];
      if (elementOf(body.getType()) != accumulator.type())
        body = mapOver(builder, location, {body}, [&](OpBuilder &inside, ValueRange in) {
          return widened(inside, location, in[0]);
        });
      parts.push_back(ReduceOp::create(builder, location, typeOf(accumulator), accumulator.kind,
                                       reduced, body));
    }
    now.values[accumulator.node] =
        mapOver(builder, location, parts, [&](OpBuilder &inside, ValueRange in) {
          Value total = in[0];
          for (Value part : in.drop_front())
            total = combineOf(accumulator.kind, total, part, inside, location);
          return total;
        });
  }
}

FoldOp Emitter::run(OpBuilder &builder, Location location, ArrayRef<unsigned> reductions,
                    ArrayRef<WriteOp> writes) {
  SmallVector<Attribute> names;
  SmallVector<Value> lo, hi, init;
  for (AxisOp axis : axes) {
    names.push_back(builder.getStringAttr(axis.axis()));
    lo.push_back(axis.getLo());
    hi.push_back(axis.getHi());
  }
  ArrayRef<Accumulator> accumulators = derivation.accumulators();
  SmallVector<Type> types;
  for (const Accumulator &accumulator : accumulators)
    types.push_back(typeOf(accumulator));
  // The state is known before the fold is there; its values are made in front of it.
  made = FoldOp::create(builder, location, TypeRange(types), builder.getArrayAttr(names), lo, hi,
                        ValueRange(), DenseI64ArrayAttr());
  outer = std::make_unique<Scope>(OpBuilder(made));
  for (const Accumulator &accumulator : accumulators)
    init.push_back(identity(accumulator, *outer));
  made.getInitMutable().assign(init);

  // The body.
  Block *block = builder.createBlock(&made.getBody());
  builder.setInsertionPointAfter(made);
  body = std::make_unique<Scope>(OpBuilder::atBlockEnd(block));
  Scope before(body->builder), now(body->builder);
  for (AxisOp axis : axes) {
    BlockArgument start = block->addArgument(builder.getI32Type(), axis.getLoc());
    body->values[graph.of(axis.getOut())] =
        IotaOp::create(body->builder, axis.getLoc(), axis.getOut().getType(), start);
  }
  for (const Accumulator &accumulator : accumulators)
    before.values[accumulator.node] = block->addArgument(typeOf(accumulator), accumulator.location);
  Scope *olds[] = {&before};
  step(olds, now, /*tile=*/true);
  for (WriteOp write : writes) {
    SmallVector<Value> operands;
    for (Value operand : write->getOperands())
      operands.push_back(
          broadcast(value(graph.of(operand), now), graph.maskOf(operand.getType()), now));
    Operation *copy = now.builder.clone(*write);
    copy->setOperands(operands);
  }
  auto yield = [&](Scope &scope) {
    SmallVector<Value> values;
    for (const Accumulator &accumulator : accumulators)
      values.push_back(scope.values.lookup(accumulator.node));
    YieldOp::create(scope.builder, location, values);
  };
  yield(now);

  // The merge of two states.
  if (!accumulators.empty()) {
    OpBuilder::InsertionGuard guard(builder);
    Block *merge = builder.createBlock(&made.getCombine());
    Scope first(OpBuilder::atBlockEnd(merge)), second(first.builder), merged(first.builder);
    for (Scope *side : {&first, &second})
      for (const Accumulator &accumulator : accumulators)
        side->values[accumulator.node] =
            merge->addArgument(typeOf(accumulator), accumulator.location);
    Scope *sides[] = {&first, &second};
    step(sides, merged, /*tile=*/false);
    yield(merged);
  }

  // The end: what a row has not seen is -inf again.
  Scope end{OpBuilder(builder)};
  for (auto [accumulator, result] : llvm::zip(accumulators, made.getResults())) {
    Value total = result;
    bool extremum = accumulator.kind == ReduceKind::Max || accumulator.kind == ReduceKind::Min;
    if (extremum && isa<FloatType>(accumulator.type()))
      total =
          mapOver(end.builder, location, {total}, [&](OpBuilder &inside, ValueRange in) -> Value {
            bool top = accumulator.kind == ReduceKind::Max;
            Value floor = identityOf(accumulator.kind, accumulator.type(), inside, location);
            double infinity = std::numeric_limits<double>::infinity();
            Value none = floatConstant(inside, location, top ? -infinity : infinity);
            auto predicate = top ? arith::CmpFPredicate::OLE : arith::CmpFPredicate::OGE;
            Value unseen = arith::CmpFOp::create(inside, location, predicate, in[0], floor);
            return arith::SelectOp::create(inside, location, unseen, none, in[0]);
          });
    end.values[accumulator.node] = total;
  }
  for (unsigned number : reductions) {
    const Reduction &reduction = graph.reductions()[number];
    Value result = value(reduction.node, end), replaced = reduction.op->getResult(0);
    finished[number] = result;
    replaced.replaceAllUsesWith(broadcast(result, graph.maskOf(replaced.getType()), end));
  }
  return made;
}

} // namespace fc::online
