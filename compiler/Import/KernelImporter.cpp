// KernelImporter.cpp - the kernel, its grid and its statements
#include "compiler/Import/KernelImporter.h"
#include "compiler/IR/KernelAxes.h"
#include "compiler/Import/Import.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace fc {

using dsl::Axis;
using dsl::Elem;
using dsl::Expr;
using dsl::Op;
using dsl::Stmt;

namespace {

/// An axis of at most this many points is held whole; one of up to the second number also when it
/// is the last index of a tensor, as a head's elements are: those lie together in memory and are
/// wanted together. One along which a walk carries values is held as long as any may be.
constexpr int64_t kHeld = 256, kHeldMinor = 1024;

/// The variables that a loop's body sets.
void collectSet(const std::vector<Stmt> &body, llvm::SetVector<const dsl::Var *> &into) {
  for (const Stmt &stmt : body) {
    if (stmt.kind == Stmt::Set)
      into.insert(stmt.var);
    collectSet(stmt.body, into);
  }
}

/// The axes that the value is reduced over.
void collectReduced(const Expr *expr, llvm::SetVector<const Axis *> &into,
                    llvm::DenseSet<const Expr *> &seen) {
  expr = resolve(expr);
  if (!seen.insert(expr).second)
    return;
  into.insert(expr->reduced.begin(), expr->reduced.end());
  for (const Expr *operand : expr->operands)
    collectReduced(operand, into, seen);
}

bool readsVar(const Expr *expr, llvm::DenseMap<const Expr *, bool> &known) {
  expr = resolve(expr);
  if (auto it = known.find(expr); it != known.end())
    return it->second;
  bool result = expr->op == Op::VarRef;
  for (const Expr *operand : expr->operands)
    result |= readsVar(operand, known);
  return known[expr] = result;
}

} // namespace

KernelImporter::KernelImporter(OpBuilder &builder, const dsl::Program &program,
                               const dsl::Kernel &kernel, StringRef target)
    : builder(builder), program(program), kernel(kernel), target(target), intervals(kernel),
      usage(kernel, tree, intervals), scalars(builder, tree, intervals) {}

Location KernelImporter::locOf(dsl::Loc loc) {
  return FileLineColLoc::get(builder.getContext(), program.files[loc.file].path, loc.line, loc.col);
}

void KernelImporter::refuse(dsl::Loc loc, const Twine &message) {
  mlir::emitError(locOf(loc)) << "not supported by this compiler yet: " << message;
  failed = true;
}

//===-- The kernel -------------------------------------------------------------===//

KernelOp KernelImporter::makeKernel() {
  Location loc = locOf(kernel.loc);
  SmallVector<Attribute> names;
  auto block = std::make_unique<Block>();
  auto addTensor = [&](const dsl::Tensor *tensor) {
    SmallVector<StringAttr> extents;
    for (const auto &extent : tensor->shape) {
      auto constant = constantOf(extent.size);
      std::string text =
          constant ? std::to_string(*constant) + (extent.orOne ? "?" : "") : extent.text;
      extents.push_back(builder.getStringAttr(text));
    }
    auto type = TensorType::get(builder.getContext(),
                                memoryType(builder.getContext(), tensor->elem), extents);
    tensors[tensor] = block->addArgument(type, locOf(tensor->loc));
    names.push_back(builder.getStringAttr(tensor->name));
  };
  for (const dsl::Kernel::Param &param : kernel.params) {
    if (param.tensor) {
      if (param.tensor->read) // one that nothing reads may be null, and is not passed (rule D3)
        addTensor(param.tensor);
      continue;
    }
    Type type = param.scalar->elem == Elem::Bool
                    ? builder.getI1Type()
                    : memoryType(builder.getContext(), param.scalar->elem);
    scalarValues[param.scalar] = block->addArgument(type, locOf(param.scalar->loc));
    names.push_back(builder.getStringAttr(param.scalar->name));
  }
  for (const dsl::Tensor *tensor : kernel.outputs)
    addTensor(tensor);
  auto op = KernelOp::create(
      builder, loc, builder.getStringAttr(kernel.name), builder.getArrayAttr(names),
      builder.getI64IntegerAttr(int64_t(kernel.outputs.size())), ScheduleAttr());
  op.getBody().push_back(block.release());
  return op;
}

