// CheckHeader.cpp - the head of a kernel: compile-time parameters, dimensions, tensors, scalars
// (D1-D4).
#include "dsl/KernelChecker.h"
#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace fc::dsl {

std::string_view describe(const Symbol &symbol) {
  switch (symbol.kind) {
  case Symbol::TypeParam:
    return "a type";
  case Symbol::Constant:
    return "a compile-time parameter";
  case Symbol::Dimension:
    return "a dimension";
  case Symbol::Tensor:
    return "a tensor";
  case Symbol::Scalar:
    return "a scalar parameter";
  case Symbol::Axis:
    return symbol.axis->isPoint() ? "a scalar (one point of an axis)" : "an axis";
  case Symbol::Let:
    return "a value";
  case Symbol::Var:
    return "a `var`";
  case Symbol::Fn:
    return "a `fn`";
  case Symbol::Broken:
    return "a name";
  }
  return "";
}

bool KernelChecker::declare(Symbol symbol, std::string_view what, bool upper) {
  bool isUpper = symbol.name[0] >= 'A' && symbol.name[0] <= 'Z';
  bool ok = true;
  if (isReserved(symbol.name)) {
    error(Diag::ReservedName, symbol.loc, symbol.name);
    return false;
  }
  if (isUpper != upper) {
    std::string better(symbol.name);
    better[0] = char(upper ? std::toupper(better[0]) : std::tolower(better[0]));
    auto handle = error(Diag::WrongCase, symbol.loc, symbol.name, what);
    if (!isReserved(better) && !visible.contains(better))
      handle.fix(fmt::format("write `{}`", better));
    ok = false; // still declared, so that its uses are no second mistake
  }
  Loc other;
  if (auto found = visible.find(symbol.name); found != visible.end())
    other = found->second->loc;
  else if (auto fn = fns.byName.find(symbol.name);
           fn != fns.byName.end() && symbol.fn != fn->second.fn)
    other = fn->second.loc;
  if (other.line) {
    error(Diag::DeclaredTwice, symbol.loc, symbol.name).note(other, "it is declared here");
    return false;
  }
  symbol.order = nextOrder++;
  const Symbol *stored = &symbols.emplace_back(symbol);
  visible.emplace(stored->name, stored);
  scope.push_back(stored);
  return ok;
}

//===-- Compile-time parameters -------------------------------------------===//

bool KernelChecker::typeParam(const ast::Param &param, CParam &out) {
  out.isType = true;
  if (auto defined = defines.find(std::string(param.name.text)); defined != defines.end()) {
    auto elem = elementType(defined->second);
    if (!elem) {
      error(Diag::DefineValue, param.name.loc, defined->second, param.name.text, "a type")
          .note({}, fmt::format("types are {}", fmt::join(elementTypeNames(), " ")));
      return false;
    }
    out.type = *elem;
    out.defined = true;
    return true;
  }
  if (!param.init) {
    error(Diag::ParamUnset, param.name.loc, param.name.text)
        .fix(fmt::format("compile with `-D {}=f16`", param.name.text));
    return false;
  }
  if (param.init->kind != ast::Expr::Ref) {
    error(Diag::ParamDefault, param.init->loc, param.name.text,
          fmt::format("`{}`", snippet(*param.init)), "a type");
    return false;
  }
  auto elem = type(param.init->name, false);
  out.type = elem.value_or(Elem::F32);
  return elem.has_value();
}

bool KernelChecker::defineValue(const ast::Param &param, const std::string &text, CParam &out) {
  const char *begin = text.data(), *end = begin + text.size();
  bool ok = false;
  if (out.type == Elem::Bool) {
    ok = text == "true" || text == "false" || text == "1" || text == "0";
    out.intValue = text == "true" || text == "1";
  } else if (out.type == Elem::I64) {
    auto [rest, problem] = std::from_chars(begin, end, out.intValue);
    ok = rest == end && problem == std::errc();
  } else {
    auto [rest, problem] = std::from_chars(begin, end, out.floatValue);
    ok = rest == end && problem == std::errc();
  }
  out.defined = true;
  if (!ok)
    error(Diag::DefineValue, param.name.loc, text, param.name.text,
          out.type == Elem::Bool  ? "a bool: true or false"
          : out.type == Elem::I64 ? "an int"
                                  : "an f32");
  return ok;
}

bool KernelChecker::valueParam(const ast::Param &param, CParam &out) {
  if (auto defined = defines.find(std::string(param.name.text)); defined != defines.end())
    return defineValue(param, defined->second, out);
  if (!param.init) {
    error(Diag::ParamUnset, param.name.loc, param.name.text)
        .fix(fmt::format("compile with `-D {}=...`", param.name.text));
    return false;
  }
  Value init = value(*param.init);
  if (!init)
    return false;
  bool boolean = init->elem == Elem::Bool, wanted = out.type == Elem::Bool;
  if (boolean != wanted || (out.type == Elem::I64 && isFloat(init->elem))) {
    error(Diag::ParamDefault, param.init->loc, param.name.text, spelled(init->elem),
          spelled(out.type));
    return false;
  }
  if (out.type == Elem::F32)
    init = toF32({init, param.init});
  if (!init || init->op != Op::Const) {
    error(Diag::NotCompileTime, param.init->loc,
          fmt::format("the default of `{}`", param.name.text), snippet(*param.init));
    return false;
  }
  out.intValue = init->intValue;
  out.floatValue = init->floatValue;
  return true;
}

