// EmitHeader.cpp - the PTX as a C++ header with one typed launch function a kernel
#include "compiler/Target/EmitHeader.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace fc {

/// C++ keywords that are names in the language.
static std::string identifier(StringRef name) {
  static const StringSet<> keywords = {
      "alignas", "and",      "auto",     "bool",    "break",     "case",    "catch",     "char",
      "class",   "const",    "continue", "default", "delete",    "do",      "double",    "else",
      "enum",    "explicit", "export",   "extern",  "false",     "float",   "for",       "friend",
      "goto",    "if",       "inline",   "int",     "long",      "mutable", "namespace", "new",
      "not",     "operator", "or",       "private", "protected", "public",  "register",  "return",
      "short",   "signed",   "sizeof",   "static",  "struct",    "switch",  "template",  "this",
      "throw",   "true",     "try",      "typedef", "typename",  "union",   "unsigned",  "using",
      "virtual", "void",     "volatile", "while",   "xor"};
  std::string result;
  for (char c : name)
    result += isAlnum(c) ? c : '_';
  if (result.empty() || isDigit(result[0]) || keywords.contains(result))
    result += '_';
  if (isDigit(result[0]))
    result.insert(result.begin(), '_');
  return result;
}

static void writePtx(raw_ostream &os, StringRef ptx) {
  os << "/// The PTX, zero-terminated; its manifest is inside.\ninline constexpr char ptx[] =\n";
  while (!ptx.empty()) {
    auto [line, rest] = ptx.split('\n');
    os << "    \"";
    for (char c : line) {
      if (c == '"' || c == '\\')
        os << '\\' << c;
      else if (c == '\t')
        os << "\\t";
      else if (isPrint(c))
        os << c;
      else
        os << format("\\%03o", static_cast<unsigned char>(c));
    }
    os << "\\n\"\n";
    ptx = rest;
  }
  os << "    ;\n\n";
}

static std::string shapeOf(const dsl::Tensor &tensor) {
  std::string text = std::string(dsl::name(tensor.elem)) + "[";
  for (size_t i = 0; i < tensor.shape.size(); ++i)
    text += (i ? ", " : "") + tensor.shape[i].text;
  return text + "]";
}

static void writeKernel(raw_ostream &os, const dsl::Kernel &kernel) {
  std::string name = identifier(kernel.name);
  os << "/// Arguments of `" << kernel.name
     << "`. A tensor may be left out (null data) where the kernel allows it.\n"
     << "struct " << name << "_arguments {\n";
  auto tensorField = [&](const dsl::Tensor &tensor, StringRef role) {
    os << "  fc_tensor " << identifier(tensor.name) << "{}; ///< " << role << ", "
       << shapeOf(tensor) << "\n";
  };
  for (const dsl::Kernel::Param &param : kernel.params) {
    if (param.tensor) {
      tensorField(*param.tensor, "input");
      continue;
    }
    StringRef type = param.scalar->elem == dsl::Elem::F32   ? "float"
                     : param.scalar->elem == dsl::Elem::I64 ? "std::int64_t"
                                                            : "bool";
    os << "  std::optional<" << type << "> " << identifier(param.scalar->name) << "; ///< "
       << (param.scalar->init ? "left out: its default" : "must be given") << "\n";
  }
  for (const dsl::Tensor *tensor : kernel.outputs)
    tensorField(*tensor, "output");
  os << "};\n\n/// Launches `" << kernel.name
     << "` on `stream` (null: the default one). FC_OK, or an error that fc_last_error() explains.\n"
     << "inline fc_status " << name << "(const fc_module *module, const " << name
     << "_arguments &arguments, void *stream = nullptr) {\n  fc_launch *launch = nullptr;\n"
     << "  fc_status status = fc_launch_create(module, \"" << kernel.name << "\", &launch);\n";
  auto step = [&](const Twine &call) {
    os << "  if (status == FC_OK)\n    status = " << call << ";\n";
  };
  auto tensorStep = [&](const dsl::Tensor &tensor) {
    step("fc_launch_tensor(launch, \"" + tensor.name + "\", &arguments." + identifier(tensor.name) +
         ")");
  };
  for (const dsl::Kernel::Param &param : kernel.params) {
    if (param.tensor) {
      tensorStep(*param.tensor);
      continue;
    }
    std::string field = "arguments." + identifier(param.scalar->name);
    StringRef setter = param.scalar->elem == dsl::Elem::F32   ? "float"
                       : param.scalar->elem == dsl::Elem::I64 ? "int"
                                                              : "bool";
    os << "  if (status == FC_OK && " << field << ")\n    status = fc_launch_" << setter
       << "(launch, \"" << param.scalar->name << "\", *" << field << ");\n";
  }
  for (const dsl::Tensor *tensor : kernel.outputs)
    tensorStep(*tensor);
  step("fc_launch_run(launch, stream)");
  os << "  fc_launch_destroy(launch);\n  return status;\n}\n\n";
}

std::string emitHeader(const dsl::Program &program, StringRef kernel, StringRef ptx,
                       StringRef path) {
  std::string text;
  raw_string_ostream os(text);
  std::string space = identifier(sys::path::stem(path));
  os << "// Made by fcc from " << sys::path::filename(path) << "; do not edit.\n"
     << "#pragma once\n#include <cstdint>\n#include <fc/runtime.h>\n#include <optional>\n\n"
     << "namespace fc_" << space << " {\n\n";
  writePtx(os, ptx);
  os << "/// Loads the kernels on a device; fc_module_unload() gives them back.\n"
     << "inline fc_status load(fc_device *device, fc_module **module) {\n"
     << "  return fc_module_load(device, ptx, sizeof ptx - 1, \"" << space << "\", module);\n}\n\n";
  for (const dsl::Kernel &each : program.kernels)
    if (kernel.empty() || kernel == each.name)
      writeKernel(os, each);
  os << "} // namespace fc_" << space << "\n";
  return text;
}

} // namespace fc
