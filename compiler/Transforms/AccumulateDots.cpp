// AccumulateDots.cpp - a product added to a carried state is accumulated upon it
//
// A loop written by hand says acc = c * acc + dot(p, v). As two tiles, the product and the sum need
// the registers of a second accumulator and an addition an element; tensor cores and FMAs add to an
// accumulator for nothing. The folds that fc-fuse-online-softmax makes have that form already.
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_ACCUMULATEDOTS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// `map`'s result x + y, where y is a product that nothing else reads: the product with x as its
/// accumulator, in the place of the map. Null, and nothing changed, where it is no such map.
DotOp accumulate(MapOp map) {
  if (map.getNumResults() != 1)
    return nullptr;
  auto add = map.yield().getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || !add->hasOneUse())
    return nullptr;
  for (auto [product, rest] :
       {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())}) {
    auto argument = dyn_cast<BlockArgument>(product);
    if (!argument || argument.getOwner() != &map.getBody().front() || !argument.hasOneUse())
      continue;
    auto dot = map.getIns()[argument.getArgNumber()].getDefiningOp<DotOp>();
    if (!dot || dot.getAcc() || !dot->hasOneUse() || dot->getBlock() != map->getBlock() ||
        dot.getOut().getType() != map.getResult(0).getType())
      continue;
    OpBuilder builder(map->getBlock(), std::next(map->getIterator()));
    unsigned number = argument.getArgNumber();
    map.yield()->setOperand(0, rest);
    add->erase();
    map.getBody().front().eraseArgument(number);
    map->eraseOperand(number);
    auto sum = DotOp::create(builder, dot.getLoc(), dot.getOut().getType(), dot.getAxes(),
                             dot.getA(), dot.getB(), map.getResult(0), dot.getByAttr());
    map.getResult(0).replaceAllUsesExcept(sum.getOut(), sum);
    dot->erase();
    // Nothing is left to be done to what is accumulated upon.
    auto same = dyn_cast<BlockArgument>(rest);
    if (same && map.getIns()[same.getArgNumber()].getType() == sum.getOut().getType()) {
      sum.getAccMutable().assign(map.getIns()[same.getArgNumber()]);
      map->erase();
    }
    return sum;
  }
  return nullptr;
}

struct AccumulateDots : impl::AccumulateDotsBase<AccumulateDots> {
  void runOnOperation() override {
    getOperation().walk([](FoldOp fold) {
      for (Value next : fold.yield().getValues())
        // A sum of several products is one accumulator, too.
        for (auto map = next.getDefiningOp<MapOp>();
             map && map->getBlock() == &fold.getBody().front();) {
          DotOp dot = accumulate(map);
          map = dot ? dot.getAcc().getDefiningOp<MapOp>() : nullptr;
        }
    });
  }
};

} // namespace
} // namespace fc
