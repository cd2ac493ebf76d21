// Emulator.h - the public face of the PTX emulator: load PTX text, register memory, launch, read
// the report and the counters. Everything else in this folder is behind it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fc::emu {

/// A fault that the emulator found, in the PTX or in its run. `text` is the whole report, one
/// screen long.
struct Report {
  std::string id; ///< "OOB", "UNINIT-SMEM", "DEADLOCK", "PARSE", ... (see `fc-run --list-checks`)
  std::string
      text; ///< kernel, CTA, warp, lane, PTX line, .fc line, what was seen, what the rule is
  std::string ptxLine; ///< "attn.ptx:123"
  std::string fcLine;  ///< "attention.fc:12", from `.loc`; empty when there is none
};

/// Deterministic counters, by name ("warp_instructions", "barriers", ...); classes nest by a dot
/// ("warp_instructions.fma").
using Counters = std::map<std::string, uint64_t>;

/// A parsed and decoded PTX module. Immutable after load; may be shared between threads.
class Module {
public:
  /// Parses `ptx`; `name` is used in messages. On failure returns null and fills `error`.
  static std::shared_ptr<const Module> load(std::string_view ptx, std::string_view name,
                                            Report &error);
  virtual ~Module() = default;
  virtual std::vector<std::string> entries() const = 0;
  /// The bytes of a module-scope `.global` or `.const` array (how the manifest is read), empty if
  /// absent.
  virtual std::span<const std::byte> global(std::string_view symbol) const = 0;
  /// "sm_80", "sm_90a", ...
  virtual std::string target() const = 0;
  /// Size and offset of each parameter of an entry, in bytes.
  struct Param {
    std::string name;
    uint32_t size, align, offset;
  };
  virtual std::vector<Param> params(std::string_view entry) const = 0;
};

/// A buffer of "device" memory. Guards lie on both sides; reads of bytes never written are
/// reported.
struct Buffer {
  std::string name;
  void *host; ///< the bytes, owned by the caller
  size_t bytes;
  bool initialized;    ///< false: reading a byte before the kernel wrote it is UNINIT-GMEM
  uint64_t device = 0; ///< set by launch(): the address the kernel sees
};

struct Launch {
  std::string entry;
  std::array<uint32_t, 3> grid{1, 1, 1}, block{1, 1, 1};
  uint32_t sharedBytes = 0;      ///< dynamic shared memory
  std::vector<std::byte> params; ///< laid out as Module::params says
  /// Buffers in the order given; pointers inside `params` are patched by {offset, buffer, byte}.
  struct Pointer {
    uint32_t paramOffset;
    int buffer;
    uint64_t byteOffset;
  };
  std::vector<Buffer> buffers;
  std::vector<Pointer> pointers;
  enum class Async { Lazy, Eager, Random } async = Async::Lazy;
  uint64_t seed = 0;
  int hostThreads = 0; ///< 0: one per core
  bool checkRaces = true;
  bool exactMma = false; ///< tensor cores round as the hardware does
  /// Warp instructions after which a CTA that has not ended is reported as running for ever
  /// (INSTRUCTION-LIMIT); 0: never. The default is ten seconds or so of one core.
  uint64_t instructionLimit = uint64_t(1) << 30;
  /// Called now and then with the share of CTAs done, in [0, 1]; may be empty.
  void (*progress)(void *context, double share) = nullptr;
  void *progressContext = nullptr;
};

struct Result {
  bool ok = false;
  Report report; ///< valid when !ok
  Counters counters;
  double seconds = 0;
};

/// Runs one launch to its end. Same seed, same bytes and counters, for any number of host threads.
/// Thread-safe: several launches of one module may run at once.
Result launch(const Module &module, Launch &launch);

} // namespace fc::emu
