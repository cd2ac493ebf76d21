// Plot.cpp - drawing results; see Plot.h.
#include "tools/fc-bench/Plot.h"
#include <algorithm>
#include <cmath>

namespace fc::bench {
namespace {

// In pixels.
constexpr double panelWidth = 460, panelHeight = 250, left = 62, right = 18, top = 40, bottom = 62,
                 header = 64, legendLine = 18;
constexpr int columnsOfPanels = 2;
/// Told apart by most people who do not see all colours (Okabe and Ito).
constexpr const char *colors[] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"};

std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text)
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return result;
}

/// What a bar shows.
struct Bar {
  std::string shape, strategy;
  double rate = 0, low = 0, high = 0; ///< TFLOP/s; the ends of the whisker, 0 where there is none
  bool estimate = false;
};
struct Panel {
  std::string title;
  std::vector<std::string> shapes;
  std::vector<Bar> bars;
};

/// The dimensions that differ between the shapes of a panel; all of them where none does. One that
/// always equals another (N that is M) is not said again.
std::string labelOf(const Result &it, const std::vector<const Result *> &others) {
  auto valueOf = [](const Result &result, const std::string &name) {
    const auto found = result.dims.find(name);
    return found == result.dims.end() ? -1 : found->second;
  };
  std::vector<std::string> parts, said;
  for (const auto &[name, value] : it.dims) {
    const bool differs = std::ranges::any_of(
        others, [&](const Result *other) { return valueOf(*other, name) != value; });
    const bool again = std::ranges::any_of(said, [&](const std::string &earlier) {
      return std::ranges::all_of(others, [&](const Result *other) {
        return valueOf(*other, earlier) == valueOf(*other, name);
      });
    });
    if (!differs || again)
      continue;
    said.push_back(name);
    parts.push_back(fmt::format("{}={}", name, value));
  }
  return parts.empty() ? it.shape() : fmt::format("{}", fmt::join(parts, " "));
}

double rateOf(const Result &it, double microseconds) {
  return microseconds > 0 ? it.flops / microseconds * 1e-6 : 0;
}

std::vector<Panel> panelsOf(const Results &results, std::vector<std::string> &strategies) {
  std::vector<std::pair<std::string, std::vector<const Result *>>> groups;
  for (const Result &it : results.results) {
    if (!it.failure.empty())
      continue;
    std::string title = it.kernel;
    for (const auto &[name, value] : it.cparams)
      title += fmt::format("  {}={}", name, value);
    auto group = std::ranges::find(groups, title, &decltype(groups)::value_type::first);
    if (group == groups.end())
      group = groups.insert(groups.end(), {title, {}});
    group->second.push_back(&it);
    if (std::ranges::find(strategies, it.strategy) == strategies.end())
      strategies.push_back(it.strategy);
  }
  std::vector<Panel> panels;
  for (const auto &[title, members] : groups) {
    Panel panel{title, {}, {}};
    for (const Result *it : members) {
      Bar bar{labelOf(*it, members), it->strategy};
      const auto &measured = it->warm ? it->warm : it->cold;
      if (measured) {
        bar.rate = rateOf(*it, measured->time.median);
        bar.low = rateOf(*it, measured->time.p90);
        bar.high = rateOf(*it, measured->time.least);
      } else if (it->estimate) {
        bar.rate = rateOf(*it, it->estimate->microseconds);
        bar.estimate = true;
      }
      if (std::ranges::find(panel.shapes, bar.shape) == panel.shapes.end())
        panel.shapes.push_back(bar.shape);
      panel.bars.push_back(bar);
    }
    panels.push_back(std::move(panel));
  }
  return panels;
}

/// A round number of about a fifth of `most`.
double stepOf(double most) {
  const double rough = most / 5, power = std::pow(10, std::floor(std::log10(rough)));
  for (double factor : {1.0, 2.0, 2.5, 5.0})
    if (factor * power >= rough)
      return factor * power;
  return 10 * power;
}

class Drawing {
public:
  void text(double x, double y, std::string_view words, const char *attributes = "") {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, attributes,
                       escaped(words));
  }
  void line(double x1, double y1, double x2, double y2, const char *attributes) {
    svg += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1,
                       y1, x2, y2, attributes);
  }
  void box(double x, double y, double width, double height, std::string_view fill) {
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n", x, y,
        width, height, fill);
  }
  std::string svg;
};

std::string fillOf(size_t strategy, bool estimate) {
  const size_t color = strategy % std::size(colors);
  return estimate ? fmt::format("url(#hatch{})", color) : colors[color];
}

