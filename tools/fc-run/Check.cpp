// Check.cpp - evaluating the reference and comparing; see Check.h.
#include "tools/fc-run/Check.h"
#include "dsl/Frontend.h"
#include "dsl/Reference.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>

namespace fc::run {

using rt::Code;
using rt::Elem;

// The two enumerations are the same list; the runtime and the front end do not know each other.
static_assert(static_cast<int>(Elem::F8E5M2) == static_cast<int>(dsl::Elem::F8E5M2) &&
              static_cast<int>(Elem::I16) == static_cast<int>(dsl::Elem::I16) &&
              static_cast<int>(Elem::Bool) == static_cast<int>(dsl::Elem::Bool));

namespace {

/// How coarse a float is: the number of its row of bars.
size_t coarsenessOf(dsl::Elem elem) {
  switch (elem) {
  case dsl::Elem::F16:
    return 1;
  case dsl::Elem::BF16:
    return 2;
  case dsl::Elem::F8E4M3:
  case dsl::Elem::F8E5M2:
    return 3;
  default:
    return 0;
  }
}

/// The coarsest type that the text rounds to on the way to a value.
class Roundings {
public:
  explicit Roundings(const dsl::Kernel &kernel) { collect(kernel.body); }

  size_t of(const dsl::Tensor &output) {
    size_t coarsest = coarsenessOf(output.elem);
    for (const dsl::Stmt *store : stores)
      if (store->tensor == &output)
        coarsest = std::max(coarsest, of(store->value));
    return coarsest;
  }

private:
  void collect(const std::vector<dsl::Stmt> &body) {
    for (const dsl::Stmt &stmt : body) {
      if (stmt.kind == dsl::Stmt::Store)
        stores.push_back(&stmt);
      else if (stmt.kind == dsl::Stmt::Set)
        sets[stmt.var].push_back(stmt.value);
      collect(stmt.body);
    }
  }

  size_t of(const dsl::Expr *expr) {
    if (!expr || !seen.insert(expr).second)
      return 0;
    const bool rounds = expr->op == dsl::Op::Cast && !expr->implicit;
    size_t coarsest = rounds ? coarsenessOf(expr->elem) : 0;
    for (const dsl::Expr *operand : expr->operands)
      coarsest = std::max(coarsest, of(operand));
    if (expr->let)
      coarsest = std::max(coarsest, of(expr->let->value));
    if (const dsl::Var *var = expr->var; var && seenVars.insert(var).second) {
      coarsest = std::max({coarsest, coarsenessOf(var->elem), of(var->init)});
      for (const dsl::Expr *value : sets[var])
        coarsest = std::max(coarsest, of(value));
    }
    return coarsest;
  }

  std::vector<const dsl::Stmt *> stores;
  std::map<const dsl::Var *, std::vector<const dsl::Expr *>> sets;
  std::set<const dsl::Expr *> seen; ///< on the way to one output
  std::set<const dsl::Var *> seenVars;
};

} // namespace

Tolerance toleranceOf(const Options &options, const dsl::Kernel &kernel,
                      const dsl::Tensor &output) {
  if (!dsl::isFloat(output.elem))
    return {.exact = true};
  // What stays in f32 is off by more than its unit, 2^-23: sums of n terms by the square root of n
  // of them or, where a tensor core cuts off, by n / 16, and ex2.approx and lg2.approx by 2 each.
  struct Bars {
    double relL2, maxAbs, unit;
  };
  constexpr Bars bars[] = {
      {1e-5, 2e-5, 0x1p-18}, {1e-3, 0.01, 0x1p-10}, {8e-3, 0.06, 0x1p-7}, {5e-2, 0.25, 0x1p-3}};
  const Bars &bar = bars[Roundings(kernel).of(output)];
  return {.exact = false,
          .relL2 = options.relL2.value_or(bar.relL2),
          .maxAbs = options.maxAbs.value_or(bar.maxAbs),
          .unit = bar.unit,
          .scaled = !options.maxAbs};
}

namespace {

std::string indexText(size_t flat, const std::vector<int64_t> &shape) {
  std::vector<int64_t> index(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    index[i] = static_cast<int64_t>(flat % static_cast<size_t>(shape[i]));
    flat /= static_cast<size_t>(shape[i]);
  }
  return fmt::format("[{}]", fmt::join(index, ", "));
}

/// With the factors that the reference's values give it.
Tolerance scaled(const Tolerance &tolerance, const std::vector<double> &values) {
  Tolerance result = tolerance;
  if (!tolerance.scaled) {
    result.unit = 0;
    return result;
  }
  double squares = 0;
  size_t count = 0;
  for (double value : values)
    if (std::isfinite(value)) {
      squares += value * value;
      ++count;
    }
  if (count > 0)
    result.maxAbs *= std::max(1.0, std::sqrt(squares / static_cast<double>(count)));
  return result;
}

} // namespace

Comparison compare(const std::string &name, const HostTensor &tensor,
                   const std::vector<double> &values, const std::vector<int64_t> &integers,
                   const Tolerance &tolerance) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Comparison result;
  result.name = name;
  result.elements = tensor.size();
  result.tolerance = scaled(tolerance, values);
  const bool floats = isFloat(tensor.elem);
  const auto bytes = static_cast<size_t>(bytesOf(tensor.elem));
  const uint64_t poisoned = poisonBits(tensor.elem);
  double largest = 0;
  if (floats)
    for (double value : values)
      if (std::isfinite(value))
        largest = std::max(largest, std::fabs(value));
  double errorSquares = 0, refSquares = 0, worst = 0;
  for (size_t i = 0; i < tensor.size(); ++i) {
    uint64_t bits = 0;
    std::memcpy(&bits, tensor.bits.data() + i * bytes, bytes);
    const double seen = toDouble(tensor.elem, bits);
    const double expected = floats ? values[i] : static_cast<double>(integers[i]);
    double difference = 0;
    if (!floats) {
      // In 64 bits: a double would call neighbours equal.
      const uint64_t wanted =
          static_cast<uint64_t>(integers[i]) & (~uint64_t{0} >> (64 - 8 * bytes));
      difference = bits == wanted ? 0 : std::max(std::fabs(seen - expected), 1.0);
    } else if (std::isnan(seen) != std::isnan(expected)) {
      difference = infinity;
    } else if (!std::isnan(seen) && seen != expected) {
      difference = std::fabs(seen - expected); // of infinities: infinity
    }
    result.bothNan += floats && std::isnan(seen) && std::isnan(expected);
    if (difference > 0 && bits == poisoned)
      ++result.unwritten;
    else if (floats && std::isnan(seen) != std::isnan(expected))
      ++result.wrongNan;
    const double unit = std::isfinite(expected) ? result.tolerance.unit * std::fabs(expected) : 0;
    if (!(difference <= std::max(result.tolerance.maxAbs, unit)))
      ++result.beyond;
    if (difference > worst) {
      worst = difference;
      result.worst =
          fmt::format("at {}: {}, and the reference has {}", indexText(i, tensor.shape),
                      bits == poisoned ? "never written" : fmt::format("{:.7g}", seen),
                      floats ? fmt::format("{:.7g}", expected) : fmt::format("{}", integers[i]));
    }
    if (std::isfinite(expected) && std::fabs(expected) >= largest * 1e-3 && expected != 0)
      result.maxRel = std::max(result.maxRel, difference / std::fabs(expected));
    errorSquares += difference * difference;
    if (std::isfinite(expected))
      refSquares += expected * expected;
  }
  result.maxAbs = worst;
  result.relL2 =
      errorSquares == 0 ? 0 : std::sqrt(errorSquares / (refSquares > 0 ? refSquares : 1));
  result.pass =
      result.unwritten == 0 && result.wrongNan == 0 &&
      (tolerance.exact ? worst == 0 : result.relL2 <= tolerance.relL2 && result.beyond == 0);
  return result;
}

