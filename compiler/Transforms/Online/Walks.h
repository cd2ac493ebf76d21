// Walks.h - which reductions and writes of a block go in one walk, and the folds that result
#pragma once
#include "compiler/IR/Fc.h"

namespace fc::online {

/// Puts every use of a walked axis in `block`, and in the folds within it, into folds. `walks`: how
/// many walks over an axis the schedule allows, by axis name (1 where it says nothing). Errors are
/// reported.
mlir::LogicalResult makeFolds(mlir::Block &block, mlir::DictionaryAttr walks);

} // namespace fc::online
