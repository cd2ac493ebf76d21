// Names.h - from the IR back to the text: what stood where an operation came from
//
// Locations survive the stages; each names a line and column at which one expression of the text
// stands (a few share one, where a normaliser was written out). That is how a fact about the IR is
// told in the words of the `.fc` file.
#pragma once
#include "compiler/Explain/Explanation.h"
#include "dsl/Kernel.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <set>
#include <tuple>

namespace fc::explain {

class Names {
public:
  Names(const dsl::Program &program, const dsl::Kernel &kernel);

  /// The expression that stands there, or null.
  const dsl::Expr *exprAt(mlir::Location location) const;
  /// The `let` whose value stands there, if that is not a normaliser; or null.
  const dsl::Let *letAt(mlir::Location location) const;
  /// The store or assignment there, or null.
  const dsl::Stmt *statementAt(mlir::Location location) const;
  /// `o[b, h, i, d]`.
  static std::string target(const dsl::Stmt &store);
  /// What stands there, with its line; the text is the expression's unless given.
  Quote quote(mlir::Location location, llvm::StringRef text = "") const;
  Quote quote(dsl::Loc loc, std::string text) const;
  /// Whether the kernel uses a name.
  bool isTaken(llvm::StringRef name) const { return taken.count(name.str()); }

  const dsl::Kernel &kernel() const { return text; }

private:
  using Key = std::tuple<std::string, unsigned, unsigned>;
  std::optional<Key> keyOf(mlir::Location location) const;
  Key keyOf(dsl::Loc loc) const;
  void visit(const dsl::Expr *expr);
  void visit(const std::vector<dsl::Stmt> &stmts);

  const dsl::Program &program;
  const dsl::Kernel &text;
  std::map<Key, const dsl::Expr *> exprs;
  std::map<Key, const dsl::Let *> lets;
  std::map<Key, const dsl::Stmt *> statements;
  std::set<std::string> taken;
  std::set<const dsl::Expr *> seen;
};

} // namespace fc::explain
