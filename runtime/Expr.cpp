// Expr.cpp - evaluating and printing the expressions of a manifest; see Expr.h and
// docs/manifest.md.
#include "runtime/Expr.h"
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <span>

namespace fc::rt {
namespace {

enum class Form : uint8_t { Leaf, Infix, Prefix, Call };
struct OpInfo {
  std::string_view spelling;
  Form form;
};
constexpr OpInfo opInfos[] = {
#define FC_EXPR_OP(Name, Spelling, Least, Most, Kind) {Spelling, Form::Kind},
#include "runtime/Expr.def"
};
const OpInfo &info(ExprOp op) { return opInfos[static_cast<size_t>(op)]; }

/// How tightly an infix binds, as in the language's grammar.
int precedence(const Expr &expr) {
  switch (expr.op) {
  case ExprOp::Or:
    return 1;
  case ExprOp::And:
    return 2;
  case ExprOp::Not:
    return 3;
  case ExprOp::Lt:
  case ExprOp::Le:
  case ExprOp::Gt:
  case ExprOp::Ge:
  case ExprOp::Eq:
  case ExprOp::Ne:
    return 4;
  case ExprOp::Add:
    return 5;
  case ExprOp::Sub:
    return expr.operands.size() == 1 ? 7 : 5;
  case ExprOp::Mul:
  case ExprOp::Div:
  case ExprOp::Mod:
    return 6;
  default:
    return 8;
  }
}

class Evaluator {
public:
  Evaluator(const Environment &environment, std::string &error)
      : environment(environment), error(error) {}

  std::optional<Value> run(const Expr &expr) {
    switch (expr.op) {
    case ExprOp::Literal:
      return expr.literal;
    case ExprOp::Name:
      if (auto value = environment.value(expr.name))
        return value;
      return fail("`{}` has no value", expr.name);
    case ExprOp::Stride:
      if (auto stride = environment.stride(expr.name, expr.number))
        return Value::ofInt(*stride);
      return fail("`{}` is not known here", expr.text());
    case ExprOp::Aligned:
      if (auto aligned = environment.aligned(expr.name, expr.number))
        return Value::ofBool(*aligned);
      return fail("`{}` is not known here", expr.text());
    case ExprOp::Sms:
      if (auto sms = environment.sms())
        return Value::ofInt(*sms);
      return fail("`{}` is not known here", expr.text());
    case ExprOp::And:
    case ExprOp::Or:
      return logical(expr);
    case ExprOp::Where:
      return where(expr);
    default:
      return strict(expr);
    }
  }

private:
  template <class... Args>
  std::optional<Value> fail(fmt::format_string<Args...> format, Args &&...args) {
    error = fmt::format(format, std::forward<Args>(args)...);
    return std::nullopt;
  }

  std::optional<Value> logical(const Expr &expr) {
    const bool decides = expr.op == ExprOp::Or;
    for (const Expr &operand : expr.operands) {
      auto value = run(operand);
      if (!value)
        return std::nullopt;
      if (!value->isBool())
        return fail("`{}` is {}, and `{}` takes bools", operand.text(), value->text(),
                    info(expr.op).spelling);
      if ((value->integer != 0) == decides)
        return Value::ofBool(decides);
    }
    return Value::ofBool(!decides);
  }

  std::optional<Value> where(const Expr &expr) {
    auto condition = run(expr.operands[0]);
    if (!condition)
      return std::nullopt;
    if (!condition->isBool())
      return fail("the condition `{}` is {}, not a bool", expr.operands[0].text(),
                  condition->text());
    return run(expr.operands[condition->integer ? 1 : 2]);
  }

  std::optional<Value> strict(const Expr &expr) {
    // Nearly all have two operands; a launch evaluates a dozen expressions within a microsecond.
    std::array<Value, 4> few;
    std::vector<Value> many;
    if (expr.operands.size() > few.size())
      many.resize(expr.operands.size());
    const std::span<Value> values(many.empty() ? few.data() : many.data(), expr.operands.size());
    bool anyBool = false, anyFloat = false;
    for (size_t i = 0; i < values.size(); ++i) {
      auto value = run(expr.operands[i]);
      if (!value)
        return std::nullopt;
      anyBool |= value->isBool();
      anyFloat |= value->isFloat();
      values[i] = *value;
    }
    if (expr.op == ExprOp::Not) {
      if (!anyBool)
        return fail("`not` takes a bool, and `{}` is {}", expr.operands[0].text(),
                    values[0].text());
      return Value::ofBool(!values[0].integer);
    }
    const bool equality = expr.op == ExprOp::Eq || expr.op == ExprOp::Ne;
    if (anyBool && !(equality && values[0].isBool() && values[1].isBool()))
      return fail("`{}` is of a bool, where numbers are asked for", expr.text());
    return anyFloat ? ofFloats(expr, values) : ofInts(expr, values);
  }

