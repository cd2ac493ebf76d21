// Turns.h - marks of loops whose rings have several slots
#pragma once
#include "llvm/ADT/StringRef.h"

namespace fc {

/// On a loop: its body stands that many times one after the other, a multiple of its rings' slots,
/// so that the slot of a turn is known in each copy.
inline constexpr llvm::StringLiteral kUnrollAttr = "fc.unroll";
/// On the operation in such a loop's body that gives the number of the turn, 0 the first.
inline constexpr llvm::StringLiteral kTurnAttr = "fc.turn";
/// On the last publish of a turn: what was published since the last such one is a group of copies.
inline constexpr llvm::StringLiteral kGroupAttr = "fc.group";
/// On a wait: the number of latest groups that need not have come. None: 0, all copies have.
inline constexpr llvm::StringLiteral kPendingAttr = "fc.pending";
/// On a wait: others wait for its copies, too, before anything touches them. It gives the slot and
/// does not wait.
inline constexpr llvm::StringLiteral kCoveredAttr = "fc.covered";

} // namespace fc
