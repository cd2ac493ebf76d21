// Driver.cpp - finding the driver and its functions; see Driver.h.
#include "runtime/cuda/Driver.h"
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <mutex>

namespace fc::rt::cuda {
namespace {

constexpr const char *defaultPath = "libcuda.so.1";

/// Finds functions by name and version: the same name has had several forms.
class Symbols {
public:
  explicit Symbols(void *library) : library(library) {
    // Its form with a fifth parameter came with CUDA 12.0; both agree in the first four.
    if (void *found = dlsym(library, "cuGetProcAddress_v2"))
      lookupStatus = reinterpret_cast<LookupStatus>(found);
    else
      lookup = reinterpret_cast<Lookup>(dlsym(library, "cuGetProcAddress"));
  }

  void *find(const char *name, const char *exported, int since) const {
    void *function = nullptr;
    int status = 0;
    if (lookupStatus)
      return lookupStatus(name, &function, since, 0, &status) == Success ? function : nullptr;
    if (lookup)
      return lookup(name, &function, since, 0) == Success ? function : nullptr;
    return dlsym(library, exported);
  }

private:
  using LookupStatus = Result (*)(const char *, void **, int, uint64_t, int *);
  using Lookup = Result (*)(const char *, void **, int, uint64_t);
  void *library;
  LookupStatus lookupStatus = nullptr;
  Lookup lookup = nullptr;
};

enum Need { Required, Optional };

bool resolve(Driver &driver, void *library, Error &error) {
  const Symbols symbols(library);
  auto tooOld = [&] {
    return error.set(Code::Unsupported,
                     "the NVIDIA driver is too old: it supports CUDA {}, and CUDA {} (driver R470) "
                     "or newer is needed",
                     versionText(driver.version), versionText(oldestDriver));
  };
  // The version first: it explains what is missing after it.
  driver.driverVersion = reinterpret_cast<decltype(driver.driverVersion)>(
      symbols.find("cuDriverGetVersion", "cuDriverGetVersion", 2020));
  if (!driver.driverVersion || driver.driverVersion(&driver.version) != Success)
    return error.set(Code::Unsupported, "`{}` is not NVIDIA's driver: it has no cuDriverGetVersion",
                     driver.path);
  if (driver.version < oldestDriver)
    return tooOld();
#define FC_DRIVER(Member, Name, Exported, Since, Need, Params)                                     \
  driver.Member =                                                                                  \
      reinterpret_cast<decltype(driver.Member)>(symbols.find(#Name, #Exported, Since));            \
  if (!driver.Member && Need == Required)                                                          \
    return error.set(Code::Unsupported, "the NVIDIA driver `{}` (CUDA {}) has no function `{}`",   \
                     driver.path, versionText(driver.version), #Name);
#include "runtime/cuda/Driver.def"
#undef FC_DRIVER
  return true;
}

bool initialise(const Driver &driver, Error &error) {
  const Result code = driver.init(0);
  if (code == Success)
    return true;
  std::string_view hint;
  if (code == NoDevice)
    hint = "; `nvidia-smi` and CUDA_VISIBLE_DEVICES tell which devices this process may see";
  else if (code == SystemDriverMismatch)
    hint = "; the driver's library and its kernel module differ: reboot, or reload the module";
  else if (code == StubLibrary)
    hint = "; this is the stub for linking, not a driver: take it out of LD_LIBRARY_PATH";
  error.set(Code::Unsupported, "the NVIDIA driver (CUDA {}) does not start: {}{}",
            versionText(driver.version), driver.text(code), hint);
  error.id = driver.name(code);
  return false;
}

} // namespace

std::string versionText(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

std::string Driver::name(Result code) const {
  const char *name = nullptr;
  if (errorName && errorName(code, &name) == Success && name)
    return name;
  return fmt::format("error {}", static_cast<int>(code));
}

std::string Driver::text(Result code) const {
  const char *words = nullptr;
  if (errorString && errorString(code, &words) == Success && words) {
    std::string_view sentence = words;
    if (sentence.ends_with('.'))
      sentence.remove_suffix(1);
    return fmt::format("{}: {}", name(code), sentence);
  }
  return name(code);
}

std::shared_ptr<const Driver> Driver::open(Error &error) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const Driver>> opened;
  const std::lock_guard lock(mutex);
  const char *chosen = std::getenv("FLASHCORE_CUDA_LIBRARY");
  const std::string path = chosen && *chosen ? chosen : defaultPath;
  if (path == "none") {
    error.set(Code::Unsupported, "FLASHCORE_CUDA_LIBRARY is `none`, so that no GPU is used");
    return nullptr;
  }
  if (auto found = opened.find(path); found != opened.end())
    return found->second;
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    error.set(Code::Unsupported, "there is no NVIDIA driver: {}", reason ? reason : path);
    return nullptr;
  }
  auto driver = std::make_shared<Driver>();
  driver->path = path;
  // What did not work is tried again next time: a device may appear. The library stays open, as
  // drivers do not like to be closed.
  if (!resolve(*driver, library, error) || !initialise(*driver, error))
    return nullptr;
  opened.emplace(path, driver);
  return driver;
}

} // namespace fc::rt::cuda
