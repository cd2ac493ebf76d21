// LaunchTest.cpp - every refusal of a launch, and how one that is right is laid out.
#include "FakeDevice.h"
#include "ManifestBuilder.h"
#include <bit>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace fc::rt;
using namespace fc::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

void *at(uint64_t address) { return std::bit_cast<void *>(address); }

/// Addresses that are never read: the fake device runs nothing.
constexpr uint64_t qAt = 0x10000000, kAt = 0x20000000, vAt = 0x30000000, oAt = 0x40000000,
                   lseAt = 0x50000000;

class LaunchTest : public testing::Test {
protected:
  Json json = causalManifest();
  std::shared_ptr<FakeDevice> device = std::make_shared<FakeDevice>();
  std::shared_ptr<const Module> module;
  std::optional<Launch> launch;
  Error error;

  Json &kernel() { return json["kernels"][0]; }
  Json &variant() { return kernel()["variants"][0]; }

  /// Loads `json` and starts a launch of its first kernel.
  void load() {
    device->module->entryNames = {"causal", "merge"};
    device->module->manifest = json.dump();
    module = Module::load(device, "", "causal.ptx", error);
    ASSERT_TRUE(module) << error.message;
    launch.emplace(module, 0);
  }
  void set(std::string_view name, uint64_t address, Elem elem, std::vector<int64_t> shape,
           std::vector<int64_t> strides = {}) {
    ASSERT_TRUE(
        launch->setTensor(name, {at(address), elem, std::move(shape), std::move(strides)}, error))
        << error.message;
  }
  /// Everything right: B=2, H=6, G=3, M=200, N=300.
  void fill() {
    load();
    set("q", qAt, Elem::F16, {2, 6, 200, 64});
    set("k", kAt, Elem::F16, {2, 3, 300, 64});
    set("v", vAt, Elem::F16, {2, 3, 300, 64});
    set("o", oAt, Elem::F16, {2, 6, 200, 64});
    set("lse", lseAt, Elem::F32, {2, 6, 200});
  }
  LaunchPlan planned() {
    LaunchPlan plan;
    EXPECT_TRUE(launch->plan(plan, error)) << error.message;
    return plan;
  }
  std::string refusal() {
    LaunchPlan plan;
    EXPECT_FALSE(launch->plan(plan, error));
    EXPECT_EQ(error.code, Code::Refused) << error.message;
    EXPECT_THAT(error.message, HasSubstr("kernel `causal`: "));
    return error.message;
  }
  template <class T> static T paramAt(const EntryLaunch &entry, size_t index) {
    T value;
    EXPECT_EQ(entry.slots[index].bytes, sizeof value);
    std::memcpy(&value, entry.params.data() + entry.slots[index].offset, sizeof value);
    return value;
  }
};

// --- what is right ---

TEST_F(LaunchTest, IsLaidOutByItsManifest) {
  fill();
  const LaunchPlan plan = planned();
  EXPECT_EQ(plan.variant, "scalar");
  ASSERT_EQ(plan.launches.size(), 1u);
  const EntryLaunch &entry = plan.launches[0];
  EXPECT_THAT(entry.grid, ElementsAre(4, 6, 2));
  EXPECT_THAT(entry.block, ElementsAre(128, 1, 1));
  EXPECT_EQ(paramAt<int64_t>(entry, 1), 6 * 200 * 64);
  EXPECT_EQ(paramAt<int64_t>(entry, 2), 200 * 64);
  EXPECT_EQ(paramAt<int64_t>(entry, 3), 64);
  EXPECT_EQ(paramAt<int32_t>(entry, 5), 200);
  EXPECT_EQ(paramAt<int32_t>(entry, 6), 300);
  EXPECT_EQ(paramAt<float>(entry, 7), 0.125f); // 1 / sqrt(D)
  EXPECT_EQ(entry.slots[8].offset, 56u);       // aligned to 8 after three of 4 bytes
  ASSERT_EQ(plan.buffers.size(), 5u);
  EXPECT_EQ(plan.buffers[0].name, "q");
  EXPECT_EQ(plan.buffers[0].bytes, 2u * 6 * 200 * 64 * 2);
  EXPECT_TRUE(plan.buffers[0].initialized);
  EXPECT_EQ(plan.buffers[3].name, "o");
  EXPECT_FALSE(plan.buffers[3].initialized);
  ASSERT_EQ(entry.pointers.size(), 3u);
  EXPECT_EQ(entry.pointers[2].paramOffset, 56u);
  EXPECT_EQ(entry.pointers[2].buffer, 3u);
}

