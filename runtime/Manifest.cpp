// Manifest.cpp - reading a manifest; see Manifest.h and docs/manifest.md.
//
// The text may come from anywhere, so every member is checked before it is used, and the first one
// that is wrong is named by its path (ManifestJson.h).
#include "runtime/Manifest.h"
#include "runtime/ManifestJson.h"
#include <algorithm>

namespace fc::rt {
namespace {

constexpr int maxDepth = 64, maxRank = 16;
constexpr size_t maxParams = 1024; ///< names are looked up one by one

struct OpEntry {
  ExprOp op;
  std::string_view spelling;
  size_t least, most;
};
constexpr OpEntry opEntries[] = {
#define FC_EXPR_OP(Name, Spelling, Least, Most, Kind) {ExprOp::Name, Spelling, Least, Most},
#include "runtime/Expr.def"
};

/// A PTX identifier may hold `$` and `%` too.
bool isEntryName(std::string_view text) {
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '$', '_');
  std::replace(plain.begin(), plain.end(), '%', '_');
  return isIdentifier(plain);
}

bool isPowerOfTwo(int64_t value) { return value > 0 && (value & (value - 1)) == 0; }

class Reader : private JsonReader {
public:
  using JsonReader::JsonReader;

  std::optional<Manifest> manifest(const Json &json);
  std::optional<Expr> alone(const Json &json);

private:
  /// What the expressions at hand may mention.
  struct Scope {
    bool dims = false, layout = false; ///< dimensions; strides, alignment, SMs
    size_t scalars = 0;                ///< those among the first `scalars` params
  };

  Elem elem(const Json &json) {
    std::string text;
    read(json, text);
    auto parsed = parseElem(text);
    if (ok() && !parsed)
      fail("`{}` is no element type", text);
    return parsed.value_or(Elem::F32);
  }
  Expr expr(const Json &json, const Scope &scope, int depth = 0);
  Expr call(const Json &json, const Scope &scope, int depth);
  void nameInScope(const std::string &name, const Scope &scope);
  /// The number of the param `name`, which must be a tensor (or a scalar).
  size_t paramOf(const Json &json, Param::Kind kind);

  void kernelSpec(const Json &json, KernelSpec &into);
  void compileParams(const Json &json);
  void dimension(const Json &json);
  void param(const Json &json, size_t number);
  void variant(const Json &json, Variant &into);
  void launch(const Json &json, LaunchSpec &into);
  TensorMapSpec tensorMap(const Json &json);
  /// `maps`: how many tensor maps the launch has.
  Arg arg(const Json &json, size_t maps);

