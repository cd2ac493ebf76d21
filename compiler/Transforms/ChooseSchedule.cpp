// ChooseSchedule.cpp - declared; its work is added with its tests
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace fc {
#define GEN_PASS_DEF_CHOOSESCHEDULE
#include "compiler/Transforms/Passes.h.inc"

namespace {
struct ChooseSchedule : impl::ChooseScheduleBase<ChooseSchedule> {
  using Base::Base;
  void runOnOperation() override {
    getOperation()->emitError("this build has no ChooseSchedule");
    signalPassFailure();
  }
};
} // namespace
} // namespace fc
