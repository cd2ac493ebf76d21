// ManifestFacts.cpp - what a parsed manifest answers; how it is parsed is in Manifest.cpp.
#include "runtime/Manifest.h"

namespace fc::rt {

std::string CompileParam::text() const {
  if (const auto *elem = std::get_if<Elem>(&value))
    return std::string(rt::name(*elem));
  return std::get<Value>(value).text();
}

std::string Param::text() const {
  std::string result(rt::name(elem));
  if (!isTensor())
    return result;
  for (size_t i = 0; i < shape.size(); ++i)
    result += (i ? ", " : "[") + shape[i].text() + (orOne[i] ? "?" : "");
  return result + "]";
}

std::optional<size_t> KernelSpec::param(std::string_view name) const {
  for (size_t i = 0; i < params.size(); ++i)
    if (params[i].name == name)
      return i;
  return std::nullopt;
}

std::optional<size_t> KernelSpec::dim(std::string_view name) const {
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i].name == name)
      return i;
  return std::nullopt;
}

uint32_t bytesOfArg(const KernelSpec &kernel, const Arg &arg) {
  switch (arg.kind) {
  case Arg::Kind::Dim:
    return 4;
  case Arg::Kind::Scalar:
    return static_cast<uint32_t>(bytesOf(kernel.params[arg.index].elem));
  case Arg::Kind::TensorMap:
    return 128;
  default:
    return 8;
  }
}

uint32_t alignOfArg(const KernelSpec &kernel, const Arg &arg) {
  return arg.kind == Arg::Kind::TensorMap ? 64 : bytesOfArg(kernel, arg);
}

} // namespace fc::rt
