// InterpreterScalars.cpp - arith and math in float64 and wrapped integers, with the language's two
// exceptions
#include "test/compiler/InterpreterScalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace fc::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Sign-extends the low bits; a boolean is 0 or 1.
int64_t wrap(int64_t value, unsigned width) {
  if (width == 1)
    return value & 1;
  return width >= 64 ? value : int64_t(uint64_t(value) << (64 - width)) >> (64 - width);
}

uint64_t asUnsigned(int64_t value, unsigned width) {
  return width >= 64 ? uint64_t(value) : uint64_t(value) & ((uint64_t(1) << width) - 1);
}

ScalarFunction unary(double (*function)(double)) {
  return [=](ArrayRef<Number> in) { return Number{.f = function(in[0].f)}; };
}
ScalarFunction binary(double (*function)(double, double)) {
  return [=](ArrayRef<Number> in) { return Number{.f = function(in[0].f, in[1].f)}; };
}

ScalarFunction integers(Operation *op, int64_t (*function)(int64_t, int64_t, unsigned)) {
  unsigned width = op->getResult(0).getType().getIntOrFloatBitWidth();
  return [=](ArrayRef<Number> in) {
    return Number{.n = wrap(function(in[0].n, in[1].n, width), width)};
  };
}

int64_t floorDivide(int64_t a, int64_t b) {
  if (b == 0)
    return 0;
  int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

ScalarFunction comparison(arith::CmpIOp op) {
  auto predicate = op.getPredicate();
  unsigned width = op.getLhs().getType().getIntOrFloatBitWidth();
  return [=](ArrayRef<Number> in) {
    int64_t a = in[0].n, b = in[1].n;
    uint64_t ua = asUnsigned(a, width), ub = asUnsigned(b, width);
    bool holds = false;
    switch (predicate) {
    case arith::CmpIPredicate::eq:
      holds = a == b;
      break;
    case arith::CmpIPredicate::ne:
      holds = a != b;
      break;
    case arith::CmpIPredicate::slt:
      holds = a < b;
      break;
    case arith::CmpIPredicate::sle:
      holds = a <= b;
      break;
    case arith::CmpIPredicate::sgt:
      holds = a > b;
      break;
    case arith::CmpIPredicate::sge:
      holds = a >= b;
      break;
    case arith::CmpIPredicate::ult:
      holds = ua < ub;
      break;
    case arith::CmpIPredicate::ule:
      holds = ua <= ub;
      break;
    case arith::CmpIPredicate::ugt:
      holds = ua > ub;
      break;
    case arith::CmpIPredicate::uge:
      holds = ua >= ub;
      break;
    }
    return Number{.n = holds};
  };
}

ScalarFunction comparison(arith::CmpFOp op) {
  auto predicate = op.getPredicate();
  return [=](ArrayRef<Number> in) {
    double a = in[0].f, b = in[1].f;
    bool unordered = std::isnan(a) || std::isnan(b);
    using P = arith::CmpFPredicate;
    bool holds = false;
    switch (predicate) {
    case P::AlwaysFalse:
      holds = false;
      break;
    case P::AlwaysTrue:
      holds = true;
      break;
    case P::OEQ:
      holds = a == b;
      break;
    case P::OGT:
      holds = a > b;
      break;
    case P::OGE:
      holds = a >= b;
      break;
    case P::OLT:
      holds = a < b;
      break;
    case P::OLE:
      holds = a <= b;
      break;
    case P::ONE:
      holds = !unordered && a != b;
      break;
    case P::ORD:
      holds = !unordered;
      break;
    case P::UEQ:
      holds = unordered || a == b;
      break;
    case P::UGT:
      holds = unordered || a > b;
      break;
    case P::UGE:
      holds = unordered || a >= b;
      break;
    case P::ULT:
      holds = unordered || a < b;
      break;
    case P::ULE:
      holds = unordered || a <= b;
      break;
    case P::UNE:
      holds = unordered || a != b;
      break;
    case P::UNO:
      holds = unordered;
      break;
    }
    return Number{.n = holds};
  };
}

} // namespace

bool assumesNoNaN(Operation *op) {
  auto flags = op->getAttrOfType<arith::FastMathFlagsAttr>("fastmath");
  return flags && bitEnumContainsAll(flags.getValue(), arith::FastMathFlags::nnan);
}

