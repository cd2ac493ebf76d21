// LaunchLayout.cpp - a checked launch as entries, parameters and memory: the second half of
// LaunchCheck.
#include "runtime/LaunchCheck.h"
#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace fc::rt {
namespace {

constexpr std::array<int64_t, 3> gridLimits{INT32_MAX, 65535, 65535};
constexpr int64_t maxWorkspace = int64_t{1} << 40;

} // namespace

bool LaunchCheck::layOut(LaunchPlan &plan) {
  plan = {};
  const Variant *chosen = chooseVariant();
  if (!chosen)
    return false;
  plan.variant = chosen->name;
  if (!makeBuffers(plan))
    return false;
  for (const LaunchSpec &launchSpec : chosen->launches)
    if (!layOutEntry(launchSpec, plan))
      return false;
  return true;
}

/// The first variant that may run here and is meant for this launch, or the one that is asked for.
const Variant *LaunchCheck::chooseVariant() {
  auto holds = [&](const std::optional<Expr> &expr, const char *what, const Variant &variant) {
    if (!expr)
      return std::optional(true);
    return boolOf(*expr, [&] { return fmt::format("{} of variant `{}`", what, variant.name); });
  };
  std::string list;
  auto tell = [&](const Variant &variant, const Expr &expr) {
    list += fmt::format("\n  `{}` asks for `{}` ({})", variant.name, expr.text(), valuesIn(expr));
  };
  for (const Variant &variant : spec.variants) {
    const bool forced = !launch.forcedVariant.empty();
    if (forced && variant.name != launch.forcedVariant)
      continue;
    const auto can = holds(variant.needs, "what is required", variant);
    if (!can)
      return nullptr;
    if (!*can) {
      tell(variant, *variant.needs);
      continue;
    }
    const auto should = forced ? true : holds(variant.condition, "the condition", variant);
    if (!should)
      return nullptr;
    if (*should)
      return &variant;
    tell(variant, *variant.condition);
  }
  refuse("no variant is made for this launch:" + list);
  return nullptr;
}

/// One range of memory for each tensor, or for several that overlap (slices of one array), and the
/// workspace.
bool LaunchCheck::makeBuffers(LaunchPlan &plan) {
  std::vector<size_t> order;
  order.reserve(spec.params.size());
  plan.buffers.reserve(spec.params.size() + spec.workspace.size());
  for (size_t p = 0; p < spec.params.size(); ++p)
    if (placed[p].present && placed[p].bytes > 0)
      order.push_back(p);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(placed[a].address, a) < std::pair(placed[b].address, b);
  });
  uint64_t end = 0; // of the last range
  for (size_t p : order) {
    const Placed &it = placed[p];
    const bool input = !spec.params[p].output;
    if (plan.buffers.empty() || it.address >= end) {
      plan.buffers.push_back(
          {spec.params[p].name, std::bit_cast<void *>(it.address), it.bytes, input});
      end = it.address + it.bytes;
    } else {
      BufferRange &range = plan.buffers.back();
      range.name += " and " + spec.params[p].name;
      range.initialized |= input;
      end = std::max(end, it.address + it.bytes);
      range.bytes = end - std::bit_cast<uint64_t>(range.data);
    }
    homes[p] = Home{plan.buffers.size() - 1,
                    it.address - std::bit_cast<uint64_t>(plan.buffers.back().data)};
  }
  firstWorkspace = plan.buffers.size();
  for (size_t i = 0; i < spec.workspace.size(); ++i) {
    const std::string what = fmt::format("workspace {}", i);
    auto bytes = integerOf(spec.workspace[i], [&] { return what; });
    if (!bytes)
      return false;
    if (*bytes < 0 || *bytes > maxWorkspace)
      return refuse(fmt::format("{} has {} bytes (`{}`)", what, *bytes, spec.workspace[i].text()));
    // A workspace of no bytes still has an address.
    plan.buffers.push_back(
        {what, nullptr, static_cast<size_t>(std::max<int64_t>(*bytes, 1)), false});
  }
  return true;
}

bool LaunchCheck::layOutEntry(const LaunchSpec &launchSpec, LaunchPlan &plan) {
  EntryLaunch entry;
  entry.entry = launchSpec.entry;
  entry.block = launchSpec.block;
  entry.cluster = launchSpec.cluster;
  entry.shared = launchSpec.shared;
  bool empty = false;
  for (size_t i = 0; i < 3; ++i) {
    const Expr &expr = launchSpec.grid[i];
    auto what = [&] {
      return fmt::format("the grid of `{}` along {}", launchSpec.entry, "xyz"[i]);
    };
    auto count = integerOf(expr, what);
    if (!count)
      return false;
    if (*count < 0 || *count > gridLimits[i])
      return refuse(fmt::format("{} is {} (`{}`{}), and must be from 0 to {}", what(), *count,
                                expr.text(), valuesIn(expr).empty() ? "" : ", " + valuesIn(expr),
                                gridLimits[i]));
    if (*count % launchSpec.cluster[i] != 0)
      return refuse(fmt::format("{} is {} (`{}`), and must be a multiple of the cluster's {}",
                                what(), *count, expr.text(), launchSpec.cluster[i]));
    entry.grid[i] = static_cast<uint32_t>(*count);
    empty |= *count == 0;
  }
  if (empty)
    return true;
  if (!layOutArgs(launchSpec, entry))
    return false;
  plan.launches.push_back(std::move(entry));
  return true;
}