  /// Operations on integers that stay integers; the rest goes on to floats.
  std::optional<Value> ofInts(const Expr &expr, std::span<const Value> values) {
    int64_t result = values[0].integer;
    const int64_t second = values.size() > 1 ? values[1].integer : 0;
    auto overflow = [&] { return fail("`{}` overflows 64 bits", expr.text()); };
    switch (expr.op) {
    case ExprOp::Add:
      for (size_t i = 1; i < values.size(); ++i)
        if (__builtin_add_overflow(result, values[i].integer, &result))
          return overflow();
      return Value::ofInt(result);
    case ExprOp::Mul:
      for (size_t i = 1; i < values.size(); ++i)
        if (__builtin_mul_overflow(result, values[i].integer, &result))
          return overflow();
      return Value::ofInt(result);
    case ExprOp::Sub:
      if (values.size() == 1 ? __builtin_sub_overflow(int64_t{0}, result, &result)
                             : __builtin_sub_overflow(result, second, &result))
        return overflow();
      return Value::ofInt(result);
    case ExprOp::Div:
    case ExprOp::Mod: {
      if (second == 0)
        return fail("`{}` divides by 0", expr.text());
      if (second == -1) { // the one quotient that overflows is -2^63 / -1
        if (expr.op == ExprOp::Mod)
          return Value::ofInt(0);
        if (__builtin_sub_overflow(int64_t{0}, result, &result))
          return overflow();
        return Value::ofInt(result);
      }
      const int64_t remainder = result % second;
      const bool below = remainder != 0 && (remainder < 0) != (second < 0);
      return Value::ofInt(expr.op == ExprOp::Div ? result / second - below
                                                 : remainder + (below ? second : 0));
    }
    case ExprOp::Min:
      for (const Value &value : values)
        result = std::min(result, value.integer);
      return Value::ofInt(result);
    case ExprOp::Max:
      for (const Value &value : values)
        result = std::max(result, value.integer);
      return Value::ofInt(result);
    case ExprOp::Clamp:
      return Value::ofInt(std::min(std::max(result, second), values[2].integer));
    case ExprOp::Abs:
      if (result < 0 && __builtin_sub_overflow(int64_t{0}, result, &result))
        return overflow();
      return Value::ofInt(result);
    case ExprOp::ToInt:
      return Value::ofInt(result);
    case ExprOp::Bit:
      if (second < 0 || second > 63)
        return fail("`{}` asks for bit {}, and an integer has bits 0 to 63", expr.text(), second);
      return Value::ofBool((static_cast<uint64_t>(result) >> second) & 1);
    case ExprOp::Lt:
      return Value::ofBool(result < second);
    case ExprOp::Le:
      return Value::ofBool(result <= second);
    case ExprOp::Gt:
      return Value::ofBool(result > second);
    case ExprOp::Ge:
      return Value::ofBool(result >= second);
    case ExprOp::Eq:
      return Value::ofBool(result == second);
    case ExprOp::Ne:
      return Value::ofBool(result != second);
    default:
      return ofFloats(expr, values);
    }
  }

