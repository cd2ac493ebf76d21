// Parser.cpp - recursive descent over two tokens of lookahead: tokens, statements, declarations.
// The rules of expressions are in ParseExpr.cpp.
#include "dsl/ParserImpl.h"
#include "dsl/Words.h"
#include <algorithm>

namespace fc::dsl {

//===-- Tokens ------------------------------------------------------------===//

void Parser::advance() {
  lastEnd = token.end + (token.kind == Tok::String);
  lastLoc = {token.loc.file, token.loc.line, token.loc.col + (token.end - token.begin)};
  token = ahead;
  ahead = lexer.next();
}

bool Parser::accept(Tok kind) {
  if (!at(kind))
    return false;
  advance();
  return true;
}

std::string Parser::seen() const {
  if (token.kind == Tok::End)
    return "the end of the file";
  std::string_view spelling = lexer.text(token);
  std::string shown(spelling.substr(0, 40));
  if (spelling.size() > 40)
    shown += "...";
  bool keyword = token.kind >= Tok::KwKernel;
  return fmt::format("{}`{}`", keyword ? "the keyword " : "", shown);
}

Reporter::Handle Parser::expected(std::string_view what) {
  // What is missing at the end of a line is shown there and not at the beginning of the next one.
  return reporter.report(Diag::Expected, token.firstOnLine && lastEnd ? lastLoc : token.loc, what,
                         seen());
}

bool Parser::expect(Tok kind, const char *where) {
  if (accept(kind))
    return true;
  expected(fmt::format("{} {}", describe(kind), where));
  return false;
}

bool Parser::name(Name &name, const char *what) {
  if (!at(Tok::Name)) {
    expected(what);
    return false;
  }
  name = asName(token);
  advance();
  return true;
}

bool Parser::word(Name &name, const char *what) {
  if (!at(Tok::KwType))
    return this->name(name, what);
  name = asName(token);
  advance();
  return true;
}

//===-- Statements --------------------------------------------------------===//

static bool startsStatement(Tok kind) {
  switch (kind) {
  case Tok::KwGrid:
  case Tok::KwAxis:
  case Tok::KwLet:
  case Tok::KwFn:
  case Tok::KwVar:
  case Tok::KwFor:
  case Tok::KwAssume:
  case Tok::KwSchedule:
    return true;
  default:
    return false;
  }
}

/// Skips to where the next statement seems to begin: at a keyword that begins one, or at a line
/// that is not indented more than the broken statement (its column is `column`).
void Parser::recover(uint32_t column) {
  unsigned open = 0;
  while (!at(Tok::End) && !at(Tok::KwKernel)) {
    bool newLine = token.firstOnLine && token.loc.col <= column;
    if (open == 0 && (startsStatement(token.kind) || newLine || at(Tok::RBrace)))
      return;
    if (newLine && startsStatement(token.kind))
      return; // brackets that nobody closed
    if (at(Tok::LBrace))
      ++open;
    if (at(Tok::RBrace))
      --open;
    bool ends = at(Tok::Semicolon) && open == 0;
    advance();
    if (ends)
      return;
  }
}

/// Skips to the comma after this item of a list, or to the end of the list.
void Parser::skipItem(Tok close) {
  for (unsigned open = 0; !at(Tok::End) && !at(Tok::LBrace) && !at(Tok::KwKernel); advance()) {
    if (open == 0 && (at(Tok::Comma) || at(close)))
      return;
    open += at(Tok::LParen) || at(Tok::LBracket);
    open -= open && (at(Tok::RParen) || at(Tok::RBracket));
  }
}

/// Skips to a token of this kind, but not past the end of the block or into another declaration.
void Parser::skipTo(Tok kind) {
  while (!at(kind) && !at(Tok::End) && !at(Tok::RBrace) && !at(Tok::KwKernel) && !at(Tok::KwUse))
    advance();
}

bool Parser::block(std::vector<ast::Stmt> &body) {
  Loc open = token.loc;
  if (!expect(Tok::LBrace, "to begin a block"))
    return false;
  while (!at(Tok::RBrace)) {
    if (at(Tok::End) || at(Tok::KwKernel)) {
      expected("`}`").note(open, "to close this `{`");
      return false;
    }
    if (reporter.full())
      return false;
    ast::Stmt stmt{};
    stmt.loc = token.loc;
    uint32_t begin = token.begin;
    if (statement(stmt)) {
      body.push_back(std::move(stmt));
      accept(Tok::Semicolon);
      continue;
    }
    if (token.begin == begin)
      advance(); // whatever it is, it begins no statement
    recover(stmt.loc.col);
  }
  advance();
  return true;
}

bool Parser::statement(ast::Stmt &stmt) {
  switch (token.kind) {
  case Tok::KwGrid:
    return binders(stmt, true);
  case Tok::KwAxis:
    return binders(stmt, false);
  case Tok::KwLet:
    stmt.kind = ast::Stmt::Let;
    advance();
    return name(stmt.name, "a name after `let`") && expect(Tok::Assign, "after the name") &&
           (stmt.value = expr());
  case Tok::KwFn:
    stmt.kind = ast::Stmt::Fn;
    return (stmt.fn = fn());
  case Tok::KwVar:
    return variable(stmt);
  case Tok::KwFor:
    return loop(stmt);
  case Tok::KwAssume:
    stmt.kind = ast::Stmt::Assume;
    advance();
    return (stmt.value = expr());
  case Tok::KwSchedule:
    return schedule(stmt);
  case Tok::Name:
    return assignment(stmt);
  default:
    reporter.report(Diag::Expected, token.loc, "a statement", seen());
    return false;
  }
}

bool Parser::binders(ast::Stmt &stmt, bool grid) {
  stmt.kind = grid ? ast::Stmt::Grid : ast::Stmt::Axis;
  advance();
  do {
    ast::Binder next;
    if (!binder(next, grid))
      return false;
    stmt.binders.push_back(next);
  } while (accept(Tok::Comma) && (at(Tok::Name) || at(Tok::KwTile)));
  return true;
}

bool Parser::binder(ast::Binder &binder, bool tileAllowed) {
  if (at(Tok::KwTile)) {
    if (!tileAllowed) {
      reporter.report(Diag::TileHere, token.loc)
          .fix("drop `tile`: the compiler cuts it into tiles");
      return false;
    }
    binder.tile = true;
    advance();
  }
  return name(binder.name, "the name of an axis") && expect(Tok::KwIn, "after the axis") &&
         range(binder.range, binder.tile);
}

bool Parser::range(ast::Range &range, bool tile) {
  if (!(range.hi = sum()))
    return false;
  if (accept(Tok::DotDot)) {
    range.lo = range.hi;
    if (!(range.hi = sum()))
      return false;
  }
  if (accept(Tok::KwUpto) && !(range.upto = sum()))
    return false;
  if (at(Tok::KwBy)) {
    if (!tile) {
      reporter.report(Diag::ByWithoutTile, token.loc)
          .fix("write `tile` before the axis, or drop `by`");
      return false;
    }
    advance();
    return (range.by = sum());
  }
  return true;
}

bool Parser::variable(ast::Stmt &stmt) {
  stmt.kind = ast::Stmt::Var;
  advance();
  if (!name(stmt.name, "a name after `var`") || !expect(Tok::Colon, "and a type after the name") ||
      !word(stmt.type, "the type of the `var`"))
    return false;
  if (accept(Tok::LBracket) &&
      (!names(stmt.axes, "an axis") || !expect(Tok::RBracket, "after the axes")))
    return false;
  return expect(Tok::Assign, "and the first value of the `var`") && (stmt.value = expr());
}

bool Parser::assignment(ast::Stmt &stmt) {
  stmt.name = asName(token);
  advance();
  if (accept(Tok::LBracket)) {
    stmt.kind = ast::Stmt::Store;
    if (!exprs(stmt.indices, Tok::RBracket))
      return false;
  } else {
    stmt.kind = ast::Stmt::Set;
  }
  if (!at(Tok::Assign)) {
    auto handle = expected(stmt.kind == ast::Stmt::Store ? "`=`" : "`=` or `[`");
    std::vector<std::string_view> words = {"grid", "axis", "let",    "fn",
                                           "var",  "for",  "assume", "schedule"};
    if (auto meant = nearest(stmt.name.text, words))
      handle.fix(fmt::format("did you mean `{}`?", *meant), stmt.name.loc);
    return false;
  }
  advance();
  return (stmt.value = expr());
}

bool Parser::loop(ast::Stmt &stmt) {
  stmt.kind = ast::Stmt::For;
  if (++loops > ast::kMaxLoops) {
    reporter.report(Diag::TooDeep, token.loc, ast::kMaxLoops);
    --loops;
    skipTo(Tok::LBrace);
    unsigned open = 0;
    do {
      open += at(Tok::LBrace);
      open -= at(Tok::RBrace);
      advance();
    } while (open && !at(Tok::End));
    return false;
  }
  advance();
  stmt.binders.emplace_back();
  bool ok = binder(stmt.binders.back(), true);
  if (!ok)
    skipTo(Tok::LBrace); // the body has mistakes of its own to show
  ok = at(Tok::LBrace) || ok ? block(stmt.body) && ok : false;
  --loops;
  return ok;
}

bool Parser::schedule(ast::Stmt &stmt) {
  stmt.kind = ast::Stmt::Schedule;
  advance();
  if (at(Tok::Name)) {
    stmt.name = asName(token);
    advance();
  }
  if (!expect(Tok::LBrace, "to begin the schedule"))
    return false;
  bool ok = true;
  while (!at(Tok::RBrace)) {
    if (!scheduleItem(stmt.items)) {
      ok = false;
      while (!at(Tok::Semicolon) && !at(Tok::RBrace) && !at(Tok::End) &&
             !startsStatement(token.kind))
        advance();
      if (!at(Tok::Semicolon) && !at(Tok::RBrace))
        return false;
    }
    accept(Tok::Semicolon);
  }
  advance();
  return ok;
}

bool Parser::scheduleItem(std::vector<ast::ScheduleItem> &items) {
  ast::ScheduleItem item;
  if (at(Tok::KwTile)) {
    item.key = asName(token);
    advance();
  } else if (!name(item.key, "`tile`, `split`, `walks`, `warps`, `stages`, `ctas` or `}`")) {
    return false;
  }
  if (accept(Tok::Assign)) {
    items.push_back(item);
    return (items.back().value = sum());
  }
  do {
    if (!name(item.axis, "`=` or an axis") || !expect(Tok::Assign, "after the axis") ||
        !(item.value = sum()))
      return false;
    items.push_back(item);
  } while (accept(Tok::Comma) && at(Tok::Name));
  return true;
}

//===-- Declarations ------------------------------------------------------===//

bool Parser::use() {
  advance();
  if (!at(Tok::String)) {
    expected("the name of a file in quotes after `use`");
    return false;
  }
  tree.uses.push_back({asName(token)});
  advance();
  return true;
}

const ast::Fn *Parser::fn() {
  ast::Fn &fn = tree.fnStore.emplace_back();
  fn.file = tree.file;
  advance();
  if (!name(fn.name, "a name after `fn`"))
    return nullptr;
  if (accept(Tok::LBracket)) {
    fn.hasAxes = true;
    if (!names(fn.axes, "an axis") || !expect(Tok::RBracket, "after the axes"))
      return nullptr;
  }
  if (!expect(Tok::LParen, "and the parameters"))
    return nullptr;
  if (at(Tok::Name) && !names(fn.params, "a parameter"))
    return nullptr;
  if (!expect(Tok::RParen, "after the parameters"))
    return nullptr;
  if (accept(Tok::Assign))
    return (fn.result = expr()) ? &fn : nullptr;
  fn.isBlock = true;
  if (!expect(Tok::LBrace, "or `=` to begin the body"))
    return nullptr;
  while (accept(Tok::KwLet)) {
    ast::Let &let = fn.lets.emplace_back();
    if (!name(let.name, "a name after `let`") || !expect(Tok::Assign, "after the name") ||
        !(let.value = expr()))
      return nullptr;
    accept(Tok::Semicolon);
  }
  if (!expect(Tok::KwReturn, "or `let` in the body of a `fn`") || !(fn.result = expr()))
    return nullptr;
  accept(Tok::Semicolon);
  return expect(Tok::RBrace, "after the `return` of a `fn`") ? &fn : nullptr;
}

bool Parser::cparam(ast::Param &param) {
  if (!name(param.name, "a compile-time parameter") || !expect(Tok::Colon, "after the parameter") ||
      !word(param.type, "`type`, `int`, `bool` or `f32`"))
    return false;
  // A default that is an element type is a name too: the checker tells which.
  return !accept(Tok::Assign) || (param.init = sum());
}

bool Parser::shape(ast::Param &param) {
  param.isTensor = true;
  while (!at(Tok::RBracket)) {
    ast::Param::Dim dim;
    if (!(dim.size = expr()))
      return false;
    dim.orOne = accept(Tok::Question);
    param.shape.push_back(dim);
    if (!accept(Tok::Comma))
      break;
  }
  if (param.shape.empty()) {
    expected("a dimension");
    return false;
  }
  return expect(Tok::RBracket, "or `,` after a dimension");
}

bool Parser::param(ast::Param &param, bool tensorOnly) {
  if (!name(param.name, tensorOnly ? "an output" : "a parameter") ||
      !expect(Tok::Colon, "and a type after the name") || !word(param.type, "a type"))
    return false;
  if (accept(Tok::LBracket))
    return shape(param);
  if (tensorOnly) {
    expected("`[` and the shape of the output");
    return false;
  }
  return !accept(Tok::Assign) || (param.init = expr());
}

bool Parser::kernelHeader(ast::Kernel &kernel) {
  if (!name(kernel.name, "a name after `kernel`"))
    return false;
  // One list: its items until the closing token; a comma may trail. After a mistake, the next item.
  auto list = [&](std::vector<ast::Param> &params, Tok close, auto item) {
    bool ok = true;
    while (!at(close)) {
      ast::Param next;
      if (!item(next)) {
        ok = false;
        skipItem(close);
      } else if (!at(Tok::Comma) && !at(close)) {
        ok = false;
        expected(fmt::format("`,` or {} after a parameter", describe(close)));
        skipItem(close);
      } else {
        params.push_back(std::move(next));
      }
      if (!accept(Tok::Comma))
        break;
    }
    if (!ok)
      return accept(close), false;
    return expect(close, "after the parameters");
  };
  bool ok = true;
  if (accept(Tok::Less))
    ok = list(kernel.cparams, Tok::Greater, [&](ast::Param &p) { return cparam(p); });
  if (!expect(Tok::LParen, "and the parameters"))
    return false;
  ok &= list(kernel.params, Tok::RParen, [&](ast::Param &p) { return param(p, false); });
  if (!expect(Tok::Arrow, "and the outputs") || !expect(Tok::LParen, "and the outputs"))
    return false;
  if (at(Tok::RParen)) {
    expected("an output");
    return false;
  }
  return list(kernel.outputs, Tok::RParen, [&](ast::Param &p) { return param(p, true); }) && ok;
}

bool Parser::kernel() {
  advance();
  ast::Kernel &kernel = tree.kernels.emplace_back();
  bool ok = kernelHeader(kernel);
  if (!ok)
    skipTo(Tok::LBrace);
  if (!at(Tok::LBrace) && !ok)
    return false;
  return block(kernel.body) && ok;
}

ast::File Parser::file() {
  while (!at(Tok::End) && !reporter.full()) {
    bool ok = false;
    uint32_t column = token.loc.col;
    switch (token.kind) {
    case Tok::KwUse:
      ok = use();
      break;
    case Tok::KwFn:
      if (const ast::Fn *next = fn()) {
        tree.fns.push_back(next);
        ok = true;
      }
      break;
    case Tok::KwKernel:
      ok = kernel();
      break;
    default:
      reporter.report(Diag::Expected, token.loc, "`kernel`, `fn` or `use`", seen());
      advance();
      break;
    }
    if (ok) {
      accept(Tok::Semicolon);
      continue;
    }
    // The next declaration: one of the three words, not within the broken one.
    while (!at(Tok::End) && !at(Tok::KwKernel) && !at(Tok::KwUse) &&
           !(at(Tok::KwFn) && token.loc.col <= column))
      advance();
  }
  return std::move(tree);
}

ast::File parse(std::string_view text, int file, Reporter &reporter) {
  return Parser(text, file, reporter).file();
}

} // namespace fc::dsl
