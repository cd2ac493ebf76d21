// Arith.cpp - the arithmetic of scalars: meanings of the language, approximations of the machine
//
// Language S1: -inf - -inf = -inf and 0 / 0 = 0, unless `nnan` says that the case cannot arise.
// Exponentials and logarithms are the machine's base-2 approximations (PTX ISA: ex2.approx within 2
// ulp, lg2.approx within 2^-22), divisions and square roots are rounded. Nothing is contracted: m *
// c - m * c must be 0 where both products are of a carried maximum.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "compiler/Transforms/Threads/Lowering.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace fc {

Type scalarType(Type type) {
  if (auto real = dyn_cast<FloatType>(type); real && real.getWidth() == 8)
    return IntegerType::get(type.getContext(), 8);
  return type;
}

Type memoryType(Type type) {
  if (type.isInteger(1))
    return IntegerType::get(type.getContext(), 8);
  return scalarType(type);
}

namespace {

constexpr double kLog2E = 1.4426950408889634, kLn2 = 0.6931471805599453;

class Arithmetic {
public:
  Arithmetic(Emitter &emit, Operation *op, ValueRange operands) : emit(emit), op(op), x(operands) {}

  Value lower() {
    return llvm::TypeSwitch<Operation *, Value>(op)
        .Case([&](arith::ConstantOp constant) { return lowerConstant(constant); })
        .Case<arith::AddIOp>([&](auto) { return emit.add(x[0], x[1]); })
        .Case<arith::SubIOp>([&](auto) { return emit.sub(x[0], x[1]); })
        .Case<arith::MulIOp>([&](auto) { return emit.mul(x[0], x[1]); })
        .Case<arith::DivSIOp>([&](auto) { return make<LLVM::SDivOp>(x[0], divisor()); })
        .Case<arith::RemSIOp>([&](auto) { return make<LLVM::SRemOp>(x[0], divisor()); })
        .Case<arith::DivUIOp>([&](auto) { return make<LLVM::UDivOp>(x[0], divisor()); })
        .Case<arith::RemUIOp>([&](auto) { return make<LLVM::URemOp>(x[0], divisor()); })
        .Case<arith::FloorDivSIOp>([&](auto) { return floorDivide(); })
        .Case<arith::CeilDivSIOp>([&](auto) { return ceilDivide(); })
        .Case<arith::AndIOp>([&](auto) { return make<LLVM::AndOp>(); })
        .Case<arith::OrIOp>([&](auto) { return make<LLVM::OrOp>(); })
        .Case<arith::XOrIOp>([&](auto) { return make<LLVM::XOrOp>(); })
        .Case<arith::ShLIOp>([&](auto) { return make<LLVM::ShlOp>(); })
        .Case<arith::ShRSIOp>([&](auto) { return make<LLVM::AShrOp>(); })
        .Case<arith::ShRUIOp>([&](auto) { return make<LLVM::LShrOp>(); })
        .Case<arith::MaxSIOp>([&](auto) { return make<LLVM::SMaxOp>(); })
        .Case<arith::MinSIOp>([&](auto) { return make<LLVM::SMinOp>(); })
        .Case<arith::MaxUIOp>([&](auto) { return make<LLVM::UMaxOp>(); })
        .Case<arith::MinUIOp>([&](auto) { return make<LLVM::UMinOp>(); })
        .Case([&](math::AbsIOp) {
          Value negative = emit.less(x[0], emit.zero(x[0].getType()));
          return emit.select(negative, emit.sub(emit.zero(x[0].getType()), x[0]), x[0]);
        })
        .Case([&](arith::CmpIOp compare) {
          return emit.cmp(LLVM::ICmpPredicate(compare.getPredicate()), x[0], x[1]);
        })
        .Case([&](arith::CmpFOp compare) -> Value {
          return LLVM::FCmpOp::create(emit.builder, emit.loc,
                                      LLVM::FCmpPredicate(compare.getPredicate()), x[0], x[1]);
        })
        .Case<arith::SelectOp>([&](auto) { return emit.select(x[0], x[1], x[2]); })
        .Case<arith::AddFOp>([&](auto) { return make<LLVM::FAddOp>(); })
        .Case<arith::MulFOp>([&](auto) { return make<LLVM::FMulOp>(); })
        .Case([&](arith::SubFOp sub) { return subtract(sub); })
        .Case([&](arith::DivFOp div) { return divide(div); })
        .Case<arith::NegFOp>([&](auto) { return make<LLVM::FNegOp>(); })
        .Case<arith::MaxNumFOp>([&](auto) { return make<LLVM::MaxNumOp>(); })
        .Case<arith::MinNumFOp>([&](auto) { return make<LLVM::MinNumOp>(); })
        .Case<math::FmaOp>([&](auto) { return make<LLVM::FMAOp>(); })
        .Case<math::AbsFOp>([&](auto) { return make<LLVM::FAbsOp>(); })
        .Case<math::FloorOp>([&](auto) { return make<LLVM::FFloorOp>(); })
        .Case<math::CeilOp>([&](auto) { return make<LLVM::FCeilOp>(); })
        .Case<math::RoundEvenOp>([&](auto) { return make<LLVM::RoundEvenOp>(); })
        .Case<math::CopySignOp>([&](auto) { return make<LLVM::CopySignOp>(); })
        .Case<math::SqrtOp>([&](auto) { return make<LLVM::SqrtOp>(); })
        .Case<math::RsqrtOp>([&](auto) { return approximate("llvm.nvvm.rsqrt.approx.f", x[0]); })
        .Case<math::ExpOp>([&](auto) { return exp2(times(x[0], kLog2E)); })
        .Case<math::Exp2Op>([&](auto) { return exp2(x[0]); })
        .Case<math::LogOp>(
            [&](auto) { return times(approximate("llvm.nvvm.lg2.approx.f", x[0]), kLn2); })
        .Case<math::Log2Op>([&](auto) { return approximate("llvm.nvvm.lg2.approx.f", x[0]); })
        .Case<math::TanhOp>([&](auto) { return tanh(); })
        .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) { return convertFloat(); })
        .Case<arith::SIToFPOp>([&](auto) { return cast<LLVM::SIToFPOp>(); })
        .Case<arith::UIToFPOp>([&](auto) { return cast<LLVM::UIToFPOp>(); })
        .Case<arith::FPToSIOp>([&](auto) { return toInteger(); })
        .Case<arith::ExtSIOp>([&](auto) { return emit.toInteger(resultType(), x[0]); })
        .Case<arith::ExtUIOp>([&](auto) { return cast<LLVM::ZExtOp>(); })
        .Case<arith::TruncIOp>([&](auto) { return emit.toInteger(resultType(), x[0]); })
        .Case<arith::BitcastOp>([&](auto) { return emit.bitcast(resultType(), x[0]); })
        .Default([](Operation *) { return Value(); });
  }

