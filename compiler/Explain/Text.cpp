// Text.cpp - the facts in words, for the person who wrote the kernel
#include "compiler/Explain/Explanation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace fc::explain {

namespace {

constexpr size_t kWidth = 100;

class Writer {
public:
  explicit Writer(raw_ostream &os) : os(os) {}

  void heading(StringRef text) { os << "\n" << text << "\n"; }
  /// A paragraph, wrapped, two columns in; further lines `hang` more.
  void say(const Twine &text, size_t indent = 2, size_t hang = 0) {
    std::string words = text.str();
    SmallVector<StringRef> parts;
    SplitString(words, parts);
    size_t column = 0;
    for (StringRef part : parts) {
      if (column && column + 1 + part.size() > kWidth) {
        os << "\n";
        column = 0;
      }
      if (!column) {
        os.indent(indent);
        column = indent;
        indent += hang;
        hang = 0;
      } else {
        os << " ";
        ++column;
      }
      os << part;
      column += part.size();
    }
    os << "\n";
  }
  /// Rows of cells, columns aligned.
  void table(const std::vector<std::vector<std::string>> &rows, size_t indent = 4) {
    std::vector<size_t> widths;
    for (const auto &row : rows)
      for (size_t i = 0; i + 1 < row.size(); ++i) {
        widths.resize(std::max(widths.size(), i + 1));
        widths[i] = std::max(widths[i], row[i].size());
      }
    for (const auto &row : rows) {
      os.indent(indent);
      for (size_t i = 0; i < row.size(); ++i) {
        os << row[i];
        if (i + 1 < row.size())
          os.indent(widths[i] - row[i].size() + 2);
      }
      os << "\n";
    }
  }
  raw_ostream &os;
};

std::string lineOf(const Quote &quote) {
  if (!quote.line)
    return "";
  std::string text = "line " + std::to_string(quote.line);
  return quote.file.empty() ? text : text + " of " + quote.file;
}

/// `a, b and c`
std::string joined(const std::vector<std::string> &parts, StringRef last = " and ") {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i)
    text += (i == 0 ? "" : i + 1 == parts.size() ? last.str() : ", ") + parts[i];
  return text;
}

std::string count(int64_t number, StringRef one) {
  return std::to_string(number) + " " + one.str() + (number == 1 ? "" : "s");
}

std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (int64_t at = int64_t(text.size()) - 3; at > 0; at -= 3)
    text.insert(at, " ");
  return text;
}

std::string percent(double part, double whole) {
  std::string text;
  raw_string_ostream(text) << format("%.1f %%", whole > 0 ? 100 * part / whole : 0.0);
  return text;
}

std::string flops(double number) {
  std::string text;
  raw_string_ostream os(text);
  if (number >= 1e12)
    os << format("%.2f TFLOP", number / 1e12);
  else if (number >= 1e9)
    os << format("%.2f GFLOP", number / 1e9);
  else
    os << format("%.2f MFLOP", number / 1e6);
  return text;
}

//===-- How it is computed -----------------------------------------------------------===//

std::string kindWord(const Carried &each) {
  if (each.kind == "max")
    return "the maximum of";
  if (each.kind == "min")
    return "the minimum of";
  if (each.kind == "any" || each.kind == "all")
    return "whether " + each.kind + " of";
  return "the sum of";
}

void sayCarried(Writer &out, const Walk &walk) {
  std::vector<std::vector<std::string>> rows;
  for (const Carried &each : walk.carried)
    rows.push_back({each.name + (each.axes.empty() ? "" : "[" + each.axes + "]"),
                    kindWord(each) + " " + each.term, lineOf(each.from)});
  out.table(rows);
  // Those that move alike, together.
  std::vector<std::pair<std::string, std::vector<std::string>>> factors;
  for (const Carried &each : walk.carried) {
    if (each.moves.empty())
      continue;
    auto it = std::find_if(factors.begin(), factors.end(),
                           [&](auto &known) { return known.first == each.moves; });
    if (it == factors.end())
      it = factors.insert(it, {each.moves, {}});
    it->second.push_back(each.name);
  }
  std::vector<std::string> leaders;
  for (const Carried &each : walk.carried)
    if (each.kind == "max" || each.kind == "min")
      leaders.push_back(each.name);
  for (auto &[factor, names] : factors)
    out.say((leaders.empty() ? Twine("When what they are measured from moves")
                             : Twine("When a tile raises ") + joined(leaders, " or ") + " to " +
                                   leaders.front() + "'") +
            ", " + joined(names) + (names.size() == 1 ? " is" : " are") + " multiplied by " +
            factor + " and " + (names.size() == 1 ? "stays" : "stay") +
            " right for all tiles seen so far.");
  for (const Carried &each : walk.carried)
    if (!each.correction.empty())
      out.say(Twine(each.name) + " is " + each.correction + ".");
}

