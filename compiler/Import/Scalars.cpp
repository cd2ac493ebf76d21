// Scalars.cpp - elementwise operations, with the meanings that must be exact (language S1, T1-T5)
#include "compiler/Import/Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/APFloat.h"
#include <array>
#include <cmath>

using namespace mlir;

namespace fc {

using dsl::Elem;
using dsl::Expr;
using dsl::Op;

Type memoryType(MLIRContext *context, Elem elem) {
  switch (elem) {
  case Elem::F32:
    return Float32Type::get(context);
  case Elem::F16:
    return Float16Type::get(context);
  case Elem::BF16:
    return BFloat16Type::get(context);
  case Elem::F8E4M3:
    return Float8E4M3FNType::get(context);
  case Elem::F8E5M2:
    return Float8E5M2Type::get(context);
  default:
    return IntegerType::get(context, dsl::bits(elem));
  }
}

bool isElementwise(const Expr *expr) {
  switch (expr->op) {
  case Op::Const:
  case Op::DimRef:
  case Op::ScalarRef:
  case Op::PointRef:
  case Op::AxisRef:
  case Op::LetRef:
  case Op::VarRef:
  case Op::Read:
  case Op::Dot:
  case Op::Sum:
  case Op::MaxOf:
  case Op::MinOf:
  case Op::Any:
  case Op::All:
  case Op::Softmax:
  case Op::LogSumExp:
  case Op::CumSum:
    return false;
  default:
    return true;
  }
}

//===-- Types and constants ----------------------------------------------------===//

Type Scalars::typeOf(const Expr *expr) {
  if (expr->elem == Elem::Bool)
    return builder.getI1Type();
  if (expr->elem == Elem::I64)
    return builder.getIntegerType(intervals.of(expr).fits32() ? 32 : 64);
  return memoryType(builder.getContext(), expr->elem);
}

Value Scalars::intConstant(int64_t value, Type type) {
  return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value));
}

Value Scalars::floatConstant(double value, Type type) {
  APFloat number(value);
  bool inexact;
  number.convert(cast<FloatType>(type).getFloatSemantics(), APFloat::rmNearestTiesToEven, &inexact);
  return arith::ConstantOp::create(builder, loc, FloatAttr::get(type, number));
}

Value Scalars::constant(const Expr &expr, Location where) {
  loc = where;
  Type type = typeOf(&expr);
  return isa<FloatType>(type) ? floatConstant(expr.floatValue, type)
                              : intConstant(expr.intValue, type);
}

Value Scalars::toWidth(Value value, unsigned width, Location where) {
  unsigned has = value.getType().getIntOrFloatBitWidth();
  if (has == width)
    return value;
  Type type = builder.getIntegerType(width);
  if (has < width)
    return arith::ExtSIOp::create(builder, where, type, value);
  return arith::TruncIOp::create(builder, where, type, value);
}

Value Scalars::bound(const Expr *expr, Value value, Location where) {
  loc = where;
  if (value.getType().isInteger(32))
    return value;
  constexpr int64_t most = int64_t(1) << 30;
  Interval range = intervals.of(expr);
  if (range.hi > most)
    value = arith::MinSIOp::create(builder, loc, value, intConstant(most, value.getType()));
  if (range.lo < -most)
    value = arith::MaxSIOp::create(builder, loc, value, intConstant(-most, value.getType()));
  return toWidth(value, 32, loc);
}

//===-- One operation ----------------------------------------------------------===//

Value Scalars::apply(const Expr &expr, ArrayRef<Value> in, Location where) {
  loc = where;
  switch (expr.op) {
  case Op::Cast:
    return convert(expr, in[0]);
  case Op::Where: {
    Value then = in[1], otherwise = in[2];
    if (expr.elem == Elem::I64) {
      unsigned width = typeOf(&expr).getIntOrFloatBitWidth();
      then = toWidth(then, width, loc);
      otherwise = toWidth(otherwise, width, loc);
    }
    return arith::SelectOp::create(builder, loc, in[0], then, otherwise);
  }
  case Op::Lt:
  case Op::Le:
  case Op::Gt:
  case Op::Ge:
  case Op::Eq:
  case Op::Ne:
    return compare(expr, in[0], in[1]);
  case Op::And:
    return arith::AndIOp::create(builder, loc, in[0], in[1]);
  case Op::Or:
    return arith::OrIOp::create(builder, loc, in[0], in[1]);
  case Op::Not:
    return arith::XOrIOp::create(builder, loc, in[0], intConstant(1, builder.getI1Type()));
  case Op::Bit:
    return bit(expr, in[0], in[1]);
  case Op::Random:
    return random(expr, in);
  default:
    return isFloat(expr.elem) ? floating(expr, in) : integer(expr, in);
  }
}

