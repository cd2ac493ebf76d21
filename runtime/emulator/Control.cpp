// Control.cpp - bra, brx.idx, ret, exit, trap. The run loop does the moving.
#include "runtime/emulator/Decoder.h"

namespace fc::emu {

namespace {
void trap(Warp &, const Inst &, uint32_t mask) {
  throw Fault{"TRAP", "the kernel trapped", "`trap` ends the kernel with an error",
              __builtin_ctz(mask), ""};
}
} // namespace

bool bindControl(const Match &match, Inst &inst) {
  switch (match.form.op) {
  case Op::op_bra:
    inst.kind = Kind::Branch;
    // A guarded `.uni` claims that the guard is the same in all active lanes.
    inst.aux = match.has("uni");
    return true;
  case Op::op_brx:
    inst.kind = Kind::BranchIndexed;
    return true;
  case Op::op_ret:
  case Op::op_exit:
    inst.kind = Kind::Exit;
    return true;
  case Op::op_trap:
    inst.run = trap;
    return true;
  default:
    return false;
  }
}

} // namespace fc::emu
