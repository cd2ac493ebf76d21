// Report.cpp - tables and JSON; see Report.h.
#include "tools/fc-run/Report.h"
#include "runtime/Counters.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace fc::run {
namespace {

using Json = nlohmann::ordered_json;

/// Rows of cells, each column as wide as its widest cell.
class Table {
public:
  void row(std::vector<std::string> cells) { rows.push_back(std::move(cells)); }
  std::string text() const {
    std::vector<size_t> widths;
    for (const auto &cells : rows)
      for (size_t i = 0; i < cells.size(); ++i) {
        widths.resize(std::max(widths.size(), i + 1));
        widths[i] = std::max(widths[i], cells[i].size());
      }
    std::string result;
    for (const auto &cells : rows) {
      std::string line;
      for (size_t i = 0; i < cells.size(); ++i)
        line += fmt::format("{}{:<{}}", i ? "  " : "", cells[i], widths[i]);
      line.erase(line.find_last_not_of(' ') + 1);
      result += line + "\n";
    }
    return result;
  }

private:
  std::vector<std::vector<std::string>> rows;
};

std::string shapeText(const std::vector<int64_t> &shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// Least, largest and root mean square of the finite elements.
std::array<std::string, 3> rangeOf(const HostTensor &tensor) {
  double least = std::numeric_limits<double>::infinity(), largest = -least, squares = 0;
  size_t count = 0;
  for (size_t i = 0; i < tensor.size(); ++i) {
    const double value = load(tensor.elem, tensor.bits.data(), i);
    if (!std::isfinite(value))
      continue;
    least = std::min(least, value);
    largest = std::max(largest, value);
    squares += value * value;
    ++count;
  }
  if (count == 0)
    return {"-", "-", "-"};
  return {fmt::format("{:.4g}", least), fmt::format("{:.4g}", largest),
          fmt::format("{:.4g}", std::sqrt(squares / static_cast<double>(count)))};
}

std::string toleranceText(const Tolerance &tolerance) {
  if (tolerance.exact)
    return "equal";
  return fmt::format("max abs {:.3g}, rel L2 {:g}", tolerance.maxAbs, tolerance.relL2);
}

std::string countersText(const Session &session) {
  Table table;
  for (const auto &[name, count] : session.counters)
    table.row({"  " + name, fmt::format("{:>16}", count)});
  return "counters\n" + table.text();
}

/// JSON has no infinities; a failed comparison may.
Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(value > 0 ? "inf" : "nan");
}

} // namespace

std::string listText(const rt::Module &module) {
  std::string result = fmt::format("{}: target {}, made of {}\n", module.name(),
                                   module.manifest().target, module.manifest().sourcePath);
  for (const rt::KernelSpec &kernel : module.manifest().kernels) {
    std::vector<std::string> compiled;
    for (const rt::CompileParam &param : kernel.cparams)
      compiled.push_back(param.name + " = " + param.text());
    result += fmt::format("\nkernel {}{}\n", kernel.name,
                          compiled.empty() ? "" : fmt::format("<{}>", fmt::join(compiled, ", ")));
    Table table;
    for (const rt::Param &param : kernel.params)
      table.row({param.isTensor() ? param.output ? "  output" : "  input" : "  scalar", param.name,
                 param.text(),
                 !param.isTensor() ? param.init ? "default " + param.init->text() : "must be given"
                 : param.nullable  ? "may be null"
                                   : ""});
    result += table.text();
    for (const rt::Fact &fact : kernel.facts)
      result += fmt::format("  assume {}\n", fact.text);
    for (const rt::Variant &variant : kernel.variants) {
      std::string where = variant.condition ? "where " + variant.condition->text() : "always";
      if (variant.needs)
        where += (variant.condition ? ", and needs " : ", but needs ") + variant.needs->text();
      result += fmt::format("  variant {}, {}\n", variant.name, where);
    }
  }
  return result;
}

std::string checksText() {
  Table table;
  for (const rt::CheckInfo &check : rt::emulatorChecks())
    table.row({std::string(check.id), std::string(check.meaning)});
  return table.text();
}

