// Module.cpp - PTX and its manifest, and whether the two fit.
#include "runtime/Runtime.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace fc::rt {
namespace {

constexpr size_t maxFile = size_t{1} << 30;

bool readFile(const std::string &path, std::string &contents, Error &error) {
  std::FILE *file = std::fopen(path.c_str(), "rb");
  if (!file)
    return error.set(Code::NotFound, "cannot open `{}`: {}", path, std::strerror(errno));
  char buffer[1 << 16];
  size_t count = 0;
  while ((count = std::fread(buffer, 1, sizeof buffer, file)) > 0 && contents.size() <= maxFile)
    contents.append(buffer, count);
  const bool failed = std::ferror(file) != 0;
  const int reason = errno;
  std::fclose(file);
  if (failed)
    return error.set(Code::NotFound, "cannot read `{}`: {}", path, std::strerror(reason));
  if (contents.size() > maxFile)
    return error.set(Code::Module, "`{}` is larger than {} bytes", path, maxFile);
  return true;
}

/// The coarsest alignment that `expr` asks about.
uint64_t alignmentIn(const Expr &expr) {
  uint64_t result = expr.op == ExprOp::Aligned ? static_cast<uint64_t>(expr.number) : 1;
  for (const Expr &operand : expr.operands)
    result = std::max(result, alignmentIn(operand));
  return result;
}

uint64_t alignmentIn(const KernelSpec &kernel) {
  uint64_t result = 1;
  auto take = [&](const Expr &expr) { result = std::max(result, alignmentIn(expr)); };
  for (const Param &param : kernel.params)
    if (param.isTensor())
      result = std::max(result, static_cast<uint64_t>(param.align));
  for (const Expr &expr : kernel.workspace)
    take(expr);
  for (const Variant &variant : kernel.variants) {
    if (variant.condition)
      take(*variant.condition);
    for (const LaunchSpec &launch : variant.launches) {
      for (const Expr &expr : launch.grid)
        take(expr);
      if (!launch.tensorMaps.empty())
        result = std::max<uint64_t>(result, 16); // what TMA asks of an address
    }
  }
  return result;
}

} // namespace

std::span<const CheckInfo> emulatorChecks() { return emu::checks(); }

std::shared_ptr<const Module> Module::load(std::shared_ptr<Device> device, std::string_view bytes,
                                           std::string_view name, Error &error) {
  std::shared_ptr<Module> module(new Module);
  module->moduleName = name;
  module->owner = std::move(device);
  module->loaded = module->owner->load(bytes, name, error);
  if (!module->loaded)
    return nullptr;

  const std::vector<std::byte> stored = module->loaded->global(manifestSymbol);
  if (stored.empty()) {
    error.set(Code::Module, "{}: there is no `{}` in it, so it was not made by fcc", name,
              manifestSymbol);
    return nullptr;
  }
  const auto end = std::find(stored.begin(), stored.end(), std::byte{0});
  if (end == stored.end()) {
    error.set(Code::Module, "{}: `{}` does not end with a zero byte", name, manifestSymbol);
    return nullptr;
  }
  module->json.assign(reinterpret_cast<const char *>(stored.data()),
                      static_cast<size_t>(end - stored.begin()));
  std::string reason;
  auto parsed = parseManifest(module->json, reason);
  if (!parsed) {
    error.set(Code::Module, "{}: in its manifest, {}", name, reason);
    return nullptr;
  }
  module->description = std::move(*parsed);
  for (const KernelSpec &kernel : module->description.kernels)
    module->alignments.push_back(alignmentIn(kernel));
  if (!module->checkEntries(error))
    return nullptr;
  return module;
}

std::shared_ptr<const Module> Module::loadFile(std::shared_ptr<Device> device,
                                               const std::string &path, Error &error) {
  std::string contents;
  if (!readFile(path, contents, error))
    return nullptr;
  return load(std::move(device), contents, path, error);
}

/// Every entry that the manifest names exists and takes the parameters that it is going to be
/// given.
bool Module::checkEntries(Error &error) const {
  const std::vector<std::string> entries = loaded->entries();
  for (const KernelSpec &kernel : description.kernels)
    for (const Variant &variant : kernel.variants)
      for (const LaunchSpec &launch : variant.launches) {
        const std::string where =
            fmt::format("{}: kernel `{}`, variant `{}`", moduleName, kernel.name, variant.name);
        if (std::find(entries.begin(), entries.end(), launch.entry) == entries.end())
          return error.set(Code::Module,
                           "{}: the manifest names the entry `{}`, and the PTX has none", where,
                           launch.entry);
        const auto params = loaded->params(launch.entry);
        if (!params)
          continue;
        if (params->size() != launch.args.size())
          return error.set(
              Code::Module,
              "{}: entry `{}` has {} parameters, and the manifest gives it {} arguments", where,
              launch.entry, params->size(), launch.args.size());
        uint32_t offset = 0;
        for (size_t i = 0; i < params->size(); ++i) {
          const uint32_t bytes = bytesOfArg(kernel, launch.args[i]);
          const uint32_t align = alignOfArg(kernel, launch.args[i]);
          offset = (offset + align - 1) / align * align;
          if ((*params)[i].bytes != bytes || (*params)[i].offset != offset)
            return error.set(Code::Module,
                             "{}: parameter {} of entry `{}` has {} bytes at offset {}, and the "
                             "manifest's argument has {} at {}",
                             where, i, launch.entry, (*params)[i].bytes, (*params)[i].offset, bytes,
                             offset);
          offset += bytes;
        }
      }
  return true;
}

std::optional<size_t> Module::find(std::string_view kernel) const {
  for (size_t i = 0; i < description.kernels.size(); ++i)
    if (description.kernels[i].name == kernel)
      return i;
  return std::nullopt;
}

} // namespace fc::rt
