// Check.h - comparing outputs with the reference: the .fc text, evaluated naively in float64.
#pragma once
#include "dsl/Kernel.h"
#include "tools/fc-run/Session.h"

namespace fc::run {

/// How far an output may be from the reference.
struct Tolerance {
  bool exact = false; ///< integers and bools
  double relL2 = 0;
  /// Of each element. Unless it was asked for (`scaled` is false then), it is for outputs of
  /// ordinary size: where the root mean square of the reference is over 1 it is multiplied by that,
  /// since a sum of large terms is off by their size, and an element may be off by a unit in its
  /// last place (`unit` times it) where that is more.
  double maxAbs = 0;
  double unit = 0;
  bool scaled = false;
};

/// How far it is.
struct Comparison {
  std::string name;
  Tolerance tolerance;
  double maxAbs = 0;
  double maxRel =
      0; ///< |x - ref| / |ref|, over elements whose |ref| is at least a thousandth of the largest
  double relL2 = 0;    ///< |x - ref| / |ref| in L2; where the reference is all 0, |x - ref|
  size_t elements = 0; ///< of the tensor: how many were compared
  size_t bothNan = 0;  ///< NaN in the output and in the reference, which agrees but says little
  size_t unwritten = 0, wrongNan = 0;
  size_t beyond = 0; ///< elements off by more than the tolerance of an element
  std::string worst; ///< "at [0, 1, 17, 3]: 0.5, and the reference has 0.25"; empty if all is equal
  bool pass = false;
};

/// The tolerance of an output of `kernel`: that of the coarsest type to which the text rounds it,
/// or anything on the way to it. What is read is exact, in the reference too, so inputs of a coarse
/// type take nothing off a result that is computed in f32 from them.
Tolerance toleranceOf(const Options &options, const dsl::Kernel &kernel, const dsl::Tensor &output);

/// Element by element: `values` (or `integers`, where `tensor` holds such) are the reference's.
Comparison compare(const std::string &name, const HostTensor &tensor,
                   const std::vector<double> &values, const std::vector<int64_t> &integers,
                   const Tolerance &tolerance);

/// Evaluates the kernels of the session as the .fc at `path` has them, with the inputs that the
/// device got, and compares every output.
bool check(const Options &options, const Session &session, const std::string &path,
           std::vector<Comparison> &comparisons, rt::Error &error);

} // namespace fc::run
