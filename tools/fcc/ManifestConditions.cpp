// ManifestConditions.cpp - the conditions of forms at an example launch
#include "tools/fcc/ManifestConditions.h"
#include "compiler/Explain/Launch.h"
#include "runtime/Manifest.h"

namespace fc {

namespace {

/// The values of a launch; tensors lie row after row.
class LaunchEnvironment : public rt::Environment {
public:
  LaunchEnvironment(const explain::Launch &launch, int64_t sms) : launch(launch), count(sms) {}

  std::optional<rt::Value> value(std::string_view name) const override {
    const std::string key(name);
    if (auto dim = launch.dims.find(key); dim != launch.dims.end())
      return rt::Value::ofInt(dim->second);
    for (const dsl::Scalar *scalar : launch.kernel.scalars)
      if (auto it = launch.scalars.find(key); scalar->name == name && it != launch.scalars.end())
        return valueOf(scalar->elem, it->second.f, it->second.i);
    for (const dsl::CParam &param : launch.kernel.cparams)
      if (param.name == name && !param.isType)
        return valueOf(param.type, param.floatValue, param.intValue);
    return std::nullopt;
  }
  std::optional<int64_t> stride(std::string_view tensor, int64_t dim) const override {
    const dsl::Tensor *found = find(tensor);
    std::vector<int64_t> shape;
    if (!found || dim >= int64_t(found->shape.size()) ||
        dsl::shapeOf(*found, launch.dims, shape).has_value())
      return std::nullopt;
    int64_t stride = 1;
    for (size_t i = shape.size(); i > size_t(dim) + 1; --i)
      stride *= shape[i - 1];
    return stride;
  }
  std::optional<bool> aligned(std::string_view tensor, int64_t bytes) const override {
    const dsl::Tensor *found = find(tensor);
    std::vector<int64_t> shape;
    if (!found || dsl::shapeOf(*found, launch.dims, shape).has_value())
      return std::nullopt;
    for (size_t i = 0; i + 1 < shape.size(); ++i)
      if (shape[i] > 1 && *stride(tensor, int64_t(i)) * dsl::bits(found->elem) / 8 % bytes != 0)
        return false;
    return true;
  }
  std::optional<int64_t> sms() const override { return count; }

private:
  static rt::Value valueOf(dsl::Elem elem, double real, int64_t integer) {
    return elem == dsl::Elem::F32    ? rt::Value::ofFloat(real)
           : elem == dsl::Elem::Bool ? rt::Value::ofBool(integer != 0)
                                     : rt::Value::ofInt(integer);
  }
  const dsl::Tensor *find(std::string_view name) const {
    for (const auto *list : {&launch.kernel.inputs, &launch.kernel.outputs})
      for (const dsl::Tensor *tensor : *list)
        if (tensor->name == name)
          return tensor;
    return nullptr;
  }

  const explain::Launch &launch;
  int64_t count;
};

} // namespace

std::string ManifestConditions::text(const std::string &expression) const {
  std::string error;
  auto parsed = rt::parseExpr(expression, error);
  return parsed ? parsed->text() : error;
}

std::optional<int64_t> ManifestConditions::value(const std::string &expression,
                                                 const explain::Launch &launch, int64_t sms) const {
  std::string error;
  auto parsed = rt::parseExpr(expression, error);
  auto result =
      parsed ? rt::evaluate(*parsed, LaunchEnvironment(launch, sms), error) : std::nullopt;
  if (!result || result->isFloat())
    return std::nullopt;
  return result->integer;
}

} // namespace fc
