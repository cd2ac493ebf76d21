// Launch.cpp - an example launch of a kernel
#include "compiler/Explain/Launch.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace llvm;

namespace fc::explain {

const dsl::Axis *rowsOf(const dsl::Kernel &kernel) {
  const dsl::Axis *rows = nullptr;
  for (const dsl::Axis *axis : kernel.grid)
    if (!axis->isPoint())
      rows = axis;
  return rows;
}

const dsl::Axis *axisOf(const dsl::Kernel &kernel, StringRef name) {
  for (const dsl::Axis *axis : kernel.axes)
    if (axis->name == name)
      return axis;
  return nullptr;
}

/// The dimensions that an expression uses.
static void addDims(const dsl::Expr *expr, std::set<std::string> &dims) {
  if (!expr)
    return;
  if (expr->op == dsl::Op::DimRef)
    dims.insert(expr->dim->name);
  for (const dsl::Expr *operand : expr->operands)
    addDims(operand, dims);
  if (expr->let)
    addDims(expr->let->value, dims);
}

/// `a`, `b` and `c`.
static std::string listed(const std::vector<std::string> &names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "`" : i + 1 == names.size() ? " and `" : ", `") + names[i] + "`";
  return text;
}

static bool parseScalar(const dsl::Scalar &scalar, StringRef text, dsl::ScalarValue &value) {
  if (scalar.elem == dsl::Elem::F32)
    return !text.getAsDouble(value.f);
  if (scalar.elem == dsl::Elem::Bool && (text == "true" || text == "false")) {
    value.i = text == "true";
    return true;
  }
  return !text.getAsInteger(10, value.i);
}

std::string wrongDims(const dsl::Dims &dims) {
  for (auto &[name, value] : dims)
    if (value < 1 || value >= int64_t(1) << 30)
      return "--shape: `" + name + "` is " + std::to_string(value) +
             "; a dimension is from 1 to 2^30 - 1";
  return "";
}

std::unique_ptr<Launch> Launch::of(const dsl::Kernel &kernel, const LaunchRequest &request,
                                   std::string &error) {
  std::unique_ptr<Launch> launch(new Launch(kernel, request));
  auto fail = [&](const Twine &message) {
    error = message.str();
    return nullptr;
  };
  std::vector<std::string> known, needed, missing;
  std::set<std::string> ranged;
  for (const dsl::Axis *axis : kernel.axes)
    if (!axis->isPoint())
      for (const dsl::Expr *bound : {axis->lo, axis->hi, axis->upto})
        addDims(bound, ranged);
  for (const dsl::Dim *dim : kernel.dims) {
    known.push_back(dim->name);
    auto it = request.dims.find(dim->name);
    if (it != request.dims.end())
      launch->dims[dim->name] = it->second;
    else if (ranged.count(dim->name))
      missing.push_back(dim->name);
    else
      launch->dims[dim->name] = 1;
  }
  for (auto &[name, value] : request.dims) {
    if (is_contained(known, name)) {
      launch->shape += (launch->shape.empty() ? "" : ", ") + name + " = " + std::to_string(value);
      continue;
    }
    for (const dsl::CParam &param : kernel.cparams)
      if (param.name == name)
        return fail("--shape: `" + name + "` is a compile-time parameter of `" + kernel.name +
                    "`; set it with -D " + name + "=" + std::to_string(value));
    return fail("--shape: `" + kernel.name + "` has no dimension `" + name + "`; it has " +
                listed(known));
  }
  if (!missing.empty()) {
    std::string example;
    for (const std::string &name : missing)
      example += (example.empty() ? "" : ",") + name + "=512";
    return fail("--shape: " + listed(missing) + (missing.size() == 1 ? " has" : " have") +
                " no value; for example --shape " + example);
  }
  if (std::string wrong = wrongDims(launch->dims); !wrong.empty())
    return fail(wrong);

  for (auto &[name, text] : request.scalars) {
    const dsl::Scalar *scalar = nullptr;
    std::vector<std::string> all;
    for (const dsl::Scalar *each : kernel.scalars) {
      all.push_back(each->name);
      if (each->name == name)
        scalar = each;
    }
    if (!scalar)
      return fail("--set: `" + kernel.name + "` has no scalar `" + name + "`" +
                  (all.empty() ? "" : "; it has " + listed(all)));
    if (!parseScalar(*scalar, text, launch->scalars[name]))
      return fail("--set: `" + text + "` is no value of `" + name + "`, which is " +
                  (scalar->elem == dsl::Elem::F32    ? "f32"
                   : scalar->elem == dsl::Elem::Bool ? "bool"
                                                     : "int"));
  }
  if (auto wrong = dsl::bindScalars(kernel, launch->dims, launch->scalars))
    return fail("--set: " + wrong->message);

  std::vector<std::string> points;
  for (const dsl::Axis *axis : kernel.grid)
    if (axis->isPoint()) {
      points.push_back(axis->name);
      auto it = request.at.find(axis->name);
      int64_t at = it == request.at.end() ? 0 : it->second;
      launch->at[axis->name] = at;
      launch->place +=
          (launch->place.empty() ? "" : ", ") + axis->name + " = " + std::to_string(at);
    }
  for (auto &[name, value] : request.at)
    if (!is_contained(points, name))
      return fail("--at: `" + name + "` is no scalar axis of the grid of `" + kernel.name + "`" +
                  (points.empty() ? "" : "; there are " + listed(points)));
  return launch;
}

const dsl::Array *Launch::tensor(StringRef name, std::string &error) {
  auto it = made.find(name.str());
  if (it != made.end())
    return &it->second;
  for (const dsl::Tensor *tensor : kernel.inputs) {
    if (tensor->name != name)
      continue;
    std::vector<int64_t> shape;
    if (auto wrong = dsl::shapeOf(*tensor, dims, shape)) {
      error = wrong->message;
      return nullptr;
    }
    std::optional<dsl::Array> array = request.input(*tensor, shape, dims, error);
    if (!array) {
      wrongInput = error;
      return nullptr;
    }
    return &(made[name.str()] = std::move(*array));
  }
  error = ("there is no input `" + name + "`").str();
  return nullptr;
}

} // namespace fc::explain
