// ImportTest.cpp - every example imports; bounds, random numbers and casts against the front end's
// own
#include "compiler/Import/Import.h"
#include "compiler/IR/Fc.h"
#include "compiler/Import/Interval.h"
#include "compiler/Import/Scalars.h"
#include "compiler/Pipeline.h"
#include "dsl/Frontend.h"
#include "dsl/Numeric.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include <cmath>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace fc;
using dsl::Elem;
using dsl::Expr;
using dsl::Op;

namespace {

struct Imported {
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string messages; ///< "path:line: text\n" for each error
};

Imported importProgramOf(const dsl::Program &program) {
  Imported result;
  result.context = std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
  mlir::MLIRContext &context = *result.context;
  context.loadDialect<FcDialect, mlir::arith::ArithDialect, mlir::math::MathDialect>();
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
      return;
    auto loc = llvm::dyn_cast<mlir::FileLineColLoc>(diagnostic.getLocation());
    std::string place = loc ? loc.getFilename().str() + ":" + std::to_string(loc.getLine()) : "?";
    result.messages += place + ": " + diagnostic.str() + "\n";
  });
  result.module = importProgram(context, program);
  if (!result.module)
    return result;
  mlir::PassManager passes(&context);
  PipelineOptions options;
  options.stopAfter = Stage::Import;
  buildPipeline(passes, options);
  if (mlir::failed(passes.run(*result.module)))
    result.module = nullptr;
  return result;
}

std::unique_ptr<dsl::Program> check(const std::string &text) {
  dsl::Diagnostics diagnostics;
  auto program = dsl::checkSource("test.fc", text, {}, diagnostics);
  EXPECT_TRUE(program) << diagnostics.render();
  return program;
}

//===-- Every program ----------------------------------------------------------===//

