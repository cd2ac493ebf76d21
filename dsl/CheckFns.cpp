// CheckFns.cpp - rule F1: the `fn`s of the files, the names in their bodies, and that none calls
// itself.
//
// A `fn` has no types of its own; those are checked in each expansion. Names are checked here,
// once, so that a mistake in a `fn` that nobody uses is found too, and expansion needs no care
// about it.
#include "dsl/KernelChecker.h"
#include <algorithm>

namespace fc::dsl {

static bool beginsUpper(std::string_view name) { return name[0] >= 'A' && name[0] <= 'Z'; }

void FnNames::declare(ast::Name name, const char *what) {
  if (isReserved(name.text)) {
    reporter.report(Diag::ReservedName, name.loc, name.text);
    return;
  }
  if (beginsUpper(name.text)) {
    reporter.report(Diag::WrongCase, name.loc, name.text, what);
    return;
  }
  Loc other;
  if (auto local = locals.find(name.text); local != locals.end())
    other = local->second;
  else if (auto fn = fns.byName.find(name.text); fn != fns.byName.end())
    other = fn->second.loc;
  else if (outer && outer->contains(name.text))
    other = outer->at(name.text)->loc;
  if (other.line)
    reporter.report(Diag::DeclaredTwice, name.loc, name.text).note(other, "it is declared here");
  locals.emplace(name.text, name.loc);
}

bool FnNames::isVisible(std::string_view name) const {
  return locals.contains(name) || fns.byName.contains(name) || (outer && outer->contains(name));
}

std::vector<std::string_view> FnNames::visibleNames() const {
  std::vector<std::string_view> names;
  if (locals.size() + fns.byName.size() + (outer ? outer->size() : 0) > kMaxCandidates)
    return names; // no suggestion is worth the search
  for (auto &[name, loc] : locals)
    names.push_back(name);
  for (auto &[name, symbol] : fns.byName)
    names.push_back(name);
  if (outer)
    for (auto &[name, symbol] : *outer)
      names.push_back(name);
  std::ranges::sort(names); // so that the suggestion does not depend on a hash
  return names;
}

void FnNames::useName(ast::Name name) {
  if (isVisible(name.text))
    return;
  auto handle = reporter.report(Diag::UnknownName, name.loc, name.text);
  if (!handle)
    return;
  if (auto meant = nearest(name.text, visibleNames()))
    handle.fix(fmt::format("did you mean `{}`?", *meant), name.loc);
  else if (!outer)
    handle.note(current->name.loc,
                fmt::format("`{}` stands outside of the kernels and sees only its "
                            "parameters and other `fn`s; pass `{}` to it",
                            current->name.text, name.text));
}

void FnNames::useAxis(ast::Name name) {
  if (axisParams.contains(name.text) || (outer && outer->contains(name.text)))
    return; // in a kernel the expansion tells whether it is an axis
  auto handle = reporter.report(Diag::UnknownAxis, name.loc, name.text);
  if (!outer)
    handle.fix(
        fmt::format("take it as a parameter: `fn {}[{}](...)`", current->name.text, name.text));
}

void FnNames::expr(const ast::Expr &expr) {
  switch (expr.kind) {
  case ast::Expr::Ref:
    useName(expr.name);
    break;
  case ast::Expr::Index:
    useName(expr.name);
    break;
  case ast::Expr::Call: {
    bool known = findBuiltin(expr.name.text, true) || findBuiltin(expr.name.text, false);
    if (outer && expr.name.text == current->name.text) {
      std::string cycle = fmt::format("{} -> {}", expr.name.text, expr.name.text);
      reporter.report(Diag::Recursion, expr.loc, expr.name.text, cycle)
          .note(current->name.loc, fmt::format("`{}` is declared here", expr.name.text));
    } else if (!known && !isVisible(expr.name.text)) {
      auto handle = reporter.report(Diag::UnknownFunction, expr.name.loc, expr.name.text);
      std::vector<std::string_view> names;
      if (handle)
        names = visibleNames();
      for (const Builtin &builtin : builtins())
        names.push_back(builtin.name);
      if (auto meant = nearest(expr.name.text, names))
        handle.fix(fmt::format("did you mean `{}`?", *meant), expr.name.loc);
    }
    for (ast::Name axis : expr.axes)
      useAxis(axis);
    break;
  }
  default:
    break;
  }
  for (const ast::Expr *arg : expr.args)
    this->expr(*arg);
}

bool FnNames::check(const ast::Fn &fn,
                    const std::unordered_map<std::string_view, const Symbol *> *surroundings) {
  unsigned before = reporter.errors();
  current = &fn;
  outer = surroundings;
  locals.clear();
  axisParams.clear();
  for (ast::Name axis : fn.axes) {
    declare(axis, "an axis");
    axisParams.insert(axis.text);
  }
  for (ast::Name param : fn.params)
    declare(param, "a parameter of a `fn`");
  for (const ast::Let &let : fn.lets) {
    expr(*let.value);
    declare(let.name, "a value");
  }
  expr(*fn.result);
  return reporter.errors() == before;
}

namespace {

/// Finds the cycles of calls among the `fn`s: a depth-first walk with its path.
class Recursions {
public:
  Recursions(FnScope &fns, Reporter &reporter) : fns(fns), reporter(reporter) {}
  void find(const std::vector<ast::File> &files) {
    for (const ast::File &file : files)
      for (const ast::Fn *fn : file.fns)
        if (auto known = fns.byName.find(fn->name.text); known != fns.byName.end())
          visit(known->second.fn);
  }

private:
  void visit(const ast::Fn *fn) {
    if (!done.insert(fn).second)
      return;
    // A chain of calls this long would not be expanded either, and the walk itself recurs.
    if (path.size() >= kMaxExprDepth) {
      reporter.report(Diag::TooDeep, fn->name.loc, kMaxExprDepth);
      fns.broken.insert(fn);
      return;
    }
    // The calls first, then the walk: the nesting of an expression and that of the calls do not
    // multiply.
    std::vector<std::pair<const ast::Expr *, const ast::Fn *>> found;
    for (const ast::Let &let : fn->lets)
      collect(*let.value, found);
    collect(*fn->result, found);
    path.push_back(fn);
    for (auto [expr, callee] : found)
      call(*expr, callee);
    path.pop_back();
  }

