// Graph.cpp - reading operations into the graph; the few identities that keep it small
#include "compiler/Transforms/Online/Graph.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <numbers>

using namespace mlir;

namespace fc::online {

/// Everything that tells one node from another, and what the node is given when it is new.
struct Graph::Description {
  Kind kind;
  SmallVector<const Node *, 2> operands;
  Type type;
  double constant = 0;
  int64_t number = 0;
  StringAttr name = {};
  DictionaryAttr attributes = {};
  Value value = {};
  AxisMask axes = 0;            // in addition to the operands'
  ReductionMask reductions = 0; // in addition to the operands'
};

const Node *Graph::get(const Description &wanted) {
  llvm::FoldingSetNodeID id;
  id.AddInteger(unsigned(wanted.kind));
  for (const Node *operand : wanted.operands)
    id.AddPointer(operand);
  id.AddPointer(wanted.type.getAsOpaquePointer());
  id.AddInteger(llvm::bit_cast<uint64_t>(wanted.constant));
  id.AddInteger(wanted.number);
  id.AddPointer(wanted.name.getAsOpaquePointer());
  id.AddPointer(wanted.attributes.getAsOpaquePointer());
  id.AddPointer(wanted.value.getAsOpaquePointer());
  void *where;
  if (const Node *found = unique.FindNodeOrInsertPos(id, where))
    return found;
  Node &node = nodes.emplace_back(id, UnknownLoc::get(context));
  node.kind = wanted.kind;
  node.id = nodes.size();
  node.operands = wanted.operands;
  node.constant = wanted.constant;
  node.number = wanted.number;
  node.type = wanted.type;
  node.axes = wanted.axes;
  node.reductions = wanted.reductions;
  node.name = wanted.name;
  node.attributes = wanted.attributes;
  for (const Node *operand : wanted.operands) {
    node.axes |= operand->axes;
    node.reductions |= operand->reductions;
    if (isa<UnknownLoc>(node.location))
      node.location = operand->location;
  }
  unique.InsertNode(&node, where);
  return &node;
}

//===-- Axes -------------------------------------------------------------------===//

AxisMask Graph::maskOf(StringRef axis) {
  auto name = StringAttr::get(context, axis);
  auto it = llvm::find(axisNames, name);
  size_t index = it - axisNames.begin();
  if (it == axisNames.end())
    axisNames.push_back(name);
  return AxisMask(1) << std::min<size_t>(index, 63);
}

AxisMask Graph::maskOf(ArrayAttr axes) {
  AxisMask mask = 0;
  for (auto axis : axes.getAsRange<StringAttr>())
    mask |= maskOf(axis.getValue());
  return mask;
}

AxisMask Graph::maskOf(Type type) {
  AxisMask mask = 0;
  for (auto &[axis, size] : axesOf(type))
    mask |= maskOf(axis.getValue());
  return mask;
}

SmallVector<StringAttr> Graph::axes(AxisMask mask) const {
  SmallVector<StringAttr> list;
  for (auto [i, name] : llvm::enumerate(axisNames))
    if (mask >> i & 1)
      list.push_back(name);
  llvm::sort(list, [](StringAttr a, StringAttr b) { return a.getValue() < b.getValue(); });
  return list;
}

//===-- Construction -----------------------------------------------------------===//

const Node *Graph::constant(double value) {
  return get({Kind::Constant, {}, Float32Type::get(context), value});
}

const Node *Graph::add(const Node *a, const Node *b) {
  if (a->is(0))
    return b;
  if (b->is(0))
    return a;
  if (a->kind == Kind::Constant && b->kind == Kind::Constant)
    return constant(a->constant + b->constant);
  if (b->id < a->id)
    std::swap(a, b);
  return get({Kind::Add, {a, b}, a->type});
}

const Node *Graph::mul(const Node *a, const Node *b) {
  if (b->kind == Kind::Constant)
    std::swap(a, b);
  if (a->is(1))
    return b;
  if (a->kind == Kind::Constant) {
    if (b->kind == Kind::Constant)
      return constant(a->constant * b->constant);
    if (b->kind == Kind::Mul && b->operands[0]->kind == Kind::Constant)
      return mul(constant(a->constant * b->operands[0]->constant), b->operands[1]);
    // -(x - y) is y - x: mixed differences are found by their addends.
    if (a->is(-1) && b->kind == Kind::Add)
      return add(negate(b->operands[0]), negate(b->operands[1]));
  } else if (b->id < a->id) {
    std::swap(a, b);
  }
  return get({Kind::Mul, {a, b}, b->type});
}

const Node *Graph::power(const Node *a, int64_t exponent) {
  if (exponent == 1)
    return a;
  if (exponent == 0)
    return constant(1);
  if (a->kind == Kind::Constant && a->constant != 0)
    return constant(std::pow(a->constant, exponent));
  if (a->kind == Kind::Power)
    return power(a->operands[0], a->number * exponent);
  return get({Kind::Power, {a}, a->type, 0, exponent});
}

const Node *Graph::unary(Kind kind, const Node *a) { return get({kind, {a}, a->type}); }

const Node *Graph::extremum(Kind kind, const Node *a, const Node *b) {
  if (b->id < a->id)
    std::swap(a, b);
  return a == b ? a : get({kind, {a, b}, a->type});
}

const Node *Graph::select(const Node *condition, const Node *a, const Node *b) {
  return a == b ? a : get({Kind::Select, {condition, a, b}, a->type});
}

const Node *Graph::like(const Node *scalar, ArrayRef<const Node *> operands) {
  Description wanted{Kind::Scalar, SmallVector<const Node *, 2>(operands), scalar->type};
  wanted.name = scalar->name;
  wanted.attributes = scalar->attributes;
  return get(wanted);
}

const Node *Graph::shift(const Node *x, const Node *y, Location location) {
  auto *node = const_cast<Node *>(get({Kind::Shift, {x, y}, x->type}));
  node->location = location;
  return node;
}

const Node *Graph::guard(const Node *condition, bool holds) {
  // The complement of a complement is the condition itself: equal guards must be one node.
  while (isScalar(condition, "arith.xori") && condition->operands[1]->kind == Kind::Scalar &&
         condition->operands[1]->name == "arith.constant" && condition->type.isInteger(1)) {
    auto value = dyn_cast_or_null<IntegerAttr>(condition->operands[1]->attributes.get("value"));
    if (!value || !value.getValue().isOne())
      break;
    condition = condition->operands[0];
    holds = !holds;
  }
  return get({Kind::Guard, {condition}, Float32Type::get(context), 0, holds});
}

const Node *Graph::equal(const Node *x, const Node *maximum) {
  return get({Kind::Equal, {x, maximum}, Float32Type::get(context)});
}

const Node *Graph::accumulator(AxisMask axes, ReductionMask walk, Type type) {
  Description wanted{Kind::Accumulator, {}, type, 0, int64_t(accumulators++)};
  wanted.axes = axes;
  wanted.reductions = walk;
  return get(wanted);
}

const Node *Graph::compare(unsigned predicate, const Node *a, const Node *b) {
  Builder builder(context);
  auto attribute = arith::CmpFPredicateAttr::get(context, arith::CmpFPredicate(predicate));
  auto none = arith::FastMathFlagsAttr::get(context, arith::FastMathFlags::none);
  Description wanted{Kind::Scalar, {a, b}, builder.getI1Type()};
  wanted.name = builder.getStringAttr(arith::CmpFOp::getOperationName());
  wanted.attributes = builder.getDictionaryAttr(
      {builder.getNamedAttr("predicate", attribute), builder.getNamedAttr("fastmath", none)});
  return get(wanted);
}

const Node *Graph::isEqual(const Node *a, const Node *b) {
  return compare(unsigned(arith::CmpFPredicate::OEQ), a, b);
}

const Node *Graph::isGreater(const Node *a, const Node *b) {
  return compare(unsigned(arith::CmpFPredicate::OGT), a, b);
}

//===-- Reading the IR ---------------------------------------------------------===//

unsigned Graph::addReduction(Operation *op) {
  unsigned number = reductionList.size();
  reductionOf[op] = number;
  ReduceKind kind = ReduceKind::Sum;
  ArrayAttr axes;
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    kind = reduce.getKind();
    axes = reduce.getAxes();
  } else {
    axes = cast<DotOp>(op).getAxes();
  }
  reductionList.push_back({op, kind, maskOf(axes)});
  return number;
}