TEST_F(LaunchTest, RunsOnItsDevice) {
  fill();
  EXPECT_TRUE(launch->run(nullptr, error)) << error.message;
  EXPECT_EQ(device->module->plans.size(), 1u);
  EXPECT_EQ(launch->variant(), "scalar");
  EXPECT_EQ(launch->result().counters.at("entries"), 1u);
}

TEST_F(LaunchTest, StridesAreTheCallers) {
  fill();
  set("q", qAt, Elem::F16, {2, 6, 200, 64},
      {200 * 6 * 64, 64, 6 * 64, 1}); // [B, M, H, D] in memory
  const EntryLaunch entry = planned().launches[0];
  EXPECT_EQ(paramAt<int64_t>(entry, 2), 64);
  EXPECT_EQ(paramAt<int64_t>(entry, 3), 6 * 64);
}

TEST_F(LaunchTest, ScalarsGivenReplaceDefaults) {
  fill();
  ASSERT_TRUE(launch->setScalar("scale", Value::ofFloat(0.1), error));
  EXPECT_EQ(paramAt<float>(planned().launches[0], 7), 0.1f);
  ASSERT_TRUE(launch->setScalar("scale", Value::ofInt(2), error));
  EXPECT_EQ(paramAt<float>(planned().launches[0], 7), 2.0f);
  launch->clear("scale");
  EXPECT_EQ(paramAt<float>(planned().launches[0], 7), 0.125f);
}

TEST_F(LaunchTest, NullOutputsArePassedAsZero) {
  fill();
  set("o", 0, Elem::F16, {});
  const LaunchPlan plan = planned();
  EXPECT_EQ(plan.launches[0].pointers.size(), 2u);
  EXPECT_EQ(paramAt<uint64_t>(plan.launches[0], 8), 0u);
  EXPECT_EQ(plan.buffers.size(), 4u);
}

TEST_F(LaunchTest, NothingToDoIsNoLaunch) {
  fill();
  set("q", 0, Elem::F16, {0, 6, 200, 64});
  set("k", 0, Elem::F16, {0, 3, 300, 64});
  set("v", 0, Elem::F16, {0, 3, 300, 64});
  set("o", 0, Elem::F16, {0, 6, 200, 64});
  set("lse", 0, Elem::F32, {0, 6, 200});
  EXPECT_TRUE(planned().launches.empty());
  EXPECT_TRUE(launch->run(nullptr, error));
  EXPECT_TRUE(device->module->plans.empty());
  EXPECT_EQ(launch->variant(), "");
}

TEST_F(LaunchTest, FactsOfAnEmptyLaunchAreNotAsked) {
  fill();
  set("q", 0, Elem::F16, {2, 0, 200, 64});
  set("k", 0, Elem::F16, {2, 0, 300, 64});
  set("v", 0, Elem::F16, {2, 0, 300, 64});
  set("o", 0, Elem::F16, {2, 0, 200, 64});
  set("lse", 0, Elem::F32, {2, 0, 200});
  EXPECT_TRUE(planned().launches.empty());
}

TEST_F(LaunchTest, EmptyInputsAreFine) {
  fill(); // N = 0: rows that see no key
  set("k", 0, Elem::F16, {2, 3, 0, 64});
  set("v", 0, Elem::F16, {2, 3, 0, 64});
  const LaunchPlan plan = planned();
  EXPECT_EQ(plan.launches.size(), 1u);
  EXPECT_EQ(paramAt<int32_t>(plan.launches[0], 6), 0);
}

TEST_F(LaunchTest, AGridOfZeroSkipsThatEntry) {
  variant()["launches"].push_back(variant()["launches"][0]);
  variant()["launches"][0]["grid"][0] = Json::parse(R"(["-", "M", "M"])");
  variant()["launches"][1]["entry"] = "merge";
  fill();
  const LaunchPlan plan = planned();
  ASSERT_EQ(plan.launches.size(), 1u);
  EXPECT_EQ(plan.launches[0].entry, "merge");
}