  void collect(const ast::Expr &expr,
               std::vector<std::pair<const ast::Expr *, const ast::Fn *>> &found) {
    if (expr.kind == ast::Expr::Call)
      if (auto fn = fns.byName.find(expr.name.text); fn != fns.byName.end())
        found.emplace_back(&expr, fn->second.fn);
    for (const ast::Expr *arg : expr.args)
      collect(*arg, found);
  }

  void call(const ast::Expr &expr, const ast::Fn *callee) {
    auto begin = std::ranges::find(path, callee);
    if (begin == path.end())
      return visit(callee);
    std::string cycle;
    for (auto at = begin; at != path.end(); ++at) {
      if (path.end() - begin <= 8 || at == begin)
        cycle += fmt::format("{} -> ", (*at)->name.text);
      fns.broken.insert(*at);
    }
    if (path.end() - begin > 8)
      cycle += "... -> ";
    cycle += callee->name.text;
    reporter.report(Diag::Recursion, expr.loc, callee->name.text, cycle)
        .note(callee->name.loc, fmt::format("`{}` is declared here", callee->name.text));
  }

  FnScope &fns;
  Reporter &reporter;
  std::vector<const ast::Fn *> path;
  std::unordered_set<const ast::Fn *> done;
};

} // namespace

FnScope collectFns(const std::vector<ast::File> &files, Reporter &reporter) {
  FnScope fns;
  for (const ast::File &file : files)
    for (const ast::Fn *fn : file.fns) {
      if (isReserved(fn->name.text)) {
        reporter.report(Diag::ReservedName, fn->name.loc, fn->name.text);
        continue;
      }
      if (beginsUpper(fn->name.text)) {
        reporter.report(Diag::WrongCase, fn->name.loc, fn->name.text, "a `fn`");
        continue;
      }
      Symbol symbol{.kind = Symbol::Fn, .name = fn->name.text, .loc = fn->name.loc, .fn = fn};
      auto [other, fresh] = fns.byName.emplace(fn->name.text, symbol);
      if (!fresh)
        reporter.report(Diag::DeclaredTwice, fn->name.loc, fn->name.text)
            .note(other->second.loc, "it is declared here");
    }
  for (const ast::File &file : files)
    for (const ast::Fn *fn : file.fns)
      if (!FnNames(fns, reporter).check(*fn, nullptr))
        fns.broken.insert(fn);
  Recursions(fns, reporter).find(files);
  return fns;
}

} // namespace fc::dsl