namespace {

/// The compile-time parameters of the PTX as defines for the front end, so that it checks the same
/// program.
dsl::Defines definesOf(const Session &session) {
  dsl::Defines defines;
  for (const rt::KernelSpec &kernel : session.module().manifest().kernels)
    for (const rt::CompileParam &param : kernel.cparams)
      defines[param.name] = param.text();
  return defines;
}

dsl::Array arrayOf(const HostTensor &tensor) {
  return dsl::Array::fromBytes(static_cast<dsl::Elem>(tensor.elem), tensor.shape,
                               tensor.bits.data());
}

} // namespace

bool check(const Options &options, const Session &session, const std::string &path,
           std::vector<Comparison> &comparisons, rt::Error &error) {
  dsl::Diagnostics diagnostics;
  const auto program = dsl::checkFile(path, definesOf(session), diagnostics);
  if (!program)
    return error.set(Code::Module, "cannot check against `{}`:\n{}", path, diagnostics.render());

  dsl::Arguments arguments;
  for (const auto &[name, tensor] : session.inputs)
    arguments.tensors[name] = arrayOf(tensor);
  for (const auto &[name, value] : session.scalars)
    arguments.scalars[name] = {value.asDouble(), value.isFloat() ? 0 : value.integer};
  arguments.dims.insert(session.dims.begin(), session.dims.end());
  arguments.nullOutputs = session.nulls;

  for (const rt::KernelSpec *spec : session.kernels()) {
    const dsl::Kernel *kernel = program->kernel(spec->name);
    if (!kernel)
      return error.set(Code::NotFound, "`{}` has no kernel `{}`, which {} does", path, spec->name,
                       session.module().name());
    // Names of other kernels' parameters mean nothing to this one.
    dsl::Arguments own = arguments;
    std::erase_if(own.tensors, [&](const auto &it) {
      const auto index = spec->param(it.first);
      return !index || !spec->params[*index].isTensor() || spec->params[*index].output;
    });
    std::erase_if(own.scalars, [&](const auto &it) { return !spec->param(it.first); });
    std::erase_if(own.dims, [&](const auto &it) { return !spec->dim(it.first); });
    std::erase_if(own.nullOutputs, [&](const auto &it) { return !spec->param(it); });
    const dsl::Outcome outcome = dsl::evaluate(
        *kernel, own, {.threads = options.threads.value_or(0), .allowUnwritten = false});
    if (outcome.error)
      return error.set(Code::Refused, "the reference refuses these inputs:\n{}",
                       outcome.error->render(*program));
    for (const rt::Param &param : spec->params) {
      if (!param.isTensor() || !param.output || session.nulls.count(param.name))
        continue;
      const auto output = outcome.outputs.find(param.name);
      const HostTensor &tensor = session.outputs.at(param.name);
      if (output == outcome.outputs.end() || output->second.values.shape != tensor.shape ||
          output->second.values.elem != static_cast<dsl::Elem>(tensor.elem))
        return error.set(
            Code::Module,
            "`{}` of {} is not the one of {}: is it the file that the PTX was made of?", param.name,
            path, session.module().name());
      const dsl::Array &values = output->second.values;
      const auto declared =
          std::find_if(kernel->outputs.begin(), kernel->outputs.end(),
                       [&](const dsl::Tensor *it) { return it->name == param.name; });
      comparisons.push_back(compare(param.name, tensor, values.f, values.i,
                                    toleranceOf(options, *kernel, **declared)));
    }
    for (const auto &[name, output] : outcome.outputs)
      arguments.tensors.try_emplace(name, output.values);
  }
  return true;
}

} // namespace fc::run