TEST_F(LaunchTest, TheFirstVariantThatHoldsIsTaken) {
  kernel()["variants"] = Json::parse(R"([])");
  Json base = causalManifest()["kernels"][0]["variants"][0];
  base["name"] = "vector";
  base["condition"] =
      Json::parse(R"(["and", ["aligned", "q", 16], [">=", ["*", "B", "H"], ["sms"]]])");
  kernel()["variants"].push_back(base);
  base["name"] = "wide";
  base["condition"] = Json::parse(R"([">", ["stride", "q", 2], 64])");
  kernel()["variants"].push_back(base);
  base["name"] = "any";
  base["condition"] = nullptr;
  kernel()["variants"].push_back(base);
  fill();
  device->smCount = 12;
  EXPECT_EQ(planned().variant, "vector");
  device->smCount = 13;
  EXPECT_EQ(planned().variant, "any");
  set("q", qAt, Elem::F16, {2, 6, 200, 64}, {6 * 200 * 72, 200 * 72, 72, 1});
  EXPECT_EQ(planned().variant, "wide");
  device->smCount = 12;
  EXPECT_EQ(planned().variant, "vector");
  set("q", qAt + 8, Elem::F16, {2, 6, 200, 64});
  EXPECT_EQ(planned().variant, "any");
}

TEST_F(LaunchTest, WorkspaceAndSeveralEntries) {
  kernel()["workspace"] = Json::parse(R"([{"bytes": ["*", "B", "H", "M", 4]}])");
  Json second = variant()["launches"][0];
  second["entry"] = "merge";
  second["args"] = Json::parse(R"([{"workspace": 0}, {"tensor": "o"}])");
  variant()["launches"].push_back(second);
  fill();
  const LaunchPlan plan = planned();
  ASSERT_EQ(plan.launches.size(), 2u);
  ASSERT_EQ(plan.buffers.size(), 6u);
  EXPECT_EQ(plan.buffers[5].data, nullptr);
  EXPECT_EQ(plan.buffers[5].bytes, 2u * 6 * 200 * 4);
  EXPECT_EQ(plan.launches[1].pointers[0].buffer, 5u);
}

TEST_F(LaunchTest, SlicesOfOneArrayAreOneRangeOfMemory) {
  fill(); // [B, N, 2, G, D]: k and v interleaved
  const std::vector<int64_t> strides{300 * 2 * 3 * 64, 64, 2 * 3 * 64, 1};
  set("k", kAt, Elem::F16, {2, 3, 300, 64}, strides);
  set("v", kAt + 3 * 64 * 2, Elem::F16, {2, 3, 300, 64}, strides);
  const LaunchPlan plan = planned();
  ASSERT_EQ(plan.buffers.size(), 4u);
  EXPECT_EQ(plan.buffers[1].name, "k and v");
  EXPECT_EQ(plan.buffers[1].bytes, 2u * 300 * 2 * 3 * 64 * 2);
}

TEST_F(LaunchTest, InterleavedOutputsDoNotOverlap) {
  fill(); // o beside q in one array: [B, H, M, 2, D]
  const std::vector<int64_t> strides{6 * 200 * 128, 200 * 128, 128, 1};
  set("q", qAt, Elem::F16, {2, 6, 200, 64}, strides);
  set("o", qAt + 128, Elem::F16, {2, 6, 200, 64}, strides);
  EXPECT_EQ(planned().buffers[0].name, "q and o");
}

TEST_F(LaunchTest, OptionalExtentsOfOneHaveStrideZero) {
  kernel()["params"][1]["orOne"] = Json::parse("[true, false, false, false]");
  variant()["launches"][0]["args"][1] = Json::parse(R"({"stride": "k", "dim": 0})");
  fill();
  set("k", kAt, Elem::F16, {1, 3, 300, 64});
  EXPECT_EQ(paramAt<int64_t>(planned().launches[0], 1), 0);
  set("k", kAt, Elem::F16, {2, 3, 300, 64});
  EXPECT_EQ(paramAt<int64_t>(planned().launches[0], 1), 3 * 300 * 64);
}

TEST_F(LaunchTest, AnOptionalExtentBindsOnlyIfNothingElseDoes) {
  kernel()["params"][0]["orOne"] = Json::parse("[true, false, false, false]");
  fill();
  set("q", qAt, Elem::F16, {1, 6, 200, 64});
  EXPECT_EQ(planned().launches[0].grid[2], 2u); // B is k's
}

