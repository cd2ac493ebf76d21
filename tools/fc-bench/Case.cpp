// Case.cpp - see Case.h.
#include "tools/fc-bench/Case.h"
#include "tools/fc-run/Check.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace fc::bench {

using rt::Code;
using rt::Error;
using run::HostTensor;

bool completeDims(const rt::Module &module, Dims &dims, Error &error) {
  Dims complete;
  for (const rt::KernelSpec &kernel : module.manifest().kernels)
    for (const rt::Dimension &dim : kernel.dims) {
      auto given = [&](const char *name) {
        const auto found = dims.find(name);
        return found == dims.end() ? std::nullopt : std::optional(found->second);
      };
      auto value = given(dim.name.c_str());
      if (!value && dim.name == "B")
        value = 1;
      if (!value && dim.name == "G")
        value = given("H");
      if (!value && dim.name == "N")
        value = given("M");
      if (!value)
        return error.set(Code::Refused, "dimension `{}` has no value: give --shape {}=...",
                         dim.name, dim.name);
      complete[dim.name] = *value;
    }
  dims = std::move(complete);
  return true;
}

Case::~Case() {
  for (const auto &[name, block] : memory)
    module->device().release(block);
}

bool Case::check(const std::string &source, Check &found, Error &error) {
  if (!session.run(error))
    return false;
  std::vector<run::Comparison> comparisons;
  if (!run::check(options, session, source, comparisons, error))
    return false;
  found.at = session.dims;
  for (const run::Comparison &it : comparisons) {
    found.relL2 = std::max(found.relL2, it.relL2);
    found.maxAbs = std::max(found.maxAbs, it.maxAbs);
    if (!it.pass)
      return error.set(Code::Refused, "`{}` is wrong: the worst is {}", it.name, it.worst);
  }
  return true;
}

bool Case::place(Error &error) {
  rt::Device &device = module->device();
  for (const rt::KernelSpec *kernel : session.kernels()) {
    rt::Launch &launch = launches.emplace_back(module, *module->find(kernel->name));
    for (const auto &[name, value] : session.dims)
      if (kernel->dim(name) && !launch.setDim(name, value, error))
        return false;
    for (const auto &[name, value] : session.scalars)
      if (kernel->param(name) && !launch.setScalar(name, value, error))
        return false;
    for (const rt::Param &param : kernel->params) {
      if (!param.isTensor())
        continue;
      const auto input = session.inputs.find(param.name);
      const HostTensor &tensor = !param.output && input != session.inputs.end()
                                     ? input->second
                                     : session.outputs.at(param.name);
      void *&block = memory[param.name];
      if (!block && (!(block = device.allocate(tensor.bits.size(), error)) ||
                     !device.upload(block, tensor.bits.data(), tensor.bits.size(), nullptr, error)))
        return false;
      if (!launch.setTensor(param.name, {block, tensor.elem, tensor.shape, {}}, error))
        return false;
    }
  }
  return true;
}

bool Case::enqueue(void *stream, Error &error) {
  for (rt::Launch &launch : launches)
    if (!launch.run(stream, error))
      return false;
  return true;
}

bool Case::checkWritten(Error &error) {
  for (const std::string &name : session.outputOrder) {
    HostTensor tensor = session.outputs.at(name);
    if (!module->device().download(tensor.bits.data(), memory.at(name), tensor.bits.size(), nullptr,
                                   error))
      return false;
    const auto size = static_cast<size_t>(bytesOf(tensor.elem));
    const uint64_t poison = run::poisonBits(tensor.elem);
    for (size_t i = 0; i < tensor.size(); ++i) {
      uint64_t bits = 0;
      std::memcpy(&bits, tensor.bits.data() + i * size, size);
      if (isFloat(tensor.elem) && std::isnan(rt::toDouble(tensor.elem, bits)))
        return error.set(Code::Refused, "element {} of `{}` is {}", i, name,
                         bits == poison ? "never written" : "NaN");
    }
  }
  return true;
}

std::string Case::variants() const {
  std::vector<std::string> names;
  for (const rt::Launch &launch : launches)
    if (std::find(names.begin(), names.end(), launch.variant()) == names.end())
      names.push_back(launch.variant());
  return fmt::format("{}", fmt::join(names, ", "));
}

} // namespace fc::bench
