// Results.cpp - results to JSON and back; see Results.h.
#include "tools/fc-bench/Results.h"
#include "tools/fc-run/Compile.h"
#include <nlohmann/json.hpp>

namespace fc::bench {
namespace {

using Json = nlohmann::ordered_json;

Json toJson(const Measured &it) {
  Json json = {{"median_us", it.time.median}, {"p50_us", it.time.p50},
               {"p90_us", it.time.p90},       {"p99_us", it.time.p99},
               {"min_us", it.time.least},     {"mean_us", it.time.mean},
               {"error_us", it.time.error},   {"runs", it.time.count},
               {"graph", it.graph},           {"runs_per_sample", it.perSample}};
  if (it.hostMicroseconds > 0)
    json["host_us"] = it.hostMicroseconds;
  const GpuState &state = it.state;
  const std::pair<const char *, std::optional<double>> values[] = {{"sm_mhz", state.smMhz},
                                                                   {"memory_mhz", state.memoryMhz},
                                                                   {"watts", state.watts},
                                                                   {"celsius", state.celsius}};
  for (const auto &[name, value] : values)
    if (value)
      json["gpu"][name] = *value;
  if (state.throttled)
    json["gpu"]["throttled"] = *state.throttled;
  return json;
}

Measured measuredOf(const Json &json) {
  Measured it;
  it.time.median = json.at("median_us");
  it.time.p50 = json.at("p50_us");
  it.time.p90 = json.at("p90_us");
  it.time.p99 = json.at("p99_us");
  it.time.least = json.at("min_us");
  it.time.mean = json.at("mean_us");
  it.time.error = json.at("error_us");
  it.time.count = json.at("runs");
  it.graph = json.at("graph");
  it.perSample = json.at("runs_per_sample");
  it.hostMicroseconds = json.value("host_us", 0.0);
  if (json.contains("gpu")) {
    const Json &gpu = json.at("gpu");
    auto read = [&](const char *name, std::optional<double> &value) {
      if (gpu.contains(name))
        value = gpu.at(name).get<double>();
    };
    read("sm_mhz", it.state.smMhz);
    read("memory_mhz", it.state.memoryMhz);
    read("watts", it.state.watts);
    read("celsius", it.state.celsius);
    if (gpu.contains("throttled"))
      it.state.throttled = gpu.at("throttled").get<bool>();
  }
  return it;
}

Json toJson(const Result &it) {
  Json json = {{"kernel", it.kernel}, {"file", it.file},       {"strategy", it.strategy},
               {"target", it.target}, {"variant", it.variant}, {"cparams", it.cparams},
               {"dims", it.dims}};
  if (!it.failure.empty()) {
    json["failure"] = it.failure;
    return json;
  }
  json["flops"] = it.flops;
  json["share"] = it.share;
  if (!it.note.empty())
    json["note"] = it.note;
  json["bytes"] = it.bytes;
  json["check"] = {{"dims", it.check.at},
                   {"same_shape", it.check.same},
                   {"rel_l2", it.check.relL2},
                   {"max_abs", it.check.maxAbs}};
  if (it.roofMicroseconds)
    json["roof_us"] = *it.roofMicroseconds;
  if (it.warm)
    json["warm"] = toJson(*it.warm);
  if (it.cold)
    json["cold"] = toJson(*it.cold);
  if (it.estimate)
    json["estimate"] = {
        {"note", "a lower bound by the emulator's counters and a data sheet; no time was measured"},
        {"bound_us", it.estimate->microseconds},
        {"bound_by", it.estimate->unit},
        {"units_us", it.estimate->units},
        {"counters", it.estimate->counters}};
  return json;
}

Result resultOf(const Json &json) {
  Result it;
  it.kernel = json.at("kernel");
  it.file = json.at("file");
  it.strategy = json.at("strategy");
  it.target = json.at("target");
  it.variant = json.at("variant");
  it.cparams = json.at("cparams").get<decltype(it.cparams)>();
  it.dims = json.at("dims").get<Dims>();
  it.failure = json.value("failure", "");
  if (!it.failure.empty())
    return it;
  it.flops = json.at("flops");
  it.share = json.at("share");
  it.note = json.value("note", "");
  it.bytes = json.at("bytes");
  const Json &check = json.at("check");
  it.check = {check.at("dims").get<Dims>(), check.at("same_shape"), check.at("rel_l2"),
              check.at("max_abs")};
  if (json.contains("roof_us"))
    it.roofMicroseconds = json.at("roof_us").get<double>();
  if (json.contains("warm"))
    it.warm = measuredOf(json.at("warm"));
  if (json.contains("cold"))
    it.cold = measuredOf(json.at("cold"));
  if (json.contains("estimate")) {
    const Json &estimate = json.at("estimate");
    it.estimate = Estimate{estimate.at("bound_us"), estimate.at("bound_by"),
                           estimate.at("units_us").get<std::map<std::string, double>>(),
                           estimate.at("counters").get<std::map<std::string, uint64_t>>()};
  }
  return it;
}

} // namespace

std::string Result::shape() const {
  std::vector<std::string> parts;
  for (const auto &[name, value] : dims)
    parts.push_back(fmt::format("{}={}", name, value));
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string Result::key() const {
  std::string key = kernel + " " + strategy + " " + target;
  for (const auto &[name, value] : cparams)
    key += fmt::format(" {}={}", name, value);
  return key + " " + shape();
}

std::string toJson(const Results &results) {
  Json json = {{"format", 1},
               {"tool", "fc-bench " + results.version},
               {"commit", results.commit},
               {"date", results.date},
               {"host", results.host},
               {"device", results.device},
               {"device_kind", results.deviceKind},
               {"driver", results.driver},
               {"cuda", results.cuda},
               {"board", results.board},
               {"runs", results.runs},
               {"warmup", results.warmup},
               {"results", Json::array()}};
  for (const Result &it : results.results)
    json["results"].push_back(toJson(it));
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

bool fromFile(const std::string &path, Results &results, rt::Error &error) {
  std::string text;
  if (!run::readFile(path, text, error))
    return false;
  try {
    const Json json = Json::parse(text);
    if (json.at("format") != 1)
      return error.set(rt::Code::Module, "`{}` is of a format that this fc-bench does not know",
                       path);
    results.commit = json.at("commit");
    results.date = json.at("date");
    results.host = json.at("host");
    results.device = json.at("device");
    results.deviceKind = json.at("device_kind");
    results.driver = json.at("driver");
    results.cuda = json.at("cuda");
    results.board = json.at("board");
    results.runs = json.at("runs");
    results.warmup = json.at("warmup");
    for (const Json &each : json.at("results"))
      results.results.push_back(resultOf(each));
    return true;
  } catch (const Json::exception &exception) {
    return error.set(rt::Code::Module, "`{}` is not what fc-bench --json writes: {}", path,
                     exception.what());
  }
}

} // namespace fc::bench
