// KernelChecker.h - the checker of one kernel. Private to the Check*.cpp files, which hold its
// parts:
//
//   CheckFns.cpp      the `fn`s of a file: names in their bodies, recursion
//   CheckHeader.cpp   compile-time parameters, dimensions, tensors, scalars
//   CheckStmt.cpp     blocks, axes and their ranges, stores, assignments, schedules
//   CheckExpr.cpp     names, reads, calls, expansion of `fn`s
//   CheckOps.cpp      types and axes of operations
//   CheckFold.cpp     constants, and conditions that are compile-time
//   CheckFlow.cpp     what depends on what: grid axes in stores, values nobody uses
//
// A null `const Expr *` is a value whose mistake has been reported: whatever is made of it is null
// too.
#pragma once
#include "dsl/Check.h"
#include "dsl/Words.h"
#include <bitset>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace fc::dsl {

/// What a name means.
struct Symbol {
  enum Kind { TypeParam, Constant, Dimension, Tensor, Scalar, Axis, Let, Var, Fn, Broken } kind;
  std::string_view name;
  Loc loc;
  unsigned order = 0; ///< of declaration within the kernel; a local `fn` sees what came before it
  Elem elem = Elem::F32;       ///< TypeParam
  const Expr *value = nullptr; ///< Constant
  const dsl::Dim *dim = nullptr;
  const dsl::Tensor *tensor = nullptr;
  const dsl::Scalar *scalar = nullptr;
  const dsl::Axis *axis = nullptr;
  const dsl::Let *let = nullptr; ///< null: its value was a mistake
  const dsl::Var *var = nullptr;
  const ast::Fn *fn = nullptr;
  bool local = false;        ///< Fn: declared in the kernel
  std::string_view typeText; ///< Tensor: its element type as written
};
/// "an axis", "a tensor": for messages.
std::string_view describe(const Symbol &symbol);

/// With more names than this no suggestion is looked for.
constexpr size_t kMaxCandidates = 5000;

/// Both are sets, sorted by id.
void mergeAxes(std::vector<const Axis *> &into, const std::vector<const Axis *> &from);

/// The `fn`s of all files, by name.
struct FnScope {
  std::unordered_map<std::string_view, Symbol> byName;
  std::unordered_set<const ast::Fn *> broken; ///< with a mistake that was reported: not expanded
};

/// Collects the `fn`s of `files` and checks the names in their bodies (F1).
FnScope collectFns(const std::vector<ast::File> &files, Reporter &reporter);

/// Checks the names in the body of `fn`: `sees` says whether a name of the surroundings is visible.
/// True if there was no mistake.
class FnNames {
public:
  FnNames(const FnScope &fns, Reporter &reporter) : fns(fns), reporter(reporter) {}
  /// `surroundings` is null at file level; else all symbols that are visible there.
  bool check(const ast::Fn &fn,
             const std::unordered_map<std::string_view, const Symbol *> *surroundings);

private:
  void declare(ast::Name name, const char *what);
  void expr(const ast::Expr &expr);
  void useName(ast::Name name);
  void useAxis(ast::Name name);
  bool isVisible(std::string_view name) const;
  std::vector<std::string_view> visibleNames() const;
  const FnScope &fns;
  Reporter &reporter;
  const ast::Fn *current = nullptr;
  const std::unordered_map<std::string_view, const Symbol *> *outer = nullptr;
  std::unordered_map<std::string_view, Loc> locals;
  std::unordered_set<std::string_view> axisParams;
};

class KernelChecker {
public:
  KernelChecker(const ast::Kernel &syntax, const std::deque<SourceFile> &sources,
                const FnScope &fns, const Defines &defines, Program &program, Kernel &kernel,
                Reporter &reporter)
      : syntax(syntax), sources(sources), fns(fns), defines(defines), program(program),
        kernel(kernel), reporter(reporter) {}
  void check();
  /// A hash of the value's structure: equal values, and in practice only those, have equal hashes.
  uint64_t structure(const Expr *expr);

private:
  using Value = const Expr *;
  using Axes = std::vector<const Axis *>;

  //===-- Header --------------------------------------------------------===//
  void header();
  void compileTimeParam(const ast::Param &param);
  bool typeParam(const ast::Param &param, CParam &out);
  bool valueParam(const ast::Param &param, CParam &out);
  bool defineValue(const ast::Param &param, const std::string &text, CParam &out);
  void collectDims(const ast::Param &param);
  void collectDims(const ast::Expr &expr);
  void tensor(const ast::Param &param, bool output);
  void scalar(const ast::Param &param);
  void bindDims();