const Node *Graph::of(Value value) {
  if (const Node *found = memo.lookup(value))
    return found;
  const Node *node = read(value);
  memo[value] = node;
  return node;
}

const Node *Graph::read(Value value) {
  auto opaque = [&](ArrayRef<const Node *> operands) {
    Description wanted{Kind::Value, {}, elementOf(value.getType())};
    wanted.value = value;
    wanted.axes = maskOf(value.getType());
    for (const Node *operand : operands)
      wanted.reductions |= operand->reductions;
    auto *node = const_cast<Node *>(get(wanted));
    node->origin = value;
    node->sources.assign(operands.begin(), operands.end());
    node->location = value.getLoc();
    return node;
  };

  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (auto map = dyn_cast<MapOp>(argument.getOwner()->getParentOp()))
      return of(map.getIns()[argument.getArgNumber()]);
    return opaque({});
  }

  Operation *op = value.getDefiningOp();
  if (auto it = reductionOf.find(op); it != reductionOf.end()) {
    Reduction &reduction = reductionList[it->second];
    Description wanted{Kind::Reduce, {}, elementOf(value.getType()), 0, int64_t(it->second)};
    wanted.reductions = ReductionMask(1) << it->second;
    if (auto reduce = dyn_cast<ReduceOp>(op))
      wanted.operands = {of(reduce.getIn())};
    else
      wanted.operands = {of(cast<DotOp>(op).getA()), of(cast<DotOp>(op).getB())};
    auto *node = const_cast<Node *>(get(wanted));
    node->axes &= ~reduction.axes;
    node->location = op->getLoc();
    node->origin = value;
    reduction.node = node;
    return node;
  }
  if (auto map = dyn_cast<MapOp>(op)) {
    unsigned index = cast<OpResult>(value).getResultNumber();
    auto *node = const_cast<Node *>(of(map.yield().getOperand(index)));
    // Only a tile that varies along all its axes stands for the node: others are broadcasts of it.
    if (!node->origin && node->axes == maskOf(value.getType()))
      node->origin = value;
    return node;
  }
  // A division is not pure to MLIR, for its divisor may be 0; in fc it never is.
  if (op->getNumRegions() == 0 && op->getNumResults() == 1 && isMemoryEffectFree(op) &&
      isa<arith::ArithDialect, math::MathDialect>(op->getDialect())) {
    auto *node = const_cast<Node *>(ofScalarOp(op));
    if (!node->origin && !isa<MapOp>(op->getParentOp()))
      node->origin = value;
    return node;
  }
  // Memory, products and reductions over other axes, loops: opaque, but what they depend on is
  // known.
  SmallVector<const Node *> operands;
  for (Value operand : op->getOperands())
    operands.push_back(of(operand));
  for (Region &region : op->getRegions())
    region.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Region *defined = operand.getParentRegion();
            !region.isAncestor(defined) && !isa<MapOp>(inner->getParentOp()))
          operands.push_back(of(operand));
    });
  return opaque(operands);
}

