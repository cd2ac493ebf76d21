// Report.h - results as tables, and beside those of an earlier run.
#pragma once
#include "tools/fc-bench/Results.h"

namespace fc::bench {

/// Where and how it was measured, then a row each.
std::string table(const Results &results);
/// Each case that both have, with a verdict. `slower`: how many became so.
std::string comparison(const Results &old, const Results &now, int &slower);

/// Columns, the numbers to the right.
class Columns {
public:
  void row(std::vector<std::string> cells) { rows.push_back(std::move(cells)); }
  std::string text() const;

private:
  std::vector<std::vector<std::string>> rows;
};

} // namespace fc::bench
