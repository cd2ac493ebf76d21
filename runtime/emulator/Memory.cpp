// Memory.cpp - ld, st, prefetch, createpolicy.
#include "runtime/emulator/Access.h"
#include "runtime/emulator/Decoder.h"

#include <cstring>
#include <fmt/format.h>

namespace fc::emu {

using ptx::Space;
using ptx::Type;

namespace {

// aux: state space in bits 0-3, strong 4, destination or source registers of 64 bits 5,
// release 6, first look 7
Space spaceOf(const Inst &inst) { return Space(inst.aux & 15); }

template <class Element, bool Signed> uint64_t readElement(const uint8_t *p) {
  Element value;
  std::memcpy(&value, p, sizeof value);
  if constexpr (Signed)
    return uint64_t(int64_t(std::make_signed_t<Element>(value)));
  else
    return value;
}

template <class Element, bool Signed> void load(Warp &warp, const Inst &inst, uint32_t mask) {
  unsigned n = inst.count;
  Access access{warp, inst, mask, spaceOf(inst), unsigned(sizeof(Element) * n), false};
  access.quiet = inst.aux & 128;
  access.strong = access.quiet || inst.aux & 16;
  access.computeAddresses(n);
  access.resolve();
  bool wide = inst.aux & 32;
  for (unsigned k = 0; k < n; ++k) {
    if (wide) {
      uint64_t *d = warp.wide(inst.op[k]);
      for (uint32_t m = mask; m; m &= m - 1) {
        unsigned l = unsigned(__builtin_ctz(m));
        d[l] = readElement<Element, Signed>(access.host[l] + k * sizeof(Element));
      }
    } else {
      uint32_t *d = warp.word(inst.op[k]);
      for (uint32_t m = mask; m; m &= m - 1) {
        unsigned l = unsigned(__builtin_ctz(m));
        d[l] = uint32_t(readElement<Element, Signed>(access.host[l] + k * sizeof(Element)));
      }
    }
  }
}

template <class Element> void store(Warp &warp, const Inst &inst, uint32_t mask) {
  unsigned n = inst.count;
  Access access{warp, inst, mask, spaceOf(inst), unsigned(sizeof(Element) * n), true};
  access.strong = inst.aux & 16;
  access.releases = inst.aux & 64;
  access.computeAddresses(0);
  access.resolve();
  bool wide = inst.aux & 32;
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    for (unsigned k = 0; k < n; ++k) {
      Element value =
          wide ? Element(warp.wide(inst.op[1 + k])[l]) : Element(warp.word(inst.op[1 + k])[l]);
      std::memcpy(access.host[l] + k * sizeof(Element), &value, sizeof value);
    }
  }
  if (!access.overlaps) [[likely]]
    return;
  // Lanes that store to one place have to store the same; the last one won above.
  for (uint32_t m = mask; m; m &= m - 1) {
    unsigned l = unsigned(__builtin_ctz(m));
    for (unsigned k = 0; k < n; ++k) {
      Element value =
          wide ? Element(warp.wide(inst.op[1 + k])[l]) : Element(warp.word(inst.op[1 + k])[l]);
      if (std::memcmp(access.host[l] + k * sizeof(Element), &value, sizeof value) != 0)
        throw Fault{"RACE-WAW",
                    fmt::format("lanes of the warp store different values to {} address 0x{:x}",
                                access.shared() ? "shared" : "global", access.address[l]),
                    "of stores by one instruction to the same bytes, one wins, and which is not "
                    "defined",
                    int(l), ""};
    }
  }
}

/// A parameter, by far the most common load of all lanes from one place.
void loadParam(Warp &warp, const Inst &inst, uint32_t mask) {
  Access access{warp, inst, mask & -mask, Space::Param, inst.aux >> 8, false};
  access.computeAddresses(1);
  access.resolve();
  const uint8_t *from = access.host[__builtin_ctz(mask)];
  if (inst.aux >> 8 == 8) {
    uint64_t value;
    std::memcpy(&value, from, 8);
    for (unsigned l = 0; l < warpSize; ++l)
      warp.wide(inst.op[0])[l] = mask >> l & 1 ? value : warp.wide(inst.op[0])[l];
  } else {
    uint32_t value;
    std::memcpy(&value, from, 4);
    for (unsigned l = 0; l < warpSize; ++l)
      warp.word(inst.op[0])[l] = mask >> l & 1 ? value : warp.word(inst.op[0])[l];
  }
}

void nothing(Warp &, const Inst &, uint32_t) {}

/// A cache policy means nothing here; its register gets a value, so that it counts as written.
void createPolicy(Warp &warp, const Inst &inst, uint32_t mask) {
  for (uint32_t m = mask; m; m &= m - 1)
    warp.wide(inst.op[0])[__builtin_ctz(m)] = 0;
}

} // namespace

bool bindMemory(const Match &match, Inst &inst) {
  if (match.form.op == Op::op_prefetch) {
    inst.run = nothing;
    inst.cls = Class::Global;
    return true;
  }
  if (match.form.op == Op::op_createpolicy) {
    inst.run = createPolicy;
    return true;
  }
  Space space = match.space();
  inst.cls = classOf(space);
  bool isLoad = match.form.op == Op::op_ld;
  unsigned bits = ptx::bitsOf(match.type());
  // The registers may be wider than what is loaded or stored.
  unsigned registerBits = isLoad ? match.destBits : match.sourceBits;
  bool strong =
      match.has("volatile") || match.has("relaxed") || match.has("acquire") || match.has("release");
  inst.aux = uint32_t(space) | (strong ? 16 : 0) | (registerBits == 64 ? 32 : 0) |
             (match.has("release") ? 64 : 0) | (match.firstLook && !strong ? 128 : 0);
  if (isLoad) {
    if (space == Space::Param && inst.count == 1 && bits == registerBits && bits >= 32) {
      inst.aux |= bits / 8 << 8;
      inst.run = loadParam;
      return true;
    }
    bool sign = ptx::isSigned(match.type());
    switch (bits) {
    case 8:
      inst.run = sign ? load<uint8_t, true> : load<uint8_t, false>;
      break;
    case 16:
      inst.run = sign ? load<uint16_t, true> : load<uint16_t, false>;
      break;
    case 32:
      inst.run = sign ? load<uint32_t, true> : load<uint32_t, false>;
      break;
    default:
      inst.run = load<uint64_t, false>;
      break;
    }
    return true;
  }
  switch (bits) {
  case 8:
    inst.run = store<uint8_t>;
    break;
  case 16:
    inst.run = store<uint16_t>;
    break;
  case 32:
    inst.run = store<uint32_t>;
    break;
  default:
    inst.run = store<uint64_t>;
    break;
  }
  return true;
}

Class classOf(Space space) {
  switch (space) {
  case Space::Shared:
    return Class::Shared;
  case Space::Local:
    return Class::Local;
  case Space::Const:
  case Space::Param:
    return Class::Const;
  default:
    return Class::Global;
  }
}

} // namespace fc::emu
