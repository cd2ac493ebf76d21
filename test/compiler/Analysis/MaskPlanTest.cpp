// MaskPlanTest.cpp - the plan against brute force: never a wrong skip, never a wrong full
//
// Every predicate is evaluated at every point of every tile. A tile that `possible` gives up must
// hold no point where it is true, one that `certain` passes none where it is false; what `solve`
// leaves of the first key of a tile must hold every live tile. The share of empty and full tiles
// that the plan finds is printed, and asserted where it is meant to be all of them.
#include "compiler/Analysis/MaskPlan.h"
#include "llvm/ADT/STLExtras.h"
#include <cstdio>
#include <functional>
#include <gtest/gtest.h>
#include <random>

using namespace fc;

namespace {

/// Ids of symbols; launch values of a mask come after.
enum : int64_t {
  kRows,
  kKeys,
  kRow0,
  kKey0,
  kDocRowLow,
  kDocRowHigh,
  kDocKeyLow,
  kDocKeyHigh,
  kFree
};
enum : int64_t { kI, kJ };

/// A tile stage's view of a mask: symbols as at compile time, values as at launch.
struct Plan {
  Terms t;
  std::vector<int64_t> values = std::vector<int64_t>(kFree);
  std::vector<int64_t> doc; ///< ids of documents by position
  TermRef rows = t.symbol(kRows, 0, 1 << 20), keys = t.symbol(kKeys, 0, 1 << 20);
  TermRef row0 = t.symbol(kRow0, 0, 1 << 20), key0 = t.symbol(kKey0, -(1 << 20), 1 << 20);
  TermRef i = t.point(kI, 0, 1 << 20), j = t.point(kJ, -(1 << 20), 1 << 20);
  TermRef docI = t.element(0, -1000, 1000), docJ = t.element(1, -1000, 1000);

