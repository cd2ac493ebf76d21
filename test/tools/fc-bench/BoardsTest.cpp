// BoardsTest.cpp - which board a driver's name means.
#include "tools/fc-run/Boards.h"
#include <gtest/gtest.h>

namespace fc::run {
namespace {

std::string boardOf(std::string_view title) {
  const Board *board = boardTitled(title);
  return board ? board->name : "";
}

TEST(Boards, AreKnownByWhatTheDriverCallsThem) {
  EXPECT_EQ(boardOf("NVIDIA H100 80GB HBM3"), "h100");
  EXPECT_EQ(boardOf("NVIDIA H100 PCIe"), "h100pcie");
  EXPECT_EQ(boardOf("NVIDIA H200"), "h200");
  EXPECT_EQ(boardOf("NVIDIA GH200 480GB"), "gh200");
  EXPECT_EQ(boardOf("NVIDIA A100-SXM4-80GB"), "a100");
  EXPECT_EQ(boardOf("NVIDIA A10"), "a10");
  EXPECT_EQ(boardOf("NVIDIA L4"), "l4");
  EXPECT_EQ(boardOf("NVIDIA L40S"), "l40s");
  EXPECT_EQ(boardOf("NVIDIA GeForce RTX 4090"), "rtx4090");
  EXPECT_EQ(boardOf("NVIDIA L40"), "");
  EXPECT_EQ(boardOf("fake GPU 0 of the tests"), "");
  EXPECT_EQ(boardOf(""), "");
}

TEST(Boards, TheSlowestUnitBounds) {
  const Board &board = *findBoard("h100");
  const auto times = unitTimes(board, {{"tensor_flops_issued", 989'000'000}}, 3'350'000);
  EXPECT_STREQ(slowest(times).unit, "tensor cores");
  EXPECT_NEAR(slowest(times).microseconds, 1, 1e-9);
  EXPECT_NEAR(times.back().microseconds, 1, 1e-9);
  EXPECT_EQ(findBoard("h101"), nullptr);
}

} // namespace
} // namespace fc::run
