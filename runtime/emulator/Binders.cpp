// Binders.cpp - the binders of one instruction set of the host; compiled once for each (Isa.h).
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Isa.h"

namespace fc::emu {

FC_ISA_BEGIN
bool bindIntArith(const Match &match, Inst &inst);
bool bindFloatArith(const Match &match, Inst &inst);
bool bindSpecial(const Match &match, Inst &inst);
bool bindBits(const Match &match, Inst &inst);
bool bindCompare(const Match &match, Inst &inst);
bool bindConvert(const Match &match, Inst &inst);
bool bindMma(const Match &match, Inst &inst);

namespace {
bool bindArith(const Match &match, Inst &inst) {
  return ptx::isInteger(match.type()) ? bindIntArith(match, inst) : bindFloatArith(match, inst);
}
} // namespace

extern const Binders binders;
const Binders binders = {bindArith, bindSpecial, bindBits, bindCompare, bindConvert, bindMma};
FC_ISA_END

#if !defined(FC_ISA_V3)
#if defined(FC_HAVE_ISA_V3)
namespace isaV3 {
extern const Binders binders;
}
#endif

const Binders &hostBinders() {
#if defined(FC_HAVE_ISA_V3)
  static const bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                           __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
  return wide ? isaV3::binders : isaBase::binders;
#else
  return isaBase::binders;
#endif
}
#endif

} // namespace fc::emu