void sayWalks(Writer &out, const Kernel &kernel) {
  out.heading("How it is computed");
  if (kernel.walks.empty())
    out.say("There is no walk: nothing is reduced over an axis that is longer than a tile.");
  for (size_t i = 0; i < kernel.walks.size(); ++i) {
    const Walk &walk = kernel.walks[i];
    std::string range = "`" + walk.axes + "` (" + walk.from + " .. " + walk.to + ")";
    if (walk.byHand) {
      std::vector<std::string> names;
      for (const Carried &each : walk.carried)
        names.push_back(each.name.empty() ? "a value" : "`" + each.name + "`");
      out.say("The loop over " + range + " is the text's own: it is run as written" +
              (names.empty() ? "." : ", carrying " + joined(names) + ".") +
              " It is never split between warps or CTAs: " + walk.whole + ".");
      continue;
    }
    std::string others;
    if (!walk.whyAgain.empty())
      others = "Another walk over " + range + ", because " + walk.whyAgain +
               (walk.againAt.line ? " (" + lineOf(walk.againAt) + ")" : "") + ". It carries:";
    else
      others = (kernel.walks.size() == 1 ? "One walk over "
                : i == 0                 ? "First, a walk over "
                                         : "Then a walk over ") +
               range + " does all that the text reduces over it. No value over `" + walk.axes +
               "` is ever stored whole; what is carried from tile to tile is:";
    if (walk.carried.empty()) {
      out.say("A walk over " + range + " that carries nothing: it writes as it goes.");
    } else {
      out.say(others);
      sayCarried(out, walk);
    }
    std::vector<std::vector<std::string>> rows;
    for (const Derived &each : walk.outputs)
      rows.push_back({each.from.text, "= " + each.value, lineOf(each.from)});
    if (!rows.empty()) {
      out.say("Behind the walk, once a row:");
      out.table(rows);
    }
    if (walk.merges && walk.carried.size() > 0)
      out.say("Two such states merge by the same factors" +
              (walk.whole.empty()
                   ? std::string(", so the walk may be split between warps or CTAs.")
                   : "; yet the walk is not split between warps or CTAs: " + walk.whole + "."));
  }
}

//===-- The mask ---------------------------------------------------------------------===//

void sayCounts(Writer &out, const Kernel &kernel, const Counts &counts) {
  int64_t total = counts.skipped + counts.full + counts.partial;
  if (!total) {
    out.say("Tiles at " + kernel.shape + ": not counted, " + counts.unchecked + ".");
    return;
  }
  out.say("At " + kernel.shape + (counts.at.empty() ? "" : " (" + counts.at + ")") + ": " +
          grouped(counts.rowTiles) + " x " + grouped(counts.keyTiles) + " = " + grouped(total) +
          " tiles." +
          (counts.idleRowTiles ? " (The grid has " + count(counts.idleRowTiles, "row tile") +
                                     " more, behind the last row of this program's.)"
                               : ""));
  auto truth = [&](int64_t number, StringRef what) {
    return counts.checked ? "of " + grouped(number) + " that are " + what.str() : std::string();
  };
  out.table(
      {{"skipped", grouped(counts.skipped), percent(counts.skipped, total),
        truth(counts.trueEmpty, "empty")},
       {"full", grouped(counts.full), percent(counts.full, total), truth(counts.trueFull, "full")},
       {"partial", grouped(counts.partial), percent(counts.partial, total),
        truth(total - counts.trueEmpty - counts.trueFull, "partial")}});
  if (!counts.checked)
    out.say("(The mask was not evaluated point by point: " + counts.unchecked + ".)");
  std::string work = "Products: " + flops(counts.flopsAll) + " without skipping, " +
                     flops(counts.flopsWalked) + " as planned (" +
                     percent(counts.flopsWalked, counts.flopsAll) + ")";
  if (counts.checked && counts.flopsNeeded > 0) {
    raw_string_ostream os(work);
    os << "; over what tiles with a key need: "
       << format("%.3f", counts.flopsWalked / counts.flopsNeeded);
  }
  out.say(work + (counts.slices > 1
                      ? counts.same
                            ? "; times " + grouped(counts.slices) + " such slices of the grid."
                            : "; " + grouped(counts.slices) + " slices of the grid, which differ."
                      : "."),
          2, 2);
}

