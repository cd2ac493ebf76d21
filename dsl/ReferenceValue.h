// ReferenceValue.h - the value of an expression at all points of its axes, as a dense array, and
// the loops over such arrays.
//
// A value is row-major over its axes, which are sorted by Axis::id. So where two values meet, their
// common axes are in the same order, and an operand's stride along the result's last axis is 1 or
// 0.
//
// Poison. A read outside a tensor, or a division of integers by zero, is an error only where its
// value is used (rule S3), and use is known last. So it gives a poisoned element: an index into the
// evaluator's list of what went wrong. Poison moves with the value, and is left behind in the
// untaken side of `where`, right of a decided `and`, and at points that a reduction excludes. At a
// store it becomes the error.
#pragma once
#include "dsl/Kernel.h"
#include "dsl/ReferenceOps.h"
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace fc::dsl {

struct Value {
  ops::Kind kind = ops::Kind::Float;
  std::vector<const Axis *> axes;
  std::vector<int64_t> dims; ///< extents of `axes`
  // The elements, in the one that `kind` names.
  std::vector<double> f;
  std::vector<int64_t> i;
  std::vector<uint8_t> b;
  std::vector<uint32_t> poison; ///< empty: none; else one an element, 0 for a sound one

  int64_t size() const;
  template <class T> std::vector<T> &data();
  template <class T> const std::vector<T> &data() const {
    return const_cast<Value *>(this)->data<T>();
  }
};
template <> inline std::vector<double> &Value::data() { return f; }
template <> inline std::vector<int64_t> &Value::data() { return i; }
template <> inline std::vector<uint8_t> &Value::data() { return b; }

using ValueRef = std::shared_ptr<const Value>;

/// A value of that kind over the axes of `shape`, its elements zero.
Value makeValue(ops::Kind kind, const std::vector<const Axis *> &axes,
                const std::vector<int64_t> &dims);

/// The strides of `value` along `axes`: 0 where it lacks one.
std::vector<int64_t> stridesOver(const Value &value, const std::vector<const Axis *> &axes);

/// Walks all points of `dims` in row-major order, one run along the last dimension at a time, with
/// the offset of each operand: row(outOffset, offsets, length). `strides` has one entry an operand
/// and dimension. No run is empty.
template <size_t N, class Row>
void walk(const std::vector<int64_t> &dims, const std::array<std::vector<int64_t>, N> &strides,
          Row row) {
  std::array<int64_t, N> offsets{};
  if (dims.empty()) {
    row(int64_t(0), offsets, int64_t(1));
    return;
  }
  for (int64_t extent : dims)
    if (extent == 0)
      return;
  size_t last = dims.size() - 1;
  std::vector<int64_t> at(dims.size());
  for (int64_t out = 0;; out += dims[last]) {
    row(out, offsets, dims[last]);
    size_t axis = last;
    for (;;) {
      if (axis-- == 0)
        return;
      for (size_t n = 0; n < N; ++n)
        offsets[n] += strides[n][axis];
      if (++at[axis] < dims[axis])
        break;
      for (size_t n = 0; n < N; ++n)
        offsets[n] -= strides[n][axis] * dims[axis];
      at[axis] = 0;
    }
  }
}

/// out = fn(x) at every point of `out`, whose axes include those of x.
template <class Out, class X, class Fn> void mapValue(Value &out, const Value &x, Fn fn) {
  Out *to = out.data<Out>().data();
  const X *from = x.data<X>().data();
  if (x.axes == out.axes) {
    for (int64_t n = 0, size = out.size(); n < size; ++n)
      to[n] = fn(from[n]);
    return;
  }
  std::array<std::vector<int64_t>, 1> strides = {stridesOver(x, out.axes)};
  int64_t step = out.axes.empty() ? 0 : strides[0].back();
  walk<1>(out.dims, strides, [&](int64_t at, const std::array<int64_t, 1> &offsets, int64_t n) {
    for (int64_t k = 0; k < n; ++k)
      to[at + k] = fn(from[offsets[0] + k * step]);
  });
}

/// out = fn(x, y) at every point of `out`, whose axes include those of both.
template <class Out, class X, class Y, class Fn>
void zipValues(Value &out, const Value &x, const Value &y, Fn fn) {
  Out *to = out.data<Out>().data();
  const X *left = x.data<X>().data();
  const Y *right = y.data<Y>().data();
  std::array<std::vector<int64_t>, 2> strides = {stridesOver(x, out.axes),
                                                 stridesOver(y, out.axes)};
  int64_t stepX = out.axes.empty() ? 0 : strides[0].back();
  int64_t stepY = out.axes.empty() ? 0 : strides[1].back();
  walk<2>(out.dims, strides, [&](int64_t at, const std::array<int64_t, 2> &offsets, int64_t n) {
    const X *a = left + offsets[0];
    const Y *b = right + offsets[1];
    Out *o = to + at;
    // The steps are loop constants in each branch, so that the common forms are vectorised.
    if (stepX && stepY)
      for (int64_t k = 0; k < n; ++k)
        o[k] = fn(a[k], b[k]);
    else if (stepX)
      for (int64_t k = 0; k < n; ++k)
        o[k] = fn(a[k], *b);
    else if (stepY)
      for (int64_t k = 0; k < n; ++k)
        o[k] = fn(*a, b[k]);
    else
      for (int64_t k = 0; k < n; ++k)
        o[k] = fn(*a, *b);
  });
}

/// `value` with its elements in the order of `axes` (those of the value, permuted, and any it
/// lacks, along which it repeats): element data alone, and the poison if there is any.
Value arrange(const Value &value, const std::vector<const Axis *> &axes,
              const std::vector<int64_t> &dims);

/// The same, as a new value only if something changes.
ValueRef broadcast(ValueRef value, const std::vector<const Axis *> &axes,
                   const std::vector<int64_t> &dims);

/// A sum of products: out[o] = sum over `reduced` of x * y. Every reduced axis is in both. `out`
/// has its axes and dims set; elements are double or int64_t by its kind. `dead` (may be null) is a
/// Bool value over axes that are reduced or in both: where it is true the point adds nothing,
/// whatever x and y hold.
void contract(Value &out, const Value &x, const Value &y, const std::vector<const Axis *> &reduced,
              const Value *dead);

} // namespace fc::dsl
