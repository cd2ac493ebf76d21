// main.cpp - fc-run: loads or compiles, runs, checks, reports.
#include "runtime/Npy.h"
#include "runtime/emulator/Opcodes.h"
#include "tools/fc-run/Compile.h"
#include "tools/fc-run/MutationGate.h"
#include "tools/fc-run/Plain.h"
#include "tools/fc-run/Report.h"
#include "tools/fc-run/Roofline.h"
#include "tools/fc-run/Sha256.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

using namespace fc;
using namespace fc::run;

namespace {

constexpr int passed = 0, failed = 1, unusable = 2;

int fail(const rt::Error &error) {
  fmt::print(stderr, "fc-run: {}\n", error.message);
  return unusable;
}

bool setUp(const Options &options, rt::Device &device, rt::Error &error) {
  std::map<std::string, std::string> settings;
  if (device.name() == "emulator")
    settings["seed"] = fmt::format("{}", options.seed);
  if (!options.async.empty())
    settings["async"] = options.async;
  if (options.threads)
    settings["threads"] = fmt::format("{}", *options.threads);
  if (options.sms)
    settings["sms"] = fmt::format("{}", *options.sms);
  if (!options.races)
    settings["races"] = "off";
  if (options.exactMma)
    settings["exact-mma"] = "on";
  if (options.maxInstructions)
    settings["max-instructions"] = fmt::format("{}", *options.maxInstructions);
  for (const auto &[key, value] : settings)
    if (!device.setOption(key, value, error))
      return false;
  return true;
}

/// What is said of compiling means nothing for a PTX, which was compiled already.
bool checkCompileOptions(const Options &options, rt::Error &error) {
  if (options.input.empty() || isSource(options.input))
    return true;
  const char *given = !options.defines.empty()    ? "-D"
                      : !options.target.empty()   ? "--target"
                      : !options.strategy.empty() ? "--strategy"
                      : !options.schedule.empty() ? "--schedule"
                                                  : nullptr;
  return !given ||
         error.set(rt::Code::Argument, "{}: `{}` is compiled already; this option is for a .fc",
                   given, options.input);
}

/// The .fc that a check is against; empty if none was given and none is known.
std::string sourceOf(const Options &options, const rt::Module &module) {
  return !options.checkFile.empty() ? options.checkFile
         : isSource(options.input)  ? options.input
                                    : module.manifest().sourcePath;
}

/// Says so if the PTX was made of another text than the one that it is compared with.
void warnOfOtherText(const std::string &path, const rt::Module &module) {
  std::string text;
  rt::Error ignored; // a file that cannot be read is the check's error
  const std::string &digest = module.manifest().sourceSha256;
  if (!digest.empty() && readFile(path, text, ignored) && sha256(text) != digest)
    fmt::print(stderr, "fc-run: warning: `{}` is not the text that `{}` was made of\n", path,
               module.name());
}

/// A kernel of a PTX that fcc need not have made.
int runOther(const Options &options) {
  rt::Error error;
  std::string ptx, text, fault;
  if (!readFile(options.input, ptx, error) || !runPlain(options, ptx, text, fault, error))
    return fail(error);
  fmt::print("{}", text);
  fmt::print(stderr, "{}", fault);
  return fault.empty() ? passed : failed;
}

int runTool(const Options &options) {
  if (options.listChecks) {
    fmt::print("{}", checksText());
    return passed;
  }
  if (options.listPtx) {
    fmt::print("{}", emu::listPtx());
    return passed;
  }
  rt::Error error;
  if (!checkCompileOptions(options, error))
    return fail(error);
  if (!options.entry.empty())
    return runOther(options);
  const auto device = rt::openDevice(options.device, error);
  if (!device || !setUp(options, *device, error))
    return fail(error);
  std::string ptx;
  if (isSource(options.input) ? !compile(options, ptx, error)
                              : !readFile(options.input, ptx, error))
    return fail(error);
  // Lines that the emulator names are those of the PTX, also when it was made just now.
  const std::string name = isSource(options.input) ? options.input + ".ptx" : options.input;
  const auto module = rt::Module::load(device, ptx, name, error);
  if (!module)
    return fail(error);
  if (options.list) {
    fmt::print("{}", listText(*module));
    return passed;
  }
  if (options.mutate) {
    std::string text;
    bool allCaught = false;
    if (!mutationGate(options, ptx, text, allCaught, error))
      return fail(error);
    fmt::print("{}", text);
    return allCaught ? passed : failed;
  }

  Session session(options, module);
  if (!session.prepare(error))
    return fail(error);
  std::vector<Comparison> comparisons;
  rt::Error fault;
  if (!session.run(fault)) {
    if (fault.code != rt::Code::Fault)
      return fail(fault);
    fmt::print(stderr, "{}\n", fault.message);
    // An index out of its tensor may be the inputs' fault: the reference knows.
    if (options.check && !check(options, session, sourceOf(options, *module), comparisons, error))
      fmt::print(stderr, "note: {}\n", error.message);
    comparisons.clear();
    if (options.json)
      fmt::print("{}", json(options, session, comparisons, fault));
    return failed;
  }
  for (const auto &[name, path] : options.out) {
    const HostTensor &tensor = session.outputs.at(name);
    if (!writeNpy(path, tensor.elem, tensor.shape, tensor.bits.data(), error))
      return fail(error);
  }
  if (options.check) {
    const std::string source = sourceOf(options, *module);
    warnOfOtherText(source, *module);
    if (!check(options, session, source, comparisons, error))
      return fail(error);
  }
  std::optional<Roofline> bound;
  if (!options.roofline.empty()) {
    bound =
        roofline(options.roofline, session.counters, session.tensorBytes(), session.grids, error);
    if (!bound)
      return fail(error);
  }
  fmt::print("{}", options.json
                       ? json(options, session, comparisons, fault, bound)
                       : table(options, session, comparisons) + (bound ? bound->text() : ""));
  for (const Comparison &it : comparisons)
    if (!it.pass)
      return failed;
  return passed;
}

} // namespace

int main(int argc, char **argv) {
  try {
    const CommandLine line = parseCommandLine(argc, argv);
    int code = line.exitCode;
    if (line.options)
      code = runTool(*line.options);
    else
      fmt::print(code == passed ? stdout : stderr, "{}", line.text);
    // What is printed goes out when the buffer does; a full disk shows here.
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
      fmt::print(stderr, "fc-run: cannot write to standard output: {}\n", std::strerror(errno));
      return unusable;
    }
    return code;
  } catch (const std::bad_alloc &) {
    fmt::print(stderr, "fc-run: out of memory: tensors of these sizes do not fit this machine\n");
    return unusable;
  } catch (const std::exception &exception) {
    fmt::print(stderr, "fc-run: {}\n", exception.what());
    return unusable;
  }
}