//===-- Integers ---------------------------------------------------------------===//

/// The width in which an operation is computed: 32 when it and its operands fit.
unsigned Scalars::widthOf(const Expr &expr) {
  bool fits = expr.elem != Elem::I64 || intervals.of(&expr).fits32();
  for (const Expr *operand : expr.operands)
    fits &= intervals.of(operand).fits32();
  return fits ? 32 : 64;
}

Value Scalars::integer(const Expr &expr, ArrayRef<Value> operands) {
  unsigned width = widthOf(expr);
  Type type = builder.getIntegerType(width);
  SmallVector<Value> in;
  for (Value operand : operands)
    in.push_back(toWidth(operand, width, loc));
  Value result;
  switch (expr.op) {
  case Op::Neg:
    result = arith::SubIOp::create(builder, loc, intConstant(0, type), in[0]);
    break;
  case Op::Add:
    result = arith::AddIOp::create(builder, loc, in[0], in[1]);
    break;
  case Op::Sub:
    result = arith::SubIOp::create(builder, loc, in[0], in[1]);
    break;
  case Op::Mul:
    result = arith::MulIOp::create(builder, loc, in[0], in[1]);
    break;
  case Op::Div:
  case Op::Mod:
    result = divide(expr, in[0], in[1]);
    break;
  case Op::Min:
    result = arith::MinSIOp::create(builder, loc, in[0], in[1]);
    break;
  case Op::Max:
    result = arith::MaxSIOp::create(builder, loc, in[0], in[1]);
    break;
  case Op::Clamp:
    result = arith::MinSIOp::create(
        builder, loc, arith::MaxSIOp::create(builder, loc, in[0], in[1]).getResult(), in[2]);
    break;
  case Op::Abs:
    result = math::AbsIOp::create(builder, loc, in[0]);
    break;
  default:
    llvm_unreachable("not an operation on integers");
  }
  return toWidth(result, typeOf(&expr).getIntOrFloatBitWidth(), loc);
}

/// Whether the value is made of dimensions alone. Those are positive wherever a division by them is
/// reached.
static bool isOfDims(const Expr *expr, int depth = 0) {
  expr = resolve(expr);
  return expr->op == Op::DimRef || expr->op == Op::Const ||
         ((expr->op == Op::Div || expr->op == Op::Mul) && depth < 4 &&
          llvm::all_of(expr->operands, [&](const Expr *x) { return isOfDims(x, depth + 1); }));
}

/// Floors (rule T2). A divisor that may be 0 at a point nobody looks at is made 1: the machine's
/// division by 0 has no meaning at all, not even an unused one.
Value Scalars::divide(const Expr &expr, Value a, Value b) {
  const Expr *divisor = expr.operands[1];
  Interval range = intervals.of(divisor);
  Type type = b.getType();
  if (range.lo <= 0 && range.hi >= 0 && !isOfDims(divisor)) {
    Value one = intConstant(1, type);
    if (range.nonNegative()) {
      b = arith::MaxSIOp::create(builder, loc, b, one);
    } else {
      Value isZero =
          arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, b, intConstant(0, type));
      b = arith::SelectOp::create(builder, loc, isZero, one, b);
    }
  }
  if (intervals.of(expr.operands[0]).nonNegative() && range.nonNegative()) {
    if (expr.op == Op::Div)
      return arith::DivUIOp::create(builder, loc, a, b);
    return arith::RemUIOp::create(builder, loc, a, b);
  }
  Value quotient = arith::FloorDivSIOp::create(builder, loc, a, b);
  if (expr.op == Op::Div)
    return quotient;
  Value whole = arith::MulIOp::create(builder, loc, quotient, b);
  return arith::SubIOp::create(builder, loc, a, whole);
}