private:
  Type resultType() { return scalarType(op->getResult(0).getType()); }
  template <class Op> Value make() { return Op::create(emit.builder, emit.loc, x); }
  template <class Op> Value cast() {
    return Op::create(emit.builder, emit.loc, resultType(), x[0]);
  }
  template <class Op> Value make(Value a, Value b) {
    return Op::create(emit.builder, emit.loc, a, b);
  }
  Value compare(LLVM::FCmpPredicate predicate, Value a, double b) {
    return LLVM::FCmpOp::create(emit.builder, emit.loc, predicate, a, emit.real(a.getType(), b));
  }

  Value lowerConstant(arith::ConstantOp constant) {
    if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()))
      return emit.constant(integer.getType(), integer.getInt());
    auto real = dyn_cast<FloatAttr>(constant.getValue());
    if (!real)
      return {};
    if (real.getType().getIntOrFloatBitWidth() == 8)
      return emit.constant(emit.i8, real.getValue().bitcastToAPInt().getZExtValue());
    return emit.real(real);
  }

  //===-- Integers: division rounds to minus infinity -------------------------------===//
  /// Elements past a bound are 0 and are divided with the rest; LLVM would conclude from a division
  /// that they are not there, and drop the bound.
  Value divisor() {
    if (auto known = emit.known(x[1]); known && *known != 0)
      return x[1];
    Value zero = emit.zero(x[1].getType());
    return emit.select(emit.equal(x[1], zero), emit.constant(x[1].getType(), 1), x[1]);
  }
  /// Whether quotient * b leaves a remainder whose sign is (is not) that of b.
  Value correction(Value remainder, bool sameSign) {
    Value zero = emit.zero(x[0].getType());
    Value inexact = emit.cmp(LLVM::ICmpPredicate::ne, remainder, zero);
    Value signs = emit.bitXor(remainder, x[1]);
    Value test =
        emit.cmp(sameSign ? LLVM::ICmpPredicate::sge : LLVM::ICmpPredicate::slt, signs, zero);
    return emit.both(inexact, test);
  }
  Value floorDivide() {
    if (auto known = emit.known(x[1]); known && *known > 0 && llvm::isPowerOf2_64(*known))
      return make<LLVM::AShrOp>(x[0], emit.constant(x[0].getType(), llvm::Log2_64(*known)));
    if (auto wide = op->getOperand(0).getDefiningOp<arith::ExtSIOp>();
        wide && wide.getIn().getType().isInteger(32) && x[0].getType().isInteger(64))
      return divideNarrow();
    Value by = divisor(), quotient = make<LLVM::SDivOp>(x[0], by),
          remainder = make<LLVM::SRemOp>(x[0], by);
    return emit.select(correction(remainder, false),
                       emit.sub(quotient, emit.constant(quotient.getType(), 1)), quotient);
  }
  /// Of 32 bits by a divisor of 64, which 2^32 - 1 replaces where it is further from 0: the
  /// quotient is 0 or -1 by either. floor(a / b) is floor(-a / -b), and of a < 0 < b it is -1 -
  /// floor((-1 - a) / b), so that a division of 32 bits without signs does.
  Value divideNarrow() {
    Value by = divisor(), a = emit.toInteger(emit.i32, x[0]);
    Value flips = emit.less(by, emit.zero(by.getType())), zero = emit.zero(emit.i32);
    Value size = emit.select(flips, emit.sub(emit.zero(by.getType()), by), by);
    size = make<LLVM::UMinOp>(size, emit.constant(size.getType(), UINT32_MAX));
    Value below = emit.select(flips, emit.less(zero, a), emit.less(a, zero));
    auto ones = [&](Type type) {
      return emit.select(below, emit.constant(type, -1), emit.zero(type));
    };
    a = emit.bitXor(emit.select(flips, emit.sub(zero, a), a), ones(emit.i32));
    Value quotient = make<LLVM::UDivOp>(a, emit.toInteger(emit.i32, size));
    Value wide = LLVM::ZExtOp::create(emit.builder, emit.loc, x[0].getType(), quotient);
    return emit.bitXor(wide, ones(x[0].getType()));
  }
  Value ceilDivide() {
    Value by = divisor(), quotient = make<LLVM::SDivOp>(x[0], by),
          remainder = make<LLVM::SRemOp>(x[0], by);
    return emit.select(correction(remainder, true),
                       emit.add(quotient, emit.constant(quotient.getType(), 1)), quotient);
  }

  //===-- Floats ---------------------------------------------------------------------===//
  static bool exact(arith::FastMathFlags flags) {
    return bitEnumContainsAll(flags, arith::FastMathFlags::nnan);
  }
  /// Whether an operand of the operation is a constant for which `test` holds.
  bool constantOperand(int index, llvm::function_ref<bool(const APFloat &)> test) {
    APFloat value(0.0f);
    return matchPattern(op->getOperand(index), m_ConstantFloat(&value)) && test(value);
  }

  Value subtract(arith::SubFOp sub) {
    Value difference = make<LLVM::FSubOp>();
    auto harmless = [](const APFloat &value) {
      return !(value.isInfinity() && value.isNegative());
    };
    if (exact(sub.getFastmath()) || constantOperand(0, harmless) || constantOperand(1, harmless))
      return difference;
    double infinity = std::numeric_limits<double>::infinity();
    Value unseen = emit.both(compare(LLVM::FCmpPredicate::oeq, x[0], -infinity),
                             compare(LLVM::FCmpPredicate::oeq, x[1], -infinity));
    return emit.select(unseen, x[0], difference);
  }

  /// Whether the value is an exponential and a positive number, which has a reciprocal.
  static bool isAboveAnExponential(Value value) {
    auto sum = value.getDefiningOp<arith::AddFOp>();
    APFloat number(0.0f);
    return sum && llvm::any_of(llvm::zip(sum->getOperands(), llvm::reverse(sum->getOperands())),
                               [&](auto pair) {
                                 auto [x, other] = pair;
                                 Operation *op = x.getDefiningOp();
                                 return isa_and_nonnull<math::ExpOp, math::Exp2Op>(op) &&
                                        matchPattern(other, m_ConstantFloat(&number)) &&
                                        number.isNormal() && !number.isNegative();
                               });
  }

  /// Rounded correctly, or within two units of the last place where `arcp` allows that.
  Value quotientOf(arith::DivFOp div) {
    if (!bitEnumContainsAll(div.getFastmath(), arith::FastMathFlags::arcp) ||
        !x[0].getType().isF32())
      return make<LLVM::FDivOp>();
    auto isOne = [](const APFloat &value) { return value.isExactlyValue(1); };
    if (constantOperand(0, isOne) && isAboveAnExponential(div.getRhs()))
      return approximate("llvm.nvvm.rcp.approx.ftz.f", x[1]);
    return emit.intrinsic("llvm.nvvm.div.full", emit.f32, x);
  }

  Value divide(arith::DivFOp div) {
    Value quotient = quotientOf(div);
    auto harmless = [](const APFloat &value) { return !value.isZero(); };
    if (exact(div.getFastmath()) || constantOperand(0, harmless) || constantOperand(1, harmless))
      return quotient;
    Value nothing = emit.both(compare(LLVM::FCmpPredicate::oeq, x[0], 0),
                              compare(LLVM::FCmpPredicate::oeq, x[1], 0));
    return emit.select(nothing, emit.real(quotient.getType(), 0), quotient);
  }

  /// The machine's function, which is of f32.
  Value approximate(StringRef name, Value value) {
    if (!value.getType().isF32())
      return {};
    return emit.intrinsic(name, emit.f32, value);
  }
  Value exp2(Value value) {
    return value ? approximate("llvm.nvvm.ex2.approx.ftz.f", value) : value;
  }
  Value times(Value value, double factor) {
    if (!value)
      return value;
    return make<LLVM::FMulOp>(value, emit.real(value.getType(), factor));
  }

  /// 1 - 2 / (1 + exp(2|x|)) with x's sign; near 0, where that cancels, the odd Taylor polynomial
  /// to x^9 (its remainder below 0.3 is under 5e-8 of x).
  Value tanh() {
    if (!x[0].getType().isF32())
      return {};
    auto real = [&](double value) { return emit.real(emit.f32, value); };
    auto fma = [&](Value a, Value b, Value c) -> Value {
      return LLVM::FMAOp::create(emit.builder, emit.loc, a, b, c);
    };
    Value magnitude = LLVM::FAbsOp::create(emit.builder, emit.loc, x[0]);
    Value grown = make<LLVM::FAddOp>(exp2(times(magnitude, 2 * kLog2E)), real(1));
    Value far =
        fma(emit.intrinsic("llvm.nvvm.rcp.approx.ftz.f", emit.f32, grown), real(-2), real(1));
    Value square = make<LLVM::FMulOp>(x[0], x[0]);
    Value sum = fma(square, real(62.0 / 2835), real(-17.0 / 315));
    sum = fma(square, sum, real(2.0 / 15));
    sum = fma(square, sum, real(-1.0 / 3));
    Value near = fma(make<LLVM::FMulOp>(square, magnitude), sum, magnitude);
    Value result = emit.select(compare(LLVM::FCmpPredicate::olt, magnitude, 0.3), near, far);
    return LLVM::CopySignOp::create(emit.builder, emit.loc, result, x[0]);
  }

  Value convertFloat() {
    Type from = op->getOperand(0).getType(), to = op->getResult(0).getType();
    if (from.getIntOrFloatBitWidth() == 8) {
      Value wide = widenFloat8(emit, from, x[0]);
      if (!wide || to.isF32())
        return wide;
      return LLVM::FPTruncOp::create(emit.builder, emit.loc, to, wide);
    }
    if (to.getIntOrFloatBitWidth() == 8)
      return narrowFloat8(to);
    if (from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
      return cast<LLVM::FPExtOp>();
    return cast<LLVM::FPTruncOp>();
  }

  /// To an 8-bit float: to nearest even, saturating. Adding and subtracting a power of two whose
  /// last place is the result's rounds; f16 then holds the result exactly, at the same place but
  /// for a power of two.
  Value narrowFloat8(Type to) {
    bool wide = isa<Float8E5M2Type>(to);
    if (!wide && !isa<Float8E4M3FNType>(to))
      return {};
    Value value = x[0];
    if (!value.getType().isF32())
      value = LLVM::FPExtOp::create(emit.builder, emit.loc, emit.f32, value);
    Value bits = emit.bitcast(emit.i32, value);
    Value magnitude = make<LLVM::MinNumOp>(LLVM::FAbsOp::create(emit.builder, emit.loc, value),
                                           emit.real(emit.f32, wide ? 57344 : 448));
    Value binade = emit.bitcast(
        emit.f32, emit.bitAnd(emit.bitcast(emit.i32, magnitude), emit.constant(0x7f800000)));
    Value least = emit.real(emit.f32, wide ? 0x1p-14 : 0x1p-6); // below it places are fixed
    Value round = times(make<LLVM::MaxNumOp>(binade, least), wide ? 0x1p21 : 0x1p20);
    Value rounded = make<LLVM::FSubOp>(make<LLVM::FAddOp>(magnitude, round), round);
    Value half = LLVM::FPTruncOp::create(emit.builder, emit.loc, emit.builder.getF16Type(),
                                         wide ? rounded : times(rounded, 0x1p-8));
    Value code = emit.toInteger(emit.i8, emit.shr(emit.bitcast(emit.i16, half), wide ? 8 : 7));
    Value isNan =
        LLVM::FCmpOp::create(emit.builder, emit.loc, LLVM::FCmpPredicate::uno, value, value);
    code = emit.select(isNan, emit.constant(emit.i8, 0x7f), code);
    Value sign = emit.toInteger(emit.i8, emit.bitAnd(emit.shr(bits, 24), emit.constant(0x80)));
    return emit.bitOr(code, sign);
  }

  /// Language T3: to nearest even, saturating. cvt does both.
  Value toInteger() {
    unsigned width = resultType().getIntOrFloatBitWidth();
    if (!x[0].getType().isF32() || width < 32)
      return {};
    return emit.intrinsic(width == 64 ? "llvm.nvvm.f2ll.rn" : "llvm.nvvm.f2i.rn", resultType(),
                          x[0]);
  }

  Emitter &emit;
  Operation *op;
  ValueRange x;
};

} // namespace