  std::optional<Value> ofFloats(const Expr &expr, std::span<const Value> values) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    double x = values[0].asDouble();
    const double y = values.size() > 1 ? values[1].asDouble() : 0;
    // Rule S1: -inf stands for "no key", so -inf - -inf = -inf, and 0 / 0 = 0.
    auto subtract = [&](double a, double b) {
      return a == -infinity && b == -infinity ? -infinity : a - b;
    };
    switch (expr.op) {
    case ExprOp::Add:
      for (size_t i = 1; i < values.size(); ++i)
        x = subtract(x, -values[i].asDouble());
      return Value::ofFloat(x);
    case ExprOp::Mul:
      for (size_t i = 1; i < values.size(); ++i)
        x *= values[i].asDouble();
      return Value::ofFloat(x);
    case ExprOp::Sub:
      return Value::ofFloat(values.size() == 1 ? -x : subtract(x, y));
    case ExprOp::Div:
      return Value::ofFloat(x == 0 && y == 0 ? 0 : x / y);
    case ExprOp::Mod: {
      if (y == 0)
        return fail("`{}` divides by 0", expr.text());
      const double remainder = std::fmod(x, y);
      return Value::ofFloat(remainder != 0 && (remainder < 0) != (y < 0) ? remainder + y
                                                                         : remainder);
    }
    case ExprOp::Min:
      for (const Value &value : values)
        x = std::min(x, value.asDouble());
      return Value::ofFloat(x);
    case ExprOp::Max:
      for (const Value &value : values)
        x = std::max(x, value.asDouble());
      return Value::ofFloat(x);
    case ExprOp::Clamp:
      return Value::ofFloat(std::min(std::max(x, y), values[2].asDouble()));
    case ExprOp::Abs:
      return Value::ofFloat(std::fabs(x));
    case ExprOp::Sqrt:
      return Value::ofFloat(std::sqrt(x));
    case ExprOp::Rsqrt:
      return Value::ofFloat(1 / std::sqrt(x));
    case ExprOp::Exp:
      return Value::ofFloat(std::exp(x));
    case ExprOp::Exp2:
      return Value::ofFloat(std::exp2(x));
    case ExprOp::Log:
      return Value::ofFloat(std::log(x));
    case ExprOp::Log2:
      return Value::ofFloat(std::log2(x));
    case ExprOp::Tanh:
      return Value::ofFloat(std::tanh(x));
    case ExprOp::Sigmoid:
      return Value::ofFloat(1 / (1 + std::exp(-x)));
    case ExprOp::Floor:
      return Value::ofFloat(std::floor(x));
    case ExprOp::ToFloat:
      return Value::ofFloat(x);
    case ExprOp::ToInt:
      return Value::ofInt(roundToInt(x));
    case ExprOp::Lt:
      return Value::ofBool(x < y);
    case ExprOp::Le:
      return Value::ofBool(x <= y);
    case ExprOp::Gt:
      return Value::ofBool(x > y);
    case ExprOp::Ge:
      return Value::ofBool(x >= y);
    case ExprOp::Eq:
      return Value::ofBool(x == y);
    case ExprOp::Ne:
      return Value::ofBool(x != y);
    default:
      return fail("`{}` is of a float, where integers are asked for", expr.text());
    }
  }

  /// Rule T3: to nearest even, saturating; NaN gives 0.
  static int64_t roundToInt(double x) {
    if (std::isnan(x))
      return 0;
    const double rounded = std::nearbyint(x);
    if (rounded >= 0x1p63)
      return std::numeric_limits<int64_t>::max();
    if (rounded <= -0x1p63)
      return std::numeric_limits<int64_t>::min();
    return static_cast<int64_t>(rounded);
  }

  const Environment &environment;
  std::string &error;
};

} // namespace

std::string Value::text() const {
  switch (kind) {
  case Kind::Int:
    return fmt::format("{}", integer);
  case Kind::Float:
    return fmt::format("{}", real);
  case Kind::Bool:
    return integer ? "true" : "false";
  }
  return "";
}

std::string Expr::text() const {
  // A part in parentheses where it binds less tightly than what surrounds it.
  auto part = [](const Expr &expr, int least) {
    return precedence(expr) < least ? "(" + expr.text() + ")" : expr.text();
  };
  switch (info(op).form) {
  case Form::Leaf:
    switch (op) {
    case ExprOp::Literal:
      return literal.text();
    case ExprOp::Name:
      return name;
    case ExprOp::Sms:
      return "sms";
    default:
      return fmt::format("{}({}, {})", info(op).spelling, name, number);
    }
  case Form::Prefix:
    return fmt::format("{} {}", info(op).spelling, part(operands[0], precedence(*this)));
  case Form::Infix: {
    if (operands.size() == 1)
      return fmt::format("{}{}", info(op).spelling, part(operands[0], precedence(*this)));
    std::string result = part(operands[0], precedence(*this));
    for (size_t i = 1; i < operands.size(); ++i)
      result += fmt::format(" {} {}", info(op).spelling, part(operands[i], precedence(*this) + 1));
    return result;
  }
  case Form::Call: {
    std::string result = fmt::format("{}(", info(op).spelling);
    for (size_t i = 0; i < operands.size(); ++i)
      result += (i ? ", " : "") + operands[i].text();
    return result + ")";
  }
  }
  return "";
}

std::optional<Value> evaluate(const Expr &expr, const Environment &environment,
                              std::string &error) {
  return Evaluator(environment, error).run(expr);
}

} // namespace fc::rt