Value Scalars::compare(const Expr &expr, Value a, Value b) {
  const Expr *left = expr.operands[0], *right = expr.operands[1];
  if (isFloat(left->elem)) {
    arith::CmpFPredicate predicate = arith::CmpFPredicate::UNE;
    switch (expr.op) {
    case Op::Lt:
      predicate = arith::CmpFPredicate::OLT;
      break;
    case Op::Le:
      predicate = arith::CmpFPredicate::OLE;
      break;
    case Op::Gt:
      predicate = arith::CmpFPredicate::OGT;
      break;
    case Op::Ge:
      predicate = arith::CmpFPredicate::OGE;
      break;
    case Op::Eq:
      predicate = arith::CmpFPredicate::OEQ;
      break;
    default:
      break;
    }
    return arith::CmpFOp::create(builder, loc, predicate, a, b);
  }
  if (left->elem == Elem::I64) {
    // A side that fits 32 bits is compared in 32: the other, clamped to just beyond its range,
    // compares the same. It pays where the clamp is over fewer axes than the comparison.
    auto clampTo = [&](const Expr *wide, Value &value, const Expr *narrow) {
      Interval range = intervals.of(narrow);
      if (intervals.of(wide).fits32() || range.lo <= INT32_MIN || range.hi >= INT32_MAX ||
          wide->axes.size() >= expr.axes.size())
        return;
      value =
          arith::MaxSIOp::create(builder, loc, value, intConstant(range.lo - 1, value.getType()));
      value =
          arith::MinSIOp::create(builder, loc, value, intConstant(range.hi + 1, value.getType()));
      value = toWidth(value, 32, loc);
    };
    clampTo(left, a, right);
    clampTo(right, b, left);
    unsigned width =
        std::max(a.getType().getIntOrFloatBitWidth(), b.getType().getIntOrFloatBitWidth());
    a = toWidth(a, width, loc);
    b = toWidth(b, width, loc);
  }
  arith::CmpIPredicate predicate = arith::CmpIPredicate::ne;
  switch (expr.op) {
  case Op::Lt:
    predicate = arith::CmpIPredicate::slt;
    break;
  case Op::Le:
    predicate = arith::CmpIPredicate::sle;
    break;
  case Op::Gt:
    predicate = arith::CmpIPredicate::sgt;
    break;
  case Op::Ge:
    predicate = arith::CmpIPredicate::sge;
    break;
  case Op::Eq:
    predicate = arith::CmpIPredicate::eq;
    break;
  default:
    break;
  }
  return arith::CmpIOp::create(builder, loc, predicate, a, b);
}

/// Bit n of x in two's complement; bits past the top repeat the sign, those below 0 are bit 0.
Value Scalars::bit(const Expr &expr, Value x, Value n) {
  Interval position = intervals.of(expr.operands[1]);
  unsigned width = widthOf(expr);
  Type type = builder.getIntegerType(width);
  x = toWidth(x, width, loc);
  n = toWidth(n, width, loc);
  if (position.lo < 0)
    n = arith::MaxSIOp::create(builder, loc, n, intConstant(0, type));
  if (position.hi >= width)
    n = arith::MinSIOp::create(builder, loc, n, intConstant(width - 1, type));
  Value shifted = arith::ShRSIOp::create(builder, loc, x, n);
  return arith::TruncIOp::create(builder, loc, builder.getI1Type(), shifted);
}

//===-- Floats -----------------------------------------------------------------===//

/// Whether a float can never be -inf, so that a difference with it is IEEE's (S1).
static bool neverNegInf(const Expr *expr, int depth = 0) {
  expr = resolve(expr);
  switch (expr->op) {
  case Op::Const:
    return !isNegativeInfinity(expr);
  case Op::Cast:
    return !isFloat(resolve(expr->operands[0])->elem);
  case Op::Exp:
  case Op::Exp2:
  case Op::Sigmoid:
  case Op::Tanh:
  case Op::Sqrt:
  case Op::Rsqrt:
  case Op::Abs:
  case Op::Random:
  case Op::Softmax:
    return true;
  case Op::Max:
    return depth < 4 &&
           (neverNegInf(expr->operands[0], depth + 1) || neverNegInf(expr->operands[1], depth + 1));
  default:
    return false;
  }
}

/// Whether a float can never be 0, so that a quotient with it is IEEE's (S1).
static bool neverZero(const Expr *expr) {
  expr = resolve(expr);
  return expr->op == Op::Const && expr->floatValue != 0;
}

/// Whether both operands are constants for which `test` holds.
static bool areBoth(ArrayRef<Value> in, llvm::function_ref<bool(const APFloat &)> test) {
  return llvm::all_of(in, [&](Value value) {
    FloatAttr constant;
    return matchPattern(value, m_Constant(&constant)) && test(constant.getValue());
  });
}

