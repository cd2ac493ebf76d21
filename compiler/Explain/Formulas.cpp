// Formulas.cpp - infix text of graph nodes
#include "compiler/Explain/Formulas.h"
#include "dsl/DumpAst.h"
#include <cmath>
#include <cstdio>

using namespace mlir;

namespace fc::explain {

using online::Kind;
using online::Node;

static std::string number(double value) {
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.9g", value);
  return buffer;
}

static std::string typeName(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// Whether an expression of the text and a node can be the same thing. A place of the text may
/// carry several nodes, and folding may leave a place behind on something else.
static bool matches(const dsl::Expr &expr, const Node *node) {
  using dsl::Op;
  switch (expr.op) {
  case Op::Where:
    return node->kind == Kind::Select;
  case Op::Add:
  case Op::Sub:
    return node->kind == Kind::Add || node->kind == Kind::Scalar;
  case Op::Mul:
  case Op::Div:
  case Op::Neg:
    return node->kind == Kind::Mul || node->kind == Kind::Scalar;
  case Op::Exp:
  case Op::Exp2:
    return node->kind == Kind::Exp;
  case Op::Log:
  case Op::Log2:
    return node->kind == Kind::Log;
  case Op::Max:
    return node->kind == Kind::Max || node->kind == Kind::Scalar;
  case Op::Min:
    return node->kind == Kind::Min || node->kind == Kind::Scalar;
  case Op::Cast:
    return node->kind == Kind::Cast || node->kind == Kind::Scalar;
  case Op::Read:
  case Op::Dot:
  case Op::Sum:
  case Op::MaxOf:
  case Op::MinOf:
  case Op::Any:
  case Op::All:
    return node->kind == Kind::Value || node->kind == Kind::Reduce;
  case Op::Softmax:
  case Op::LogSumExp:
  case Op::CumSum:
    return false;
  default:
    return node->kind == Kind::Scalar || node->kind == Kind::Value;
  }
}

std::string Formulas::freeName(StringRef wish) {
  std::string name = wish.str();
  for (int n = 2; names.isTaken(name) || !used.insert(name).second; ++n)
    name = (wish + Twine(n)).str();
  return name;
}

std::string Formulas::printOpaque(const Node *node) {
  if (node->origin)
    if (auto argument = dyn_cast<BlockArgument>(node->origin)) {
      Operation *parent = argument.getOwner()->getParentOp();
      if (isa<KernelOp>(parent))
        return cast<StringAttr>(params[argument.getArgNumber()]).str();
      if (auto program = dyn_cast<ProgramOp>(parent))
        return cast<StringAttr>(program.getAxes()[argument.getArgNumber()]).str();
      if (auto *let = names.letAt(argument.getLoc()))
        return let->name;
    }
  Operation *op = node->exemplar ? node->exemplar
                  : node->origin ? node->origin.getDefiningOp()
                                 : nullptr;
  if (op) {
    if (auto axis = dyn_cast<AxisOp>(op))
      return axis.axis().str();
    if (auto iota = dyn_cast<IotaOp>(op))
      return iota.axis().str();
    if (auto dim = dyn_cast<DimOp>(op))
      return dim.getName().str();
  }
  Location location = op ? op->getLoc() : node->location;
  if (const dsl::Let *let = names.letAt(location))
    return let->name;
  if (const dsl::Expr *expr = names.exprAt(location);
      expr && expr->op != dsl::Op::Softmax && expr->op != dsl::Op::LogSumExp)
    return dsl::formula(*expr);
  return "(..)";
}

/// The factors of a product: numerators, denominators and the constant.
static void factors(const Node *node, double &constant, SmallVectorImpl<const Node *> &above,
                    SmallVectorImpl<std::pair<const Node *, int64_t>> &below,
                    llvm::function_ref<bool(const Node *)> isWhole) {
  if (node->kind == Kind::Mul && !isWhole(node)) {
    for (const Node *operand : node->operands)
      factors(operand, constant, above, below, isWhole);
  } else if (node->kind == Kind::Constant) {
    constant *= node->constant;
  } else if (node->kind == Kind::Power && node->number < 0 && !isWhole(node)) {
    below.push_back({node->operands[0], -node->number});
  } else {
    above.push_back(node);
  }
}

std::string Formulas::printProduct(const Node *node, Binding &own) {
  double constant = 1;
  SmallVector<const Node *> above;
  SmallVector<std::pair<const Node *, int64_t>> below;
  factors(node, constant, above, below,
          [&](const Node *part) { return part != node && isNamed(part); });
  std::string text;
  if (constant == -1 && !above.empty())
    text = "-";
  else if (constant != 1 || above.empty())
    text = number(constant) + (above.empty() ? "" : " * ");
  for (auto [i, part] : llvm::enumerate(above))
    text += (i ? " * " : "") + print(part, Atom);
  for (auto [part, power] : below)
    text += " / " + print(part, Atom) + (power == 1 ? "" : "^" + std::to_string(power));
  own = above.size() == 1 && below.empty() && constant == 1 ? Atom : Term;
  return text;
}

std::string Formulas::printSum(const Node *node) {
  std::string text = print(node->operands[0], Sum);
  std::string second = print(node->operands[1], Sum);
  if (StringRef(second).starts_with("-") && second != "-inf")
    return text + " - " + second.substr(1);
  if (StringRef(text).starts_with("-") && text != "-inf") // b - a
    return second + " - " + text.substr(1);
  return text + " + " + second;
}

std::string Formulas::print(const Node *node, Binding inside) {
  if (auto it = given.find(node); it != given.end())
    return it->second + (moved && moving.contains(node) ? "'" : "");
  if (auto it = made.find(node); it != made.end())
    return print(it->second, inside);
  // What the text names, and what does not depend on a reduction, is quoted.
  Operation *op = node->exemplar ? node->exemplar
                  : node->origin ? node->origin.getDefiningOp()
                                 : nullptr;
  if (op) {
    const dsl::Let *let = names.letAt(op->getLoc());
    if (let && matches(*let->value, node) && !(moved && node->reductions))
      return let->name;
    const dsl::Expr *expr = names.exprAt(op->getLoc());
    if (!node->reductions && expr && node->kind != Kind::Value && node->kind != Kind::Constant &&
        matches(*expr, node)) {
      std::string text = dsl::formula(*expr);
      bool isAtom = StringRef(text).find_first_of(" ") == StringRef::npos;
      bool isCall = node->kind == Kind::Select || node->kind == Kind::Exp ||
                    node->kind == Kind::Log || node->kind == Kind::Max || node->kind == Kind::Min;
      return inside == Any || isAtom || isCall ? text : "(" + text + ")";
    }
  }
  Binding own = Atom;
  std::string text;
  auto in = [&](unsigned i) { return print(node->operands[i]); };
  switch (node->kind) {
  case Kind::Constant:
    text = number(node->constant);
    break;
  case Kind::Add:
  case Kind::Shift:
    text = printSum(node);
    own = Sum;
    break;
  case Kind::Mul:
    text = printProduct(node, own);
    break;
  case Kind::Power:
    if (node->number < 0)
      text = printProduct(node, own);
    else
      text = print(node->operands[0], Atom) + "^" + std::to_string(node->number);
    break;
  case Kind::Exp:
    text = "exp(" + in(0) + ")";
    break;
  case Kind::Log:
    text = "log(" + in(0) + ")";
    break;
  case Kind::Max:
    text = "max(" + in(0) + ", " + in(1) + ")";
    break;
  case Kind::Min:
    text = "min(" + in(0) + ", " + in(1) + ")";
    break;
  case Kind::Select:
    text = "where(" + in(0) + ", " + in(1) + ", " + in(2) + ")";
    break;
  case Kind::Cast:
    if (node->type.isF32()) // exact
      return print(node->operands[0], inside);
    text = in(0) + " as " + typeName(node->type);
    own = Any;
    break;
  case Kind::Guard:
    text = node->number ? in(0) : "not (" + in(0) + ")";
    own = Any;
    break;
  case Kind::Equal:
    text = in(0) + " == " + in(1);
    own = Any;
    break;
  case Kind::Reduce:
  case Kind::Accumulator:
  case Kind::Value:
    text = printOpaque(node);
    own = StringRef(text).contains(' ') && !StringRef(text).ends_with(")") &&
                  !StringRef(text).ends_with("]")
              ? Any
              : Atom;
    break;
  case Kind::Scalar: {
    auto comparison = online::asComparison(node);
    if (comparison) {
      text = print(comparison->greater, Sum) + (comparison->orEqual ? " >= " : " > ") +
             print(comparison->smaller, Sum);
      own = Any;
      break;
    }
    StringRef operation = node->name.getValue();
    text = operation.substr(operation.rfind('.') + 1).str() + "(";
    for (unsigned i = 0; i < node->operands.size(); ++i)
      text += (i ? ", " : "") + in(i);
    text += ")";
    break;
  }
  }
  return own < inside ? "(" + text + ")" : text;
}

std::string Formulas::printMoved(const Node *node) {
  moved = true;
  std::string text = print(node, Sum);
  moved = false;
  return text;
}

std::string Formulas::print(const online::Side &side) {
  std::string text;
  auto multiply = [&](const std::string &factor) { text += (text.empty() ? "" : " * ") + factor; };
  for (auto [node, power] : side.atoms) {
    bool alone = side.atoms.size() == 1 && !side.exponent && power == 1;
    multiply(print(node, alone ? Any : Atom) + (power == 1 ? "" : "^" + std::to_string(power)));
  }
  if (side.exponent)
    multiply("exp(" + print(side.exponent) + ")");
  if (text.empty())
    text = "1";
  for (const Node *guard : side.guards)
    text += " where " + print(guard);
  return text;
}

std::string Formulas::factorOf(const online::Accumulator &accumulator) {
  std::string text;
  for (const online::Side &side : accumulator.sides) {
    if (!side.exponent || side.exponent->kind != Kind::Shift)
      continue;
    // exp(x + y): from y to y' is a factor exp(y' - y); y is mostly the negative of a maximum.
    std::string old = print(side.exponent->operands[1], Sum),
                now = printMoved(side.exponent->operands[1]);
    std::string exponent = StringRef(old).starts_with("-") && StringRef(now).starts_with("-")
                               ? old.substr(1) + " - " + now.substr(1)
                               : now + " - " + old;
    text += (text.empty() ? "" : " * ") + ("exp(" + exponent + ")");
  }
  return text;
}

} // namespace fc::explain
