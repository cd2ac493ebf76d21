// ReferenceMemory.cpp - reads and stores of tensors.
#include "dsl/Numeric.h"
#include "dsl/ReferenceEval.h"
#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fc::dsl {

using ops::Kind;

namespace {

std::vector<const Axis *> unionOf(std::vector<const Axis *> axes,
                                  const std::vector<const Axis *> &more) {
  for (const Axis *axis : more)
    if (std::find(axes.begin(), axes.end(), axis) == axes.end())
      axes.push_back(axis);
  std::sort(axes.begin(), axes.end(), [](const Axis *a, const Axis *b) { return a->id < b->id; });
  return axes;
}

std::vector<int64_t> unravel(int64_t offset, const std::vector<int64_t> &shape) {
  std::vector<int64_t> indices(shape.size());
  for (size_t n = shape.size(); n-- > 0; offset /= shape[n])
    indices[n] = offset % shape[n];
  return indices;
}

} // namespace

std::vector<int64_t> Evaluator::Places::indicesAt(int64_t point) const {
  std::vector<int64_t> at;
  for (const Value &index : indices)
    at.push_back(index.i[point]);
  return at;
}

Evaluator::Places Evaluator::placesOf(const Tensor *tensor, const std::vector<int64_t> &shape,
                                      const std::vector<const Expr *> &indices,
                                      const std::vector<const Axis *> &axes) {
  // Indices are combined in the order written, so that a point of the grid costs one element, not
  // one for each point of the result.
  Value offsets = makeValue(Kind::Int, {}, {});
  std::vector<Value> outside(shape.size());
  bool anyOutside = false;
  std::vector<ValueRef> values;
  int64_t stride = 1;
  for (int64_t extent : shape)
    stride *= extent;
  for (size_t n = 0; n < shape.size(); ++n) {
    ValueRef index = eval(indices[n]);
    values.push_back(index);
    int64_t extent = shape[n];
    stride = extent ? stride / extent : 0;
    if (tensor->shape[n].orOne && extent == 1)
      continue; // the index is ignored (rule D2)
    for (size_t point = 0; point < index->i.size(); ++point) {
      if (index->i[point] >= 0 && index->i[point] < extent)
        continue;
      if (outside[n].b.empty())
        outside[n] = makeValue(Kind::Bool, index->axes, index->dims);
      outside[n].b[point] = 1;
      anyOutside = true;
    }
    std::vector<const Axis *> both = unionOf(offsets.axes, index->axes);
    Value sum = makeValue(Kind::Int, both, extentsOf(both));
    zipValues<int64_t, int64_t, int64_t>(sum, offsets, *index,
                                         [stride](int64_t offset, int64_t index) {
                                           return ops::add(offset, ops::mul(index, stride));
                                         });
    spreadPoison(sum, {std::make_shared<Value>(std::move(offsets)), index});
    offsets = std::move(sum);
  }

  Places places;
  std::vector<int64_t> extents = extentsOf(axes);
  places.offsets = arrange(offsets, axes, extents);
  if (!anyOutside)
    return places;
  places.outside.resize(places.offsets.size());
  for (size_t n = 0; n < shape.size(); ++n) {
    places.indices.push_back(arrange(*values[n], axes, extents));
    if (outside[n].b.empty())
      continue;
    Value all = arrange(outside[n], axes, extents);
    for (size_t point = 0; point < all.b.size(); ++point)
      places.outside[point] |= all.b[point];
  }
  return places;
}

Value Evaluator::read(const Expr *e) {
  const Array &array = *launch.inputs.at(e->tensor);
  Value out = emptyResult(e);
  Places places = placesOf(e->tensor, array.shape, e->operands, e->axes);
  out.poison = places.offsets.poison;
  if (!places.outside.empty()) {
    out.poison.resize(out.size());
    for (int64_t n = 0, size = out.size(); n < size; ++n)
      if (places.outside[n]) {
        if (!out.poison[n])
          out.poison[n] = addFault(e, places.indicesAt(n));
        places.offsets.i[n] = -1;
      }
  }
  // A poisoned index may lie anywhere; it reads nothing.
  auto get = [&](auto &to, const auto &from) {
    bool sound = out.poison.empty();
    for (size_t n = 0; n < to.size(); ++n)
      if (sound || !out.poison[n])
        to[n] = from[places.offsets.i[n]];
  };
  switch (out.kind) {
  case Kind::Float:
    get(out.f, array.f);
    break;
  case Kind::Int:
    get(out.i, array.i);
    break;
  case Kind::Bool:
    get(out.b, array.i);
    break;
  }
  return out;
}

/// Stores at every point of the indices' axes; an element may be written once (rule A7).
void Evaluator::store(const Stmt &stmt) {
  auto found = launch.outputs.find(stmt.tensor);
  if (found == launch.outputs.end())
    return; // null (rule D3)
  Array &array = found->second->values;
  std::vector<uint8_t> &written = found->second->written;

  std::vector<const Axis *> axes;
  for (const Expr *index : stmt.indices)
    axes = unionOf(axes, index->axes);
  Places places = placesOf(stmt.tensor, array.shape, stmt.indices, axes);
  ValueRef value = broadcast(eval(stmt.value), axes, extentsOf(axes));
  for (int64_t n = 0, size = places.offsets.size(); n < size; ++n) {
    if (!places.offsets.poison.empty() && places.offsets.poison[n])
      failAt(places.offsets.poison[n]);
    if (!places.outside.empty() && places.outside[n])
      throw Failure{{stmt.loc, fmt::format("`{}[{}]` is outside of `{}`, whose shape is [{}]",
                                           stmt.tensor->name, fmt::join(places.indicesAt(n), ", "),
                                           stmt.tensor->name, fmt::join(array.shape, ", "))}};
    if (!value->poison.empty() && value->poison[n])
      failAt(value->poison[n]);
    int64_t at = places.offsets.i[n];
    // Atomic: in a wrong program two grid points, on two threads, may both write here.
    if (std::atomic_ref<uint8_t>(written[at]).exchange(1, std::memory_order_relaxed))
      throw Failure{
          {stmt.loc, fmt::format("`{}[{}]` is written twice; every element is to be written once",
                                 stmt.tensor->name, fmt::join(unravel(at, array.shape), ", "))}};
    if (isFloat(array.elem))
      array.f[at] = value->kind == Kind::Float ? value->f[n]
                    : value->kind == Kind::Int ? double(value->i[n])
                                               : double(value->b[n]);
    else
      array.i[at] = value->kind == Kind::Bool ? value->b[n] : wrapToElem(array.elem, value->i[n]);
  }
}

} // namespace fc::dsl