Value Scalars::floating(const Expr &expr, ArrayRef<Value> in) {
  Type type = memoryType(builder.getContext(), expr.elem);
  auto ieee = [](auto op) -> Value {
    op.setFastmath(arith::FastMathFlags::nnan);
    return op;
  };
  switch (expr.op) {
  case Op::Neg:
    return arith::NegFOp::create(builder, loc, in[0]);
  case Op::Add:
    return arith::AddFOp::create(builder, loc, in[0], in[1]);
  case Op::Sub: {
    // Where the operands are known, a canonicaliser would fold the operation as IEEE has it.
    if (areBoth(in, [](const APFloat &x) { return x.isInfinity() && x.isNegative(); }))
      return in[0];
    auto op = arith::SubFOp::create(builder, loc, in[0], in[1]);
    return neverNegInf(expr.operands[0]) || neverNegInf(expr.operands[1]) ? ieee(op) : op;
  }
  case Op::Mul:
    return arith::MulFOp::create(builder, loc, in[0], in[1]);
  case Op::Div: {
    if (areBoth(in, [](const APFloat &x) { return x.isZero(); }))
      return in[0];
    auto op = arith::DivFOp::create(builder, loc, in[0], in[1]);
    return neverZero(expr.operands[0]) || neverZero(expr.operands[1]) ? ieee(op) : op;
  }
  case Op::Mod: { // x - floor(x / y) * y
    Value quotient = ieee(arith::DivFOp::create(builder, loc, in[0], in[1]));
    Value floor = math::FloorOp::create(builder, loc, quotient);
    Value whole = arith::MulFOp::create(builder, loc, floor, in[1]);
    return ieee(arith::SubFOp::create(builder, loc, in[0], whole));
  }
  case Op::Min:
    return arith::MinNumFOp::create(builder, loc, in[0], in[1]);
  case Op::Max:
    return arith::MaxNumFOp::create(builder, loc, in[0], in[1]);
  case Op::Clamp: {
    Value above = arith::MaxNumFOp::create(builder, loc, in[0], in[1]);
    return arith::MinNumFOp::create(builder, loc, above, in[2]);
  }
  case Op::Abs:
    return math::AbsFOp::create(builder, loc, in[0]);
  case Op::Exp:
    return math::ExpOp::create(builder, loc, in[0]);
  case Op::Exp2:
    return math::Exp2Op::create(builder, loc, in[0]);
  case Op::Log:
    return math::LogOp::create(builder, loc, in[0]);
  case Op::Log2:
    return math::Log2Op::create(builder, loc, in[0]);
  case Op::Tanh:
    return math::TanhOp::create(builder, loc, in[0]);
  case Op::Sqrt:
    return math::SqrtOp::create(builder, loc, in[0]);
  case Op::Rsqrt:
    return math::RsqrtOp::create(builder, loc, in[0]);
  case Op::Floor:
    return math::FloorOp::create(builder, loc, in[0]);
  case Op::Sigmoid: { // 1 / (1 + exp(-x))
    Value one = floatConstant(1, type);
    Value negated = arith::NegFOp::create(builder, loc, in[0]);
    Value power = math::ExpOp::create(builder, loc, negated);
    Value sum = arith::AddFOp::create(builder, loc, power, one);
    return ieee(arith::DivFOp::create(builder, loc, one, sum));
  }
  default:
    llvm_unreachable("not an operation on floats");
  }
}

//===-- Conversions ------------------------------------------------------------===//

/// Any integer as the `int` it is: i32 where its type's range fits, else i64.
Value Scalars::toWideInteger(const Expr *expr, Value value) {
  unsigned has = value.getType().getIntOrFloatBitWidth();
  Type type = builder.getIntegerType(intervals.of(expr).fits32() ? 32 : 64);
  if (type == value.getType())
    return value;
  if (expr->elem == Elem::U8 || expr->elem == Elem::U32)
    return arith::ExtUIOp::create(builder, loc, type, value);
  return has < type.getIntOrFloatBitWidth()
             ? Value(arith::ExtSIOp::create(builder, loc, type, value))
             : Value(arith::TruncIOp::create(builder, loc, type, value));
}

Value Scalars::convert(const Expr &expr, Value value) {
  const Expr *from = tree.resolve(expr.operands[0]);
  if (from->elem == expr.elem)
    return value;
  Type f32 = builder.getF32Type(), type = typeOf(&expr);
  if (isFloat(expr.elem)) {
    if (!isFloat(from->elem))
      value = arith::SIToFPOp::create(builder, loc, f32, toWideInteger(from, value));
    else if (from->elem != Elem::F32)
      value = arith::ExtFOp::create(builder, loc, f32, value);
    return expr.elem == Elem::F32 ? value
                                  : Value(arith::TruncFOp::create(builder, loc, type, value));
  }
  if (isFloat(from->elem))
    return roundToInteger(expr, from, value);
  value = toWideInteger(from, value);
  return toWidth(value, type.getIntOrFloatBitWidth(), loc);
}

