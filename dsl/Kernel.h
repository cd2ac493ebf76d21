// Kernel.h - the checked form of a program: what the checker makes of the text, and what the
// reference evaluator and the compiler's Import read. Every name is resolved, every `fn` expanded,
// every compile-time parameter a constant, every value has an element type and a set of axes.
//
// Ownership: a Program owns everything; pointers stay valid as long as it lives. Expressions are a
// DAG: one node may have several users (arguments and `let`s of an expanded `fn` are shared, not
// copied), so walk it with a memo. No path through it, `let`s included, is longer than 1000 nodes.
//
// Constants are folded: a Where has no constant condition (D3), a part that only the dropped side
// used is gone with it, and so is a `let` that nothing refers to. A `let` that is a constant is
// that Const.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fc::dsl {

/// A place in the text: 1-based line and column (columns count bytes) of a file of Program::files.
struct Loc {
  int file = 0;
  uint32_t line = 0, col = 0;
};

/// Element types. The language's `int` is I64, its `f32` F32 (rule T1).
enum class Elem : uint8_t { F32, F16, BF16, F8E4M3, F8E5M2, I8, U8, I16, I32, U32, I64, Bool };
std::string_view name(Elem elem); ///< "f32", "f16", ...; I64 is "i64"
int bits(Elem elem);              ///< 8 for Bool, as stored
bool isFloat(Elem elem);
bool isInteger(Elem elem); ///< not Bool

struct Expr;
struct Tensor;

/// A dimension: an upper-case name of shapes that is known at launch only. (One that is also a
/// compile-time parameter never gets here: it is a constant.) It is `tensor`'s extent number
/// `index` minus `offset` (rule D1).
struct Dim {
  std::string name;
  const Tensor *tensor = nullptr;
  int index = 0;
  int64_t offset = 0;
  Loc loc;
};

/// A tensor parameter. Shapes in elements; strides are the launch's, the last is 1 (rule D4).
struct Tensor {
  std::string name;
  Elem elem = Elem::F32;
  struct Extent {
    const Expr *size = nullptr; ///< over dims and constants only
    bool orOne = false;         ///< `X?`: X or 1 (rule D2)
    std::string text;           ///< as written: "B", "B + 1", "H?"
  };
  std::vector<Extent> shape;
  bool output = false;
  bool read = false; ///< some kept expression reads it; an input nothing reads may be null (D3)
  Loc loc;
};

/// A scalar parameter, I64, F32 or Bool. `init` (may be null) is over dims, constants and earlier
/// scalars (D4).
struct Scalar {
  std::string name;
  Elem elem = Elem::F32;
  const Expr *init = nullptr;
  Loc loc;
};

/// A set of integers with a name: lo <= x < hi, and x < lo + upto where given (rules A1, A3).
struct Axis {
  enum Kind { Grid, Inner, Loop } kind = Inner;
  std::string name;
  bool tile = false; ///< Grid, Loop: an axis of tiles. Not tile: binds a scalar, and then the
                     ///< axis is in nobody's `axes`. Inner axes are whole and never `tile`.
  const Expr *lo = nullptr, *hi = nullptr;
  const Expr *upto = nullptr, *by = nullptr; ///< may be null; `by` is a constant (rule A5)
  int id = 0; ///< order of declaration in the kernel; axis sets are sorted by it
  Loc loc;
  bool isPoint() const { return kind != Inner && !tile; }
};

struct Var {
  std::string name;
  Elem elem = Elem::F32;
  std::vector<const Axis *> axes;
  const Expr *init = nullptr;
  Loc loc;
};

struct Let {
  std::string name;
  const Expr *value = nullptr;
  Loc loc;
};

/// An operation of an expression. Operand counts in brackets.
enum class Op : uint8_t {
  // leaves
  Const,  ///< intValue (integers, Bool) or floatValue; `inf` is a Const F32. Of a narrow type only
          ///< as a side
          ///< of Where, exactly that value: `where(c, p as f16, 0)` is F16
  DimRef, ///< dim; I64
  ScalarRef, ///< scalar
  PointRef,  ///< axis, an isPoint() one: the scalar it binds; I64
  AxisRef,   ///< axis: the point itself, I64 over that axis
  LetRef,    ///< let: its value at the `let` (rule A8)
  VarRef,    ///< var: its value here, in statement order
  // memory
  Read, ///< tensor; operands are the indices, I64, one a dimension [rank]
  // arithmetic; both operands have the result's type (F32 or I64) after the checker's conversions
  Neg,
  Add,
  Sub,
  Mul,
  Div,
  Mod,
  Min,
  Max,
  Clamp /* x, lo, hi */,
  Abs,
  // F32 functions [1]
  Exp,
  Exp2,
  Log,
  Log2,
  Tanh,
  Sigmoid,
  Sqrt,
  Rsqrt,
  Floor,
  // comparisons [2]: operands of one type (F32, I64 or Bool for ==, !=), result Bool
  Lt,
  Le,
  Gt,
  Ge,
  Eq,
  Ne,
  And,
  Or,
  Not,    ///< Bool
  Where,  ///< condition, then, else (the sides have the result's type)
  Bit,    ///< bit(x, n) [2]: Bool
  Cast,   ///< [1] to `elem`. implicit = true: a widening that the checker put in (exact), or int ->
          ///< f32
  Random, ///< seed, c0..c3 [5]: missing counters are Const 0; F32 in [0, 1) (rule T5)
  // over `reduced` axes
  Dot, ///< [2] operands of one narrow or wide element type; F32 for floats, I64 for integers
  Sum,
  MaxOf,
  MinOf,
  Any,
  All, ///< [1]; the result loses `reduced`
  Softmax,
  LogSumExp, ///< [1]; Softmax keeps its axes, LogSumExp loses them
  CumSum,    ///< [1]; keeps its axes
};
std::string_view
name(Op op); ///< as the language spells it: "dot", "+", "where", "max" (Max and MaxOf)