void KernelChecker::compileTimeParam(const ast::Param &param) {
  CParam out;
  out.name = param.name.text;
  Symbol symbol{.kind = Symbol::Broken, .name = param.name.text, .loc = param.name.loc};
  std::string_view kind = param.type.text;
  if (kind == "type") {
    if (typeParam(param, out)) {
      symbol.kind = Symbol::TypeParam;
      symbol.elem = out.type;
    }
  } else if (kind == "int" || kind == "bool" || kind == "f32") {
    out.type = kind == "int" ? Elem::I64 : kind == "bool" ? Elem::Bool : Elem::F32;
    if (valueParam(param, out)) {
      symbol.kind = Symbol::Constant;
      symbol.value = make({.op = Op::Const,
                           .elem = out.type,
                           .intValue = out.intValue,
                           .floatValue = out.floatValue,
                           .loc = param.name.loc});
    }
  } else {
    error(Diag::ParamType, param.type.loc, kind, "a compile-time parameter",
          "`type`, `int`, `bool` or `f32`");
  }
  declare(symbol, "a compile-time parameter", true);
  kernel.cparams.push_back(out);
}

//===-- Dimensions --------------------------------------------------------===//

/// Upper-case names in the entries of a shape are dimensions, unless they are compile-time
/// parameters.
void KernelChecker::collectDims(const ast::Expr &expr) {
  if (expr.kind == ast::Expr::Ref && expr.name.text[0] >= 'A' && expr.name.text[0] <= 'Z' &&
      !visible.contains(expr.name.text)) {
    Dim &dim = program.dimStore.emplace_back();
    dim.name = expr.name.text;
    dim.loc = expr.loc;
    kernel.dims.push_back(&dim);
    declare({.kind = Symbol::Dimension, .name = expr.name.text, .loc = expr.loc, .dim = &dim},
            "a dimension", true);
  }
  for (const ast::Expr *arg : expr.args)
    collectDims(*arg);
}

void KernelChecker::collectDims(const ast::Param &param) {
  for (const ast::Param::Dim &dim : param.shape)
    collectDims(*dim.size);
}

/// D1: entries that are a dimension, or one plus a constant, bind it. Inputs that are read bind
/// before outputs and before inputs that nothing reads, since those may be null at launch (D3).
void KernelChecker::bindDims() {
  auto binds = [](Value size, int64_t &offset) -> const dsl::Dim * {
    offset = 0;
    if (size->op == Op::DimRef)
      return size->dim;
    if (size->op != Op::Add && size->op != Op::Sub)
      return nullptr;
    Value a = size->operands[0], b = size->operands[1];
    if (size->op == Op::Add && a->op == Op::Const)
      std::swap(a, b);
    constexpr int64_t kLargest = int64_t(1)
                                 << 40; // so that what is done with offsets cannot overflow
    if (a->op != Op::DimRef || b->op != Op::Const || std::abs(b->intValue / 2) > kLargest / 2)
      return nullptr;
    offset = size->op == Op::Add ? b->intValue : -b->intValue;
    return a->dim;
  };
  auto bindBy = [&](const dsl::Tensor &tensor) {
    for (size_t i = 0; i < tensor.shape.size(); ++i) {
      int64_t offset = 0;
      if (!tensor.shape[i].size || tensor.shape[i].orOne)
        continue;
      auto *dim = const_cast<dsl::Dim *>(binds(tensor.shape[i].size, offset));
      if (!dim || dim->tensor)
        continue;
      dim->tensor = &tensor;
      dim->index = int(i);
      dim->offset = offset;
    }
  };
  for (const dsl::Tensor *input : kernel.inputs)
    if (input->read)
      bindBy(*input);
  for (const dsl::Tensor *output : kernel.outputs)
    bindBy(*output);
  for (const dsl::Tensor *input : kernel.inputs)
    bindBy(*input);
  for (const dsl::Dim *dim : kernel.dims)
    if (!dim->tensor)
      error(Diag::DimUnbound, dim->loc, dim->name)
          .fix(fmt::format("make it a compile-time parameter, or give a tensor an entry `{}`",
                           dim->name));
}

//===-- Tensors and scalars -----------------------------------------------===//

