// Plain.cpp - see Plain.h.
#include "tools/fc-run/Plain.h"
#include "runtime/Counters.h"
#include "runtime/emulator/Emulator.h"
#include "runtime/emulator/Mutate.h"
#include "tools/fc-run/Inputs.h"
#include "tools/fc-run/Roofline.h"
#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace fc::run {
namespace {

using rt::Code;
using rt::Error;

/// What stands for one parameter: a buffer, or the bits of a scalar.
struct Argument {
  bool buffer = false, read = false, written = false;
  HostTensor tensor;
  std::vector<std::byte> scalar;
};

std::vector<std::string> split(const std::string &text, char separator, size_t most) {
  std::vector<std::string> parts;
  size_t at = 0;
  while (parts.size() + 1 < most) {
    const size_t end = text.find(separator, at);
    if (end == std::string::npos)
      break;
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  parts.push_back(text.substr(at));
  return parts;
}

template <class T> bool parseNumber(const std::string &text, T &value) {
  const auto [after, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc() && after == text.data() + text.size();
}

bool parseDims(std::string_view option, const std::string &text, std::array<uint32_t, 3> &dims,
               Error &error) {
  dims = {1, 1, 1};
  const std::vector<std::string> parts = split(text, ',', 4);
  for (size_t i = 0; i < parts.size(); ++i)
    if (i == 3 || !parseNumber(parts[i], dims[i]))
      return error.set(Code::Argument, "{}: `{}` is not X, X,Y or X,Y,Z", option, text);
  return true;
}

/// "in:f32:3000", "out:f32:1", "inout:i32:64:arange", "7", "2.5".
bool parseArgument(const std::string &text, const emu::Module::Param &param, uint64_t seed,
                   Argument &argument, Error &error) {
  const std::vector<std::string> parts = split(text, ':', 4);
  argument.read = parts[0] == "in" || parts[0] == "inout";
  argument.written = parts[0] == "out" || parts[0] == "inout";
  argument.buffer = argument.read || argument.written;
  if (argument.buffer) {
    const auto elem = parts.size() >= 3 ? rt::parseElem(parts[1]) : std::nullopt;
    int64_t count = 0;
    if (!elem || !parseNumber(parts[2], count) || count < 0 || count > INT32_MAX ||
        (parts.size() == 4 && !argument.read))
      return error.set(Code::Argument,
                       "--arg: `{}` is not in:TYPE:COUNT, inout:TYPE:COUNT or out:TYPE:COUNT; how "
                       "an input is filled may follow, as in in:i32:9:arange",
                       text);
    if (param.size != 8)
      return error.set(Code::Argument, "--arg: `{}` is a pointer, and `{}` has {} bytes", text,
                       param.name, param.size);
    argument.tensor = {*elem, {count}, {}};
    if (argument.read)
      return fill(argument.tensor, param.name, parts.size() == 4 ? parts[3] : "", seed, {}, error);
    poison(argument.tensor);
    return true;
  }
  int64_t integer = 0;
  double real = 0;
  argument.scalar.resize(param.size);
  if (parseNumber(text, integer) && param.size <= 8) {
    std::memcpy(argument.scalar.data(), &integer, param.size); // the low bytes
    return true;
  }
  if (!parseNumber(text, real) || (param.size != 4 && param.size != 8))
    return error.set(Code::Argument, "--arg: `{}` is no number for `{}`, which has {} bytes", text,
                     param.name, param.size);
  if (param.size == 4) {
    const float single = static_cast<float>(real);
    std::memcpy(argument.scalar.data(), &single, 4);
  } else {
    std::memcpy(argument.scalar.data(), &real, 8);
  }
  return true;
}

/// One launch, from arguments that are made anew.
struct Run {
  emu::Launch launch;
  std::vector<emu::Module::Param> params;
  std::vector<Argument> arguments;

  bool prepare(const Options &options, const emu::Module &module, Error &error) {
    launch.entry = options.entry;
    params = module.params(options.entry);
    const auto entries = module.entries();
    if (std::find(entries.begin(), entries.end(), options.entry) == entries.end())
      return error.set(Code::NotFound, "--entry: `{}` is no kernel of {}; it has {}", options.entry,
                       options.input, fmt::join(entries, ", "));
    if (options.args.size() != params.size()) {
      std::vector<std::string> names;
      for (const auto &param : params)
        names.push_back(fmt::format("`{}` ({} bytes)", param.name, param.size));
      return error.set(Code::Argument, "`{}` takes {} parameters, {}; there are {} of --arg",
                       options.entry, params.size(), fmt::join(names, ", "), options.args.size());
    }
    if (!parseDims("--grid", options.grid, launch.grid, error) ||
        !parseDims("--block", options.block, launch.block, error))
      return false;
    launch.sharedBytes = options.shared;
    launch.seed = options.seed;
    launch.hostThreads = options.threads.value_or(0);
    launch.checkRaces = options.races;
    launch.exactMma = options.exactMma;
    launch.instructionLimit = options.maxInstructions.value_or(launch.instructionLimit);
    if (!options.async.empty() && options.async != "lazy" && options.async != "eager" &&
        options.async != "random")
      return error.set(Code::Argument, "--async: `{}`, expected `lazy`, `eager` or `random`",
                       options.async);
    launch.async = options.async == "eager"    ? emu::Launch::Async::Eager
                   : options.async == "random" ? emu::Launch::Async::Random
                                               : emu::Launch::Async::Lazy;
    if (!params.empty())
      launch.params.resize(params.back().offset + params.back().size);
    arguments.resize(params.size());
    for (size_t i = 0; i < params.size(); ++i) {
      Argument &argument = arguments[i];
      if (!parseArgument(options.args[i], params[i], options.seed, argument, error))
        return false;
      if (argument.buffer) {
        launch.pointers.push_back({params[i].offset, static_cast<int>(launch.buffers.size()), 0});
        launch.buffers.push_back({params[i].name, argument.tensor.bits.data(),
                                  argument.tensor.bits.size(), argument.read});
      } else {
        std::memcpy(launch.params.data() + params[i].offset, argument.scalar.data(),
                    argument.scalar.size());
      }
    }
    return true;
  }

  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const emu::Buffer &buffer : launch.buffers)
      sum += buffer.bytes;
    return sum;
  }

  /// The first elements of what the kernel may have written.
  std::string outputs() const {
    constexpr size_t most = 8;
    std::string text;
    for (size_t i = 0; i < arguments.size(); ++i) {
      const HostTensor &tensor = arguments[i].tensor;
      if (!arguments[i].written)
        continue;
      text += fmt::format("{} {}[{}]:", params[i].name, rt::name(tensor.elem), tensor.size());
      for (size_t k = 0; k < std::min(most, tensor.size()); ++k)
        text += fmt::format(" {:.7g}", rt::load(tensor.elem, tensor.bits.data(), k));
      text += tensor.size() > most ? " ...\n" : "\n";
    }
    return text;
  }
};

bool mutate(const Options &options, const std::string &ptx, std::string &text, std::string &fault,
            Error &error) {
  using Async = emu::Launch::Async;
  const emu::MutationScore score =
      emu::mutationScore(ptx, options.input, options.entry, [&](const emu::Module &module) {
        for (const auto &[async, seed] : {std::pair{Async::Lazy, 0},
                                          {Async::Eager, 0},
                                          {Async::Random, 1},
                                          {Async::Random, 2}}) {
          Run run;
          if (!run.prepare(options, module, error))
            return false;
          run.launch.async = async;
          run.launch.seed = static_cast<uint64_t>(seed);
          if (!emu::launch(module, run.launch).ok)
            return true;
        }
        return false;
      });
  (score.survivors.empty() ? text : fault) = score.text();
  return !error;
}

} // namespace

