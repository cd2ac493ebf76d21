// Emitter.cpp - llvm operations, blocks, constants
#include "compiler/Transforms/Threads/Emitter.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace fc {

static Block *entryOf(LLVM::LLVMFuncOp function) { return &function.getBody().front(); }

Emitter::Emitter(LLVM::LLVMFuncOp function)
    : builder(function.getContext()), loc(function.getLoc()), function(function),
      entry(OpBuilder::atBlockEnd(entryOf(function))) {
  describeSource();
  i1 = builder.getI1Type();
  i8 = builder.getI8Type();
  i16 = builder.getI16Type();
  i32 = builder.getI32Type();
  i64 = builder.getI64Type();
  f32 = builder.getF32Type();
  globalPointer = LLVM::LLVMPointerType::get(function.getContext(), 1);
  sharedPointer = LLVM::LLVMPointerType::get(function.getContext(), 3);
  builder.setInsertionPointToEnd(entryOf(function));
  first = newBlock();
  builder.setInsertionPointToEnd(first);
}

//===-- Places in the text -----------------------------------------------------------------===//

/// The first place in a file that a location names.
static FileLineColLoc fileOf(Location location) {
  FileLineColLoc found;
  location->walk([&](Location part) {
    found = dyn_cast<FileLineColLoc>(part);
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

/// LLVM keeps locations only inside a subprogram. Directives only: no debug sections in the PTX.
void Emitter::describeSource() {
  FileLineColLoc place = fileOf(function.getLoc());
  if (!place)
    return;
  MLIRContext *context = function.getContext();
  auto file = LLVM::DIFileAttr::get(context, place.getFilename().getValue(), "");
  auto unit = LLVM::DICompileUnitAttr::get(DistinctAttr::create(UnitAttr::get(context)),
                                           /*sourceLanguage=*/2 /* DW_LANG_C */, file,
                                           StringAttr::get(context, "fcc"), /*isOptimized=*/true,
                                           LLVM::DIEmissionKind::DebugDirectivesOnly);
  auto type = LLVM::DISubroutineTypeAttr::get(context, ArrayRef<LLVM::DITypeAttr>());
  StringAttr name = StringAttr::get(context, function.getSymName());
  subprogram = LLVM::DISubprogramAttr::get(
      context, DistinctAttr::create(UnitAttr::get(context)), unit, file, name, name, file,
      place.getLine(), place.getLine(),
      LLVM::DISubprogramFlags::Definition | LLVM::DISubprogramFlags::Optimized, type, {}, {});
  function->setLoc(FusedLoc::get(context, {place}, subprogram));
}

void Emitter::at(Location location) {
  FileLineColLoc place = fileOf(location);
  if (!place || !subprogram) {
    loc = location;
    return;
  }
  loc = place;
  if (place.getFilename() == subprogram.getFile().getName())
    return;
  // A function of another file, expanded here.
  auto file = LLVM::DIFileAttr::get(place.getContext(), place.getFilename().getValue(), "");
  auto block = LLVM::DILexicalBlockFileAttr::get(subprogram, file, /*discriminator=*/0);
  loc = FusedLoc::get(place.getContext(), {place}, block);
}

void Emitter::finish() {
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  LLVM::BrOp::create(entry, loc, first);
}

Block *Emitter::newBlock(TypeRange arguments) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Location> locs(arguments.size(), loc);
  return builder.createBlock(&function.getBody(), function.getBody().end(), arguments, locs);
}

//===-- Constants ----------------------------------------------------------------===//

Value Emitter::constant(Type type, int64_t value) {
  unsigned width = type.getIntOrFloatBitWidth();
  value = width == 1 ? value & 1 : llvm::SignExtend64(value, width);
  Value &known = integers[{type, value}];
  if (!known) {
    known =
        LLVM::ConstantOp::create(entry, function.getLoc(), type, entry.getIntegerAttr(type, value));
    values[known] = value;
  }
  return known;
}

Value Emitter::real(Type type, double value) { return real(entry.getFloatAttr(type, value)); }

Value Emitter::real(FloatAttr value) {
  Value &known = reals[value];
  if (!known)
    known = LLVM::ConstantOp::create(entry, function.getLoc(), value.getType(), value);
  return known;
}

Value Emitter::zero(Type type) {
  if (isa<IntegerType>(type))
    return constant(type, 0);
  if (isa<FloatType>(type))
    return real(type, 0);
  Value &known = reals[TypeAttr::get(type)];
  if (!known)
    known = LLVM::ZeroOp::create(entry, function.getLoc(), type);
  return known;
}

std::optional<int64_t> Emitter::known(Value value) const {
  auto it = values.find(value);
  if (it == values.end())
    return std::nullopt;
  return it->second;
}

//===-- Arithmetic -----------------------------------------------------------------===//

Value Emitter::add(Value a, Value b) {
  auto x = known(a), y = known(b);
  if (x && y)
    return constant(a.getType(), *x + *y);
  if (x && *x == 0)
    return b;
  if (y && *y == 0)
    return a;
  return LLVM::AddOp::create(builder, loc, a, b);
}

Value Emitter::addPoint(Value a, Value b) {
  if (auto x = known(a), y = known(b); (x && (y || *x == 0)) || (y && *y == 0))
    return add(a, b);
  return LLVM::AddOp::create(builder, loc, a, b, LLVM::IntegerOverflowFlags::nsw);
}

Value Emitter::sub(Value a, Value b) {
  auto x = known(a), y = known(b);
  if (x && y)
    return constant(a.getType(), *x - *y);
  if (y && *y == 0)
    return a;
  return LLVM::SubOp::create(builder, loc, a, b);
}

Value Emitter::mul(Value a, Value b) {
  auto x = known(a), y = known(b);
  if (x && y)
    return constant(a.getType(), *x * *y);
  if ((x && *x == 0) || (y && *y == 1))
    return a;
  if ((y && *y == 0) || (x && *x == 1))
    return b;
  return LLVM::MulOp::create(builder, loc, a, b);
}

Value Emitter::udiv(Value a, int64_t b) {
  if (auto x = known(a); x && *x >= 0)
    return constant(a.getType(), *x / b);
  if (b == 1)
    return a;
  return LLVM::UDivOp::create(builder, loc, a, constant(a.getType(), b));
}

Value Emitter::urem(Value a, int64_t b) {
  if (auto x = known(a); x && *x >= 0)
    return constant(a.getType(), *x % b);
  if (b == 1)
    return constant(a.getType(), 0);
  return LLVM::URemOp::create(builder, loc, a, constant(a.getType(), b));
}

Value Emitter::bitAnd(Value a, Value b) {
  if (auto x = known(a), y = known(b); x && y)
    return constant(a.getType(), *x & *y);
  return LLVM::AndOp::create(builder, loc, a, b);
}

Value Emitter::bitOr(Value a, Value b) {
  if (auto x = known(a), y = known(b); x && y)
    return constant(a.getType(), *x | *y);
  return LLVM::OrOp::create(builder, loc, a, b);
}

Value Emitter::bitXor(Value a, Value b) {
  auto x = known(a), y = known(b);
  if (x && y)
    return constant(a.getType(), *x ^ *y);
  if (y && *y == 0)
    return a;
  return LLVM::XOrOp::create(builder, loc, a, b);
}

Value Emitter::shl(Value a, int64_t bits) {
  if (bits == 0)
    return a;
  if (auto x = known(a))
    return constant(a.getType(), *x << bits);
  return LLVM::ShlOp::create(builder, loc, a, constant(a.getType(), bits));
}

Value Emitter::shr(Value a, int64_t bits) {
  if (bits == 0)
    return a;
  if (auto x = known(a); x && *x >= 0)
    return constant(a.getType(), *x >> bits);
  return LLVM::LShrOp::create(builder, loc, a, constant(a.getType(), bits));
}

Value Emitter::cmp(LLVM::ICmpPredicate predicate, Value a, Value b) {
  return LLVM::ICmpOp::create(builder, loc, predicate, a, b);
}

Value Emitter::select(Value condition, Value a, Value b) {
  return LLVM::SelectOp::create(builder, loc, condition, a, b);
}

Value Emitter::toInteger(Type type, Value value) {
  unsigned to = type.getIntOrFloatBitWidth(), from = value.getType().getIntOrFloatBitWidth();
  if (to == from)
    return value;
  if (auto x = known(value); x && to > from)
    return constant(type, *x);
  if (to > from)
    return LLVM::SExtOp::create(builder, loc, type, value);
  return LLVM::TruncOp::create(builder, loc, type, value);
}

Value Emitter::both(Value a, Value b) {
  if (!a || !b || a == b)
    return a ? a : b;
  if (known(a).value_or(0))
    return b;
  if (known(b).value_or(0))
    return a;
  return LLVM::AndOp::create(builder, loc, a, b);
}

Value Emitter::intrinsic(StringRef name, Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(builder, loc, result, builder.getStringAttr(name), operands)
      .getResult(0);
}

void Emitter::call(StringRef name, ValueRange operands) {
  LLVM::CallIntrinsicOp::create(builder, loc, builder.getStringAttr(name), operands);
}

//===-- Memory -----------------------------------------------------------------------===//

Value Emitter::offset(Value base, Type element, Value index) {
  if (auto x = known(index); x && *x == 0)
    return base;
  if (auto x = known(index))
    return LLVM::GEPOp::create(builder, loc, base.getType(), element, base,
                               ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(int32_t(*x))});
  return LLVM::GEPOp::create(builder, loc, base.getType(), element, base, ValueRange{index});
}

Value Emitter::displaced(Value base, int64_t bytes) {
  Value pointer = offset(base, i8, constant(bytes));
  displacements[pointer] = {base, bytes};
  return pointer;
}

std::pair<Value, int64_t> Emitter::parts(Value pointer) const {
  auto it = displacements.find(pointer);
  return it == displacements.end() ? std::pair(pointer, int64_t(0)) : it->second;
}

Value Emitter::opaque(Value value) {
  return LLVM::InlineAsmOp::create(builder, loc, value.getType(), value, "mov.b32 $0, $1;", "=r,r",
                                   /*has_side_effects=*/true, /*is_align_stack=*/false,
                                   LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
      .getRes();
}

Value Emitter::load(Type type, Value pointer, int64_t alignment) {
  return LLVM::LoadOp::create(builder, loc, type, pointer, alignment);
}

void Emitter::store(Value value, Value pointer, int64_t alignment) {
  LLVM::StoreOp::create(builder, loc, value, pointer, alignment);
}

/// What moves `count` elements of `element` at once: vectors of words where elements are narrower.
static Type transferType(Type element, int64_t count) {
  int64_t bits = element.getIntOrFloatBitWidth() * count;
  if (count == 1)
    return element;
  if (element.getIntOrFloatBitWidth() >= 32)
    return VectorType::get({count}, element);
  if (bits <= 32)
    return IntegerType::get(element.getContext(), bits);
  return VectorType::get({bits / 32}, IntegerType::get(element.getContext(), 32));
}

Value Emitter::loadTogether(Type element, int64_t count, Value pointer) {
  return load(transferType(element, count), pointer, count * element.getIntOrFloatBitWidth() / 8);
}

SmallVector<Value> Emitter::loadElements(Type element, int64_t count, Value pointer) {
  Value value = loadTogether(element, count, pointer);
  if (count == 1)
    return {value};
  return unpack(bitcast(VectorType::get({count}, element), value));
}

Value Emitter::together(ArrayRef<Value> elements) {
  return bitcast(transferType(elements[0].getType(), elements.size()), pack(elements));
}

void Emitter::storeElements(ArrayRef<Value> elements, Value pointer) {
  store(together(elements), pointer,
        elements.size() * elements[0].getType().getIntOrFloatBitWidth() / 8);
}

Value Emitter::bitcast(Type type, Value value) {
  if (value.getType() == type)
    return value;
  return LLVM::BitcastOp::create(builder, loc, type, value);
}

SmallVector<Value> Emitter::unpack(Value vector) {
  auto type = dyn_cast<VectorType>(vector.getType());
  if (!type)
    return {vector};
  SmallVector<Value> elements;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    elements.push_back(LLVM::ExtractElementOp::create(builder, loc, vector, constant(i)));
  return elements;
}

Value Emitter::pack(ArrayRef<Value> elements) {
  if (elements.size() == 1)
    return elements[0];
  auto type = VectorType::get({int64_t(elements.size())}, elements[0].getType());
  Value vector = LLVM::PoisonOp::create(builder, loc, type);
  for (auto [i, element] : llvm::enumerate(elements))
    vector = LLVM::InsertElementOp::create(builder, loc, vector, element, constant(i));
  return vector;
}

//===-- Control flow -------------------------------------------------------------------===//

Emitter::Values Emitter::ifThen(Value condition, llvm::function_ref<Values()> then,
                                llvm::function_ref<Values()> otherwise) {
  if (!condition)
    return then();
  if (auto decided = known(condition))
    return *decided ? then() : otherwise();
  OpBuilder before = builder;
  Block *yes = newBlock();
  builder.setInsertionPointToEnd(yes);
  Values taken = then();
  OpBuilder afterYes = builder;
  Block *no = newBlock();
  builder.setInsertionPointToEnd(no);
  Values untaken = otherwise();
  Block *join = newBlock(ValueRange(taken).getTypes());
  LLVM::BrOp::create(builder, loc, untaken, join);
  LLVM::BrOp::create(afterYes, loc, taken, join);
  LLVM::CondBrOp::create(before, loc, condition, yes, no);
  builder.setInsertionPointToEnd(join);
  return Values(join->args_begin(), join->args_end());
}

void Emitter::ifThen(Value condition, llvm::function_ref<void()> then) {
  if (!condition || known(condition).value_or(0))
    return then();
  OpBuilder before = builder;
  Block *yes = newBlock();
  builder.setInsertionPointToEnd(yes);
  then();
  Block *join = newBlock();
  LLVM::BrOp::create(builder, loc, join);
  LLVM::CondBrOp::create(before, loc, condition, yes, join);
  builder.setInsertionPointToEnd(join);
}

Emitter::Values Emitter::loop(Value lo, Value hi, Value step, ValueRange init,
                              llvm::function_ref<Values(Value, ValueRange)> body, int copies,
                              llvm::function_ref<Value()> following) {
  SmallVector<Type> types{lo.getType()};
  llvm::append_range(types, init.getTypes());
  Block *header = newBlock(types);
  Turns turns{builder, header, lo, following ? Value() : step, header->getArgument(0)};
  loops.push_back(&turns);
  Values state(header->args_begin() + 1, header->args_end());
  SmallVector<std::tuple<OpBuilder, Value, Block *, Values>> tests;
  OpBuilder at = OpBuilder::atBlockEnd(header);
  for (turns.copy = 0; turns.copy < copies; ++turns.copy) {
    Value more = LLVM::ICmpOp::create(at, loc, LLVM::ICmpPredicate::slt, turns.index, hi);
    Block *inside = newBlock();
    tests.push_back({at, more, inside, state});
    builder.setInsertionPointToEnd(inside);
    if (turns.copy > 0)
      for (Carried &pointer : turns.pointers)
        pointer.now = offset(pointer.now, i8, pointer.advance);
    state = body(turns.index, state);
    // hi + step is below 2^31.
    turns.index = following ? following() : addPoint(turns.index, step);
    at = builder;
  }
  loops.pop_back();
  Values start{lo}, next{turns.index};
  llvm::append_range(start, init);
  llvm::append_range(next, state);
  for (Carried &pointer : turns.pointers) {
    start.push_back(pointer.start);
    next.push_back(offset(pointer.now, i8, pointer.advance));
  }
  LLVM::BrOp::create(turns.before, loc, start, header);
  LLVM::BrOp::create(builder, loc, next, header);
  Block *after = newBlock(init.getTypes());
  for (auto &[test, more, inside, results] : tests)
    LLVM::CondBrOp::create(test, loc, more, inside, ValueRange(), after, results);
  builder.setInsertionPointToEnd(after);
  return Values(after->args_begin(), after->args_end());
}

/// Blocks of a loop that is being written are made after its header.
bool Emitter::isBefore(Value value, Block *header) {
  Block *block = value.getParentBlock();
  for (Block &other : function.getBody()) {
    if (&other == header)
      return false;
    if (&other == block)
      return true;
  }
  return false;
}

Value Emitter::outside(llvm::function_ref<Value()> make, ValueRange operands) {
  if (loops.empty() ||
      !llvm::all_of(operands, [&](Value in) { return isBefore(in, loops.back()->header); }))
    return make();
  OpBuilder::InsertionGuard guard(builder);
  builder = loops.back()->before;
  Value result = make();
  loops.back()->before = builder;
  return result;
}

Value Emitter::carried(const void *key, Value start, Type element, Value index, Value stride) {
  if (loops.empty() || !loops.back()->step)
    return {};
  Turns &turns = *loops.back();
  for (Carried &pointer : turns.pointers)
    if (pointer.key == key)
      return pointer.now;
  // index = the loop's, perhaps plus what the loop leaves unchanged.
  Value plus;
  if (index != turns.index) {
    auto sum = index.getDefiningOp<LLVM::AddOp>();
    if (!sum)
      return {};
    for (auto [side, rest] :
         {std::pair(sum.getLhs(), sum.getRhs()), std::pair(sum.getRhs(), sum.getLhs())})
      if (side == turns.index)
        plus = rest;
    if (!plus || !isBefore(plus, turns.header))
      return {};
  }
  if (turns.copy > 0 || !isBefore(start, turns.header) || !isBefore(turns.step, turns.header) ||
      (stride && !isBefore(stride, turns.header)))
    return {};
  Carried pointer{key};
  {
    OpBuilder::InsertionGuard guard(builder);
    builder = turns.before;
    int64_t bytes = element.getIntOrFloatBitWidth() / 8;
    auto distance = [&](Value points) {
      Value wide = toInteger(i64, points);
      return mul(stride ? mul(wide, stride) : wide, bytes);
    };
    Value first = plus ? addPoint(turns.lo, plus) : turns.lo;
    pointer.start = offset(start, i8, distance(first));
    pointer.advance = distance(turns.step);
    turns.before = builder;
  }
  pointer.argument = turns.header->addArgument(start.getType(), loc);
  pointer.now = pointer.argument;
  turns.pointers.push_back(pointer);
  return pointer.now;
}

Emitter::Values Emitter::loopWhile(llvm::function_ref<Value(ValueRange)> more, ValueRange init,
                                   llvm::function_ref<Values(ValueRange)> body) {
  Block *header = newBlock(init.getTypes());
  LLVM::BrOp::create(builder, loc, init, header);
  builder.setInsertionPointToEnd(header);
  Value goesOn = more(header->getArguments());
  OpBuilder test = builder;
  Block *inside = newBlock();
  builder.setInsertionPointToEnd(inside);
  LLVM::BrOp::create(builder, loc, body(header->getArguments()), header);
  Block *after = newBlock();
  LLVM::CondBrOp::create(test, loc, goesOn, inside, after);
  builder.setInsertionPointToEnd(after);
  return Values(header->args_begin(), header->args_end());
}

Value Emitter::search(Value start, llvm::function_ref<Turn(Value)> turn) {
  Block *header = newBlock({start.getType()});
  LLVM::BrOp::create(builder, loc, start, header);
  builder.setInsertionPointToEnd(header);
  Turn made = turn(header->getArgument(0));
  OpBuilder end = builder;
  Block *after = newBlock();
  LLVM::CondBrOp::create(end, loc, made.ends, after, ValueRange{}, header, ValueRange{made.next});
  builder.setInsertionPointToEnd(after);
  return made.found;
}

//===-- The thread -----------------------------------------------------------------------===//

Value Emitter::once(llvm::function_ref<Value()> make) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(entryOf(function));
  return make();
}

Value Emitter::thread() {
  if (!threadId)
    threadId = once([&] { return intrinsic("llvm.nvvm.read.ptx.sreg.tid.x", i32, {}); });
  return threadId;
}

Value Emitter::lane() {
  if (!laneId)
    laneId = once([&] { return urem(thread(), 32); });
  return laneId;
}

Value Emitter::warp() {
  if (!warpId)
    warpId = once([&] { return udiv(thread(), 32); });
  return warpId;
}

void Emitter::barrier() { call("llvm.nvvm.barrier.cta.sync.aligned.all", constant(0)); }

} // namespace fc
