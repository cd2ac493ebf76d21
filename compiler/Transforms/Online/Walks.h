// Walks.h - which reductions and writes of a block go in one walk, and the folds that result
#pragma once
#include "compiler/Transforms/Online/Derive.h"

namespace fc::online {

/// Is told what is derived, for `--explain`.
struct WalkListener {
  virtual ~WalkListener() = default;
  /// A reduction begins another walk: `refusal` says why the walk that was there cannot take it.
  virtual void anotherWalk(mlir::Operation *reduction, const Refusal &refusal) {}
  /// A walk over `axes` that is about to become a fold; nothing of the block has changed yet.
  virtual void walk(Graph &graph, const Derivation &derivation, llvm::ArrayRef<AxisOp> axes,
                    llvm::ArrayRef<unsigned> reductions, llvm::ArrayRef<WriteOp> writes) {}
};

/// Puts every use of a walked axis in `block`, and in the folds within it, into folds. `walks`: how
/// many walks over an axis the schedule allows, by axis name (1 where it says nothing). Errors are
/// reported.
mlir::LogicalResult makeFolds(mlir::Block &block, mlir::DictionaryAttr walks,
                              WalkListener *listener = nullptr);

} // namespace fc::online
