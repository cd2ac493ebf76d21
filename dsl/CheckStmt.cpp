// CheckStmt.cpp - the statements of a kernel: scopes, axes and their ranges (A1, A3, A5), stores
// and assignments (A6, A7), schedules.
#include "dsl/KernelChecker.h"
#include <algorithm>

namespace fc::dsl {

KernelChecker::Scope::~Scope() {
  while (checker.scope.size() > mark) {
    checker.visible.erase(checker.scope.back()->name);
    checker.scope.pop_back();
  }
}

void KernelChecker::block(const std::vector<ast::Stmt> &stmts, std::vector<Stmt> &out) {
  for (const ast::Stmt &stmt : stmts) {
    if (gaveUp || reporter.full())
      return;
    statement(stmt, out);
  }
}

void KernelChecker::statement(const ast::Stmt &stmt, std::vector<Stmt> &out) {
  switch (stmt.kind) {
  case ast::Stmt::Grid:
    return gridStmt(stmt);
  case ast::Stmt::Assume:
    return assumeStmt(stmt, out);
  case ast::Stmt::Fn:
    return fnStmt(stmt);
  case ast::Stmt::Schedule:
    return scheduleStmt(stmt);
  default:
    break;
  }
  othersSeen = true;
  switch (stmt.kind) {
  case ast::Stmt::Axis:
    return axisStmt(stmt, out);
  case ast::Stmt::Let:
    return letStmt(stmt, out);
  case ast::Stmt::Var:
    return varStmt(stmt, out);
  case ast::Stmt::Set:
    return setStmt(stmt, out);
  case ast::Stmt::Store:
    return storeStmt(stmt, out);
  default:
    return forStmt(stmt, out);
  }
}

//===-- Axes --------------------------------------------------------------===//

/// A bound of a range: an integer scalar (A3).
const Expr *KernelChecker::bound(const ast::Expr *expr) {
  if (!expr)
    return nullptr;
  Value result = toInt({value(*expr), expr}, "a bound of a range");
  if (!result || result->axes.empty())
    return result;
  error(Diag::RangeNotScalar, expr->loc, snippet(*expr), over(result))
      .fix("a bound that varies along an axis is a mask: use `where`");
  return nullptr;
}

/// The axis that a binder declares, not yet visible. One with a mistake in its range is declared
/// all the same, with null bounds.
Axis *KernelChecker::range(const ast::Binder &binder, Axis::Kind kind) {
  if (kernel.axes.size() == kMaxAxes) {
    error(Diag::TooManyAxes, binder.name.loc, kMaxAxes);
    gaveUp = true;
  }
  Axis &axis = program.axisStore.emplace_back();
  axis.kind = kind;
  axis.name = binder.name.text;
  axis.tile = binder.tile;
  axis.loc = binder.name.loc;
  axis.id = int(kernel.axes.size());
  axis.lo = binder.range.lo ? bound(binder.range.lo) : constant(int64_t(0), binder.name.loc);
  axis.hi = bound(binder.range.hi);
  axis.upto = bound(binder.range.upto);
  axis.by = bound(binder.range.by);
  if (axis.by && axis.by->op != Op::Const)
    error(Diag::NotCompileTime, binder.range.by->loc, "the size of a tile",
          snippet(*binder.range.by));
  else if (axis.by && axis.by->intValue <= 0)
    error(Diag::ByNotPositive, binder.range.by->loc, axis.by->intValue);
  kernel.axes.push_back(&axis);
  return &axis;
}

void KernelChecker::gridStmt(const ast::Stmt &stmt) {
  if (gridSeen)
    error(Diag::GridTwice, stmt.loc);
  else if (othersSeen || !loops.empty())
    error(Diag::GridPlace, stmt.loc);
  gridSeen = true;
  for (const ast::Binder &binder : stmt.binders) {
    Axis *axis = range(binder, Axis::Grid);
    gridRange(binder, *axis);
    declare({.kind = Symbol::Axis, .name = binder.name.text, .loc = binder.name.loc, .axis = axis},
            "an axis", false);
    kernel.grid.push_back(axis);
  }
}

/// A3: how many programs there are is known at launch, so a range that reads a tensor, or varies
/// with another axis of the grid, needs an `upto` that is.
void KernelChecker::gridRange(const ast::Binder &binder, const Axis &axis) {
  auto later = [](Value part) { return part->op == Op::Read || part->op == Op::PointRef; };
  auto what = [](Value part) {
    return part->op == Op::Read ? fmt::format("read from `{}`", part->tensor->name)
                                : fmt::format("over the grid axis `{}`", part->axis->name);
  };
  if (Value part = findPart(axis.upto, later)) {
    error(Diag::GridRangeUnknown, binder.range.upto->loc, snippet(*binder.range.upto), what(part));
    return;
  }
  if (binder.range.upto)
    return;
  for (auto [bound, syntax] :
       {std::pair(axis.lo, binder.range.lo), std::pair(axis.hi, binder.range.hi)})
    if (Value part = findPart(bound, later)) {
      error(Diag::GridRangeUnknown, syntax->loc, snippet(*syntax), what(part))
          .fix("add `upto n`, with n the longest there can be: a parameter or a dimension");
      return;
    }
}

void KernelChecker::axisStmt(const ast::Stmt &stmt, std::vector<Stmt> &out) {
  for (const ast::Binder &binder : stmt.binders) {
    Axis *axis = range(binder, Axis::Inner);
    declare({.kind = Symbol::Axis, .name = binder.name.text, .loc = binder.name.loc, .axis = axis},
            "an axis", false);
    out.push_back({.kind = Stmt::DeclareAxis, .axis = axis, .loc = binder.name.loc});
  }
}

void KernelChecker::forStmt(const ast::Stmt &stmt, std::vector<Stmt> &out) {
  const ast::Binder &binder = stmt.binders[0];
  Stmt loop{.kind = Stmt::For, .loc = stmt.loc};
  Axis *axis = range(binder, Axis::Loop);
  loop.axis = axis;
  {
    Scope body(*this);
    declare({.kind = Symbol::Axis, .name = binder.name.text, .loc = binder.name.loc, .axis = axis},
            "an axis", false);
    loops.push_back(axis);
    block(stmt.body, loop.body);
    loops.pop_back();
  }
  out.push_back(std::move(loop));
}

/// Whether a `var` may be over the axis: its size is a constant, or has a constant bound (A5).
bool KernelChecker::hasFixedSize(const Axis &axis) {
  if (axis.tile || !axis.lo || !axis.hi) // one without bounds has been reported
    return true;
  auto isConst = [](Value value) { return value && value->op == Op::Const; };
  if (isConst(axis.upto) || (isConst(axis.lo) && isConst(axis.hi)))
    return true;
  return axis.hi->op == Op::Add && isConst(axis.hi->operands[1]) &&
         structure(axis.hi->operands[0]) == structure(axis.lo);
}

//===-- Names and facts ---------------------------------------------------===//

void KernelChecker::letStmt(const ast::Stmt &stmt, std::vector<Stmt> &out) {
  Symbol symbol{.kind = Symbol::Let, .name = stmt.name.text, .loc = stmt.name.loc};
  if (Value result = value(*stmt.value)) {
    Let &let = program.lets.emplace_back();
    let.name = stmt.name.text;
    let.value = result;
    let.loc = stmt.name.loc;
    symbol.let = &let;
    out.push_back({.kind = Stmt::DeclareLet, .let = &let, .loc = stmt.loc});
  }
  declare(symbol, "a value", false);
}

void KernelChecker::fnStmt(const ast::Stmt &stmt) {
  const ast::Fn &fn = *stmt.fn;
  // Its parameters and `let`s are names of their own; that they hide nothing is part of A8.
  Symbol symbol{
      .kind = Symbol::Fn, .name = fn.name.text, .loc = fn.name.loc, .fn = &fn, .local = true};
  if (!FnNames(fns, reporter).check(fn, &visible))
    brokenFns.insert(&fn);
  declare(symbol, "a `fn`", false);
}

void KernelChecker::assumeStmt(const ast::Stmt &stmt, std::vector<Stmt> &out) {
  Value fact = toBool({value(*stmt.value), stmt.value}, "`assume`");
  if (fact)
    out.push_back(
        {.kind = Stmt::Assume, .value = fact, .text = snippet(*stmt.value, 1000), .loc = stmt.loc});
}

//===-- Values that go somewhere ------------------------------------------===//

const Expr *KernelChecker::stored(Value value, const ast::Expr &syntax, Elem elem,
                                  std::string_view target, Loc declared) {
  if (!value)
    return nullptr;
  bool boolValue = value->elem == Elem::Bool, boolTarget = elem == Elem::Bool;
  if (boolValue != boolTarget || (isFloat(value->elem) && isInteger(elem))) {
    auto handle = error(Diag::StoreType, value->loc, snippet(syntax), spelled(value->elem), target,
                        spelled(elem));
    handle.note(declared, fmt::format("`{}` is declared here", target));
    if (boolValue)
      handle.fix(fmt::format("write `where({}, 1, 0)`", snippet(syntax)));
    else if (boolTarget)
      handle.fix(fmt::format("write `{} != 0`", snippet(syntax)));
    else
      handle.fix(fmt::format("`{} as int` rounds to the nearest integer", snippet(syntax)));
    return nullptr;
  }
  if (value->elem == elem || boolValue)
    return value;
  return isFloat(elem) ? toF32({value, &syntax}) : toInt({value, &syntax}, "this");
}

bool KernelChecker::checkAxesStored(Value value, const Axes &target, const std::string &name,
                                    bool isVar) {
  if (!value)
    return false;
  Axes missing;
  std::ranges::set_difference(value->axes, target, std::back_inserter(missing), {}, &Axis::id,
                              &Axis::id);
  if (missing.empty())
    return true;
  std::string axes = listOf(missing);
  error(Diag::AxisNotStored, value->loc, name, over(target), over(value), axes)
      .fix(fmt::format("reduce the value, as by `sum[{}](...)`, or {}", axes,
                       isVar ? fmt::format("declare `{}` over `{}` too", name, axes)
                             : fmt::format("index by `{}` too", axes)));
  return false;
}

void KernelChecker::varStmt(const ast::Stmt &stmt, std::vector<Stmt> &out) {
  Var &var = program.vars.emplace_back();
  var.name = stmt.name.text;
  var.loc = stmt.name.loc;
  auto elem = type(stmt.type, true);
  bool ok = elem.has_value();
  var.elem = elem.value_or(Elem::F32);
  for (ast::Name name : stmt.axes) {
    const Axis *axis = resolveAxis(name);
    ok &= axis != nullptr;
    if (!axis)
      continue;
    if (axis->isPoint() || !hasFixedSize(*axis)) {
      error(Diag::VarAxis, name.loc, stmt.name.text, name.text)
          .note(axis->loc, axis->isPoint()
                               ? "it is a scalar: one point, declared here"
                               : "its size is known at launch only; it is declared here");
      ok = false;
    } else if (std::ranges::find(var.axes, axis) != var.axes.end()) {
      error(Diag::AxisTwice, name.loc, stmt.name.text, name.text);
      ok = false;
    } else {
      var.axes.push_back(axis);
    }
  }
  std::ranges::sort(var.axes, {}, &Axis::id);
  Value init = value(*stmt.value);
  if (ok && checkAxesStored(init, var.axes, var.name, true))
    init = stored(init, *stmt.value, var.elem, var.name, var.loc);
  var.init = init;
  Symbol symbol{.kind = ok ? Symbol::Var : Symbol::Broken,
                .name = stmt.name.text,
                .loc = stmt.name.loc,
                .var = &var};
  declare(symbol, "a `var`", false);
  out.push_back({.kind = Stmt::DeclareVar, .var = &var, .loc = stmt.loc});
}

void KernelChecker::setStmt(const ast::Stmt &stmt, std::vector<Stmt> &out) {
  Value result = value(*stmt.value);
  const Symbol *symbol = find(stmt.name.text);
  if (!symbol) {
    unknown(Diag::UnknownName, stmt.name,
            fmt::format("declare it: `let {} = ...`, or `var {}: f32 = ...` if it changes",
                        stmt.name.text, stmt.name.text));
    return;
  }
  if (symbol->kind == Symbol::Broken)
    return;
  if (symbol->kind != Symbol::Var) {
    auto handle = error(Diag::AssignTarget, stmt.loc, stmt.name.text, describe(*symbol));
    handle.note(symbol->loc, "it is declared here");
    if (symbol->kind == Symbol::Let)
      handle.fix(fmt::format("declare it as `var {}: ...`, or use another name", stmt.name.text));
    else if (symbol->kind == Symbol::Tensor)
      handle.fix(fmt::format("store at indices: `{}[...] = ...`", stmt.name.text));
    return;
  }
  const Var &var = *symbol->var;
  if (!checkAxesStored(result, var.axes, var.name, true))
    return;
  result = stored(result, *stmt.value, var.elem, var.name, var.loc);
  out.push_back({.kind = Stmt::Set, .var = &var, .value = result, .loc = stmt.loc});
}

void KernelChecker::storeStmt(const ast::Stmt &stmt, std::vector<Stmt> &out) {
  const Symbol *symbol = find(stmt.name.text);
  std::string text = stmt.indices.empty()
                         ? fmt::format("{}[]", stmt.name.text)
                         : fmt::format("{}[{}]", stmt.name.text, [&] {
                             std::string list;
                             for (const ast::Expr *index : stmt.indices)
                               list += (list.empty() ? "" : ", ") + snippet(*index);
                             return list;
                           }());
  if (!symbol || symbol->kind != Symbol::Tensor || !symbol->tensor->output) {
    value(*stmt.value);
    if (!symbol) {
      unknown(Diag::UnknownName, stmt.name, "");
    } else if (symbol->kind == Symbol::Tensor) {
      error(Diag::InputStored, stmt.loc, stmt.name.text)
          .note(symbol->loc, "it is declared here")
          .fix("list it among the outputs, behind `->`");
    } else if (symbol->kind != Symbol::Broken) {
      auto handle = error(Diag::NotATensor, stmt.loc, stmt.name.text, describe(*symbol));
      handle.note(symbol->loc, "it is declared here");
      if (symbol->kind == Symbol::Var)
        handle.fix(fmt::format("a `var` is set whole: `{} = ...`", stmt.name.text));
    }
    return;
  }
  const dsl::Tensor &tensor = *symbol->tensor;
  storedNames.insert(tensor.name);
  Stmt store{.kind = Stmt::Store, .tensor = &tensor, .loc = stmt.loc};
  bool ok = indices(stmt.indices, tensor, stmt.loc, text, store.indices);
  Value result = value(*stmt.value);
  for (Value index : store.indices)
    ok &= index != nullptr;
  if (!ok || !result)
    return;
  std::set<const Axis *, decltype([](auto *a, auto *b) { return a->id < b->id; })> over;
  for (Value index : store.indices)
    over.insert(index->axes.begin(), index->axes.end());
  if (!checkAxesStored(result, Axes(over.begin(), over.end()), text, false))
    return;
  store.value = stored(result, *stmt.value, tensor.elem, tensor.name, tensor.loc);
  checkStoredOnce(stmt, store);
  out.push_back(std::move(store));
}

/// A7, as far as it shows in the text: the indices vary with every axis of the grid and of the
/// loops around, and no two stores have the same indices. The reference evaluator counts the
/// writes.
void KernelChecker::checkStoredOnce(const ast::Stmt &stmt, const Stmt &store) {
  Dependence on;
  std::unordered_set<Value> seen;
  uint64_t indices = 0;
  for (Value index : store.indices) {
    dependence(index, on, seen);
    indices = indices * 31 + structure(index);
  }
  std::string target(stmt.name.text);
  if (!on.onVar) {
    for (const Axis *axis : kernel.grid)
      if (!on.axes.test(size_t(axis->id)))
        error(Diag::GridAxisNotStored, stmt.loc, target, axis->name)
            .note(axis->loc, fmt::format("`{}` is declared here", axis->name))
            .fix(fmt::format("index `{}` by `{}`, or make it an `axis` and reduce over it", target,
                             axis->name));
    for (const Axis *axis : loops)
      if (!on.axes.test(size_t(axis->id)))
        error(Diag::LoopAxisNotStored, stmt.loc, target, axis->name)
            .note(axis->loc, "the loop is here")
            .fix("keep the value in a `var` and store it after the loop");
    auto [other, fresh] = stores[&*store.tensor].emplace(indices, stmt.loc);
    if (!fresh)
      error(Diag::StoredTwice, stmt.loc, target)
          .note(other->second, "the same elements are stored here");
  }
}

//===-- Schedules ---------------------------------------------------------===//

void KernelChecker::scheduleStmt(const ast::Stmt &stmt) {
  // Its axes may be declared further down, or in a loop: looked at when the kernel is known.
  scheduleStmts.push_back(&stmt);
}

void KernelChecker::scheduleItems(const ast::Stmt &stmt) {
  Schedule &schedule = kernel.schedules.emplace_back();
  schedule.target = stmt.name.text;
  if (!schedule.target.empty() &&
      std::ranges::find(targetNames(), stmt.name.text) == targetNames().end()) {
    auto handle = error(Diag::UnknownTarget, stmt.name.loc, schedule.target,
                        fmt::format("{}", fmt::join(targetNames(), " ")));
    if (auto meant = nearest(schedule.target, targetNames()))
      handle.fix(fmt::format("did you mean `{}`?", *meant), stmt.name.loc);
  }
  std::set<std::pair<std::string_view, std::string_view>> set;
  for (const ast::ScheduleItem &item : stmt.items) {
    std::string_view key = item.key.text;
    bool ofAxis = key == "tile" || key == "split" || key == "walks";
    if (std::ranges::find(scheduleKeys(), key) == scheduleKeys().end()) {
      auto handle = error(Diag::ScheduleKey, item.key.loc, key);
      if (auto meant = nearest(key, scheduleKeys()))
        handle.fix(fmt::format("did you mean `{}`?", *meant), item.key.loc);
      continue;
    }
    if (ofAxis == item.axis.text.empty()) {
      error(Diag::ScheduleAxis, item.key.loc, key,
            ofAxis ? "is of an axis" : "is of the whole kernel")
          .fix(ofAxis ? fmt::format("write `{} j = ...`", key)
                      : fmt::format("write `{} = ...`", key));
      continue;
    }
    if (ofAxis &&
        std::ranges::none_of(kernel.axes, [&](auto *a) { return a->name == item.axis.text; }))
      error(Diag::UnknownAxis, item.axis.loc, item.axis.text)
          .note({}, "a schedule names axes of its kernel");
    if (!set.insert({key, item.axis.text}).second)
      error(Diag::ScheduleTwice, item.key.loc,
            ofAxis ? fmt::format("{} {}", key, item.axis.text) : std::string(key));
    Value number = toInt({value(*item.value), item.value}, "a value in a schedule");
    if (number && number->op != Op::Const) {
      error(Diag::NotCompileTime, item.value->loc, "a value in a schedule", snippet(*item.value));
      continue;
    }
    if (number && number->intValue <= 0)
      error(Diag::ScheduleValue, item.value->loc, key, number->intValue);
    schedule.items.push_back({std::string(key), std::string(item.axis.text),
                              number ? number->intValue : 0, item.key.loc});
  }
}

} // namespace fc::dsl
