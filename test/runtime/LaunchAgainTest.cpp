// LaunchAgainTest.cpp - a launch that is run again with other addresses: what was checked is kept,
// unless the addresses make it another launch.
#include "FakeDevice.h"
#include "ManifestBuilder.h"
#include <bit>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace fc::rt;
using namespace fc::rt::test;
using testing::HasSubstr;

namespace {

class LaunchAgain : public testing::Test {
protected:
  Json json = causalManifest();
  std::shared_ptr<FakeDevice> device = std::make_shared<FakeDevice>();
  std::shared_ptr<const Module> module;
  std::optional<Launch> launch;
  Error error;

  void load() {
    device->module->entryNames = {"causal", "aligned"};
    device->module->manifest = json.dump();
    module = Module::load(device, "", "causal.ptx", error);
    ASSERT_TRUE(module) << error.message;
    launch.emplace(module, 0);
    const std::vector<int64_t> queries{1, 2, 100, 64};
    place("q", 0x10000000, queries);
    place("k", 0x20000000, queries);
    place("v", 0x30000000, queries);
    place("o", 0x40000000, queries);
  }
  void place(std::string_view name, uint64_t address, const std::vector<int64_t> &shape,
             const std::vector<int64_t> &strides = {}) {
    ASSERT_TRUE(
        launch->setTensor(name, {std::bit_cast<void *>(address), Elem::F16, shape, strides}, error))
        << error.message;
  }
  bool move(std::string_view name, uint64_t address, std::vector<int64_t> shape = {1, 2, 100, 64},
            std::vector<int64_t> strides = {}) {
    return launch->moveTensor(name, Elem::F16, shape, strides, std::bit_cast<void *>(address));
  }
  /// The plan that the device got.
  const LaunchPlan &ran() {
    EXPECT_TRUE(launch->run(nullptr, error)) << error.message;
    return device->module->plans.back();
  }
  static uint64_t addressOf(const LaunchPlan &plan, size_t argument) {
    for (const EntryLaunch::Pointer &pointer : plan.launches[0].pointers)
      if (pointer.paramOffset == plan.launches[0].slots[argument].offset)
        return std::bit_cast<uint64_t>(plan.buffers[pointer.buffer].data) + pointer.byteOffset;
    return 0;
  }
};

TEST_F(LaunchAgain, PutsTheNewAddressesIn) {
  load();
  EXPECT_EQ(addressOf(ran(), 0), 0x10000000u);
  ASSERT_TRUE(move("q", 0x50000000));
  ASSERT_TRUE(move("o", 0x10000000));
  const LaunchPlan &again = ran();
  EXPECT_EQ(addressOf(again, 0), 0x50000000u);
  EXPECT_EQ(addressOf(again, 4), 0x20000000u);
  EXPECT_EQ(addressOf(again, 8), 0x10000000u);
  EXPECT_EQ(launch->variant(), "scalar");
}

TEST_F(LaunchAgain, MovesNothingButAddresses) {
  load();
  EXPECT_FALSE(move("q", 0x50000000, {1, 2, 101, 64}));
  EXPECT_FALSE(move("q", 0x50000000, {1, 2, 100, 64}, {12800, 6400, 64, 1}));
  EXPECT_FALSE(move("q", 0));
  EXPECT_FALSE(move("lse", 0x50000000));
  EXPECT_FALSE(move("scale", 0x50000000));
  EXPECT_FALSE(launch->moveTensor("q", Elem::BF16, std::vector<int64_t>{1, 2, 100, 64}, {},
                                  std::bit_cast<void *>(uint64_t{0x50000000})));
  EXPECT_EQ(addressOf(ran(), 0), 0x10000000u);
}

TEST_F(LaunchAgain, RefusesAnOutputMovedOntoAnInput) {
  load();
  ran();
  ASSERT_TRUE(move("o", 0x20000000 + 128));
  EXPECT_FALSE(launch->run(nullptr, error));
  EXPECT_THAT(error.message, HasSubstr("output `o` overlaps input `k`"));
  ASSERT_TRUE(move("o", 0x60000000));
  EXPECT_EQ(addressOf(ran(), 8), 0x60000000u);
}

TEST_F(LaunchAgain, RefusesAMisalignedAddress) {
  load();
  ran();
  ASSERT_TRUE(move("q", 0x50000001));
  EXPECT_FALSE(launch->run(nullptr, error));
  EXPECT_THAT(error.message, HasSubstr("must be aligned to 2 bytes"));
}

TEST_F(LaunchAgain, ChoosesTheVariantAnewByAlignment) {
  Json plain = json["kernels"][0]["variants"][0], fast = plain;
  fast["name"] = "fast";
  fast["condition"] = Json::parse(R"(["aligned", "q", 16])");
  json["kernels"][0]["variants"] = Json::array({fast, plain});
  load();
  EXPECT_EQ(ran().variant, "fast");
  ASSERT_TRUE(move("q", 0x50000002));
  EXPECT_EQ(ran().variant, "scalar");
  ASSERT_TRUE(move("q", 0x50000010));
  EXPECT_EQ(ran().variant, "fast");
  EXPECT_EQ(addressOf(device->module->plans.back(), 0), 0x50000010u);
}

TEST_F(LaunchAgain, ChoosesTheVariantAnewByTheDevice) {
  Json plain = json["kernels"][0]["variants"][0], many = plain;
  many["name"] = "many";
  many["condition"] = Json::parse(R"([">", ["sms"], 100])");
  json["kernels"][0]["variants"] = Json::array({many, plain});
  load();
  EXPECT_EQ(ran().variant, "scalar");
  device->smCount = 132;
  EXPECT_EQ(ran().variant, "many");
}

TEST_F(LaunchAgain, SlicesOfOneArrayMoveTogether) {
  load();
  const std::vector<int64_t> shape{1, 2, 100, 64}, strides{38400, 64, 384, 1};
  auto slices = [&](uint64_t base) {
    return move("q", base, shape, strides) && move("k", base + 256, shape, strides) &&
           move("v", base + 512, shape, strides);
  };
  place("q", 0x10000000, shape, strides);
  place("k", 0x10000100, shape, strides);
  place("v", 0x10000200, shape, strides);
  EXPECT_EQ(ran().buffers.size(), 2u);
  ASSERT_TRUE(slices(0x50000000));
  EXPECT_EQ(ran().buffers.size(), 2u);
  EXPECT_EQ(addressOf(device->module->plans.back(), 4), 0x50000100u);
  // One of them elsewhere: another layout.
  ASSERT_TRUE(move("v", 0x70000000, shape, strides));
  EXPECT_EQ(ran().buffers.size(), 3u);
  EXPECT_EQ(addressOf(device->module->plans.back(), 0), 0x50000000u);
}

TEST_F(LaunchAgain, AnotherScalarIsSeen) {
  load();
  ran();
  ASSERT_TRUE(launch->setScalar("scale", Value::ofFloat(2), error));
  const LaunchPlan &again = ran();
  float scale = 0;
  std::memcpy(&scale, again.launches[0].params.data() + again.launches[0].slots[7].offset, 4);
  EXPECT_EQ(scale, 2);
}

TEST_F(LaunchAgain, AnOutputTakenBackIsNull) {
  load();
  ASSERT_TRUE(launch->setTensor(
      "lse", {std::bit_cast<void *>(uint64_t{0x50000000}), Elem::F32, {1, 2, 100}, {}}, error));
  EXPECT_NE(addressOf(ran(), 8), 0u);
  launch->clear("o");
  EXPECT_EQ(addressOf(ran(), 8), 0u);
}

} // namespace
