#include "PtxFile.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace fc::emu::test {

namespace {

/// `key=value key=[...]->[...]` split at blanks outside brackets.
std::vector<std::string> splitWords(const std::string &text) {
  std::vector<std::string> words;
  std::string word;
  int depth = 0;
  for (char c : text) {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (depth == 0 && (c == ' ' || c == '\t')) {
      if (!word.empty())
        words.push_back(word);
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty())
    words.push_back(word);
  return words;
}

uint64_t parseValue(const std::string &text, unsigned width) {
  if (text.size() > 1 && text.substr(0, 2) != "0x") {
    if (text.back() == 'f')
      return std::bit_cast<uint32_t>(std::stof(text.substr(0, text.size() - 1)));
    if (text.back() == 'd')
      return std::bit_cast<uint64_t>(std::stod(text.substr(0, text.size() - 1)));
  }
  size_t used = 0;
  uint64_t value =
      text[0] == '-' ? uint64_t(std::stoll(text, &used, 0)) : std::stoull(text, &used, 0);
  if (used != text.size())
    throw std::runtime_error("`" + text + "` is no value");
  return width == 64 ? value : value & ((uint64_t(1) << width) - 1);
}

std::vector<std::optional<uint64_t>> parseList(std::string text, unsigned width) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']')
    throw std::runtime_error("expected [...], found `" + text + "`");
  for (char &c : text)
    if (c == ',' || c == '[' || c == ']')
      c = ' ';
  std::vector<std::optional<uint64_t>> values;
  std::istringstream stream(text);
  for (std::string item; stream >> item;) {
    size_t times = 1;
    if (size_t star = item.find('*'); star != std::string::npos) {
      times = std::stoul(item.substr(star + 1));
      item.resize(star);
    }
    if (size_t dots = item.find(".."); dots != std::string::npos) {
      int64_t from = std::stoll(item.substr(0, dots)), to = std::stoll(item.substr(dots + 2));
      for (size_t k = 0; k < times; ++k)
        for (int64_t v = from; v <= to; ++v)
          values.push_back(uint64_t(v) & (width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1));
      continue;
    }
    for (size_t k = 0; k < times; ++k)
      values.push_back(item == "_" ? std::nullopt : std::optional(parseValue(item, width)));
  }
  return values;
}

std::array<uint32_t, 3> parseDims(const std::string &text) {
  std::array<uint32_t, 3> dims{1, 1, 1};
  std::istringstream stream(text);
  std::string part;
  for (unsigned i = 0; i < 3 && std::getline(stream, part, ','); ++i)
    dims[i] = uint32_t(std::stoul(part));
  return dims;
}

RunLine parseRun(const std::string &text, unsigned line) {
  RunLine run;
  run.line = line;
  for (const std::string &word : splitWords(text)) {
    size_t equals = word.find('=');
    if (equals == std::string::npos)
      throw std::runtime_error("expected key=value, found `" + word + "`");
    std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    unsigned width = 32;
    std::string subject;
    if (size_t colon = key.find(':'); colon != std::string::npos) {
      subject = key.substr(colon + 1);
      key.resize(colon);
    }
    if (key == "in" || key == "out" || key == "inout") {
      if (!subject.empty())
        width = unsigned(std::stoul(subject));
      Argument argument{key == "in"    ? Argument::Kind::In
                        : key == "out" ? Argument::Kind::Out
                                       : Argument::Kind::InOut,
                        width,
                        {},
                        {}};
      std::string given = value, wanted = value;
      if (size_t arrow = value.find("->"); arrow != std::string::npos) {
        given = value.substr(0, arrow);
        wanted = value.substr(arrow + 2);
      }
      if (key != "out")
        for (auto v : parseList(given, width))
          argument.values.push_back(v.value());
      if (key != "in")
        argument.expected = parseList(wanted, width);
      run.arguments.push_back(std::move(argument));
    } else if (key == "u32" || key == "u64" || key == "f32") {
      width = key == "u64" ? 64 : 32;
      run.arguments.push_back({Argument::Kind::Scalar, width, {parseValue(value, width)}, {}});
    } else if (key == "kernel") {
      run.kernel = value;
    } else if (key == "grid") {
      run.grid = parseDims(value);
    } else if (key == "block") {
      run.block = parseDims(value);
    } else if (key == "shared") {
      run.shared = uint32_t(std::stoul(value));
    } else if (key == "async") {
      run.async = value == "eager"    ? Launch::Async::Eager
                  : value == "random" ? Launch::Async::Random
                                      : Launch::Async::Lazy;
    } else if (key == "seed") {
      run.seed = std::stoull(value);
    } else if (key == "limit") {
      run.limit = std::stoull(value);
    } else if (key == "twin") {
      run.twin = value;
    } else if (key == "threads") {
      run.threads = std::stoi(value);
    } else if (key == "races") {
      run.races = value == "on";
    } else if (key == "mma") {
      run.exactMma = value == "exact";
    } else if (key == "fails") {
      run.fails = value;
    } else if (key == "counter") {
      run.counters.emplace_back(subject, std::stoull(value));
    } else {
      throw std::runtime_error("`" + key + "` is not known");
    }
  }
  return run;
}

} // namespace

