// PlanMask.cpp - walks skip the tiles that a mask leaves empty; full tiles are not tested
//
// The analysis (compiler/Analysis) gives uniform conditions as terms; this pass writes them as
// code: bounds in front of the fold, where the condition solves for the walked axis.
#include "compiler/Transforms/MaskTests.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_PLANMASK
#include "compiler/Transforms/Passes.h.inc"

namespace {

//===-- Terms as code ----------------------------------------------------------------===//

/// Writes uniform terms as scalar operations: those without the fold's start in front of the fold,
/// the rest at the top of its body.
class TermEmitter {
public:
  TermEmitter(Terms &terms, FoldTerms &values, FoldOp fold)
      : terms(terms), values(values), outside(fold), inside(fold.getContext()), loc(fold.getLoc()) {
    inside.setInsertionPointToStart(&fold.getBody().front());
  }

  /// An i1, i32 or i64, as the term's range allows.
  Value emit(TermRef term) {
    if (Value known = written.lookup(term))
      return known;
    return written[term] = write(term);
  }
  /// An i32; the term's range must fit.
  Value emit32(TermRef term) {
    Value value = emit(term);
    return value.getType().isInteger(32)
               ? value
               : arith::TruncIOp::create(at(term), loc, outside.getI32Type(), value);
  }

private:
  OpBuilder &at(TermRef term) { return terms.contains(term, values.start) ? inside : outside; }

  static bool fits32(int64_t low, int64_t high) { return low >= INT32_MIN && high <= INT32_MAX; }