  KernelSpec *kernel = nullptr; ///< the one being read; none: an expression by itself
  std::set<std::string> names;  ///< of its dimensions, params and compile-time parameters
};

void Reader::nameInScope(const std::string &name, const Scope &scope) {
  if (!kernel)
    return;
  for (const CompileParam &param : kernel->cparams)
    if (param.name == name) {
      if (std::holds_alternative<Elem>(param.value))
        fail("`{}` is an element type, not a value", name);
      return;
    }
  if (kernel->dim(name)) {
    if (!scope.dims)
      fail("dimension `{}` cannot be used here", name);
    return;
  }
  if (auto index = kernel->param(name)) {
    if (kernel->params[*index].isTensor())
      fail("`{}` is a tensor, not a value", name);
    else if (*index >= scope.scalars)
      fail("scalar `{}` cannot be used here: only earlier ones have a value", name);
    return;
  }
  fail("`{}` is no dimension, scalar or compile-time parameter", name);
}

Expr Reader::expr(const Json &json, const Scope &scope, int depth) {
  Expr result;
  if (depth > maxDepth) {
    fail("is an expression more than {} levels deep", maxDepth);
    return result;
  }
  if (json.is_number_float()) {
    result.literal = Value::ofFloat(json.get<double>());
  } else if (json.is_number()) {
    result.literal = Value::ofInt(integer(json, INT64_MIN, INT64_MAX));
  } else if (json.is_boolean()) {
    result.literal = Value::ofBool(json.get<bool>());
  } else if (json.is_string()) {
    const auto text = json.get<std::string>();
    if (text == "inf") {
      result.literal = Value::ofFloat(std::numeric_limits<double>::infinity());
    } else {
      result.op = ExprOp::Name;
      result.name = text;
      nameInScope(text, scope);
    }
  } else if (json.is_array() && !json.empty() && json[0].is_string()) {
    return call(json, scope, depth);
  } else {
    fail("{} is no expression", show(json));
  }
  return result;
}

Expr Reader::call(const Json &json, const Scope &scope, int depth) {
  Expr result;
  const auto spelling = json[0].get<std::string>();
  const auto *found =
      std::find_if(std::begin(opEntries), std::end(opEntries), [&](const OpEntry &entry) {
        return !entry.spelling.empty() && entry.spelling == spelling;
      });
  if (found == std::end(opEntries)) {
    fail("`{}` is no operation", spelling);
    return result;
  }
  result.op = found->op;
  const size_t count = json.size() - 1;
  if (result.op == ExprOp::Stride || result.op == ExprOp::Aligned || result.op == ExprOp::Sms) {
    if (!scope.layout)
      fail("`{}` cannot be used here", spelling);
    if (count != (result.op == ExprOp::Sms ? 0 : 2))
      fail("`{}` has {} operands", spelling, count);
    if (!ok() || result.op == ExprOp::Sms)
      return result;
    at("[1]", [&] {
      const Param *tensor =
          kernel ? &kernel->params[paramOf(json[1], Param::Kind::Tensor)] : nullptr;
      result.name = tensor ? tensor->name : identifier(json[1]);
      at("[2]", [&] {
        const bool stride = result.op == ExprOp::Stride;
        const auto rank = tensor ? static_cast<int64_t>(tensor->shape.size()) : int64_t{maxRank};
        result.number =
            integer(json[2], stride ? 0 : 1, stride ? std::max<int64_t>(rank - 1, 0) : 4096);
        if (ok() && !stride && !isPowerOfTwo(result.number))
          fail("{}, and an alignment is a power of two", result.number);
      });
    });
    return result;
  }
  if (count < found->least || count > found->most) {
    fail("`{}` has {} operand{}, and takes {}", spelling, count, count == 1 ? "" : "s",
         found->least == found->most ? fmt::format("{}", found->least)
                                     : fmt::format("{} to {}", found->least, found->most));
    return result;
  }
  for (size_t i = 1; i <= count && ok(); ++i)
    at(fmt::format("[{}]", i), [&] { result.operands.push_back(expr(json[i], scope, depth + 1)); });
  return result;
}

size_t Reader::paramOf(const Json &json, Param::Kind kind) {
  const std::string name = identifier(json);
  auto index = kernel->param(name);
  const bool tensor = kind == Param::Kind::Tensor;
  if (ok() && (!index || kernel->params[*index].kind != kind))
    fail("`{}` is no {} of this kernel", name, tensor ? "tensor" : "scalar");
  return ok() ? *index : 0;
}

void Reader::compileParams(const Json &json) {
  if (!json.is_object())
    return fail("{} is no object", show(json));
  atMost(json, maxParams);
  for (const auto &[key, value] : json.items())
    at(fmt::format(".{}", key), [&, key = key, &value = value] {
      CompileParam param{newName(key, names), Value{}};
      if (value.is_boolean())
        param.value = Value::ofBool(value.get<bool>());
      else if (value.is_number_float())
        param.value = Value::ofFloat(value.get<double>());
      else if (value.is_number())
        param.value = Value::ofInt(integer(value, INT64_MIN, INT64_MAX));
      else
        param.value = elem(value);
      kernel->cparams.push_back(std::move(param));
    });
}

/// After the params' names are known: a dimension refers to a tensor.
void Reader::dimension(const Json &json) {
  object(json, {"name", "tensor", "index", "offset"});
  Dimension dim;
  member(json, "tensor", [&](const Json &v) { dim.tensor = paramOf(v, Param::Kind::Tensor); });
  member(json, "index", [&](const Json &v) {
    const auto rank = static_cast<int64_t>(kernel->params[dim.tensor].orOne.size());
    dim.index = static_cast<int>(integer(v, 0, std::max<int64_t>(rank - 1, 0)));
  });
  member(json, "offset",
         [&](const Json &v) { dim.offset = integer(v, -(int64_t{1} << 31), int64_t{1} << 31); });
  member(json, "name", [&](const Json &v) { dim.name = newName(v, names); });
  kernel->dims.push_back(std::move(dim));
}

/// The first look at a param: all but its expressions, which may mention dimensions.
void Reader::param(const Json &json, size_t number) {
  Param &param = kernel->params.emplace_back();
  std::string kind;
  if (!json.is_object())
    return fail("{} is no object", show(json));
  member(json, "kind", [&](const Json &v) { read(v, kind); });
  member(json, "name", [&](const Json &v) { param.name = newName(v, names); });
  member(json, "elem", [&](const Json &v) { param.elem = elem(v); });
  if (kind == "scalar") {
    param.kind = Param::Kind::Scalar;
    object(json, {"kind", "name", "elem", "default"});
    if (param.elem != Elem::F32 && param.elem != Elem::I64 && param.elem != Elem::Bool)
      fail("scalar `{}` is {}, and a scalar is `f32`, `i64` or `bool`", param.name,
           name(param.elem));
    return;
  }
  if (ok() && kind != "tensor")
    return fail("its kind is `{}`, and it must be `tensor` or `scalar`", kind);
  object(json, {"kind", "name", "elem", "shape", "orOne", "output", "nullable", "align"});
  member(json, "shape", [&](const Json &v) {
    if (!v.is_array() || v.empty() || v.size() > maxRank)
      return fail("{} is no array of 1 to {} extents", show(v), maxRank);
    param.orOne.assign(v.size(), false);
  });
  member(
      json, "orOne",
      [&](const Json &v) {
        if (v.size() != param.orOne.size())
          return fail("has {} elements, and the shape has {}", v.size(), param.orOne.size());
        elements(v, [&](const Json &element, size_t i) {
          bool flag = false;
          read(element, flag);
          param.orOne[i] = flag;
        });
      },
      /*optional=*/true);
  member(json, "output", [&](const Json &v) { read(v, param.output); });
  member(json, "nullable", [&](const Json &v) { read(v, param.nullable); });
  member(json, "align", [&](const Json &v) {
    param.align = integer(v, 1, 4096);
    if (ok() && !isPowerOfTwo(param.align))
      fail("{}, and an alignment is a power of two", param.align);
    else if (ok() && param.align < bytesOf(param.elem))
      fail("{}, and an element of {} has {} bytes", param.align, name(param.elem),
           bytesOf(param.elem));
  });
}

TensorMapSpec Reader::tensorMap(const Json &json) {
  TensorMapSpec map;
  object(json, {"tensor", "box", "swizzle", "fill"});
  member(json, "tensor", [&](const Json &v) { map.tensor = paramOf(v, Param::Kind::Tensor); });
  if (!ok())
    return map;
  const Param &tensor = kernel->params[map.tensor];
  // What the driver asks of a tensor map, as far as it is known before there are addresses.
  const size_t rank = tensor.shape.size();
  if (rank < 1 || rank > 5)
    fail("`{}` has {} dimensions, and a tensor map has 1 to 5", tensor.name, rank);
  member(json, "box", [&](const Json &v) {
    elements(v, [&](const Json &element, size_t) {
      map.box.push_back(static_cast<uint32_t>(integer(element, 1, 256)));
    });
    if (ok() && map.box.size() != rank)
      fail("{} has {} extents, and `{}` has {} dimensions", show(v), map.box.size(), tensor.name,
           rank);
  });
  member(
      json, "swizzle",
      [&](const Json &v) {
        map.swizzle = static_cast<uint32_t>(integer(v, 0, 128));
        if (ok() && map.swizzle != 0 && map.swizzle != 32 && map.swizzle != 64 &&
            map.swizzle != 128)
          fail("{}, and a swizzle is over 0, 32, 64 or 128 bytes", map.swizzle);
      },
      /*optional=*/true);
  member(
      json, "fill",
      [&](const Json &v) {
        std::string fill;
        read(v, fill);
        if (ok() && fill != "zero" && fill != "nan")
          fail("`{}`, and a fill is `zero` or `nan`", fill);
        map.nanFill = fill == "nan";
        if (ok() && map.nanFill && !isFloat(tensor.elem))
          fail("`nan`, and `{}` is {}", tensor.name, name(tensor.elem));
      },
      /*optional=*/true);
  if (!ok())
    return map;
  const uint32_t row = map.box.back() * static_cast<uint32_t>(bytesOf(tensor.elem));
  if (row % 16 != 0 || (map.swizzle != 0 && row > map.swizzle))
    fail("a row of the box has {} bytes, and must be a multiple of 16{}", row,
         map.swizzle ? fmt::format(" and at most the swizzle's {}", map.swizzle) : "");
  return map;
}

Arg Reader::arg(const Json &json, size_t maps) {
  Arg arg;
  object(json, {"tensor", "stride", "dim", "scalar", "workspace", "tensorMap"});
  if (!ok())
    return arg;
  if (json.contains("stride")) {
    arg.kind = Arg::Kind::Stride;
    object(json, {"stride", "dim"});
    member(json, "stride", [&](const Json &v) { arg.index = paramOf(v, Param::Kind::Tensor); });
    member(json, "dim", [&](const Json &v) {
      const auto rank = static_cast<int64_t>(kernel->params[arg.index].shape.size());
      arg.dim = static_cast<int>(integer(v, 0, std::max<int64_t>(rank - 1, 0)));
    });
    return arg;
  }
  if (json.size() != 1) {
    fail("has {} members, and names one value", json.size());
    return arg;
  }
  if (json.contains("tensor")) {
    member(json, "tensor", [&](const Json &v) { arg.index = paramOf(v, Param::Kind::Tensor); });
  } else if (json.contains("dim")) {
    arg.kind = Arg::Kind::Dim;
    member(json, "dim", [&](const Json &v) {
      const std::string name = identifier(v);
      if (auto index = kernel->dim(name))
        arg.index = *index;
      else
        fail("`{}` is no dimension of this kernel", name);
    });
  } else if (json.contains("scalar")) {
    arg.kind = Arg::Kind::Scalar;
    member(json, "scalar", [&](const Json &v) { arg.index = paramOf(v, Param::Kind::Scalar); });
  } else if (json.contains("tensorMap")) {
    arg.kind = Arg::Kind::TensorMap;
    member(json, "tensorMap", [&](const Json &v) {
      const auto index = integer(v, 0, INT64_MAX);
      if (ok() && static_cast<size_t>(index) >= maps)
        fail("{}, and the launch has {} of them", index, maps);
      arg.index = static_cast<size_t>(index);
    });
  } else {
    arg.kind = Arg::Kind::Workspace;
    member(json, "workspace", [&](const Json &v) {
      const auto index = integer(v, 0, INT64_MAX);
      if (ok() && static_cast<size_t>(index) >= kernel->workspace.size())
        fail("{}, and the kernel has {} of them", index, kernel->workspace.size());
      arg.index = static_cast<size_t>(index);
    });
  }
  return arg;
}

void Reader::launch(const Json &json, LaunchSpec &into) {
  object(json, {"entry", "grid", "block", "shared", "cluster", "tensorMaps", "args"});
  member(json, "entry", [&](const Json &v) {
    read(v, into.entry);
    if (ok() && !isEntryName(into.entry))
      fail("{} is no name", show(v));
  });
  const Scope scope{.dims = true, .layout = true, .scalars = kernel->params.size()};
  member(json, "grid", [&](const Json &v) {
    if (!v.is_array() || v.size() != 3)
      return fail("{} is no array of three expressions", show(v));
    elements(v, [&](const Json &element, size_t i) { into.grid[i] = expr(element, scope); });
  });
  member(json, "block", [&](const Json &v) {
    into.block = triple(v, 1024);
    const uint64_t threads = uint64_t{into.block[0]} * into.block[1] * into.block[2];
    if (ok() && (threads > 1024 || into.block[2] > 64))
      fail("{} is {} threads, and a block has at most 1024, 64 of them along z", show(v), threads);
  });
  member(
      json, "shared",
      [&](const Json &v) { into.shared = static_cast<uint32_t>(integer(v, 0, 1 << 20)); },
      /*optional=*/true);
  member(json, "cluster", [&](const Json &v) { into.cluster = triple(v, 16); }, /*optional=*/true);
  member(
      json, "tensorMaps",
      [&](const Json &v) {
        elements(
            v, [&](const Json &element, size_t) { into.tensorMaps.push_back(tensorMap(element)); });
      },
      /*optional=*/true);
  member(json, "args", [&](const Json &v) {
    elements(v, [&](const Json &element, size_t) {
      into.args.push_back(arg(element, into.tensorMaps.size()));
    });
  });
}

void Reader::variant(const Json &json, Variant &into) {
  object(json, {"name", "requires", "condition", "schedule", "launches"});
  member(json, "name", [&](const Json &v) { read(v, into.name); });
  member(
      json, "requires",
      [&](const Json &v) {
        if (!v.is_null())
          into.needs = expr(v, {.dims = true, .layout = true, .scalars = kernel->params.size()});
      },
      /*optional=*/true);
  member(json, "condition", [&](const Json &v) {
    if (!v.is_null())
      into.condition = expr(v, {.dims = true, .layout = true, .scalars = kernel->params.size()});
  });
  member(
      json, "schedule",
      [&](const Json &v) {
        if (!v.is_object())
          return fail("{} is no object", show(v));
        into.schedule = v.dump(-1, ' ', true, Json::error_handler_t::replace);
      },
      /*optional=*/true);
  member(json, "launches", [&](const Json &v) {
    if (v.is_array() && v.empty())
      return fail("is empty");
    elements(v,
             [&](const Json &element, size_t) { launch(element, into.launches.emplace_back()); });
  });
}

void Reader::kernelSpec(const Json &json, KernelSpec &into) {
  kernel = &into;
  names.clear();
  object(json, {"name", "cparams", "dims", "params", "facts", "workspace", "variants"});
  member(json, "name", [&](const Json &v) { into.name = identifier(v); });
  member(json, "cparams", [&](const Json &v) { compileParams(v); });
  // Names first, expressions after: a shape mentions dimensions, which mention tensors.
  member(json, "params", [&](const Json &v) {
    atMost(v, maxParams);
    elements(v, [&](const Json &element, size_t i) { param(element, i); });
  });
  member(json, "dims", [&](const Json &v) {
    atMost(v, maxParams);
    elements(v, [&](const Json &element, size_t) { dimension(element); });
  });
  member(json, "params", [&](const Json &v) {
    elements(v, [&](const Json &element, size_t i) {
      Param &param = into.params[i];
      if (param.isTensor())
        member(element, "shape", [&](const Json &shape) {
          elements(shape, [&](const Json &extent, size_t) {
            param.shape.push_back(expr(extent, {.dims = true}));
          });
        });
      else
        member(element, "default", [&](const Json &init) {
          if (!init.is_null())
            param.init = expr(init, {.dims = true, .scalars = i});
        });
    });
  });
  const Scope values{.dims = true, .scalars = into.params.size()};
  member(
      json, "facts",
      [&](const Json &v) {
        elements(v, [&](const Json &element, size_t) {
          Fact &fact = into.facts.emplace_back();
          object(element, {"text", "expr"});
          member(element, "text", [&](const Json &text) { read(text, fact.text); });
          member(element, "expr", [&](const Json &e) {
            if (!e.is_null())
              fact.expr = expr(e, values);
          });
        });
      },
      /*optional=*/true);
  member(
      json, "workspace",
      [&](const Json &v) {
        elements(v, [&](const Json &element, size_t) {
          object(element, {"bytes"});
          member(element, "bytes", [&](const Json &bytes) {
            into.workspace.push_back(
                expr(bytes, {.dims = true, .layout = true, .scalars = into.params.size()}));
          });
        });
      },
      /*optional=*/true);
  member(json, "variants", [&](const Json &v) {
    if (v.is_array() && v.empty())
      return fail("is empty");
    elements(v,
             [&](const Json &element, size_t) { variant(element, into.variants.emplace_back()); });
  });
}

std::optional<Expr> Reader::alone(const Json &json) {
  Expr result = expr(json, {.dims = true, .layout = true});
  if (!ok())
    return std::nullopt;
  return result;
}

std::optional<Manifest> Reader::manifest(const Json &json) {
  Manifest result;
  // The format first: what another one holds cannot be told from a mistake.
  if (json.is_object() && json.contains("format") && json["format"] != 1)
    fail("its format is {}, and this runtime reads format 1", show(json["format"]));
  object(json, {"format", "target", "source", "kernels"});
  member(json, "format", [](const Json &) {});
  member(json, "target", [&](const Json &v) { read(v, result.target); });
  member(json, "source", [&](const Json &v) {
    object(v, {"path", "sha256"});
    member(v, "path", [&](const Json &p) { read(p, result.sourcePath); });
    member(v, "sha256", [&](const Json &p) {
      read(p, result.sourceSha256);
      const std::string &hash = result.sourceSha256;
      const bool hex = hash.find_first_not_of("0123456789abcdef") == std::string::npos;
      if (ok() && !hash.empty() && !(hex && hash.size() == 64))
        fail("{} is no SHA-256 in 64 lower-case hex digits", show(p));
    });
  });
  std::set<std::string> kernelNames;
  member(json, "kernels", [&](const Json &v) {
    if (v.is_array() && v.empty())
      return fail("is empty");
    elements(v, [&](const Json &element, size_t) {
      KernelSpec &spec = result.kernels.emplace_back();
      kernelSpec(element, spec);
      if (ok() && !kernelNames.insert(spec.name).second)
        fail("kernel `{}` is there twice", spec.name);
    });
  });
  if (!ok())
    return std::nullopt;
  return result;
}

} // namespace

std::optional<Manifest> parseManifest(std::string_view json, std::string &error) {
  auto parsed = parseJson(json, maxDepth + 32, error);
  return parsed ? Reader(error).manifest(*parsed) : std::nullopt;
}

std::optional<Expr> parseExpr(std::string_view json, std::string &error) {
  auto parsed = parseJson(json, maxDepth + 32, error);
  return parsed ? Reader(error).alone(*parsed) : std::nullopt;
}

} // namespace fc::rt