  //===-- Statements ----------------------------------------------------===//
  struct Scope {
    KernelChecker &checker;
    size_t mark;
    explicit Scope(KernelChecker &checker) : checker(checker), mark(checker.scope.size()) {}
    ~Scope();
  };
  void block(const std::vector<ast::Stmt> &stmts, std::vector<Stmt> &out);
  void statement(const ast::Stmt &stmt, std::vector<Stmt> &out);
  void gridStmt(const ast::Stmt &stmt);
  void gridRange(const ast::Binder &binder, const Axis &axis);
  void axisStmt(const ast::Stmt &stmt, std::vector<Stmt> &out);
  void letStmt(const ast::Stmt &stmt, std::vector<Stmt> &out);
  void varStmt(const ast::Stmt &stmt, std::vector<Stmt> &out);
  void setStmt(const ast::Stmt &stmt, std::vector<Stmt> &out);
  void storeStmt(const ast::Stmt &stmt, std::vector<Stmt> &out);
  void forStmt(const ast::Stmt &stmt, std::vector<Stmt> &out);
  void assumeStmt(const ast::Stmt &stmt, std::vector<Stmt> &out);
  void fnStmt(const ast::Stmt &stmt);
  void scheduleStmt(const ast::Stmt &stmt);
  void scheduleItems(const ast::Stmt &stmt);
  Axis *range(const ast::Binder &binder, Axis::Kind kind);
  Value bound(const ast::Expr *expr);
  bool hasFixedSize(const Axis &axis);
  void checkStoredOnce(const ast::Stmt &stmt, const Stmt &store);
  /// A store or an assignment: the value as the target's type takes it.
  Value stored(Value value, const ast::Expr &syntax, Elem elem, std::string_view target,
               Loc declared);
  /// The axes of a value must be among those of where it goes (A6).
  bool checkAxesStored(Value value, const Axes &target, const std::string &name, bool isVar);

  //===-- Expressions ---------------------------------------------------===//
  /// A `fn` being expanded: its parameters and `let`s.
  struct Frame {
    struct Local {
      Value value = nullptr;
      const Axis *axis = nullptr;
      bool isAxis = false;
    };
    const Symbol *fn = nullptr;
    Loc call;
    const Frame *caller = nullptr;
    std::unordered_map<std::string_view, Local> locals;
  };
  /// A value and the text it came from, for messages.
  struct Operand {
    Value value = nullptr;
    const ast::Expr *syntax = nullptr;
  };
  Value value(const ast::Expr &expr);
  Value valueInner(const ast::Expr &expr);
  Value nameValue(const ast::Expr &expr);
  Value symbolValue(const Symbol &symbol, Loc loc);
  Value read(const ast::Expr &expr);
  bool indices(const std::vector<const ast::Expr *> &args, const dsl::Tensor &tensor, Loc loc,
               const std::string &text, std::vector<Value> &out);
  Value call(const ast::Expr &expr);
  Value builtin(const ast::Expr &expr, const Builtin &builtin);
  Value expand(const ast::Expr &expr, const Symbol &fn);
  Value compare(const ast::Expr &expr);
  Value cast(const ast::Expr &expr);
  bool resolveAxes(const std::vector<ast::Name> &names, std::string_view call, Axes &axes);
  const Axis *resolveAxis(ast::Name name);
  bool reducible(const ast::Expr &expr, const Axes &axes);
  bool checkOver(const ast::Expr &expr, const Axes &axes, std::vector<Operand> &operands);
  std::optional<Elem> type(ast::Name name, bool allowInt);
  const Symbol *find(std::string_view name) const;
  std::vector<std::string_view> visibleNames() const;

