// TargetInfo.h - what is known of each target, as data
//
// Passes ask here and nowhere else for limits of a machine. Per-SM and per-CTA limits are from the
// CUDA Programming Guide, "Compute Capabilities" (technical specifications per compute capability);
// the PTX versions are those that LLVM 22 emits and ptxas 13 takes for the chip; the number of SMs
// is that of the named board and serves estimates only.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>

namespace fc {

struct TargetInfo {
  llvm::StringLiteral name;  ///< as `--target` and LLVM's `-mcpu` say it
  int capability;            ///< 80 for sm_80
  bool archSpecific;         ///< the `a` targets: code that runs on this architecture only
  unsigned ptxVersion;       ///< 70 is PTX ISA 7.0; LLVM's feature is `+ptx70`
  llvm::StringLiteral board; ///< whose SMs are counted
  int sms;
  int64_t sharedPerSm,
      sharedPerCta;             ///< bytes; a CTA above 48 KiB takes its shared memory at launch
  int64_t sharedReservedPerCta; ///< bytes that the driver takes for itself in each CTA
  int registersPerSm, registersPerThread;
  int registerUnit; ///< registers are given to a warp in multiples of this
  int warpsPerSm, ctasPerSm, warpsPerCta;
  /// Rates of one SM a clock, for estimates: operations of dense `mma.sync` on 16-bit floats with
  /// f32 accumulation (a multiply-add is two), results of FMA lanes and of special functions, bytes
  /// from shared memory and from L2.
  int tensorOps, fmaLanes, mufuLanes, sharedBytes, l2Bytes;
  /// What the machine can do beyond FMAs.
  bool cpAsync, ldmatrix, stmatrix, tma, wgmma, setmaxnreg;

  /// LLVM's subtarget feature, such as `+ptx70`.
  std::string ptxFeature() const;
};

/// All targets, oldest first.
llvm::ArrayRef<TargetInfo> targets();
/// The target of that name, or null.
const TargetInfo *findTarget(llvm::StringRef name);
/// `sm_80, sm_86, ...` for messages.
std::string targetNames();

} // namespace fc
