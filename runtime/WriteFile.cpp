// WriteFile.cpp - beside and renamed; see WriteFile.h.
#include "runtime/WriteFile.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace fc::rt {

bool writeFile(const std::string &path, std::initializer_list<std::string_view> parts,
               Error &error) {
  std::error_code unknown;
  const auto type = std::filesystem::status(path, unknown).type();
  const bool inPlace = type != std::filesystem::file_type::regular &&
                       type != std::filesystem::file_type::directory &&
                       type != std::filesystem::file_type::not_found;
  const std::string beside =
      inPlace ? path : fmt::format("{}.tmp{}", path, static_cast<long>(::getpid()));
  std::FILE *file = std::fopen(beside.c_str(), "wb");
  if (!file)
    return error.set(Code::NotFound, "cannot write `{}`: {}", path, std::strerror(errno));
  bool ok = true;
  for (std::string_view part : parts)
    ok = ok && (part.empty() || std::fwrite(part.data(), 1, part.size(), file) == part.size());
  int reason = errno;
  if (std::fclose(file) != 0 && ok) {
    ok = false;
    reason = errno;
  }
  if (ok && !inPlace && std::rename(beside.c_str(), path.c_str()) != 0) {
    ok = false;
    reason = errno;
  }
  if (!ok) {
    if (!inPlace)
      std::remove(beside.c_str());
    return error.set(Code::NotFound, "cannot write `{}`: {}", path, std::strerror(reason));
  }
  return true;
}

} // namespace fc::rt
