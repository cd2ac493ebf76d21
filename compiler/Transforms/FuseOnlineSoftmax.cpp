// FuseOnlineSoftmax.cpp - every chain of reductions over a walked axis as a fold with a carried
// state
//
// Before: softmax as the text has it, over an axis that is as long as it is:
//           m = max[j] s;  l = sum[j] exp(s - m);  o = dot[j](exp(s - m) / l, v)
// After:  one walk over j, a tile at a time, that carries (m, l, acc), and a division behind it:
//           m' = max(m, max[j] s);  c = exp(m - m')
//           l' = c l + sum[j] exp(s - m');  acc' = c acc + dot[j](exp(s - m'), v);  o = acc / l
//
// Nothing is recognised by name. The formula is read as a graph of scalars (Online/Graph), each
// reduction's body brought to a normal form (Online/NormalForm), from which follows what leaves the
// sum, what is carried and how it is corrected (Online/Derive); the same corrections are the loop's
// and the merge's (Online/Emit). Online/Walks decides what goes in one walk.
//
// Relies on: canonical, deduplicated fc (equal scores are one value).
// Refuses:   a reduction that depends on an earlier one in a way that does not factor out, unless
// the kernel's
//            `fc.walks` allows another walk (diagnosed, with the dependence).
// Numerics:  sums are reassociated; a row without points gives maximum -inf and sums 0, as in the
// text.
#include "compiler/Transforms/Online/Walks.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_FUSEONLINESOFTMAX
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// Moves what is wanted behind a walk only to its end: tiles of several axes would take registers
/// all along it (a gate that the output is multiplied by).
void sinkBehindWalks(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    bool large =
        llvm::any_of(op.getResultTypes(), [](Type type) { return axesOf(type).size() > 1; });
    if (!large || op.use_empty() || !isa<ReadOp, MapOp>(op))
      continue;
    Operation *first = nullptr;
    for (Operation *user : op.getUsers())
      if (Operation *here = block.findAncestorOpInBlock(*user);
          !first || here->isBeforeInBlock(first))
        first = here;
    FoldOp last;
    for (Operation *each = op.getNextNode(); each != first; each = each->getNextNode())
      if (auto fold = dyn_cast<FoldOp>(each))
        last = fold;
    if (last)
      op.moveAfter(last);
  }
}

struct FuseOnlineSoftmax : impl::FuseOnlineSoftmaxBase<FuseOnlineSoftmax> {
  using Base::Base;

  void runOnOperation() override {
    KernelOp kernel = getOperation();
    ProgramOp program = kernel.program();
    if (!program)
      return;
    auto walks = kernel->getAttrOfType<DictionaryAttr>("fc.walks");
    if (failed(online::makeFolds(program.getBody().front(), walks)))
      return signalPassFailure();
    kernel->removeAttr("fc.walks");
    sinkBehindWalks(program.getBody().front());
    kernel->walk([&](AxisOp axis) {
      if (axis.getSize() || axis->use_empty())
        return;
      Operation *user = *axis->user_begin();
      user->emitError("uses axis `") << axis.axis() << "` outside any reduction or store over it";
      signalPassFailure();
    });
  }
};

} // namespace
} // namespace fc
