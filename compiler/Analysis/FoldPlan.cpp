// FoldPlan.cpp - the plan of one walk, from its predicate
#include "compiler/Analysis/FoldPlan.h"
#include "llvm/ADT/SetVector.h"
#include <set>

using namespace mlir;

namespace fc {

FoldPlan::FoldPlan(FoldOp fold)
    : fold(fold), lo(fold.getLo()[0]), hi(fold.getHi()[0]), values(terms, fold) {
  mask = maskOf(terms, values, fold);
  live = mask.live;
  if (!live)
    return;
  rangeElements();
  possible = tests->possible(live);
  certain = tests->certain(live);
  findSearches();
  findUndecided();
  proveRows();
}

//===-- Elements of tensors -----------------------------------------------------------===//

/// Elements over the walked axis alone, or over a tile axis of the grid alone, lie between the
/// least and the greatest of the tile.
void FoldPlan::rangeElements() {
  TermRef end = values.of(hi);
  StringAttr walked = cast<StringAttr>(fold.getAxes()[0]);
  std::vector<TileRange> behind = values.ranges;
  for (TileRange &range : behind)
    if (range.first == values.start)
      range = {range.point, end, terms.plus(end, (*fold.getStep())[0] - 1)};
  tailIsDead = TileTests(terms, behind).possible(live)->kind == TermKind::False;

  tests.emplace(terms, values.ranges);
  auto program = fold->getParentOfType<ProgramOp>();
  for (size_t i = 0; i < values.elements.size(); ++i) {
    Value tile = values.elements[i];
    auto axes = axesOf(tile.getType());
    if (axes.size() != 1)
      continue;
    bool ofKeys = axes[0].first == walked, ofRows = false;
    for (auto [axis, isTile] : llvm::zip(program.getAxes(), program.getTiles()))
      ofRows |= isTile && axis == axes[0].first;
    if (!ofKeys && !ofRows)
      continue;
    TermRef element = elementTerm(i);
    bool sorted = isSorted(tile);
    auto lookup = [&](bool greatest) {
      elementRanges.push_back({tile, greatest, ofKeys, sorted});
      return terms.lookup(elementRanges.size() - 1,
                          ofKeys ? ArrayRef<TermRef>(values.start) : ArrayRef<TermRef>(),
                          element->low, element->high);
    };
    TermRef low = lookup(false), high = lookup(true);
    tests->setElement(element, low, high);
  }
}

/// Whether the tile is read along the last dimension of a tensor that the text says never falls.
bool FoldPlan::isSorted(Value tile) {
  auto read = tile.getDefiningOp<ReadOp>();
  auto kernel = fold->getParentOfType<KernelOp>();
  auto sorted = kernel->getAttrOfType<ArrayAttr>(kSortedAttr);
  auto tensor = read ? dyn_cast<BlockArgument>(read.getTensor()) : BlockArgument();
  if (!sorted || !tensor || !llvm::is_contained(sorted, kernel.getParams()[tensor.getArgNumber()]))
    return false;
  ValueRange indices = read.getIndices();
  return indices.back().getDefiningOp<IotaOp>() && read.getWhere().empty() &&
         llvm::all_of(indices.drop_back(),
                      [](Value index) { return !isa<TileType>(index.getType()); });
}

//===-- Bounds ------------------------------------------------------------------------===//

/// Conjuncts in which one sorted element of the walked tile alone hangs on its start are monotone:
/// where they change is searched for. What is left is solved.
void FoldPlan::findSearches() {
  TermRef left = terms.truth(true);
  auto parts = possible->kind == TermKind::And ? possible->operands : std::vector{possible};
  for (TermRef part : parts) {
    TermRef sum = part->kind == TermKind::NotPositive ? part->operands[0] : nullptr;
    int64_t by = 0;
    int varying = 0;
    if (sum && sum->kind == TermKind::Linear)
      for (auto [operand, coefficient] : llvm::zip(sum->operands, sum->coefficients))
        if (terms.contains(operand, values.start)) {
          ++varying;
          if (operand->kind == TermKind::Lookup && elementRanges[operand->number].sorted)
            by = coefficient;
        }
    if (varying == 1 && by != 0)
      searches.push_back({part, by < 0});
    else
      left = terms.both(left, part);
  }
  bounds = solve(terms, left, values.start);
  segments = {bounds};
  if (!bounds.exact)
    segments = solveApart(terms, left, values.start);
  exact = llvm::all_of(segments, [](const Span &span) { return span.exact; });
  if (!exact)
    inKernel = left;
}

//===-- What could not be decided -----------------------------------------------------===//

void FoldPlan::findUndecided() {
  llvm::SetVector<TermRef> found;
  SmallVector<TermRef> work{live};
  bool unknown = false;
  std::set<TermRef> seen;
  while (!work.empty()) {
    TermRef term = work.pop_back_val();
    if (!seen.insert(term).second)
      continue;
    unknown |= term->kind == TermKind::Unknown;
    if (term->kind == TermKind::Element &&
        axesOf(values.elements[term->number].getType()).size() > 1)
      found.insert(term);
    work.append(term->operands.begin(), term->operands.end());
  }
  for (TermRef element : found)
    undecided.push_back("`" + print(element) +
                        "` is read for each point: its values in a tile are not known");
  if (unknown)
    undecided.push_back("a part of the mask is neither integer arithmetic nor a comparison of it");
}

//===-- Rows ---------------------------------------------------------------------------===//

namespace {
/// Terms with a point replaced.
class Substitution {
public:
  Substitution(Terms &terms, TermRef from, TermRef to) : terms(terms) { known[from] = to; }

