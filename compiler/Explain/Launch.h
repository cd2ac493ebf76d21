// Launch.h - an example launch: what `--shape` and its companions say, and the inputs they leave
// open
//
// Counts and pictures need values: dimensions, scalars, and the integer tensors that a mask reads.
// What is not given takes the kernel's default, then the example inputs that fc-run would make.
#pragma once
#include "dsl/ExactMask.h"
#include "llvm/ADT/StringRef.h"
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fc::explain {

/// What the command line says of a launch.
struct LaunchRequest {
  dsl::Dims dims, at;
  std::map<std::string, std::string> scalars; ///< as written: window=256
  /// An input of that shape; nothing and a sentence if there is none.
  std::function<std::optional<dsl::Array>(const dsl::Tensor &, const std::vector<int64_t> &shape,
                                          const dsl::Dims &dims, std::string &error)>
      input;
};

/// The launch of one kernel.
class Launch {
public:
  /// Nothing, and a sentence, if the request does not fit the kernel. A dimension that no tile of
  /// the grid and no walked axis ranges over is 1 unless it is given.
  static std::unique_ptr<Launch> of(const dsl::Kernel &kernel, const LaunchRequest &request,
                                    std::string &error);

  const dsl::Kernel &kernel;
  dsl::Dims dims, at;
  dsl::Scalars scalars;
  /// `M = 512, N = 512`: what was asked for.
  std::string shape;
  /// `b = 0, h = 0`
  std::string place;

  /// An input, made when it is first asked for; null and a sentence if it cannot be.
  const dsl::Array *tensor(llvm::StringRef name, std::string &error);
  /// What is wrong with the inputs asked for; empty if nothing is.
  std::string wrongInput;
  const std::map<std::string, dsl::Array> &tensors() const { return made; }

private:
  Launch(const dsl::Kernel &kernel, const LaunchRequest &request)
      : kernel(kernel), request(request) {}
  const LaunchRequest &request;
  std::map<std::string, dsl::Array> made;
};

/// A dimension that no launch can have, in words; empty if there is none.
std::string wrongDims(const dsl::Dims &dims);
/// The tile axis of the grid that is a kernel's rows (the last one), or null.
const dsl::Axis *rowsOf(const dsl::Kernel &kernel);
/// The axis of that name, or null.
const dsl::Axis *axisOf(const dsl::Kernel &kernel, llvm::StringRef name);

} // namespace fc::explain