const Node *Graph::ofScalarOp(Operation *op) {
  SmallVector<const Node *, 2> in;
  for (Value operand : op->getOperands())
    in.push_back(of(operand));
  const Node *node = nullptr;
  Type type = op->getResult(0).getType();
  if (auto constantOp = dyn_cast<arith::ConstantOp>(op))
    if (auto value = dyn_cast<FloatAttr>(constantOp.getValue()); value && type.isF32())
      node = constant(value.getValueAsDouble());
  if (!node && type.isF32()) {
    if (isa<arith::AddFOp>(op))
      node = add(in[0], in[1]);
    else if (isa<arith::SubFOp>(op))
      node = add(in[0], negate(in[1]));
    else if (isa<arith::NegFOp>(op))
      node = negate(in[0]);
    else if (isa<arith::MulFOp>(op))
      node = mul(in[0], in[1]);
    else if (isa<arith::DivFOp>(op))
      node = mul(in[0], power(in[1], -1));
    else if (isa<arith::MaxNumFOp, arith::MaximumFOp>(op))
      node = extremum(Kind::Max, in[0], in[1]);
    else if (isa<arith::MinNumFOp, arith::MinimumFOp>(op))
      node = extremum(Kind::Min, in[0], in[1]);
    else if (isa<math::ExpOp>(op))
      node = unary(Kind::Exp, in[0]);
    else if (isa<math::Exp2Op>(op))
      node = unary(Kind::Exp, mul(constant(std::numbers::ln2), in[0]));
    else if (isa<math::LogOp>(op))
      node = unary(Kind::Log, in[0]);
    else if (isa<math::Log2Op>(op))
      node = mul(constant(std::numbers::log2e), unary(Kind::Log, in[0]));
  }
  if (!node && isa<FloatType>(type)) {
    if (isa<arith::SelectOp>(op))
      node = select(in[0], in[1], in[2]);
    else if (isa<arith::ExtFOp, arith::TruncFOp>(op))
      node = get({Kind::Cast, {in[0]}, type});
  }
  if (!node) {
    Description wanted{Kind::Scalar, SmallVector<const Node *, 2>(in), type};
    wanted.name = op->getName().getIdentifier();
    wanted.attributes = op->getAttrDictionary();
    node = get(wanted);
  }
  auto *written = const_cast<Node *>(node);
  // Sources come before their node, or giving nodes back as they were written would not end: - -x
  // is x.
  if (!written->exemplar && node->kind != Kind::Reduce && node->kind != Kind::Value &&
      llvm::all_of(in, [&](const Node *source) { return source->id < node->id; })) {
    written->exemplar = op;
    written->sources.assign(in.begin(), in.end());
    written->location = op->getLoc();
  }
  return node;
}