/// The tensor that a fact says never falls along its last dimension, of which the axis is all:
/// `j + 1 == M or doc[b, j] <= doc[b, j + 1]`.
static const dsl::Tensor *sortedTensor(const Expr *fact) {
  fact = resolve(fact);
  if (fact->op != dsl::Op::Or)
    return nullptr;
  const Expr *last = resolve(fact->operands[0]), *order = resolve(fact->operands[1]);
  if (last->op != dsl::Op::Eq || order->op != dsl::Op::Le)
    return nullptr;
  const Expr *a = resolve(order->operands[0]), *b = resolve(order->operands[1]);
  while (a->op == dsl::Op::Cast && b->op == dsl::Op::Cast && a->implicit && b->implicit) {
    a = resolve(a->operands[0]);
    b = resolve(b->operands[0]);
  }
  if (a->op != dsl::Op::Read || b->op != dsl::Op::Read || a->tensor != b->tensor)
    return nullptr;
  const Expr *point = resolve(a->operands.back()), *next = resolve(b->operands.back());
  if (point->op != dsl::Op::AxisRef || next->op != dsl::Op::Add ||
      !same(next->operands[0], point) || constantOf(next->operands[1]) != 1 ||
      !same(last->operands[0], next) || !same(last->operands[1], point->axis->hi) ||
      constantOf(point->axis->lo) != 0 || !same(point->axis->hi, a->tensor->shape.back().size))
    return nullptr;
  for (size_t i = 0; i + 1 < a->operands.size(); ++i)
    if (!same(a->operands[i], b->operands[i]))
      return nullptr;
  return a->tensor;
}

/// What the text assumes of parameters, for the analyses: `fc.ranges`, `fc.sorted`.
void KernelImporter::addFacts(KernelOp op) {
  NamedAttrList ranges;
  SmallVector<Attribute> sorted;
  for (const dsl::Kernel::Param &param : kernel.params)
    if (param.scalar && !intervals.of(param.scalar).isFull()) {
      Interval range = intervals.of(param.scalar);
      ranges.set(param.scalar->name, builder.getDenseI64ArrayAttr({range.lo, range.hi}));
    }
  for (const Stmt &stmt : kernel.body)
    if (stmt.kind == Stmt::Assume)
      if (const dsl::Tensor *tensor = sortedTensor(stmt.value))
        sorted.push_back(builder.getStringAttr(tensor->name));
  if (!ranges.empty())
    op->setDiscardableAttr(kRangesAttr, ranges.getDictionary(builder.getContext()));
  if (!sorted.empty())
    op->setDiscardableAttr(kSortedAttr, builder.getArrayAttr(sorted));
}

/// What the text's schedules ask for: tile sizes, splits, warps and stages in `fc.schedule_items`,
/// walks in `fc.walks`; sizes that the grid fixes in `fc.by`. A schedule for the target comes
/// after, and wins over, one for all.
void KernelImporter::addSchedules(KernelOp op) {
  NamedAttrList items, fixed, walks;
  auto set = [&](NamedAttrList &list, StringRef name, int64_t value) {
    list.set(name, builder.getI64IntegerAttr(value));
  };
  for (bool forTarget : {false, true})
    for (const dsl::Schedule &schedule : kernel.schedules) {
      if (forTarget ? schedule.target != target : !schedule.target.empty())
        continue;
      for (const dsl::ScheduleItem &item : schedule.items) {
        if (item.key == "walks")
          walksOver[item.axis] = std::max(walksOver.lookup(item.axis), item.value);
        else if (item.key == "tile")
          set(items, item.axis, item.value);
        else if (item.key == "split")
          set(items, "split:" + item.axis, item.value);
        else
          set(items, item.key, item.value); // warps, stages
      }
    }
  // `by n` is part of the meaning.
  for (const Axis *axis : kernel.grid)
    if (auto by = constantOf(axis->by))
      set(fixed, axis->name, *by);
  for (const auto &[axis, count] : walksOver)
    set(walks, axis, count);
  if (!items.empty())
    op->setDiscardableAttr("fc.schedule_items", items.getDictionary(builder.getContext()));
  if (!fixed.empty())
    op->setDiscardableAttr("fc.by", fixed.getDictionary(builder.getContext()));
  if (!walks.empty())
    op->setDiscardableAttr("fc.walks", walks.getDictionary(builder.getContext()));
}

LogicalResult KernelImporter::run() {
  if (usage.gaveUp()) {
    refuse(kernel.loc, "a kernel whose reads are used under so many different conditions");
    return failure();
  }
  KernelOp op = makeKernel();
  scopes.push_back({&op.getBody().front()});
  insertAt(0);
  for (const dsl::Dim *dim : kernel.dims)
    dims[dim] = DimOp::create(builder, locOf(dim->loc), builder.getI32Type(), dim->name);
  makeProgram();
  statements(kernel.body);
  addFacts(op);
  addSchedules(op);
  builder.setInsertionPointAfter(op);
  return failure(failed);
}

//===-- The grid ---------------------------------------------------------------===//

