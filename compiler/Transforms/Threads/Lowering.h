// Lowering.h - fc-lower-to-threads: a kernel's tiles as the scalars of one thread
//
// One walk over the structured IR. A tile in registers becomes as many scalars as its place has
// values; what is uniform becomes one scalar in every thread; a slot is a pointer. The parts, by
// file:
//
//   Entry.cpp       the function: parameters, grid coordinates, attributes for the manifest
//   Maps.cpp        iotas, maps, conversions, loops; any value at any point
//   Arith.cpp       the arithmetic of scalars: meanings of the language, approximations of the
//   machine
//   Hops.cpp        the next tile of a walk that skips some
//   Memory.cpp      tensors in global memory: reads, writes
//   Copies.cpp      from there to slots
//   Shared.cpp      slots: addresses, loads, stores
//   Dots.cpp        products by FMAs
//   Matrices.cpp    products by mma, fragments by ldmatrix
//   Reductions.cpp  within a thread, a warp, a CTA
//   Merges.cpp      of states that parts of a CTA's warps have carried
#pragma once
#include "compiler/IR/SharedLayout.h"
#include "compiler/Transforms/Threads/Emitter.h"
#include "compiler/Transforms/Threads/Layout.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include <map>

namespace fc {

/// The type of a scalar in LLVM: 8-bit floats are bytes.
mlir::Type scalarType(mlir::Type type);
/// The type of an element in memory: booleans are bytes.
mlir::Type memoryType(mlir::Type type);
/// The f32 of an 8-bit float, given as a byte; null for a format that has no lowering.
Value widenFloat8(Emitter &emit, mlir::Type type, Value byte);
/// One `arith` or `math` operation on scalars; null if it has no lowering.
Value lowerScalar(Emitter &emit, mlir::Operation *op, mlir::ValueRange operands);
/// A grid extent as an expression of the manifest, in JSON; empty if it cannot be said. `names` are
/// the kernel's parameters.
std::string manifestExpression(Value extent, llvm::ArrayRef<llvm::StringRef> names);

/// The number of CTAs of a kernel that has its schedule, as such an expression; empty if it cannot
/// be said.
std::string gridExpression(KernelOp kernel);

/// Coordinates along axes, as values of this thread, and what is known to be computed at them.
struct Point {
  llvm::SmallVector<std::pair<llvm::StringRef, Value>> coordinates;
  llvm::DenseMap<Value, Value> known;
  Value at(llvm::StringRef axis) const;
};

/// Pointers to the elements of a slot, given their coordinates as thread part plus constant.
class SlotPointer {
public:
  /// `dynamic`: the parts that constants are added to, by axis of the tile; null is 0. That of the
  /// minor axis is below `columns`, and all offsets along it are multiples of `columns`, if that is
  /// not 0.
  SlotPointer(Emitter &emit, Value base, TileType tile, llvm::ArrayRef<Value> dynamic,
              int64_t columns = 0);
  Value at(llvm::ArrayRef<int> offsets);

private:
  Emitter &emit;
  Value base;
  int64_t displacement; ///< added to all addresses, as the immediate of the access
  SharedLayout layout;
  llvm::SmallVector<int64_t> rowStrides; ///< by axis; 0 for the minor axis
  int minor;                             ///< the number of the minor axis
  bool withinPage;                       ///< whether a constant says in which page an element lies
  Value row, column;                     ///< null is 0
  llvm::DenseMap<std::pair<int64_t, int64_t>, Value> known;
};

class Lowering {
public:
  /// `function` is empty, in front of the kernel.
  Lowering(KernelOp kernel, mlir::LLVM::GlobalOp shared);
  mlir::LogicalResult run();

private:
  struct Tensor {
    Value base;
    llvm::SmallVector<Value> strides; ///< elements; null: 1
    Value present;                    ///< outputs: whether the pointer is not null
    llvm::SmallDenseMap<int64_t, Value> aligned;
  };
  using Values = llvm::SmallVector<Value>;

  //===-- Entry.cpp ------------------------------------------------------------------===//
  static mlir::LLVM::LLVMFuncOp declare(KernelOp kernel);
  void bindParameters();
  mlir::LogicalResult enterProgram();

