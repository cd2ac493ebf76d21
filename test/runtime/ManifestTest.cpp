// ManifestTest.cpp - reading manifests: a right one, and every way to be wrong.
#include "runtime/Manifest.h"
#include "ManifestBuilder.h"
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

using namespace fc::rt;
using namespace fc::rt::test;
using testing::HasSubstr;

namespace {

TEST(Manifest, ReadsTheExampleOfItsPage) {
  std::string error;
  auto manifest = parseManifest(causalManifest().dump(), error);
  ASSERT_TRUE(manifest) << error;
  EXPECT_EQ(manifest->target, "sm_80");
  EXPECT_EQ(manifest->sourcePath, "causal.fc");
  ASSERT_EQ(manifest->kernels.size(), 1u);
  const KernelSpec &kernel = manifest->kernels[0];
  EXPECT_EQ(kernel.cparams[0].text(), "f16");
  EXPECT_EQ(kernel.cparams[1].text(), "64");
  EXPECT_EQ(kernel.dims[4].name, "N");
  EXPECT_EQ(kernel.params[kernel.dims[4].tensor].name, "k");
  EXPECT_EQ(kernel.params[0].text(), "f16[B, H, M, D]");
  EXPECT_EQ(kernel.params[3].init->text(), "1 / sqrt(D)");
  EXPECT_TRUE(kernel.params[4].output);
  EXPECT_EQ(kernel.facts[0].expr->text(), "H % G == 0");
  const LaunchSpec &launch = kernel.variants[0].launches[0];
  EXPECT_EQ(launch.grid[0].text(), "(M + 63) / 64");
  ASSERT_EQ(launch.args.size(), 9u);
  EXPECT_EQ(launch.args[3].kind, Arg::Kind::Stride);
  EXPECT_EQ(launch.args[3].dim, 2);
  EXPECT_EQ(bytesOfArg(kernel, launch.args[5]), 4u);
  EXPECT_EQ(bytesOfArg(kernel, launch.args[7]), 4u);
  EXPECT_EQ(bytesOfArg(kernel, launch.args[8]), 8u);
}

TEST(Manifest, TheExampleOfItsPageIsTheOneOfTheseTests) {
  std::ostringstream page;
  page << std::ifstream(std::string(FC_SOURCE_DIR) + "/docs/manifest.md").rdbuf();
  const std::string text = page.str();
  const size_t begin = text.find("```json\n") + 8, end = text.find("```", begin);
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(Json::parse(text.substr(begin, end - begin)), causalManifest());
}

TEST(Manifest, OptionalMembersHaveDefaults) {
  Json json = causalManifest();
  Json &kernel = json["kernels"][0];
  kernel.erase("facts");
  kernel.erase("workspace");
  kernel["params"][0].erase("orOne");
  kernel["variants"][0]["launches"][0].erase("shared");
  kernel["variants"][0]["launches"][0].erase("cluster");
  std::string error;
  auto manifest = parseManifest(json.dump(), error);
  ASSERT_TRUE(manifest) << error;
  EXPECT_EQ(manifest->kernels[0].params[0].orOne, std::vector<bool>(4, false));
}

struct Bad {
  const char *pointer; ///< JSON pointer of what is replaced or added
  const char *value;   ///< its new value; null: it is erased
  const char *error;   ///< what the message holds
};

class BadManifest : public testing::TestWithParam<Bad> {};

TEST_P(BadManifest, IsRefusedByItsPath) {
  const Bad &bad = GetParam();
  Json json = causalManifest();
  const Json::json_pointer pointer(bad.pointer);
  if (bad.value)
    json[pointer] = Json::parse(bad.value);
  else
    json[pointer.parent_pointer()].erase(pointer.back());
  std::string error;
  EXPECT_FALSE(parseManifest(json.dump(), error));
  EXPECT_THAT(error, HasSubstr(bad.error));
}

#define K "/kernels/0"
#define V K "/variants/0"
#define L V "/launches/0"

INSTANTIATE_TEST_SUITE_P(
    Manifest, BadManifest,
    testing::Values(
        Bad{"/format", "2", "its format is 2, and this runtime reads format 1"},
        Bad{"/format", nullptr, "format: is missing"},
        Bad{"/target", "80", "target: 80 is no string"},
        Bad{"/source/sha256", "\"abc\"", "source.sha256: \"abc\" is no SHA-256"},
        Bad{"/source", "[]", "source: [] is no object"},
        Bad{"/surprise", "1", "has a member `surprise`"},
        Bad{"/kernels", "[]", "kernels: is empty"},
        Bad{"/kernels", "{}", "kernels: {} is no array"},
        Bad{"/kernels/0", "7", "kernels[0]: 7 is no object"},
        Bad{K "/name", "\"a b\"", "kernels[0].name: \"a b\" is no name"},
        Bad{K "/name", nullptr, "kernels[0].name: is missing"},
        Bad{K "/cparams/T", "\"f12\"", "kernels[0].cparams.T: `f12` is no element type"},
        Bad{K "/cparams/q", "1", "kernels[0].params[0].name: `q` is there twice"},
        Bad{K "/dims/0/tensor", "\"scale\"", "kernels[0].dims[0].tensor: `scale` is no tensor"},
        Bad{K "/dims/0/tensor", "\"w\"", "`w` is no tensor of this kernel"},
        Bad{K "/dims/0/index", "4", "kernels[0].dims[0].index: 4, and it must be from 0 to 3"},
        Bad{K "/dims/0/index", "-1", "it must be from 0 to 3"},
        Bad{K "/dims/1/name", "\"B\"", "kernels[0].dims[1].name: `B` is there twice"},
        Bad{K "/dims/1/offset", "1.5", "1.5 is no integer"},
        Bad{K "/params/0/kind", "\"matrix\"", "its kind is `matrix`"},
        Bad{K "/params/0/elem", "\"f64\"", "kernels[0].params[0].elem: `f64` is no element type"},
        Bad{K "/params/0/shape", "[]", "is no array of 1 to 16 extents"},
        Bad{K "/params/0/shape", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "1 to 16 extents"},
        Bad{K "/params/0/shape/1", "\"Q\"",
            "kernels[0].params[0].shape[1]: `Q` is no dimension, scalar or compile-time parameter"},
        Bad{K "/params/0/shape/1", "\"scale\"", "scalar `scale` cannot be used here"},
        Bad{K "/params/0/shape/1", "\"T\"", "`T` is an element type, not a value"},
        Bad{K "/params/0/shape/1", "\"k\"", "`k` is a tensor, not a value"},
        Bad{K "/params/0/shape/1", "[\"sms\"]", "`sms` cannot be used here"},
        Bad{K "/params/0/shape/1", "null", "null is no expression"},
        Bad{K "/params/0/shape/1", "[]", "[] is no expression"},
        Bad{K "/params/0/shape/1", "18446744073709551615", "is no integer of 64 bits"},
        Bad{K "/params/0/orOne", "[true]", "has 1 elements, and the shape has 4"},
        Bad{K "/params/0/orOne/1", "0",
            "kernels[0].params[0].orOne[1]: 0 is neither true nor false"},
        Bad{K "/params/0/align", "3",
            "kernels[0].params[0].align: 3, and an alignment is a power of two"},
        Bad{K "/params/0/align", "1", "1, and an element of f16 has 2 bytes"},
        Bad{K "/params/0/align", "0", "it must be from 1 to 4096"},
        Bad{K "/params/0/output", "\"yes\"", "neither true nor false"},
        Bad{K "/params/3/elem", "\"f16\"", "scalar `scale` is f16, and a scalar is"},
        Bad{K "/params/3/default", "\"scale\"",
            "scalar `scale` cannot be used here: only earlier ones"},
        Bad{K "/params/3/default", nullptr, "kernels[0].params[3].default: is missing"},
        Bad{K "/params/3/shape", "[1]", "has a member `shape`"},
        Bad{K "/facts/0/expr", "[\"===\", 1, 2]",
            "kernels[0].facts[0].expr: `===` is no operation"},
        Bad{K "/facts/0/expr", "[\"==\", 1]", "`==` has 1 operand, and takes 2"},
        Bad{K "/facts/0/expr", "[\"max\", 1]", "`max` has 1 operand, and takes 2 to 64"},
        Bad{K "/facts/0/text", "null", "kernels[0].facts[0].text: null is no string"},
        Bad{K "/workspace", "[{\"size\": 1}]", "kernels[0].workspace[0]: has a member `size`"},
        Bad{K "/variants", "[]", "kernels[0].variants: is empty"},
        Bad{V "/condition", "\"Q\"", "kernels[0].variants[0].condition: `Q` is no dimension"},
        Bad{V "/condition", "[\"aligned\", \"q\", 3]", "an alignment is a power of two"},
        Bad{V "/condition", "[\"aligned\", \"q\"]", "`aligned` has 1 operands"},
        Bad{V "/condition", "[\"stride\", \"q\", 4]", "it must be from 0 to 3"},
        Bad{V "/condition", "[\"stride\", \"scale\", 0]", "`scale` is no tensor"},
        Bad{V "/schedule", "[]", "kernels[0].variants[0].schedule: [] is no object"},
        Bad{V "/launches", "[]", "kernels[0].variants[0].launches: is empty"},
        Bad{L "/prefetches", "[]", "has a member `prefetches`, which format 1 does not know"},
        Bad{L "/entry", "\"\"", "kernels[0].variants[0].launches[0].entry: \"\" is no name"},
        Bad{L "/grid", "[1, 2]", "[1,2] is no array of three expressions"},
        Bad{L "/block", "[1024, 2, 1]", "is 2048 threads"},
        Bad{L "/block", "[1, 1, 128]", "64 of them along z"},
        Bad{L "/block", "[0, 1, 1]", "launches[0].block[0]: 0, and it must be from 1 to 1024"},
        Bad{L "/block", "128", "128 is no array of three numbers"},
        Bad{L "/shared", "-1", "it must be from 0 to 1048576"},
        Bad{L "/cluster", "[17, 1, 1]", "it must be from 1 to 16"},
        Bad{L "/args/0", "{}", "args[0]: has 0 members"},
        Bad{L "/args/0", "{\"tensor\": \"scale\"}", "`scale` is no tensor of this kernel"},
        Bad{L "/args/0", "{\"scalar\": \"q\"}", "`q` is no scalar of this kernel"},
        Bad{L "/args/0", "{\"dim\": \"Q\"}", "`Q` is no dimension of this kernel"},
        Bad{L "/args/0", "{\"dim\": \"M\", \"tensor\": \"q\"}", "has 2 members"},
        Bad{L "/args/0", "{\"stride\": \"q\"}", "args[0].dim: is missing"},
        Bad{L "/args/0", "{\"stride\": \"q\", \"dim\": 4}", "it must be from 0 to 3"},
        Bad{L "/args/0", "{\"workspace\": 0}", "0, and the kernel has 0 of them"},
        Bad{L "/args/0", "{\"tensorMap\": 0}", "0, and the launch has 0 of them"},
        Bad{L "/tensorMaps", "[{\"tensor\": \"q\"}]", "tensorMaps[0].box: is missing"},
        Bad{L "/tensorMaps", "[{\"tensor\": \"scale\", \"box\": [1]}]", "is no tensor"},
        Bad{L "/tensorMaps", "[{\"tensor\": \"q\", \"box\": [1, 64]}]",
            "has 2 extents, and `q` has 4 dimensions"},
        Bad{L "/tensorMaps", "[{\"tensor\": \"q\", \"box\": [1, 1, 257, 64]}]", "from 1 to 256"},
        Bad{L "/tensorMaps", "[{\"tensor\": \"q\", \"box\": [1, 1, 64, 4]}]",
            "a row of the box has 8 bytes, and must be a multiple of 16"},
        Bad{L "/tensorMaps", "[{\"tensor\": \"q\", \"box\": [1, 1, 64, 64], \"swizzle\": 64}]",
            "a row of the box has 128 bytes, and must be a multiple of 16 and at most the "
            "swizzle's "
            "64"},
        Bad{L "/tensorMaps", "[{\"tensor\": \"q\", \"box\": [1, 1, 64, 64], \"swizzle\": 16}]",
            "16, and a swizzle is over 0, 32, 64 or 128 bytes"},
        Bad{L "/tensorMaps", "[{\"tensor\": \"q\", \"box\": [1, 1, 64, 64], \"fill\": \"one\"}]",
            "`one`, and a fill is `zero` or `nan`"}));

TEST(Manifest, TextThatIsNoJson) {
  for (const char *text :
       {"", "{", "nul", "{\"format\": 1,}", "\xff\xfe", "[1, 2", "\"\\ud800\""}) {
    std::string error;
    EXPECT_FALSE(parseManifest(text, error));
    EXPECT_THAT(error, HasSubstr("the manifest is no JSON")) << text;
  }
}

TEST(Manifest, RootsThatAreNoObject) {
  for (const char *text : {"[]", "1", "null", "\"x\"", "true"}) {
    std::string error;
    EXPECT_FALSE(parseManifest(text, error));
    EXPECT_THAT(error, HasSubstr("is no object")) << text;
  }
}

TEST(Manifest, DeepNestingIsRefusedBeforeItIsParsed) {
  std::string error;
  EXPECT_FALSE(parseManifest(std::string(1000000, '['), error));
  EXPECT_THAT(error, HasSubstr("nests 1000000 levels deep"));
}

TEST(Manifest, DeepExpressionsAreRefused) {
  std::string expr = "1";
  for (int i = 0; i < 70; ++i)
    expr = "[\"-\", " + expr + "]";
  Json json = causalManifest();
  json["kernels"][0]["params"][3]["default"] = Json::parse(expr);
  std::string error;
  EXPECT_FALSE(parseManifest(json.dump(), error));
  EXPECT_THAT(error, HasSubstr("more than 64 levels deep"));
}

TEST(Manifest, HugeTextIsRefused) {
  std::string error;
  EXPECT_FALSE(parseManifest(std::string((16 << 20) + 1, ' '), error));
  EXPECT_THAT(error, HasSubstr("at most 16777216"));
}

TEST(Manifest, TooManyParametersAreRefused) {
  Json json = causalManifest();
  Json &params = json["kernels"][0]["params"];
  for (int i = 0; i < 1024; ++i) {
    params.push_back(params[3]);
    params.back()["name"] = "s" + std::to_string(i);
  }
  std::string error;
  EXPECT_FALSE(parseManifest(json.dump(), error));
  EXPECT_THAT(error,
              HasSubstr("kernels[0].params: has 1030 elements, and at most 1024 are allowed"));
}

TEST(Manifest, TwoKernelsOfOneName) {
  Json json = causalManifest();
  json["kernels"].push_back(json["kernels"][0]);
  std::string error;
  EXPECT_FALSE(parseManifest(json.dump(), error));
  EXPECT_THAT(error, HasSubstr("kernel `causal` is there twice"));
}

/// Each value of the manifest replaced by each of some unfitting ones: an answer either way, never
/// a crash.
TEST(Manifest, AnyMemberMayBeAnything) {
  const Json original = causalManifest();
  const Json flat = original.flatten();
  const char *const values[] = {"null",   "-1",     "1e308", "\"\"",        "[]",
                                "{}",     "[[[]]]", "true",  "\"\\u0000\"", "9223372036854775807",
                                "[\"+\"]"};
  for (const auto &[pointer, unused] : flat.items())
    for (const char *value : values) {
      // From the leaf up to the root, so that whole objects and arrays are replaced as well.
      for (Json::json_pointer at(pointer); !at.empty(); at = at.parent_pointer()) {
        Json json = original;
        json[at] = Json::parse(value);
        std::string error;
        auto manifest = parseManifest(json.dump(), error);
        EXPECT_EQ(manifest.has_value(), error.empty());
      }
    }
}

} // namespace