  //===-- Operations ----------------------------------------------------===//
  Value make(Expr &&expr);
  Value constant(int64_t value, Loc loc);
  Value constant(double value, Loc loc);
  Value boolean(bool value, Loc loc);
  Value operation(Op op, Elem elem, std::vector<Value> operands, Loc loc);
  Value fold(const Expr &expr);
  Value foldOrMake(Expr &&expr);
  Value withLostAxes(Value kept, const Axes &axes);
  Value withAxisBack(Value value, const Axis *axis);
  void inheritLostAxes(Value made);
  Value toF32(Operand operand);
  Value toInt(Operand operand, std::string_view what);
  Value toNumber(Operand operand); ///< widened to F32 or I64
  Value toBool(Operand operand, std::string_view what);
  bool isNumber(Operand operand, std::string_view where);
  bool unify(Operand &a, Operand &b); ///< both numbers: F32 if either is a float, else I64
  Value arithmetic(Op op, Operand a, Operand b, Loc loc);
  Value negate(Operand a, Loc loc);
  Value comparison(Op op, Operand a, Operand b, Loc loc);
  Value elementwise(const ast::Expr &expr, const Builtin &builtin, std::vector<Operand> &operands);
  Value where(const ast::Expr &expr, std::vector<Operand> &operands);
  Value random(const ast::Expr &expr, std::vector<Operand> &operands);
  Value reduction(const ast::Expr &expr, const Builtin &builtin, std::vector<Operand> &operands);
  Value narrowed(Value value, Elem elem);

  //===-- What depends on what ------------------------------------------===//
  struct Dependence {
    std::bitset<kMaxAxes + 1> axes; ///< by id
    bool onVar = false;
  };
  const Dependence &dependence(const Axis *axis);
  const Dependence &dependence(const Let *let);
  void dependence(Value value, Dependence &out, std::unordered_set<Value> &seen);
  /// The first part of `value` (through `let`s) for which `unwanted` holds, or null.
  template <typename Fn> static Value findPart(Value value, Fn unwanted) {
    std::unordered_set<Value> seen;
    auto find = [&](auto &self, Value at) -> Value {
      if (!at || !seen.insert(at).second)
        return nullptr;
      if (unwanted(at))
        return at;
      if (at->op == Op::LetRef)
        return self(self, at->let->value);
      for (Value operand : at->operands)
        if (Value found = self(self, operand))
          return found;
      return nullptr;
    };
    return find(find, value);
  }
  void checkConstants();
  void checkConstants(const std::vector<Stmt> &body, std::unordered_set<Value> &seen);
  void checkConstants(Value value, std::unordered_set<Value> &seen);
  void checkIndices(const dsl::Tensor &tensor, const std::vector<Value> &indices);
  void dropUnused();
  void markUsed(const std::vector<Stmt> &body, std::unordered_set<Value> &seen,
                std::unordered_set<const Let *> &lets);

  //===-- Names and messages --------------------------------------------===//
  bool declare(Symbol symbol, std::string_view what, bool upper);
  template <typename... Args> Reporter::Handle error(Diag diag, Loc loc, const Args &...args) {
    return withFrames(reporter.report(diag, loc, args...));
  }
  Reporter::Handle withFrames(Reporter::Handle handle) const;
  Reporter::Handle unknown(Diag diag, ast::Name name, std::string_view instead);
  /// The text of an expression, on one line, cut after `longest` bytes.
  std::string snippet(const ast::Expr &expr, size_t longest = 48) const;
  static std::string listOf(const Axes &axes);
  static std::string over(const Axes &axes);
  static std::string over(Value value); ///< "over (i, j)" or "a scalar"
  static std::string declaration(const dsl::Tensor &tensor);

  const ast::Kernel &syntax;
  const std::deque<SourceFile> &sources;
  const FnScope &fns;
  const Defines &defines;
  Program &program;
  Kernel &kernel;
  Reporter &reporter;

  std::deque<Symbol> symbols;
  std::unordered_map<std::string_view, const Symbol *> visible;
  std::vector<const Symbol *> scope;
  unsigned nextOrder = 0;
  std::unordered_set<const ast::Fn *> brokenFns;
  const Frame *frame = nullptr;
  unsigned depth = 0, expanded = 0;
  bool gaveUp = false; ///< the expansion grew too large: reported, the rest is not looked at

  bool shapesLookedAt = false, gridSeen = false, othersSeen = false;
  std::vector<const Axis *> loops;
  std::unordered_map<const dsl::Tensor *, std::unordered_map<uint64_t, Loc>> stores;
  std::unordered_set<std::string_view> storedNames;
  std::vector<const ast::Stmt *> scheduleStmts;
  std::unordered_map<const Expr *, unsigned> depths;
  std::unordered_map<const Expr *, uint64_t> structures;
  std::unordered_map<const Expr *, Axes> lostAxes; ///< see CheckOps.cpp
  std::unordered_set<const Expr *>
      roundedDivisions; ///< constants that were `a / b` with a remainder
  std::unordered_map<const Axis *, Dependence> axisDependence;
  std::unordered_map<const Let *, Dependence> letDependence;
};

} // namespace fc::dsl