struct Expr {
  Op op = Op::Const;
  Elem elem = Elem::F32; ///< of the value; reads have their tensor's element type
  bool implicit = false; ///< Cast only
  int64_t intValue = 0;
  double floatValue = 0;
  const Dim *dim = nullptr;
  const Scalar *scalar = nullptr;
  const Axis *axis = nullptr;
  const Let *let = nullptr;
  const Var *var = nullptr;
  const Tensor *tensor = nullptr;
  std::vector<const Expr *> operands;
  std::vector<const Axis *> reduced; ///< of Dot .. CumSum, as written
  std::vector<const Axis *>
      axes; ///< of the value: a set, sorted by Axis::id, never an isPoint() one
  Loc loc;
};

struct Stmt {
  enum Kind {
    DeclareAxis, ///< axis: an Inner axis; its range is evaluated here
    DeclareLet,  ///< let
    DeclareVar,  ///< var, set to var->init
    Set,         ///< var = value
    Store,       ///< tensor[indices] = value; runs over the axes of the indices (rule A6)
    For,         ///< axis (a Loop one) and body
    Assume       ///< value: a Bool, over any axes (all points must satisfy it)
  } kind;
  const Axis *axis = nullptr;
  const Let *let = nullptr;
  const Var *var = nullptr;
  const Tensor *tensor = nullptr;
  std::vector<const Expr *> indices;
  /// Store, Set: of the target's element type, or F32 for a float and I64 for an integer one, and
  /// then the statement converts (T3: a store rounds by itself). The init of a `var` likewise.
  const Expr *value = nullptr;
  std::vector<Stmt> body;
  std::string text; ///< Assume: as written
  Loc loc;
};

/// `tile i = 128` is {"tile", "i", 128}; `warps = 4` is {"warps", "", 4}; `walks j = 2` {"walks",
/// "j", 2}.
struct ScheduleItem {
  std::string key, axis;
  int64_t value = 0;
  Loc loc;
};
struct Schedule {
  std::string target; ///< "" for every target, else "sm_80"
  std::vector<ScheduleItem> items;
};

struct CParam {
  std::string name;
  bool isType = false;
  Elem type = Elem::F32; ///< when isType, else the type of the value: I64, F32 or Bool
  int64_t intValue = 0;
  double floatValue = 0;
  bool defined = false; ///< set by a define, not by its default
};

struct Kernel {
  std::string name;
  std::vector<CParam> cparams;
  std::vector<const Dim *> dims; ///< in order of first appearance
  std::vector<const Tensor *> inputs, outputs;
  std::vector<const Scalar *> scalars;
  /// Parameters in the order written (inputs and scalars mixed); outputs follow in a launch.
  struct Param {
    const Tensor *tensor = nullptr;
    const Scalar *scalar = nullptr;
  };
  std::vector<Param> params;
  std::vector<const Axis *> grid; ///< in the order written
  std::vector<const Axis *> axes; ///< all axes of the kernel, by id
  std::vector<Stmt> body;         ///< without the grid statement
  std::vector<Schedule> schedules;
  Loc loc;
};

struct SourceFile {
  std::string path; ///< as given
  std::string text;
};

struct Program {
  std::vector<SourceFile> files; ///< files[0] is the main one; `use`d ones follow
  std::deque<Kernel> kernels;    ///< in the order of the file (rule K1)
  // storage
  std::deque<Tensor> tensors;
  std::deque<Scalar> scalarStore;
  std::deque<Dim> dimStore;
  std::deque<Axis> axisStore;
  std::deque<Var> vars;
  std::deque<Let> lets;
  std::deque<Expr> exprs;
  const Kernel *kernel(std::string_view name) const; ///< null if there is none
};

} // namespace fc::dsl
