// FoldPlan.h - what is known of the tiles of one walk before it runs
//
// For each fold: the predicate, the uniform conditions that say of a tile whether it may hold a key
// and whether all of it is seen, the spans of tiles outside of which all are empty, and the proof
// that each row sees a key. `fc-plan-mask` writes this as code; reports print it, and count tiles
// by evaluating the same terms at the sizes that the user names.
#pragma once
#include "compiler/Analysis/FoldMask.h"

namespace fc {

/// The least or greatest element of a tensor in a tile: a value found at launch.
struct ElementRange {
  mlir::Value tile; ///< the elements, over the one axis
  bool greatest;
  bool ofKeys; ///< over the walked axis: it hangs on the start of the tile
  bool sorted; ///< elements never fall along the axis: the first or last one says it
};

/// A bound of the walk that is searched for, by halves: a condition on sorted elements.
struct BoundSearch {
  TermRef condition;
  bool
      below; ///< true from some start on, so that the walk starts there; else true up to some start
};

enum class TileKind { Empty, Partial, Full };

/// Whether every row sees a key.
struct RowSafety {
  bool proved = false;
  std::string witness; ///< proved: the key that row i sees, as text, such as `j = i`
  std::string reason;  ///< not proved: why
};

class FoldPlan {
public:
  /// Of a fold with sizes, before `fc-plan-mask`.
  explicit FoldPlan(FoldOp fold);

  /// Whether there is a plan. If not, every tile is walked, and tested as the text says.
  bool exists() const { return live != nullptr; }
  /// Why there is none.
  const std::string &reason() const { return mask.reason; }

  FoldOp fold;
  mlir::Value lo, hi; ///< the walk's bounds without the plan
  Terms terms;
  FoldTerms values;
  FoldMask mask;

  //===-- If it exists ------------------------------------------------------------===//
  TermRef live = nullptr; ///< the predicate, at a point
  /// False: the tile holds no key. Uniform; of the walked tile's start `values.start`.
  TermRef possible = nullptr;
  /// True: every point of the tile is seen.
  TermRef certain = nullptr;
  /// Tiles whose start is in none of these are empty; all together they are in low .. high.
  llvm::SmallVector<Span> segments;
  Span bounds;
  /// Bounds that are searched for at launch, besides `bounds`.
  std::vector<BoundSearch> searches;
  /// Whether the segments and the searches say all that `possible` does.
  bool exact = false;
  /// What neither the segments nor the searches say: the kernel evaluates it for each tile that
  /// they leave. Null: they say all that `possible` does.
  TermRef inKernel = nullptr;
  /// By id of lookups.
  std::vector<ElementRange> elementRanges;
  /// Parts of the predicate that no tile could be judged by, and why.
  std::vector<std::string> undecided;
  RowSafety safety;
  /// Points past the walk's end are dead whatever is read there.
  bool tailIsDead = false;

  /// The uniform condition without which a predicate of the body holds at every point of a tile.
  TermRef needed(TermRef keeps) { return tests->possible(terms.negate(keeps)); }

  /// A term in the names of the text.
  std::string print(TermRef term);
  std::string nameOf(const Term &leaf);

  /// The kind of a tile, given the values of symbols and lookups (by `nameOf`: `M`, `i0`, the
  /// walked tile's start `j0`, `prefix[b]`).
  TileKind kindOf(llvm::function_ref<int64_t(const Term &)> leaf) const;

private:
  void rangeElements();
  void findSearches();
  bool isSorted(mlir::Value tile);
  void findUndecided();
  void proveRows();
  TermRef elementTerm(size_t id);
  std::optional<TileTests> tests;
};

} // namespace fc