TEST_F(LaunchTest, DimensionsAreBoundThroughTheirOffset) {
  kernel()["params"][1]["shape"][2] = Json::parse(R"(["+", "N", 1])");
  kernel()["dims"][4]["offset"] = 1;
  fill();
  set("k", kAt, Elem::F16, {2, 3, 301, 64});
  EXPECT_EQ(paramAt<int32_t>(planned().launches[0], 6), 300);
}

TEST_F(LaunchTest, ShapesOfOutputsFollowFromInputs) {
  load();
  set("q", qAt, Elem::F16, {2, 6, 200, 64});
  auto shape = launch->shapeOf("lse", error);
  ASSERT_TRUE(shape) << error.message;
  EXPECT_THAT(*shape, ElementsAre(2, 6, 200));
  EXPECT_FALSE(launch->shapeOf("k", error));
  EXPECT_THAT(error.message, HasSubstr("the shape of `k`: `G` has no value"));
  ASSERT_TRUE(launch->setDim("G", 3, error));
  ASSERT_TRUE(launch->setDim("N", 7, error));
  EXPECT_THAT(*launch->shapeOf("k", error), ElementsAre(2, 3, 7, 64));
  EXPECT_EQ(launch->dims(error).at("N"), 7);
}

TEST_F(LaunchTest, AnAbsentBinderLeavesTheDimensionToOthers) {
  kernel()["params"][0]["nullable"] = true;
  fill();
  launch->clear("q");
  EXPECT_THAT(planned().launches[0].grid, ElementsAre(4, 6, 2)); // H and M are o's
}

// --- what is refused ---

TEST_F(LaunchTest, RefusesAnUnknownName) {
  load();
  EXPECT_FALSE(launch->setTensor("w", {}, error));
  EXPECT_EQ(error.message, "kernel `causal` has no tensor `w`; it has `q`, `k`, `v`, `o`, `lse`");
  EXPECT_FALSE(launch->setTensor("scale", {}, error));
  EXPECT_FALSE(launch->setScalar("q", Value::ofInt(1), error));
  EXPECT_EQ(error.message, "kernel `causal` has no scalar `q`; it has `scale`");
  EXPECT_FALSE(launch->setDim("D", 64, error));
  EXPECT_THAT(error.message, HasSubstr("no dimension `D`"));
}

TEST_F(LaunchTest, RefusesADtype) {
  load();
  EXPECT_FALSE(launch->setTensor("q", {at(qAt), Elem::F32, {2, 6, 200, 64}, {}}, error));
  EXPECT_EQ(error.message, "kernel `causal`: `q` is f32, expected `f16[B, H, M, D]`");
}

TEST_F(LaunchTest, RefusesARank) {
  load();
  EXPECT_FALSE(launch->setTensor("q", {at(qAt), Elem::F16, {6, 200, 64}, {}}, error));
  EXPECT_EQ(error.message, "kernel `causal`: `q` has 3 dimensions, expected `f16[B, H, M, D]`");
  EXPECT_FALSE(launch->setTensor("q", {at(qAt), Elem::F16, {}, {}}, error));
  EXPECT_THAT(error.message, HasSubstr("`q` has no dimensions"));
}

TEST_F(LaunchTest, RefusesNegativeExtents) {
  load();
  EXPECT_FALSE(launch->setTensor("q", {at(qAt), Elem::F16, {2, 6, -1, 64}, {}}, error));
  EXPECT_THAT(error.message, HasSubstr("`q` has a negative extent: [2, 6, -1, 64]"));
}

TEST_F(LaunchTest, RefusesAMissingTensor) {
  fill();
  launch->clear("k");
  EXPECT_THAT(refusal(), HasSubstr("`k` is not given, expected `f16[B, G, N, D]`"));
  set("k", 0, Elem::F16, {2, 3, 300, 64});
  EXPECT_THAT(refusal(), HasSubstr("`k` is null, expected `f16[B, G, N, D]`"));
}

TEST_F(LaunchTest, RefusesWhenEveryOutputIsNull) {
  fill();
  launch->clear("o");
  launch->clear("lse");
  EXPECT_THAT(refusal(), HasSubstr("every output is null"));
}

TEST_F(LaunchTest, RefusesADimensionThatDisagrees) {
  fill();
  set("k", kAt, Elem::F16, {3, 3, 300, 64});
  EXPECT_THAT(refusal(),
              HasSubstr("`k` has shape [3, 3, 300, 64], expected `f16[B, G, N, D]`: extent 0 is "
                        "3, and `B` is 2 (B = 2, from `q` of shape [2, 6, 200, 64])"));
}

