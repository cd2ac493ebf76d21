// Runtime.h - the C++ layer of the runtime: a module of kernels on a device, and launches checked
// against what the module says of itself. The C API (include/fc/runtime.h) is a thin skin over
// this.
//
//   Error error;
//   auto device = openDevice("auto", error);
//   auto module = Module::loadFile(device, "attn.ptx", error);
//   Launch launch(module, *module->find("causal"));
//   launch.setTensor("q", {data, Elem::F16, {1, 8, 512, 64}}, error); ...
//   if (!launch.run(nullptr, error)) puts(error.message.c_str());
#pragma once
#include "runtime/Device.h"
#include "runtime/Manifest.h"
#include "runtime/emulator/Checks.h"
#include <map>

namespace fc::rt {

inline constexpr std::string_view version = "0.1.0";

/// A fault that the emulator can report: `id` is that of Error::id.
using CheckInfo = emu::Check;
std::span<const CheckInfo> emulatorChecks();

/// PTX with its manifest, loaded on a device. Immutable, shared between threads.
class Module {
public:
  /// `name` is for messages. Checks that the manifest is there and right and fits the entries of
  /// the PTX.
  static std::shared_ptr<const Module> load(std::shared_ptr<Device> device, std::string_view bytes,
                                            std::string_view name, Error &error);
  static std::shared_ptr<const Module> loadFile(std::shared_ptr<Device> device,
                                                const std::string &path, Error &error);

  const Manifest &manifest() const { return description; }
  const std::string &manifestText() const { return json; }
  const std::string &name() const { return moduleName; }
  Device &device() const { return *owner; }
  const DeviceModule &code() const { return *loaded; }
  /// The coarsest alignment that anything of a kernel asks about, in bytes: addresses that differ
  /// by a multiple of it are alike to every condition.
  uint64_t alignmentOf(size_t kernel) const { return alignments[kernel]; }
  /// The number of the kernel of that name.
  std::optional<size_t> find(std::string_view kernel) const;

private:
  Module() = default;
  bool checkEntries(Error &error) const;

  std::shared_ptr<Device> owner;
  std::shared_ptr<const DeviceModule> loaded;
  Manifest description;
  std::vector<uint64_t> alignments; ///< by kernel
  std::string json, moduleName;
};

/// A tensor as the caller has it. Shape and strides in elements; the memory is the device's.
struct TensorRef {
  void *data = nullptr;
  Elem elem = Elem::F32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides; ///< empty: row-major, without gaps
  /// The strides of a row-major tensor without gaps.
  static std::vector<int64_t> contiguous(const std::vector<int64_t> &shape);
};

/// The arguments of a launch of one kernel, to be set one by one and run as often as one likes. For
/// one thread at a time.
class Launch {
public:
  /// `kernel` is below module->manifest().kernels.size().
  Launch(std::shared_ptr<const Module> module, size_t kernel);

  const KernelSpec &kernel() const { return spec; }
  const Module &module() const { return *owner; }

  /// Gives a tensor; dtype and rank are checked here, the rest when it is known. Null data: no
  /// tensor, though its shape, if it has one, still binds dimensions.
  bool setTensor(std::string_view name, TensorRef tensor, Error &error);
  /// The quick form for a tensor that differs from the one given before in its address alone.
  /// False, and nothing done, if it is not such.
  bool moveTensor(std::string_view name, Elem elem, std::span<const int64_t> shape,
                  std::span<const int64_t> strides, void *data);
  /// Gives a scalar. An integer is taken for `f32` as well.
  bool setScalar(std::string_view name, Value value, Error &error);
  /// Gives a dimension that no tensor binds yet (so that the shape of an output can be asked for).
  bool setDim(std::string_view name, int64_t value, Error &error);
  /// Has the variant of that name run wherever it may (its `requires` hold), whatever the sizes of
  /// the launch; empty: the first whose condition holds.
  bool setVariant(std::string_view name, Error &error);
  /// Takes back a tensor, scalar or dimension.
  void clear(std::string_view name);

  /// The shape that the parameter `name` must have, from the dimensions known so far.
  std::optional<std::vector<int64_t>> shapeOf(std::string_view name, Error &error) const;
  /// The dimensions known so far, by name.
  std::map<std::string, int64_t> dims(Error &error) const;

  /// Checks everything and lays the launch out; without running it. A launch with nothing to do has
  /// no entries.
  bool plan(LaunchPlan &plan, Error &error) const;
  /// Checks and runs. What is wrong is in `error`, in the words of the `.fc` file.
  bool run(void *stream, Error &error, const Progress &progress = {});

  /// Of the last run.
  const RunResult &result() const { return last; }
  /// The variant that the last run took; empty if there was nothing to do.
  const std::string &variant() const { return lastVariant; }

private:
  friend class LaunchCheck;
  /// A launch that was checked and laid out. As long as nothing but addresses changes, and those
  /// stay as aligned and as far from each other, it is as good as a new one with the addresses put
  /// in.
  struct Prepared {
    LaunchPlan plan;
    int sms = 0;
    struct Place {
      size_t param;
      uint64_t address;             ///< when it was checked
      std::optional<size_t> buffer; ///< of the plan
      uint64_t offset = 0;          ///< in the buffer
    };
    std::vector<Place> places; ///< of the tensors that are there
    size_t buffers = 0;        ///< of the caller; workspaces come after them
  };
  bool prepare(Error &error);
  bool moveAddresses();

  std::shared_ptr<const Module> owner;
  const KernelSpec &spec;
  uint64_t alignment;
  std::optional<Prepared> prepared;              ///< nothing once more than an address was changed
  std::vector<std::optional<TensorRef>> tensors; ///< by parameter
  std::vector<std::optional<Value>> scalars;     ///< by parameter
  std::vector<std::optional<int64_t>> givenDims; ///< by dimension
  std::string forcedVariant;
  RunResult last;
  std::string lastVariant;
};

} // namespace fc::rt