void KernelImporter::makeProgram() {
  SmallVector<Value> extents;
  SmallVector<Attribute> names;
  SmallVector<bool> tiles;
  auto body = std::make_unique<Block>();
  for (const Axis *axis : kernel.grid) {
    extents.push_back(boundValue(tree.extent(axis, intervals)));
    names.push_back(builder.getStringAttr(axis->name));
    tiles.push_back(axis->tile);
    body->addArgument(builder.getI32Type(), locOf(axis->loc));
  }
  insertAt(0);
  auto program = ProgramOp::create(builder, locOf(kernel.loc), extents, builder.getArrayAttr(names),
                                   builder.getDenseBoolArrayAttr(tiles));
  program.getBody().push_back(body.release());
  scopes[0].before = program;
  scopes.push_back({&program.getBody().front()});
  for (auto [axis, coordinate] : llvm::zip(kernel.grid, program.getBody().getArguments()))
    bindGridAxis(axis, coordinate);
}

/// Whether the grid has exactly the points of the axis, so that only the tail of a tile can lie
/// past its end.
bool KernelImporter::isKnownExactly(const Axis *axis) {
  return knownAtLaunch(axis->lo) && knownAtLaunch(axis->hi);
}

void KernelImporter::bindGridAxis(const Axis *axis, Value coordinate) {
  Location loc = locOf(axis->loc);
  Value start = coordinate;
  if (constantOf(axis->lo) != 0) {
    Value lo = boundValue(axis->lo);
    insertFor({lo, coordinate});
    start = arith::AddIOp::create(builder, loc, lo, coordinate);
  }
  Value hi;
  if (axis->tile || !isKnownExactly(axis))
    hi = boundValue(tree.end(axis));
  if (axis->tile) {
    insertFor({start});
    auto type = TileType::get(builder.getI32Type(),
                              {{builder.getStringAttr(axis->name), TileType::kUnsized}});
    start = IotaOp::create(builder, loc, type, start);
  }
  axes[axis] = {start, hi};
}

//===-- Statements -------------------------------------------------------------===//

void KernelImporter::statements(const std::vector<Stmt> &body) {
  for (const Stmt &stmt : body) {
    switch (stmt.kind) {
    case Stmt::DeclareAxis:
      declareAxis(stmt.axis);
      break;
    case Stmt::DeclareLet:
      declareLet(stmt.let);
      break;
    case Stmt::DeclareVar:
      setVar(stmt.var, stmt.var->init);
      break;
    case Stmt::Set:
      setVar(stmt.var, stmt.value);
      break;
    case Stmt::Store:
      store(stmt);
      break;
    case Stmt::For:
      loop(stmt);
      break;
    case Stmt::Assume: // a fact for the manifest, the reference and the emulator
      break;
    }
  }
}

std::optional<int64_t> KernelImporter::heldSize(const Axis *axis) {
  auto sizeUpTo = [&](const Axis *of, int64_t carried) -> std::optional<int64_t> {
    auto extent = intervals.constantExtent(of);
    int64_t most = std::max(usage.isMinor(of) ? kHeldMinor : kHeld, carried);
    return extent && *extent >= 1 && *extent <= most ? extent : std::nullopt;
  };
  bool carried =
      usage.isCarried(axis, [&](const Axis *other) { return !sizeUpTo(other, /*carried=*/0); });
  return sizeUpTo(axis, carried ? KernelAxes::kMostHeld : 0);
}

void KernelImporter::declareAxis(const Axis *axis) {
  auto type = TileType::get(builder.getI32Type(),
                            {{builder.getStringAttr(axis->name), TileType::kUnsized}});
  Value lo = boundValue(axis->lo), hi = boundValue(tree.end(axis));
  std::optional<int64_t> size = heldSize(axis);
  insertFor({lo, hi});
  Value points = AxisOp::create(builder, locOf(axis->loc), type, lo, hi,
                                size ? builder.getI64IntegerAttr(*size) : IntegerAttr());
  // A held axis of exactly its size has no tail.
  bool exact = size && constantOf(axis->lo) && constantOf(axis->hi);
  axes[axis] = {points, exact ? Value() : hi};
}

/// A `let` is made where it is used, unless a `var` in it may change until then.
void KernelImporter::declareLet(const dsl::Let *let) {
  llvm::DenseMap<const Expr *, bool> known;
  if (readsVar(let->value, known))
    value(let->value);
}

