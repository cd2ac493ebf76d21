// WriteFile.h - files that appear whole or not at all
#pragma once
#include "runtime/Error.h"
#include <initializer_list>
#include <string_view>

namespace fc::rt {

/// Writes `parts`, one after the other, beside the file and renames: nobody ever sees half of it,
/// and what was there stays if anything fails. What is no regular file, a device or a pipe, is
/// written to as it is. On failure returns false with the system's reason.
bool writeFile(const std::string &path, std::initializer_list<std::string_view> parts,
               Error &error);

} // namespace fc::rt