  Value constant(OpBuilder &builder, Type type, int64_t value) {
    return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value));
  }

  /// Sign-extended or truncated; what is truncated fits.
  Value as(OpBuilder &builder, Type type, Value value) {
    if (value.getType() == type)
      return value;
    if (type.getIntOrFloatBitWidth() > value.getType().getIntOrFloatBitWidth())
      return arith::ExtSIOp::create(builder, loc, type, value);
    return arith::TruncIOp::create(builder, loc, type, value);
  }

  Value write(TermRef term) {
    OpBuilder &builder = at(term);
    bool narrow = fits32(term->low, term->high);
    for (TermRef operand : term->operands)
      narrow &= operand->isBool() || fits32(operand->low, operand->high);
    Type type = narrow ? builder.getI32Type() : builder.getI64Type();
    auto x = [&](size_t i) { return as(builder, type, emit(term->operands[i])); };
    switch (term->kind) {
    case TermKind::Linear:
      return writeSum(builder, term);
    case TermKind::Symbol:
      if (Value value = values.symbols[term->number]; value.getType().getIntOrFloatBitWidth() >= 32)
        return value;
      return as(builder, builder.getI32Type(), values.symbols[term->number]);
    case TermKind::Flag:
      return values.symbols[term->number];
    case TermKind::Multiply:
      return arith::MulIOp::create(builder, loc, x(0), x(1));
    case TermKind::Divide:
      return arith::FloorDivSIOp::create(builder, loc, x(0), nonZero(builder, type, term, x(1)));
    case TermKind::Modulo: {
      Value a = x(0), b = nonZero(builder, type, term, x(1));
      Value quotient = arith::FloorDivSIOp::create(builder, loc, a, b);
      return arith::SubIOp::create(builder, loc, a,
                                   arith::MulIOp::create(builder, loc, quotient, b));
    }
    case TermKind::Min:
      return arith::MinSIOp::create(builder, loc, x(0), x(1));
    case TermKind::Max:
      return arith::MaxSIOp::create(builder, loc, x(0), x(1));
    case TermKind::Choose:
      return arith::SelectOp::create(builder, loc, emit(term->operands[0]), x(1), x(2));
    case TermKind::True:
    case TermKind::False:
      return constant(builder, builder.getI1Type(), term->kind == TermKind::True);
    case TermKind::NotPositive:
      return writeRelation(builder, term->operands[0], arith::CmpIPredicate::sle);
    case TermKind::Zero:
      return writeRelation(builder, term->operands[0], arith::CmpIPredicate::eq);
    case TermKind::And:
    case TermKind::Or: {
      // What does not vary along the walk first, in front of it.
      Value fixed, varying;
      for (TermRef operand : term->operands) {
        bool varies = terms.contains(operand, values.start);
        Value &sum = varies ? varying : fixed;
        OpBuilder &where = varies ? inside : outside;
        Value value = emit(operand);
        if (!sum)
          sum = value;
        else if (term->kind == TermKind::And)
          sum = arith::AndIOp::create(where, loc, sum, value);
        else
          sum = arith::OrIOp::create(where, loc, sum, value);
      }
      if (!fixed || !varying)
        return fixed ? fixed : varying;
      if (term->kind == TermKind::And)
        return arith::AndIOp::create(inside, loc, fixed, varying);
      return arith::OrIOp::create(inside, loc, fixed, varying);
    }
    case TermKind::Not:
      return arith::XOrIOp::create(builder, loc, emit(term->operands[0]),
                                   constant(builder, builder.getI1Type(), 1));
    case TermKind::Point:
    case TermKind::Element:
    case TermKind::Unknown:
      break;
    }
    llvm_unreachable("a uniform term has no points");
  }

  Value nonZero(OpBuilder &builder, Type type, TermRef term, Value divisor) {
    TermRef b = term->operands[1];
    if (b->low > 0 || b->high < 0)
      return divisor;
    Value zero = constant(builder, type, 0), one = constant(builder, type, 1);
    Value isZero = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, divisor, zero);
    return arith::SelectOp::create(builder, loc, isZero, one, divisor);
  }

  /// The parts of a sum with coefficients of one sign, as one value; the fixed ones first.
  Value writePart(ArrayRef<std::pair<TermRef, int64_t>> parts, int64_t number, Type type) {
    Value fixed, varying;
    for (auto [operand, by] : parts) {
      bool varies = terms.contains(operand, values.start);
      OpBuilder &where = varies ? inside : outside;
      Value &sum = varies ? varying : fixed;
      Value value = as(where, type, emit(operand));
      if (by != 1 && by != -1)
        value = arith::MulIOp::create(where, loc, value, constant(where, type, std::abs(by)));
      if (!sum && by > 0)
        sum = value;
      else if (by > 0)
        sum = arith::AddIOp::create(where, loc, sum, value);
      else
        sum = arith::SubIOp::create(where, loc, sum ? sum : constant(where, type, 0), value);
    }
    if (number != 0 || (!fixed && !varying)) {
      Value value = constant(outside, type, number);
      fixed = fixed ? arith::AddIOp::create(outside, loc, fixed, value) : value;
    }
    if (!fixed || !varying)
      return fixed ? fixed : varying;
    return arith::AddIOp::create(inside, loc, varying, fixed);
  }

  using Parts = SmallVector<std::pair<TermRef, int64_t>>;

  /// Whether all partial sums fit an i32.
  static bool isNarrow(const Parts &parts, int64_t number) {
    __int128 most = std::abs(number);
    for (auto [operand, by] : parts)
      most += __int128(std::abs(by)) * std::max(std::abs(operand->low), std::abs(operand->high));
    return most <= INT32_MAX;
  }

  Value writeSum(OpBuilder &builder, TermRef sum) {
    Parts parts;
    for (auto [operand, by] : llvm::zip(sum->operands, sum->coefficients))
      parts.push_back({operand, by});
    Type type = isNarrow(parts, sum->number) ? outside.getI32Type() : outside.getI64Type();
    llvm::stable_sort(parts, [](auto a, auto b) { return a.second > 0 && b.second < 0; });
    Value value = writePart(parts, sum->number, type);
    return fits32(sum->low, sum->high) ? as(builder, builder.getI32Type(), value) : value;
  }

  /// sum <= 0 as `what varies <= the rest`, so that a turn of the loop compares once.
  Value writeRelation(OpBuilder &builder, TermRef sum, arith::CmpIPredicate predicate) {
    if (sum->kind != TermKind::Linear) {
      Value value = emit(sum);
      return arith::CmpIOp::create(builder, loc, predicate, value,
                                   constant(builder, value.getType(), 0));
    }
    Parts left, right;
    for (auto [operand, by] : llvm::zip(sum->operands, sum->coefficients))
      if (terms.contains(operand, values.start))
        left.push_back({operand, by});
      else
        right.push_back({operand, -by});
    if (left.empty()) {
      left.append(right);
      for (auto &part : left)
        part.second = -part.second;
      right.clear();
    }
    int64_t number = -sum->number;
    if (llvm::all_of(left, [](auto part) { return part.second < 0; })) { // -x <= y: x >= -y
      for (auto *parts : {&left, &right})
        for (auto &part : *parts)
          part.second = -part.second;
      number = -number;
      if (predicate == arith::CmpIPredicate::sle)
        predicate = arith::CmpIPredicate::sge;
    }
    auto order = [](auto a, auto b) { return a.second > 0 && b.second < 0; };
    llvm::stable_sort(left, order);
    llvm::stable_sort(right, order);
    bool narrow = isNarrow(left, 0) && isNarrow(right, number);
    Type type = narrow ? outside.getI32Type() : outside.getI64Type();
    Value a = writePart(left, 0, type), b = writePart(right, number, type);
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  }

  Terms &terms;
  FoldTerms &values;
  OpBuilder outside, inside;
  Location loc;
  llvm::DenseMap<TermRef, Value> written;
};