//===-- Views ------------------------------------------------------------------===//

bool isScalar(const Node *node, StringRef name) {
  return node->kind == Kind::Scalar && node->name.getValue() == name;
}

static std::optional<arith::CmpFPredicate> predicateOf(const Node *node) {
  if (!isScalar(node, "arith.cmpf"))
    return std::nullopt;
  auto attribute = dyn_cast_or_null<arith::CmpFPredicateAttr>(node->attributes.get("predicate"));
  if (!attribute)
    return std::nullopt;
  return attribute.getValue();
}

std::optional<Comparison> asComparison(const Node *node) {
  auto predicate = predicateOf(node);
  if (!predicate)
    return std::nullopt;
  const Node *a = node->operands[0], *b = node->operands[1];
  switch (*predicate) {
  case arith::CmpFPredicate::OGT:
  case arith::CmpFPredicate::UGT:
    return Comparison{a, b, false};
  case arith::CmpFPredicate::OGE:
  case arith::CmpFPredicate::UGE:
    return Comparison{a, b, true};
  case arith::CmpFPredicate::OLT:
  case arith::CmpFPredicate::ULT:
    return Comparison{b, a, false};
  case arith::CmpFPredicate::OLE:
  case arith::CmpFPredicate::ULE:
    return Comparison{b, a, true};
  default:
    return std::nullopt;
  }
}

std::optional<std::pair<const Node *, const Node *>> asEquality(const Node *node) {
  auto predicate = predicateOf(node);
  if (!predicate ||
      (*predicate != arith::CmpFPredicate::OEQ && *predicate != arith::CmpFPredicate::UEQ))
    return std::nullopt;
  return std::pair(node->operands[0], node->operands[1]);
}

} // namespace fc::online