  void replace(TermRef term, TermRef by) { known[term] = by; }

  TermRef of(TermRef term) {
    TermRef &result = known[term];
    if (!result)
      result = compute(term);
    return result;
  }

private:
  TermRef compute(TermRef term) {
    if (term->operands.empty())
      return term;
    SmallVector<TermRef> parts;
    for (TermRef operand : term->operands)
      parts.push_back(of(operand));
    switch (term->kind) {
    case TermKind::Linear: {
      TermRef sum = terms.constant(term->number);
      for (auto [part, by] : llvm::zip(parts, term->coefficients))
        sum = terms.add(sum, terms.scale(part, by));
      return sum;
    }
    case TermKind::Multiply:
      return terms.multiply(parts[0], parts[1]);
    case TermKind::Divide:
      return terms.divide(parts[0], parts[1]);
    case TermKind::Modulo:
      return terms.modulo(parts[0], parts[1]);
    case TermKind::Min:
      return terms.min(parts[0], parts[1]);
    case TermKind::Max:
      return terms.max(parts[0], parts[1]);
    case TermKind::Choose:
      return terms.choose(parts[0], parts[1], parts[2]);
    case TermKind::NotPositive:
      return terms.notPositive(parts[0]);
    case TermKind::Zero:
      return terms.isZero(parts[0]);
    case TermKind::And:
    case TermKind::Or: {
      TermRef all = terms.truth(term->kind == TermKind::And);
      for (TermRef part : parts)
        all = term->kind == TermKind::And ? terms.both(all, part) : terms.either(all, part);
      return all;
    }
    case TermKind::Not:
      return terms.negate(parts[0]);
    default: // a lookup hangs on the tile, not on the point
      return terms.unknown();
    }
  }

