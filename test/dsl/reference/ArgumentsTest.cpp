// Rules D1 to D4 and K1: dimensions, optional extents, null tensors, scalars, several kernels.
#include "TestKernel.h"

using namespace fc::dsl;
using namespace fc::dsl::test;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

namespace {

const char *kText = R"(
kernel t<D: int = 2>(q: f32[M, D], cu: i32[B + 1], w: f32[2 * M - 1], k: f32[N], bias: f32[M?, N?],
                     scale: f32 = 1 / sqrt(D),
                     half: f32 = scale / 2, n: int = M * 2) -> (o: f32[M], e: f32[M, E])
{
  grid tile i in M
  axis d in D, x in N, y in E
  e[i, y] = 1
  o[i] = sum[d](q[i, d]) + sum[x](k[x]) + sum[x](bias[i, x]) + cu[0] + w[0] + scale + half + n
}
kernel u(z: f32[E]) -> (e2: f32[E])
{
  grid tile i in E
  e2[i] = z[i]
})";

Shapes shapes() { return {{"q", {3, 2}}, {"cu", {5}}, {"w", {5}}, {"k", {4}}, {"bias", {3, 4}}}; }

std::string bindError(const Shapes &shapes, const Dims &given = {{"E", 1}}) {
  std::unique_ptr<Program> program = programOf(kText);
  if (!program)
    return "";
  Dims dims;
  auto error = bindDims(program->kernels[0], shapes, given, dims);
  return error ? error->message : "";
}

TEST(Dimensions, AreBoundByNameOrNamePlusConstant) {
  std::unique_ptr<Program> program = programOf(kText);
  ASSERT_TRUE(program);
  Dims dims;
  auto error = bindDims(program->kernels[0], shapes(), {{"E", 7}}, dims);
  ASSERT_FALSE(error) << error->message;
  EXPECT_THAT(dims, UnorderedElementsAre(Pair("M", 3), Pair("B", 4), Pair("N", 4), Pair("E", 7)));
  std::vector<int64_t> shape;
  ASSERT_FALSE(shapeOf(*program->kernels[0].inputs[2], dims, shape));
  EXPECT_THAT(shape, ElementsAre(5));
}

TEST(Dimensions, ThatDisagreeAreNamed) {
  Shapes s = shapes();
  s["w"] = {6};
  EXPECT_EQ(bindError(s), "dimension 0 of `w` is 6, but `2 * M - 1` is 5");
  s = shapes();
  s["bias"] = {2, 4};
  EXPECT_EQ(bindError(s),
            "dimension 0 of `bias` is 2, but `M?` is 3 (or 1): `M` is, by dimension 0 of `q`, 3");
  s = shapes();
  s["q"] = {3, 4};
  EXPECT_THAT(bindError(s), HasSubstr("dimension 1 of `q` is 4, but `D` is 2"));
  s = shapes();
  s["q"] = {3};
  EXPECT_EQ(bindError(s), "`q` has 2 dimensions, but [3] is given");
  s = shapes();
  s["cu"] = {0};
  EXPECT_EQ(bindError(s), "dimension 0 of `cu` is `B + 1` = 0, so `B` would be -1");
  EXPECT_EQ(bindError(shapes(), {{"E", 1}, {"M", 4}}),
            "dimension 0 of `q` is 3, but `M` is 4: `M` is given as 4");
  EXPECT_THAT(bindError(shapes(), {}), HasSubstr("dimension `E` is not bound"));
}

TEST(Dimensions, OptionalExtentsMayBeOne) {
  const char *text =
      "kernel t(q: f32[I, J], b: f32[I?, J?]) -> (o: f32[I]) { grid tile i in I\n axis j in J\n"
      " o[i] = sum[j](q[i, j] * b[i, j]) }";
  Arguments args;
  args.tensors["q"] = floats({2, 2}, {1, 1, 1, 1});
  args.tensors["b"] = floats({2, 2}, {1, 2, 10, 20});
  EXPECT_THAT(valuesOf(run(text, args)), ElementsAre(3, 30));
  args.tensors["b"] = floats({1, 2}, {1, 2});
  EXPECT_THAT(valuesOf(run(text, args)), ElementsAre(3, 3));
  args.tensors["b"] = floats({2, 1}, {1, 10});
  EXPECT_THAT(valuesOf(run(text, args)), ElementsAre(2, 20));
  args.tensors["b"] = floats({1, 1}, {7});
  EXPECT_THAT(valuesOf(run(text, args)), ElementsAre(14, 14));
}

