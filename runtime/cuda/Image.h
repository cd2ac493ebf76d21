// Image.h - what a PTX or a cubin says without a driver: its target, its entries with their
// parameters, its constants (the manifest).
//
// The driver could be asked for some of it, after a compilation; but the manifest has to be known
// on machines where the driver refuses the code, to say why in our words.
#pragma once
#include "runtime/Device.h"

namespace fc::rt::cuda {

struct Image {
  enum class Kind : uint8_t { Ptx, Cubin } kind = Kind::Ptx;
  std::string target;     ///< "sm_80", "sm_90a"; of a cubin without the letter
  std::string ptxVersion; ///< "8.3"; empty for a cubin
  struct Entry {
    std::string name;
    std::vector<DeviceModule::EntryParam> params;
  };
  std::vector<Entry> entries;

  const Entry *entry(std::string_view name) const;
  /// The bytes of a module-scope array that is initialised byte by byte; empty if there is none.
  std::vector<std::byte> global(std::string_view symbol) const;

  /// `bytes` must live as long as the image. `name` is for messages.
  static std::optional<Image> read(std::string_view bytes, std::string_view name, Error &error);

private:
  friend struct PtxReader;
  friend struct CubinReader;
  struct Global {
    std::string_view text; ///< of a PTX, what is between the braces; of a cubin, the bytes
    size_t bytes;
  };
  std::map<std::string, Global, std::less<>> globals;
};

/// A target's number, 90 of "sm_90a"; 0 if it is none. `exact`: the letter ties it to that one
/// capability.
int capabilityOf(std::string_view target, bool &exact);

/// The best target of fcc for a device: "sm_90a" of 90, "sm_86" of 87; empty below 80.
std::string_view targetFor(int capability);

} // namespace fc::rt::cuda
