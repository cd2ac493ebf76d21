// Explain.cpp - reading --explain, --picture and the example launch
#include "tools/fcc/Explain.h"
#include "runtime/Npy.h"
#include "tools/fc-run/Inputs.h"
#include "tools/fc-run/Pairs.h"
#include <CLI/CLI.hpp>

namespace fc {

void ExplainCommand::addTo(CLI::App &app) {
  app.add_option("--explain", format,
                 "say what the compiler decided and why, on standard output: text or json")
      ->type_name("[text|json]")
      ->expected(0, 1)
      ->default_str("text")
      ->group("Explaining");
  app.add_option("--picture", picture, "draw the tiles of the mask, as an .svg (needs --shape)")
      ->type_name("FILE")
      ->group("Explaining");
  app.add_option(
         "--shape", shape,
         "a launch: with all dimensions a hint for the choice of tiles, B=1,H=8,G=8,M=512,N=512; "
         "an example to count tiles at, M=512,N=512")
      ->type_name("NAME=N,...")
      ->expected(1, 64)
      ->allow_extra_args(false)
      ->group("Explaining");
  app.add_option("--at", at, "the program to look at, by the scalar axes of the grid: b=0,h=3")
      ->type_name("NAME=N,...")
      ->expected(1, 64)
      ->allow_extra_args(false)
      ->group("Explaining");
  app.add_option("--set", set, "a scalar of the example launch: left=255")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->group("Explaining");
  app.add_option("--fill", fill, "how an input of it is filled, as for fc-run: doc=steps:4")
      ->type_name("NAME=HOW")
      ->allow_extra_args(false)
      ->group("Explaining");
  app.add_option("--in", in, "an input of it from a .npy file: len=len.npy")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false)
      ->group("Explaining");
  app.add_option("--seed", seed, "of the example inputs")->type_name("N")->group("Explaining");
}

namespace {

/// Whether there is no message; if there is one, it is the error.
bool isRight(std::optional<std::string> message, std::string &error) {
  if (message)
    error = *std::move(message);
  return !message;
}

/// An input as fc-run makes it.
std::optional<dsl::Array> makeInput(const dsl::Tensor &tensor, const std::vector<int64_t> &shape,
                                    const dsl::Dims &dims, const std::string &file,
                                    const std::string &how, uint64_t seed, std::string &error) {
  run::HostTensor host{*rt::parseElem(dsl::name(tensor.elem)), shape, {}};
  rt::Error wrong;
  bool ok = true;
  if (file.empty()) {
    ok = run::fill(host, tensor.name, how, seed, dims, wrong);
  } else {
    rt::NpyArray array;
    ok = readNpy(file, array, wrong) && convertNpy(array, file, host.elem, host.bits, wrong);
    if (ok && array.shape != shape)
      ok = wrong.set(rt::Code::Refused, "`{}` does not have the shape of `{}` at --shape", file,
                     tensor.name);
  }
  if (!ok) {
    error = wrong.message;
    return std::nullopt;
  }
  return dsl::Array::fromBytes(tensor.elem, shape, host.bits.data());
}

} // namespace

bool ExplainCommand::read(ExplainOptions &options, std::string &error) {
  auto fail = [&](const std::string &message) {
    error = message;
    return false;
  };
  if (!format.empty() && format != "text" && format != "json")
    return fail("`--explain=" + format + "`: there are text and json");
  options.asJson = format == "json";
  options.conditions = &conditions;
  options.draw = !picture.empty();
  if (options.draw && (picture.size() < 5 || picture.substr(picture.size() - 4) != ".svg"))
    return fail("--picture draws an .svg, and `" + picture + "` is none");
  const bool launched = !shape.empty();
  if (!wanted() && (!at.empty() || !set.empty() || !fill.empty() || !in.empty()))
    return fail("--at, --set, --fill and --in are for --explain and --picture");
  if (options.draw && !launched)
    return fail("--picture needs a launch to draw: --shape M=512,N=512");
  if (!launched && (!at.empty() || !set.empty() || !fill.empty() || !in.empty()))
    return fail("--at, --set, --fill and --in say more of the launch that --shape gives; there is "
                "no --shape");
  if (!launched)
    return true;
  explain::LaunchRequest &request = options.launch.emplace();
  std::map<std::string, std::string> files, fills;
  if (!isRight(run::parseNumbers("--shape", shape, request.dims), error) ||
      !isRight(run::parseNumbers("--at", at, request.at), error) ||
      !isRight(run::parsePairs("--set", set, request.scalars), error) ||
      !isRight(run::parsePairs("--fill", fill, fills), error) ||
      !isRight(run::parsePairs("--in", in, files), error))
    return false;
  dims = request.dims;
  request.input = [files, fills, seed = seed](const dsl::Tensor &tensor,
                                              const std::vector<int64_t> &shape,
                                              const dsl::Dims &dims, std::string &error) {
    auto file = files.find(tensor.name);
    auto how = fills.find(tensor.name);
    return makeInput(tensor, shape, dims, file == files.end() ? "" : file->second,
                     how == fills.end() ? "" : how->second, seed, error);
  };
  return true;
}

} // namespace fc
