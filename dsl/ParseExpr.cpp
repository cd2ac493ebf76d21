// ParseExpr.cpp - the rules of expressions, from loosest to tightest.
#include "dsl/ParserImpl.h"
#include <algorithm>

namespace fc::dsl {

ast::Expr *Parser::make(Expr::Kind kind, Loc loc, uint32_t begin) {
  Expr &node = tree.exprStore.emplace_back();
  node.kind = kind;
  node.loc = loc;
  node.begin = begin;
  return &node;
}

const ast::Expr *Parser::finish(Expr *node) {
  node->end = lastEnd;
  unsigned depth = 0;
  for (const Expr *arg : node->args)
    depth = std::max<unsigned>(depth, arg->depth);
  if (depth >= ast::kMaxDepth) {
    reporter.report(Diag::TooDeep, node->loc, ast::kMaxDepth).fix("name a part of it with `let`");
    return nullptr;
  }
  node->depth = uint16_t(depth + 1);
  return node;
}

const ast::Expr *Parser::expr() {
  Nesting guard(*this);
  if (!guard.ok)
    return nullptr;
  uint32_t begin = token.begin;
  const Expr *value = orExpr();
  if (!value || !at(Tok::KwAs))
    return value;
  Expr *cast = make(Expr::Cast, token.loc, begin);
  advance();
  if (!word(cast->name, "a type after `as`"))
    return nullptr;
  cast->args = {value};
  if (at(Tok::KwAs)) {
    reporter.report(Diag::CastTwice, token.loc)
        .note(cast->loc, "the first cast is here")
        .fix("put the first one into parentheses: `(x as f32) as int`");
    return nullptr;
  }
  return finish(cast);
}

const ast::Expr *Parser::chain(std::initializer_list<std::pair<Tok, Op>> operators, Rule operand) {
  uint32_t begin = token.begin;
  const Expr *left = (this->*operand)();
  while (left) {
    const auto *found = std::ranges::find_if(operators, [&](auto &o) { return at(o.first); });
    if (found == operators.end())
      break;
    Expr *node = make(Expr::Binary, token.loc, begin);
    node->op = found->second;
    advance();
    const Expr *right = (this->*operand)();
    if (!right)
      return nullptr;
    node->args = {left, right};
    left = finish(node);
  }
  return left;
}

const ast::Expr *Parser::prefix(Op op, Rule operand) {
  Nesting guard(*this);
  if (!guard.ok)
    return nullptr;
  Expr *node = make(Expr::Unary, token.loc, token.begin);
  node->op = op;
  advance();
  const Expr *value = (this->*operand)();
  if (!value)
    return nullptr;
  node->args = {value};
  return finish(node);
}

const ast::Expr *Parser::notExpr() {
  return at(Tok::KwNot) ? prefix(Op::Not, &Parser::notExpr) : compare();
}

const ast::Expr *Parser::unary() {
  return at(Tok::Minus) ? prefix(Op::Neg, &Parser::unary) : atom();
}

const ast::Expr *Parser::compare() {
  auto isComparison = [&] {
    return at(Tok::Less) || at(Tok::LessEqual) || at(Tok::Greater) || at(Tok::GreaterEqual) ||
           at(Tok::EqualEqual) || at(Tok::NotEqual);
  };
  uint32_t begin = token.begin;
  const Expr *first = sum();
  if (!first || !isComparison())
    return first;
  Expr *node = make(Expr::Compare, token.loc, begin);
  node->args.push_back(first);
  while (isComparison()) {
    node->ops.push_back(asName(token));
    advance();
    const Expr *next = sum();
    if (!next)
      return nullptr;
    node->args.push_back(next);
  }
  return finish(node);
}

const ast::Expr *Parser::atom() {
  uint32_t begin = token.begin;
  Loc loc = token.loc;
  switch (token.kind) {
  case Tok::Integer:
  case Tok::Float: {
    Expr *node = make(at(Tok::Integer) ? Expr::Integer : Expr::Float, loc, begin);
    node->intValue = token.intValue;
    node->floatValue = token.floatValue;
    advance();
    return finish(node);
  }
  case Tok::KwInf: {
    Expr *node = make(Expr::Inf, loc, begin);
    advance();
    return finish(node);
  }
  case Tok::KwTrue:
  case Tok::KwFalse: {
    Expr *node = make(Expr::Bool, loc, begin);
    node->intValue = at(Tok::KwTrue);
    advance();
    return finish(node);
  }
  case Tok::LParen: {
    advance();
    const Expr *inner = expr();
    if (!inner)
      return nullptr;
    if (at(Tok::RParen)) {
      advance();
      return inner;
    }
    expected("`)`");
    return nullptr;
  }
  case Tok::Name:
    return named();
  default:
    expected("an expression");
    return nullptr;
  }
}

/// A name, a read `x[..]`, or a call `f(..)`, `f[a](..)`. Only what follows `]` tells the last two
/// apart, so the brackets are parsed as expressions first.
const ast::Expr *Parser::named() {
  Expr *node = make(Expr::Ref, token.loc, token.begin);
  node->name = asName(token);
  advance();
  if (accept(Tok::LBracket)) {
    node->kind = Expr::Index;
    if (!exprs(node->args, Tok::RBracket))
      return nullptr;
    if (!at(Tok::LParen))
      return finish(node);
    for (const Expr *arg : node->args) {
      if (arg->kind != Expr::Ref) {
        reporter.report(Diag::NotAnAxis, arg->loc,
                        text.substr(arg->begin, std::min(40u, arg->end - arg->begin)),
                        "an expression");
        return nullptr;
      }
      node->axes.push_back(arg->name);
    }
    node->args.clear();
    node->hasAxes = true;
  }
  if (accept(Tok::LParen)) {
    node->kind = Expr::Call;
    if (!exprs(node->args, Tok::RParen))
      return nullptr;
  }
  return finish(node);
}

/// A list of expressions and its closing bracket; the opening one is behind. A comma may trail.
bool Parser::exprs(std::vector<const Expr *> &list, Tok close) {
  while (!at(close)) {
    const Expr *item = expr();
    if (!item)
      return false;
    list.push_back(item);
    if (!accept(Tok::Comma))
      break;
  }
  if (accept(close))
    return true;
  expected(fmt::format("`,` or {}", describe(close)));
  return false;
}

bool Parser::names(std::vector<Name> &names, const char *what) {
  do {
    Name next;
    if (!name(next, what))
      return false;
    names.push_back(next);
  } while (accept(Tok::Comma) && at(Tok::Name));
  return true;
}

} // namespace fc::dsl