  TermRef launch(int64_t value, int64_t low = -100000, int64_t high = 100000) {
    values.push_back(value);
    return t.symbol(values.size() - 1, low, high);
  }
  TermRef number(int64_t value) { return t.constant(value); }
  TermRef within(TermRef low, TermRef x, TermRef high) {
    return t.both(t.lessEqual(low, x), t.lessEqual(x, high));
  }
  TermRef distance(TermRef a, TermRef b) {
    TermRef difference = t.subtract(a, b);
    return t.max(difference, t.scale(difference, -1));
  }
};

struct Share {
  int64_t empty = 0, full = 0, partial = 0, foundEmpty = 0, foundFull = 0;
  void add(const Share &other) {
    empty += other.empty;
    full += other.full;
    partial += other.partial;
    foundEmpty += other.foundEmpty;
    foundFull += other.foundFull;
  }
};

using Mask = std::function<TermRef(Plan &)>;

/// Judges a mask over all tiles of M x N. The predicate of a walk holds for keys inside the tensor.
Share judge(const Mask &mask, int64_t rows, int64_t keys, int64_t tileRows, int64_t tileKeys,
            const std::string &name) {
  Plan plan;
  Terms &t = plan.t;
  plan.doc.resize(std::max(rows, keys));
  for (size_t x = 0, id = 0; x < plan.doc.size(); ++x)
    plan.doc[x] = int64_t(id += (x % 97 == 61) || (x % 150 == 149));
  TermRef predicate = t.both(mask(plan), t.less(plan.j, plan.keys));
  TermRef lastRow = t.min(t.plus(plan.row0, tileRows - 1), t.plus(plan.rows, -1));
  TileTests tests(
      t, {{plan.i, plan.row0, lastRow}, {plan.j, plan.key0, t.plus(plan.key0, tileKeys - 1)}});
  tests.setElement(plan.docI, t.symbol(kDocRowLow, -1000, 1000),
                   t.symbol(kDocRowHigh, -1000, 1000));
  tests.setElement(plan.docJ, t.symbol(kDocKeyLow, -1000, 1000),
                   t.symbol(kDocKeyHigh, -1000, 1000));
  TermRef possible = tests.possible(predicate), certain = tests.certain(predicate);
  Span span = solve(t, possible, plan.key0);
  EXPECT_TRUE(possible->uniform && certain->uniform) << name;

  int64_t i = 0, j = 0;
  auto leaf = [&](const Term &term) -> int64_t {
    if (term.kind == TermKind::Point)
      return term.number == kI ? i : j;
    if (term.kind == TermKind::Element)
      return plan.doc[size_t(term.number == 0 ? i : j)];
    return plan.values[size_t(term.number)];
  };
  plan.values[kRows] = rows;
  plan.values[kKeys] = keys;
  Share share;
  for (int64_t row0 = 0; row0 < rows; row0 += tileRows)
    for (int64_t key0 = 0; key0 < keys; key0 += tileKeys) {
      plan.values[kRow0] = row0;
      plan.values[kKey0] = key0;
      int64_t rowEnd = std::min(row0 + tileRows, rows), keyEnd = std::min(key0 + tileKeys, keys);
      auto [rowLow, rowHigh] =
          std::minmax_element(plan.doc.begin() + row0, plan.doc.begin() + rowEnd);
      auto [keyLow, keyHigh] =
          std::minmax_element(plan.doc.begin() + key0, plan.doc.begin() + keyEnd);
      plan.values[kDocRowLow] = *rowLow;
      plan.values[kDocRowHigh] = *rowHigh;
      plan.values[kDocKeyLow] = *keyLow;
      plan.values[kDocKeyHigh] = *keyHigh;
      bool any = false, all = keyEnd == key0 + tileKeys; // a tail is tested
      for (i = row0; i < rowEnd; ++i)
        for (j = key0; j < keyEnd; ++j) {
          bool holds = evaluate(predicate, leaf) != 0;
          any |= holds;
          all &= holds;
        }
      bool isPossible = evaluate(possible, leaf), isCertain = evaluate(certain, leaf);
      bool inSpan = evaluate(span.low, leaf) <= key0 && key0 <= evaluate(span.high, leaf);
      EXPECT_TRUE(isPossible || !any) << name << ": wrong skip at " << row0 << ", " << key0;
      EXPECT_TRUE(inSpan || !any) << name << ": outside the loop at " << row0 << ", " << key0;
      EXPECT_TRUE(!isCertain || all) << name << ": wrong full at " << row0 << ", " << key0;
      if (span.exact)
        EXPECT_EQ(inSpan, isPossible)
            << name << ": the span is not exact at " << row0 << ", " << key0;
      share.empty += !any;
      share.full += all;
      share.partial += any && !all;
      share.foundEmpty += !isPossible;
      share.foundFull += isCertain;
      if (testing::Test::HasFailure())
        return share;
    }
  return share;
}

struct Named {
  const char *name;
  Mask mask;
  bool all;    ///< every empty and every full tile is found
  bool bounds; ///< the loop's bounds say all, without a test in the loop
};

const std::vector<Named> &namedMasks() {
  static const std::vector<Named> list = {
      {"causal",
       [](Plan &p) { return p.t.lessEqual(p.j, p.t.add(p.i, p.t.subtract(p.keys, p.rows))); }, true,
       true},
      {"causal, top left", [](Plan &p) { return p.t.lessEqual(p.j, p.i); }, true, true},
      {"anticausal", [](Plan &p) { return p.t.less(p.i, p.j); }, true, true},
      {"window", [](Plan &p) { return p.within(p.t.subtract(p.i, p.launch(63)), p.j, p.i); }, true,
       true},
      {"window to both sides",
       [](Plan &p) {
         return p.within(p.t.subtract(p.i, p.launch(40)), p.j, p.t.add(p.i, p.launch(21)));
       },
       true, true},
      {"window by distance",
       [](Plan &p) { return p.t.lessEqual(p.distance(p.i, p.j), p.number(50)); }, true, true},
      {"prefix",
       [](Plan &p) { return p.t.either(p.t.less(p.j, p.launch(70)), p.t.lessEqual(p.j, p.i)); },
       true, true},
      {"chunked",
       [](Plan &p) {
         TermRef chunk = p.launch(48, 1, 10000);
         return p.t.both(p.t.equal(p.t.divide(p.i, chunk), p.t.divide(p.j, chunk)),
                         p.t.lessEqual(p.j, p.i));
       },
       true, true},
      {"block causal",
       [](Plan &p) {
         return p.t.lessEqual(p.t.divide(p.j, p.number(40)), p.t.divide(p.i, p.number(40)));
       },
       true, true},
      {"padding", [](Plan &p) { return p.t.less(p.j, p.launch(100)); }, true, true},
      {"varlen", [](Plan &p) { return p.within(p.launch(33), p.j, p.launch(121)); }, true, true},
      {"varlen, causal",
       [](Plan &p) {
         return p.t.both(p.within(p.launch(33), p.j, p.launch(121)), p.t.lessEqual(p.j, p.i));
       },
       true, true},
      {"every second key",
       [](Plan &p) { return p.t.equal(p.t.modulo(p.j, p.number(2)), p.number(0)); }, true, false},
      {"dilated window of 4",
       [](Plan &p) {
         TermRef back = p.t.subtract(p.i, p.j);
         return p.t.both(p.t.isZero(p.t.modulo(back, p.number(4))),
                         p.within(p.number(0), back, p.number(100)));
       },
       true, false},
      {"sinks and window",
       [](Plan &p) {
         return p.t.both(p.t.lessEqual(p.j, p.i),
                         p.t.either(p.t.less(p.j, p.number(4)),
                                    p.t.less(p.t.subtract(p.i, p.j), p.launch(50))));
       },
       true, false},
      {"longformer",
       [](Plan &p) {
         TermRef global = p.number(10);
         return p.t.either(p.t.either(p.t.less(p.i, global), p.t.less(p.j, global)),
                           p.t.lessEqual(p.distance(p.i, p.j), p.number(30)));
       },
       true, false},
      {"strided and window",
       [](Plan &p) {
         return p.t.either(p.t.isZero(p.t.modulo(p.j, p.number(128))),
                           p.t.lessEqual(p.distance(p.i, p.j), p.number(20)));
       },
       true, false},
      {"neighbourhood",
       [](Plan &p) {
         TermRef r = p.number(9);
         TermRef centre = p.t.max(r, p.t.min(p.i, p.t.subtract(p.t.plus(p.keys, -1), r)));
         return p.t.lessEqual(p.distance(centre, p.j), r);
       },
       true, false},
      {"documents", [](Plan &p) { return p.t.equal(p.docI, p.docJ); }, true, false},
      {"documents, causal",
       [](Plan &p) { return p.t.both(p.t.equal(p.docI, p.docJ), p.t.lessEqual(p.j, p.i)); }, true,
       false},
      {"block diffusion",
       [](Plan &p) { // rows and keys: first half noisy, second half clean
         TermRef half = p.number(96), block = p.number(32);
         auto isClean = [&](TermRef x) { return p.t.lessEqual(half, x); };
         auto blockOf = [&](TermRef x) {
           return p.t.divide(p.t.choose(isClean(x), p.t.subtract(x, half), x), block);
         };
         TermRef bi = blockOf(p.i), bj = blockOf(p.j), ci = isClean(p.i), cj = isClean(p.j);
         TermRef own =
             p.t.both(p.t.equal(bi, bj),
                      p.t.either(p.t.both(ci, cj), p.t.both(p.t.negate(ci), p.t.negate(cj))));
         TermRef past = p.t.both(p.t.both(p.t.negate(ci), cj), p.t.less(bj, bi));
         TermRef clean = p.t.both(p.t.both(ci, cj), p.t.lessEqual(bj, bi));
         return p.t.either(own, p.t.either(past, clean));
       },
       false, false}, // 10 of 1250 empty and 6 of 524 full tiles are taken as partial
      {"neighbourhood in two dimensions",
       [](Plan &p) {
         TermRef width = p.number(16), r = p.number(2);
         auto near = [&](TermRef a, TermRef b) { return p.t.lessEqual(p.distance(a, b), r); };
         return p.t.both(near(p.t.divide(p.i, width), p.t.divide(p.j, width)),
                         near(p.t.modulo(p.i, width), p.t.modulo(p.j, width)));
       },
       false, false},
      {"below the diagonal", [](Plan &p) { return p.t.less(p.j, p.i); }, true, true},
      {"far keys", [](Plan &p) { return p.t.less(p.number(30), p.distance(p.i, p.j)); }, true,
       false},
      {"a band",
       [](Plan &p) { return p.within(p.number(20), p.t.subtract(p.i, p.j), p.launch(60)); }, true,
       true},
      {"two bands",
       [](Plan &p) {
         TermRef back = p.t.subtract(p.i, p.j);
         return p.t.either(p.within(p.number(0), back, p.number(10)),
                           p.within(p.number(90), back, p.launch(100)));
       },
       true, false},
      {"blocks of a board",
       [](Plan &p) {
         TermRef block = p.number(32);
         return p.t.isZero(
             p.t.modulo(p.t.add(p.t.divide(p.i, block), p.t.divide(p.j, block)), p.number(2)));
       },
       true, false},
      {"a chunk ahead",
       [](Plan &p) {
         TermRef chunk = p.number(16);
         return p.t.lessEqual(p.t.divide(p.j, chunk), p.t.plus(p.t.divide(p.i, chunk), 1));
       },
       true, true},
      {"own chunk",
       [](Plan &p) {
         TermRef chunk = p.launch(32, 1, 1000);
         return p.t.equal(p.t.divide(p.i, chunk), p.t.divide(p.j, chunk));
       },
       true, true},
      {"first and last keys",
       [](Plan &p) {
         return p.t.either(p.t.less(p.j, p.number(4)), p.t.lessEqual(p.t.plus(p.keys, -4), p.j));
       },
       true, false},
      {"items behind a prefix",
       [](Plan &p) {
         TermRef prefix = p.launch(40), length = p.number(24);
         auto item = [&](TermRef x) { return p.t.divide(p.t.subtract(x, prefix), length); };
         return p.t.both(p.t.lessEqual(p.j, p.i),
                         p.t.either(p.t.less(p.j, prefix), p.t.equal(item(p.i), item(p.j))));
       },
       true, false},
      {"dilated window, step at launch",
       [](Plan &p) {
         TermRef back = p.t.subtract(p.i, p.j);
         return p.t.both(p.t.isZero(p.t.modulo(back, p.launch(130, 1, 1024))),
                         p.within(p.number(0), back, p.launch(400)));
       },
       false, false},
      {"dilated window of 256",
       [](Plan &p) {
         TermRef back = p.t.subtract(p.i, p.j);
         return p.t.both(p.t.isZero(p.t.modulo(back, p.number(256))),
                         p.within(p.number(0), back, p.number(700)));
       },
       true, false},
  };
  return list;
}

constexpr int64_t kShapes[][2] = {{192, 192}, {100, 230}, {257, 129}};
constexpr int64_t kTiles[][2] = {{64, 64}, {32, 16}, {16, 64}, {8, 8}};

TEST(MaskPlan, NamedMasks) {
  printf("%-32s %8s %8s %8s   found: empty, full\n", "mask", "empty", "full", "partial");
  for (const Named &named : namedMasks()) {
    Share share;
    for (auto [rows, keys] : kShapes)
      for (auto [tileRows, tileKeys] : kTiles)
        share.add(judge(named.mask, rows, keys, tileRows, tileKeys, named.name));
    printf("%-32s %8ld %8ld %8ld   %ld, %ld\n", named.name, share.empty, share.full, share.partial,
           share.foundEmpty, share.foundFull);
    if (named.all) {
      EXPECT_EQ(share.foundEmpty, share.empty) << named.name;
      EXPECT_EQ(share.foundFull, share.full) << named.name;
    }
  }
}

/// The masks that the loop's bounds decide need no test whether a tile is empty.
TEST(MaskPlan, BoundsInClosedForm) {
  for (const Named &named : namedMasks()) {
    Plan plan;
    TermRef predicate = plan.t.both(named.mask(plan), plan.t.less(plan.j, plan.keys));
    TileTests tests(plan.t, {{plan.i, plan.row0, plan.t.plus(plan.row0, 63)},
                             {plan.j, plan.key0, plan.t.plus(plan.key0, 63)}});
    Span span = solve(plan.t, tests.possible(predicate), plan.key0);
    if (!plan.t.contains(predicate, plan.docJ)) // whose bounds by tile come with the reads
      EXPECT_EQ(span.exact, named.bounds) << named.name;
  }
}

//===-- Random predicates ----------------------------------------------------------===//

class Grammar {
public:
  explicit Grammar(unsigned seed) : random(seed) {}

