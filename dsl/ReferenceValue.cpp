// ReferenceValue.cpp - dense values: making, arranging, broadcasting.
#include "dsl/ReferenceValue.h"
#include <algorithm>

namespace fc::dsl {

int64_t Value::size() const {
  int64_t n = 1;
  for (int64_t extent : dims)
    n *= extent;
  return n;
}

Value makeValue(ops::Kind kind, const std::vector<const Axis *> &axes,
                const std::vector<int64_t> &dims) {
  Value value;
  value.kind = kind;
  value.axes = axes;
  value.dims = dims;
  int64_t size = value.size();
  switch (kind) {
  case ops::Kind::Float:
    value.f.resize(size);
    break;
  case ops::Kind::Int:
    value.i.resize(size);
    break;
  case ops::Kind::Bool:
    value.b.resize(size);
    break;
  }
  return value;
}

std::vector<int64_t> stridesOver(const Value &value, const std::vector<const Axis *> &axes) {
  std::vector<int64_t> strides(axes.size(), 0);
  int64_t stride = 1;
  for (size_t n = value.axes.size(); n-- > 0;) {
    auto it = std::find(axes.begin(), axes.end(), value.axes[n]);
    if (it != axes.end())
      strides[it - axes.begin()] = stride;
    stride *= value.dims[n];
  }
  return strides;
}

namespace {

template <class T>
void copyArranged(std::vector<T> &to, const std::vector<T> &from, const std::vector<int64_t> &dims,
                  const std::vector<int64_t> &strides) {
  std::array<std::vector<int64_t>, 1> operand = {strides};
  int64_t step = dims.empty() ? 0 : strides.back();
  walk<1>(dims, operand, [&](int64_t at, const std::array<int64_t, 1> &offsets, int64_t n) {
    for (int64_t k = 0; k < n; ++k)
      to[at + k] = from[offsets[0] + k * step];
  });
}

} // namespace

Value arrange(const Value &value, const std::vector<const Axis *> &axes,
              const std::vector<int64_t> &dims) {
  if (value.axes == axes)
    return value;
  Value out = makeValue(value.kind, axes, dims);
  std::vector<int64_t> strides = stridesOver(value, axes);
  switch (value.kind) {
  case ops::Kind::Float:
    copyArranged(out.f, value.f, dims, strides);
    break;
  case ops::Kind::Int:
    copyArranged(out.i, value.i, dims, strides);
    break;
  case ops::Kind::Bool:
    copyArranged(out.b, value.b, dims, strides);
    break;
  }
  if (!value.poison.empty()) {
    out.poison.resize(out.size());
    copyArranged(out.poison, value.poison, dims, strides);
  }
  return out;
}

ValueRef broadcast(ValueRef value, const std::vector<const Axis *> &axes,
                   const std::vector<int64_t> &dims) {
  if (value->axes == axes)
    return value;
  return std::make_shared<Value>(arrange(*value, axes, dims));
}

} // namespace fc::dsl
