// Manifest.h - what a PTX says of its kernels, as data; docs/manifest.md describes the format.
//
// A parsed Manifest is consistent in itself: every name it mentions exists, every expression is
// over what it may be over, every list has the length it must have. Whether it tells the truth
// about the PTX is Module's business.
#pragma once
#include "runtime/Elem.h"
#include "runtime/Expr.h"
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fc::rt {

/// The symbol of the byte array that holds the manifest.
inline constexpr std::string_view manifestSymbol = "__fc_manifest";

/// A compile-time parameter: a number, a bool or an element type.
struct CompileParam {
  std::string name;
  std::variant<Value, Elem> value;
  std::string text() const; ///< "64", "f16"
};

/// A dimension: extent number `index` of params[tensor] is `name + offset`.
struct Dimension {
  std::string name;
  size_t tensor = 0;
  int index = 0;
  int64_t offset = 0;
};

struct Param {
  enum class Kind : uint8_t { Tensor, Scalar } kind = Kind::Tensor;
  std::string name;
  Elem elem = Elem::F32;
  // of a tensor
  std::vector<Expr> shape;
  std::vector<bool> orOne;
  bool output = false, nullable = false;
  int64_t align = 1;
  // of a scalar; empty: must be given
  std::optional<Expr> init;

  bool isTensor() const { return kind == Kind::Tensor; }
  std::string text() const; ///< "f16[B, H, M, D]" or "f32"
};

struct Fact {
  std::string text;
  std::optional<Expr> expr; ///< empty: cannot be checked at launch
};

/// One parameter of an entry.
struct Arg {
  enum class Kind : uint8_t {
    Tensor,
    Stride,
    Dim,
    Scalar,
    Workspace,
    TensorMap
  } kind = Kind::Tensor;
  size_t index = 0; ///< of params (Tensor, Stride, Scalar), dims, workspace or the launch's maps
  int dim = 0;      ///< Stride
};

/// How TMA sees a tensor: the box that one copy moves, and how it lies in shared memory.
struct TensorMapSpec {
  size_t tensor = 0;         ///< of params
  std::vector<uint32_t> box; ///< elements, by dimension as in the tensor's shape
  uint32_t swizzle = 0;      ///< bytes: 0, 32, 64 or 128
  bool nanFill = false;      ///< what is out of bounds reads as NaN, not as 0
};

struct LaunchSpec {
  std::string entry;
  std::array<Expr, 3> grid;
  std::array<uint32_t, 3> block{1, 1, 1}, cluster{1, 1, 1};
  uint32_t shared = 0;
  std::vector<TensorMapSpec> tensorMaps;
  std::vector<Arg> args;
};

struct Variant {
  std::string name;
  std::optional<Expr> needs;     ///< `requires`: without it the code is wrong; empty: nothing
  std::optional<Expr> condition; ///< when it is the best; empty: always
  std::string schedule = "{}";   ///< JSON, for reports
  std::vector<LaunchSpec> launches;
};

struct KernelSpec {
  std::string name;
  std::vector<CompileParam> cparams;
  std::vector<Dimension> dims;
  std::vector<Param> params;
  std::vector<Fact> facts;
  std::vector<Expr> workspace; ///< bytes
  std::vector<Variant> variants;

  std::optional<size_t> param(std::string_view name) const;
  std::optional<size_t> dim(std::string_view name) const;
};

struct Manifest {
  std::string target;
  std::string sourcePath, sourceSha256;
  std::vector<KernelSpec> kernels;
};

/// Parses the text of a manifest. On failure returns nothing, with the place and the reason in
/// `error`: "kernels[0].params[2].align: 3, and an alignment is a power of two".
std::optional<Manifest> parseManifest(std::string_view json, std::string &error);

/// Parses one expression by itself: names are taken as they stand.
std::optional<Expr> parseExpr(std::string_view json, std::string &error);

/// The bytes of an argument as its entry takes it: 128, 8, 4 or 1.
uint32_t bytesOfArg(const KernelSpec &kernel, const Arg &arg);
/// Its alignment: its bytes, but 64 for a tensor map.
uint32_t alignOfArg(const KernelSpec &kernel, const Arg &arg);

} // namespace fc::rt
