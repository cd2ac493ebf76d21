// ReferencePlan.h - what the evaluator knows of a kernel before it runs: what each expression
// depends on, and where masks exclude points (rule S2).
#pragma once
#include "dsl/Kernel.h"
#include "dsl/Reference.h"
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace fc::dsl {

/// What a value is, whatever else goes into it, at points where a mask's condition fails.
enum class Absorbed : uint8_t { NegInf, PosInf, Zero, False, True };

/// One reason for which points are excluded: where `condition` equals `deadWhen`, the value is
/// `value`.
struct Exclusion {
  const Expr *condition = nullptr;
  bool deadWhen = false;
  Absorbed value = Absorbed::Zero;
  /// Not null: the condition was written in this `let`, which depends on a `var`, so that the
  /// condition's value is the one it had there: number `index` of those that the evaluator keeps
  /// with the `let`.
  const Let *via = nullptr;
  size_t index = 0;
};

/// Things whose value changes while a kernel runs; each is numbered.
using Slot = int;

struct ExprInfo {
  int id = 0;              ///< dense, for the evaluator's memo
  std::vector<Slot> slots; ///< what the value depends on
  bool usesVar = false;    ///< whether a `var` is among it, directly or through a `let`
  std::vector<Exclusion> exclusions;
};

class Plan {
public:
  Plan(const Kernel &kernel, const Scalars &scalars);

  const ExprInfo &info(const Expr *e) const { return infos.at(e); }
  size_t exprCount() const { return order.size(); }
  const std::vector<const Expr *> &exprs() const { return order; } ///< operands before users

  size_t slotCount() const { return slots.size(); }
  Slot slot(const Axis *axis) const { return slots.at(axis); }
  Slot slot(const Var *var) const { return slots.at(var); }
  Slot slot(const Let *let) const { return slots.at(let); }

  bool isUsed(const Let *let) const { return usedLets.count(let); }
  /// Whether the value is to be kept from where the `let` stands, since a `var` may change later
  /// (rule A8).
  bool isKept(const Let *let) const { return info(let->value).usesVar; }
  /// A loop over tiles that the text gives no size (rule A5), or null.
  const Stmt *freeTileLoop() const { return tileLoop; }

private:
  const Scalars &scalars;
  std::unordered_map<const Expr *, ExprInfo> infos;
  std::vector<const Expr *> order;
  std::unordered_map<const void *, Slot> slots;
  std::unordered_set<const Let *> usedLets;
  const Stmt *tileLoop = nullptr;

  Slot slotOf(const void *thing) { return slots.emplace(thing, Slot(slots.size())).first->second; }
  void visit(const std::vector<Stmt> &stmts);
  void visit(const Axis *axis);
  void visit(const Expr *e);
  void addSlots(const Expr *e, ExprInfo &info);
  void addExclusions(const Expr *e, ExprInfo &info) const;
  void addConjuncts(const Expr *condition, bool deadWhen, Absorbed value, ExprInfo &info) const;
  void pass(const Expr *from, Absorbed seen, Absorbed becomes, ExprInfo &info) const;
  bool isPositive(const Expr *e, int depth = 0) const;
};

} // namespace fc::dsl
