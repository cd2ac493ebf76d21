// Driver.h - libcuda.so.1, opened at run time.
//
// Nothing of CUDA is needed to build or to start: the library is looked for when a `cuda` device is
// asked for. $FLASHCORE_CUDA_LIBRARY names another library, or `none`: then there is no GPU.
#pragma once
#include "runtime/Error.h"
#include "runtime/cuda/DriverTypes.h"
#include <memory>
#include <string>

namespace fc::rt::cuda {

/// The driver's functions. Stays open until the process ends once it was used; immutable, shared
/// between threads.
struct Driver {
#define FC_DRIVER(Member, Name, Exported, Since, Need, Params) Result(*Member) Params = nullptr;
#include "runtime/cuda/Driver.def"
#undef FC_DRIVER

  std::string path;
  int version = 0; ///< 12040: CUDA 12.4

  /// Opens and initialises the driver. What is missing is in `error`: the library, a function, a
  /// driver that is new enough, a device.
  static std::shared_ptr<const Driver> open(Error &error);

  /// "CUDA_ERROR_OUT_OF_MEMORY: out of memory", in the driver's words.
  std::string text(Result code) const;
  std::string name(Result code) const; ///< "CUDA_ERROR_OUT_OF_MEMORY"
};

/// "12.4" of 12040.
std::string versionText(int version);

} // namespace fc::rt::cuda
