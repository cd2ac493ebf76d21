// MapWmma.cpp - which products are by tensor cores, and which of their operands gives the rows
//
// mma.sync multiplies A[16 x 16] by B[16 x 8] (PTX ISA, "mma.m16n8k16"). Operands have no order by
// themselves (axes have names), so the one with the result's row becomes A: the row is what lies on
// warps, and statistics of it stay where they are.
#include "compiler/IR/PlaceRules.h"
#include "compiler/Transforms/Passes.h"

using namespace mlir;

namespace fc {
#define GEN_PASS_DEF_MAPWMMA
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// Why the instruction cannot do this product; empty if it can.
std::string obstacle(DotOp dot, const PlaceRules &rules) {
  auto a = dyn_cast<TileType>(dot.getA().getType()), b = dyn_cast<TileType>(dot.getB().getType());
  auto result = dyn_cast<TileType>(dot.getOut().getType());
  if (!a || !b || !result)
    return "an operand has no axes";
  if (!a.getElement().isF16() && !a.getElement().isBF16())
    return "its operands are neither f16 nor bf16";
  if (dot.getAxes().size() != 1 || wholeAxesOf(a).size() != 2 || wholeAxesOf(b).size() != 2 ||
      wholeAxesOf(result).size() != 2)
    return "its operands are not both over the contracted axis and one of their own";
  auto axes = rules.ranked(result.axisSizes());
  if (axes.size() != 2 || axes[0].second % 16 != 0)
    return "its rows are no multiple of 16";
  if (axes[1].second % 8 != 0)
    return "its columns are no multiple of 8";
  if (a.size(cast<StringAttr>(dot.getAxes()[0]).getValue()) % 8 != 0)
    return "its contracted points are no multiple of 8";
  return "";
}

struct MapWmma : impl::MapWmmaBase<MapWmma> {
  using Base::Base;
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    PlaceRules rules(kernel, kernel.getSchedule()->getWarps(), kernel.getSchedule()->getParts(),
                     [](Type type) { return axesOf(type); });
    kernel.walk([&](DotOp dot) {
      if (dot.getBy())
        return;
      if (std::string why = obstacle(dot, rules); !why.empty()) {
        dot.emitRemark("product is by `fma`, not by tensor cores: ") << why;
        dot.setBy("fma");
        return;
      }
      StringAttr row = rules.ranked(axesOf(dot.getOut().getType()))[0].first;
      if (Value a = dot.getA(), b = dot.getB(); !cast<TileType>(a.getType()).has(row.getValue())) {
        dot->setOperand(0, b);
        dot->setOperand(1, a);
      }
      dot.setBy("mma.m16n8k16");
    });
  }
};

} // namespace
} // namespace fc