/// A tensor as TMA takes it: the rules are those of the driver's cuTensorMapEncodeTiled, in words
/// of the `.fc`.
bool LaunchCheck::layOutTensorMap(const TensorMapSpec &map, uint32_t offset, EntryLaunch &entry) {
  const Param &param = spec.params[map.tensor];
  const Placed &it = placed[map.tensor];
  constexpr uint64_t unit = 16, mostStride = uint64_t{1} << 40, mostExtent = uint64_t{1} << 32;
  auto cannot = [&](const std::string &why) {
    return refuse(fmt::format("`{}` is read by TMA in `{}`: {}", param.name, entry.entry, why));
  };
  if (!homes[map.tensor])
    return cannot("it has no memory");
  if (it.address % unit)
    return cannot(
        fmt::format("it is at address {:#x}, which must be aligned to 16 bytes", it.address));
  EntryLaunch::TensorMap made{};
  made.paramOffset = offset;
  made.buffer = homes[map.tensor]->buffer;
  made.byteOffset = homes[map.tensor]->offset;
  made.elem = param.elem;
  made.rank = static_cast<uint32_t>(it.shape.size());
  made.swizzle = map.swizzle;
  made.nanFill = map.nanFill;
  const auto size = static_cast<uint64_t>(bytesOf(param.elem));
  for (uint32_t i = 0; i < made.rank; ++i) {
    const size_t dim = made.rank - 1 - i;
    made.extents[i] = static_cast<uint64_t>(it.shape[dim]);
    made.box[i] = map.box[dim];
    if (made.extents[i] > mostExtent)
      return cannot(fmt::format("extent {} is {}, and must be at most 2^32", dim, it.shape[dim]));
    if (i == 0)
      continue;
    uint64_t &stride = made.strides[i - 1];
    // The stride of a single element is never used, but has to be one that is allowed.
    stride = it.shape[dim] > 1 ? static_cast<uint64_t>(it.strides[dim]) * size : unit;
    if (stride % unit || stride >= mostStride)
      return cannot(fmt::format("stride {} is {} bytes, and must be a multiple of 16 below 2^40",
                                dim, stride));
  }
  entry.tensorMaps.push_back(made);
  return true;
}

bool LaunchCheck::layOutArgs(const LaunchSpec &launchSpec, EntryLaunch &entry) {
  entry.params.reserve(8 * launchSpec.args.size());
  entry.slots.reserve(launchSpec.args.size());
  entry.pointers.reserve(spec.params.size());
  for (const Arg &arg : launchSpec.args) {
    const uint32_t bytes = bytesOfArg(spec, arg);
    const uint32_t align = alignOfArg(spec, arg);
    const auto offset = static_cast<uint32_t>((entry.params.size() + align - 1) / align * align);
    entry.params.resize(offset + bytes);
    entry.slots.push_back({offset, bytes});
    uint64_t bits = 0;
    switch (arg.kind) {
    case Arg::Kind::Tensor:
      if (const auto &home = homes[arg.index])
        entry.pointers.push_back({offset, home->buffer, home->offset});
      break;
    case Arg::Kind::Workspace:
      entry.pointers.push_back({offset, firstWorkspace + arg.index, 0});
      break;
    case Arg::Kind::TensorMap:
      if (!layOutTensorMap(launchSpec.tensorMaps[arg.index], offset, entry))
        return false;
      continue;
    case Arg::Kind::Stride:
      if (placed[arg.index].present)
        bits = static_cast<uint64_t>(placed[arg.index].strides[static_cast<size_t>(arg.dim)]);
      break;
    case Arg::Kind::Dim:
      bits = static_cast<uint64_t>(*dims[arg.index]);
      break;
    case Arg::Kind::Scalar: {
      const Value &value = *scalars[arg.index];
      bits = value.isFloat() ? std::bit_cast<uint32_t>(static_cast<float>(value.real))
                             : static_cast<uint64_t>(value.integer);
      break;
    }
    }
    std::memcpy(entry.params.data() + offset, &bits, bytes);
  }
  return true;
}

} // namespace fc::rt
