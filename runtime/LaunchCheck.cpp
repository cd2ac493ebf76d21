// LaunchCheck.cpp - what a launch must satisfy: dimensions, shapes, presence, strides, scalars,
// facts, overlaps. How it is laid out once it does is in LaunchLayout.cpp.
#include "runtime/LaunchCheck.h"
#include "runtime/Overlap.h"
#include <algorithm>
#include <bit>
#include <map>

namespace fc::rt {
namespace {

std::string shapeText(const std::vector<int64_t> &shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// `expr` as it is: `name`, or `name + constant`, or `name - constant` of the dimension?
std::optional<int64_t> offsetOver(const Expr &expr, const std::string &name) {
  if (expr.op == ExprOp::Name && expr.name == name)
    return 0;
  if ((expr.op == ExprOp::Add || expr.op == ExprOp::Sub) && expr.operands.size() == 2 &&
      expr.operands[0].op == ExprOp::Name && expr.operands[0].name == name &&
      expr.operands[1].op == ExprOp::Literal && expr.operands[1].literal.isInt()) {
    const int64_t constant = expr.operands[1].literal.integer;
    if (constant > INT32_MAX || constant < -INT32_MAX)
      return std::nullopt;
    return expr.op == ExprOp::Add ? constant : -constant;
  }
  return std::nullopt;
}

/// What an expression asks of the launch: names, strides, alignments, SMs; each once, by its text.
void termsIn(const Expr &expr, std::map<std::string, const Expr *> &seen,
             std::vector<std::string> &order) {
  const bool term = expr.op == ExprOp::Name || expr.op == ExprOp::Stride ||
                    expr.op == ExprOp::Aligned || expr.op == ExprOp::Sms;
  if (std::string text = expr.text(); term && seen.emplace(text, &expr).second)
    order.push_back(text);
  for (const Expr &operand : expr.operands)
    termsIn(operand, seen, order);
}

} // namespace

LaunchCheck::LaunchCheck(const Launch &launch, Error &error)
    : launch(launch), spec(launch.kernel()), error(error), dims(spec.dims.size()),
      dimOrigins(spec.dims.size()), scalars(spec.params.size()), placed(spec.params.size()),
      homes(spec.params.size()) {}

bool LaunchCheck::refuse(std::string message) {
  return error.set(Code::Refused, "{}: {}", kernelName(), message);
}

std::string LaunchCheck::kernelName() const { return fmt::format("kernel `{}`", spec.name); }

std::optional<Value> LaunchCheck::value(std::string_view name) const {
  for (const CompileParam &param : spec.cparams)
    if (param.name == name)
      return std::get<Value>(param.value);
  if (auto index = spec.dim(name))
    return dims[*index] ? std::optional(Value::ofInt(*dims[*index])) : std::nullopt;
  if (auto index = spec.param(name))
    return scalars[*index];
  return std::nullopt;
}

std::optional<int64_t> LaunchCheck::stride(std::string_view tensor, int64_t dim) const {
  const Placed &it = placed[*spec.param(tensor)];
  return it.present ? it.strides[static_cast<size_t>(dim)] : 0;
}

std::optional<bool> LaunchCheck::aligned(std::string_view tensor, int64_t bytes) const {
  const size_t index = *spec.param(tensor);
  const Placed &it = placed[index];
  if (!it.present)
    return true;
  uint64_t bits = it.address;
  for (size_t i = 0; i + 1 < it.shape.size(); ++i)
    if (it.shape[i] > 1)
      bits |= static_cast<uint64_t>(it.strides[i]) *
              static_cast<uint64_t>(bytesOf(spec.params[index].elem));
  return bits % static_cast<uint64_t>(bytes) == 0;
}

std::optional<int64_t> LaunchCheck::sms() const {
  return launch.module().device().sms(launch.module().manifest().target);
}

/// "H = 6, aligned(q, 16) = false": what the terms of an expression stand for, for messages.
std::string LaunchCheck::valuesIn(const Expr &expr) const {
  std::map<std::string, const Expr *> terms;
  std::vector<std::string> order, parts;
  termsIn(expr, terms, order);
  std::string reason;
  for (const std::string &text : order)
    if (auto it = evaluate(*terms.at(text), *this, reason))
      parts.push_back(fmt::format("{} = {}", text, it->text()));
  return fmt::format("{}", fmt::join(parts, ", "));
}

bool LaunchCheck::refuseValue(const std::string &what, const Expr &expr,
                              const std::optional<Value> &result, const std::string &reason,
                              std::string_view wanted) {
  const std::string values = valuesIn(expr);
  return refuse(fmt::format(
      "{}: {}{}", what,
      result ? fmt::format("`{}` is {}, not {}", expr.text(), result->text(), wanted) : reason,
      values.empty() || expr.op == ExprOp::Name ? "" : " (" + values + ")"));
}

/// What the shape of `param` says of dimension `dim`; nothing if it does not bind it.
std::optional<int64_t> LaunchCheck::dimFrom(size_t dim, size_t param) const {
  const Dimension &dimension = spec.dims[dim];
  const auto &tensor = launch.tensors[param];
  if (!tensor || tensor->shape.empty())
    return std::nullopt;
  if (param == dimension.tensor)
    return tensor->shape[static_cast<size_t>(dimension.index)] - dimension.offset;
  for (size_t i = 0; i < tensor->shape.size(); ++i)
    if (auto offset = offsetOver(spec.params[param].shape[i], dimension.name);
        offset && !spec.params[param].orOne[i])
      return tensor->shape[i] - *offset;
  return std::nullopt;
}

std::string LaunchCheck::originOf(size_t dim) const {
  if (!dimOrigins[dim])
    return "the value given";
  const size_t p = *dimOrigins[dim];
  return fmt::format("`{}` of shape {}", spec.params[p].name, shapeText(launch.tensors[p]->shape));
}

bool LaunchCheck::setDim(size_t dim, int64_t value, std::optional<size_t> origin) {
  dims[dim] = value;
  dimOrigins[dim] = origin;
  if (value < 0)
    return refuse(fmt::format("dimension `{}` would be {}, from {}", spec.dims[dim].name, value,
                              originOf(dim)));
  if (value > INT32_MAX)
    return refuse(fmt::format("dimension `{}` is {}, from {}, and a dimension must be below 2^31",
                              spec.dims[dim].name, value, originOf(dim)));
  return true;
}

bool LaunchCheck::bindDims(bool partial) {
  for (size_t d = 0; d < spec.dims.size(); ++d) {
    const Dimension &dimension = spec.dims[d];
    const size_t binder = dimension.tensor;
    if (launch.givenDims[d]) {
      if (!setDim(d, *launch.givenDims[d], std::nullopt))
        return false;
      continue;
    }
    // The binder first, but an optional extent (`X?`) only if nothing else tells X: a 1 there may
    // be none.
    const bool weak = spec.params[binder].orOne[static_cast<size_t>(dimension.index)];
    std::optional<size_t> origin;
    std::optional<int64_t> value;
    auto ask = [&](size_t p) {
      if (!value && (value = dimFrom(d, p)))
        origin = p;
    };
    if (!weak)
      ask(binder);
    for (size_t p = 0; p < spec.params.size() && !value; ++p)
      if (spec.params[p].isTensor() && p != binder)
        ask(p);
    ask(binder);
    if (value && !setDim(d, *value, origin))
      return false;
    if (!dims[d] && !partial)
      return refuse(fmt::format("dimension `{}` is not known: `{}`, which binds it, is not given",
                                dimension.name, spec.params[binder].name));
  }
  return true;
}

std::optional<std::vector<int64_t>> LaunchCheck::shapeOf(size_t param) {
  std::vector<int64_t> shape;
  shape.reserve(spec.params[param].shape.size());
  for (const Expr &extent : spec.params[param].shape) {
    auto what = [&] { return fmt::format("the shape of `{}`", spec.params[param].name); };
    auto value = integerOf(extent, what);
    if (!value)
      return std::nullopt;
    if (*value < 0) {
      refuse(fmt::format("{}: `{}` is {} ({})", what(), extent.text(), *value, valuesIn(extent)));
      return std::nullopt;
    }
    shape.push_back(*value);
  }
  return shape;
}

bool LaunchCheck::checkShapes() {
  for (size_t p = 0; p < spec.params.size(); ++p) {
    const Param &param = spec.params[p];
    const auto &tensor = launch.tensors[p];
    if (!tensor || tensor->shape.empty())
      continue;
    auto &expected = placed[p].expected;
    if (!(expected = shapeOf(p)))
      return false;
    for (size_t i = 0; i < expected->size(); ++i) {
      const int64_t want = (*expected)[i], seen = tensor->shape[i];
      if (seen == want || (param.orOne[i] && seen == 1))
        continue;
      // Where the dimension comes from is half of the answer.
      const Expr &extent = param.shape[i];
      std::string why = valuesIn(extent);
      if (extent.op == ExprOp::Name)
        if (auto d = spec.dim(extent.name))
          why = fmt::format("{} = {}, from {}", extent.name, want, originOf(*d));
      return refuse(
          fmt::format("`{}` has shape {}, expected `{}`: extent {} is {}, and `{}` is {}{}{}",
                      param.name, shapeText(tensor->shape), param.text(), i, seen, extent.text(),
                      want, param.orOne[i] ? " (or 1)" : "",
                      why.empty() || extent.op == ExprOp::Literal ? "" : " (" + why + ")"));
    }
  }
  return true;
}

bool LaunchCheck::checkPresence() {
  bool anyOutput = false, hasOutput = false;
  for (size_t p = 0; p < spec.params.size(); ++p) {
    const Param &param = spec.params[p];
    if (!param.isTensor())
      continue;
    const auto &tensor = launch.tensors[p];
    const bool empty =
        tensor && std::find(tensor->shape.begin(), tensor->shape.end(), 0) != tensor->shape.end();
    const bool there = tensor && (tensor->data || empty);
    if (!there && !param.nullable)
      return refuse(fmt::format("`{}` is {}, expected `{}`", param.name,
                                tensor ? "null" : "not given", param.text()));
    if (tensor && tensor->data && tensor->shape.empty())
      return refuse(fmt::format("`{}` has no shape, expected `{}`", param.name, param.text()));
    hasOutput |= param.output;
    anyOutput |= param.output && there;
  }
  if (hasOutput && !anyOutput)
    return refuse("every output is null, so there is nothing to compute");
  return true;
}

/// Strides and alignment of one tensor that is there, and its extent in memory.
bool LaunchCheck::place(size_t p) {
  const Param &param = spec.params[p];
  const TensorRef &tensor = *launch.tensors[p];
  Placed &it = placed[p];
  it.present = tensor.data != nullptr;
  it.shape = tensor.shape;
  it.address = std::bit_cast<uint64_t>(tensor.data);
  const size_t rank = tensor.shape.size();
  const auto size = static_cast<int64_t>(bytesOf(param.elem));

  it.elements = 1;
  for (int64_t extent : tensor.shape)
    if (__builtin_mul_overflow(it.elements, extent, &it.elements))
      return refuse(fmt::format("`{}` of shape {} has more than 2^63 elements", param.name,
                                shapeText(tensor.shape)));
  it.strides = tensor.strides.empty() ? TensorRef::contiguous(tensor.shape) : tensor.strides;
  if (it.strides.size() != rank)
    return refuse(
        fmt::format("`{}` has {} strides for {} dimensions", param.name, it.strides.size(), rank));
  const auto &expected = it.expected; // by checkShapes
  for (size_t i = 0; i < rank; ++i) {
    if (tensor.shape[i] <= 1) {
      // No second element, so its stride means nothing: a fixed one, and 0 where the index is to be
      // ignored.
      const bool ignored = param.orOne[i] && tensor.shape[i] == 1 && (*expected)[i] != 1;
      it.strides[i] = ignored ? 0 : i + 1 == rank ? 1 : std::max<int64_t>(it.strides[i], 0);
      continue;
    }
    if (it.strides[i] < 0)
      return refuse(
          fmt::format("`{}` has stride {} in dimension {}, and a stride must not be negative",
                      param.name, it.strides[i], i));
    if (i + 1 == rank && it.strides[i] != 1)
      return refuse(fmt::format("`{}` has strides {}, and the last must be 1", param.name,
                                shapeText(it.strides)));
  }
  if (it.elements == 0)
    return true;

  int64_t last = 0, bytes = 0;
  bool tooLarge = false;
  for (size_t i = 0; i < rank; ++i) {
    int64_t reach = 0;
    tooLarge |= __builtin_mul_overflow(tensor.shape[i] - 1, it.strides[i], &reach) ||
                __builtin_add_overflow(last, reach, &last);
  }
  tooLarge = tooLarge || __builtin_add_overflow(last, int64_t{1}, &last) ||
             __builtin_mul_overflow(last, size, &bytes) ||
             it.address + static_cast<uint64_t>(bytes) < it.address;
  if (tooLarge)
    return refuse(fmt::format("`{}` of shape {} and strides {} is larger than the memory",
                              param.name, shapeText(tensor.shape), shapeText(it.strides)));
  it.bytes = static_cast<size_t>(bytes);

  if (it.address % static_cast<uint64_t>(param.align) != 0)
    return refuse(fmt::format("`{}` is at address {:#x}, and must be aligned to {} bytes",
                              param.name, it.address, param.align));
  for (size_t i = 0; i + 1 < rank; ++i)
    if (int64_t stride = it.strides[i];
        tensor.shape[i] > 1 && (stride % param.align) * size % param.align)
      return refuse(
          fmt::format("`{}` has stride {} in dimension {}, which is {} bytes, and must be a "
                      "multiple of {} bytes",
                      param.name, stride, i,
                      static_cast<double>(stride) * static_cast<double>(size), param.align));
  return true;
}

bool LaunchCheck::checkStrides() {
  for (size_t p = 0; p < spec.params.size(); ++p)
    if (launch.tensors[p] && !launch.tensors[p]->shape.empty() && !place(p))
      return false;
  return true;
}

bool LaunchCheck::bindScalars() {
  for (size_t p = 0; p < spec.params.size(); ++p) {
    const Param &param = spec.params[p];
    if (param.isTensor())
      continue;
    std::optional<Value> value = launch.scalars[p];
    const bool given = value.has_value();
    if (!given) {
      if (!param.init)
        return refuse(fmt::format("scalar `{}: {}` is not given and has no default", param.name,
                                  param.text()));
      std::string reason;
      value = evaluate(*param.init, *this, reason);
      if (!value)
        return refuse(fmt::format("the default of `{}`: {}", param.name, reason));
    }
    // An integer is a float too; nothing else is taken for another.
    if (param.elem == Elem::F32 && !value->isBool())
      value = Value::ofFloat(static_cast<double>(static_cast<float>(value->asDouble())));
    const Value::Kind wanted = param.elem == Elem::F32   ? Value::Kind::Float
                               : param.elem == Elem::I64 ? Value::Kind::Int
                                                         : Value::Kind::Bool;
    if (value->kind != wanted)
      return refuse(fmt::format("{} `{}` is {}, expected `{}`", given ? "scalar" : "the default of",
                                param.name, value->text(), param.text()));
    scalars[p] = value;
  }
  return true;
}

bool LaunchCheck::checkFacts() {
  for (const Fact &fact : spec.facts) {
    if (!fact.expr)
      continue;
    auto holds = boolOf(*fact.expr, [&] { return fmt::format("`assume {}`", fact.text); });
    if (!holds)
      return false;
    if (!*holds)
      return refuse(fmt::format("`assume {}` does not hold: {}", fact.text, valuesIn(*fact.expr)));
  }
  return true;
}

bool LaunchCheck::checkOverlaps() {
  struct Laid {
    size_t param;
    std::vector<int64_t> strides; ///< bytes
    Region region;
  };
  std::vector<Laid> laid;
  laid.reserve(spec.params.size()); // regions point into elements
  for (size_t p = 0; p < spec.params.size(); ++p) {
    const Placed &it = placed[p];
    if (!it.present || it.elements == 0)
      continue;
    Laid &entry = laid.emplace_back();
    entry.param = p;
    entry.strides.reserve(it.strides.size());
    for (int64_t stride : it.strides)
      entry.strides.push_back(stride * bytesOf(spec.params[p].elem));
    entry.region = {it.address, static_cast<uint64_t>(bytesOf(spec.params[p].elem)), it.shape,
                    entry.strides};
  }
  for (const Laid &output : laid) {
    if (!spec.params[output.param].output)
      continue;
    if (overlapsItself(output.region))
      return refuse(fmt::format(
          "output `{}` of shape {} has strides {}: two of its elements may share an address",
          spec.params[output.param].name, shapeText(placed[output.param].shape),
          shapeText(placed[output.param].strides)));
    for (const Laid &other : laid) {
      const bool earlierOutput = spec.params[other.param].output && other.param >= output.param;
      if (!earlierOutput && overlap(output.region, other.region))
        return refuse(fmt::format(
            "output `{}` overlaps {} `{}` in memory", spec.params[output.param].name,
            spec.params[other.param].output ? "output" : "input", spec.params[other.param].name));
    }
  }
  return true;
}

bool LaunchCheck::nothingToDo() const {
  for (size_t p = 0; p < spec.params.size(); ++p)
    if (spec.params[p].output && launch.tensors[p] && placed[p].elements > 0 && placed[p].present)
      return false;
  return true;
}

} // namespace fc::rt
