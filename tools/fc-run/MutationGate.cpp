// MutationGate.cpp - every mutant of a kernel's synchronisation, run until one mode reports it
#include "tools/fc-run/MutationGate.h"
#include "runtime/emulator/Mutate.h"

namespace fc::run {
namespace {

struct Mode {
  const char *async, *seed;
};
constexpr Mode modes[] = {{"lazy", "0"}, {"eager", "0"}, {"random", "1"}, {"random", "2"}};

/// Whether a run in this mode ends in a fault that the emulator reports.
bool reports(const Options &options, const std::string &ptx, const Mode &mode) {
  rt::Error error;
  const auto device = rt::openDevice("emulator", error);
  if (!device || !device->setOption("async", mode.async, error) ||
      !device->setOption("seed", mode.seed, error))
    return false;
  const auto module = rt::Module::load(device, ptx, options.input, error);
  if (!module)
    return false;
  Session session(options, module);
  return session.prepare(error) && !session.run(error) && error.code == rt::Code::Fault;
}

} // namespace

bool mutationGate(const Options &options, const std::string &ptx, std::string &text,
                  bool &allCaught, rt::Error &error) {
  const auto device = rt::openDevice("emulator", error);
  const auto module = device ? rt::Module::load(device, ptx, options.input, error) : nullptr;
  if (!module)
    return false;
  Session session(options, module);
  if (!session.prepare(error) || !session.run(error))
    return false; // nothing can be learnt of a kernel that fails by itself
  // Of each kernel, the entries of the variant that ran.
  std::set<std::string> run;
  const auto kernels = session.kernels();
  for (size_t k = 0; k < kernels.size() && k < session.variants.size(); ++k)
    for (const rt::Variant &variant : kernels[k]->variants)
      if (variant.name == session.variants[k])
        for (const rt::LaunchSpec &launch : variant.launches)
          run.insert(launch.entry);

  emu::MutationScore score;
  for (const emu::Mutant &mutant : emu::syncMutants(ptx, options.input)) {
    if (!run.count(mutant.kernel))
      continue;
    ++score.mutants;
    bool caught = false;
    for (const Mode &mode : modes)
      caught = caught || reports(options, mutant.ptx, mode);
    if (caught)
      ++score.caught;
    else
      score.survivors.push_back(mutant);
  }
  text = score.text();
  allCaught = score.survivors.empty();
  return true;
}

} // namespace fc::run
