// Mutate.cpp - see Mutate.h. Works on the text, so that a mutant goes the way of any module.
#include "runtime/emulator/Mutate.h"
#include "runtime/emulator/Ptx.h"

#include <algorithm>
#include <fmt/format.h>

namespace fc::emu {

namespace {

bool synchronises(const ptx::Instruction &inst) {
  auto has = [&](std::string_view word) {
    return std::find(inst.modifiers.begin(), inst.modifiers.end(), word) != inst.modifiers.end();
  };
  if (inst.opcode == "bar" || inst.opcode == "barrier" || inst.opcode == "fence" ||
      inst.opcode == "membar")
    return !has("red"); // its value is used, so leaving it out would not be PTX
  return inst.opcode == "cp" && (has("commit_group") || has("wait_group") || has("wait_all"));
}

} // namespace

std::vector<Mutant> syncMutants(std::string_view ptx, std::string_view name) {
  std::vector<Mutant> mutants;
  ptx::ParsedModule module;
  try {
    module = ptx::parse(ptx, name);
  } catch (const ptx::Error &) {
    return mutants;
  }
  for (const ptx::Function &function : module.functions)
    for (const ptx::Instruction &inst : function.body) {
      if (!synchronises(inst))
        continue;
      size_t begin = size_t(inst.text.data() - module.source.data());
      size_t end = begin + inst.text.size();
      if (inst.guard >= 0)
        begin = module.source.rfind('@', begin);
      Mutant mutant{inst.line, std::string(inst.text), std::string(function.name), module.source};
      for (size_t i = begin; i < end; ++i)
        if (mutant.ptx[i] != '\n')
          mutant.ptx[i] = ' ';
      mutants.push_back(std::move(mutant));
    }
  return mutants;
}

std::string MutationScore::text() const {
  std::string text = fmt::format("{} of {} mutants are caught\n", caught, mutants);
  for (const Mutant &mutant : survivors)
    text += fmt::format("  line {} of `{}`: leaving out `{}` is not noticed\n", mutant.line,
                        mutant.kernel, mutant.instruction);
  return text;
}

MutationScore mutationScore(std::string_view ptx, std::string_view name, std::string_view kernel,
                            const std::function<bool(const Module &)> &caught) {
  MutationScore score;
  for (Mutant &mutant : syncMutants(ptx, name)) {
    if (!kernel.empty() && mutant.kernel != kernel)
      continue;
    ++score.mutants;
    Report error;
    auto module = Module::load(mutant.ptx, name, error);
    if (!module || caught(*module))
      ++score.caught;
    else
      score.survivors.push_back(std::move(mutant));
  }
  return score;
}

} // namespace fc::emu
