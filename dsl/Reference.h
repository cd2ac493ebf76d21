// Reference.h - the meaning of a checked kernel: its outputs in float64, straight from the
// expressions.
//
// Whole, untiled, unrounded: floats are float64 throughout, casts between floats do not round (rule
// T4), integers are int64. What the language leaves to the writer is checked here: indices (S6),
// `assume`s, the binding of dimensions (D1, D2), that each output element is written once (A7), and
// that a loop over tiles does not depend on where they are cut (A5: the kernel is run with two
// cuts).
//
//   Arguments args;
//   args.tensors["q"] = Array::fromBytes(Elem::F16, {1, 8, 512, 64}, data);
//   Outcome out = evaluate(kernel, args);
//   if (!out.error) use(out.outputs.at("o").values.f);
#pragma once
#include "dsl/Kernel.h"
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fc::dsl {

/// A dense row-major array. Floats are in `f`, integers and Bool (0 or 1) in `i`; the other is
/// empty.
struct Array {
  Elem elem = Elem::F32;
  std::vector<int64_t> shape;
  std::vector<double> f;
  std::vector<int64_t> i;

  int64_t size() const; ///< product of the shape
  /// Zeroes of that type and shape.
  static Array zeros(Elem elem, std::vector<int64_t> shape);
  /// From the contiguous elements as a device holds them (bits(elem) each); exact.
  static Array fromBytes(Elem elem, std::vector<int64_t> shape, const void *data);
  /// To such elements; floats round to nearest even (Numeric.h), integers wrap.
  std::vector<uint8_t> toBytes() const;
};

using Shapes = std::map<std::string, std::vector<int64_t>>; ///< by tensor
using Dims = std::map<std::string, int64_t>;                ///< by name
/// A scalar's value: F32 ones in `f`, I64 and Bool in `i`.
struct ScalarValue {
  double f = 0;
  int64_t i = 0;
};
using Scalars = std::map<std::string, ScalarValue>;

/// What is wrong, at a place of the text. Messages in the style of Diagnostics.
struct ReferenceError {
  Loc loc;
  std::string message;
  /// "path:line:col: error: message"; `program` is the kernel's.
  std::string render(const Program &program) const;
};

/// The arguments of a launch.
struct Arguments {
  std::map<std::string, Array> tensors; ///< inputs; one that is not here is null (rule D3)
  Scalars scalars;                      ///< one that is not here takes its default
  Dims dims;                         ///< what no given tensor binds (a dimension of outputs alone)
  std::set<std::string> nullOutputs; ///< these are not stored (rule D3)
};

struct Output {
  Array values;                 ///< unrounded; elements not written are 0
  std::vector<uint8_t> written; ///< 1 where an element was written
};

struct ReferenceOptions {
  int threads = 0;             ///< 0: as many as the machine has
  bool allowUnwritten = false; ///< leave it to `Output::written` that an element was never written
};

struct Outcome {
  std::optional<ReferenceError> error;
  std::map<std::string, Output> outputs; ///< empty on an error
};

/// Binds each dimension of the kernel by rules D1 and D2 from the shapes of the tensors given
/// (inputs, and outputs if they have shapes already) and from `given`, and checks every entry of
/// every given shape. On success `dims` has every dimension of the kernel.
std::optional<ReferenceError> bindDims(const Kernel &kernel, const Shapes &shapes,
                                       const Dims &given, Dims &dims);

/// Completes `scalars` by the defaults (rule D4), in order. An f32 scalar is rounded to f32, as the
/// launch hands it over. One without value and default is an error.
std::optional<ReferenceError> bindScalars(const Kernel &kernel, const Dims &dims, Scalars &scalars);

/// The value of an expression over dimensions, scalars and constants (extents, defaults, grid
/// ranges that read no tensor), in `value.f` for floats and `value.i` else. An error for any other
/// operand, for a dimension or scalar that is not there, and for a division of integers by zero.
std::optional<ReferenceError> evalScalar(const Expr &expr, const Dims &dims, const Scalars &scalars,
                                         ScalarValue &value);

/// The shape that `tensor` has by its extents; for an entry `X?` the full one, X.
std::optional<ReferenceError> shapeOf(const Tensor &tensor, const Dims &dims,
                                      std::vector<int64_t> &shape);

/// Evaluates one kernel.
Outcome evaluate(const Kernel &kernel, const Arguments &args, const ReferenceOptions &options = {});

/// Evaluates all kernels of a file in order; an output is handed on, unrounded, to later inputs of
/// its name unless `args` has a tensor of that name (rule K1). Gives the outputs of all kernels.
Outcome evaluate(const Program &program, const Arguments &args,
                 const ReferenceOptions &options = {});

} // namespace fc::dsl