void KernelImporter::setVar(const dsl::Var *var, const Expr *expr) {
  Location loc = locOf(expr->loc);
  Value result = value(tree.cast(expr, var->elem));
  if (!result)
    return;
  if (var->elem == Elem::I64 && !elementOf(result.getType()).isInteger(64))
    result =
        apply(loc, {result}, [&](ArrayRef<Value> in) { return scalars.toWidth(in[0], 64, loc); });
  vars[var] = broadcast(result, var->axes, loc);
  // A `var` is a finished value (language S4): what uses it may walk the axis again.
  llvm::SetVector<const Axis *> reduced;
  llvm::DenseSet<const Expr *> seen;
  collectReduced(expr, reduced, seen);
  for (const Axis *axis : reduced) {
    if (axis->kind != Axis::Inner || heldSize(axis))
      continue;
    int64_t &walks = walksOver[axis->name];
    walks = std::max<int64_t>(walks, 1) + 1;
  }
}

void KernelImporter::store(const Stmt &stmt) {
  Location loc = locOf(stmt.loc);
  const dsl::Tensor *tensor = stmt.tensor;
  Value stored = value(tree.cast(stmt.value, tensor->elem));
  Access place = access(stmt.indices);
  if (!stored || llvm::is_contained(place.indices, Value()))
    return;
  Type memory = memoryType(builder.getContext(), tensor->elem);
  if (elementOf(stored.getType()) != memory)
    stored = apply(loc, {stored}, [&](ArrayRef<Value> in) -> Value {
      if (tensor->elem == Elem::Bool)
        return arith::ExtUIOp::create(builder, loc, memory, in[0]);
      return scalars.toWidth(in[0], memory.getIntOrFloatBitWidth(), loc);
    });
  insertAt(scopes.size() - 1);
  WriteOp::create(builder, loc, stored, tensors[tensor], place.indices, place.bounded, place.limits,
                  ValueRange());
}

void KernelImporter::loop(const Stmt &stmt) {
  const Axis *axis = stmt.axis;
  Location loc = locOf(stmt.loc);
  Value lo = boundValue(axis->lo), hi = boundValue(tree.end(axis));
  if (!lo || !hi)
    return;
  llvm::SetVector<const dsl::Var *> set;
  collectSet(stmt.body, set);
  SmallVector<const dsl::Var *> carried;
  SmallVector<Value> init;
  for (const dsl::Var *var : set)
    if (Value before = vars.lookup(var)) { // not one that the body declares
      carried.push_back(var);
      init.push_back(before);
    }

  DenseI64ArrayAttr step;
  if (!axis->tile)
    step = builder.getDenseI64ArrayAttr({1});
  else if (auto by = constantOf(axis->by))
    step = builder.getDenseI64ArrayAttr({*by});
  insertAt(scopes.size() - 1);
  auto fold = FoldOp::create(builder, loc, TypeRange(ValueRange(init)),
                             builder.getStrArrayAttr({axis->name}), ValueRange{lo}, ValueRange{hi},
                             init, step);
  auto *body = new Block;
  fold.getBody().push_back(body);
  Value start = body->addArgument(builder.getI32Type(), locOf(axis->loc));
  scopes.back().before = fold;
  scopes.push_back({body});
  for (const dsl::Var *var : carried)
    vars[var] = body->addArgument(vars[var].getType(), locOf(var->loc));
  if (axis->tile) {
    insertAt(scopes.size() - 1);
    auto type = TileType::get(builder.getI32Type(),
                              {{builder.getStringAttr(axis->name), TileType::kUnsized}});
    axes[axis] = {IotaOp::create(builder, locOf(axis->loc), type, start), hi};
  } else {
    axes[axis] = {start, Value()};
  }
  statements(stmt.body);

  SmallVector<Value> state;
  for (const dsl::Var *var : carried)
    state.push_back(vars[var]);
  insertAt(scopes.size() - 1);
  YieldOp::create(builder, loc, state);
  for (const Expr *made : scopes.back().made)
    values.erase(made);
  scopes.pop_back();
  scopes.back().before = nullptr;
  for (auto [var, result] : llvm::zip(carried, fold.getResults()))
    vars[var] = result;
}

//===-- The program ------------------------------------------------------------===//

OwningOpRef<ModuleOp> importProgram(MLIRContext &context, const dsl::Program &program,
                                    StringRef kernelName, StringRef target) {
  OpBuilder builder(&context);
  Location loc = FileLineColLoc::get(&context, program.files[0].path, 1, 1);
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder, loc);
  builder.setInsertionPointToEnd(module->getBody());
  bool ok = true;
  for (const dsl::Kernel &kernel : program.kernels)
    if (kernelName.empty() || kernel.name == kernelName)
      ok &= succeeded(KernelImporter(builder, program, kernel, target).run());
  // A kernel that failed is incomplete: only a whole module is verified.
  if (!ok || mlir::failed(verify(*module)))
    return {};
  return module;
}

} // namespace fc
