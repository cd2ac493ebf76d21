// Emitter.h - writes the code of one thread: llvm operations, blocks, constants folded as they are
// made
//
// Everything the lowering emits goes through here. Integer arithmetic on constants is folded and
// constants are made once, in the entry block, so that address computations can be written plainly.
// Control flow is structured (`select`ed values come back as block arguments), and blocks follow
// each other in program order.
#pragma once
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

namespace fc {

using mlir::Value;

class Emitter {
public:
  /// Emits into `function`, whose entry block exists and has no terminator. Code that is computed
  /// once for all (constants, coordinates of the thread) goes into the entry block: see `once`.
  explicit Emitter(mlir::LLVM::LLVMFuncOp function);
  /// Ends the function: entry block -> body, body -> return.
  void finish();

  mlir::OpBuilder builder; ///< where code is being written
  mlir::Location loc;      ///< the location of what is emitted; set by `at`
  /// What follows is of this place in the text: it becomes a `.loc` in the PTX.
  void at(mlir::Location location);

  //===-- Types and constants ----------------------------------------------------===//
  mlir::Type i1, i8, i16, i32, i64, f32;
  mlir::Type globalPointer, sharedPointer;
  Value constant(mlir::Type type, int64_t value); ///< of an integer type
  Value constant(int64_t value) { return constant(i32, value); }
  Value real(mlir::Type type, double value); ///< of a float type
  Value real(mlir::FloatAttr value);
  Value zero(mlir::Type type); ///< of any scalar or vector type
  /// The value of an integer constant made here.
  std::optional<int64_t> known(Value value) const;

  //===-- Arithmetic (integers; folded) --------------------------------------------===//
  Value add(Value a, Value b);
  /// A sum of points of axes, which cannot overflow: address arithmetic may move constants through
  /// it.
  Value addPoint(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b) { return mul(a, constant(a.getType(), b)); }
  Value udiv(Value a, int64_t b);
  Value urem(Value a, int64_t b);
  Value bitAnd(Value a, Value b);
  Value bitOr(Value a, Value b);
  Value bitXor(Value a, Value b);
  Value shl(Value a, int64_t bits);
  Value shr(Value a, int64_t bits); ///< unsigned
  Value cmp(mlir::LLVM::ICmpPredicate predicate, Value a, Value b);
  Value less(Value a, Value b) { return cmp(mlir::LLVM::ICmpPredicate::slt, a, b); }
  Value equal(Value a, Value b) { return cmp(mlir::LLVM::ICmpPredicate::eq, a, b); }
  Value select(Value condition, Value a, Value b);
  /// Sign-extended or truncated to `type`.
  Value toInteger(mlir::Type type, Value value);
  /// `a and b`, where a null value means true.
  Value both(Value a, Value b);
  Value intrinsic(llvm::StringRef name, mlir::Type result, mlir::ValueRange operands);
  void call(llvm::StringRef name, mlir::ValueRange operands);

  //===-- Memory ---------------------------------------------------------------------===//
  /// base + index elements of `element`.
  Value offset(Value base, mlir::Type element, Value index);
  /// base + a constant number of bytes, which `parts` takes apart again: a base, and what an access
  /// can add as its immediate.
  Value displaced(Value base, int64_t bytes);
  std::pair<Value, int64_t> parts(Value pointer) const;
  /// The value, as if it were computed anew here: what only a seldom taken branch needs costs no
  /// register outside it.
  Value opaque(Value value);
  Value load(mlir::Type type, Value pointer, int64_t alignment);
  void store(Value value, Value pointer, int64_t alignment);
  Value bitcast(mlir::Type type, Value value);
  /// `count` consecutive elements at once; the pointer is aligned to all of them together (at most
  /// 16 bytes).
  llvm::SmallVector<Value> loadElements(mlir::Type element, int64_t count, Value pointer);
  void storeElements(llvm::ArrayRef<Value> elements, Value pointer);
  /// The same as one value, words where elements are narrower, for what only passes through.
  Value loadTogether(mlir::Type element, int64_t count, Value pointer);
  Value together(llvm::ArrayRef<Value> elements);
  /// The elements of a vector.
  llvm::SmallVector<Value> unpack(Value vector);
  Value pack(llvm::ArrayRef<Value> elements);

  //===-- Control flow -----------------------------------------------------------------===//
  using Values = llvm::SmallVector<Value>;
  /// What `then` returns where `condition` holds (null: always), else `otherwise`.
  Values ifThen(Value condition, llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);
  void ifThen(Value condition, llvm::function_ref<void()> then);
  /// for (i = lo; i < hi; i += step): `body` takes i and the carried values, and returns the new
  /// ones. With `following`, that is asked after the body for the next i. The body stands `copies`
  /// times one after the other, each behind its own test.
  Values loop(Value lo, Value hi, Value step, mlir::ValueRange init,
              llvm::function_ref<Values(Value, mlir::ValueRange)> body, int copies = 1,
              llvm::function_ref<Value()> following = {});
  /// Which of the copies of the innermost loop's body is being written.
  int copy() const { return loops.empty() ? 0 : loops.back()->copy; }
  /// What `make` computes, in front of the innermost loop if all of `operands` are; else here.
  Value outside(llvm::function_ref<Value()> make, mlir::ValueRange operands);
  /// A pointer that moves by `stride` elements of `element` for each unit of the innermost loop's
  /// index: `start` at index 0. Carried from turn to turn instead of multiplied anew. `key` names
  /// it among the loop's. Null if the loop, or what is given, is not of that form.
  Value carried(const void *key, Value start, mlir::Type element, Value index, Value stride);

  /// While `more` of the carried values holds, `body` makes new ones of them; the last ones.
  Values loopWhile(llvm::function_ref<Value(mlir::ValueRange)> more, mlir::ValueRange init,
                   llvm::function_ref<Values(mlir::ValueRange)> body);
  /// A turn of a search: what it finds, whether that ends the search, and where the next turn
  /// starts.
  struct Turn {
    Value found, ends, next;
  };
  /// Turns from `start` on until one ends the search; what that found.
  Value search(Value start, llvm::function_ref<Turn(Value)> turn);

  //===-- The thread ---------------------------------------------------------------------===//
  /// Runs `make` with code going to the entry block.
  Value once(llvm::function_ref<Value()> make);
  Value lane(), warp(), thread();
  void barrier();

private:
  /// A pointer of a loop that is being written: its block argument, and what it is in this copy.
  struct Carried {
    const void *key;
    Value start, advance, argument, now;
  };
  /// A loop that is being written.
  struct Turns {
    mlir::OpBuilder before; ///< appends in front of it
    mlir::Block *header;
    Value lo, step, index; ///< the index as of this copy; no step where turns start anywhere
    int copy = 0;
    llvm::SmallVector<Carried> pointers;
  };
  bool isBefore(Value value, mlir::Block *header);
  void describeSource();
  mlir::Block *newBlock(mlir::TypeRange arguments = {});

  mlir::LLVM::LLVMFuncOp function;
  mlir::OpBuilder entry;                   ///< appends to the entry block
  mlir::Block *first;                      ///< of the body
  mlir::LLVM::DISubprogramAttr subprogram; ///< null where the function has no place in a text
  llvm::DenseMap<std::pair<mlir::Type, int64_t>, Value> integers;
  llvm::DenseMap<Value, int64_t> values;
  llvm::DenseMap<Value, std::pair<Value, int64_t>> displacements;
  llvm::SmallVector<Turns *> loops; ///< the innermost last
  llvm::DenseMap<mlir::Attribute, Value> reals;
  Value laneId, warpId, threadId;
};

} // namespace fc
