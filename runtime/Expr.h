// Expr.h - the expressions of a manifest (docs/manifest.md, "Expressions"): a small tree, its
// value, its text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fc::rt {

/// An integer of 64 bits, a float or a bool.
struct Value {
  enum class Kind : uint8_t { Int, Float, Bool } kind = Kind::Int;
  int64_t integer = 0; ///< Int; Bool: 0 or 1
  double real = 0;     ///< Float

  static Value ofInt(int64_t value) { return {Kind::Int, value, 0}; }
  static Value ofFloat(double value) { return {Kind::Float, 0, value}; }
  static Value ofBool(bool value) { return {Kind::Bool, value, 0}; }
  bool isInt() const { return kind == Kind::Int; }
  bool isFloat() const { return kind == Kind::Float; }
  bool isBool() const { return kind == Kind::Bool; }
  double asDouble() const { return isFloat() ? real : static_cast<double>(integer); }
  bool operator==(const Value &) const = default;
  std::string text() const; ///< "64", "0.125", "true"
};

enum class ExprOp : uint8_t {
#define FC_EXPR_OP(Name, Spelling, Least, Most, Kind) Name,
#include "runtime/Expr.def"
};

struct Expr {
  ExprOp op = ExprOp::Literal;
  Value literal;      ///< Literal
  std::string name;   ///< Name; Stride, Aligned: the tensor
  int64_t number = 0; ///< Stride: the dimension; Aligned: bytes
  std::vector<Expr> operands;

  std::string text() const; ///< as the language would write it: "(M + 63) / 64"
};

/// What an expression may ask of a launch.
class Environment {
public:
  virtual ~Environment() = default;
  /// The value of a dimension, scalar or compile-time parameter; empty if it has none (yet).
  virtual std::optional<Value> value(std::string_view name) const = 0;
  virtual std::optional<int64_t> stride(std::string_view tensor, int64_t dim) const = 0;
  virtual std::optional<bool> aligned(std::string_view tensor, int64_t bytes) const = 0;
  virtual std::optional<int64_t> sms() const = 0;
};

/// The value of `expr`, or empty with the reason in `error`. Never overflows, never divides by
/// zero.
std::optional<Value> evaluate(const Expr &expr, const Environment &environment, std::string &error);

} // namespace fc::rt
