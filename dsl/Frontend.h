// Frontend.h - text to checked program, in one call.
#pragma once
#include "dsl/Diagnostics.h"
#include "dsl/Kernel.h"
#include <map>
#include <memory>
#include <string>

namespace fc::dsl {

/// `-D NAME=VALUE` definitions of compile-time parameters: {"D", "128"}, {"T", "bf16"}.
using Defines = std::map<std::string, std::string>;

/// Lexes, parses and checks `text` (of `path`, which messages name and relative to which `use`
/// looks). Each kernel takes those defines that name one of its parameters; one that no kernel has
/// is an error. On errors returns null, with every error of the first failing phase in
/// `diagnostics`; warnings may be there in either case.
std::unique_ptr<Program> checkSource(std::string path, std::string text, const Defines &defines,
                                     Diagnostics &diagnostics);

/// The same from a file; an unreadable file is a diagnostic as well.
std::unique_ptr<Program> checkFile(const std::string &path, const Defines &defines,
                                   Diagnostics &diagnostics);

} // namespace fc::dsl
