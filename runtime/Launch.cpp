// Launch.cpp - the arguments of a launch; what they must satisfy is in LaunchCheck.cpp.
#include "runtime/LaunchCheck.h"
#include "runtime/Runtime.h"
#include <algorithm>
#include <bit>

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
      alignment(owner->alignmentOf(kernel)), tensors(spec.params.size()),
      scalars(spec.params.size()), givenDims(spec.dims.size()) {}

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
  prepared.reset();
  return true;
}

bool Launch::moveTensor(std::string_view name, Elem elem, std::span<const int64_t> shape,
                        std::span<const int64_t> strides, void *data) {
  for (size_t i = 0; i < spec.params.size(); ++i) {
    if (spec.params[i].name != name)
      continue;
    auto &tensor = tensors[i];
    if (!tensor || tensor->elem != elem || (tensor->data == nullptr) != (data == nullptr) ||
        !std::ranges::equal(tensor->shape, shape) || !std::ranges::equal(tensor->strides, strides))
      return false;
    tensor->data = data;
    return true;
  }
  return false;
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
  if (scalars[*index] != value)
    prepared.reset();
  scalars[*index] = value;
  return true;
}

bool Launch::setDim(std::string_view name, int64_t value, Error &error) {
  const auto index = spec.dim(name);
  if (!index)
    return error.set(Code::NotFound, "kernel `{}` has no dimension `{}`", spec.name, name);
  givenDims[*index] = value;
  prepared.reset();
  return true;
}

bool Launch::setVariant(std::string_view name, Error &error) {
  std::vector<std::string> known;
  for (const Variant &variant : spec.variants)
    known.push_back(fmt::format("`{}`", variant.name));
  if (!name.empty() && std::none_of(spec.variants.begin(), spec.variants.end(),
                                    [&](const Variant &variant) { return variant.name == name; }))
    return error.set(Code::NotFound, "kernel `{}` has no variant `{}`; it has {}", spec.name, name,
                     fmt::join(known, ", "));
  if (forcedVariant != name)
    prepared.reset();
  forcedVariant = name;
  return true;
}

void Launch::clear(std::string_view name) {
  prepared.reset();
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

namespace {

bool checkAndLayOut(LaunchCheck &check, LaunchPlan &plan) {
  plan = {};
  if (!check.checkPresence() || !check.bindDims(/*partial=*/false) || !check.checkShapes() ||
      !check.checkStrides() || !check.bindScalars())
    return false;
  if (check.nothingToDo())
    return true;
  return check.checkFacts() && check.checkOverlaps() && check.layOut(plan);
}

} // namespace

bool Launch::plan(LaunchPlan &plan, Error &error) const {
  LaunchCheck check(*this, error);
  return checkAndLayOut(check, plan);
}

bool Launch::prepare(Error &error) {
  prepared.reset();
  LaunchCheck check(*this, error);
  Prepared made;
  if (!checkAndLayOut(check, made.plan))
    return false;
  made.sms = owner->device().sms(owner->manifest().target);
  for (size_t p = 0; p < spec.params.size(); ++p) {
    if (!tensors[p] || !tensors[p]->data)
      continue;
    auto &place = made.places.emplace_back();
    place.param = p;
    place.address = std::bit_cast<uint64_t>(tensors[p]->data);
    if (const auto &home = check.layout()[p]) {
      place.buffer = home->buffer;
      place.offset = home->offset;
      made.buffers = std::max(made.buffers, home->buffer + 1);
    }
  }
  prepared = std::move(made);
  return true;
}

/// Puts the addresses of now into the prepared plan. False if they make it another launch: aligned
/// otherwise, or nearer to each other.
bool Launch::moveAddresses() {
  if (!prepared || owner->device().sms(owner->manifest().target) != prepared->sms)
    return false;
  bool moved = false;
  for (const Prepared::Place &place : prepared->places) {
    const auto now = std::bit_cast<uint64_t>(tensors[place.param]->data);
    moved |= now != place.address;
    if ((now ^ place.address) & (alignment - 1))
      return false;
  }
  if (!moved || prepared->plan.launches.empty())
    return true;
  auto &buffers = prepared->plan.buffers;
  for (size_t b = 0; b < prepared->buffers; ++b)
    buffers[b].data = nullptr;
  for (Prepared::Place &place : prepared->places) {
    const auto now = std::bit_cast<uint64_t>(tensors[place.param]->data);
    place.address = now;
    if (!place.buffer)
      continue;
    // Tensors that share a buffer (slices of one array) must have moved together.
    void *begin = std::bit_cast<void *>(now - place.offset);
    BufferRange &buffer = buffers[*place.buffer];
    if (buffer.data && buffer.data != begin)
      return false;
    buffer.data = begin;
  }
  for (size_t a = 0; a < prepared->buffers; ++a)
    for (size_t b = 0; b < a; ++b) {
      const auto one = std::bit_cast<uint64_t>(buffers[a].data);
      const auto two = std::bit_cast<uint64_t>(buffers[b].data);
      if (one + buffers[a].bytes < one || two + buffers[b].bytes < two ||
          (one < two + buffers[b].bytes && two < one + buffers[a].bytes))
        return false;
    }
  return true;
}

bool Launch::run(void *stream, Error &error, const Progress &progress) {
  last.counters.clear();
  last.seconds = 0;
  lastVariant.clear();
  if (!moveAddresses() && !prepare(error))
    return false;
  const LaunchPlan &laidOut = prepared->plan;
  lastVariant = laidOut.variant;
  if (laidOut.launches.empty())
    return true;
  return owner->code().run(laidOut, stream, progress, last, error);
}

} // namespace fc::rt
