// Compile.h - from a .fc to PTX, by the fcc that lies beside this program.
#pragma once
#include "runtime/Error.h"
#include "tools/fc-run/Options.h"

namespace fc::run {

/// Compiles `options.input`; its PTX goes to `ptx`. What fcc says goes to stderr as it is.
bool compile(const Options &options, std::string &ptx, rt::Error &error);

/// Whether `path` ends in ".fc".
bool isSource(const std::string &path);

/// The whole of a file.
bool readFile(const std::string &path, std::string &contents, rt::Error &error);

} // namespace fc::run