/// f16 holds both formats: e5m2 is its upper byte; e4m3 is it but for 7 bits' place and a factor of
/// 2^8.
Value widenFloat8(Emitter &emit, Type type, Value byte) {
  bool wide = isa<Float8E5M2Type>(type);
  if (!wide && !isa<Float8E4M3FNType>(type))
    return {};
  Value bits = LLVM::ZExtOp::create(emit.builder, emit.loc, emit.i16, byte);
  auto real = [&](Value halfBits) -> Value {
    Value half = emit.bitcast(emit.builder.getF16Type(), halfBits);
    return LLVM::FPExtOp::create(emit.builder, emit.loc, emit.f32, half);
  };
  if (wide)
    return real(emit.shl(bits, 8));
  Value magnitude = emit.bitAnd(bits, emit.constant(emit.i16, 0x7f));
  Value sign = emit.shl(emit.bitAnd(bits, emit.constant(emit.i16, 0x80)), 8);
  Value value =
      LLVM::FMulOp::create(emit.builder, emit.loc, real(emit.bitOr(sign, emit.shl(magnitude, 7))),
                           emit.real(emit.f32, 256));
  Value isNan = emit.equal(magnitude, emit.constant(emit.i16, 0x7f));
  return emit.select(isNan, emit.real(emit.f32, std::numeric_limits<double>::quiet_NaN()), value);
}

Value lowerScalar(Emitter &emit, Operation *op, ValueRange operands) {
  return Arithmetic(emit, op, operands).lower();
}

} // namespace fc
