// ImageTest.cpp - what is read out of PTX and cubins without a driver.
#include "runtime/cuda/Image.h"
#include "runtime/Manifest.h"
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace fc::rt::cuda {
namespace {

std::optional<Image> read(std::string_view text) {
  Error error;
  auto image = Image::read(text, "x.ptx", error);
  EXPECT_TRUE(image) << error.message;
  return image;
}

TEST(Image, ReadsTheDirectivesOfPtx) {
  const auto image = read(R"(// a head { with braces
    .version 8.3
    .target sm_90a, debug
    .address_size 64
    /* .entry no(.param .u32 x) {} */
    .file 1 "a } b"
    .visible .global .align 1 .b8 data[5] = {1, 2,
      255};
    .global .f32 other[2] = {0f00000000, 0f00000000};
    .func helper(.param .u32 x) { { .reg .b32 r; } ret; }
    .visible .entry one(.param .u64 .ptr .global .align 16 a, .param .u32 b, .param .u8 c,
      .param .u64 d) .maxntid 128, 1, 1 { ret; }
    .entry two() { ret; }
    .entry three(.param .align 64 .b8 map[128], .param .f32 x) { ret; })");
  ASSERT_TRUE(image);
  EXPECT_EQ(image->ptxVersion, "8.3");
  EXPECT_EQ(image->target, "sm_90a");
  ASSERT_EQ(image->entries.size(), 3u);
  auto params = [&](std::string_view name) {
    std::string text;
    for (const auto &param : image->entry(name)->params)
      text += fmt::format("{}@{} ", param.bytes, param.offset);
    return text;
  };
  EXPECT_EQ(params("one"), "8@0 4@8 1@12 8@16 ");
  EXPECT_EQ(params("two"), "");
  EXPECT_EQ(params("three"), "128@0 4@128 ");
  EXPECT_THAT(
      image->global("data"),
      testing::ElementsAre(std::byte{1}, std::byte{2}, std::byte{255}, std::byte{0}, std::byte{0}));
  EXPECT_TRUE(image->global("other").empty());
  EXPECT_TRUE(image->global("absent").empty());
  EXPECT_EQ(image->entry("helper"), nullptr);
}

TEST(Image, TakesAnythingWithoutHarm) {
  const std::string text = ".version 8.3 .target sm_80 .global .b8 x[3] = {1, 2, 3}; "
                           ".entry e(.param .u64 a) { ret; }";
  for (size_t i = 0; i < text.size(); ++i) {
    Error error;
    Image::read(std::string_view(text).substr(0, i), "x", error);
    Image::read(std::string_view(text).substr(i), "x", error);
  }
}

TEST(Image, TellsTheCapability) {
  bool exact = false;
  EXPECT_EQ(capabilityOf("sm_80", exact), 80);
  EXPECT_FALSE(exact);
  EXPECT_EQ(capabilityOf("sm_90a", exact), 90);
  EXPECT_TRUE(exact);
  EXPECT_EQ(capabilityOf("sm_100", exact), 100);
  EXPECT_EQ(capabilityOf("x86", exact), 0);
}

TEST(Image, ChoosesATarget) {
  EXPECT_EQ(targetFor(75), "");
  EXPECT_EQ(targetFor(80), "sm_80");
  EXPECT_EQ(targetFor(87), "sm_86");
  EXPECT_EQ(targetFor(89), "sm_89");
  EXPECT_EQ(targetFor(90), "sm_90a");
  EXPECT_EQ(targetFor(100), "sm_100a");
  EXPECT_EQ(targetFor(103), "sm_90");
  EXPECT_EQ(targetFor(120), "sm_120a");
}

#ifdef FC_TEST_CUBIN
TEST(Image, ReadsACubin) {
  std::ifstream stream(FC_TEST_CUBIN, std::ios::binary);
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  const std::string content = bytes.str();
  const auto image = read(content);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->kind, Image::Kind::Cubin);
  EXPECT_EQ(image->target, "sm_80");
  ASSERT_EQ(image->entries.size(), 1u);
  EXPECT_EQ(image->entries[0].name, "causal");
  // 19 addresses and strides, then 4 dimensions and the scale.
  ASSERT_EQ(image->entries[0].params.size(), 24u);
  EXPECT_EQ(image->entries[0].params[18].bytes, 8u);
  EXPECT_EQ(image->entries[0].params[23].bytes, 4u);
  EXPECT_EQ(image->entries[0].params[23].offset, 19 * 8 + 4 * 4u);
  const auto manifest = image->global(manifestSymbol);
  ASSERT_FALSE(manifest.empty());
  EXPECT_EQ(manifest.back(), std::byte{0});
  // Cut or damaged ones are refused, not followed out of their bytes.
  for (size_t size = 0; size < content.size(); size += 97) {
    Error error;
    Image::read(std::string_view(content).substr(0, size), "cut", error);
  }
  for (size_t at = 16; at < content.size(); at += 13) {
    std::string damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    Error error;
    Image::read(damaged, "damaged", error);
  }
}
#endif

} // namespace
} // namespace fc::rt::cuda
