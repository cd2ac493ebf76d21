// DumpAst.cpp - see DumpAst.h.
#include "dsl/DumpAst.h"
#include "dsl/Words.h"
#include <cmath>
#include <fmt/format.h>
#include <unordered_map>

namespace fc::dsl {
namespace {

/// How tightly an operation binds, as in the grammar; what binds less than its place wants is put
/// into parentheses.
enum Precedence { PAny, POr, PAnd, PNot, PCompare, PSum, PTerm, PUnary, PAtom };

Precedence precedence(const Expr &expr) {
  switch (expr.op) {
  case Op::Or:
    return POr;
  case Op::And:
    return PAnd;
  case Op::Not:
    return PNot;
  case Op::Lt:
  case Op::Le:
  case Op::Gt:
  case Op::Ge:
  case Op::Eq:
  case Op::Ne:
    return PCompare;
  case Op::Add:
  case Op::Sub:
    return PSum;
  case Op::Mul:
  case Op::Div:
  case Op::Mod:
    return PTerm;
  case Op::Neg:
    return PUnary;
  case Op::Cast:
    return expr.implicit ? PAtom : PAny;
  case Op::Const: {
    bool negative = isFloat(expr.elem) ? std::signbit(expr.floatValue) : expr.intValue < 0;
    return negative ? PUnary : PAtom;
  }
  default:
    return PAtom;
  }
}

std::string list(const std::vector<const Axis *> &axes) {
  std::string text;
  for (const Axis *axis : axes)
    text += (text.empty() ? "" : ", ") + axis->name;
  return text;
}

std::string type(const Expr &expr) {
  std::string text(spelled(expr.elem));
  return expr.axes.empty() ? text : fmt::format("{} ({})", text, list(expr.axes));
}

class Dumper {
public:
  std::string run(const Kernel &kernel) {
    countUses(kernel.body);
    line("kernel {}", kernel.name);
    indent = 1;
    header(kernel);
    for (const Axis *axis : kernel.grid)
      this->axis("grid", *axis);
    body(kernel.body);
    for (const Schedule &schedule : kernel.schedules)
      this->schedule(schedule);
    return std::move(out);
  }

  std::string run(const Expr &expr) {
    asWritten = true;
    return text(&expr, PAny);
  }

private:
  template <typename... Args> void line(fmt::format_string<Args...> format, Args &&...args) {
    out.append(size_t(indent) * 2, ' ');
    out += fmt::format(format, std::forward<Args>(args)...);
    out += '\n';
  }

  void header(const Kernel &kernel) {
    for (const CParam &param : kernel.cparams) {
      if (param.isType)
        line("type {} = {}", param.name, name(param.type));
      else if (param.type == Elem::F32)
        line("f32 {} = {}", param.name, number(param.floatValue));
      else if (param.type == Elem::Bool)
        line("bool {} = {}", param.name, bool(param.intValue));
      else
        line("int {} = {}", param.name, param.intValue);
    }
    for (const Dim *dim : kernel.dims) {
      std::string offset = dim->offset > 0   ? fmt::format(" - {}", dim->offset)
                           : dim->offset < 0 ? fmt::format(" + {}", -dim->offset)
                                             : "";
      line("dim {} = extent {} of {}{}", dim->name, dim->index, dim->tensor->name, offset);
    }
    for (const Kernel::Param &param : kernel.params)
      param.tensor ? tensor(*param.tensor) : scalar(*param.scalar);
    for (const Tensor *output : kernel.outputs)
      tensor(*output);
  }

  void tensor(const Tensor &tensor) {
    std::string dims;
    for (const Tensor::Extent &extent : tensor.shape)
      dims += fmt::format("{}{}{}", dims.empty() ? "" : ", ", text(extent.size, PAny),
                          extent.orOne ? "?" : "");
    line("{} {}: {}[{}]{}", tensor.output ? "out" : "in", tensor.name, name(tensor.elem), dims,
         tensor.output || tensor.read ? "" : " (never read)");
  }

  void scalar(const Scalar &scalar) {
    std::string init = scalar.init ? " = " + text(scalar.init, PAny) : "";
    line("scalar {}: {}{}", scalar.name, spelled(scalar.elem), init);
  }

  void axis(const char *kind, const Axis &axis) {
    line("{} {}{}", kind, axis.isPoint() || axis.kind == Axis::Inner ? "" : "tile ", range(axis));
  }

  std::string range(const Axis &axis) {
    std::string upto = axis.upto ? " upto " + text(axis.upto, PSum) : "";
    std::string by = axis.by ? " by " + text(axis.by, PSum) : "";
    return fmt::format("{} in {} .. {}{}{}", axis.name, text(axis.lo, PSum), text(axis.hi, PSum),
                       upto, by);
  }

  void body(const std::vector<Stmt> &stmts) {
    for (const Stmt &stmt : stmts)
      statement(stmt);
  }

