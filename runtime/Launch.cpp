// Launch.cpp - the arguments of a launch; what they must satisfy is in LaunchCheck.cpp.
#include "runtime/LaunchCheck.h"
#include "runtime/Runtime.h"

namespace fc::rt {

std::vector<int64_t> TensorRef::contiguous(const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  // An extent of 0 would make strides of 0; they are never used, but stay as one expects them. Of a
  // shape that is too large to exist the strides wrap; its size is refused elsewhere.
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = static_cast<int64_t>(static_cast<uint64_t>(strides[i]) *
                                          static_cast<uint64_t>(shape[i] > 0 ? shape[i] : 1));
  return strides;
}

Launch::Launch(std::shared_ptr<const Module> module, size_t kernel)
    : owner(std::move(module)), spec(owner->manifest().kernels[kernel]),
      tensors(spec.params.size()), scalars(spec.params.size()), givenDims(spec.dims.size()) {}

bool Launch::setTensor(std::string_view name, TensorRef tensor, Error &error) {
  auto refuse = [&](std::string message) {
    return error.set(Code::Refused, "kernel `{}`: {}", spec.name, message);
  };
  const auto index = spec.param(name);
  if (!index || !spec.params[*index].isTensor()) {
    std::vector<std::string> known;
    for (const Param &param : spec.params)
      if (param.isTensor())
        known.push_back(fmt::format("`{}`", param.name));
    return error.set(Code::NotFound, "kernel `{}` has no tensor `{}`; it has {}", spec.name, name,
                     fmt::join(known, ", "));
  }
  const Param &param = spec.params[*index];
  const bool bare = tensor.shape.empty();
  if (bare && tensor.data)
    return refuse(fmt::format("`{}` has no dimensions, expected `{}`", name, param.text()));
  if (!bare) {
    if (tensor.elem != param.elem)
      return refuse(
          fmt::format("`{}` is {}, expected `{}`", name, rt::name(tensor.elem), param.text()));
    if (tensor.shape.size() != param.shape.size())
      return refuse(fmt::format("`{}` has {} dimension{}, expected `{}`", name, tensor.shape.size(),
                                tensor.shape.size() == 1 ? "" : "s", param.text()));
    if (!tensor.strides.empty() && tensor.strides.size() != tensor.shape.size())
      return refuse(fmt::format("`{}` has {} strides for {} dimensions", name,
                                tensor.strides.size(), tensor.shape.size()));
    for (int64_t extent : tensor.shape)
      if (extent < 0)
        return refuse(
            fmt::format("`{}` has a negative extent: [{}]", name, fmt::join(tensor.shape, ", ")));
  }
  tensors[*index] = std::move(tensor);
  return true;
}

bool Launch::setScalar(std::string_view name, Value value, Error &error) {
  const auto index = spec.param(name);
  if (!index || spec.params[*index].isTensor()) {
    std::vector<std::string> known;
    for (const Param &param : spec.params)
      if (!param.isTensor())
        known.push_back(fmt::format("`{}`", param.name));
    return error.set(Code::NotFound, "kernel `{}` has no scalar `{}`; it has {}", spec.name, name,
                     known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
  }
  scalars[*index] = value;
  return true;
}

bool Launch::setDim(std::string_view name, int64_t value, Error &error) {
  const auto index = spec.dim(name);
  if (!index)
    return error.set(Code::NotFound, "kernel `{}` has no dimension `{}`", spec.name, name);
  givenDims[*index] = value;
  return true;
}

void Launch::clear(std::string_view name) {
  if (auto index = spec.param(name)) {
    tensors[*index].reset();
    scalars[*index].reset();
  }
  if (auto index = spec.dim(name))
    givenDims[*index].reset();
}

std::optional<std::vector<int64_t>> Launch::shapeOf(std::string_view name, Error &error) const {
  const auto index = spec.param(name);
  if (!index || !spec.params[*index].isTensor()) {
    error.set(Code::NotFound, "kernel `{}` has no tensor `{}`", spec.name, name);
    return std::nullopt;
  }
  LaunchCheck check(*this, error);
  if (!check.bindDims(/*partial=*/true))
    return std::nullopt;
  return check.shapeOf(*index);
}

std::map<std::string, int64_t> Launch::dims(Error &error) const {
  std::map<std::string, int64_t> result;
  LaunchCheck check(*this, error);
  if (check.bindDims(/*partial=*/true))
    for (size_t i = 0; i < spec.dims.size(); ++i)
      if (auto value = check.dim(i))
        result[spec.dims[i].name] = *value;
  return result;
}

bool Launch::plan(LaunchPlan &plan, Error &error) const {
  plan = {};
  LaunchCheck check(*this, error);
  if (!check.checkPresence() || !check.bindDims(/*partial=*/false) || !check.checkShapes() ||
      !check.checkStrides() || !check.bindScalars())
    return false;
  if (check.nothingToDo())
    return true;
  return check.checkFacts() && check.checkOverlaps() && check.layOut(plan);
}

bool Launch::run(void *stream, Error &error, const Progress &progress) {
  last = {};
  lastVariant.clear();
  LaunchPlan laidOut;
  if (!plan(laidOut, error))
    return false;
  lastVariant = laidOut.variant;
  if (laidOut.launches.empty())
    return true;
  return owner->code().run(laidOut, stream, progress, last, error);
}

} // namespace fc::rt