bool runPlain(const Options &options, const std::string &ptx, std::string &text, std::string &fault,
              Error &error) {
  emu::Report report;
  const auto module = emu::Module::load(ptx, options.input, report);
  if (!module)
    return error.set(Code::Module, "{}", report.text);
  Run run;
  if (!run.prepare(options, *module, error))
    return false;
  const emu::Result result = emu::launch(*module, run.launch);
  if (!result.ok)
    fault = result.report.text + "\n";
  else if (options.mutate)
    return mutate(options, ptx, text, fault, error);
  std::optional<Roofline> bound;
  if (!options.roofline.empty() && result.ok) {
    bound = roofline(options.roofline, result.counters, run.bytes(), {}, error);
    if (!bound)
      return false;
  }
  if (options.json) {
    nlohmann::ordered_json root;
    root["kernel"] = options.entry;
    root["device"] = "emulator";
    root["pass"] = result.ok;
    root["seconds"] = result.seconds;
    root["counters"] = rt::countersJson(result.counters);
    if (bound)
      root["roofline"] = bound->json();
    if (!result.ok)
      root["fault"] = {{"id", result.report.id}, {"text", result.report.text}};
    text += root.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    return true;
  }
  if (!result.ok)
    return true;
  text += fmt::format("{} on emulator, grid ({}), block ({}), {:.3f} s: no fault was found\n",
                      options.entry, fmt::join(run.launch.grid, ", "),
                      fmt::join(run.launch.block, ", "), result.seconds) +
          run.outputs();
  if (options.counters)
    for (const auto &[name, count] : result.counters)
      text += fmt::format("  {:<28} {:>14}\n", name, count);
  if (bound)
    text += bound->text();
  return true;
}

} // namespace fc::run