  TermRef predicate(Plan &p, int depth = 3) {
    Terms &t = p.t;
    switch (depth == 0 ? 0 : below(6)) {
    case 1:
    case 2:
      return t.both(predicate(p, depth - 1), predicate(p, depth - 1));
    case 3:
      return t.either(predicate(p, depth - 1), predicate(p, depth - 1));
    case 4:
      return t.negate(predicate(p, depth - 1));
    default:
      break;
    }
    TermRef a = integer(p, 3), b = integer(p, 2);
    switch (below(4)) {
    case 0:
      return t.equal(a, b);
    case 1:
      return t.less(a, b);
    case 2:
      return t.lessEqual(a, b);
    default:
      return t.lessEqual(b, a);
    }
  }

private:
  int below(int count) { return int(random() % unsigned(count)); }

  TermRef integer(Plan &p, int depth) {
    Terms &t = p.t;
    if (depth == 0 || below(4) == 0)
      switch (below(6)) {
      case 0:
        return p.number(below(90) - 20);
      case 1:
        return p.launch(below(120) - 30);
      case 2:
      case 3:
        return p.i;
      default:
        return p.j;
      }
    TermRef a = integer(p, depth - 1);
    switch (below(10)) {
    case 0:
    case 1:
      return t.add(a, integer(p, depth - 1));
    case 2:
    case 3:
      return t.subtract(a, integer(p, depth - 1));
    case 4:
      return t.multiply(a, below(2) ? p.number(below(5) - 2) : p.launch(below(5) - 2, -10, 10));
    case 5:
      return t.divide(a, below(2) ? p.number(1 + below(40)) : p.launch(1 + below(40), 1, 1000));
    case 6:
      return t.modulo(a, below(2) ? p.number(1 + below(40)) : p.launch(below(2) ? 7 : -5));
    case 7:
      return t.min(a, integer(p, depth - 1));
    case 8:
      return t.max(a, integer(p, depth - 1));
    default:
      return p.distance(a, integer(p, depth - 1));
    }
  }

  std::mt19937 random;
};

TEST(MaskPlan, RandomPredicates) {
  const char *asked = getenv("FC_MASK_CASES");
  unsigned count = asked ? unsigned(atoi(asked)) : 500;
  Share share;
  for (unsigned seed = 0; seed < count; ++seed) {
    auto [rows, keys] = kShapes[seed % std::size(kShapes)];
    auto [tileRows, tileKeys] = kTiles[seed / 3 % 3];
    Mask mask = [&](Plan &plan) { return Grammar(seed).predicate(plan); };
    share.add(judge(mask, rows / 2, keys / 2, tileRows, tileKeys, "seed " + std::to_string(seed)));
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
  printf("%u random predicates: %ld of %ld empty tiles found, %ld of %ld full, %ld partial\n",
         count, share.foundEmpty, share.empty, share.foundFull, share.full, share.partial);
  EXPECT_GE(double(share.foundEmpty), 0.8 * double(share.empty));
  EXPECT_GE(double(share.foundFull), 0.8 * double(share.full));
}

} // namespace
