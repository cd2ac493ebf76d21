// ParserImpl.h - the parser's state and rules. Private to Parser.cpp (tokens, statements,
// declarations) and ParseExpr.cpp (expressions).
//
// Each function parses one rule of the grammar and returns null or false when it has reported an
// error; statements and declarations then skip to where the next one seems to begin, so that one
// run shows every mistake.
#pragma once
#include "dsl/Lexer.h"
#include "dsl/Parser.h"

namespace fc::dsl {

class Parser {
  using Expr = ast::Expr;
  using Name = ast::Name;

public:
  Parser(std::string_view text, int file, Reporter &reporter)
      : text(text), reporter(reporter), lexer(text, file, reporter) {
    tree.file = file;
    token = lexer.next();
    ahead = lexer.next();
  }

  ast::File file();

private:
  // Declarations
  bool use();
  const ast::Fn *fn();
  bool kernel();
  bool kernelHeader(ast::Kernel &kernel);
  bool cparam(ast::Param &param);
  bool param(ast::Param &param, bool tensorOnly);
  bool shape(ast::Param &param);

  // Statements
  bool block(std::vector<ast::Stmt> &body);
  bool statement(ast::Stmt &stmt);
  bool binders(ast::Stmt &stmt, bool grid);
  bool binder(ast::Binder &binder, bool tileAllowed);
  bool range(ast::Range &range, bool tile);
  bool variable(ast::Stmt &stmt);
  bool assignment(ast::Stmt &stmt);
  bool loop(ast::Stmt &stmt);
  bool schedule(ast::Stmt &stmt);
  bool scheduleItem(std::vector<ast::ScheduleItem> &items);
  void recover(uint32_t column);
  void skipTo(Tok kind);
  void skipItem(Tok close);

  // Expressions, from loosest to tightest
  const Expr *expr();
  const Expr *orExpr() { return chain({{Tok::KwOr, Op::Or}}, &Parser::andExpr); }
  const Expr *andExpr() { return chain({{Tok::KwAnd, Op::And}}, &Parser::notExpr); }
  const Expr *notExpr();
  const Expr *compare();
  const Expr *sum() { return chain({{Tok::Plus, Op::Add}, {Tok::Minus, Op::Sub}}, &Parser::term); }
  const Expr *term() {
    return chain({{Tok::Star, Op::Mul}, {Tok::Slash, Op::Div}, {Tok::Percent, Op::Mod}},
                 &Parser::unary);
  }
  const Expr *unary();
  const Expr *atom();
  const Expr *named();
  bool names(std::vector<Name> &names, const char *what);
  bool exprs(std::vector<const Expr *> &list, Tok close);

  using Rule = const Expr *(Parser::*)();
  const Expr *chain(std::initializer_list<std::pair<Tok, Op>> operators, Rule operand);
  const Expr *prefix(Op op, Rule operand);
  Expr *make(Expr::Kind kind, Loc loc, uint32_t begin);
  const Expr *finish(Expr *node);

  // Tokens
  bool at(Tok kind) const { return token.kind == kind; }
  void advance();
  bool accept(Tok kind);
  bool expect(Tok kind, const char *where);
  bool name(Name &name, const char *what);
  bool word(Name &name, const char *what); ///< a name or `type`: where a type stands
  Name asName(const Token &t) const { return {lexer.text(t), t.loc}; }
  std::string seen() const;
  Reporter::Handle expected(std::string_view what);

  /// Counts what is open around the current token; false (and an error) when it is too much.
  struct Nesting {
    Parser &parser;
    bool ok;
    explicit Nesting(Parser &parser) : parser(parser), ok(++parser.nesting <= ast::kMaxNesting) {
      if (!ok)
        parser.reporter.report(Diag::TooDeep, parser.token.loc, ast::kMaxNesting)
            .fix("name a part of it with `let`");
    }
    ~Nesting() { --parser.nesting; }
  };

  std::string_view text;
  Reporter &reporter;
  Lexer lexer;
  ast::File tree;
  Token token, ahead;
  uint32_t lastEnd = 0; ///< where the token before `token` ended
  Loc lastLoc;
  unsigned nesting = 0, loops = 0;
};

} // namespace fc::dsl
