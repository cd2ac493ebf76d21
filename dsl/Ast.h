// Ast.h - the syntax tree: what the grammar of docs/language.md makes of the text, names
// unresolved. The checker (Check.h) turns it into the form of Kernel.h and then drops it.
#pragma once
#include "dsl/Kernel.h"
#include <deque>
#include <string_view>
#include <vector>

namespace fc::dsl::ast {

/// All string_views point into the source text.
struct Name {
  std::string_view text;
  Loc loc;
};

struct Expr {
  enum Kind : uint8_t {
    Integer, ///< intValue
    Float,   ///< floatValue
    Inf,
    Bool,    ///< intValue
    Ref,     ///< name
    Index,   ///< name [ args ]
    Call,    ///< name [ axes ] ( args )
    Unary,   ///< op: Neg or Not
    Binary,  ///< op: Add .. Mod, And, Or
    Compare, ///< args[0] ops[0] args[1] ops[1] ..: a chain
    Cast,    ///< args[0] as name
  } kind;
  Op op = Op::Const;
  bool hasAxes = false; ///< Call: axes were given
  uint16_t depth = 1;
  Loc loc; ///< the operator of Unary, Binary, Compare and Cast, else where it begins
  uint32_t begin = 0, end = 0; ///< bytes of its file's text
  Name name;
  int64_t intValue = 0;
  double floatValue = 0;
  std::vector<const Expr *> args;
  std::vector<Name> axes;
  std::vector<Name> ops; ///< Compare: the operators, as written
};

/// `lo .. hi upto n by n`; all but `hi` may be null.
struct Range {
  const Expr *lo = nullptr, *hi = nullptr, *upto = nullptr, *by = nullptr;
};

struct Binder {
  bool tile = false;
  Name name;
  Range range;
};

struct Let {
  Name name;
  const Expr *value = nullptr;
};

struct Fn {
  Name name;
  bool hasAxes = false;
  std::vector<Name> axes, params;
  bool isBlock = false; ///< `{ let .. return e }` rather than `= e`
  std::vector<Let> lets;
  const Expr *result = nullptr;
  int file = 0;
};

struct ScheduleItem {
  Name key, axis; ///< axis is empty for `warps = 4`
  const Expr *value = nullptr;
};

struct Stmt {
  enum Kind : uint8_t { Grid, Axis, Let, Fn, Var, Set, Store, For, Assume, Schedule } kind;
  Loc loc;
  std::vector<Binder> binders;       ///< Grid, Axis; For: one
  Name name;                         ///< Let, Var, Set, Store; Schedule: the target, or empty
  Name type;                         ///< Var
  std::vector<Name> axes;            ///< Var
  std::vector<const Expr *> indices; ///< Store
  const Expr *value = nullptr;       ///< Let, Var, Set, Store, Assume
  const ast::Fn *fn = nullptr;
  std::vector<Stmt> body; ///< For
  std::vector<ScheduleItem> items;
};

/// `NAME: type`, `NAME: elem[dims]`, `NAME: int = default`.
struct Param {
  Name name, type;
  struct Dim {
    const Expr *size = nullptr;
    bool orOne = false;
  };
  bool isTensor = false;
  std::vector<Dim> shape;
  const Expr *init = nullptr;
};

struct Kernel {
  Name name;
  std::vector<Param> cparams, params, outputs;
  std::vector<Stmt> body;
};

struct Use {
  Name path; ///< without the quotes
};

/// One file. Nodes live as long as it does.
struct File {
  int file = 0;
  std::vector<Use> uses;
  std::vector<const Fn *> fns;
  std::vector<Kernel> kernels;
  std::deque<Expr> exprStore;
  std::deque<Fn> fnStore;

  File() = default;
  // A copy would point into the original's stores; a vector of files copies unless it cannot.
  File(const File &) = delete;
  File(File &&) = default;
  File &operator=(File &&) = default;
};

/// Nesting that the parser accepts, of expressions and of their text. It bounds the recursion of
/// everything behind it.
constexpr unsigned kMaxNesting = 200, kMaxDepth = 1000, kMaxLoops = 64;

/// The file written out again, in one fixed layout: parsing that gives the same text again.
std::string print(const File &file);
std::string print(const Expr &expr);

} // namespace fc::dsl::ast