TEST_F(LaunchTest, RefusesACompileTimeDimensionThatDisagrees) {
  fill();
  set("v", vAt, Elem::F16, {2, 3, 300, 128});
  EXPECT_THAT(refusal(), HasSubstr("extent 3 is 128, and `D` is 64"));
}

TEST_F(LaunchTest, RefusesAnOptionalExtentThatIsNeither) {
  kernel()["params"][1]["orOne"] = Json::parse("[true, false, false, false]");
  fill();
  set("k", kAt, Elem::F16, {3, 3, 300, 64});
  EXPECT_THAT(refusal(),
              HasSubstr("expected `f16[B?, G, N, D]`: extent 0 is 3, and `B` is 2 (or 1)"));
}

TEST_F(LaunchTest, RefusesAnExtentThatAnExpressionGives) {
  kernel()["params"][2]["shape"][2] = Json::parse(R"(["*", 2, "N"])");
  fill();
  EXPECT_THAT(refusal(), HasSubstr("extent 2 is 300, and `2 * N` is 600 (N = 300)"));
}

TEST_F(LaunchTest, RefusesAShapeThatCannotBeComputed) {
  kernel()["params"][2]["shape"][2] = Json::parse(R"(["/", "N", ["-", "N", 300]])");
  fill();
  EXPECT_THAT(refusal(), HasSubstr("the shape of `v`: `N / (N - 300)` divides by 0"));
}

TEST_F(LaunchTest, RefusesANegativeShape) {
  kernel()["params"][2]["shape"][2] = Json::parse(R"(["-", "N", 500])");
  fill();
  EXPECT_THAT(refusal(), HasSubstr("the shape of `v`: `N - 500` is -200 (N = 300)"));
}

TEST_F(LaunchTest, RefusesANegativeDimension) {
  kernel()["dims"][4]["offset"] = 301;
  fill();
  EXPECT_THAT(refusal(), HasSubstr("dimension `N` would be -1, from `k` of shape [2, 3, 300, 64]"));
}

TEST_F(LaunchTest, RefusesADimensionOf2To31) {
  fill();
  set("k", kAt, Elem::F16, {2, 3, int64_t{1} << 31, 64});
  EXPECT_THAT(refusal(), HasSubstr("dimension `N` is 2147483648"));
  EXPECT_THAT(error.message, HasSubstr("must be below 2^31"));
}

TEST_F(LaunchTest, RefusesADimensionThatNothingBinds) {
  kernel()["params"][0]["nullable"] = true;
  kernel()["params"][4]["shape"] = Json::parse(R"(["B", ["*", "H", 1], "M", "D"])");
  kernel()["params"][5]["shape"] = Json::parse(R"(["B", ["*", "H", 1], "M"])");
  fill();
  launch->clear("q");
  EXPECT_THAT(refusal(),
              HasSubstr("dimension `H` is not known: `q`, which binds it, is not given"));
}

TEST_F(LaunchTest, RefusesALastStrideOverOne) {
  fill();
  set("q", qAt, Elem::F16, {2, 6, 200, 64}, {6 * 200 * 128, 200 * 128, 128, 2});
  EXPECT_THAT(refusal(),
              HasSubstr("`q` has strides [153600, 25600, 128, 2], and the last must be 1"));
}

TEST_F(LaunchTest, RefusesANegativeStride) {
  fill();
  set("q", qAt, Elem::F16, {2, 6, 200, 64}, {76800, 12800, -64, 1});
  EXPECT_THAT(refusal(), HasSubstr("`q` has stride -64 in dimension 2"));
}

TEST_F(LaunchTest, RefusesTooFewStrides) {
  load();
  EXPECT_FALSE(launch->setTensor("q", {at(qAt), Elem::F16, {2, 6, 200, 64}, {64, 1}}, error));
  EXPECT_THAT(error.message, HasSubstr("`q` has 2 strides for 4 dimensions"));
}

TEST_F(LaunchTest, StridesOfSingleExtentsMeanNothing) {
  fill();
  for (const char *name : {"k", "v"})
    set(name, name[0] == 'k' ? kAt : vAt, Elem::F16, {2, 1, 300, 64}, {300 * 64, -7, 64, 1});
  planned();
}