void sayMask(Writer &out, const Kernel &kernel, const Mask &mask, const Counts *counts) {
  out.heading("What the mask leaves of `" + mask.keys + "`");
  if (mask.conditions.empty()) {
    out.say(mask.why.empty() || mask.possible.size()
                ? "Every key counts for every row; only the last tile is tested for the end of `" +
                      mask.keys + "`."
                : "Every tile is walked: " + mask.why + ".");
  } else if (!mask.found) {
    out.say("Nothing is skipped: " + mask.why + ". The condition is tested at every element:");
  } else {
    out.say("A key counts for a row where:");
  }
  std::vector<std::vector<std::string>> rows;
  for (const Quote &each : mask.conditions)
    rows.push_back({each.text, lineOf(each)});
  out.table(rows);
  if (mask.found) {
    std::string tile = mask.rows.empty()
                           ? ""
                           : "For the rows " + mask.rows + "0 .. " + mask.rows + "0 + " +
                                 std::to_string(mask.rowTile - 1) + " of a program, ";
    std::string start = mask.keys + "0";
    bool bounded = false;
    for (const Mask::Segment &segment : mask.segments)
      bounded |= !segment.low.empty() || !segment.high.empty();
    if (bounded) {
      out.say(tile + "a tile that starts at " + start + " can hold a key only if");
      for (size_t i = 0; i < mask.segments.size(); ++i) {
        const Mask::Segment &segment = mask.segments[i];
        out.say((i ? Twine("or ") : Twine("")) + (segment.low.empty() ? "" : segment.low + " <= ") +
                    start + (segment.high.empty() ? "" : " <= " + segment.high),
                4, 4);
        if (!segment.onlyIf.empty())
          out.say("and, for any tile of these at all, " + joined(segment.onlyIf), 8, 4);
      }
      if (!mask.searched.empty()) {
        out.say("and only where " + joined(mask.searched) +
                    ", which holds from some tile on or up to one, since the elements never fall: "
                    "that tile is searched for, by halves",
                4, 4);
      }
      out.say(
          "These are the bounds of the loop, computed once a program: tiles outside are neither "
          "loaded nor computed." +
          std::string(mask.segments.size() > 1
                          ? " Between the parts it goes on at the start of the next."
                          : ""));
    }
    if (!mask.inKernel.empty() && mask.skipsPerTile) {
      out.say((bounded ? Twine("Within the bounds that is not all: a tile is skipped unless")
                       : Twine(tile) + "a tile that starts at " + start + " is skipped unless"));
      out.say(mask.inKernel, 4, 4);
      out.say("That is asked once a tile, in the kernel, before anything of the tile is loaded.");
    } else if (!bounded) {
      out.say(tile + "the condition does not bound " + start + "; every tile is walked.");
    }
    if (mask.selects && mask.marked == mask.selects) {
      out.say("A tile that is walked is full, and runs none of the test, if");
      out.say(mask.certain, 4, 4);
      out.say(
          "That is decided once a tile, by one comparison or a few and a branch that all threads "
          "take alike. In all other tiles each element is tested.");
    } else if (mask.marked) {
      out.say(
          std::to_string(mask.marked) + " of " + count(mask.selects, "test") +
          " of the mask stand behind a branch that full tiles skip; the others are run at every "
          "element of every tile.");
    } else {
      out.say(
          "Each element of every tile that is walked is tested: the mask does not say which tiles "
          "are full.");
    }
    for (const std::string &each : mask.undecided)
      out.say("Not decided by tiles: " + each + ".");
  }
  if (mask.safetyKnown && mask.found)
    out.say(mask.safe ? "Every row sees a key, whatever the launch: " + mask.witness +
                            ". So nothing tests for an empty row at the end."
                      : "It is not proved that every row sees a key (" + mask.unsafeBecause +
                            "); one that sees none gives 0, and log-sum-exp -inf.");
  if (counts)
    sayCounts(out, kernel, *counts);
}

