// Formulas.h - nodes of the derivation's graph as formulas in the text's names
#pragma once
#include "compiler/Explain/Names.h"
#include "compiler/Transforms/Online/Derive.h"

namespace fc::explain {

class Formulas {
public:
  Formulas(const Names &names, mlir::ArrayAttr params) : names(names), params(params) {}

  /// What stands for a node from now on.
  void name(const online::Node *node, std::string text) {
    given[node] = std::move(text);
    moving.insert(node);
  }
  /// The names given so far are those of finished walks: they move no more.
  void settle() { moving.clear(); }
  bool isNamed(const online::Node *node) const { return given.contains(node); }
  /// What a reduction is made of, where it has no name.
  void define(const online::Node *reduction, const online::Node *value) { made[reduction] = value; }
  /// A name like `wish` that nothing else has.
  std::string freeName(llvm::StringRef wish);

  /// The node as text. `inside`: what it stands in binds at least so; it is put in parentheses if
  /// it binds less.
  enum Binding { Any, Sum, Term, Atom };
  std::string print(const online::Node *node, Binding inside = Any);
  /// The same after the walk has moved: names that change along it carry a prime.
  std::string printMoved(const online::Node *node);
  /// A side of a product or the body of a sum.
  std::string print(const online::Side &side);
  /// By what an accumulator is multiplied when the anchors of its sides move; empty if by nothing.
  std::string factorOf(const online::Accumulator &accumulator);

private:
  std::string printSum(const online::Node *node);
  std::string printProduct(const online::Node *node, Binding &own);
  std::string printOpaque(const online::Node *node);

  const Names &names;
  mlir::ArrayAttr params;
  llvm::DenseMap<const online::Node *, std::string> given;
  llvm::DenseMap<const online::Node *, const online::Node *> made;
  std::set<std::string> used;
  llvm::DenseSet<const online::Node *> moving;
  bool moved = false;
};

} // namespace fc::explain