/// To nearest even, saturating; NaN is 0 (rule T3).
Value Scalars::roundToInteger(const Expr &expr, const Expr *from, Value value) {
  Type f32 = builder.getF32Type(), type = typeOf(&expr);
  if (from->elem != Elem::F32)
    value = arith::ExtFOp::create(builder, loc, f32, value);
  if (from->op != Op::Floor)
    value = math::RoundEvenOp::create(builder, loc, value);
  Interval range = rangeOf(expr.elem);
  bool narrow = range.fits32();
  Type wide = builder.getIntegerType(narrow ? 32 : 64);
  // The largest float that does not pass the limit; beyond it the limit itself.
  float top = float(range.hi);
  bool exact = top < 0x1p63f && int64_t(top) <= range.hi;
  float below = exact ? top : std::nextafterf(top, 0.0f);
  Value clamped =
      arith::MaxNumFOp::create(builder, loc, value, floatConstant(double(range.lo), f32));
  clamped = arith::MinNumFOp::create(builder, loc, clamped, floatConstant(below, f32));
  Value result = arith::FPToSIOp::create(builder, loc, wide, clamped);
  if (!exact) {
    Value past = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGE, value,
                                       floatConstant(top, f32));
    result = arith::SelectOp::create(builder, loc, past, intConstant(range.hi, wide), result);
  }
  Value isNaN = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, value, value);
  result = arith::SelectOp::create(builder, loc, isNaN, intConstant(0, wide), result);
  return toWidth(result, type.getIntOrFloatBitWidth(), loc);
}

//===-- Random numbers ---------------------------------------------------------===//

/// Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): key =
/// seed, counter (c0, c1, c2, c3 / 4), word c3 % 4, its upper 24 bits times 2^-24 (rule T5).
Value Scalars::random(const Expr &expr, ArrayRef<Value> in) {
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  auto low = [&](Value x) -> Value {
    return x.getType() == i32 ? x : arith::TruncIOp::create(builder, loc, i32, x).getResult();
  };
  auto high = [&](Value x) -> Value {
    return low(arith::ShRUIOp::create(builder, loc, x, intConstant(32, i64)));
  };
  auto bitXor = [&](Value a, Value b) -> Value {
    return arith::XOrIOp::create(builder, loc, a, b);
  };
  auto product = [&](Value x, uint32_t factor) -> Value {
    Value wide = arith::ExtUIOp::create(builder, loc, i64, x);
    return arith::MulIOp::create(builder, loc, wide, intConstant(int64_t(factor), i64));
  };
  auto plus = [&](Value x, uint32_t step) -> Value {
    return arith::AddIOp::create(builder, loc, x, intConstant(int32_t(step), i32));
  };

  Value seed = toWidth(in[0], 64, loc);
  Value key0 = low(seed), key1 = high(seed);
  Value last = in[4];
  Value quotient = arith::ShRSIOp::create(builder, loc, last, intConstant(2, last.getType()));
  Value word = low(arith::AndIOp::create(builder, loc, last, intConstant(3, last.getType())));
  std::array<Value, 4> counter = {low(in[1]), low(in[2]), low(in[3]), low(quotient)};
  for (int round = 0; round < 10; ++round) {
    if (round > 0) {
      key0 = plus(key0, 0x9E3779B9u);
      key1 = plus(key1, 0xBB67AE85u);
    }
    Value p0 = product(counter[0], 0xD2511F53u), p1 = product(counter[2], 0xCD9E8D57u);
    counter = {bitXor(bitXor(high(p1), counter[1]), key0), low(p1),
               bitXor(bitXor(high(p0), counter[3]), key1), low(p0)};
  }
  Value chosen = counter[0];
  for (int i = 1; i < 4; ++i) {
    Value isWord =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, word, intConstant(i, i32));
    chosen = arith::SelectOp::create(builder, loc, isWord, counter[i], chosen);
  }
  Value upper = arith::ShRUIOp::create(builder, loc, chosen, intConstant(8, i32));
  Value number = arith::SIToFPOp::create(builder, loc, builder.getF32Type(), upper);
  return arith::MulFOp::create(builder, loc, number, floatConstant(0x1p-24, builder.getF32Type()));
}

} // namespace fc
