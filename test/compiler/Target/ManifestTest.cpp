// ManifestTest.cpp - what the compiler writes is what docs/manifest.md says and the runtime reads
#include "compiler/Target/Manifest.h"
#include "dsl/Frontend.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "runtime/Manifest.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace fc;

namespace {

std::unique_ptr<dsl::Program> check(const std::string &text) {
  dsl::Diagnostics diagnostics;
  auto program = dsl::checkSource("causal.fc", text, {}, diagnostics);
  EXPECT_TRUE(program) << diagnostics.render();
  return program;
}

/// The manifest of `program` whose lowered module is `entries`.
std::string manifestOf(const dsl::Program &program, const std::string &entries) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<mlir::LLVM::LLVMDialect, mlir::NVVM::NVVMDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(entries, &context);
  EXPECT_TRUE(module);
  return module ? writeManifest(program, *module, "sm_80") : "";
}

rt::Manifest read(const std::string &text) {
  std::string error;
  auto manifest = rt::parseManifest(text, error);
  EXPECT_TRUE(manifest) << error << "\n" << text;
  return manifest.value_or(rt::Manifest());
}

const char *const kCausal = R"(kernel causal<T: type = f16, D: int = 64>(
    q: T[B, H, M, D], k: T[B, G, N, D], v: T[B, G, N, D], scale: f32 = 1 / sqrt(D)
) -> (o: T[B, H, M, D], lse: f32[B, H, M])
{
  assume H % G == 0
  grid b in B, h in H, tile i in M
  axis j in N, d in D
  let g = h / (H / G)
  let seen = where(j <= i + (N - M), scale * dot[d](q[b, h, i, d], k[b, g, j, d]), -inf)
  o[b, h, i, d] = dot[j](softmax[j](seen) as T, v[b, g, j, d])
  lse[b, h, i] = logsumexp[j](seen)
})";

const char *const kCausalEntry = R"(
llvm.func @causal_entry() attributes {fc.kernel = "causal", fc.block = 128 : i64, fc.shared = 4096 : i64,
    fc.grid = "[\"*\", [\"/\", [\"+\", \"M\", 63], 64], [\"*\", \"H\", \"B\"]]",
    fc.args = ["tensor:q", "stride:q:0", "dim:M", "scalar:scale", "tensor:o"], nvvm.kernel} {
  llvm.return
}
llvm.func @helper() { llvm.return }
)";

TEST(WriteManifest, IsReadByTheRuntime) {
  auto program = check(kCausal);
  ASSERT_TRUE(program);
  rt::Manifest manifest = read(manifestOf(*program, kCausalEntry));
  EXPECT_EQ(manifest.target, "sm_80");
  EXPECT_EQ(manifest.sourcePath, "causal.fc");
  ASSERT_EQ(manifest.kernels.size(), 1u);
  const rt::KernelSpec &kernel = manifest.kernels[0];
  EXPECT_EQ(kernel.name, "causal");
  EXPECT_EQ(kernel.cparams[0].text(), "f16");
  EXPECT_EQ(kernel.cparams[1].text(), "64");
  std::vector<std::string> dims;
  for (const rt::Dimension &dim : kernel.dims)
    dims.push_back(dim.name + "=" + kernel.params[dim.tensor].name + "." +
                   std::to_string(dim.index));
  EXPECT_THAT(dims, testing::UnorderedElementsAre("B=q.0", "H=q.1", "M=q.2", "G=k.1", "N=k.2"));
  std::vector<std::string> params;
  for (const rt::Param &param : kernel.params)
    params.push_back(param.name + ": " + param.text() + (param.output ? " out" : ""));
  // Extents are spelt as the text spells them, and outputs come last.
  EXPECT_THAT(params, testing::ElementsAre("q: f16[B, H, M, D]", "k: f16[B, G, N, D]",
                                           "v: f16[B, G, N, D]", "scale: f32",
                                           "o: f16[B, H, M, D] out", "lse: f32[B, H, M] out"));
  EXPECT_EQ(kernel.params[0].align, 2);
  EXPECT_EQ(kernel.params[5].align, 4);
  EXPECT_FALSE(kernel.params[0].nullable);
  EXPECT_TRUE(kernel.params[4].nullable);
  ASSERT_EQ(kernel.facts.size(), 1u);
  EXPECT_EQ(kernel.facts[0].text, "H % G == 0");
  EXPECT_EQ(kernel.facts[0].expr->text(), "H % G == 0");

  ASSERT_EQ(kernel.variants.size(), 1u);
  const rt::LaunchSpec &launch = kernel.variants[0].launches[0];
  EXPECT_EQ(launch.entry, "causal_entry");
  EXPECT_EQ(launch.grid[0].text(), "(M + 63) / 64 * (H * B)");
  EXPECT_EQ(launch.grid[1].text(), "1");
  EXPECT_EQ(launch.block[0], 128u);
  EXPECT_EQ(launch.shared, 4096u);
  ASSERT_EQ(launch.args.size(), 5u);
  EXPECT_EQ(launch.args[1].kind, rt::Arg::Kind::Stride);
  EXPECT_EQ(launch.args[1].dim, 0);
  EXPECT_EQ(launch.args[2].kind, rt::Arg::Kind::Dim);
  EXPECT_EQ(launch.args[3].kind, rt::Arg::Kind::Scalar);
  EXPECT_EQ(kernel.params[launch.args[4].index].name, "o");
}