  void statement(const Stmt &stmt) {
    switch (stmt.kind) {
    case Stmt::DeclareAxis:
      return axis("axis", *stmt.axis);
    case Stmt::DeclareLet: {
      std::string value = text(stmt.let->value, PAny);
      return line("let {}: {} = {}", stmt.let->name, type(*stmt.let->value), value);
    }
    case Stmt::DeclareVar: {
      std::string value = text(stmt.var->init, PAny);
      std::string axes = stmt.var->axes.empty() ? "" : fmt::format(" ({})", list(stmt.var->axes));
      return line("var {}: {}{} = {}", stmt.var->name, spelled(stmt.var->elem), axes, value);
    }
    case Stmt::Set: {
      std::string value = text(stmt.value, PAny);
      return line("{} = {}", stmt.var->name, value);
    }
    case Stmt::Store: {
      std::string target = fmt::format("{}[{}]", stmt.tensor->name, operands(stmt.indices));
      std::string value = text(stmt.value, PAny);
      return line("{} = {}", target, value);
    }
    case Stmt::For: {
      std::string header = range(*stmt.axis);
      line("for {}{}", stmt.axis->tile ? "tile " : "", header);
      ++indent;
      body(stmt.body);
      --indent;
      return;
    }
    case Stmt::Assume: {
      std::string value = text(stmt.value, PAny);
      return line("assume {}", value);
    }
    }
  }

  void schedule(const Schedule &schedule) {
    line("schedule{}{}", schedule.target.empty() ? "" : " ", schedule.target);
    ++indent;
    for (const ScheduleItem &item : schedule.items)
      line("{}{}{} = {}", item.key, item.axis.empty() ? "" : " ", item.axis, item.value);
    --indent;
  }

  static std::string number(double value) {
    std::string text = fmt::format("{}", value);
    bool integral = text.find_first_not_of("-0123456789") == std::string::npos;
    return integral ? text + ".0" : text;
  }

  std::string operands(const std::vector<const Expr *> &exprs) {
    std::string text;
    for (const Expr *expr : exprs)
      text += (text.empty() ? "" : ", ") + this->text(expr, PAny);
    return text;
  }

  std::string text(const Expr *expr, Precedence place) {
    if (!expr)
      return "?";
    while (asWritten && expr->op == Op::Cast && expr->implicit)
      expr = expr->operands[0];
    if (auto named = names.find(expr); named != names.end())
      return named->second;
    std::string text = plain(*expr, uses[expr] > 1 && !expr->operands.empty() ? PAny : place);
    if (uses[expr] <= 1 || expr->operands.empty())
      return text;
    std::string name = fmt::format("%{}", names.size() + 1);
    names[expr] = name;
    line("{}: {} = {}", name, type(*expr), text);
    return name;
  }

  std::string plain(const Expr &expr, Precedence place) {
    Precedence own = precedence(expr);
    std::string text = bare(expr, own);
    return own < place ? fmt::format("({})", text) : text;
  }

  std::string bare(const Expr &expr, Precedence own) {
    auto in = [&](size_t i, Precedence place) { return text(expr.operands[i], place); };
    switch (expr.op) {
    case Op::Const: {
      if (expr.elem == Elem::Bool)
        return expr.intValue ? "true" : "false";
      std::string value =
          isFloat(expr.elem) ? number(expr.floatValue) : fmt::format("{}", expr.intValue);
      bool wide = expr.elem == Elem::F32 || expr.elem == Elem::I64;
      if (asWritten && isFloat(expr.elem))
        value = fmt::format("{}", expr.floatValue);
      return wide || asWritten ? value : fmt::format("{}({})", name(expr.elem), value);
    }
    case Op::DimRef:
      return expr.dim->name;
    case Op::ScalarRef:
      return expr.scalar->name;
    case Op::PointRef:
    case Op::AxisRef:
      return expr.axis->name;
    case Op::LetRef:
      return expr.let->name;
    case Op::VarRef:
      return expr.var->name;
    case Op::Read:
      return fmt::format("{}[{}]", expr.tensor->name, operands(expr.operands));
    case Op::Neg:
      return "-" + in(0, PUnary);
    case Op::Not:
      return "not " + in(0, PNot);
    case Op::Cast:
      return expr.implicit ? fmt::format("{}({})", spelled(expr.elem), in(0, PAny))
                           : fmt::format("{} as {}", in(0, POr), spelled(expr.elem));
    default:
      break;
    }
    if (own != PAtom) { // infix: the left operand may be of the same kind, comparisons do not nest
      std::string left = in(0, own == PCompare ? PSum : own);
      return fmt::format("{} {} {}", left, name(expr.op), in(1, Precedence(own + 1)));
    }
    std::string axes = expr.reduced.empty() ? "" : fmt::format("[{}]", list(expr.reduced));
    return fmt::format("{}{}({})", name(expr.op), axes, operands(expr.operands));
  }

  void countUses(const Expr *expr) {
    if (!expr || ++uses[expr] > 1)
      return;
    for (const Expr *operand : expr->operands)
      countUses(operand);
  }
  void countUses(const std::vector<Stmt> &stmts) {
    for (const Stmt &stmt : stmts) {
      for (const Expr *index : stmt.indices)
        countUses(index);
      countUses(stmt.value);
      if (stmt.let)
        countUses(stmt.let->value);
      if (stmt.kind == Stmt::DeclareVar)
        countUses(stmt.var->init);
      if (stmt.axis)
        for (const Expr *bound : {stmt.axis->lo, stmt.axis->hi, stmt.axis->upto})
          countUses(bound);
      countUses(stmt.body);
    }
  }

  bool asWritten = false;
  std::string out;
  int indent = 0;
  std::unordered_map<const Expr *, unsigned> uses;
  std::unordered_map<const Expr *, std::string> names;
};

} // namespace

std::string dumpAst(const Kernel &kernel) { return Dumper().run(kernel); }

std::string formula(const Expr &expr) { return Dumper().run(expr); }

std::string dumpAst(const Program &program) {
  std::string text;
  for (const Kernel &kernel : program.kernels)
    text += (text.empty() ? "" : "\n") + dumpAst(kernel);
  return text;
}

} // namespace fc::dsl
