// Options.cpp - the command line of fc-bench.
#include "tools/fc-bench/Options.h"
#include "runtime/Runtime.h"
#include "tools/fc-run/Pairs.h"
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sstream>

namespace fc::bench {
namespace {

constexpr const char *description =
    R"(Measures kernels: every input x compile-time parameters x strategy x shape, one row each.

Each case is first compared with its .fc text, evaluated in float64; a case that is wrong gets no number. On a GPU
times are medians over --runs, by the GPU's own clock. On the emulator there are no times: what it counted is put
against a board's data sheet, and the result is a lower bound, called an estimate in every output.)";

constexpr const char *examples = R"(
Examples:
  fc-bench causal.fc --strategy scalar,tensor,pipelined -D D=64,128
      compiles with the fcc beside this tool; on a GPU: the suite `prefill`
  fc-bench attn.ptx --shape B=4,H=16,M=2048 --shape B=4,H=16,M=4096 --json new.json --plot new.svg
  fc-bench attn.ptx --suite decode --compare old.json
      says of each case whether it became faster, slower or neither, by the noise of both runs
  fc-bench --show new.json --plot new.svg
      the table and the plot of an earlier run
  fc-bench causal.fc --device=emulator --board=a100
      without a GPU: bounds by the emulator's counters

Shapes: a dimension that is not given is B=1, G=H, N=M. Suites:
  small     B=1 H=2, 256 and 384 rows: what the emulator does in seconds (its default)
  prefill   512 to 16384 rows, 16384 in all batches together, as papers have it (the default on a GPU)
  decode    one row for each of 16 batches, 32 heads in 8 groups, 1024 to 65536 keys
  ragged    lengths that are no multiple of anything

What the numbers mean:
  TFLOP/s   operations that the formula needs: 2 for each term of each `dot`, which makes 4 B H M N D; terms that a
            mask drops do not count, so causal counts half, as everywhere in the field
  GB/s      every input and output once
  roof      the least time of the board for these operations and bytes, as a share of the time measured
  warm      the same data again and again, as far as the L2 holds it; cold: the L2 is filled with other data before
            each run. Runs below 20 us are replayed from a graph (--graph), the flush taken off; p90 and p99 then are
            of means over the copies in the graph

Exit code: 0 all is well, 1 a case was wrong, failed or became slower (--compare), 2 anything else.)";

std::vector<std::string> split(const std::string &text, char mark) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, mark);)
    if (!part.empty())
      parts.push_back(part);
  return parts;
}

std::vector<Dims> rowsOf(std::initializer_list<int64_t> rows, Dims others, int64_t tokens) {
  std::vector<Dims> result;
  for (int64_t m : rows) {
    Dims dims = others;
    dims["M"] = m;
    if (tokens)
      dims["B"] = std::max<int64_t>(tokens / m, 1);
    result.push_back(dims);
  }
  return result;
}

} // namespace

const std::vector<Dims> *suiteOf(const std::string &name) {
  static const std::map<std::string, std::vector<Dims>> suites = [] {
    std::map<std::string, std::vector<Dims>> made;
    made["small"] = rowsOf({256, 384}, {{"B", 1}, {"H", 2}}, 0);
    made["prefill"] = rowsOf({512, 1024, 2048, 4096, 8192, 16384}, {{"H", 16}}, 16384);
    for (int64_t keys : {1024, 4096, 16384, 65536})
      made["decode"].push_back({{"B", 16}, {"H", 32}, {"G", 8}, {"M", 1}, {"N", keys}});
    made["ragged"] = {{{"B", 3}, {"H", 6}, {"G", 2}, {"M", 1000}, {"N", 1000}},
                      {{"B", 1}, {"H", 7}, {"G", 7}, {"M", 333}, {"N", 4097}},
                      {{"B", 5}, {"H", 4}, {"G", 1}, {"M", 65}, {"N", 129}}};
    return made;
  }();
  const auto found = suites.find(name);
  return found == suites.end() ? nullptr : &found->second;
}

std::string suiteNames() { return "small, prefill, decode, ragged"; }