ScalarFunction scalarFunction(Operation *op) {
  bool ieee = assumesNoNaN(op);
  auto same = [](ArrayRef<Number> in) { return in[0]; };
  return llvm::TypeSwitch<Operation *, ScalarFunction>(op)
      .Case([](arith::ConstantOp constant) -> ScalarFunction {
        Number value;
        if (auto number = dyn_cast<FloatAttr>(constant.getValue()))
          value.f = number.getValueAsDouble();
        else if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()))
          value.n = integer.getType().isInteger(1) ? int64_t(integer.getValue().getZExtValue())
                                                   : integer.getValue().getSExtValue();
        else
          return nullptr;
        return [=](ArrayRef<Number>) { return value; };
      })
      // Floats. Two sums differ from IEEE (language S1), unless the operation says that it does not
      // matter.
      .Case([](arith::AddFOp) { return binary([](double a, double b) { return a + b; }); })
      .Case([&](arith::SubFOp) {
        return ieee ? binary([](double a, double b) { return a - b; })
                    : binary([](double a, double b) {
                        return a == -kInfinity && b == -kInfinity ? -kInfinity : a - b;
                      });
      })
      .Case([](arith::MulFOp) { return binary([](double a, double b) { return a * b; }); })
      .Case([&](arith::DivFOp) {
        return ieee ? binary([](double a, double b) { return a / b; })
                    : binary([](double a, double b) { return a == 0 && b == 0 ? 0 : a / b; });
      })
      .Case([](arith::NegFOp) { return unary([](double a) { return -a; }); })
      .Case<arith::MaxNumFOp, arith::MaximumFOp>([](auto) { return binary(std::fmax); })
      .Case<arith::MinNumFOp, arith::MinimumFOp>([](auto) { return binary(std::fmin); })
      .Case([](math::ExpOp) { return unary(std::exp); })
      .Case([](math::Exp2Op) { return unary(std::exp2); })
      .Case([](math::LogOp) { return unary(std::log); })
      .Case([](math::Log2Op) { return unary(std::log2); })
      .Case([](math::TanhOp) { return unary(std::tanh); })
      .Case([](math::SqrtOp) { return unary(std::sqrt); })
      .Case([](math::RsqrtOp) { return unary([](double a) { return 1 / std::sqrt(a); }); })
      .Case([](math::AbsFOp) { return unary(std::fabs); })
      .Case([](math::FloorOp) { return unary(std::floor); })
      .Case([](math::RoundEvenOp) { return unary(std::nearbyint); })
      .Case([](math::FmaOp) -> ScalarFunction {
        return [](ArrayRef<Number> in) { return Number{.f = in[0].f * in[1].f + in[2].f}; };
      })
      // Casts between floats mark where rounding is allowed (language T4); here nothing rounds.
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) -> ScalarFunction { return same; })
      .Case([](arith::SIToFPOp) -> ScalarFunction {
        return [](ArrayRef<Number> in) { return Number{.f = double(in[0].n)}; };
      })
      .Case([](arith::UIToFPOp cast) -> ScalarFunction {
        unsigned width = cast.getIn().getType().getIntOrFloatBitWidth();
        return [=](ArrayRef<Number> in) { return Number{.f = double(asUnsigned(in[0].n, width))}; };
      })
      .Case([](arith::FPToSIOp cast) -> ScalarFunction {
        unsigned width = cast.getType().getIntOrFloatBitWidth();
        return [=](ArrayRef<Number> in) { return Number{.n = wrap(int64_t(in[0].f), width)}; };
      })
      // Integers.
      .Case([&](arith::AddIOp) {
        return integers(
            op, [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) + uint64_t(b)); });
      })
      .Case([&](arith::SubIOp) {
        return integers(
            op, [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) - uint64_t(b)); });
      })
      .Case([&](arith::MulIOp) {
        return integers(
            op, [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) * uint64_t(b)); });
      })
      .Case([&](arith::FloorDivSIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned) { return floorDivide(a, b); });
      })
      .Case([&](arith::CeilDivSIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned) { return -floorDivide(-a, b); });
      })
      .Case([&](arith::DivSIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned) { return b ? a / b : 0; });
      })
      .Case([&](arith::RemSIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned) { return b ? a % b : 0; });
      })
      .Case([&](arith::DivUIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned width) {
          return b ? int64_t(asUnsigned(a, width) / asUnsigned(b, width)) : 0;
        });
      })
      .Case([&](arith::RemUIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned width) {
          return b ? int64_t(asUnsigned(a, width) % asUnsigned(b, width)) : 0;
        });
      })
      .Case([&](arith::AndIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned) { return a & b; });
      })
      .Case([&](arith::OrIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned) { return a | b; });
      })
      .Case([&](arith::XOrIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned) { return a ^ b; });
      })
      .Case([&](arith::ShLIOp) {
        return integers(op,
                        [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) << b); });
      })
      .Case([&](arith::ShRSIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned) { return a >> b; });
      })
      .Case([&](arith::ShRUIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned width) {
          return int64_t(asUnsigned(a, width) >> b);
        });
      })
      .Case([&](arith::MaxSIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned) { return std::max(a, b); });
      })
      .Case([&](arith::MinSIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned) { return std::min(a, b); });
      })
      .Case([&](arith::MaxUIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned width) {
          return asUnsigned(a, width) > asUnsigned(b, width) ? a : b;
        });
      })
      .Case([&](arith::MinUIOp) {
        return integers(op, [](int64_t a, int64_t b, unsigned width) {
          return asUnsigned(a, width) < asUnsigned(b, width) ? a : b;
        });
      })
      .Case([](math::AbsIOp) -> ScalarFunction {
        return [](ArrayRef<Number> in) { return Number{.n = std::abs(in[0].n)}; };
      })
      .Case([](arith::ExtSIOp cast) -> ScalarFunction {
        unsigned width = cast.getIn().getType().getIntOrFloatBitWidth();
        return [=](ArrayRef<Number> in) { return Number{.n = width == 1 ? -in[0].n : in[0].n}; };
      })
      .Case([](arith::ExtUIOp cast) -> ScalarFunction {
        unsigned width = cast.getIn().getType().getIntOrFloatBitWidth();
        return
            [=](ArrayRef<Number> in) { return Number{.n = int64_t(asUnsigned(in[0].n, width))}; };
      })
      .Case([](arith::TruncIOp cast) -> ScalarFunction {
        unsigned width = cast.getType().getIntOrFloatBitWidth();
        return [=](ArrayRef<Number> in) { return Number{.n = wrap(in[0].n, width)}; };
      })
      .Case([](arith::CmpIOp compare) { return comparison(compare); })
      .Case([](arith::CmpFOp compare) { return comparison(compare); })
      .Case([](arith::SelectOp) -> ScalarFunction {
        return [](ArrayRef<Number> in) { return in[0].n ? in[1] : in[2]; };
      })
      .Default([](Operation *) -> ScalarFunction { return nullptr; });
}

