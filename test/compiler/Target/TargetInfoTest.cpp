// TargetInfoTest.cpp - the table of targets against NVIDIA's documents
#include "compiler/Target/TargetInfo.h"
#include <gtest/gtest.h>

using namespace fc;

TEST(TargetInfo, findsEachTargetByName) {
  for (const char *name : {"sm_80", "sm_86", "sm_89", "sm_90", "sm_90a", "sm_100a", "sm_120a"}) {
    const TargetInfo *target = findTarget(name);
    ASSERT_NE(target, nullptr) << name;
    EXPECT_EQ(target->name, name);
    EXPECT_EQ(target->name.ends_with("a"), target->archSpecific);
    EXPECT_EQ(llvm::StringRef(name).drop_front(3).take_while(isdigit),
              std::to_string(target->capability));
  }
  EXPECT_EQ(targets().size(), 7u);
}

TEST(TargetInfo, refusesOthers) {
  for (const char *name : {"", "sm_75", "sm_80a", "SM_80", "sm_100", "gfx90a"})
    EXPECT_EQ(findTarget(name), nullptr) << name;
  EXPECT_EQ(targetNames(), "sm_80, sm_86, sm_89, sm_90, sm_90a, sm_100a, sm_120a");
}

// CUDA Programming Guide, "Technical Specifications per Compute Capability".
TEST(TargetInfo, limits) {
  EXPECT_EQ(findTarget("sm_80")->sharedPerCta, 166912);
  EXPECT_EQ(findTarget("sm_86")->sharedPerCta, 101376);
  EXPECT_EQ(findTarget("sm_89")->sharedPerCta, 101376);
  EXPECT_EQ(findTarget("sm_90a")->sharedPerCta, 232448);
  EXPECT_EQ(findTarget("sm_120a")->sharedPerCta, 101376);
  EXPECT_EQ(findTarget("sm_89")->warpsPerSm, 48);
  EXPECT_EQ(findTarget("sm_100a")->warpsPerSm, 64);
  for (const TargetInfo &target : targets()) {
    // One CTA may have all of an SM's shared memory but what the driver keeps.
    EXPECT_EQ(target.sharedPerCta + target.sharedReservedPerCta, target.sharedPerSm);
    EXPECT_EQ(target.registersPerSm, 65536);
  }
}

// PTX versions that LLVM 22 and ptxas 13 take together for the chip.
TEST(TargetInfo, ptxVersions) {
  EXPECT_EQ(findTarget("sm_80")->ptxFeature(), "+ptx70");
  EXPECT_EQ(findTarget("sm_86")->ptxFeature(), "+ptx71");
  EXPECT_EQ(findTarget("sm_89")->ptxFeature(), "+ptx78");
  EXPECT_EQ(findTarget("sm_90")->ptxFeature(), "+ptx80");
  EXPECT_EQ(findTarget("sm_90a")->ptxFeature(), "+ptx80");
  EXPECT_EQ(findTarget("sm_100a")->ptxFeature(), "+ptx88");
  EXPECT_EQ(findTarget("sm_120a")->ptxFeature(), "+ptx88");
}

TEST(TargetInfo, wgmmaIsOfSm90aOnly) {
  for (const TargetInfo &target : targets())
    EXPECT_EQ(target.wgmma, target.name == "sm_90a") << target.name.str();
}
