// Picture.cpp - a mask's plan as SVG
#include "compiler/Explain/Picture.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;

namespace fc::explain {

namespace {

constexpr int64_t kPlot = 512;      ///< pixels of the longer side
constexpr int64_t kMostCells = 256; ///< of the mask along an axis
constexpr int64_t kMostTiles = 256; ///< squares along an axis; beyond, one stands for several
constexpr int64_t kMostPoints = int64_t(1) << 26;
constexpr int kLevels = 4; ///< shades of a cell that counts in part
constexpr double kOpacity = 0.4;
/// Rectangles beyond which the mask is drawn with fewer cells: a fine pattern becomes a shade.
constexpr int64_t kMostRectangles = 6000;

/// Colours for light and dark; blue and orange stay apart for every kind of eye.
constexpr const char *kStyle = R"(
  .ground{fill:#ffffff}.ink{fill:#1f2328}.faint{fill:#59636e}.line{stroke:#9aa4af;fill:none}
  .grid{stroke:#ffffff;fill:none}
  .skipped{fill:#e7eaee}.full{fill:#9cc3ea}.partial{fill:#f6bd73}.mask{fill:#14202e}
  text{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;font-size:13px}
  .title{font-size:17px;font-weight:600}.small{font-size:12px}
  @media (prefers-color-scheme:dark){
  .ground{fill:#0d1117}.ink{fill:#e6edf3}.faint{fill:#9198a1}.line{stroke:#59636e}
  .grid{stroke:#0d1117}
  .skipped{fill:#252c35}.full{fill:#2f6fae}.partial{fill:#b3701c}.mask{fill:#f0f6fc}}
)";

std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (int64_t at = int64_t(text.size()) - 3; at > 0; at -= 3)
    text.insert(at, "\xE2\x80\x89"); // a thin space
  return text;
}

std::string escaped(StringRef text) {
  std::string out;
  for (char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

/// The mask in cells: how many of kLevels shades each has.
struct Cells {
  int64_t rows = 0, columns = 0;
  std::vector<uint8_t> shade;
  bool sampled = false;
};

class Drawing {
public:
  Drawing(const TileMap &map, Launch &launch) : map(map), launch(launch) {}

  std::string run(std::string &error) {
    if (!evaluate(error))
      return "";
    int64_t height = window.rowEnd - window.rowBegin, width = window.keyEnd - window.keyBegin;
    // One scale for both axes, unless one would be too thin to see.
    double scale = double(kPlot) / double(std::max({height, width, int64_t(1)}));
    xScale = std::max(scale * double(width), 96.0) / double(std::max<int64_t>(width, 1));
    yScale = std::max(scale * double(height), 48.0) / double(std::max<int64_t>(height, 1));
    plotWidth = xScale * double(width);
    plotHeight = yScale * double(height);
    double total = left + plotWidth + 24;
    total = std::max(total, 560.0);
    double bottom = top + plotHeight + 104;
    os << formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:f0} {1:f0}\" "
                  "width=\"{0:f0}\" height=\"{1:f0}\" role=\"img\">\n",
                  total, bottom);
    os << "<title>" << escaped(map.kernel) << ", " << escaped(launch.shape) << "</title>\n";
    os << "<style>" << kStyle
       << "</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n";
    title();
    os << formatv("<g transform=\"translate({0} {1})\">\n", left, top);
    tiles();
    mask();
    os << formatv("<rect class=\"line\" width=\"{0}\" height=\"{1}\"/>\n", number(plotWidth),
                  number(plotHeight));
    axes();
    os << "</g>\n";
    legend();
    os << "</svg>\n";
    return std::move(text);
  }

private:
  static std::string number(double value) {
    std::string text = formatv("{0:f2}", value).str();
    while (text.back() == '0')
      text.pop_back();
    if (text.back() == '.')
      text.pop_back();
    return text;
  }

  bool evaluate(std::string &error) {
    for (int64_t most = kMostCells; most >= 64; most /= 2) {
      if (!evaluate(most, error))
        return false;
      int64_t count = 0;
      auto none = [](int64_t) { return 0.0; };
      for (int shade = 1; shade <= kLevels; ++shade)
        (void)rectangles(
            cells.rows, cells.columns,
            [&](int64_t row, int64_t column) {
              return cells.shade[row * cells.columns + column] == shade;
            },
            none, none, count);
      if (count <= kMostRectangles)
        break;
    }
    return true;
  }

  bool evaluate(int64_t mostCells, std::string &error) {
    const dsl::Axis *keys = axisOf(launch.kernel, map.keys);
    dsl::ExactMask exact(launch.kernel, rowsOf(launch.kernel), keys, launch.dims, launch.scalars);
    error = exact.unknown();
    for (const dsl::Tensor *tensor : exact.reads())
      if (!launch.tensor(tensor->name, error))
        return false;
    if (!error.empty())
      return false;
    if (auto wrong = exact.enter(launch.tensors(), launch.at, window)) {
      error = wrong->message;
      return false;
    }
    int64_t height = window.rowEnd - window.rowBegin, width = window.keyEnd - window.keyBegin;
    cells.rows = std::min(height, mostCells);
    cells.columns = std::min(width, mostCells);
    cells.shade.assign(cells.rows * cells.columns, 0);
    cells.sampled = double(height) * double(width) > double(kMostPoints);
    std::vector<uint8_t> live;
    for (int64_t row = 0; row < cells.rows; ++row) {
      int64_t begin = row * height / cells.rows, end = (row + 1) * height / cells.rows;
      if (cells.sampled)
        begin = (begin + end) / 2, end = begin + 1;
      if (auto wrong = exact.evaluate(window.rowBegin + begin, window.rowBegin + end, live)) {
        error = wrong->message;
        return false;
      }
      for (int64_t column = 0; column < cells.columns; ++column) {
        int64_t from = column * width / cells.columns, to = (column + 1) * width / cells.columns,
                sum = 0;
        for (int64_t i = 0; i < end - begin; ++i)
          for (int64_t j = from; j < to; ++j)
            sum += live[i * width + j];
        int64_t all = (end - begin) * (to - from);
        // The least share shows, and only a whole cell is whole.
        cells.shade[row * cells.columns + column] = sum == all ? kLevels
                                                    : sum == 0 ? 0
                                                               : 1 + sum * (kLevels - 1) / all;
      }
    }
    return true;
  }

  void title() {
    os << formatv("<text class=\"ink title\" x=\"{0}\" y=\"30\">{1}</text>\n", left,
                  escaped(map.kernel));
    std::string line = launch.shape;
    if (!launch.place.empty())
      line += "; " + launch.place;
    line += "; " + grouped(map.rowTiles * map.keyTiles) + " tiles of " +
            std::to_string(map.rowTile) + " x " + std::to_string(map.keyTile);
    os << formatv("<text class=\"faint\" x=\"{0}\" y=\"50\">{1}</text>\n", left, escaped(line));
  }

  /// The kind that a square of several tiles shows: theirs, or partial if they differ.
  TileKind kindOf(int64_t row, int64_t key, int64_t group) {
    TileKind kind = map.at(row, key);
    for (int64_t i = row; i < std::min(row + group, map.rowTiles); ++i)
      for (int64_t j = key; j < std::min(key + group, map.keyTiles); ++j)
        if (map.at(i, j) != kind)
          return TileKind::Partial;
    return kind;
  }

  /// Equal neighbours as few rectangles: runs of a row, and equal runs of neighbouring rows.
  /// `is(row, column)` says what belongs; `x`, `y` give the edges in pixels.
  template <class Is, class X, class Y>
  static std::string rectangles(int64_t rows, int64_t columns, Is is, X x, Y y, int64_t &count) {
    std::string path;
    std::map<std::pair<int64_t, int64_t>, int64_t> open; // columns -> first row
    for (int64_t row = 0; row <= rows; ++row) {
      std::map<std::pair<int64_t, int64_t>, int64_t> next;
      for (int64_t column = 0; row < rows && column < columns; ++column) {
        int64_t begin = column;
        while (column < columns && is(row, column))
          ++column;
        if (column == begin)
          continue;
        auto known = open.find({begin, column});
        next[{begin, column}] = known == open.end() ? row : known->second;
      }
      for (auto &[run, first] : open)
        if (!next.count(run)) {
          ++count;
          path += "M" + number(x(run.first)) + " " + number(y(first)) + "H" +
                  number(x(run.second)) + "V" + number(y(row)) + "H" + number(x(run.first)) + "z";
        }
      open = std::move(next);
    }
    return path;
  }

  void tiles() {
    int64_t group = std::max(map.rowTiles, map.keyTiles) / kMostTiles;
    group =
        std::max<int64_t>(group + (group * kMostTiles < std::max(map.rowTiles, map.keyTiles)), 1);
    int64_t height = window.rowEnd - window.rowBegin, width = window.keyEnd - window.keyBegin;
    int64_t rows = (map.rowTiles + group - 1) / group, columns = (map.keyTiles + group - 1) / group;
    auto x = [&](int64_t column) {
      return double(std::min(column * group * map.keyTile, width)) * xScale;
    };
    auto y = [&](int64_t row) {
      return double(std::min(row * group * map.rowTile, height)) * yScale;
    };
    for (auto [kind, name] : {std::pair(TileKind::Skipped, "skipped"),
                              {TileKind::Partial, "partial"},
                              {TileKind::Full, "full"}}) {
      int64_t count = 0;
      std::string path = rectangles(
          rows, columns,
          [&](int64_t row, int64_t column) {
            return kindOf(row * group, column * group, group) == kind;
          },
          x, y, count);
      if (!path.empty())
        os << "<path class=\"" << name << "\" d=\"" << path << "\"/>\n";
    }
    if (x(1) >= 6 && y(1) >= 6) {
      std::string lines;
      for (int64_t column = 1; column < columns; ++column)
        lines += "M" + number(x(column)) + " 0V" + number(plotHeight);
      for (int64_t row = 1; row < rows; ++row)
        lines += "M0 " + number(y(row)) + "H" + number(plotWidth);
      grid = "<path class=\"grid\" d=\"" + lines + "\"/>\n";
    }
    if (group > 1)
      note = "one square stands for " + std::to_string(group) + " x " + std::to_string(group) +
             " tiles";
  }

  /// Whether a cell lies in full tiles, of which every point counts: there is nothing to show.
  bool isFull(int64_t row, int64_t column) {
    int64_t height = window.rowEnd - window.rowBegin, width = window.keyEnd - window.keyBegin;
    for (int64_t i : {row * height / cells.rows, ((row + 1) * height - 1) / cells.rows})
      for (int64_t j : {column * width / cells.columns, ((column + 1) * width - 1) / cells.columns})
        if (map.at(i / map.rowTile, j / map.keyTile) != TileKind::Full)
          return false;
    return true;
  }

  void mask() {
    double w = plotWidth / double(cells.columns), h = plotHeight / double(cells.rows);
    for (int shade = 1; shade <= kLevels; ++shade) {
      int64_t count = 0;
      std::string path = rectangles(
          cells.rows, cells.columns,
          [&](int64_t row, int64_t column) {
            return cells.shade[row * cells.columns + column] == shade && !isFull(row, column);
          },
          [&](int64_t column) { return double(column) * w; },
          [&](int64_t row) { return double(row) * h; }, count);
      if (!path.empty())
        os << formatv("<path class=\"mask\" fill-opacity=\"{0}\" d=\"{1}\"/>\n",
                      number(kOpacity * shade / kLevels), path);
    }
    os << grid;
  }

  void axes() {
    int64_t height = window.rowEnd - window.rowBegin, width = window.keyEnd - window.keyBegin;
    auto ticks = [](int64_t begin, int64_t extent, double pixels) {
      // A round step of at least 56 pixels: 1, 2, 4, .. of a power of two, or of ten.
      std::vector<int64_t> at;
      if (extent <= 0)
        return at;
      int64_t step = 1;
      while (pixels * double(step) / double(extent) < 56)
        step *= 2;
      for (int64_t x = 0; x < extent; x += step)
        at.push_back(begin + x);
      if (double(extent - (at.back() - begin)) / double(extent) * pixels < 30 && at.size() > 1)
        at.pop_back();
      at.push_back(begin + extent);
      return at;
    };
    for (int64_t at : ticks(window.keyBegin, width, plotWidth)) {
      double x = double(at - window.keyBegin) * xScale;
      os << formatv("<path class=\"line\" d=\"M{0} 0v-5\"/><text class=\"faint small\" x=\"{0}\" "
                    "y=\"-9\" text-anchor=\"middle\">{1}</text>\n",
                    number(x), at);
    }
    os << formatv("<text class=\"ink\" x=\"{0}\" y=\"-28\" text-anchor=\"middle\">{1}</text>\n",
                  number(plotWidth / 2),
                  escaped(map.keys + " \xE2\x86\x92")); // an arrow to the right
    if (map.rows.empty())
      return;
    for (int64_t at : ticks(window.rowBegin, height, plotHeight)) {
      double y = double(at - window.rowBegin) * yScale;
      os << formatv("<path class=\"line\" d=\"M0 {0}h-5\"/><text class=\"faint small\" x=\"-9\" "
                    "y=\"{1}\" text-anchor=\"end\">{2}</text>\n",
                    number(y), number(y + 4), at);
    }
    os << formatv("<text class=\"ink\" x=\"-9\" y=\"-12\" text-anchor=\"end\">{0}</text>\n",
                  escaped(map.rows + " \xE2\x86\x93")); // an arrow down
  }

  void legend() {
    int64_t total = int64_t(map.kinds.size()), counts[3] = {0, 0, 0};
    for (TileKind kind : map.kinds)
      ++counts[int(kind)];
    double x = left, y = top + plotHeight + 30;
    for (auto [kind, name, words] : {std::tuple(TileKind::Skipped, "skipped", "skipped"),
                                     {TileKind::Partial, "partial", "partial: tested"},
                                     {TileKind::Full, "full", "full: no test"}}) {
      os << formatv("<rect class=\"{0}\" x=\"{1}\" y=\"{2}\" width=\"14\" height=\"14\" rx=\"2\"/>"
                    "<text class=\"ink\" x=\"{3}\" y=\"{4}\">{5}</text>"
                    "<text class=\"faint small\" x=\"{3}\" y=\"{6}\">{7}, {8:f1} %</text>\n",
                    name, number(x), number(y), number(x + 20), number(y + 12), words,
                    number(y + 29), grouped(counts[int(kind)]),
                    total ? 100.0 * double(counts[int(kind)]) / double(total) : 0.0);
      x += 164;
    }
    std::string last = "Darker: the keys that count";
    if (cells.sampled)
      last += ", of one row in " + std::to_string((window.rowEnd - window.rowBegin) / cells.rows);
    if (!note.empty())
      last += "; " + note;
    os << formatv("<rect class=\"mask\" fill-opacity=\"0.4\" x=\"{0}\" y=\"{1}\" width=\"14\" "
                  "height=\"14\" rx=\"2\"/><text class=\"ink\" x=\"{2}\" y=\"{3}\">{4}</text>\n",
                  left, number(y + 42), left + 20, number(y + 54), escaped(last));
  }

  const TileMap &map;
  Launch &launch;
  dsl::ExactMask::Window window;
  Cells cells;
  double xScale = 1, yScale = 1, plotWidth = 0, plotHeight = 0;
  static constexpr int left = 76, top = 108;
  std::string text, note, grid;
  raw_string_ostream os{text};
};

} // namespace

std::string drawMask(Collector &collector, StringRef kernel, std::string &error) {
  const TileMap *map = collector.tilesOf(kernel);
  Launch *launch = collector.launchOf(kernel);
  if (!map || !launch) {
    error = ("`" + kernel + "` has no walk whose tiles can be drawn").str();
    return "";
  }
  return Drawing(*map, *launch).run(error);
}

} // namespace fc::explain
