// Session.cpp - selecting kernels, making inputs, running; see Session.h.
#include "tools/fc-run/Session.h"
#include "runtime/Npy.h"
#include "tools/fc-run/Progress.h"
#include <algorithm>
#include <charconv>
#include <limits>

namespace fc::run {

using rt::Code;
using rt::Elem;
using rt::Error;
using rt::KernelSpec;
using rt::Launch;
using rt::Param;

/// The device's copies of tensors, by name.
class DeviceMemory {
public:
  explicit DeviceMemory(rt::Device &device) : device(device) {}
  ~DeviceMemory() {
    for (auto &[name, memory] : blocks)
      device.release(memory);
  }
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  /// The address of `name`, with the bits of `tensor`.
  void *put(const std::string &name, const HostTensor &tensor, Error &error) {
    if (auto found = blocks.find(name); found != blocks.end()) {
      device.release(found->second);
      blocks.erase(found);
    }
    void *memory = device.allocate(tensor.bits.size(), error);
    if (!memory)
      return nullptr;
    blocks[name] = memory;
    return device.upload(memory, tensor.bits.data(), tensor.bits.size(), nullptr, error) ? memory
                                                                                         : nullptr;
  }
  void *find(const std::string &name) const {
    auto found = blocks.find(name);
    return found == blocks.end() ? nullptr : found->second;
  }

private:
  rt::Device &device;
  std::map<std::string, void *> blocks;
};

Session::Session(const Options &options, std::shared_ptr<const rt::Module> module)
    : options(options), owner(std::move(module)) {}

std::vector<const KernelSpec *> Session::kernels() const {
  std::vector<const KernelSpec *> result;
  for (size_t index : selected)
    result.push_back(&owner->manifest().kernels[index]);
  return result;
}

std::string Session::kernelNames() const {
  std::vector<std::string> names;
  for (const KernelSpec *kernel : kernels())
    names.push_back(kernel->name);
  return fmt::format("{}", fmt::join(names, ", "));
}

const Param *Session::param(std::string_view name) const {
  for (const KernelSpec *kernel : kernels())
    if (auto index = kernel->param(name))
      return &kernel->params[*index];
  return nullptr;
}

bool Session::prepare(Error &error) {
  return selectKernels(error) && checkNames(error) && parseScalars(error) && readFiles(error) &&
         bindDims(error) && makeInputs(error);
}

bool Session::selectKernels(Error &error) {
  if (options.kernels.empty())
    for (size_t i = 0; i < owner->manifest().kernels.size(); ++i)
      selected.push_back(i);
  for (const std::string &name : options.kernels) {
    auto index = owner->find(name);
    if (!index) {
      std::vector<std::string> names;
      for (const KernelSpec &kernel : owner->manifest().kernels)
        names.push_back(fmt::format("`{}`", kernel.name));
      return error.set(Code::NotFound, "--kernel: {} has no kernel `{}`; it has {}", owner->name(),
                       name, fmt::join(names, ", "));
    }
    selected.push_back(*index);
  }
  std::sort(selected.begin(), selected.end());
  selected.erase(std::unique(selected.begin(), selected.end()), selected.end());
  return true;
}

/// Every name on the command line is one of a kernel's, and of the right kind.
bool Session::checkNames(Error &error) const {
  enum class Wanted { Input, Output, Scalar, Nullable };
  auto check = [&](std::string_view option, const std::string &name, Wanted wanted) {
    const Param *it = param(name);
    // An output of one kernel may be an input of another.
    const auto isInput = [&](const KernelSpec *kernel) {
      return std::any_of(kernel->params.begin(), kernel->params.end(), [&](const Param &p) {
        return p.name == name && p.isTensor() && !p.output;
      });
    };
    const auto list = kernels();
    const bool fits =
        it && (wanted == Wanted::Scalar     ? !it->isTensor()
               : wanted == Wanted::Input    ? std::any_of(list.begin(), list.end(), isInput)
               : wanted == Wanted::Nullable ? it->isTensor() && it->nullable
                                            : it->isTensor() && it->output);
    constexpr std::string_view words[] = {"input", "output", "scalar", "tensor that may be null"};
    const std::string_view word = words[static_cast<size_t>(wanted)];
    if (fits)
      return true;
    std::vector<std::string> known;
    for (const KernelSpec *kernel : kernels())
      for (const Param &p : kernel->params)
        if (wanted == Wanted::Scalar     ? !p.isTensor()
            : wanted == Wanted::Input    ? p.isTensor() && !p.output
            : wanted == Wanted::Nullable ? p.isTensor() && p.nullable
                                         : p.isTensor() && p.output)
          if (std::string quoted = "`" + p.name + "`";
              std::find(known.begin(), known.end(), quoted) == known.end())
            known.push_back(quoted);
    return error.set(Code::NotFound, "{}: `{}` is no {} of {}; there {} {}", option, name, word,
                     kernelNames(), known.size() == 1 ? "is" : "are",
                     known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
  };
  for (const auto &[name, value] : options.in)
    if (!check("--in", name, Wanted::Input))
      return false;
  for (const auto &[name, value] : options.fill)
    if (!check("--fill", name, Wanted::Input))
      return false;
  for (const auto &[name, value] : options.out)
    if (!check("--out", name, Wanted::Output))
      return false;
  for (const auto &[name, value] : options.set)
    if (!check("--set", name, Wanted::Scalar))
      return false;
  for (const std::string &name : options.null)
    if (!check("--null", name, Wanted::Nullable))
      return false;
  return true;
}

bool Session::parseScalars(Error &error) {
  nulls = {options.null.begin(), options.null.end()};
  for (const auto &[name, text] : options.set) {
    const Param &it = *param(name);
    const char *begin = text.data(), *end = begin + text.size();
    auto bad = [&](std::string_view what) {
      return error.set(Code::Argument, "--set: `{}={}`, and `{}` is {}", name, text, name, what);
    };
    if (it.elem == Elem::Bool) {
      if (text != "true" && text != "false" && text != "1" && text != "0")
        return bad("a bool: true or false");
      scalars[name] = rt::Value::ofBool(text == "true" || text == "1");
    } else if (it.elem == Elem::I64) {
      int64_t value = 0;
      const auto [after, status] = std::from_chars(begin, end, value);
      if (status != std::errc() || after != end)
        return bad("an integer of 64 bits");
      scalars[name] = rt::Value::ofInt(value);
    } else {
      double value = 0;
      const auto [after, status] = std::from_chars(begin, end, value);
      if (status != std::errc() || after != end)
        return bad("a number");
      scalars[name] = rt::Value::ofFloat(value);
    }
  }
  return true;
}

bool Session::readFiles(Error &error) {
  for (const auto &[name, path] : options.in) {
    rt::NpyArray array;
    HostTensor tensor;
    const Param &it = *param(name);
    tensor.elem = it.elem;
    if (!readNpy(path, array, error) || !convertNpy(array, path, it.elem, tensor.bits, error))
      return false;
    tensor.shape = array.shape;
    if (tensor.shape.size() != it.shape.size())
      return error.set(Code::Refused, "`{}` has shape ({}), and `{}` is `{}`", path,
                       fmt::join(tensor.shape, ", "), name, it.text());
    inputs[name] = std::move(tensor);
  }
  return true;
}

bool Session::bindDims(Error &error) {
  for (const auto &[name, value] : options.dims) {
    bool known = false;
    for (const KernelSpec *kernel : kernels()) {
      known |= kernel->dim(name).has_value();
      for (const rt::CompileParam &it : kernel->cparams)
        if (it.name == name) {
          if (it.text() != fmt::format("{}", value))
            return error.set(Code::Refused,
                             "--shape: `{}` is a compile-time parameter, {} in this PTX; compile "
                             "with -D {}={} for "
                             "another",
                             name, it.text(), name, value);
          known = true;
        }
    }
    if (!known)
      return error.set(Code::NotFound, "--shape: {} has no dimension `{}`", kernelNames(), name);
    dims[name] = value;
  }
  // A dimension means one thing in the whole file (rule K1), so what one kernel's files say holds
  // for the others.
  for (size_t index : selected) {
    Launch launch(owner, index);
    for (const auto &[name, value] : dims)
      if (launch.kernel().dim(name) && !launch.setDim(name, value, error))
        return false;
    for (const auto &[name, tensor] : inputs)
      if (auto p = launch.kernel().param(name); p && launch.kernel().params[*p].isTensor())
        if (!launch.setTensor(name, {nullptr, tensor.elem, tensor.shape, {}}, error))
          return false;
    for (const auto &[name, value] : launch.dims(error))
      dims[name] = value;
    if (error)
      return false;
  }
  std::vector<std::string> missing, example;
  for (const KernelSpec *kernel : kernels())
    for (const rt::Dimension &dim : kernel->dims)
      if (!dims.count(dim.name) &&
          std::find(missing.begin(), missing.end(), "`" + dim.name + "`") == missing.end()) {
        missing.push_back("`" + dim.name + "`");
        example.push_back(dim.name + "=...");
      }
  if (!missing.empty())
    return error.set(
        Code::Refused, "{} {} no value: give --shape {}, or files by --in NAME=FILE.npy",
        fmt::join(missing, ", "), missing.size() == 1 ? "has" : "have", fmt::join(example, ","));
  return true;
}

bool Session::makeInputs(Error &error) {
  std::set<std::string> made; ///< by an earlier kernel
  for (size_t index : selected) {
    Launch launch(owner, index);
    for (const auto &[name, value] : dims)
      if (launch.kernel().dim(name) && !launch.setDim(name, value, error))
        return false;
    for (const Param &it : launch.kernel().params) {
      if (!it.isTensor() || nulls.count(it.name) || inputs.count(it.name) ||
          (!it.output && made.count(it.name)))
        continue;
      auto shape = launch.shapeOf(it.name, error);
      if (!shape)
        return false;
      HostTensor tensor{it.elem, std::move(*shape), {}};
      double bytes = bytesOf(it.elem);
      for (int64_t extent : tensor.shape)
        bytes *= static_cast<double>(extent);
      if (bytes > 0x1p40)
        return error.set(Code::Memory, "`{}` of shape [{}] has {:.1e} bytes", it.name,
                         fmt::join(tensor.shape, ", "), bytes);
      if (it.output) {
        poison(tensor);
        outputOrder.push_back(it.name);
        outputs[it.name] = std::move(tensor);
        made.insert(it.name);
      } else {
        auto how = options.fill.find(it.name);
        if (!fill(tensor, it.name, how == options.fill.end() ? "" : how->second, options.seed, dims,
                  error))
          return false;
        inputs[it.name] = std::move(tensor);
      }
    }
  }
  return true;
}

uint64_t Session::tensorBytes() const {
  uint64_t bytes = 0;
  for (const auto *list : {&inputs, &outputs})
    for (const auto &[name, tensor] : *list)
      bytes += tensor.bits.size();
  return bytes;
}

bool Session::run(Error &error) {
  DeviceMemory memory(owner->device());
  for (size_t index : selected)
    if (!runKernel(index, memory, error))
      return false;
  return true;
}

/// What the compiler expects of a variant, by its manifest.
static int64_t ctasPerSm(const KernelSpec &kernel, const std::string &name) {
  for (const rt::Variant &variant : kernel.variants)
    if (variant.name == name) {
      const auto schedule = nlohmann::json::parse(variant.schedule, nullptr, false);
      const auto it = schedule.is_object() ? schedule.find("ctas_per_sm") : schedule.end();
      return schedule.is_object() && it != schedule.end() && it->is_number_unsigned()
                 ? it->get<int64_t>()
                 : 0;
    }
  return 0;
}

bool Session::runKernel(size_t index, DeviceMemory &memory, Error &error) {
  Launch launch(owner, index);
  if (!launch.setVariant(options.variant, error))
    return false;
  for (const auto &[name, value] : dims)
    if (launch.kernel().dim(name) && !launch.setDim(name, value, error))
      return false;
  for (const auto &[name, value] : scalars)
    if (launch.kernel().param(name) && !launch.setScalar(name, value, error))
      return false;
  for (const Param &it : launch.kernel().params) {
    if (!it.isTensor())
      continue;
    if (nulls.count(it.name)) {
      if (!launch.setTensor(it.name, {}, error))
        return false;
      continue;
    }
    const bool given = !it.output && inputs.count(it.name);
    const HostTensor &tensor = given ? inputs.at(it.name) : outputs.at(it.name);
    void *data = memory.find(it.name);
    if (!data && !(data = memory.put(it.name, tensor, error)))
      return false;
    if (!launch.setTensor(it.name, {data, tensor.elem, tensor.shape, {}}, error))
      return false;
  }
  {
    ProgressLine line(launch.kernel().name);
    if (!launch.run(nullptr, error, [&](double share) { line.update(share); }) ||
        !owner->device().synchronize(nullptr, error))
      return false;
  }
  for (const Param &it : launch.kernel().params)
    if (it.output && !nulls.count(it.name)) {
      HostTensor &tensor = outputs.at(it.name);
      if (!owner->device().download(tensor.bits.data(), memory.find(it.name), tensor.bits.size(),
                                    nullptr, error))
        return false;
    }
  for (const auto &[name, count] : launch.result().counters)
    counters[name] += count;
  seconds += launch.result().seconds;
  variants.push_back(launch.variant());
  rt::LaunchPlan plan;
  if (!launch.plan(plan, error))
    return false;
  for (const rt::EntryLaunch &entry : plan.launches) {
    const auto [x, y, z] = entry.grid;
    const auto [threads, rows, layers] = entry.block;
    grids.push_back({entry.entry, int64_t(x) * y * z, int64_t(threads) * rows * layers / 32,
                     ctasPerSm(launch.kernel(), plan.variant)});
  }
  return true;
}

} // namespace fc::run
