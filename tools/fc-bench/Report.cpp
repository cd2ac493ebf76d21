// Report.cpp - tables; see Report.h.
#include "tools/fc-bench/Report.h"
#include <algorithm>

namespace fc::bench {
namespace {

std::string micro(double value) {
  return value < 100 ? fmt::format("{:.2f}", value) : fmt::format("{:.1f}", value);
}

std::string parameters(const Result &it) {
  std::vector<std::string> parts;
  for (const auto &[name, value] : it.cparams)
    parts.push_back(name + "=" + value);
  return fmt::format("{}", fmt::join(parts, " "));
}

/// "yes": at the shape measured. Else the shape that it was checked at.
std::string checkedAt(const Result &it) {
  if (it.check.same)
    return fmt::format("{:.0e}", it.check.relL2);
  std::vector<std::string> parts;
  for (const auto &[name, value] : it.check.at)
    parts.push_back(fmt::format("{}={}", name, value));
  return fmt::format("{:.0e} at {}", it.check.relL2, fmt::join(parts, " "));
}

std::string rate(double amount, double microseconds, double scale) {
  return microseconds > 0 ? fmt::format("{:.1f}", amount / microseconds * scale) : "-";
}

std::string state(const Measured &it) {
  std::vector<std::string> parts;
  if (it.state.smMhz)
    parts.push_back(fmt::format("{:.0f} MHz", *it.state.smMhz));
  if (it.state.watts)
    parts.push_back(fmt::format("{:.0f} W", *it.state.watts));
  if (it.state.celsius)
    parts.push_back(fmt::format("{:.0f} C", *it.state.celsius));
  if (it.state.throttled.value_or(false))
    parts.push_back("throttled");
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string measuredTable(const Results &results) {
  Columns columns;
  columns.row({"kernel", "parameters", "strategy", "shape", "L2", "us", "p90", "p99", "TFLOP/s",
               "GB/s", "roof", "error (rel L2)", "state"});
  for (const Result &it : results.results)
    for (const bool cold : {false, true}) {
      const auto &measured = cold ? it.cold : it.warm;
      if (!measured)
        continue;
      const Summary &time = measured->time;
      columns.row({it.kernel, parameters(it), it.strategy, it.shape(), cold ? "cold" : "warm",
                   micro(time.median) + (measured->graph ? "*" : " "), micro(time.p90),
                   micro(time.p99), rate(it.flops, time.median, 1e-6),
                   rate(static_cast<double>(it.bytes), time.median, 1e-3),
                   it.roofMicroseconds && time.median > 0
                       ? fmt::format("{:.0f}%", 100 * *it.roofMicroseconds / time.median)
                       : "-",
                   checkedAt(it), state(*measured)});
    }
  const bool fewer = std::ranges::any_of(results.results, [&](const Result &it) {
    return (it.warm && it.warm->time.count < results.runs) ||
           (it.cold && it.cold->time.count < results.runs);
  });
  return columns.text() + "us: the median; *: replayed from a graph\n" +
         (fewer ? "some took long and have fewer runs; the JSON says how many\n" : "");
}

std::string estimateTable(const Results &results) {
  Columns columns;
  columns.row({"kernel", "parameters", "strategy", "shape", "bound us", "by",
               "TFLOP/s <=", "issue us", "shared us", "tensor us", "memory us", "error (rel L2)"});
  for (const Result &it : results.results) {
    if (!it.estimate)
      continue;
    const Estimate &estimate = *it.estimate;
    auto unit = [&](const char *name) {
      const auto found = estimate.units.find(name);
      return found == estimate.units.end() ? "-" : fmt::format("{:.3f}", found->second);
    };
    columns.row({it.kernel, parameters(it), it.strategy, it.shape(),
                 fmt::format("{:.3f}", estimate.microseconds), estimate.unit,
                 rate(it.flops, estimate.microseconds, 1e-6), unit("instruction issue"),
                 unit("shared memory"), unit("tensor cores"), unit("device memory"),
                 checkedAt(it)});
  }
  return columns.text();
}

} // namespace

std::string Columns::text() const {
  std::vector<size_t> widths;
  for (const auto &cells : rows) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (size_t i = 0; i < cells.size(); ++i)
      widths[i] = std::max(widths[i], cells[i].size());
  }
  std::string result;
  for (const auto &cells : rows) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      const bool number = !cells[i].empty() && (std::isdigit(cells[i][0]) || cells[i] == "-") &&
                          cells[i].find(' ') >= cells[i].size() - 1;
      line += i ? "  " : "";
      line += number ? fmt::format("{:>{}}", cells[i], widths[i])
                     : fmt::format("{:<{}}", cells[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  }
  return result;
}

std::string table(const Results &results) {
  const bool measured =
      std::ranges::any_of(results.results, [](const Result &it) { return it.warm || it.cold; });
  const bool estimated = std::ranges::any_of(
      results.results, [](const Result &it) { return it.estimate.has_value(); });
  std::string text;
  if (measured) {
    text += fmt::format("{}, CUDA {}{}; median of {} runs after {}; commit {}\n", results.device,
                        results.cuda, results.driver.empty() ? "" : ", driver " + results.driver,
                        results.runs, results.warmup, results.commit);
    text += results.board.empty() ? "its roof is not known: give --board\n"
                                  : fmt::format("roof of {}\n", results.board);
    text += "\n" + measuredTable(results);
  }
  if (estimated)
    text +=
        fmt::format("estimates for {} from the emulator's counters; commit {}\n"
                    "lower bounds by a data sheet, as if all SMs were busy to the end; not times: "
                    "nothing ran on a GPU\n\n{}",
                    results.board, results.commit, estimateTable(results));
  std::vector<std::string> notes;
  for (const Result &it : results.results)
    if (!it.note.empty())
      notes.push_back(fmt::format("{}: {}\n", it.kernel, it.note));
  std::sort(notes.begin(), notes.end());
  notes.erase(std::unique(notes.begin(), notes.end()), notes.end());
  for (const std::string &note : notes)
    text += note;
  const auto failures =
      std::ranges::count_if(results.results, [](const Result &it) { return !it.failure.empty(); });
  if (failures > 0)
    text += fmt::format("{} of {} cases failed\n", failures, results.results.size());
  return text;
}

std::string comparison(const Results &old, const Results &now, int &slower) {
  slower = 0;
  Columns columns;
  columns.row({"case", "L2", "old us", "new us", "change", "noise", "verdict"});
  int missing = 0, faster = 0;
  auto line = [&](const Result &it, const char *what, const Verdict &verdict, double before,
                  double after, const char *format) {
    constexpr const char *words[] = {"same", "faster", "SLOWER"};
    slower += verdict.kind == Verdict::Slower;
    faster += verdict.kind == Verdict::Faster;
    columns.row({it.key(), what, fmt::format(fmt::runtime(format), before),
                 fmt::format(fmt::runtime(format), after),
                 fmt::format("{:+.1f}%", 100 * (verdict.ratio - 1)),
                 fmt::format("{:.1f}%", 100 * verdict.noise), words[verdict.kind]});
  };
  for (const Result &it : now.results) {
    const auto before = std::ranges::find_if(old.results, [&](const Result &other) {
      return other.key() == it.key() && other.failure.empty();
    });
    if (before == old.results.end() || !it.failure.empty()) {
      ++missing;
      continue;
    }
    for (const bool cold : {false, true}) {
      const auto &a = cold ? before->cold : before->warm;
      const auto &b = cold ? it.cold : it.warm;
      if (a && b)
        line(it, cold ? "cold" : "warm",
             compare(a->time.median, a->time.error, b->time.median, b->time.error), a->time.median,
             b->time.median, "{:.2f}");
    }
    // Counters are the same in every run: any change is one.
    if (before->estimate && it.estimate) {
      const double a = before->estimate->microseconds, b = it.estimate->microseconds;
      const Verdict verdict{b > a   ? Verdict::Slower
                            : b < a ? Verdict::Faster
                                    : Verdict::Same,
                            a > 0 ? b / a : 1, 0};
      line(it, "estimate", verdict, a, b, "{:.3f}");
    }
  }
  std::string text = fmt::format("beside {} of {}, commit {}\n", old.device, old.date, old.commit);
  if (old.device != now.device || old.board != now.board)
    text += fmt::format("careful: that was {} ({}), this is {} ({})\n", old.device, old.board,
                        now.device, now.board);
  if (!old.driver.empty() && old.driver != now.driver)
    text += fmt::format("careful: another driver, {} then and {} now\n", old.driver, now.driver);
  text += "\n" + columns.text();
  text += fmt::format("{} slower, {} faster; {} without a partner\n", slower, faster, missing);
  return text;
}

} // namespace fc::bench
