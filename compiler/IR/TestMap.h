// TestMap.h - the mark of a map that tests a mask
#pragma once
#include "llvm/ADT/StringRef.h"

namespace fc {

/// Set by fc-plan-mask. The map's first operand is a uniform `i1`: where it is false, the one
/// result is the second operand, and the region need not run. A hint: the region gives that result
/// then, too.
inline constexpr llvm::StringLiteral kTestAttr = "fc.test";

} // namespace fc
