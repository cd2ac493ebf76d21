// ReferenceContract.cpp - `dot` as blocked matrix products.
//
// The axes of a contraction fall into four groups: those reduced (k), those of both operands that
// stay (batch), and those of one operand alone (rows m of x, columns n of y). Both operands are
// packed so that the product is a plain one for each batch point: x as [m][k], y in panels of
// kColumns columns, each [k][kColumns]. A micro-kernel then keeps kRows x kColumns sums in
// registers (the scheme of Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication", ACM TOMS 2008, with one level of packing).
#include "dsl/ReferenceValue.h"
#include <algorithm>

namespace fc::dsl {
namespace {

constexpr int64_t kRows = 4, kColumns = 8;

/// The axes by group; extents of each group as products.
struct Groups {
  std::vector<const Axis *> batch, rows, columns, inner;
  std::vector<int64_t> batchDims, rowDims, columnDims, innerDims;
  int64_t b = 1, m = 1, n = 1, k = 1;
};

bool contains(const std::vector<const Axis *> &axes, const Axis *axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

Groups groupAxes(const Value &x, const Value &y, const std::vector<const Axis *> &reduced) {
  Groups groups;
  for (size_t a = 0; a < x.axes.size(); ++a) {
    const Axis *axis = x.axes[a];
    int64_t extent = x.dims[a];
    if (contains(reduced, axis)) {
      groups.inner.push_back(axis);
      groups.innerDims.push_back(extent);
      groups.k *= extent;
    } else if (contains(y.axes, axis)) {
      groups.batch.push_back(axis);
      groups.batchDims.push_back(extent);
      groups.b *= extent;
    } else {
      groups.rows.push_back(axis);
      groups.rowDims.push_back(extent);
      groups.m *= extent;
    }
  }
  for (size_t a = 0; a < y.axes.size(); ++a)
    if (!contains(x.axes, y.axes[a])) {
      groups.columns.push_back(y.axes[a]);
      groups.columnDims.push_back(y.dims[a]);
      groups.n *= y.dims[a];
    }
  return groups;
}

template <class T>
std::vector<T> join(std::vector<T> a, const std::vector<T> &b, const std::vector<T> &c) {
  a.insert(a.end(), b.begin(), b.end());
  a.insert(a.end(), c.begin(), c.end());
  return a;
}

/// y as [k][n] of one batch point, in panels; columns past n are zero.
template <class T> void packPanels(T *panels, const T *y, int64_t k, int64_t n) {
  for (int64_t first = 0; first < n; first += kColumns) {
    int64_t width = std::min(kColumns, n - first);
    for (int64_t row = 0; row < k; ++row) {
      for (int64_t c = 0; c < width; ++c)
        panels[c] = y[row * n + first + c];
      for (int64_t c = width; c < kColumns; ++c)
        panels[c] = 0;
      panels += kColumns;
    }
  }
}

/// sums[r][c] = sum over k of x[r][k] * panel[k][c]; `Rows` rows of x, `stride` apart.
template <class T, int64_t Rows>
inline __attribute__((always_inline)) void microKernel(T (*sums)[kColumns], const T *x,
                                                       int64_t stride, const T *panel, int64_t k) {
  // Vector extensions rather than plain loops: this has to stay in registers at any -O level.
  typedef T Row __attribute__((vector_size(kColumns * sizeof(T))));
  Row acc[Rows] = {};
  for (int64_t at = 0; at < k; ++at) {
    Row y;
    __builtin_memcpy(&y, panel + at * kColumns, sizeof(Row));
    for (int64_t r = 0; r < Rows; ++r)
      acc[r] += x[r * stride + at] * y;
  }
  __builtin_memcpy(sums, acc, sizeof(acc));
}

template <class T>
inline __attribute__((always_inline)) void productBody(T *out, const T *x, const T *panels,
                                                       int64_t m, int64_t n, int64_t k) {
  T sums[kRows][kColumns];
  for (int64_t first = 0; first < n; first += kColumns) {
    const T *panel = panels + first * k;
    int64_t width = std::min(kColumns, n - first);
    for (int64_t row = 0; row < m; row += kRows) {
      int64_t height = std::min(kRows, m - row);
      if (height == kRows)
        microKernel<T, kRows>(sums, x + row * k, k, panel, k);
      else
        for (int64_t r = 0; r < height; ++r)
          microKernel<T, 1>(sums + r, x + (row + r) * k, k, panel, k);
      for (int64_t r = 0; r < height; ++r)
        std::copy_n(sums[r], width, out + (row + r) * n + first);
    }
  }
}

void productPlain(double *out, const double *x, const double *panels, int64_t m, int64_t n,
                  int64_t k) {
  productBody(out, x, panels, m, n, k);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void
productAvx2(double *out, const double *x, const double *panels, int64_t m, int64_t n, int64_t k) {
  productBody(out, x, panels, m, n, k);
}
#endif

void product(double *out, const double *x, const double *panels, int64_t m, int64_t n, int64_t k) {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (wide)
    return productAvx2(out, x, panels, m, n, k);
#endif
  productPlain(out, x, panels, m, n, k);
}

/// Integers wrap, so they are multiplied as unsigned ones.
void product(int64_t *out, const int64_t *x, const int64_t *panels, int64_t m, int64_t n,
             int64_t k) {
  productBody(reinterpret_cast<uint64_t *>(out), reinterpret_cast<const uint64_t *>(x),
              reinterpret_cast<const uint64_t *>(panels), m, n, k);
}

/// Zeroes the dead points of an operand packed as [batch][outer][k] (outer = 1 row of k a point of
/// the free axes) or, `innerFirst`, [batch][k][outer].
template <class T>
void clearDead(std::vector<T> &data, const std::vector<uint8_t> &dead, int64_t b, int64_t outer,
               int64_t k, bool innerFirst) {
  for (int64_t batch = 0; batch < b; ++batch)
    for (int64_t at = 0; at < k; ++at) {
      if (!dead[batch * k + at])
        continue;
      T *base = data.data() + batch * outer * k;
      for (int64_t o = 0; o < outer; ++o)
        base[innerFirst ? at * outer + o : o * k + at] = 0;
    }
}

/// The first poison over k for each free point of a packed operand, as [batch][outer]; empty
/// without poison.
std::vector<uint32_t> poisonOverInner(const std::vector<uint32_t> &poison, int64_t b, int64_t outer,
                                      int64_t k, bool innerFirst) {
  std::vector<uint32_t> first;
  if (poison.empty())
    return first;
  first.resize(b * outer);
  for (int64_t batch = 0; batch < b; ++batch)
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t at = 0; at < k && !first[batch * outer + o]; ++at)
        first[batch * outer + o] =
            poison[batch * outer * k + (innerFirst ? at * outer + o : o * k + at)];
  return first;
}

template <class T>
void contractTyped(Value &out, const Value &x, const Value &y, const Groups &g, const Value *dead) {
  Value packedX =
      arrange(x, join(g.batch, g.rows, g.inner), join(g.batchDims, g.rowDims, g.innerDims));
  Value packedY =
      arrange(y, join(g.batch, g.inner, g.columns), join(g.batchDims, g.innerDims, g.columnDims));
  if (dead) {
    Value mask = arrange(*dead, join(g.batch, g.inner, {}), join(g.batchDims, g.innerDims, {}));
    clearDead(packedX.data<T>(), mask.b, g.b, g.m, g.k, false);
    clearDead(packedY.data<T>(), mask.b, g.b, g.n, g.k, true);
    if (!packedX.poison.empty())
      clearDead(packedX.poison, mask.b, g.b, g.m, g.k, false);
    if (!packedY.poison.empty())
      clearDead(packedY.poison, mask.b, g.b, g.n, g.k, true);
  }

  Value result = makeValue(out.kind, join(g.batch, g.rows, g.columns),
                           join(g.batchDims, g.rowDims, g.columnDims));
  std::vector<T> panels((g.n + kColumns - 1) / kColumns * kColumns * g.k);
  for (int64_t batch = 0; batch < g.b; ++batch) {
    packPanels(panels.data(), packedY.data<T>().data() + batch * g.k * g.n, g.k, g.n);
    product(result.data<T>().data() + batch * g.m * g.n,
            packedX.data<T>().data() + batch * g.m * g.k, panels.data(), g.m, g.n, g.k);
  }

  std::vector<uint32_t> poisonX = poisonOverInner(packedX.poison, g.b, g.m, g.k, false);
  std::vector<uint32_t> poisonY = poisonOverInner(packedY.poison, g.b, g.n, g.k, true);
  if (!poisonX.empty() || !poisonY.empty()) {
    result.poison.resize(result.size());
    for (int64_t batch = 0, at = 0; batch < g.b; ++batch)
      for (int64_t row = 0; row < g.m; ++row)
        for (int64_t column = 0; column < g.n; ++column, ++at) {
          uint32_t p = poisonX.empty() ? 0 : poisonX[batch * g.m + row];
          result.poison[at] = p || poisonY.empty() ? p : poisonY[batch * g.n + column];
        }
  }
  out = arrange(result, out.axes, out.dims);
}

} // namespace

void contract(Value &out, const Value &x, const Value &y, const std::vector<const Axis *> &reduced,
              const Value *dead) {
  Groups groups = groupAxes(x, y, reduced);
  if (out.kind == ops::Kind::Float)
    contractTyped<double>(out, x, y, groups, dead);
  else
    contractTyped<int64_t>(out, x, y, groups, dead);
}

} // namespace fc::dsl