std::string table(const Options &options, const Session &session,
                  const std::vector<Comparison> &comparisons) {
  std::vector<std::string> dims;
  for (const auto &[name, value] : session.dims)
    dims.push_back(fmt::format("{}={}", name, value));
  std::string result = fmt::format("{} on {}, {}", session.kernelNames(),
                                   session.module().device().title(), fmt::join(dims, " "));
  // A GPU runs on its own; how long is for fc-bench to measure.
  result += session.seconds > 0 ? fmt::format(", {:.3f} s\n", session.seconds) : "\n";
  Table table;
  bool pass = true;
  if (comparisons.empty()) {
    table.row({"output", "type", "shape", "least", "largest", "rms"});
    for (const std::string &name : session.outputOrder) {
      const HostTensor &tensor = session.outputs.at(name);
      const auto range = rangeOf(tensor);
      table.row({name, std::string(rt::name(tensor.elem)), shapeText(tensor.shape), range[0],
                 range[1], range[2]});
    }
    result += table.text();
  } else {
    table.row({"output", "type", "shape", "max abs", "max rel", "rel L2", "allowed", ""});
    std::string notes;
    size_t compared = 0;
    for (const Comparison &it : comparisons) {
      const HostTensor &tensor = session.outputs.at(it.name);
      table.row({it.name, std::string(rt::name(tensor.elem)), shapeText(tensor.shape),
                 fmt::format("{:.2e}", it.maxAbs), fmt::format("{:.2e}", it.maxRel),
                 fmt::format("{:.2e}", it.relL2), toleranceText(it.tolerance),
                 it.pass ? "ok" : "FAILED"});
      compared += it.elements;
      if (it.elements == 0)
        notes += fmt::format("{}: nothing was compared: it has no elements\n", it.name);
      if (it.bothNan)
        notes += fmt::format("{}: {} of {} elements are NaN, in the reference too\n", it.name,
                             it.bothNan, it.elements);
      if (it.pass)
        continue;
      pass = false;
      if (it.unwritten)
        notes += fmt::format("{}: {} of {} elements were never written\n", it.name, it.unwritten,
                             tensor.size());
      if (it.wrongNan)
        notes += fmt::format("{}: {} elements are NaN on one side only\n", it.name, it.wrongNan);
      if (it.beyond)
        notes += fmt::format("{}: {} of {} elements are off by more than is allowed\n", it.name,
                             it.beyond, tensor.size());
      notes += fmt::format("{}: the worst is {}\n", it.name, it.worst);
    }
    result += table.text() + notes +
              (!pass      ? "FAILED\n"
               : compared ? "all outputs agree with the reference\n"
                          : "nothing was compared: no output has an element\n");
  }
  if (options.counters)
    result += countersText(session);
  return result;
}

std::string json(const Options &options, const Session &session,
                 const std::vector<Comparison> &comparisons, const rt::Error &fault,
                 const std::optional<Roofline> &roofline) {
  Json root;
  root["kernel"] = session.kernelNames();
  root["device"] = session.module().device().name();
  root["device_title"] = session.module().device().title();
  root["pass"] = !fault && std::all_of(comparisons.begin(), comparisons.end(),
                                       [](const Comparison &it) { return it.pass; });
  root["seconds"] = session.seconds;
  root["dims"] = session.dims;
  root["seed"] = options.seed;
  root["variants"] = session.variants;
  root["outputs"] = Json::object();
  for (const std::string &name : session.outputOrder)
    root["outputs"][name] = Json::object();
  for (const Comparison &it : comparisons)
    root["outputs"][it.name] = {{"max_abs", number(it.maxAbs)}, {"max_rel", number(it.maxRel)},
                                {"rel_l2", number(it.relL2)},   {"elements", it.elements},
                                {"both_nan", it.bothNan},       {"unwritten", it.unwritten},
                                {"wrong_nan", it.wrongNan},     {"pass", it.pass}};
  root["counters"] = rt::countersJson(session.counters);
  if (roofline)
    root["roofline"] = roofline->json();
  if (fault)
    root["fault"] = {{"id", fault.id}, {"text", fault.message}};
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace fc::run
