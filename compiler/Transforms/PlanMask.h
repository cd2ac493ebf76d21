// PlanMask.h - what fc-plan-mask will make of a kernel, asked before its tiles are chosen
#pragma once
#include "compiler/IR/Fc.h"

namespace fc {

/// Whether a walk of the kernel, which has no sizes yet, will skip tiles between its bounds.
bool mayHop(KernelOp kernel);

} // namespace fc