//===-- The schedule -----------------------------------------------------------------===//

/// Those that are told in words: what is taken and what stands next to it.
std::vector<const Candidate *> nearest(const std::vector<Candidate> &all) {
  constexpr int kFaster = 3, kSlower = 4, kTooLarge = 2;
  int faster = 0, slower = 0, tooLarge = 0;
  std::vector<const Candidate *> list;
  for (const Candidate &each : all)
    if (each.time && *each.time < 1)
      ++faster;
  for (const Candidate &each : all) {
    bool isNear = !each.time        ? tooLarge++ < kTooLarge
                  : *each.time >= 1 ? each.taken || slower++ < kSlower
                                    : faster-- <= kFaster;
    if (isNear || each.taken || each.unasked)
      list.push_back(&each);
  }
  return list;
}

void sayCandidates(Writer &out, const Schedule &schedule) {
  const Candidate *told = nullptr;
  std::vector<std::vector<std::string>> rows = {
      {"tiles", "warps", "stages", "registers", "shared bytes", "CTAs an SM", "time", "verdict"}};
  std::vector<const Candidate *> list = nearest(schedule.candidates);
  for (const Candidate *each : list) {
    std::string time = "-";
    if (each->time)
      raw_string_ostream(time = "") << format("%.2f", *each->time);
    if (each->taken && each->time == 1.0)
      told = each;
    rows.push_back({each->tiles.empty() ? "-" : each->tiles, std::to_string(each->warps),
                    std::to_string(each->stages), std::to_string(each->registers),
                    grouped(each->shared), std::to_string(each->ctasPerSm), time, each->verdict});
  }
  if (list.size() < 2)
    return;
  out.say("What was looked at, with registers a thread and times as the resource model expects them"
          ", relative to what is told of here; force one with --schedule=" +
          (told ? told->schedule : list.front()->schedule) + ":");
  out.table(rows);
  if (size_t others = schedule.candidates.size() - list.size())
    out.say("and " + Twine(others) + " more, which --explain=json lists.");
}

void sayForms(Writer &out, const Kernel &kernel) {
  const Schedule &schedule = kernel.schedule;
  if (schedule.forms.size() > 1) {
    out.heading("Its forms");
    out.say("Sizes and addresses are known at launch only, so there are " +
            Twine(schedule.forms.size()) +
            " forms; a launch takes the first of which all that is said here holds. What is told "
            "above is `" +
            schedule.forms[schedule.told].name + "`.");
    for (const Form &form : schedule.forms) {
      out.say("`" + form.name + "`: " + form.purpose +
                  (form.holds == false ? "; not at this launch" : ""),
              4, 2);
      out.table({{form.schedule, std::to_string(form.registers) + " registers",
                  grouped(form.shared) + " bytes shared", count(form.ctasPerSm, "CTA") + " an SM"}},
                6);
      // Who else would split: what is there for many CTAs has warps enough.
      if (form.name == "small")
        for (const std::string &each : form.whole)
          out.say(each, 6, 2);
      if (!form.condition.empty())
        out.say("where " + form.condition, 6, 2);
      if (!form.needs.empty())
        out.say("needs " + form.needs, 6, 2);
    }
  }
  if (!schedule.occupancy)
    return;
  const Occupancy &taken = *schedule.occupancy;
  std::string text = "At " + kernel.shape + ", with contiguous tensors, on the " +
                     std::to_string(taken.sms) + " SMs of " + kernel.machine.board;
  if (schedule.forms.size() > 1)
    text += " it is `" + schedule.forms[schedule.told].name + "`";
  text += ": " + count(taken.ctas, "CTA") + ", that is " + schedule.forms[schedule.told].grid;
  if (taken.ctasPerSm > 0) {
    raw_string_ostream os(text);
    os << ". " << taken.busySms() << " of " << taken.sms << " SMs are busy, ";
    if (taken.waves() <= 1)
      os << "in one wave of up to " << taken.sms * taken.ctasPerSm;
    else
      os << format("%.2f", taken.waves()) << " waves of " << taken.sms * taken.ctasPerSm;
  }
  out.say(text + ".");
}