Number identityNumber(ReduceKind kind, Type element) {
  if (isa<FloatType>(element))
    return {.f = kind == ReduceKind::Max ? -kInfinity : kind == ReduceKind::Min ? kInfinity : 0.0};
  unsigned width = element.getIntOrFloatBitWidth();
  switch (kind) {
  case ReduceKind::Max:
    return {.n = APInt::getSignedMinValue(width).getSExtValue()};
  case ReduceKind::Min:
    return {.n = APInt::getSignedMaxValue(width).getSExtValue()};
  case ReduceKind::All:
    return {.n = 1};
  default:
    return {.n = 0};
  }
}

Number combineNumbers(ReduceKind kind, Type element, Number a, Number b) {
  bool isFloat = isa<FloatType>(element);
  switch (kind) {
  case ReduceKind::Sum:
    return isFloat ? Number{.f = a.f + b.f} : Number{.n = a.n + b.n};
  case ReduceKind::Max:
    return isFloat ? Number{.f = std::fmax(a.f, b.f)} : Number{.n = std::max(a.n, b.n)};
  case ReduceKind::Min:
    return isFloat ? Number{.f = std::fmin(a.f, b.f)} : Number{.n = std::min(a.n, b.n)};
  case ReduceKind::Any:
    return {.n = a.n | b.n};
  case ReduceKind::All:
    return {.n = a.n & b.n};
  }
  llvm_unreachable("every kind combines");
}

} // namespace fc::test