//===-- One fold -----------------------------------------------------------------------===//

class FoldPlanner {
public:
  explicit FoldPlanner(FoldOp fold) : fold(fold), values(terms, fold) {}

  void run() {
    FoldMask mask = maskOf(terms, values, fold);
    if (!mask.live)
      return;
    TileTests tests(terms, values.ranges);
    TermEmitter emitter(terms, values, fold);
    trusted = terms.truth(true);
    for (Value value : values.guarded)
      trustWithin(value);
    SmallVector<MaskSelect> selects = maskSelects(terms, values, fold);
    setBounds(solve(terms, tests.possible(mask.live), values.start), emitter);
    markTests(selects, [&](ArrayRef<TermRef> keeps) -> Value {
      TermRef all = terms.truth(true);
      for (TermRef each : keeps)
        all = terms.both(all, each);
      TermRef needed = terms.either(tests.possible(terms.negate(all)), terms.negate(trusted));
      bool always = needed->kind == TermKind::True || needed->kind == TermKind::Unknown;
      return always ? Value() : emitter.emit(needed);
    });
  }

private:
  /// Terms are right while 64-bit values of the launch are within +-kFar.
  void trustWithin(Value value) {
    OpBuilder builder(fold);
    Location loc = fold.getLoc();
    auto limit = [&](int64_t number) {
      return arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(number));
    };
    Value above =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, value, limit(-kFar));
    Value below =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle, value, limit(kFar));
    Value inside = arith::AndIOp::create(builder, loc, above, below);
    values.symbols.push_back(inside);
    trusted = terms.both(trusted, terms.flag(values.symbols.size() - 1));
  }

  /// The first and last tile that may hold a key. Starts stay multiples of the step from `lo`.
  void setBounds(Span span, TermEmitter &emitter) {
    int64_t step = (*fold.getStep())[0];
    TermRef lo = values.of(fold.getLo()[0]), hi = values.of(fold.getHi()[0]);
    TermRef zero = terms.constant(0), width = terms.constant(step);
    // Tiles in front of span.low: the ceiling of (low - lo) / step.
    TermRef skipped =
        terms.max(zero, terms.scale(terms.divide(terms.subtract(lo, span.low), width), -1));
    TermRef newLo = terms.min(terms.add(lo, terms.scale(skipped, step)), terms.max(lo, hi));
    TermRef newHi = terms.min(hi, terms.max(terms.plus(span.high, 1), lo));
    newLo = terms.choose(trusted, newLo, lo);
    newHi = terms.choose(trusted, newHi, hi);
    if (newLo->kind == TermKind::Unknown || newHi->kind == TermKind::Unknown)
      return;
    if (newLo != lo)
      fold.getLoMutable()[0].set(emitter.emit32(newLo));
    if (newHi != hi)
      fold.getHiMutable()[0].set(emitter.emit32(newHi));
  }

  FoldOp fold;
  Terms terms;
  FoldTerms values;
  TermRef trusted = nullptr;
};

struct PlanMask : impl::PlanMaskBase<PlanMask> {
  using Base::Base;
  void runOnOperation() override {
    SmallVector<FoldOp> folds;
    getOperation().walk([&](FoldOp fold) { folds.push_back(fold); });
    for (FoldOp fold : folds)
      FoldPlanner(fold).run();
  }
};

} // namespace
} // namespace fc
