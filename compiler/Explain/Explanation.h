// Explanation.h - what the compiler decided about a kernel, as plain facts
//
// Collected while the stages run (Collector.h), printed for people (Text.cpp) and for programs
// (Json.cpp; docs/explain.md is the schema). Every text is in the names of the `.fc` file; a line
// is that of the file, 0 where there is none.
#pragma once
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fc::explain {

/// A part of the text.
struct Quote {
  std::string text;
  std::string file; ///< empty: the main file
  unsigned line = 0;
};

/// What a walk carries from tile to tile.
struct Carried {
  std::string name; ///< `m`, `l`, `acc`, or the text's own
  std::string kind; ///< max, min, sum, any, all
  std::string term; ///< what is reduced: `exp(seen - m)`
  std::string axes; ///< of the value: `d, i`; empty: a scalar
  std::string type;
  std::string moves;      ///< the factor that moves it when an earlier one changes, or empty
  std::string correction; ///< for other ways of moving: in words
  Quote from;             ///< the reduction of the text
};

/// A reduction of the text in terms of what is carried.
struct Derived {
  Quote from;
  std::string value; ///< `acc / l`
};

/// A pass over an axis.
struct Walk {
  std::string axes, from, to;
  bool byHand = false; ///< a loop of the text; nothing was derived
  bool merges = false; ///< two states merge, so the walk may be split
  std::string whole;   ///< why it may not be; empty: it may
  std::vector<Carried> carried;
  std::vector<Derived> derived;
  std::vector<Derived> outputs; ///< stores that are made of it
  std::string whyAgain;         ///< why the walk before could not take it
  Quote againAt;
};

/// What the mask leaves of a walk.
struct Mask {
  bool found = false;
  std::string why;               ///< why there is none, if not found
  std::vector<Quote> conditions; ///< of the text, all of which must hold
  std::string rows, keys;        ///< axes
  int64_t rowTile = 0, keyTile = 0;
  std::string possible; ///< the condition for a tile to hold a key
  /// Tiles whose start is in none of these are never walked; ends without a bound are empty.
  struct Segment {
    std::string low, high;
    std::vector<std::string> onlyIf; ///< conditions without which no tile of it holds a key
  };
  std::vector<Segment> segments;
  /// Conditions on sorted elements, true from some tile on or up to one: searched for at launch.
  std::vector<std::string> searched;
  std::string inKernel;               ///< what is asked of each tile that bounds and searches leave
  bool boundsAreExact = false;        ///< the segments say all that `possible` does
  bool skipsPerTile = false;          ///< between bounds, tiles are skipped one by one
  std::string certain;                ///< the condition for a tile to be full
  std::vector<std::string> undecided; ///< what tiles do not decide, and why
  int64_t selects = 0, marked = 0;    ///< tests of the mask in the body; those that full tiles skip
  /// Where a row is known to see a key; empty: not proved.
  std::string witness, unsafeBecause;
  bool safe = false, safetyKnown = false;
};

/// The tiles of one program slice at a shape.
struct Counts {
  std::string at;     ///< `b = 0, h = 0`
  int64_t slices = 1; ///< programs slices like this in the launch
  bool same = true;   ///< whether all slices have these counts
  int64_t rowTiles = 0, keyTiles = 0;
  int64_t idleRowTiles = 0; ///< of programs behind the last row; not among the others
  int64_t skipped = 0, full = 0, partial = 0;
  int64_t trueEmpty = 0, trueFull = 0; ///< by the reference, point by point
  bool checked = false;
  std::string unchecked;                                 ///< why not
  double flopsAll = 0, flopsWalked = 0, flopsNeeded = 0; ///< of products in the walk
};

/// Where a tile lives.
struct Place {
  std::string what; ///< `q`, `the scores`, `acc`
  std::string shape, type;
  std::string where; ///< registers, shared
  std::string layout;
  int64_t amount = 0; ///< registers a thread, or bytes
  int64_t slots = 0;  ///< of a ring in shared memory
  std::string via;    ///< how it gets there: plain, cp_async
  Quote from;
};

struct Need {
  std::string what;
  int64_t amount;
};

/// A schedule that was looked at, with what the resource model expects of it.
struct Candidate {
  std::string schedule; ///< as --schedule takes it: `i=128,j=64,warps=8,stages=1`
  std::string tiles;    ///< `i = 128, j = 64 in 2 parts`
  int64_t warps = 0, stages = 0;
  int64_t registers = 0;      ///< a thread
  int64_t shared = 0;         ///< bytes of a CTA
  int64_t ctasPerSm = 0;      ///< 0: not one fits
  std::optional<double> time; ///< that of the schedule told of is 1; none where it does not fit
  std::string verdict;        ///< `taken: small, plain`, `slower`, what it has too little of
  bool taken = false;         ///< by a form
  bool unasked = false;       ///< what the search takes where nothing is asked for
};

/// One of the forms of a kernel; a launch takes the first that may and should be taken.
struct Form {
  std::string name, entry, purpose;
  std::string schedule;
  std::string condition;                            ///< where it is the one to take; empty: always
  std::string needs;                                ///< where it is right; empty: always
  std::string grid;                                 ///< CTAs
  std::vector<std::string> whole;                   ///< walks that it does not split, and why
  std::optional<bool> holds;                        ///< both of them, at the launch
  int64_t registers = 0, shared = 0, ctasPerSm = 0; ///< estimates
  std::optional<int64_t> ptxasRegisters, ptxasSpills;
};

/// What a launch takes of a machine.
struct Occupancy {
  int64_t ctas = 0, sms = 0, ctasPerSm = 0;
  int64_t busySms() const { return ctas < sms ? ctas : sms; }
  double waves() const { return double(ctas) / double(sms * ctasPerSm); }
};

struct Schedule {
  std::string text;                 ///< `i = 128, j = 64, warps = 4, stages = 2`
  std::vector<std::string> reasons; ///< who asks for it; empty: nobody
  bool fastest = false;             ///< of several that fit, by the estimate of their time
  std::vector<Candidate> candidates;
  std::vector<Form> forms;
  size_t told = 0; ///< the form that everything else is about: the launch's, or the first
  std::optional<Occupancy> occupancy; ///< of that form at the launch
};

struct Machine {
  std::string target, strategy, board;
  std::vector<Need> registers, shared; ///< of the resource model
  int64_t registerTotal = 0, registerLimit = 0;
  int64_t registerEstimate = 0;             ///< a thread: tiles and all else
  int64_t sharedTotal = 0, sharedLimit = 0; ///< the total is what was allocated
  int threads = 0, ctasPerSm = 0;
  std::vector<Quote> products; ///< each product and its instruction
  /// What ptxas says, where there is one.
  std::optional<int64_t> ptxasRegisters, ptxasSpills;
  std::optional<int64_t> ptxasCtasPerSm; ///< with that many registers
};

struct Kernel {
  std::string name, file;
  unsigned line = 0;
  std::string parameters; ///< `T = f16, D = 64`
  std::string grid;       ///< `b in B, h in H, tile i in M`
  std::vector<Walk> walks;
  std::vector<Mask> masks;    ///< one a walk
  std::string shape;          ///< of the counts: `M = 512, N = 512`
  std::vector<Counts> counts; ///< one a walk with a shape; empty without one
  std::vector<Place> places;
  Schedule schedule;
  Machine machine;
  /// What the compiler remarked.
  std::vector<Quote> remarks;
};

std::string asText(const std::vector<Kernel> &kernels);
std::string asJson(const std::vector<Kernel> &kernels);

} // namespace fc::explain