void draw(Drawing &out, const Panel &panel, const std::vector<std::string> &strategies, double x0,
          double y0) {
  const double width = panelWidth - left - right, height = panelHeight - top - bottom;
  const double x = x0 + left, y = y0 + top;
  double most = 1e-9;
  for (const Bar &bar : panel.bars)
    most = std::max({most, bar.rate, bar.high});
  const double step = stepOf(most), scale = height / (std::ceil(most / step) * step);
  out.text(x, y0 + top - 12, panel.title, "font-weight=\"bold\" font-size=\"13\"");
  for (double value = 0; value <= most + step; value += step) {
    const double at = y + height - value * scale;
    if (at < y - 0.5)
      break;
    out.line(x, at, x + width, at, "stroke=\"#dddddd\"");
    out.text(x - 6, at + 4, fmt::format("{:g}", std::round(value / step) * step),
             "text-anchor=\"end\"");
  }
  const std::string turn = fmt::format(
      "text-anchor=\"middle\" transform=\"rotate(-90 {:.1f} {:.1f})\"", x0 + 16, y + height / 2);
  out.text(x0 + 16, y + height / 2, "TFLOP/s", turn.c_str());
  const double slot = width / static_cast<double>(panel.shapes.size());
  const double bar = std::min(0.8 * slot / static_cast<double>(strategies.size()), 48.0);
  for (size_t s = 0; s < panel.shapes.size(); ++s) {
    const double middle = x + (static_cast<double>(s) + 0.5) * slot;
    double begin = middle - bar * static_cast<double>(strategies.size()) / 2;
    for (size_t t = 0; t < strategies.size(); ++t, begin += bar)
      for (const Bar &it : panel.bars) {
        if (it.shape != panel.shapes[s] || it.strategy != strategies[t])
          continue;
        const double tall = it.rate * scale, head = y + height - tall;
        out.box(begin + 1, head, bar - 2, tall, fillOf(t, it.estimate));
        double label = head;
        if (it.high > 0) {
          const double low = y + height - it.low * scale, high = y + height - it.high * scale;
          out.line(begin + bar / 2, low, begin + bar / 2, high, "stroke=\"#333333\"");
          label = std::min(label, high);
        }
        if (bar >= 24)
          out.text(begin + bar / 2, label - 4,
                   it.rate < 10 ? fmt::format("{:.2g}", it.rate) : fmt::format("{:.0f}", it.rate),
                   "text-anchor=\"middle\" font-size=\"10\"");
      }
    // A line for each part, as far as there is room.
    std::string rest = panel.shapes[s];
    for (int row = 0; !rest.empty() && row < 4; ++row) {
      const size_t cut = row < 3 ? rest.find(' ') : std::string::npos;
      out.text(middle, y + height + 15 + 13 * row, rest.substr(0, cut), "text-anchor=\"middle\"");
      rest = cut == std::string::npos ? "" : rest.substr(cut + 1);
    }
  }
  out.line(x, y + height, x + width, y + height, "stroke=\"#333333\"");
}

} // namespace

std::string plot(const Results &results) {
  std::vector<std::string> strategies;
  const std::vector<Panel> panels = panelsOf(results, strategies);
  const int columns = std::min<int>(columnsOfPanels, std::max<int>(1, (int)panels.size()));
  const int rows = (static_cast<int>(panels.size()) + columns - 1) / columns;
  const double width = std::max(columns * panelWidth, 560.0);
  const double height = header + legendLine + rows * panelHeight;
  const bool estimate = std::ranges::any_of(
      results.results, [](const Result &it) { return it.estimate.has_value(); });

  Drawing out;
  out.svg = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" "
                        "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
                        "font-family=\"sans-serif\" font-size=\"11\" fill=\"#222222\">\n<defs>\n",
                        width, height);
  for (size_t i = 0; i < std::size(colors); ++i)
    out.svg += fmt::format(
        "<pattern id=\"hatch{0}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"{1}\" "
        "fill-opacity=\"0.25\"/><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" stroke=\"{1}\" "
        "stroke-width=\"3\"/></pattern>\n",
        i, colors[i]);
  out.svg += "</defs>\n";
  out.box(0, 0, width, height, "#ffffff");
  out.text(14, 24,
           estimate
               ? fmt::format("At most, on {}: estimates by the emulator's counters", results.board)
               : results.device,
           "font-weight=\"bold\" font-size=\"15\"");
  out.text(14, 42,
           estimate ? "upper bounds by a data sheet, no times: nothing ran on a GPU"
                    : fmt::format("CUDA {}, warm L2, median of {} runs, whiskers: least to p90",
                                  results.cuda, results.runs));
  out.text(14, 57, fmt::format("fc-bench, commit {}, {}", results.commit, results.date),
           "fill=\"#777777\" font-size=\"10\"");
  double x = 14;
  for (size_t i = 0; i < strategies.size(); ++i) {
    out.box(x, header + 4, 11, 11, fillOf(i, estimate));
    out.text(x + 16, header + 14, strategies[i]);
    x += 34 + 7.0 * static_cast<double>(strategies[i].size());
  }
  for (size_t i = 0; i < panels.size(); ++i)
    draw(out, panels[i], strategies,
         panelWidth * static_cast<double>(i % static_cast<size_t>(columns)),
         header + legendLine + panelHeight * static_cast<double>(i / static_cast<size_t>(columns)));
  return out.svg + "</svg>\n";
}

} // namespace fc::bench