TEST(Scalars, DefaultsUseDimensionsAndEarlierOnes) {
  std::unique_ptr<Program> program = programOf(kText);
  ASSERT_TRUE(program);
  Dims dims = {{"M", 3}, {"B", 4}, {"N", 4}, {"E", 1}};
  Scalars scalars;
  ASSERT_FALSE(bindScalars(program->kernels[0], dims, scalars));
  EXPECT_EQ(scalars["scale"].f, double(float(1 / std::sqrt(2.0))));
  EXPECT_EQ(scalars["half"].f, double(float(1 / std::sqrt(2.0))) / 2);
  EXPECT_EQ(scalars["n"].i, 6);
  scalars = {{"scale", {0.1, 0}}};
  ASSERT_FALSE(bindScalars(program->kernels[0], dims, scalars));
  EXPECT_EQ(scalars["half"].f, double(0.1f) / 2);
}

TEST(Scalars, WithoutDefaultMustBeGiven) {
  Arguments args;
  args.dims["I"] = 1;
  EXPECT_EQ(errorOf(run("kernel t(n: int) -> (o: i64[I]) { grid tile i in I\n o[i] = n }", args)),
            "1: scalar `n` has no default and is not given");
}

TEST(NullTensors, MayBeThoseThatNothingReads) {
  const char *text = "kernel t<BIAS: bool = true>(q: f32[I], b: f32[I]) -> (o: f32[I], s: f32[I]) "
                     "{\n grid tile i in I\n"
                     " o[i] = q[i] + where(BIAS, b[i], 0)\n s[i] = 2 }";
  Arguments args;
  args.tensors["q"] = floats({2}, {1, 2});
  EXPECT_THAT(valuesOf(run(text, args, {{"BIAS", "false"}})), ElementsAre(1, 2));
  EXPECT_EQ(errorOf(run(text, args)), "1: `b` is null, but the kernel reads it");
  // An output that is null is not stored.
  args.nullOutputs = {"s"};
  Outcome outcome = run(text, args, {{"BIAS", "false"}});
  EXPECT_FALSE(outcome.error);
  EXPECT_EQ(outcome.outputs.count("s"), 0u);
}

TEST(Inputs, MustBeWhatTheKernelDeclares) {
  const char *text = "kernel t(q: f16[I]) -> (o: f32[I]) { grid tile i in I\n o[i] = q[i] }";
  Arguments args;
  args.tensors["q"] = floats({2}, {1, 2}, Elem::BF16);
  EXPECT_EQ(errorOf(run(text, args)), "1: `q` is f16, but an array of bf16 is given");
  args.tensors["q"] = floats({3}, {1, 2}, Elem::F16);
  EXPECT_EQ(errorOf(run(text, args)),
            "1: the array given for `q` has 2 elements, but its shape [3] 3");
}

TEST(Arrays, GoToBytesAndBack) {
  std::mt19937_64 rng(2);
  for (Elem elem : {Elem::F32, Elem::F16, Elem::BF16, Elem::F8E4M3, Elem::F8E5M2}) {
    Array array = randomFloats(rng, elem, {5, 3});
    std::vector<uint8_t> bytes = array.toBytes();
    EXPECT_EQ(bytes.size(), size_t(15 * bits(elem) / 8));
    EXPECT_EQ(Array::fromBytes(elem, {5, 3}, bytes.data()).f, array.f);
  }
  for (Elem elem : {Elem::I8, Elem::I16, Elem::I32, Elem::I64}) {
    Array array = ints({4}, {-1, 0, 5, -128}, elem);
    EXPECT_EQ(Array::fromBytes(elem, {4}, array.toBytes().data()).i, array.i);
  }
  EXPECT_THAT(Array::fromBytes(Elem::U32, {1}, "\xff\xff\xff\xff").i, ElementsAre(0xFFFFFFFF));
}

TEST(Programs, HandOutputsOn) {
  const char *text = R"(
kernel first(x: f32[I]) -> (y: f16[I]) { grid tile i in I
 y[i] = x[i] + 1 }
kernel second(y: f16[I], x: f32[I]) -> (z: f32[I]) { grid tile i in I
 z[i] = y[i] * 10 + x[i] })";
  Arguments args;
  args.tensors["x"] = floats({2}, {1e-6, 2});
  Outcome outcome = run(text, args);
  EXPECT_THAT(valuesOf(outcome, "z"),
              ElementsAre((1e-6 + 1) * 10 + 1e-6, 32)); // y is not rounded on the way
  EXPECT_THAT(valuesOf(outcome, "y"), ElementsAre(1e-6 + 1, 3));
  // An array given for it comes first.
  args.tensors["y"] = floats({2}, {0, 0}, Elem::F16);
  EXPECT_THAT(valuesOf(run(text, args), "z"), ElementsAre(1e-6, 2));
}

TEST(Errors, RenderWithTheirPlace) {
  std::unique_ptr<Program> program =
      programOf("kernel t(q: f32[I]) -> (o: f32[I]) { grid tile i in I\n o[i] = q[i + 1] }");
  Arguments args;
  args.tensors["q"] = floats({1}, {1});
  Outcome outcome = evaluate(*program, args);
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->render(*program),
            "test.fc:2:9: error: `q[1]` is outside of `q`, whose shape is [1]");
}

} // namespace
