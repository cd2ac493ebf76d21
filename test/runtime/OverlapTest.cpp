// OverlapTest.cpp - whether strided tensors share memory, against counting.
#include "runtime/Overlap.h"
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <vector>

using namespace fc::rt;

namespace {

struct Tensor {
  uint64_t address;
  uint64_t elementBytes;
  std::vector<int64_t> shape, strides; ///< strides in bytes
  Region region() const { return {address, elementBytes, shape, strides}; }

  /// The addresses of its bytes; `twice` is set if two elements share one.
  std::set<uint64_t> bytes(bool &twice) const {
    std::set<uint64_t> result;
    std::vector<int64_t> index(shape.size(), 0);
    for (;;) {
      uint64_t at = address;
      for (size_t i = 0; i < shape.size(); ++i)
        at += static_cast<uint64_t>(index[i] * strides[i]);
      for (uint64_t b = 0; b < elementBytes; ++b)
        twice |= !result.insert(at + b).second;
      size_t i = 0;
      while (i < shape.size() && ++index[i] == shape[i])
        index[i++] = 0;
      if (i == shape.size())
        return result;
    }
  }
};

TEST(Overlap, NeighboursDoNotOverlap) {
  const Tensor a{1000, 2, {4, 8}, {16, 2}}, b{1064, 2, {4, 8}, {16, 2}};
  EXPECT_FALSE(overlap(a.region(), b.region()));
  const Tensor c{1062, 2, {4, 8}, {16, 2}};
  EXPECT_TRUE(overlap(a.region(), c.region()));
}

TEST(Overlap, InterleavedSlicesDoNotOverlap) {
  // [S, 3, D] with S = 1000, D = 64, f16.
  const Tensor q{0x1000, 2, {1000, 64}, {384, 2}}, k{0x1080, 2, {1000, 64}, {384, 2}};
  EXPECT_FALSE(overlap(q.region(), k.region()));
  const Tensor shifted{0x107e, 2, {1000, 64}, {384, 2}};
  EXPECT_TRUE(overlap(q.region(), shifted.region()));
}

TEST(Overlap, AgreesWithCounting) {
  std::mt19937 random(7);
  auto pick = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  int overlapping = 0;
  for (int round = 0; round < 20000; ++round) {
    auto tensor = [&] {
      Tensor t{static_cast<uint64_t>(1000 + pick(0, 60)), uint64_t{1} << pick(0, 2), {}, {}};
      for (int i = 0, rank = pick(1, 3); i < rank; ++i) {
        t.shape.push_back(pick(1, 4));
        t.strides.push_back(pick(0, 20));
      }
      return t;
    };
    const Tensor a = tensor(), b = tensor();
    bool twice = false, unused = false;
    const auto bytesOfA = a.bytes(twice), bytesOfB = b.bytes(unused);
    bool shared = false;
    for (uint64_t byte : bytesOfA)
      shared |= bytesOfB.count(byte) != 0;
    ASSERT_EQ(overlap(a.region(), b.region()), shared) << round;
    if (twice)
      ASSERT_TRUE(overlapsItself(a.region())) << round;
    overlapping += shared;
  }
  EXPECT_GT(overlapping, 2000);
  EXPECT_LT(overlapping, 18000);
}

TEST(Overlap, NestedLayoutsDoNotOverlapThemselves) {
  EXPECT_FALSE(overlapsItself(Tensor{0, 2, {2, 6, 200, 64}, {153600, 128, 768, 2}}.region()));
  EXPECT_TRUE(overlapsItself(Tensor{0, 2, {2, 64}, {0, 2}}.region()));
  EXPECT_TRUE(overlapsItself(Tensor{0, 2, {2, 64}, {126, 2}}.region()));
  EXPECT_FALSE(overlapsItself(Tensor{0, 2, {1, 64}, {0, 2}}.region()));
}

} // namespace