  Terms &terms;
  std::map<TermRef, TermRef> known;
};

/// Whether a uniform condition holds at every launch, by taking minima, maxima and choices apart.
bool alwaysHolds(Terms &terms, TermRef condition) {
  switch (condition->kind) {
  case TermKind::True:
    return true;
  case TermKind::And:
    return llvm::all_of(condition->operands, [&](TermRef x) { return alwaysHolds(terms, x); });
  case TermKind::Or:
    return llvm::any_of(condition->operands, [&](TermRef x) { return alwaysHolds(terms, x); });
  case TermKind::NotPositive: {
    TermRef expanded = expandRelation(terms, condition->operands[0], [](TermRef) { return true; });
    return expanded != condition && alwaysHolds(terms, expanded);
  }
  default:
    return false;
  }
}
} // namespace

TermRef FoldPlan::elementTerm(size_t id) {
  unsigned width = elementOf(values.elements[id].getType()).getIntOrFloatBitWidth();
  int64_t half = int64_t(1) << (width - 1);
  return terms.element(id, -half, half - 1);
}

/// Whether the first element, its key replaced by the witness, is the second: `doc[b, j]` at j = i
/// is `doc[b, i]`.
static bool isSame(FoldTerms &values, Value a, Value b, ArrayRef<TermRef> ends,
                   llvm::function_ref<TermRef(TermRef)> at) {
  auto first = a.getDefiningOp<ReadOp>(), second = b.getDefiningOp<ReadOp>();
  if (!first || !second || first.getTensor() != second.getTensor() || !first.getWhere().empty() ||
      !second.getWhere().empty())
    return false;
  // Both are read: nothing but the end of the walk and of the rows bounds them.
  for (ReadOp read : {first, second})
    for (Value limit : read.getLimits())
      if (!llvm::is_contained(ends, values.of(limit)))
        return false;
  return llvm::all_of(llvm::zip(first.getIndices(), second.getIndices()), [&](auto pair) {
    TermRef x = at(values.of(std::get<0>(pair))), y = values.of(std::get<1>(pair));
    return x == y && x->kind != TermKind::Unknown;
  });
}

/// A witness is a key, as a function of the row, at which the predicate holds for every row: row i
/// itself, the first key, or a term of the predicate (its clamped centre), held within the walk.
void FoldPlan::proveRows() {
  constexpr size_t kMostWitnesses = 24;
  TermRef key = nullptr;
  std::vector<TileRange> rows;
  auto program = fold->getParentOfType<ProgramOp>();
  llvm::SetVector<TermRef> witnesses;
  SmallVector<TermRef> ends{values.of(hi)};
  for (const TileRange &range : values.ranges) {
    if (range.first == values.start) {
      key = range.point;
      continue;
    }
    // All rows there are, not those of a tile.
    auto iota = values.symbols[range.point->number].getDefiningOp<IotaOp>();
    auto base = dyn_cast<BlockArgument>(iota.getBase());
    bool ofGrid = base && base.getOwner()->getParentOp() == program.getOperation();
    if (!ofGrid || !program.getTiles()[base.getArgNumber()]) {
      rows.push_back(range);
      continue;
    }
    TermRef extent = values.of(program.getExtents()[base.getArgNumber()]);
    ends.push_back(extent);
    rows.push_back({range.point, terms.constant(0), terms.plus(extent, -1)});
    witnesses.insert(range.point);
  }
  if (!key) {
    safety.reason = "no key is named";
    return;
  }
  TermRef first = values.of(lo), last = terms.plus(values.of(hi), -1);
  witnesses.insert(first);
  SmallVector<TermRef> work{live};
  std::set<TermRef> seen;
  while (!work.empty() && witnesses.size() < kMostWitnesses) {
    TermRef term = work.pop_back_val();
    if (!seen.insert(term).second)
      continue;
    if ((term->kind == TermKind::Min || term->kind == TermKind::Max) && !terms.contains(term, key))
      witnesses.insert(term);
    work.append(term->operands.begin(), term->operands.end());
  }
  TileTests over(terms, rows);
  TermRef inWalk =
      terms.both(live, terms.both(terms.lessEqual(first, key), terms.lessEqual(key, last)));
  for (TermRef witness : witnesses) {
    if (witness->kind == TermKind::Unknown)
      continue;
    Substitution atWitness(terms, key, witness);
    for (size_t k = 0; k < values.elements.size(); ++k)
      for (size_t r = 0; r < values.elements.size(); ++r)
        if (k != r && isSame(values, values.elements[k], values.elements[r], ends,
                             [&](TermRef term) { return atWitness.of(term); }))
          atWitness.replace(elementTerm(k), elementTerm(r));
    TermRef seenThere = atWitness.of(inWalk);
    if (!alwaysHolds(terms, over.certain(seenThere)))
      continue;
    safety.proved = true;
    safety.witness = print(key) + " = " + print(witness);
    return;
  }
  safety.reason = "no witness holds for every row at every launch";
}

//===-- Names and values ---------------------------------------------------------------===//

std::string FoldPlan::nameOf(const Term &leaf) {
  if (leaf.kind != TermKind::Lookup)
    return values.nameOf(leaf);
  const ElementRange &range = elementRanges[leaf.number];
  return std::string(range.greatest ? "greatest " : "least ") + values.textOf(range.tile);
}

std::string FoldPlan::print(TermRef term) {
  return fc::print(term, [&](const Term &leaf) { return nameOf(leaf); });
}

TileKind FoldPlan::kindOf(llvm::function_ref<int64_t(const Term &)> leaf) const {
  if (!evaluate(possible, leaf))
    return TileKind::Empty;
  return evaluate(certain, leaf) ? TileKind::Full : TileKind::Partial;
}

} // namespace fc
