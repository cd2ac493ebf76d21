// AstPrint.cpp - the syntax tree as text that parses to the same tree.
#include "dsl/Ast.h"
#include "dsl/Words.h"
#include <fmt/format.h>

namespace fc::dsl::ast {
namespace {

enum Precedence { PAny, POr, PAnd, PNot, PCompare, PSum, PTerm, PUnary, PAtom };

Precedence precedence(const Expr &expr) {
  switch (expr.kind) {
  case Expr::Cast:
    return PAny;
  case Expr::Compare:
    return PCompare;
  case Expr::Unary:
    return expr.op == Op::Not ? PNot : PUnary;
  case Expr::Binary:
    switch (expr.op) {
    case Op::Or:
      return POr;
    case Op::And:
      return PAnd;
    case Op::Add:
    case Op::Sub:
      return PSum;
    default:
      return PTerm;
    }
  default:
    return PAtom;
  }
}

std::string join(const std::vector<Name> &names) {
  std::string text;
  for (Name name : names)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name.text);
  return text;
}

std::string expr(const Expr &node, Precedence place);

std::string join(const std::vector<const Expr *> &exprs) {
  std::string text;
  for (const Expr *item : exprs)
    text += (text.empty() ? "" : ", ") + expr(*item, PAny);
  return text;
}

std::string bare(const Expr &node, Precedence own) {
  auto in = [&](size_t i, Precedence place) { return expr(*node.args[i], place); };
  switch (node.kind) {
  case Expr::Integer:
    return fmt::format("{}", node.intValue);
  case Expr::Float:
    return fmt::format("{:.17e}", node.floatValue);
  case Expr::Inf:
    return "inf";
  case Expr::Bool:
    return node.intValue ? "true" : "false";
  case Expr::Ref:
    return std::string(node.name.text);
  case Expr::Index:
    return fmt::format("{}[{}]", node.name.text, join(node.args));
  case Expr::Call: {
    std::string axes = node.hasAxes ? fmt::format("[{}]", join(node.axes)) : "";
    return fmt::format("{}{}({})", node.name.text, axes, join(node.args));
  }
  case Expr::Unary:
    return node.op == Op::Not ? "not " + in(0, PNot) : "-" + in(0, PUnary);
  case Expr::Binary:
    return fmt::format("{} {} {}", in(0, own), name(node.op), in(1, Precedence(own + 1)));
  case Expr::Compare: {
    std::string text = in(0, PSum);
    for (size_t i = 0; i < node.ops.size(); ++i)
      text += fmt::format(" {} {}", node.ops[i].text, in(i + 1, PSum));
    return text;
  }
  case Expr::Cast:
    return fmt::format("{} as {}", in(0, POr), node.name.text);
  }
  return "";
}

std::string expr(const Expr &node, Precedence place) {
  Precedence own = precedence(node);
  return own < place ? fmt::format("({})", bare(node, own)) : bare(node, own);
}

std::string range(const Range &range) {
  std::string text = range.lo ? expr(*range.lo, PSum) + " .. " : "";
  text += expr(*range.hi, PSum);
  if (range.upto)
    text += " upto " + expr(*range.upto, PSum);
  if (range.by)
    text += " by " + expr(*range.by, PSum);
  return text;
}

std::string binders(const std::vector<Binder> &list) {
  std::string text;
  for (const Binder &binder : list)
    text += fmt::format("{}{}{} in {}", text.empty() ? "" : ", ", binder.tile ? "tile " : "",
                        binder.name.text, range(binder.range));
  return text;
}

std::string fn(const Fn &fn, const std::string &indent) {
  std::string axes = fn.hasAxes ? fmt::format("[{}]", join(fn.axes)) : "";
  std::string text = fmt::format("{}fn {}{}({})", indent, fn.name.text, axes, join(fn.params));
  if (!fn.isBlock)
    return text + " = " + expr(*fn.result, PAny) + "\n";
  text += " {\n";
  for (const Let &let : fn.lets)
    text += fmt::format("{}  let {} = {}\n", indent, let.name.text, expr(*let.value, PAny));
  return text + fmt::format("{}  return {}\n{}}}\n", indent, expr(*fn.result, PAny), indent);
}

std::string param(const Param &param) {
  std::string text = fmt::format("{}: {}", param.name.text, param.type.text);
  std::string dims;
  for (const Param::Dim &dim : param.shape)
    dims += (dims.empty() ? "" : ", ") + expr(*dim.size, PAny) + (dim.orOne ? "?" : "");
  if (param.isTensor)
    text += "[" + dims + "]";
  return param.init ? text + " = " + expr(*param.init, PAny) : text;
}

std::string params(const std::vector<Param> &list) {
  std::string text;
  for (const Param &item : list)
    text += (text.empty() ? "" : ", ") + param(item);
  return text;
}

std::string block(const std::vector<Stmt> &body, const std::string &indent);

std::string schedule(const Stmt &stmt, const std::string &indent) {
  std::string text =
      fmt::format("{}schedule {}{}{{\n", indent, stmt.name.text, stmt.name.text.empty() ? "" : " ");
  for (const ScheduleItem &item : stmt.items)
    text += fmt::format("{}  {}{}{} = {};\n", indent, item.key.text,
                        item.axis.text.empty() ? "" : " ", item.axis.text, expr(*item.value, PSum));
  return text + indent + "}\n";
}

std::string statement(const Stmt &stmt, const std::string &indent) {
  std::string value = stmt.value ? expr(*stmt.value, PAny) : "";
  switch (stmt.kind) {
  case Stmt::Grid:
    return fmt::format("{}grid {}\n", indent, binders(stmt.binders));
  case Stmt::Axis:
    return fmt::format("{}axis {}\n", indent, binders(stmt.binders));
  case Stmt::Let:
    return fmt::format("{}let {} = {}\n", indent, stmt.name.text, value);
  case Stmt::Fn:
    return fn(*stmt.fn, indent);
  case Stmt::Var: {
    std::string axes = stmt.axes.empty() ? "" : fmt::format("[{}]", join(stmt.axes));
    return fmt::format("{}var {}: {}{} = {}\n", indent, stmt.name.text, stmt.type.text, axes,
                       value);
  }
  case Stmt::Set:
    return fmt::format("{}{} = {}\n", indent, stmt.name.text, value);
  case Stmt::Store:
    return fmt::format("{}{}[{}] = {}\n", indent, stmt.name.text, join(stmt.indices), value);
  case Stmt::For:
    return fmt::format("{}for {} {}", indent, binders(stmt.binders), block(stmt.body, indent));
  case Stmt::Assume:
    return fmt::format("{}assume {}\n", indent, value);
  case Stmt::Schedule:
    return schedule(stmt, indent);
  }
  return "";
}

std::string block(const std::vector<Stmt> &body, const std::string &indent) {
  std::string text = "{\n";
  for (const Stmt &stmt : body)
    text += statement(stmt, indent + "  ");
  return text + indent + "}\n";
}

} // namespace

std::string print(const Expr &node) { return expr(node, PAny); }

std::string print(const File &file) {
  std::string text;
  for (const Use &use : file.uses)
    text += fmt::format("use \"{}\"\n", use.path.text);
  for (const Fn *item : file.fns)
    text += fn(*item, "");
  for (const Kernel &kernel : file.kernels) {
    std::string cparams = kernel.cparams.empty() ? "" : fmt::format("<{}>", params(kernel.cparams));
    text += fmt::format("kernel {}{}({}) -> ({}) {}", kernel.name.text, cparams,
                        params(kernel.params), params(kernel.outputs), block(kernel.body, ""));
  }
  return text;
}

} // namespace fc::dsl::ast
