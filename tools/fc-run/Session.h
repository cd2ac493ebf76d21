// Session.h - one run of fc-run: which kernels, with which inputs, and what came out.
#pragma once
#include "runtime/Runtime.h"
#include "tools/fc-run/Inputs.h"
#include "tools/fc-run/Options.h"
#include "tools/fc-run/Roofline.h"
#include <memory>
#include <set>

namespace fc::run {

class Session {
public:
  Session(const Options &options, std::shared_ptr<const rt::Module> module);

  /// Selects the kernels, reads and makes the inputs, finds all dimensions.
  bool prepare(rt::Error &error);
  /// Runs the kernels in order. An output is handed on to later inputs of its name (rule K1),
  /// unless a file gives that input.
  bool run(rt::Error &error);

  /// Of all inputs and outputs, each once.
  uint64_t tensorBytes() const;

  const rt::Module &module() const { return *owner; }
  std::vector<const rt::KernelSpec *> kernels() const;
  std::string kernelNames() const; ///< "scores, softmax, mix"

  std::map<std::string, int64_t> dims;
  std::map<std::string, rt::Value> scalars;  ///< those given
  std::map<std::string, HostTensor> inputs;  ///< not those that an earlier kernel makes
  std::map<std::string, HostTensor> outputs; ///< of all kernels
  std::vector<std::string> outputOrder;
  std::set<std::string> nulls;
  std::map<std::string, uint64_t> counters;
  std::vector<std::string> variants; ///< of each kernel run; "" where there was nothing to do
  std::vector<Grid> grids;           ///< of each entry run
  double seconds = 0;

private:
  bool selectKernels(rt::Error &error);
  bool checkNames(rt::Error &error) const;
  bool readFiles(rt::Error &error);
  bool bindDims(rt::Error &error);
  bool makeInputs(rt::Error &error);
  bool parseScalars(rt::Error &error);
  bool runKernel(size_t index, class DeviceMemory &memory, rt::Error &error);
  const rt::Param *param(std::string_view name) const;

  const Options &options;
  std::shared_ptr<const rt::Module> owner;
  std::vector<size_t> selected;
};

} // namespace fc::run