PtxFile readPtxFile(const std::string &path) {
  PtxFile file;
  file.path = path;
  file.name = std::filesystem::path(path).filename();
  std::ifstream stream(path);
  std::stringstream all;
  all << stream.rdbuf();
  file.text = all.str();
  std::istringstream lines(file.text);
  std::string line, pending;
  unsigned number = 0, pendingLine = 0;
  auto flush = [&] {
    if (pending.empty())
      return;
    try {
      file.runs.push_back(parseRun(pending, pendingLine));
    } catch (const std::exception &error) {
      throw std::runtime_error(fmt::format("{}:{}: {}", path, pendingLine, error.what()));
    }
    pending.clear();
  };
  while (std::getline(lines, line)) {
    ++number;
    if (line.rfind("//   ", 0) == 0 && !pending.empty()) {
      pending += line.substr(2);
      continue;
    }
    flush();
    if (line.rfind("// run: ", 0) == 0) {
      pending = line.substr(8);
      pendingLine = number;
    } else if (line.rfind("//> ", 0) == 0 && !file.runs.empty()) {
      file.runs.back().golden += line.substr(4) + "\n";
    } else if (line.rfind("// error: ", 0) == 0) {
      file.loadError = line.substr(10);
    } else if (line.rfind(".target ", 0) == 0) {
      file.target = line.substr(8, line.find_first_of(" ,\r", 8) - 8);
    }
  }
  flush();
  return file;
}

std::string runLine(const PtxFile &file, const Module &module, const RunLine &run,
                    std::string *report) {
  Launch launch;
  launch.entry = run.kernel.empty() ? module.entries().at(0) : run.kernel;
  launch.grid = run.grid;
  launch.block = run.block;
  launch.sharedBytes = run.shared;
  launch.async = run.async;
  launch.seed = run.seed;
  launch.hostThreads = run.threads;
  launch.checkRaces = run.races;
  launch.instructionLimit = run.limit;
  launch.exactMma = run.exactMma;
  std::vector<Module::Param> params = module.params(launch.entry);
  if (params.size() != run.arguments.size())
    return fmt::format("{} arguments for {} parameters", run.arguments.size(), params.size());
  std::vector<std::vector<uint8_t>> storage(params.size());
  if (!params.empty())
    launch.params.resize(params.back().offset + params.back().size);
  for (size_t i = 0; i < params.size(); ++i) {
    const Argument &argument = run.arguments[i];
    unsigned bytes = argument.width / 8;
    if (argument.kind == Argument::Kind::Scalar) {
      if (params[i].size != bytes)
        return fmt::format("argument {} has {} bytes, its parameter {}", i, bytes, params[i].size);
      std::memcpy(launch.params.data() + params[i].offset, argument.values.data(), bytes);
      continue;
    }
    bool initialized = argument.kind != Argument::Kind::Out;
    size_t count = initialized ? argument.values.size() : argument.expected.size();
    storage[i].assign(count * bytes, 0xcd);
    for (size_t k = 0; initialized && k < count; ++k)
      std::memcpy(storage[i].data() + k * bytes, &argument.values[k], bytes);
    launch.pointers.push_back({params[i].offset, int(launch.buffers.size()), 0});
    launch.buffers.push_back({params[i].name, storage[i].data(), storage[i].size(), initialized});
  }
  Result result = emu::launch(module, launch);
  if (report)
    *report = result.report.text;
  if (!run.fails.empty()) {
    if (result.ok)
      return "it passed, but has to fail with " + run.fails;
    if (result.report.id != run.fails)
      return fmt::format("it failed with {}, expected {}:\n{}", result.report.id, run.fails,
                         result.report.text);
    if (!run.golden.empty() && result.report.text + "\n" != run.golden)
      return "the report is\n" + result.report.text + "\nexpected\n" + run.golden;
    return "";
  }
  if (!result.ok)
    return "it failed:\n" + result.report.text;
  std::string wrong;
  for (size_t i = 0; i < params.size(); ++i) {
    const Argument &argument = run.arguments[i];
    unsigned bytes = argument.width / 8, shown = 0;
    for (size_t k = 0; k < argument.expected.size(); ++k) {
      uint64_t seen = 0;
      std::memcpy(&seen, storage[i].data() + k * bytes, bytes);
      if (argument.expected[k] && *argument.expected[k] != seen && ++shown <= 8)
        wrong += fmt::format("argument {}, element {}: 0x{:x}, expected 0x{:x}\n", i, k, seen,
                             *argument.expected[k]);
    }
  }
  for (const auto &[name, value] : run.counters)
    if (!result.counters.count(name) || result.counters.at(name) != value)
      wrong += fmt::format("counter {} is {}, expected {}\n", name,
                           result.counters.count(name) ? result.counters.at(name) : 0, value);
  return wrong;
}

std::string withGoldenReports(const PtxFile &file) {
  Report error;
  auto module = Module::load(file.text, file.name, error);
  if (!module)
    return file.text;
  std::string text, line;
  std::istringstream lines(file.text);
  unsigned number = 0;
  const RunLine *current = nullptr;
  bool inRun = false;
  auto finish = [&] {
    if (!current || current->fails.empty())
      return;
    std::string report;
    runLine(file, *module, *current, &report);
    std::istringstream reportLines(report);
    for (std::string one; std::getline(reportLines, one);)
      text += "//> " + one + "\n";
  };
  while (std::getline(lines, line)) {
    ++number;
    if (line.rfind("//> ", 0) == 0)
      continue;
    if (inRun && line.rfind("//   ", 0) != 0) {
      finish();
      inRun = false;
    }
    for (const RunLine &run : file.runs)
      if (run.line == number) {
        current = &run;
        inRun = true;
      }
    text += line + "\n";
  }
  return text;
}

} // namespace fc::emu::test