void saySchedule(Writer &out, const Kernel &kernel) {
  const Schedule &schedule = kernel.schedule;
  out.heading("The schedule");
  bool isFirst = false, fits = false;
  for (const Candidate &each : schedule.candidates)
    if (each.verdict == "slower" || (each.taken && each.time == 1.0)) {
      isFirst |= !fits && each.time == 1.0;
      fits = true;
    }
  std::string why;
  if (!schedule.reasons.empty())
    why = ", since " + joined(schedule.reasons);
  else if (!schedule.fastest)
    why = ": of the tiles that fit, the largest";
  else if (isFirst && (schedule.forms.empty() || schedule.forms[schedule.told].name != "small"))
    why = ": of " + std::to_string(schedule.candidates.size()) + " schedules the fastest that fits";
  else
    why = ": the form `" + schedule.forms[schedule.told].name + "`, below";
  out.say(schedule.text + why + ".");
  sayCandidates(out, schedule);
  sayForms(out, kernel);
}

//===-- The machine ------------------------------------------------------------------===//

void sayMachine(Writer &out, const Kernel &kernel) {
  const Machine &machine = kernel.machine;
  out.heading("Where things live");
  std::vector<std::vector<std::string>> rows;
  for (const Place &place : kernel.places)
    if (place.where == "registers")
      rows.push_back({place.what, place.type + " " + place.shape,
                      count(place.amount, "register") + " a thread", place.layout});
    else
      rows.push_back({place.what, place.type + " " + place.shape,
                      grouped(place.amount) + " bytes shared" +
                          (place.slots > 1 ? ", " + count(place.slots, "slot") : ""),
                      place.layout + (place.via == "cp_async" ? ", copied asynchronously (cp.async)"
                                      : place.via == "plain"  ? ", copied by loads and stores"
                                                              : "")});
  out.table(rows);
  std::vector<std::vector<std::string>> products;
  for (const Quote &each : machine.products)
    products.push_back({each.text, lineOf(each)});
  if (!products.empty()) {
    out.say("Products:");
    out.table(products);
  }

  out.heading("What it takes of " + machine.target);
  std::string registers =
      "Registers: about " + std::to_string(machine.registerEstimate) +
      " a thread (estimate: " + std::to_string(machine.registerTotal) +
      " for tiles at the widest point, the rest for addresses, counters and what is under way)";
  if (machine.ptxasRegisters)
    registers +=
        "; ptxas gives " + std::to_string(*machine.ptxasRegisters) + ", " +
        (machine.ptxasSpills.value_or(0) ? std::to_string(*machine.ptxasSpills) + " bytes spilled"
                                         : "no spills");
  out.say(registers + ".");
  out.say("Shared memory: " + grouped(machine.sharedTotal) + " of " + grouped(machine.sharedLimit) +
          " bytes a CTA.");
  std::string ctas = count(machine.threads, "thread") + " a CTA; " +
                     (machine.ctasPerSm == 1 ? std::string("1 CTA has room")
                                             : count(machine.ctasPerSm, "CTA") + " have room") +
                     " on an SM at once";
  if (machine.ptxasCtasPerSm && *machine.ptxasCtasPerSm != machine.ctasPerSm)
    ctas += " by the estimate, " + std::to_string(*machine.ptxasCtasPerSm) + " by ptxas's count";
  out.say(ctas + ".");
  saySchedule(out, kernel);
}

} // namespace

std::string asText(const std::vector<Kernel> &kernels) {
  std::string text;
  raw_string_ostream os(text);
  Writer out(os);
  for (size_t i = 0; i < kernels.size(); ++i) {
    const Kernel &kernel = kernels[i];
    os << (i ? "\n\n" : "") << kernel.file << ":" << kernel.line << ": `" << kernel.name << "`"
       << (kernel.parameters.empty() ? "" : ", " + kernel.parameters) << ", for "
       << kernel.machine.target << ", strategy " << kernel.machine.strategy;
    if (kernel.schedule.forms.size() > 1)
      os << ", form " << kernel.schedule.forms[kernel.schedule.told].name;
    os << "\n";
    out.say("A program for each " + kernel.grid + ".");
    sayWalks(out, kernel);
    for (size_t walk = 0; walk < kernel.masks.size(); ++walk)
      sayMask(out, kernel, kernel.masks[walk],
              walk < kernel.counts.size() ? &kernel.counts[walk] : nullptr);
    sayMachine(out, kernel);
  }
  return text;
}

} // namespace fc::explain
