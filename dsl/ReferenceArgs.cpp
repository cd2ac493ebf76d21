// ReferenceArgs.cpp - what a launch is given: arrays, dimensions, scalars (rules D1 to D4).
#include "dsl/Numeric.h"
#include "dsl/Reference.h"
#include "dsl/ReferenceOps.h"
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fc::dsl {

//===-- arrays
//------------------------------------------------------------------------------------===//

int64_t Array::size() const {
  int64_t n = 1;
  for (int64_t extent : shape)
    n *= extent;
  return n;
}

Array Array::zeros(Elem elem, std::vector<int64_t> shape) {
  Array array{elem, std::move(shape), {}, {}};
  if (isFloat(elem))
    array.f.resize(array.size());
  else
    array.i.resize(array.size());
  return array;
}

Array Array::fromBytes(Elem elem, std::vector<int64_t> shape, const void *data) {
  Array array = zeros(elem, std::move(shape));
  auto *bytes = static_cast<const uint8_t *>(data);
  int width = bits(elem) / 8;
  for (int64_t n = 0, size = array.size(); n < size; ++n) {
    uint64_t pattern = 0;
    std::memcpy(&pattern, bytes + n * width, width); // little-endian, as every device here is
    if (isFloat(elem))
      array.f[n] = decodeFloat(elem, uint32_t(pattern));
    else
      array.i[n] = wrapToElem(elem, int64_t(pattern));
  }
  return array;
}

std::vector<uint8_t> Array::toBytes() const {
  int width = bits(elem) / 8;
  std::vector<uint8_t> bytes(size() * width);
  for (int64_t n = 0, count = size(); n < count; ++n) {
    uint64_t pattern = isFloat(elem) ? encodeFloat(elem, f[n]) : uint64_t(wrapToElem(elem, i[n]));
    std::memcpy(bytes.data() + n * width, &pattern, width);
  }
  return bytes;
}

std::string ReferenceError::render(const Program &program) const {
  std::string path =
      loc.file >= 0 && size_t(loc.file) < program.files.size() ? program.files[loc.file].path : "";
  return fmt::format("{}:{}:{}: error: {}", path, loc.line, loc.col, message);
}

//===-- expressions of launch values
//--------------------------------------------------------------===//

namespace {

using MaybeError = std::optional<ReferenceError>;

/// Evaluates over dimensions, scalars and constants; the first error wins.
class ScalarEvaluator {
public:
  ScalarEvaluator(const Dims &dims, const Scalars &scalars) : dims(dims), scalars(scalars) {}
  MaybeError error;

  ScalarValue eval(const Expr &e);

private:
  const Dims &dims;
  const Scalars &scalars;

  ScalarValue fail(const Expr &e, std::string message) {
    if (!error)
      error = ReferenceError{e.loc, std::move(message)};
    return {};
  }
  static ScalarValue ofFloat(double x) { return {x, 0}; }
  static ScalarValue ofInt(int64_t x) { return {0, x}; }
  ScalarValue leaf(const Expr &e);
  ScalarValue cast(const Expr &e, ScalarValue x);
  ScalarValue onFloats(const Expr &e, double x, double y);
  ScalarValue onInts(const Expr &e, int64_t x, int64_t y);
};

ScalarValue ScalarEvaluator::leaf(const Expr &e) {
  switch (e.op) {
  case Op::Const:
    return isFloat(e.elem) ? ofFloat(e.floatValue) : ofInt(e.intValue);
  case Op::DimRef: {
    auto it = dims.find(e.dim->name);
    return it != dims.end() ? ofInt(it->second)
                            : fail(e, fmt::format("dimension `{}` has no value here", e.dim->name));
  }
  case Op::ScalarRef: {
    auto it = scalars.find(e.scalar->name);
    return it != scalars.end()
               ? it->second
               : fail(e, fmt::format("scalar `{}` has no value here", e.scalar->name));
  }
  default:
    return fail(e, "this is known inside a program only, not when the kernel is launched");
  }
}

ScalarValue ScalarEvaluator::cast(const Expr &e, ScalarValue x) {
  bool fromFloat = isFloat(e.operands[0]->elem);
  if (isFloat(e.elem))
    return ofFloat(fromFloat ? x.f : double(x.i));
  return ofInt(fromFloat ? saturateToElem(e.elem, x.f) : wrapToElem(e.elem, x.i));
}

ScalarValue ScalarEvaluator::onFloats(const Expr &e, double x, double y) {
  switch (e.op) {
  case Op::Neg:
    return ofFloat(-x);
  case Op::Add:
    return ofFloat(ops::add(x, y));
  case Op::Sub:
    return ofFloat(ops::sub(x, y));
  case Op::Mul:
    return ofFloat(ops::mul(x, y));
  case Op::Div:
    return ofFloat(ops::div(x, y));
  case Op::Mod:
    return ofFloat(ops::mod(x, y));
  case Op::Min:
    return ofFloat(ops::min(x, y));
  case Op::Max:
    return ofFloat(ops::max(x, y));
  case Op::Abs:
    return ofFloat(std::fabs(x));
  case Op::Exp:
    return ofFloat(std::exp(x));
  case Op::Exp2:
    return ofFloat(std::exp2(x));
  case Op::Log:
    return ofFloat(std::log(x));
  case Op::Log2:
    return ofFloat(std::log2(x));
  case Op::Tanh:
    return ofFloat(std::tanh(x));
  case Op::Sigmoid:
    return ofFloat(ops::sigmoid(x));
  case Op::Sqrt:
    return ofFloat(std::sqrt(x));
  case Op::Rsqrt:
    return ofFloat(1 / std::sqrt(x));
  case Op::Floor:
    return ofFloat(std::floor(x));
  case Op::Lt:
    return ofInt(x < y);
  case Op::Le:
    return ofInt(x <= y);
  case Op::Gt:
    return ofInt(x > y);
  case Op::Ge:
    return ofInt(x >= y);
  case Op::Eq:
    return ofInt(x == y);
  case Op::Ne:
    return ofInt(x != y);
  default:
    return leaf(e);
  }
}

ScalarValue ScalarEvaluator::onInts(const Expr &e, int64_t x, int64_t y) {
  if ((e.op == Op::Div || e.op == Op::Mod) && y == 0)
    return fail(e, fmt::format("`{}` of {} by zero", name(e.op), x));
  switch (e.op) {
  case Op::Neg:
    return ofInt(ops::sub(int64_t(0), x));
  case Op::Add:
    return ofInt(ops::add(x, y));
  case Op::Sub:
    return ofInt(ops::sub(x, y));
  case Op::Mul:
    return ofInt(ops::mul(x, y));
  case Op::Div:
    return ofInt(ops::div(x, y));
  case Op::Mod:
    return ofInt(ops::mod(x, y));
  case Op::Min:
    return ofInt(ops::min(x, y));
  case Op::Max:
    return ofInt(ops::max(x, y));
  case Op::Abs:
    return ofInt(ops::abs(x));
  case Op::Lt:
    return ofInt(x < y);
  case Op::Le:
    return ofInt(x <= y);
  case Op::Gt:
    return ofInt(x > y);
  case Op::Ge:
    return ofInt(x >= y);
  case Op::Eq:
    return ofInt(x == y);
  case Op::Ne:
    return ofInt(x != y);
  case Op::Not:
    return ofInt(!x);
  case Op::Bit:
    return ofInt(ops::bit(x, y));
  default:
    return leaf(e);
  }
}

ScalarValue ScalarEvaluator::eval(const Expr &e) {
  if (error)
    return {};
  // These choose what they evaluate.
  switch (e.op) {
  case Op::Where:
    return eval(*e.operands[eval(*e.operands[0]).i ? 1 : 2]);
  case Op::And:
    return eval(*e.operands[0]).i ? eval(*e.operands[1]) : ofInt(0);
  case Op::Or:
    return eval(*e.operands[0]).i ? ofInt(1) : eval(*e.operands[1]);
  case Op::LetRef:
    return eval(*e.let->value);
  case Op::Read:
  case Op::Dot:
  case Op::Sum:
  case Op::MaxOf:
  case Op::MinOf:
  case Op::Any:
  case Op::All:
  case Op::Softmax:
  case Op::LogSumExp:
  case Op::CumSum:
    return fail(e, "this is known inside a program only, not when the kernel is launched");
  default:
    break;
  }
  if (e.operands.empty())
    return leaf(e);
  std::vector<ScalarValue> x;
  for (const Expr *operand : e.operands)
    x.push_back(eval(*operand));
  if (error)
    return {};
  if (e.op == Op::Cast)
    return cast(e, x[0]);
  bool floats = isFloat(e.operands[0]->elem);
  if (e.op == Op::Clamp)
    return floats ? ofFloat(ops::min(ops::max(x[0].f, x[1].f), x[2].f))
                  : ofInt(ops::min(ops::max(x[0].i, x[1].i), x[2].i));
  if (e.op == Op::Random)
    return ofFloat(philoxUniform(x[0].i, x[1].i, x[2].i, x[3].i, x[4].i));
  ScalarValue y = x.size() > 1 ? x[1] : ScalarValue{};
  return floats ? onFloats(e, x[0].f, y.f) : onInts(e, x[0].i, y.i);
}

} // namespace

MaybeError evalScalar(const Expr &expr, const Dims &dims, const Scalars &scalars,
                      ScalarValue &value) {
  ScalarEvaluator evaluator(dims, scalars);
  value = evaluator.eval(expr);
  return evaluator.error;
}

//===-- binding
//-----------------------------------------------------------------------------------===//

namespace {

/// The dimension that an entry binds and the constant that the entry adds to it (rule D1).
struct Binding {
  const Dim *dim = nullptr;
  int64_t offset = 0;
};

Binding bindingOf(const Expr &e) {
  if (e.op == Op::DimRef)
    return {e.dim, 0};
  if ((e.op == Op::Add || e.op == Op::Sub) && e.operands[0]->op == Op::DimRef &&
      e.operands[1]->op == Op::Const)
    return {e.operands[0]->dim,
            e.op == Op::Add ? e.operands[1]->intValue : -e.operands[1]->intValue};
  if (e.op == Op::Add && e.operands[0]->op == Op::Const && e.operands[1]->op == Op::DimRef)
    return {e.operands[1]->dim, e.operands[0]->intValue};
  return {};
}

class DimBinder {
public:
  DimBinder(const Kernel &kernel, const Shapes &shapes, Dims &dims)
      : shapes(shapes), dims(dims), tensors(kernel.inputs) {
    tensors.insert(tensors.end(), kernel.outputs.begin(), kernel.outputs.end());
  }

  MaybeError given(const Dims &values);
  MaybeError ranks() const;
  MaybeError bind(bool optional);
  MaybeError check() const;

private:
  const Shapes &shapes;
  Dims &dims;
  std::vector<const Tensor *> tensors;
  std::map<std::string, std::string> sources;
};

MaybeError DimBinder::given(const Dims &values) {
  for (auto &[name, value] : values) {
    if (value < 0)
      return ReferenceError{
          {}, fmt::format("dimension `{}` is given as {}, which is negative", name, value)};
    dims[name] = value;
    sources[name] = "is given as";
  }
  return {};
}

MaybeError DimBinder::ranks() const {
  for (const Tensor *tensor : tensors) {
    auto it = shapes.find(tensor->name);
    if (it != shapes.end() && it->second.size() != tensor->shape.size())
      return ReferenceError{tensor->loc,
                            fmt::format("`{}` has {} dimensions, but [{}] is given", tensor->name,
                                        tensor->shape.size(), fmt::join(it->second, ", "))};
  }
  return {};
}

/// Takes the dimensions from those entries that bind one and are, or are not, optional (`X?`).
MaybeError DimBinder::bind(bool optional) {
  for (const Tensor *tensor : tensors) {
    auto it = shapes.find(tensor->name);
    if (it == shapes.end())
      continue;
    for (size_t n = 0; n < tensor->shape.size(); ++n) {
      const Tensor::Extent &extent = tensor->shape[n];
      Binding binding = bindingOf(*extent.size);
      if (!binding.dim || extent.orOne != optional || dims.count(binding.dim->name))
        continue;
      int64_t value = it->second[n] - binding.offset;
      if (value < 0)
        return ReferenceError{tensor->loc,
                              fmt::format("dimension {} of `{}` is `{}` = {}, so `{}` would be {}",
                                          n, tensor->name, extent.text, it->second[n],
                                          binding.dim->name, value)};
      dims[binding.dim->name] = value;
      sources[binding.dim->name] = fmt::format("is, by dimension {} of `{}`,", n, tensor->name);
    }
  }
  return {};
}

MaybeError DimBinder::check() const {
  for (const Tensor *tensor : tensors) {
    auto it = shapes.find(tensor->name);
    if (it == shapes.end())
      continue;
    for (size_t n = 0; n < tensor->shape.size(); ++n) {
      const Tensor::Extent &extent = tensor->shape[n];
      ScalarValue expected;
      if (MaybeError error = evalScalar(*extent.size, dims, {}, expected))
        return error;
      int64_t seen = it->second[n];
      if (seen == expected.i || (extent.orOne && seen == 1))
        continue;
      std::string why;
      if (Binding binding = bindingOf(*extent.size);
          binding.dim && sources.count(binding.dim->name))
        why = fmt::format(": `{}` {} {}", binding.dim->name, sources.at(binding.dim->name),
                          expected.i - binding.offset);
      return ReferenceError{tensor->loc,
                            fmt::format("dimension {} of `{}` is {}, but `{}` is {}{}{}", n,
                                        tensor->name, seen, extent.text, expected.i,
                                        extent.orOne ? " (or 1)" : "", why)};
    }
  }
  return {};
}

} // namespace

MaybeError bindDims(const Kernel &kernel, const Shapes &shapes, const Dims &given, Dims &dims) {
  dims.clear();
  DimBinder binder(kernel, shapes, dims);
  if (MaybeError error = binder.given(given))
    return error;
  if (MaybeError error = binder.ranks())
    return error;
  // An entry `X?` says little of X, since it may be 1 for itself: it binds only what nothing else
  // does.
  for (bool optional : {false, true})
    if (MaybeError error = binder.bind(optional))
      return error;
  for (const Dim *dim : kernel.dims)
    if (!dims.count(dim->name))
      return ReferenceError{
          dim->loc, fmt::format("dimension `{}` is not bound: it needs {}a value", dim->name,
                                dim->tensor ? fmt::format("`{}` or ", dim->tensor->name) : "")};
  return binder.check();
}

MaybeError bindScalars(const Kernel &kernel, const Dims &dims, Scalars &scalars) {
  for (const Scalar *scalar : kernel.scalars) {
    auto it = scalars.find(scalar->name);
    if (it == scalars.end()) {
      if (!scalar->init)
        return ReferenceError{
            scalar->loc, fmt::format("scalar `{}` has no default and is not given", scalar->name)};
      ScalarValue value;
      if (MaybeError error = evalScalar(*scalar->init, dims, scalars, value))
        return error;
      it = scalars.emplace(scalar->name, value).first;
    }
    if (scalar->elem == Elem::F32)
      it->second.f = roundToElem(Elem::F32, it->second.f);
  }
  return {};
}

MaybeError shapeOf(const Tensor &tensor, const Dims &dims, std::vector<int64_t> &shape) {
  shape.clear();
  for (const Tensor::Extent &extent : tensor.shape) {
    ScalarValue value;
    if (MaybeError error = evalScalar(*extent.size, dims, {}, value))
      return error;
    if (value.i < 0)
      return ReferenceError{tensor.loc, fmt::format("`{}` of `{}` is {}, which is negative",
                                                    extent.text, tensor.name, value.i)};
    shape.push_back(value.i);
  }
  return {};
}

} // namespace fc::dsl