std::vector<std::string> programs() {
  std::vector<std::string> paths;
  for (const char *folder : {"/test/dsl/examples", "/kernels_src", "/kernels_src/unfused"})
    for (auto &entry : std::filesystem::directory_iterator(FC_SOURCE_DIR + std::string(folder)))
      if (entry.path().extension() == ".fc")
        paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

class EveryProgram : public testing::TestWithParam<std::string> {};

TEST_P(EveryProgram, Imports) {
  dsl::Diagnostics diagnostics;
  auto program = dsl::checkFile(GetParam(), {}, diagnostics);
  ASSERT_TRUE(program) << diagnostics.render();
  Imported imported = importProgramOf(*program);
  if (GetParam().ends_with("stickbreaking.fc")) {
    EXPECT_FALSE(imported.module);
    EXPECT_EQ(imported.messages.find("stickbreaking.fc:11: not supported by this compiler yet: "
                                     "`cumsum`"),
              GetParam().size() - std::string("stickbreaking.fc").size())
        << imported.messages;
    return;
  }
  ASSERT_TRUE(imported.module) << imported.messages;
  EXPECT_EQ(imported.messages, "");
  size_t kernels = 0;
  imported.module->walk([&](mlir::Operation *op) {
    kernels += llvm::isa<KernelOp>(op);
    // Locations lead back to the text, but for constants, which MLIR's folding shares.
    EXPECT_TRUE(op->getLoc()->findInstanceOf<mlir::FileLineColLoc>() ||
                op->hasTrait<mlir::OpTrait::ConstantLike>())
        << op->getName().getStringRef().str();
  });
  EXPECT_EQ(kernels, program->kernels.size());
}

INSTANTIATE_TEST_SUITE_P(Import, EveryProgram, testing::ValuesIn(programs()), [](auto &info) {
  std::string name = std::filesystem::path(info.param).stem();
  std::string folder = std::filesystem::path(info.param).parent_path().stem();
  return folder + "_" + name;
});

TEST(Import, TakesOneKernelByName) {
  auto program = check("kernel a(x: f32[N]) -> (y: f32[N]) { grid tile i in N y[i] = x[i] }\n"
                       "kernel b(x: f32[N]) -> (z: f32[N]) { grid tile i in N z[i] = x[i] }\n");
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<FcDialect, mlir::arith::ArithDialect, mlir::math::MathDialect>();
  auto module = importProgram(context, *program, "b");
  ASSERT_TRUE(module);
  std::vector<std::string> names;
  for (auto kernel : module->getOps<KernelOp>())
    names.push_back(kernel.getSymName().str());
  EXPECT_THAT(names, testing::ElementsAre("b"));
}

/// A chain of `let`s, each of which uses the one before twice: n nodes, 2^n paths.
std::string chain(const std::string &first, const std::string &step, int length) {
  std::string text = "  let a0 = " + first + "\n";
  for (int n = 1; n <= length; ++n) {
    std::string line = "  let a" + std::to_string(n) + " = " + step + "\n";
    for (size_t at; (at = line.find('@')) != std::string::npos;)
      line.replace(at, 1, "a" + std::to_string(n - 1));
    text += line;
  }
  return text;
}

TEST(Import, IsLinearInSharedExpressions) {
  const std::pair<const char *, const char *> chains[] = {
      {"x[i]", "@ * @"},
      {"x[list[i]]", "max(@, @) - 1 / @"},
      {"where(i > 3, x[i - 3], 0)", "@ * exp(@ - 1)"},
  };
  for (auto [first, step] : chains) {
    auto program = check("kernel k(x: f32[N], list: i32[N]) -> (y: f32[N]) {\n"
                         "  grid tile i in N\n" +
                         chain(first, step, 60) + "  y[i] = a60\n}\n");
    ASSERT_TRUE(program);
    Imported imported = importProgramOf(*program);
    EXPECT_TRUE(imported.module) << imported.messages;
  }
  for (const char *step : {"@ + @", "(@ / 3) * (@ % 5)", "where(@ > 7, @, @ - 1)"}) {
    auto program =
        check("kernel k(x: f32[N], n: int) -> (y: f32[N]) {\n"
              "  grid tile i in N upto n\n  axis j in N\n" +
              chain("n", step, 60) +
              "  y[i] = sum[j](where(j < a60 and j + a60 > 0, x[(j + a60) % N], 0))\n}\n");
    ASSERT_TRUE(program);
    Imported imported = importProgramOf(*program);
    EXPECT_TRUE(imported.module) << imported.messages;
  }
}

// Each level doubles the conditions under which the one read is used: 2^60 conjunctions.
TEST(Import, RefusesConditionsWithoutEnd) {
  auto program = check("kernel k(x: f32[N]) -> (y: f32[N]) {\n  grid tile i in N\n" +
                       chain("x[i - 2]", "where(i > 2, @, -inf) + where(i > 1, @, 0)", 60) +
                       "  y[i] = a60\n}\n");
  ASSERT_TRUE(program);
  Imported imported = importProgramOf(*program);
  EXPECT_FALSE(imported.module);
  EXPECT_THAT(imported.messages, testing::HasSubstr("so many different conditions"));
}

//===-- Intervals --------------------------------------------------------------===//

/// The bounds of the value that the only store of a kernel stores.
Interval stored(const std::string &value) {
  auto program = check("kernel k(a: i8[N], w: i64[N], n: int) -> (y: i64[M, N]) {\n"
                       "  grid tile i in M, tile j in N\n  axis u in 10\n  y[i, j] = " +
                       value + "\n}\n");
  if (!program)
    return {};
  for (const dsl::Stmt &stmt : program->kernels[0].body)
    if (stmt.kind == dsl::Stmt::Store)
      return Intervals().of(stmt.value);
  return {};
}

constexpr int64_t kMost = kMaxExtent - 2; // of a point; a dimension is one more

TEST(Interval, OfLeaves) {
  EXPECT_EQ(stored("i"), (Interval{0, kMost}));
  EXPECT_EQ(stored("N"), (Interval{0, kMost + 1}));
  EXPECT_EQ(stored("a[j]"), (Interval{-128, 127}));
  EXPECT_EQ(stored("w[j]"), Interval::full());
  EXPECT_EQ(stored("n"), Interval::full());
  EXPECT_EQ(stored("sum[u](u)"), (Interval{0, 90}));
}

TEST(Interval, OfArithmetic) {
  EXPECT_EQ(stored("i - j"), (Interval{-kMost, kMost}));
  EXPECT_EQ(stored("-a[j] * 2"), (Interval{-254, 256}));
  EXPECT_EQ(stored("a[j] * a[j]"), (Interval{-16256, 16384}));
  EXPECT_EQ(stored("abs(a[j] - 3)"), (Interval{0, 131}));
  EXPECT_EQ(stored("min(a[j], 5) + max(a[j], 5)"), (Interval{-123, 132}));
  EXPECT_EQ(stored("clamp(n, -3, 7)"), (Interval{-3, 7}));
  EXPECT_EQ(stored("where(i < j, 3, a[j])"), (Interval{-128, 127}));
  EXPECT_EQ(stored("n + 1"), Interval::full()); // it may wrap
}

TEST(Interval, OfDivision) {
  EXPECT_EQ(stored("a[j] / 3"), (Interval{-43, 42}));
  EXPECT_EQ(stored("a[j] % 3"), (Interval{0, 2}));
  EXPECT_EQ(stored("a[j] / N"), (Interval{-128, 127})); // N is not 0
  EXPECT_EQ(stored("5 % N"), (Interval{0, 5}));
  EXPECT_EQ(stored("100 / a[j]"), (Interval{-100, 100}));
  EXPECT_EQ(stored("n % (-7)"), (Interval{-7, 7}));
}

//===-- Scalars against the front end's numbers --------------------------------===//

/// Builds one operation on constants and folds it.
class Folding : public testing::Test {
protected:
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::OpBuilder builder{&context};
  Tree tree;
  Intervals intervals;
  std::deque<Expr> store;

  Folding() {
    context.loadDialect<FcDialect, mlir::arith::ArithDialect, mlir::math::MathDialect>();
    module = mlir::ModuleOp::create(builder, builder.getUnknownLoc());
    builder.setInsertionPointToEnd(module->getBody());
  }
  const Expr *constant(Elem elem, int64_t integer, double real = 0) {
    Expr expr;
    expr.op = Op::Const;
    expr.elem = elem;
    expr.intValue = integer;
    expr.floatValue = real;
    return &store.emplace_back(expr);
  }
  mlir::Attribute evaluate(mlir::Value value) {
    mlir::Operation *op = value.getDefiningOp();
    llvm::SmallVector<mlir::Attribute> operands;
    for (mlir::Value operand : op->getOperands())
      operands.push_back(evaluate(operand));
    llvm::SmallVector<mlir::OpFoldResult> results;
    if (mlir::failed(op->fold(operands, results))) {
      ADD_FAILURE() << op->getName().getStringRef().str() << " does not fold";
      return {};
    }
    if (results.empty())
      return {};
    if (auto attr = llvm::dyn_cast<mlir::Attribute>(results[0]))
      return attr;
    return evaluate(llvm::cast<mlir::Value>(results[0]));
  }
  mlir::Attribute apply(Op op, Elem elem, std::vector<const Expr *> operands) {
    Expr expr;
    expr.op = op;
    expr.elem = elem;
    expr.operands = operands;
    Scalars scalars(builder, tree, intervals);
    llvm::SmallVector<mlir::Value> values;
    for (const Expr *operand : operands)
      values.push_back(scalars.constant(*operand, builder.getUnknownLoc()));
    mlir::Value value = scalars.apply(store.emplace_back(expr), values, builder.getUnknownLoc());
    return evaluate(value);
  }
  int64_t integer(mlir::Attribute attr) {
    return attr ? llvm::cast<mlir::IntegerAttr>(attr).getValue().getSExtValue() : -99999;
  }
};

TEST_F(Folding, RandomIsTheReferences) {
  int64_t cases[][5] = {{0, 0, 0, 0, 0},
                        {1, 2, 3, 4, 5},
                        {-1, -1, -1, -1, -1},
                        {0x123456789abcdef0, 7, 0, 1, 6},
                        {42, 1 << 29, 3, 100000, 7},
                        {5, 0, 0, int64_t(1) << 40, (int64_t(1) << 35) + 2}};
  for (auto &c : cases) {
    std::vector<const Expr *> operands;
    for (int64_t x : c)
      operands.push_back(constant(Elem::I64, x));
    auto attr = apply(Op::Random, Elem::F32, operands);
    ASSERT_TRUE(attr);
    EXPECT_EQ(llvm::cast<mlir::FloatAttr>(attr).getValueAsDouble(),
              dsl::philoxUniform(c[0], c[1], c[2], c[3], c[4]));
  }
}

TEST_F(Folding, FloatsBecomeIntegersAsTheReferenceDoes) {
  double values[] = {0,        0.5,          1.5, -2.5,       127.5, -128.6,      300,
                     -1e9,     2147483648.0, 4e9, 4.3e9,      1e18,  9.3e18,      -9.3e18,
                     INFINITY, -INFINITY,    NAN, 16777217.0, -0.49, 2147483520.0};
  for (Elem elem : {Elem::I8, Elem::U8, Elem::I16, Elem::I32, Elem::U32, Elem::I64})
    for (double value : values) {
      double rounded = double(float(value)); // a constant of the language is f32
      auto attr = apply(Op::Cast, elem, {constant(Elem::F32, 0, value)});
      EXPECT_EQ(dsl::wrapToElem(elem, integer(attr)), dsl::saturateToElem(elem, rounded))
          << value << " as " << dsl::name(elem);
    }
}

TEST_F(Folding, DivisionFloors) {
  for (int64_t a : {7, -7, 0, 6, -6})
    for (int64_t b : {3, -3, 1, -1}) {
      int64_t quotient = int64_t(std::floor(double(a) / double(b)));
      EXPECT_EQ(
          integer(apply(Op::Div, Elem::I64, {constant(Elem::I64, a), constant(Elem::I64, b)})),
          quotient)
          << a << " / " << b;
      EXPECT_EQ(
          integer(apply(Op::Mod, Elem::I64, {constant(Elem::I64, a), constant(Elem::I64, b)})),
          a - quotient * b)
          << a << " % " << b;
    }
}

TEST_F(Folding, BitsRepeatTheSign) {
  auto bit = [&](int64_t x, int64_t n) {
    return integer(apply(Op::Bit, Elem::Bool, {constant(Elem::I64, x), constant(Elem::I64, n)})) !=
           0;
  };
  EXPECT_TRUE(bit(4, 2));
  EXPECT_FALSE(bit(4, 1));
  EXPECT_TRUE(bit(-1, 40));
  EXPECT_TRUE(bit(INT32_MIN, 31));
  EXPECT_TRUE(bit(INT32_MIN, 77));
  EXPECT_FALSE(bit(INT32_MAX, 31));
  EXPECT_TRUE(bit(int64_t(1) << 40, 40));
  EXPECT_TRUE(bit(1, -5)); // below 0 is 0
}

} // namespace
