// Manifest.cpp - the manifest's JSON
//
// Written by hand rather than through a JSON library: its numbers tell integers from floats by
// their spelling (`1`, `1.0`), and members keep the order of docs/manifest.md, so that two
// manifests can be compared as text.
#include "compiler/Target/Manifest.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SHA256.h"
#include <charconv>
#include <cmath>
#include <map>

using namespace mlir;
using llvm::StringRef;

namespace fc {

using dsl::Elem;
using dsl::Expr;
using dsl::Op;

namespace {

/// Expressions of a manifest are at most 64 levels deep; one that is deeper cannot be written. Nor
/// is one whose text explodes, as a chain of `let`s may that each use the last twice.
constexpr int kMaxDepth = 60;
constexpr size_t kMaxText = 1 << 16;

std::string quoted(StringRef text) {
  std::string result;
  llvm::raw_string_ostream(result) << llvm::json::Value(llvm::json::fixUTF8(text));
  return result;
}

StringRef boolean(bool value) { return value ? "true" : "false"; }

std::string number(double value) {
  if (std::isnan(value))
    return "null";
  if (std::isinf(value))
    return value > 0 ? "\"inf\"" : "[\"-\", \"inf\"]";
  char digits[32]; // the shortest text that reads back as the same number
  std::string text(digits, std::to_chars(digits, std::end(digits), value).ptr);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

/// The spelling of an operation, or empty.
StringRef spelling(const Expr &expr, const Expr *first) {
  switch (expr.op) {
  case Op::Neg:
  case Op::Add:
  case Op::Sub:
  case Op::Mul:
  case Op::Div:
  case Op::Mod:
  case Op::Min:
  case Op::Max:
  case Op::Clamp:
  case Op::Abs:
  case Op::Exp:
  case Op::Exp2:
  case Op::Log:
  case Op::Log2:
  case Op::Tanh:
  case Op::Sigmoid:
  case Op::Sqrt:
  case Op::Rsqrt:
  case Op::Floor:
  case Op::Lt:
  case Op::Le:
  case Op::Gt:
  case Op::Ge:
  case Op::Eq:
  case Op::Ne:
  case Op::And:
  case Op::Or:
  case Op::Not:
  case Op::Where:
  case Op::Bit:
    return expr.op == Op::Neg ? "-" : StringRef(dsl::name(expr.op));
  case Op::Cast:
    if (isFloat(expr.elem))
      return "f32";
    return isFloat(first->elem) && expr.elem == Elem::I64 ? "int" : "";
  default:
    return "";
  }
}

const Expr *behindLets(const Expr *expr) {
  while (expr->op == Op::LetRef)
    expr = expr->let->value;
  return expr;
}

/// Empty if it cannot be written.
std::string write(const Expr *expr, int depth) {
  expr = behindLets(expr);
  if (depth > kMaxDepth)
    return "";
  switch (expr->op) {
  case Op::Const:
    if (expr->elem == Elem::Bool)
      return boolean(expr->intValue != 0).str();
    return isFloat(expr->elem) ? number(expr->floatValue) : std::to_string(expr->intValue);
  case Op::DimRef:
    return quoted(expr->dim->name);
  case Op::ScalarRef:
    return quoted(expr->scalar->name);
  default:
    break;
  }
  if (expr->op == Op::Cast && expr->elem == Elem::I64 &&
      isInteger(behindLets(expr->operands[0])->elem))
    return write(expr->operands[0], depth);
  StringRef op = expr->operands.empty() ? "" : spelling(*expr, behindLets(expr->operands[0]));
  if (op.empty())
    return "";
  std::string result = "[" + quoted(op);
  for (const Expr *operand : expr->operands) {
    std::string text = write(operand, depth + 1);
    if (text.empty() || result.size() + text.size() > kMaxText)
      return "";
    result += ", " + text;
  }
  return result + "]";
}

/// An extent as the text spells it where that is one name, so that messages quote `D` rather
/// than 64.
std::string writeExtent(const dsl::Kernel &kernel, const dsl::Tensor::Extent &extent) {
  StringRef text = StringRef(extent.text).rtrim('?').trim();
  auto isCalled = [&](auto &list, auto nameOf) {
    return llvm::any_of(list, [&](auto &entry) { return nameOf(entry) == text; });
  };
  if (isCalled(kernel.cparams, [](auto &p) { return p.isType ? StringRef() : StringRef(p.name); }))
    return quoted(text);
  return manifestExpr(extent.size);
}

template <class Range, class Fn> std::string list(const Range &range, Fn write) {
  std::string result = "[";
  for (const auto &entry : range)
    result += (result.size() > 1 ? ", " : "") + write(entry);
  return result + "]";
}

std::string writeParam(const dsl::Kernel &kernel, const dsl::Kernel::Param &param) {
  if (const dsl::Scalar *scalar = param.scalar)
    return "{\"kind\": \"scalar\", \"name\": " + quoted(scalar->name) +
           ", \"elem\": " + quoted(dsl::name(scalar->elem)) +
           ", \"default\": " + (scalar->init ? manifestExpr(scalar->init) : "null") + "}";
  const dsl::Tensor &tensor = *param.tensor;
  auto extent = [&](auto &entry) { return writeExtent(kernel, entry); };
  auto orOne = [](auto &entry) { return boolean(entry.orOne).str(); };
  // An input that nothing reads is not passed at all; the stores to an output test for null (rule
  // D3).
  bool nullable = tensor.output || !tensor.read;
  return "{\"kind\": \"tensor\", \"name\": " + quoted(tensor.name) +
         ", \"elem\": " + quoted(dsl::name(tensor.elem)) +
         ", \"shape\": " + list(tensor.shape, extent) +
         ", \"orOne\": " + list(tensor.shape, orOne) +
         ", \"output\": " + boolean(tensor.output).str() +
         ", \"nullable\": " + boolean(nullable).str() +
         ", \"align\": " + std::to_string(dsl::bits(tensor.elem) / 8) + "}";
}

std::string writeCParam(const dsl::CParam &param) {
  std::string value = std::to_string(param.intValue);
  if (param.isType)
    value = quoted(dsl::name(param.type));
  else if (param.type == Elem::Bool)
    value = boolean(param.intValue != 0);
  else if (isFloat(param.type))
    value = number(param.floatValue);
  return quoted(param.name) + ": " + value;
}

void collectFacts(const std::vector<dsl::Stmt> &body, std::vector<const dsl::Stmt *> &facts) {
  for (const dsl::Stmt &stmt : body) {
    if (stmt.kind == dsl::Stmt::Assume)
      facts.push_back(&stmt);
    collectFacts(stmt.body, facts);
  }
}

/// `stride:q:0` -> {"stride": "q", "dim": 0}; `dim:M` -> {"dim": "M"}; and so on.
std::string writeArg(StringRef arg) {
  SmallVector<StringRef> parts;
  arg.split(parts, ':');
  if (parts[0] == "stride")
    return "{\"stride\": " + quoted(parts[1]) + ", \"dim\": " + parts[2].str() + "}";
  return "{" + quoted(parts[0]) + ": " + quoted(parts[1]) + "}";
}

std::string writeVariant(Operation *entry) {
  auto text = [&](StringRef name, StringRef otherwise) {
    auto attr = entry->getAttrOfType<StringAttr>(name);
    return attr ? attr.getValue() : otherwise;
  };
  auto integer = [&](StringRef name, int64_t otherwise) {
    auto attr = entry->getAttrOfType<IntegerAttr>(name);
    return std::to_string(attr ? attr.getInt() : otherwise);
  };
  std::string args = "[]";
  if (auto attr = entry->getAttrOfType<ArrayAttr>("fc.args"))
    args = list(attr, [](Attribute arg) { return writeArg(cast<StringAttr>(arg).getValue()); });
  return "{\"name\": " + quoted(text("fc.variant", "scalar")) +
         ", \"requires\": " + text("fc.requires", "null").str() +
         ", \"condition\": " + text("fc.condition", "null").str() +
         ", \"schedule\": " + text("fc.schedule", "{}").str() +
         ",\n      \"launches\": [\n       {\"entry\": " +
         quoted(SymbolTable::getSymbolName(entry).getValue()) + ", \"grid\": [" +
         text("fc.grid", "1").str() + ", 1, 1], \"block\": [" + integer("fc.block", 1) +
         ", 1, 1], \"shared\": " + integer("fc.shared", 0) +
         ", \"cluster\": [1, 1, 1],\n        \"args\": " + args + "}]}";
}

std::string writeKernel(const dsl::Kernel &kernel, ArrayRef<Operation *> entries) {
  std::vector<dsl::Kernel::Param> params = kernel.params;
  for (const dsl::Tensor *output : kernel.outputs)
    params.push_back({output, nullptr});
  std::vector<const dsl::Stmt *> facts;
  collectFacts(kernel.body, facts);

  std::string cparams = list(kernel.cparams, writeCParam);
  cparams.front() = '{';
  cparams.back() = '}';
  auto dim = [](const dsl::Dim *dim) {
    return "{\"name\": " + quoted(dim->name) + ", \"tensor\": " + quoted(dim->tensor->name) +
           ", \"index\": " + std::to_string(dim->index) +
           ", \"offset\": " + std::to_string(dim->offset) + "}";
  };
  auto param = [&](auto &param) { return "\n    " + writeParam(kernel, param); };
  auto fact = [](const dsl::Stmt *stmt) {
    return "{\"text\": " + quoted(stmt->text) + ", \"expr\": " + manifestExpr(stmt->value) + "}";
  };
  auto variant = [](Operation *entry) { return "\n     " + writeVariant(entry); };
  return "{\"name\": " + quoted(kernel.name) + ",\n   \"cparams\": " + cparams +
         ",\n   \"dims\": " + list(kernel.dims, dim) + ",\n   \"params\": " + list(params, param) +
         ",\n   \"facts\": " + list(facts, fact) +
         ",\n   \"workspace\": [],\n   \"variants\": " + list(entries, variant) + "}";
}

} // namespace

std::string manifestExpr(const Expr *expr) {
  std::string text = write(expr, 0);
  return text.empty() ? "null" : text;
}

std::string writeManifest(const dsl::Program &program, ModuleOp afterThreads, StringRef target) {
  std::map<std::string, std::vector<Operation *>> entries;
  for (Operation &op : *afterThreads.getBody())
    if (auto kernel = op.getAttrOfType<StringAttr>("fc.kernel"))
      entries[kernel.str()].push_back(&op);

  const dsl::SourceFile &source = program.files.front();
  auto digest = llvm::SHA256::hash(llvm::arrayRefFromStringRef(source.text));
  std::vector<const dsl::Kernel *> kernels;
  for (const dsl::Kernel &kernel : program.kernels)
    if (entries.count(kernel.name))
      kernels.push_back(&kernel);
  return "{\"format\": 1, \"target\": " + quoted(target) +
         ",\n \"source\": {\"path\": " + quoted(source.path) +
         ", \"sha256\": " + quoted(llvm::toHex(digest, /*LowerCase=*/true)) + "},\n \"kernels\": " +
         list(kernels,
              [&](const dsl::Kernel *kernel) {
                return "\n  " + writeKernel(*kernel, entries[kernel->name]);
              }) +
         "}\n";
}

} // namespace fc