CommandLine parseCommandLine(int argc, const char *const *argv) {
  Options options;
  std::vector<std::string> shapes, defines, fill, set, strategies;
  std::string cache = "both", graph = "auto";

  CLI::App app(description, "fc-bench");
  app.footer(examples);
  app.set_version_flag("--version", std::string(rt::version));
  app.add_option("inputs", options.inputs, "PTX made by fcc, or .fc to compile first");
  app.add_option("--shape", shapes, "dimensions: B=4,H=16,M=2048 (may be repeated)")
      ->type_name("NAME=N,...")
      ->expected(1, 1)
      ->take_all();
  app.add_option("--suite", options.suite, "shapes by name: " + suiteNames())->type_name("NAME");
  app.add_option("--fill", fill, "how an input is filled, as in fc-run: length=const:N")
      ->type_name("NAME=HOW");
  app.add_option("--set", set, "a scalar: window=512")->type_name("NAME=VALUE");
  app.add_option("--seed", options.seed, "of the random inputs")->type_name("N");
  app.add_option("--check", options.checkFile,
                 "the .fc to compare with (default: the input itself, or what the PTX was made of)")
      ->type_name("FILE");
  app.add_option("--check-limit", options.checkLimit,
                 "operations that the float64 reference may take; larger shapes are checked at a "
                 "smaller one, and for NaN and elements never written (default 2e9)")
      ->type_name("N");

  const char *device = "Device and measuring";
  app.add_option("--device", options.device, "cuda, cuda:N, emulator or auto")
      ->type_name("NAME")
      ->group(device);
  app.add_option("--board", options.board, "whose roof: l4, a100, h100, ... (see --help-boards)")
      ->type_name("NAME")
      ->group(device);
  app.add_option("--warmup", options.warmup, "runs before the measured ones (20)")
      ->type_name("N")
      ->check(CLI::Range(1, 100000))
      ->group(device);
  app.add_option("--runs", options.runs, "measured runs (100)")
      ->type_name("N")
      ->check(CLI::Range(1, 100000))
      ->group(device);
  app.add_option("--seconds", options.mostSeconds,
                 "that the runs of one measurement may take (10): then fewer, at least 5")
      ->type_name("X")
      ->check(CLI::PositiveNumber)
      ->group(device);
  app.add_option("--l2", cache, "warm, cold or both")
      ->check(CLI::IsMember({"warm", "cold", "both"}))
      ->group(device);
  app.add_option("--graph", graph, "replay from a graph: auto (runs below 20 us), on or off")
      ->check(CLI::IsMember({"auto", "on", "off"}))
      ->group(device);
  app.add_option("--threads", options.threads, "of this machine, for the emulator")
      ->type_name("N")
      ->check(CLI::Range(0, 1024))
      ->group(device);

  const char *compiling = "Compiling a .fc (handed on to fcc)";
  app.add_option("--strategy", strategies, "one or several: scalar,tensor,pipelined")
      ->type_name("NAME,...")
      ->group(compiling);
  app.add_option("-D", defines, "a compile-time parameter, or several values: -D D=64,128")
      ->type_name("NAME=VALUE,...")
      ->group(compiling);
  app.add_option("--target", options.target, "sm_80, sm_90a, ... (default: the GPU's)")
      ->type_name("SM")
      ->group(compiling);
  app.add_option("--schedule", options.schedule, "i=64,j=64,warps=4,stages=2")
      ->type_name("ITEMS")
      ->group(compiling);

  const char *output = "Output";
  app.add_option("--json", options.json, "write everything to this file")
      ->type_name("FILE")
      ->group(output);
  app.add_option("--plot", options.plot, "write an SVG")->type_name("FILE")->group(output);
  app.add_option("--compare", options.compareWith, "set beside an earlier --json")
      ->type_name("FILE")
      ->group(output);
  app.add_option("--show", options.showFile, "do not measure: show an earlier --json")
      ->type_name("FILE")
      ->group(output);

  CommandLine result;
  auto usage = [&](const std::string &message) {
    result.text = fmt::format("fc-bench: {}\nTry --help.\n", message);
    result.exitCode = 2;
    return result;
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &success) { // --help, --version
    std::ostringstream out, err;
    app.exit(success, out, err);
    result.text = out.str();
    return result;
  } catch (const CLI::ParseError &error) {
    return usage(error.what());
  }
  for (const std::string &shape : shapes)
    if (auto message = run::parseNumbers("--shape", {shape}, options.shapes.emplace_back()))
      return usage(*message);
  std::map<std::string, std::string> values;
  for (auto message :
       {run::parsePairs("-D", defines, values), run::parsePairs("--fill", fill, options.fill),
        run::parsePairs("--set", set, options.set)})
    if (message)
      return usage(*message);
  for (const auto &[name, list] : values)
    options.defines[name] = split(list, ',');
  for (const std::string &item : strategies)
    for (const std::string &name : split(item, ','))
      options.strategies.push_back(name);
  options.warm = cache != "cold";
  options.cold = cache != "warm";
  using Graph = rt::cuda::TimerOptions::Graph;
  options.graph = graph == "on" ? Graph::On : graph == "off" ? Graph::Off : Graph::Auto;
  if (!options.suite.empty() && !suiteOf(options.suite))
    return usage(
        fmt::format("--suite: there is no suite `{}`; there are {}", options.suite, suiteNames()));
  if (!options.suite.empty() && !options.shapes.empty())
    return usage("--suite and --shape exclude each other");
  if (options.inputs.empty() == options.showFile.empty())
    return usage(options.inputs.empty() ? "inputs are required: .ptx or .fc files, or --show FILE"
                                        : "--show takes no inputs");
  result.options = std::move(options);
  return result;
}

} // namespace fc::bench
