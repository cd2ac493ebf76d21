// CheckExpr.cpp - names, reads, calls: what an expression refers to. Operations are in
// CheckOps.cpp.
#include "dsl/KernelChecker.h"
#include <algorithm>
#include <cmath>

namespace fc::dsl {

//===-- Names -------------------------------------------------------------===//

const Symbol *KernelChecker::find(std::string_view name) const {
  auto inFile = [&]() -> const Symbol * {
    auto found = fns.byName.find(name);
    return found == fns.byName.end() ? nullptr : &found->second;
  };
  if (frame && !frame->fn->local)
    return inFile();
  auto found = visible.find(name);
  if (found == visible.end())
    return inFile();
  // No capture: a local `fn` sees what its declaration saw, not what is declared later.
  if (frame && found->second->order >= frame->fn->order)
    return nullptr;
  return found->second;
}

std::vector<std::string_view> KernelChecker::visibleNames() const {
  std::vector<std::string_view> names;
  if (visible.size() + fns.byName.size() > kMaxCandidates)
    return names; // no suggestion is worth the search
  for (auto &[name, symbol] : visible)
    names.push_back(name);
  for (auto &[name, symbol] : fns.byName)
    names.push_back(name);
  if (frame)
    for (auto &[name, local] : frame->locals)
      names.push_back(name);
  std::ranges::sort(names); // so that the suggestion does not depend on a hash
  return names;
}

Reporter::Handle KernelChecker::unknown(Diag diag, ast::Name name, std::string_view instead) {
  auto handle = error(diag, name.loc, name.text);
  if (!handle)
    return handle;
  std::vector<std::string_view> names = visibleNames();
  if (diag == Diag::UnknownAxis)
    std::erase_if(names, [&](std::string_view candidate) {
      const Symbol *symbol = find(candidate);
      return !symbol || symbol->kind != Symbol::Axis;
    });
  if (diag == Diag::UnknownFunction)
    for (const Builtin &builtin : builtins())
      names.push_back(builtin.name);
  if (auto meant = nearest(name.text, names))
    handle.fix(fmt::format("did you mean `{}`?", *meant), name.loc);
  else if (!instead.empty())
    handle.fix(std::string(instead));
  return handle;
}

std::optional<Elem> KernelChecker::type(ast::Name name, bool allowInt) {
  if (auto elem = elementType(name.text))
    return elem;
  if (name.text == "int" && allowInt)
    return Elem::I64;
  const Symbol *symbol = find(name.text);
  if (symbol && symbol->kind == Symbol::TypeParam)
    return symbol->elem;
  if (symbol && symbol->kind == Symbol::Broken)
    return std::nullopt;
  auto handle = error(Diag::UnknownType, name.loc, name.text);
  std::vector<std::string_view> names(elementTypeNames().begin(), elementTypeNames().end());
  for (auto &[known, symbol] : visible)
    if (symbol->kind == Symbol::TypeParam)
      names.push_back(known);
  if (name.text == "int")
    handle.fix("a tensor's elements have a width: write `i32` or `i64`");
  else if (name.text == "float" || name.text == "half" || name.text == "double")
    handle.fix(name.text == "half" ? "write `f16`" : "write `f32`");
  else if (auto meant = nearest(name.text, names))
    handle.fix(fmt::format("did you mean `{}`?", *meant), name.loc);
  else if (symbol)
    handle.note(symbol->loc,
                fmt::format("`{}` is {}, declared here", name.text, describe(*symbol)));
  else
    handle.note({}, fmt::format("types are {}, and the kernel's `type` parameters",
                                fmt::join(elementTypeNames(), " ")));
  return std::nullopt;
}

const Axis *KernelChecker::resolveAxis(ast::Name name) {
  if (frame) {
    if (auto local = frame->locals.find(name.text); local != frame->locals.end()) {
      if (local->second.isAxis)
        return local->second.axis;
      error(Diag::NotAnAxis, name.loc, name.text, "a value in this `fn`");
      return nullptr;
    }
  }
  const Symbol *symbol = find(name.text);
  if (!symbol) {
    unknown(Diag::UnknownAxis, name, fmt::format("declare it: `axis {} in ...`", name.text));
    return nullptr;
  }
  if (symbol->kind == Symbol::Axis)
    return symbol->axis;
  if (symbol->kind != Symbol::Broken)
    error(Diag::NotAnAxis, name.loc, name.text, describe(*symbol))
        .note(symbol->loc, "it is declared here");
  return nullptr;
}

bool KernelChecker::resolveAxes(const std::vector<ast::Name> &names, std::string_view call,
                                Axes &axes) {
  bool ok = true;
  for (ast::Name name : names) {
    const Axis *axis = resolveAxis(name);
    ok &= axis != nullptr;
    if (axis && std::ranges::find(axes, axis) != axes.end()) {
      error(Diag::AxisTwice, name.loc, call, name.text);
      ok = false;
    }
    if (axis)
      axes.push_back(axis);
  }
  return ok;
}

//===-- Values ------------------------------------------------------------===//

const Expr *KernelChecker::value(const ast::Expr &expr) {
  if (gaveUp || reporter.full())
    return nullptr;
  if (frame && ++expanded > kMaxExpansion) {
    error(Diag::ExpansionTooLarge, expr.loc, kMaxExpansion);
    gaveUp = true;
    return nullptr;
  }
  if (depth >= kMaxExprDepth) {
    error(Diag::TooDeep, expr.loc, kMaxExprDepth);
    gaveUp = true;
    return nullptr;
  }
  ++depth;
  Value result = valueInner(expr);
  --depth;
  return result;
}

const Expr *KernelChecker::valueInner(const ast::Expr &expr) {
  switch (expr.kind) {
  case ast::Expr::Integer:
    return constant(expr.intValue, expr.loc);
  case ast::Expr::Float:
    return constant(expr.floatValue, expr.loc);
  case ast::Expr::Inf:
    return constant(HUGE_VAL, expr.loc);
  case ast::Expr::Bool:
    return boolean(expr.intValue, expr.loc);
  case ast::Expr::Ref:
    return nameValue(expr);
  case ast::Expr::Index:
    return read(expr);
  case ast::Expr::Call:
    return call(expr);
  case ast::Expr::Compare:
    return compare(expr);
  case ast::Expr::Cast:
    return cast(expr);
  case ast::Expr::Unary: {
    Operand a{value(*expr.args[0]), expr.args[0]};
    if (expr.op == Op::Neg)
      return negate(a, expr.loc);
    return operation(Op::Not, Elem::Bool, {toBool(a, "`not`")}, expr.loc);
  }
  case ast::Expr::Binary: {
    Operand a{value(*expr.args[0]), expr.args[0]}, b{value(*expr.args[1]), expr.args[1]};
    if (expr.op != Op::And && expr.op != Op::Or)
      return arithmetic(expr.op, a, b, expr.loc);
    std::string what = fmt::format("`{}`", name(expr.op));
    Value left = toBool(a, what), right = toBool(b, what);
    return operation(expr.op, Elem::Bool, {left, right}, expr.loc);
  }
  }
  return nullptr;
}

const Expr *KernelChecker::nameValue(const ast::Expr &expr) {
  if (frame)
    if (auto local = frame->locals.find(expr.name.text); local != frame->locals.end()) {
      if (!local->second.isAxis)
        return local->second.value;
      const Axis *axis = local->second.axis;
      return axis ? make({.op = Op::AxisRef,
                          .elem = Elem::I64,
                          .axis = axis,
                          .axes = {axis},
                          .loc = expr.loc})
                  : nullptr;
    }
  if (const Symbol *symbol = find(expr.name.text))
    return symbolValue(*symbol, expr.loc);
  bool upper = expr.name.text[0] >= 'A' && expr.name.text[0] <= 'Z';
  if (findBuiltin(expr.name.text, true) || findBuiltin(expr.name.text, false))
    error(Diag::NotAValue, expr.loc, expr.name.text, "an operation")
        .fix(fmt::format("give it operands: `{}(...)`", expr.name.text));
  else if (elementType(expr.name.text))
    error(Diag::NotAValue, expr.loc, expr.name.text, "a type")
        .fix(fmt::format("write `x as {}` to convert x", expr.name.text));
  else
    unknown(Diag::UnknownName, expr.name,
            !upper ? ""
            : shapesLookedAt
                ? "a dimension is a name in the shape of a tensor, or a compile-time parameter"
                : "a compile-time parameter sees only those before it");
  return nullptr;
}

const Expr *KernelChecker::symbolValue(const Symbol &symbol, Loc loc) {
  switch (symbol.kind) {
  case Symbol::Constant: {
    Expr copy = *symbol.value;
    copy.loc = loc;
    return make(std::move(copy));
  }
  case Symbol::Dimension:
    return make({.op = Op::DimRef, .elem = Elem::I64, .dim = symbol.dim, .loc = loc});
  case Symbol::Scalar:
    return make(
        {.op = Op::ScalarRef, .elem = symbol.scalar->elem, .scalar = symbol.scalar, .loc = loc});
  case Symbol::Axis:
    if (symbol.axis->isPoint())
      return make({.op = Op::PointRef, .elem = Elem::I64, .axis = symbol.axis, .loc = loc});
    return make({.op = Op::AxisRef,
                 .elem = Elem::I64,
                 .axis = symbol.axis,
                 .axes = {symbol.axis},
                 .loc = loc});
  case Symbol::Let: {
    if (!symbol.let)
      return nullptr;
    Value value = symbol.let->value;
    if (value->op ==
        Op::Const) { // so that a condition may be named and stay a compile-time one (D3)
      Expr copy = *value;
      copy.loc = loc;
      return make(std::move(copy));
    }
    return make({.op = Op::LetRef,
                 .elem = value->elem,
                 .let = symbol.let,
                 .axes = value->axes,
                 .loc = loc});
  }
  case Symbol::Var:
    return make({.op = Op::VarRef,
                 .elem = symbol.var->elem,
                 .var = symbol.var,
                 .axes = symbol.var->axes,
                 .loc = loc});
  case Symbol::Tensor:
    error(Diag::NotAValue, loc, symbol.name, "a tensor")
        .note(symbol.loc,
              fmt::format("`{}` is declared here: {}", symbol.name, declaration(*symbol.tensor)))
        .fix(fmt::format("read it at indices: `{}[...]`", symbol.name));
    return nullptr;
  case Symbol::Fn:
    error(Diag::NotAValue, loc, symbol.name, "a `fn`")
        .note(symbol.loc, "it is declared here")
        .fix(fmt::format("call it: `{}(...)`", symbol.name));
    return nullptr;
  case Symbol::TypeParam:
    error(Diag::NotAValue, loc, symbol.name, "a type").note(symbol.loc, "it is declared here");
    return nullptr;
  case Symbol::Broken:
    return nullptr;
  }
  return nullptr;
}

const Expr *KernelChecker::compare(const ast::Expr &expr) {
  auto operation = [](std::string_view spelling) {
    return spelling == "<"    ? Op::Lt
           : spelling == "<=" ? Op::Le
           : spelling == ">"  ? Op::Gt
           : spelling == ">=" ? Op::Ge
           : spelling == "==" ? Op::Eq
                              : Op::Ne;
  };
  std::vector<Operand> parts;
  for (const ast::Expr *arg : expr.args)
    parts.push_back({value(*arg), arg});
  Value all = nullptr;
  bool ok = true;
  for (size_t i = 0; i < expr.ops.size(); ++i) {
    Value one = comparison(operation(expr.ops[i].text), parts[i], parts[i + 1], expr.ops[i].loc);
    ok &= one != nullptr;
    if (ok)
      all = all ? this->operation(Op::And, Elem::Bool, {all, one}, expr.ops[i].loc) : one;
  }
  return ok ? all : nullptr;
}

const Expr *KernelChecker::cast(const ast::Expr &expr) {
  Operand operand{value(*expr.args[0]), expr.args[0]};
  std::optional<Elem> elem = type(expr.name, true);
  if (!operand.value || !elem)
    return nullptr;
  Elem from = operand.value->elem;
  if (from == *elem)
    return operand.value;
  if (from == Elem::Bool || *elem == Elem::Bool) {
    error(Diag::CastBool, expr.loc, snippet(*operand.syntax), spelled(from), expr.name.text,
          from == Elem::Bool ? "a number" : "a bool")
        .fix(from == Elem::Bool ? fmt::format("write `where({}, 1, 0)`", snippet(*operand.syntax))
                                : fmt::format("write `{} != 0`", snippet(*operand.syntax)));
    return nullptr;
  }
  return operation(Op::Cast, *elem, {operand.value}, expr.loc);
}

//===-- Reads -------------------------------------------------------------===//

bool KernelChecker::indices(const std::vector<const ast::Expr *> &args, const dsl::Tensor &tensor,
                            Loc loc, const std::string &text, std::vector<Value> &out) {
  bool ok = true;
  for (const ast::Expr *arg : args) {
    Value index = toInt({value(*arg), arg}, "an index");
    ok &= index != nullptr;
    out.push_back(index);
  }
  auto count = [](size_t n, const char *one, const char *many) {
    return fmt::format("{} {}", n, n == 1 ? one : many);
  };
  if (args.size() != tensor.shape.size()) {
    error(Diag::RankMismatch, loc, text, count(args.size(), "index", "indices"),
          fmt::format("`{}` has {}", tensor.name,
                      count(tensor.shape.size(), "dimension", "dimensions")))
        .note(tensor.loc,
              fmt::format("`{}` is declared here: {}", tensor.name, declaration(tensor)));
    return false;
  }
  return ok;
}

const Expr *KernelChecker::read(const ast::Expr &expr) {
  const Symbol *symbol = nullptr;
  bool local = frame && frame->locals.contains(expr.name.text);
  if (!local)
    symbol = find(expr.name.text);
  if (local || !symbol || symbol->kind != Symbol::Tensor) {
    for (const ast::Expr *arg : expr.args)
      value(*arg);
    if (!local && !symbol) {
      unknown(Diag::UnknownName, expr.name, "");
    } else if (local || symbol->kind != Symbol::Broken) {
      auto handle = error(Diag::NotATensor, expr.loc, expr.name.text,
                          local ? "a value in this `fn`" : describe(*symbol));
      if (symbol)
        handle.note(symbol->loc, "it is declared here");
      if (symbol && symbol->kind == Symbol::Let)
        handle.fix(fmt::format(
            "to have it at another point, make it a function of the index: `fn {}(x) = ...`",
            expr.name.text));
      else if (symbol && symbol->kind == Symbol::Fn)
        handle.fix(fmt::format("call it: `{}(...)`", expr.name.text));
    }
    return nullptr;
  }
  const dsl::Tensor &tensor = *symbol->tensor;
  std::vector<Value> at;
  bool ok = indices(expr.args, tensor, expr.loc, snippet(expr), at);
  if (tensor.output) {
    error(Diag::OutputRead, expr.loc, tensor.name)
        .note(tensor.loc, "it is declared here")
        .fix("keep the value in a `let` or a `var` and use that");
    ok = false;
  }
  if (!ok)
    return nullptr;
  Value result = operation(Op::Read, tensor.elem, std::move(at), expr.loc);
  if (result)
    const_cast<Expr *>(result)->tensor = &tensor;
  return result;
}

//===-- Calls -------------------------------------------------------------===//

const Expr *KernelChecker::call(const ast::Expr &expr) {
  const Symbol *symbol = nullptr;
  bool local = frame && frame->locals.contains(expr.name.text);
  if (!local)
    symbol = find(expr.name.text);
  if (symbol && symbol->kind == Symbol::Fn)
    return expand(expr, *symbol);
  if (local || symbol) {
    for (const ast::Expr *arg : expr.args)
      value(*arg);
    if (symbol && symbol->kind == Symbol::Broken)
      return nullptr;
    auto handle = error(Diag::NotAFunction, expr.loc, expr.name.text,
                        local ? "a value in this `fn`" : describe(*symbol));
    if (symbol)
      handle.note(symbol->loc, "it is declared here");
    if (symbol && symbol->kind == Symbol::Tensor)
      handle.fix(fmt::format("read it with brackets: `{}[...]`", expr.name.text));
    return nullptr;
  }
  if (const Builtin *found = findBuiltin(expr.name.text, expr.hasAxes))
    return builtin(expr, *found);
  if (const Builtin *found = findBuiltin(expr.name.text, !expr.hasAxes)) {
    for (const ast::Expr *arg : expr.args)
      value(*arg);
    error(Diag::AxisCount, expr.loc, expr.name.text, found->takesAxes ? "axes" : "no axes",
          expr.hasAxes ? fmt::format("{} are", expr.axes.size()) : "none are")
        .fix(found->takesAxes ? fmt::format("say which: `{}[j](...)`", expr.name.text)
                              : fmt::format("write `{}(...)`", expr.name.text));
    return nullptr;
  }
  unknown(Diag::UnknownFunction, expr.name, "");
  return nullptr;
}

static std::string operandCount(unsigned fewest, unsigned most) {
  if (fewest != most)
    return fmt::format("{} to {} operands", fewest, most);
  return fmt::format("{} operand{}", fewest, fewest == 1 ? "" : "s");
}

static std::string givenCount(size_t n) {
  return n == 0 ? "none is" : fmt::format("{} {}", n, n == 1 ? "is" : "are");
}

const Expr *KernelChecker::builtin(const ast::Expr &expr, const Builtin &builtin) {
  std::vector<Operand> operands;
  for (const ast::Expr *arg : expr.args)
    operands.push_back({value(*arg), arg});
  if (operands.size() < builtin.minOperands || operands.size() > builtin.maxOperands) {
    auto handle =
        error(Diag::ArgumentCount, expr.loc, expr.name.text,
              operandCount(builtin.minOperands, builtin.maxOperands), givenCount(operands.size()));
    if (operands.size() == 1 && (builtin.op == Op::Max || builtin.op == Op::Min))
      handle.fix(fmt::format("to reduce, name the axes: `{}[j](...)`", builtin.name));
    return nullptr;
  }
  return builtin.takesAxes ? reduction(expr, builtin, operands)
                           : elementwise(expr, builtin, operands);
}

const Expr *KernelChecker::expand(const ast::Expr &expr, const Symbol &symbol) {
  const ast::Fn &fn = *symbol.fn;
  Frame inner{.fn = &symbol, .call = expr.loc, .caller = frame};
  for (size_t i = 0; i < expr.args.size(); ++i) {
    Value argument = value(*expr.args[i]);
    if (i < fn.params.size())
      inner.locals[fn.params[i].text] = {.value = argument};
  }
  bool ok = true;
  if (expr.args.size() != fn.params.size()) {
    error(Diag::ArgumentCount, expr.loc, fn.name.text,
          operandCount(unsigned(fn.params.size()), unsigned(fn.params.size())),
          givenCount(expr.args.size()))
        .note(fn.name.loc, fmt::format("`{}` is declared here", fn.name.text));
    ok = false;
  }
  Axes axes;
  if (expr.axes.size() != fn.axes.size()) {
    auto axisCount = [](size_t n) {
      return n == 0 ? std::string("no axes") : fmt::format("{} {}", n, n == 1 ? "axis" : "axes");
    };
    error(Diag::AxisCount, expr.loc, fn.name.text, axisCount(fn.axes.size()),
          givenCount(expr.axes.size()))
        .note(fn.name.loc, fmt::format("`{}` is declared here", fn.name.text));
    ok = false;
  } else {
    for (size_t i = 0; i < fn.axes.size(); ++i) {
      const Axis *axis = resolveAxis(expr.axes[i]);
      if (axis && axis->isPoint()) {
        error(Diag::NotAnAxis, expr.axes[i].loc, expr.axes[i].text,
              "a scalar (one point of an axis)")
            .note(axis->loc, "it is declared here");
        axis = nullptr;
      }
      ok &= axis != nullptr;
      inner.locals[fn.axes[i].text] = {.axis = axis, .isAxis = true};
    }
  }
  if (!ok || fns.broken.contains(&fn) || brokenFns.contains(&fn) || gaveUp)
    return nullptr;
  const Frame *outer = frame;
  frame = &inner;
  for (const ast::Let &let : fn.lets)
    inner.locals[let.name.text] = {.value = value(*let.value)};
  Value result = value(*fn.result);
  frame = outer;
  return result;
}

//===-- Axes of reductions ------------------------------------------------===//

bool KernelChecker::reducible(const ast::Expr &expr, const Axes &axes) {
  bool ok = true;
  for (size_t i = 0; i < axes.size(); ++i) {
    const Axis &axis = *axes[i];
    if (!axis.isPoint() && axis.kind != Axis::Grid)
      continue;
    ok = false;
    const char *part = axis.kind != Axis::Grid ? "one turn has only one point"
                       : axis.tile             ? "one program has only a tile"
                                               : "one program has only one point";
    auto handle =
        error(Diag::GridAxisReduced, expr.loc, expr.name.text, expr.axes[i].text, part, axis.name);
    handle.note(axis.loc, "it is declared here");
    if (axis.kind == Axis::Grid)
      handle.fix(fmt::format(
          "declare it with `axis {} in ...` instead, or another axis over the same range",
          axis.name));
    else
      handle.fix(
          fmt::format("write `for tile {} in ...`, or carry the result in a `var`", axis.name));
  }
  return ok;
}

static std::string axisList(const std::vector<ast::Name> &names) {
  std::string list;
  for (ast::Name name : names)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", name.text);
  return list;
}

/// A4: the operands must be over each of the axes.
bool KernelChecker::checkOver(const ast::Expr &expr, const Axes &axes,
                              std::vector<Operand> &operands) {
  for (size_t i = 0; i < axes.size(); ++i)
    for (Operand &operand : operands) {
      if (std::ranges::find(operand.value->axes, axes[i]) != operand.value->axes.end())
        continue;
      if (Value whole = withAxisBack(operand.value, axes[i])) {
        operand.value = whole;
        continue;
      }
      auto handle = error(Diag::AxisMissing, expr.loc, expr.name.text, axisList(expr.axes),
                          operands.size() == 2 ? "both sides" : "its operand", expr.axes[i].text,
                          snippet(*operand.syntax), over(operand.value));
      Value gone = findPart(operand.value, [&](Value part) {
        bool keeps = part->op == Op::Softmax || part->op == Op::CumSum;
        return !keeps && std::ranges::find(part->reduced, axes[i]) != part->reduced.end();
      });
      if (gone)
        handle.note(gone->loc,
                    fmt::format("this `{}` has reduced `{}`", name(gone->op), axes[i]->name));
      else if (operand.value->op == Op::Read)
        handle.note(operand.value->tensor->loc,
                    fmt::format("`{}` is declared with {} dimensions here: {}",
                                operand.value->tensor->name, operand.value->tensor->shape.size(),
                                declaration(*operand.value->tensor)));
      else if (operands.size() == 2)
        handle.fix("a factor that does not vary along the axis goes outside of `dot`");
      return false;
    }
  return true;
}

} // namespace fc::dsl