TEST_F(LaunchTest, RefusesAMisalignedAddress) {
  kernel()["params"][0]["align"] = 16;
  fill();
  set("q", qAt + 8, Elem::F16, {2, 6, 200, 64});
  EXPECT_THAT(refusal(),
              HasSubstr("`q` is at address 0x10000008, and must be aligned to 16 bytes"));
}

TEST_F(LaunchTest, RefusesAMisalignedStride) {
  kernel()["params"][0]["align"] = 16;
  fill();
  set("q", qAt, Elem::F16, {2, 6, 200, 64}, {6 * 200 * 65, 200 * 65, 65, 1});
  EXPECT_THAT(refusal(),
              HasSubstr("`q` has stride 65 in dimension 2, which is 130 bytes, and must be a "
                        "multiple of 16 bytes"));
}

TEST_F(LaunchTest, RefusesTensorsLargerThanMemory) {
  fill();
  set("q", qAt, Elem::F16, {2, 6, 200, 64}, {INT64_MAX / 2, 200 * 64, 64, 1});
  EXPECT_THAT(refusal(), HasSubstr("`q` of shape [2, 6, 200, 64]"));
  EXPECT_THAT(error.message, HasSubstr("is larger than the memory"));
}

TEST_F(LaunchTest, RefusesAFactThatDoesNotHold) {
  fill();
  set("k", kAt, Elem::F16, {2, 4, 300, 64});
  set("v", vAt, Elem::F16, {2, 4, 300, 64});
  EXPECT_THAT(refusal(), HasSubstr("`assume H % G == 0` does not hold: H = 6, G = 4"));
}

TEST_F(LaunchTest, RefusesAFactThatCannotBeComputed) {
  fill();
  set("k", 0, Elem::F16, {2, 0, 300, 64});
  set("v", 0, Elem::F16, {2, 0, 300, 64});
  EXPECT_THAT(refusal(), HasSubstr("`assume H % G == 0`: `H % G` divides by 0 (H = 6, G = 0)"));
}

TEST_F(LaunchTest, RefusesAScalarWithoutValue) {
  kernel()["params"][3]["default"] = nullptr;
  fill();
  EXPECT_THAT(refusal(), HasSubstr("scalar `scale: f32` is not given and has no default"));
}

TEST_F(LaunchTest, RefusesAScalarOfAnotherType) {
  fill();
  ASSERT_TRUE(launch->setScalar("scale", Value::ofBool(true), error));
  EXPECT_THAT(refusal(), HasSubstr("scalar `scale` is true, expected `f32`"));
}

TEST_F(LaunchTest, RefusesAFloatForAnInteger) {
  kernel()["params"][3]["elem"] = "i64";
  kernel()["params"][3]["default"] = 3;
  fill();
  ASSERT_TRUE(launch->setScalar("scale", Value::ofFloat(2.5), error));
  EXPECT_THAT(refusal(), HasSubstr("scalar `scale` is 2.5, expected `i64`"));
}

TEST_F(LaunchTest, RefusesADefaultThatCannotBeComputed) {
  kernel()["params"][3]["default"] = Json::parse(R"(["/", 1, ["-", "M", 200]])");
  fill();
  EXPECT_THAT(refusal(), HasSubstr("the default of `scale`: `1 / (M - 200)` divides by 0"));
}

TEST_F(LaunchTest, RefusesAnOutputOverAnInput) {
  fill();
  set("o", qAt + 64, Elem::F16, {2, 6, 200, 64});
  EXPECT_THAT(refusal(), HasSubstr("output `o` overlaps input `q` in memory"));
}

TEST_F(LaunchTest, RefusesAnOutputOverAnother) {
  fill();
  set("lse", oAt, Elem::F32, {2, 6, 200});
  EXPECT_THAT(refusal(), HasSubstr("output `lse` overlaps output `o` in memory"));
}

TEST_F(LaunchTest, RefusesAnOutputThatOverlapsItself) {
  fill();
  set("o", oAt, Elem::F16, {2, 6, 200, 64}, {0, 200 * 64, 64, 1});
  EXPECT_THAT(refusal(), HasSubstr("two of its elements may share an address"));
}

TEST_F(LaunchTest, RefusesWhenNoVariantHolds) {
  variant()["condition"] = Json::parse(R"([">", "N", 1000])");
  fill();
  EXPECT_THAT(refusal(),
              HasSubstr("no variant is made for this launch:\n  `scalar` asks for `N > 1000` "
                        "(N = 300)"));
}