void KernelChecker::tensor(const ast::Param &param, bool output) {
  dsl::Tensor &tensor = program.tensors.emplace_back();
  tensor.name = param.name.text;
  tensor.output = output;
  tensor.loc = param.name.loc;
  auto elem = type(param.type, false);
  tensor.elem = elem.value_or(Elem::F32);
  for (const ast::Param::Dim &dim : param.shape) {
    Value size = value(*dim.size);
    std::string text = snippet(*dim.size, 1000);
    if (size)
      size = toInt({size, dim.size}, "an entry of a shape");
    Value odd = findPart(size, [](Value part) {
      return part->op == Op::ScalarRef || part->op == Op::Read || part->op == Op::Random;
    });
    if (odd) {
      std::string what = odd->op == Op::ScalarRef ? odd->scalar->name : std::string(name(odd->op));
      error(Diag::ShapeEntry, dim.size->loc, what,
            odd->op == Op::ScalarRef ? "a scalar parameter" : "not known at launch");
      size = nullptr;
    } else if (size && size->op == Op::Const && size->intValue < 1) {
      error(Diag::ShapeEntry, dim.size->loc, text,
            size->intValue < 0 ? fmt::format("{}, a negative number", size->intValue)
                               : std::string("0, which leaves no element"));
    }
    tensor.shape.push_back({size, dim.orOne, text + (dim.orOne ? "?" : "")});
  }
  declare({.kind = Symbol::Tensor,
           .name = param.name.text,
           .loc = param.name.loc,
           .tensor = &tensor,
           .typeText = param.type.text},
          "a tensor", false);
  (output ? kernel.outputs : kernel.inputs).push_back(&tensor);
  if (!output)
    kernel.params.push_back({.tensor = &tensor});
}

void KernelChecker::scalar(const ast::Param &param) {
  dsl::Scalar &scalar = program.scalarStore.emplace_back();
  scalar.name = param.name.text;
  scalar.loc = param.name.loc;
  std::string_view type = param.type.text;
  if (type == "int" || type == "f32" || type == "bool") {
    scalar.elem = type == "int" ? Elem::I64 : type == "f32" ? Elem::F32 : Elem::Bool;
  } else {
    error(Diag::ParamType, param.type.loc, type, "a scalar parameter", "`int`, `f32` or `bool`")
        .fix(fmt::format("a tensor has a shape: `{}: {}[N]`", scalar.name, type));
    declare({.kind = Symbol::Broken, .name = param.name.text, .loc = param.name.loc}, "a scalar",
            false);
    return;
  }
  if (param.init) {
    Operand init{value(*param.init), param.init};
    Value odd = findPart(init.value, [](Value part) {
      return part->op == Op::Read || part->op == Op::Random || !part->reduced.empty();
    });
    if (odd) {
      error(Diag::DefaultEntry, param.init->loc, snippet(*param.init),
            odd->op == Op::Read ? "a read of a tensor" : "not known at launch");
    } else if (init.value) {
      bool isBool = init.value->elem == Elem::Bool;
      if (isBool != (scalar.elem == Elem::Bool) ||
          (scalar.elem == Elem::I64 && isFloat(init.value->elem)))
        error(Diag::ParamDefault, param.init->loc, scalar.name, spelled(init.value->elem),
              spelled(scalar.elem));
      else
        scalar.init = scalar.elem == Elem::F32   ? toF32(init)
                      : scalar.elem == Elem::I64 ? toInt(init, "the default")
                                                 : init.value;
    }
  }
  // Declared after its default: that sees earlier parameters only (D4).
  declare(
      {.kind = Symbol::Scalar, .name = param.name.text, .loc = param.name.loc, .scalar = &scalar},
      "a scalar", false);
  kernel.scalars.push_back(&scalar);
  kernel.params.push_back({.scalar = &scalar});
}

void KernelChecker::header() {
  for (const ast::Param &param : syntax.cparams)
    compileTimeParam(param);
  shapesLookedAt = true;
  for (const ast::Param &param : syntax.params)
    collectDims(param);
  for (const ast::Param &param : syntax.outputs)
    collectDims(param);
  for (const ast::Param &param : syntax.params)
    param.isTensor ? tensor(param, false) : scalar(param);
  for (const ast::Param &param : syntax.outputs)
    tensor(param, true);
}

void KernelChecker::check() {
  kernel.name = syntax.name.text;
  kernel.loc = syntax.name.loc;
  if (isReserved(syntax.name.text))
    error(Diag::ReservedName, syntax.name.loc, syntax.name.text);
  else if (syntax.name.text[0] >= 'A' && syntax.name.text[0] <= 'Z')
    error(Diag::WrongCase, syntax.name.loc, syntax.name.text, "a kernel");
  header();
  {
    Scope body(*this);
    block(syntax.body, kernel.body);
    for (const ast::Stmt *stmt : scheduleStmts)
      scheduleItems(*stmt);
  }
  if (!gridSeen)
    error(Diag::GridMissing, syntax.name.loc, kernel.name)
        .fix("begin with `grid b in B, ...`: one program for each point");
  if (gaveUp)
    return;
  for (const dsl::Tensor *output : kernel.outputs)
    if (!storedNames.contains(output->name))
      error(Diag::NeverStored, output->loc, output->name);
  checkConstants();
  dropUnused();
  bindDims();
}

} // namespace fc::dsl
