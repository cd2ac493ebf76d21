// TargetInfo.cpp - the table of targets
#include "compiler/Target/TargetInfo.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace fc {

static constexpr int64_t KiB = 1024;

/// Ampere, data centre. Later targets say where they differ.
static constexpr TargetInfo sm80 = {
    .name = "sm_80",
    .capability = 80,
    .archSpecific = false,
    .ptxVersion = 70,
    .board = "A100",
    .sms = 108,
    .sharedPerSm = 164 * KiB,
    .sharedPerCta = 163 * KiB,
    .sharedReservedPerCta = 1 * KiB,
    .registersPerSm = 65536,
    .registersPerThread = 255,
    .registerUnit = 256,
    .warpsPerSm = 64,
    .ctasPerSm = 32,
    .warpsPerCta = 32,
    .tensorOps = 2048,
    .fmaLanes = 64,
    .mufuLanes = 16,
    .sharedBytes = 128,
    .l2Bytes = 40,
    .cpAsync = true,
    .ldmatrix = true,
    .stmatrix = false,
    .tma = false,
    .wgmma = false,
    .setmaxnreg = false,
};

static constexpr TargetInfo makeSm86() {
  TargetInfo target = sm80;
  target.name = "sm_86";
  target.capability = 86;
  target.ptxVersion = 71;
  target.board = "A10";
  target.sms = 72;
  target.sharedPerSm = 100 * KiB;
  target.sharedPerCta = 99 * KiB;
  target.warpsPerSm = 48;
  target.ctasPerSm = 16;
  target.tensorOps = 1024;
  target.fmaLanes = 128;
  target.l2Bytes = 32;
  return target;
}

static constexpr TargetInfo makeSm89() {
  TargetInfo target = makeSm86();
  target.name = "sm_89";
  target.capability = 89;
  target.ptxVersion = 78;
  target.board = "L4";
  target.sms = 58;
  target.ctasPerSm = 24;
  return target;
}

/// Hopper, without the instructions of `sm_90a`: `wgmma` and `setmaxnreg` are
/// architecture-specific.
static constexpr TargetInfo makeSm90() {
  TargetInfo target = sm80;
  target.name = "sm_90";
  target.capability = 90;
  target.ptxVersion = 80;
  target.board = "H200";
  target.sms = 132;
  target.sharedPerSm = 228 * KiB;
  target.sharedPerCta = 227 * KiB;
  target.tensorOps = 2560; // mma.sync reaches 62 to 65 % of what wgmma does
  target.fmaLanes = 128;
  target.stmatrix = true;
  target.tma = true;
  return target;
}

static constexpr TargetInfo makeSm90a() {
  TargetInfo target = makeSm90();
  target.name = "sm_90a";
  target.archSpecific = true;
  target.wgmma = true;
  target.setmaxnreg = true;
  return target;
}

static constexpr TargetInfo makeSm100a() {
  TargetInfo target = makeSm90();
  target.name = "sm_100a";
  target.capability = 100;
  target.archSpecific = true;
  target.ptxVersion = 88;
  target.board = "B200";
  target.sms = 148;
  target.setmaxnreg = true;
  return target;
}

/// Blackwell, consumer boards: the shared memory and warps of sm_89, TMA, no `wgmma`.
static constexpr TargetInfo makeSm120a() {
  TargetInfo target = makeSm89();
  target.name = "sm_120a";
  target.capability = 120;
  target.archSpecific = true;
  target.ptxVersion = 88;
  target.board = "RTX 5090";
  target.sms = 170;
  target.stmatrix = true;
  target.tma = true;
  target.setmaxnreg = true;
  return target;
}

ArrayRef<TargetInfo> targets() {
  static constexpr TargetInfo table[] = {sm80,        makeSm86(),   makeSm89(),  makeSm90(),
                                         makeSm90a(), makeSm100a(), makeSm120a()};
  return table;
}

const TargetInfo *findTarget(StringRef name) {
  const TargetInfo *found = find_if(targets(), [&](const TargetInfo &t) { return t.name == name; });
  return found == targets().end() ? nullptr : found;
}

std::string targetNames() {
  return join(map_range(targets(), [](const TargetInfo &t) { return t.name; }), ", ");
}

std::string TargetInfo::ptxFeature() const { return "+ptx" + std::to_string(ptxVersion); }

} // namespace fc