  //===-- Maps.cpp -------------------------------------------------------------------===//
  mlir::LogicalResult lower(mlir::Block &block);
  mlir::LogicalResult lower(mlir::Operation *op);
  void lowerIota(IotaOp op);
  mlir::LogicalResult lowerMap(MapOp op);
  mlir::LogicalResult computeMap(MapOp op);
  mlir::LogicalResult lowerConvert(ConvertOp op);
  mlir::LogicalResult lowerLoop(mlir::scf::ForOp op);
  /// The region of a map on scalars; the values it yields.
  Values inlineMap(MapOp op, llvm::ArrayRef<Value> arguments);
  /// Whether the values of `op` are used other than at the points of copies, which compute them
  /// anew.
  bool needed(mlir::Operation *op);
  const Layout &layoutOf(mlir::Type type);
  /// The thread's part of the coordinate along an axis.
  Value threadPart(const Layout &layout, int axis);
  Value coordinate(const Layout &layout, int axis, int value);
  Point pointOf(const Layout &layout, int value);
  /// The element of `operand` that belongs to value `value` of a layout over its axes and perhaps
  /// more.
  Value elementAt(Value operand, const Layout &layout, int value, mlir::Operation *user);
  /// The element of `operand` at a point, computed anew from iotas, maps and reads. Null (after an
  /// error) if that cannot be.
  Value evaluate(Value operand, Point &point, mlir::Operation *user);
  /// Null where no value of the layout is a ghost; else whether this one is none.
  Value isReal(const Layout &layout, int value);
  /// True in one of the threads that hold the same elements.
  Value isFirstReplica(const Layout &layout);
  Value scalar(Value value) { return values.find(value)->second[0]; }

  //===-- Hops.cpp -------------------------------------------------------------------===//
  mlir::LogicalResult lowerHop(HopOp op);
  mlir::LogicalResult lowerMonotoneHop(HopOp op);
  mlir::LogicalResult lowerExtreme(ExtremeOp op);

  //===-- Memory.cpp -----------------------------------------------------------------===//
  mlir::LogicalResult lowerRead(ReadOp op);
  mlir::LogicalResult lowerWrite(WriteOp op);
  Tensor &tensorOf(Value tensor) { return tensors.find(tensor)->second; }
  Value pointerTo(Value tensor, llvm::ArrayRef<Value> indices);
  Value isAligned(Value tensor, int64_t bytes);
  Value isAlignedFrom(Value tensor, Value last, int64_t width);
  Layout::Runs contiguousRuns(mlir::ValueRange indices, const Layout &layout, int64_t most);
  Value loadAs(mlir::Type element, Value pointer);

  //===-- Copies.cpp -----------------------------------------------------------------===//
  mlir::LogicalResult lowerCopy(CopyOp op);

  //===-- Shared.cpp -----------------------------------------------------------------===//
  mlir::LogicalResult lowerSlot(mlir::Operation *op, Value ring, Value turn, Value slot);
  mlir::LogicalResult lowerLoad(LoadOp op);
  mlir::LogicalResult lowerStore(StoreOp op);
  Value sharedAt(int64_t offset);
  std::optional<int64_t> turnOf(Value turn);
  void lowerWait(WaitOp op);

  //===-- Dots.cpp -------------------------------------------------------------------===//
  mlir::LogicalResult lowerDot(DotOp op);

  //===-- Matrices.cpp ---------------------------------------------------------------===//
  mlir::LogicalResult lowerMatrixDot(DotOp op);
  /// A load by ldmatrix; false if the place is no fragment.
  bool loadFragment(LoadOp op);

  //===-- Reductions.cpp -------------------------------------------------------------===//
  mlir::LogicalResult lowerReduce(ReduceOp op);
  Value identity(ReduceKind kind, mlir::Type type);
  Value combine(ReduceKind kind, Value a, Value b);
  Value combineAll(ReduceKind kind, Values list);
  Value shuffle(Value value, int lanes);
  mlir::LogicalResult crossWarps(ReduceOp op, const WarpExchange &exchange,
                                 std::map<llvm::SmallVector<int>, Value> &results);

  //===-- Merges.cpp -----------------------------------------------------------------===//
  mlir::LogicalResult lowerMerge(MergeOp op);

  KernelOp kernel;
  mlir::LLVM::GlobalOp shared;
  mlir::LLVM::LLVMFuncOp function;
  Emitter emit;
  int warps;
  llvm::SmallVector<llvm::StringRef> names; ///< of the kernel's parameters
  llvm::DenseMap<Value, Values> values;     ///< by value of the kernel, in the order of its place
  llvm::DenseMap<Value, Tensor> tensors;
  llvm::StringMap<Value> dims;
  llvm::DenseMap<mlir::Type, std::unique_ptr<Layout>> layouts;
  llvm::SmallVector<std::unique_ptr<Layout>> writeLayouts;
  llvm::DenseMap<std::pair<const Layout *, const Layout *>, std::optional<llvm::SmallVector<int>>>
      maps;
  llvm::SmallVector<std::pair<llvm::SmallVector<ThreadDigit>, Value>> threadParts, replicaTests;
  llvm::DenseMap<mlir::Operation *, bool> neededOps;
  llvm::DenseMap<int64_t, Value> sharedPointers;
};

} // namespace fc