TEST_F(LaunchTest, RefusesAConditionThatIsNoBool) {
  variant()["condition"] = "N";
  fill();
  EXPECT_THAT(refusal(), HasSubstr("the condition of variant `scalar`: `N` is 300, not a bool"));
}

TEST_F(LaunchTest, RunsTheVariantThatIsAskedFor) {
  Json fast = variant(), plain = variant();
  fast["name"] = "fast";
  fast["condition"] = Json::parse(R"([">", "N", 1000])");
  plain["name"] = "plain";
  kernel()["variants"] = Json::array({fast, plain});
  fill();
  EXPECT_EQ(planned().variant, "plain");
  // Its condition is a preference.
  ASSERT_TRUE(launch->setVariant("fast", error)) << error.message;
  EXPECT_EQ(planned().variant, "fast");
  ASSERT_TRUE(launch->setVariant("", error)) << error.message;
  EXPECT_EQ(planned().variant, "plain");
  EXPECT_FALSE(launch->setVariant("slow", error));
  EXPECT_THAT(error.message, HasSubstr("has no variant `slow`; it has `fast`, `plain`"));
}

TEST_F(LaunchTest, RunsNoVariantWithoutWhatItRequires) {
  Json fast = variant(), plain = variant();
  fast["name"] = "fast";
  fast["requires"] = Json::parse(R"([">", "N", 1000])");
  plain["name"] = "plain";
  kernel()["variants"] = Json::array({fast, plain});
  fill();
  EXPECT_EQ(planned().variant, "plain");
  ASSERT_TRUE(launch->setVariant("fast", error)) << error.message;
  EXPECT_THAT(refusal(), HasSubstr("no variant is made for this launch:\n  `fast` asks for `N > "
                                   "1000` (N = 300)"));
  variant()["requires"] = Json::parse(R"(["and", ["aligned", "q", 16], ["aligned", "q", 4096]])");
  fill();
  ASSERT_TRUE(launch->setVariant("fast", error)) << error.message;
  EXPECT_THAT(refusal(), HasSubstr("(aligned(q, 16) = true, aligned(q, 4096) = false)"));
}

// --- manifests that lie about their launch ---

TEST_F(LaunchTest, RefusesAHugeGrid) {
  variant()["launches"][0]["grid"][1] = Json::parse(R"(["*", "H", 20000])");
  fill();
  EXPECT_THAT(refusal(),
              HasSubstr("the grid of `causal` along y is 120000 (`H * 20000`, H = 6), and must be "
                        "from 0 to 65535"));
}

TEST_F(LaunchTest, RefusesANegativeGrid) {
  variant()["launches"][0]["grid"][0] = Json::parse(R"(["-", "M", 300])");
  fill();
  EXPECT_THAT(refusal(), HasSubstr("the grid of `causal` along x is -100"));
}

TEST_F(LaunchTest, RefusesAGridThatOverflows) {
  variant()["launches"][0]["grid"][0] = Json::parse(R"(["*", "M", 9223372036854775807])");
  fill();
  EXPECT_THAT(refusal(), HasSubstr("overflows 64 bits"));
}

TEST_F(LaunchTest, RefusesAGridThatIsNoInteger) {
  variant()["launches"][0]["grid"][0] = Json::parse(R"(["/", "M", 64.0])");
  fill();
  EXPECT_THAT(refusal(),
              HasSubstr("the grid of `causal` along x: `M / 64` is 3.125, not an integer"));
}

TEST_F(LaunchTest, RefusesAGridThatDoesNotFitItsClusters) {
  variant()["launches"][0]["cluster"] = Json::parse("[1, 4, 1]");
  fill();
  EXPECT_THAT(refusal(),
              HasSubstr("along y is 6 (`H`), and must be a multiple of the cluster's 4"));
}

TEST_F(LaunchTest, RefusesAHugeWorkspace) {
  kernel()["workspace"] = Json::parse(R"([{"bytes": ["*", "M", 1000000000000]}])");
  fill();
  EXPECT_THAT(refusal(), HasSubstr("workspace 0 has 200000000000000 bytes"));
  kernel()["workspace"] = Json::parse(R"([{"bytes": -1}])");
  fill();
  EXPECT_THAT(refusal(), HasSubstr("workspace 0 has -1 bytes"));
}