TEST(WriteManifest, NamesTheSourceByItsDigest) {
  auto program = check("kernel k(x: f32[N]) -> (y: f32[N]) { grid tile i in N y[i] = x[i] }");
  ASSERT_TRUE(program);
  rt::Manifest manifest =
      read(manifestOf(*program, "llvm.func @k() attributes {fc.kernel = \"k\"} { llvm.return }"));
  // sha256sum of the line above
  EXPECT_EQ(manifest.sourceSha256,
            "a5a056c395000af63e873f2f6c71395fa5f05b87058c9ac6593ef20eca5add48");
}

TEST(WriteManifest, KeepsKernelsWithAnEntryAndAllTheirVariants) {
  auto program = check("kernel a(x: f32[N]) -> (y: f32[N]) { grid tile i in N y[i] = x[i] }\n"
                       "kernel b(x: f32[N]) -> (z: f32[N]) { grid tile i in N z[i] = x[i] }\n"
                       "kernel c(x: f32[N]) -> (w: f32[N]) { grid tile i in N w[i] = x[i] }\n");
  ASSERT_TRUE(program);
  rt::Manifest manifest = read(manifestOf(*program, R"(
    llvm.func @c() attributes {fc.kernel = "c"} { llvm.return }
    llvm.func @a_wide() attributes {fc.kernel = "a", fc.variant = "wide",
        fc.condition = "[\"aligned\", \"x\", 16]"} { llvm.return }
    llvm.func @a() attributes {fc.kernel = "a"} { llvm.return })"));
  ASSERT_EQ(manifest.kernels.size(), 2u);
  EXPECT_EQ(manifest.kernels[0].name, "a"); // in the order of the text
  EXPECT_EQ(manifest.kernels[1].name, "c");
  ASSERT_EQ(manifest.kernels[0].variants.size(), 2u);
  EXPECT_EQ(manifest.kernels[0].variants[0].name, "wide");
  EXPECT_TRUE(manifest.kernels[0].variants[0].condition);
  EXPECT_FALSE(manifest.kernels[0].variants[1].condition);
}

TEST(WriteManifest, SaysWhatIsOptional) {
  auto program =
      check("kernel k<BIAS: bool = false, F: f32 = 2.0, C: int = 3>(\n"
            "    x: bf16[B + 1, N], bias: f32[B?, N], flag: bool, n: int, m: int = n * C\n"
            ") -> (y: u8[B, N])\n"
            "{\n  assume x[0, 0] == 0\n  assume n >= -1 and (m < B or not flag)\n"
            "  grid b in B, tile i in N\n"
            "  y[b, i] = where(BIAS, bias[b, i], x[b, i] * F) as u8\n}\n");
  ASSERT_TRUE(program);
  std::string text =
      manifestOf(*program, "llvm.func @k() attributes {fc.kernel = \"k\"} { llvm.return }");
  rt::Manifest manifest = read(text);
  const rt::KernelSpec &kernel = manifest.kernels[0];
  EXPECT_EQ(kernel.cparams[0].text(), "false");
  EXPECT_EQ(kernel.cparams[2].text(), "3");
  EXPECT_THAT(text, testing::HasSubstr("\"F\": 2.0"));
  EXPECT_EQ(kernel.params[0].shape[0].text(), "B + 1");
  EXPECT_EQ(kernel.dims[0].offset, kernel.dims[0].tensor == 0 ? 1 : 0);
  EXPECT_TRUE(kernel.params[1].nullable);
  EXPECT_TRUE(kernel.params[1].orOne[0]);
  EXPECT_FALSE(kernel.params[1].orOne[1]);
  EXPECT_FALSE(kernel.params[3].init);
  EXPECT_TRUE(kernel.params[4].init);
  EXPECT_EQ(kernel.params[5].align, 1);
  EXPECT_FALSE(kernel.facts[0].expr); // it reads a tensor
  EXPECT_TRUE(kernel.facts[1].expr);
}

//===-- Expressions ------------------------------------------------------------===//

/// How the default of a scalar is written.
std::string written(const std::string &value, const char *type = "f32") {
  auto program =
      check("kernel k(x: f32[N, M], n: int, c: bool, a: f32, s: " + std::string(type) + " = " +
            value + ") -> (y: f32[N]) { grid tile i in N y[i] = x[i, 0] * n + a }");
  if (!program)
    return "";
  for (const dsl::Scalar *scalar : program->kernels[0].scalars)
    if (scalar->name == "s")
      return manifestExpr(scalar->init);
  return "";
}

TEST(ManifestExpr, WritesEachOperation) {
  EXPECT_EQ(written("1.0 / sqrt(N)"), R"(["/", 1.0, ["sqrt", ["f32", "N"]]])");
  EXPECT_EQ(written("N % 3 + M / 2 - 1", "int"),
            R"(["-", ["+", ["%", "N", 3], ["/", "M", 2]], 1])");
  EXPECT_EQ(
      written("where(c and not (n < 3 or n == 7), max(a, 1), -a)"),
      R"(["where", ["and", "c", ["not", ["or", ["<", "n", 3], ["==", "n", 7]]]], ["max", "a", 1.0], ["-", "a"]])");
  EXPECT_EQ(written("floor(a) as int", "int"), R"(["int", ["floor", "a"]])");
  EXPECT_EQ(written("clamp(abs(n), 0, 5)", "int"), R"(["clamp", ["abs", "n"], 0, 5])");
  EXPECT_EQ(written("bit(n, 3)", "bool"), R"(["bit", "n", 3])");
  EXPECT_EQ(written("true", "bool"), "true");
}

TEST(ManifestExpr, TellsFloatsFromIntegers) {
  EXPECT_EQ(written("2.0"), "2.0");
  EXPECT_EQ(written("2", "int"), "2");
  EXPECT_EQ(written("0.1"), "0.1");
  EXPECT_EQ(written("inf"), R"("inf")");
  EXPECT_EQ(written("-inf"), R"(["-", "inf"])");
  for (const char *value : {"1e30", "1e-30", "123456789.5", "0.3333333333333333"}) {
    EXPECT_EQ(std::stod(written(value)), std::stod(value)) << written(value);
    EXPECT_NE(written(value).find_first_of(".eE"), std::string::npos);
  }
}

TEST(ManifestExpr, IsNullWhereTheLaunchCannotKnow) {
  auto program = check("kernel k(x: f32[N]) -> (y: f32[N]) {\n  assume x[0] > 0\n  assume N > 0\n"
                       "  grid tile i in N\n  assume i < N\n  y[i] = x[i]\n}");
  ASSERT_TRUE(program);
  std::vector<std::string> facts;
  for (const dsl::Stmt &stmt : program->kernels[0].body)
    if (stmt.kind == dsl::Stmt::Assume)
      facts.push_back(manifestExpr(stmt.value));
  EXPECT_THAT(facts, testing::ElementsAre("null", R"([">", "N", 0])", "null"));
}

} // namespace
