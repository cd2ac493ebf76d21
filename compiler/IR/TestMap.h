// TestMap.h - the marks of maps that most tiles need not run
#pragma once
#include "llvm/ADT/StringRef.h"

namespace fc {

/// Set by fc-plan-mask. The map's first operand is a uniform `i1`: where it is false, the one
/// result is the second operand, and the region need not run. A hint: the region gives that result
/// then, too.
inline constexpr llvm::StringLiteral kTestAttr = "fc.test";

/// Set by fc-fold-exp2. The same, but the first operand is a tile of `i1` over fewer axes, true at
/// few points: a thread none of whose points is true need not run the region. Where the region
/// leaves its second operand alone, the map that gives that is computed instead of it, not before
/// it, so that the results of either may take the registers of what they are made of.
inline constexpr llvm::StringLiteral kRareAttr = "fc.rare";

} // namespace fc