// --- modules ---

class ModuleTest : public LaunchTest {
protected:
  std::string loadError() {
    EXPECT_FALSE(Module::load(device, "", "causal.ptx", error));
    EXPECT_EQ(error.code, Code::Module);
    return error.message;
  }
};

TEST_F(ModuleTest, RefusesPtxWithoutManifest) {
  EXPECT_EQ(loadError(),
            "causal.ptx: there is no `__fc_manifest` in it, so it was not made by fcc");
}

TEST_F(ModuleTest, RefusesAManifestWithoutEnd) {
  device->module->manifest = json.dump();
  device->module->terminated = false;
  EXPECT_THAT(loadError(), HasSubstr("does not end with a zero byte"));
}

TEST_F(ModuleTest, RefusesAWrongManifest) {
  device->module->manifest = "{}";
  EXPECT_EQ(loadError(), "causal.ptx: in its manifest, format: is missing");
}

TEST_F(ModuleTest, RefusesAnEntryThatIsNotThere) {
  device->module->manifest = json.dump();
  device->module->entryNames = {"other"};
  EXPECT_THAT(loadError(),
              HasSubstr("the manifest names the entry `causal`, and the PTX has none"));
}

TEST_F(ModuleTest, RefusesTheWrongNumberOfParameters) {
  device->module->manifest = json.dump();
  device->module->entryNames = {"causal"};
  device->module->entryParams["causal"] = {{8, 0}};
  EXPECT_THAT(loadError(),
              HasSubstr("entry `causal` has 1 parameters, and the manifest gives it 9 arguments"));
}

TEST_F(ModuleTest, RefusesParametersOfTheWrongSize) {
  device->module->manifest = json.dump();
  device->module->entryNames = {"causal"};
  device->module->entryParams["causal"] = {{8, 0},  {8, 8},  {8, 16}, {8, 24}, {8, 32},
                                           {8, 40}, {4, 48}, {4, 52}, {8, 56}};
  EXPECT_THAT(loadError(),
              HasSubstr("parameter 5 of entry `causal` has 8 bytes at offset 40, and the "
                        "manifest's argument has 4 at 40"));
}

TEST_F(ModuleTest, AcceptsParametersThatFit) {
  device->module->entryParams["causal"] = {{8, 0},  {8, 8},  {8, 16}, {8, 24}, {8, 32},
                                           {4, 40}, {4, 44}, {4, 48}, {8, 56}};
  load();
  EXPECT_EQ(module->find("causal"), 0u);
  EXPECT_FALSE(module->find("other"));
}

TEST_F(ModuleTest, RefusesAFileThatIsNotThere) {
  EXPECT_FALSE(Module::loadFile(device, "/nowhere/attn.ptx", error));
  EXPECT_EQ(error.code, Code::NotFound);
  EXPECT_EQ(error.message, "cannot open `/nowhere/attn.ptx`: No such file or directory");
  EXPECT_FALSE(Module::loadFile(device, "/", error));
  EXPECT_EQ(error.message, "cannot read `/`: Is a directory");
}

/// Whatever an expression of a launch is replaced by, the answer is a plan or a refusal.
TEST_F(LaunchTest, ManifestsThatLieNeverCrash) {
  const char *const values[] = {
      "-9223372036854775808", "9223372036854775807", "0", "1e300", "true", "\"inf\"",
      "[\"/\", 1, 0]",        "[\"%\", \"M\", -1]"};
  const std::vector<std::string> pointers = {"/params/0/shape/0",
                                             "/params/1/shape/3",
                                             "/params/3/default",
                                             "/facts/0/expr",
                                             "/variants/0/condition",
                                             "/variants/0/launches/0/grid/0",
                                             "/variants/0/launches/0/grid/2",
                                             "/dims/0/offset",
                                             "/dims/0/index",
                                             "/params/0/align"};
  const Json original = json;
  for (const std::string &pointer : pointers)
    for (const char *value : values) {
      json = original;
      kernel()[Json::json_pointer(pointer)] = Json::parse(value);
      device->module->entryNames = {"causal"};
      device->module->manifest = json.dump();
      module = Module::load(device, "", "causal.ptx", error);
      if (!module)
        continue;
      fill();
      LaunchPlan plan;
      Error reason;
      EXPECT_EQ(launch->plan(plan, reason), !reason) << pointer << " " << value;
    }
}

} // namespace
