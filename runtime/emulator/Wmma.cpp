// Wmma.cpp - wmma.load, wmma.mma, wmma.store: matrices whose spread over the warp is nobody's
// business.
//
// The ISA leaves open which lane holds what, so fragments here are simply dealt out in order, and
// differently from the hardware: a kernel that relies on a layout computes nonsense. Fragments that
// have more places than elements hold them several times over.
#include "runtime/emulator/Access.h"
#include "runtime/emulator/Decoder.h"
#include "runtime/emulator/Half.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <fmt/format.h>

namespace fc::emu {

using ptx::Space;
using ptx::Type;

namespace {

constexpr unsigned mostElements = 16 * 32;

// aux: m 0-5, n 6-11, k 12-17, operand 18-19 (0 a, 1 b, 2 c or d), column-major 20, generic 21,
// global 22, a stride is given 23; of mma: type of a and b 24-31. imm of load and store: bits of an
// element; of mma: bits of c 0-7, bits of d 8-15, registers of a 16-23, of b 24-31, saturate 32
struct Shape {
  uint32_t aux;
  unsigned m() const { return aux & 63; }
  unsigned n() const { return aux >> 6 & 63; }
  unsigned k() const { return aux >> 12 & 63; }
  unsigned operand() const { return aux >> 18 & 3; }
  bool columnMajor() const { return aux >> 20 & 1; }
  Space space() const {
    return aux >> 21 & 1 ? Space::Generic : aux >> 22 & 1 ? Space::Global : Space::Shared;
  }
  bool strided() const { return aux >> 23 & 1; }
  unsigned rows() const { return operand() == 1 ? k() : m(); }
  unsigned columns() const { return operand() == 0 ? k() : n(); }
};

void checkWhole(uint32_t mask) {
  if (mask != allLanes)
    throw Fault{"ALIGNED-DIVERGENT", fmt::format("only lanes 0x{:08x} execute this", mask),
                "all 32 lanes of the warp have to execute a matrix instruction", -1, ""};
}

/// Elements of a fragment in matrix order, row by row.
void readFragment(Warp &warp, const uint16_t *op, unsigned registers, unsigned bits, unsigned count,
                  uint32_t *elements) {
  unsigned perRegister = 32 / bits;
  uint32_t mask = bits == 32 ? ~0u : (1u << bits) - 1;
  for (unsigned r = 0; r < registers; ++r)
    for (unsigned h = 0; h < perRegister; ++h)
      for (unsigned l = 0; l < warpSize; ++l)
        elements[((r * perRegister + h) * warpSize + l) % count] =
            warp.word(op[r])[l] >> (bits * h) & mask;
}
void writeFragment(Warp &warp, const uint16_t *op, unsigned registers, unsigned bits,
                   unsigned count, const uint32_t *elements) {
  unsigned perRegister = 32 / bits;
  for (unsigned r = 0; r < registers; ++r)
    for (unsigned l = 0; l < warpSize; ++l) {
      uint32_t word = 0;
      for (unsigned h = 0; h < perRegister; ++h)
        word |= elements[((r * perRegister + h) * warpSize + l) % count] << (bits * h);
      warp.word(op[r])[l] = word;
    }
}

uint32_t uniform(Warp &warp, uint16_t unit, std::string_view what) {
  const uint32_t *words = warp.word(unit);
  for (unsigned l = 1; l < warpSize; ++l)
    if (words[l] != words[0])
      throw Fault{"ALIGNED-DIVERGENT", fmt::format("lanes give different {}", what),
                  "the lanes of the warp have to agree on the operands of `wmma`", int(l), ""};
  return words[0];
}

/// Moves a matrix between memory and `elements` in chunks of at most 16 bytes, one a lane.
void transfer(Warp &warp, const Inst &inst, unsigned memoryOperand, uint16_t strideUnit,
              unsigned bits, bool write, uint32_t *elements) {
  Shape shape{inst.aux};
  unsigned rows = shape.rows(), columns = shape.columns(), bytes = bits / 8;
  unsigned lines = shape.columnMajor() ? columns : rows,
           length = shape.columnMajor() ? rows : columns;
  uint64_t stride = shape.strided() ? uniform(warp, strideUnit, "strides") : length;
  if (stride * bytes % 16)
    throw Fault{"MISALIGN", fmt::format("a stride of {} elements of {} bytes", stride, bytes),
                "the stride of `wmma` has to be a multiple of 16 bytes", -1, ""};
  unsigned chunkBytes = std::min(16u, length * bytes), perChunk = chunkBytes / bytes;
  unsigned perLine = length / perChunk, chunks = lines * perLine;
  auto index = [&](unsigned line, unsigned at) {
    return shape.columnMajor() ? at * columns + line : line * columns + at;
  };
  for (unsigned first = 0; first < chunks; first += warpSize) {
    unsigned lanes = std::min(chunks - first, warpSize);
    Access access{warp,          inst,       lanes == warpSize ? allLanes : (1u << lanes) - 1,
                  shape.space(), chunkBytes, write};
    access.computeAddresses(memoryOperand);
    uint64_t base = access.address[0];
    for (unsigned l = 0; l < lanes; ++l) {
      if (access.address[l] != base)
        throw Fault{"ALIGNED-DIVERGENT", "lanes give different addresses",
                    "the lanes of the warp have to agree on the operands of `wmma`", int(l), ""};
    }
    for (unsigned l = 0; l < lanes; ++l) {
      unsigned chunk = first + l;
      access.address[l] = base + (chunk / perLine) * stride * bytes + chunk % perLine * chunkBytes;
    }
    access.resolve();
    for (unsigned l = 0; l < lanes; ++l) {
      unsigned chunk = first + l, line = chunk / perLine, at = chunk % perLine * perChunk;
      for (unsigned i = 0; i < perChunk; ++i) {
        uint32_t &element = elements[index(line, at + i)];
        if (write) {
          std::memcpy(access.host[l] + i * bytes, &element, bytes);
        } else {
          element = 0;
          std::memcpy(&element, access.host[l] + i * bytes, bytes);
        }
      }
    }
  }
}

void load(Warp &warp, const Inst &inst, uint32_t mask) {
  checkWhole(mask);
  Shape shape{inst.aux};
  unsigned bits = unsigned(inst.imm), registers = inst.count;
  uint32_t elements[mostElements];
  transfer(warp, inst, registers, inst.op[registers + 1], bits, false, elements);
  writeFragment(warp, inst.op, registers, bits, shape.rows() * shape.columns(), elements);
}

void store(Warp &warp, const Inst &inst, uint32_t mask) {
  checkWhole(mask);
  Shape shape{inst.aux};
  unsigned bits = unsigned(inst.imm), registers = inst.count;
  uint32_t elements[mostElements];
  readFragment(warp, inst.op + 1, registers, bits, shape.rows() * shape.columns(), elements);
  transfer(warp, inst, 0, inst.op[registers + 1], bits, true, elements);
}

float decode(Type type, uint32_t bits) {
  return type == Type::F16    ? fromHalf(uint16_t(bits))
         : type == Type::BF16 ? fromBfloat(uint16_t(bits))
                              : std::bit_cast<float>(bits & 0xffffe000u);
}

int32_t decodeInt(Type type, uint32_t bits) {
  return type == Type::S8 ? int32_t(int8_t(bits)) : int32_t(uint8_t(bits));
}

/// d = a b + c over the elements; `Sum` is float, or int64_t for integers.
template <class Sum, class Decode, class Start, class Finish>
uint64_t multiplyElements(Shape shape, const uint32_t *a, const uint32_t *b, uint32_t *c,
                          Decode decode, Start start, Finish finish) {
  unsigned m = shape.m(), n = shape.n(), k = shape.k();
  uint64_t useful = 0;
  for (unsigned i = 0; i < m; ++i)
    for (unsigned j = 0; j < n; ++j) {
      Sum sum = start(c[i * n + j]);
      for (unsigned x = 0; x < k; ++x) {
        Sum p = decode(a[i * k + x]), q = decode(b[x * n + j]);
        sum += p * q;
        useful += p != 0 && q != 0;
      }
      c[i * n + j] = finish(sum);
    }
  return useful;
}

void multiply(Warp &warp, const Inst &inst, uint32_t mask) {
  checkWhole(mask);
  Shape shape{inst.aux};
  unsigned m = shape.m(), n = shape.n(), k = shape.k();
  Type type = Type(inst.aux >> 24);
  bool integers = type == Type::S8 || type == Type::U8;
  unsigned bits = type == Type::TF32 ? 32 : ptx::bitsOf(type);
  unsigned bitsC = inst.imm & 0xff, bitsD = inst.imm >> 8 & 0xff;
  unsigned inA = inst.imm >> 16 & 0xff, inB = inst.imm >> 24 & 0xff, inC = bitsC / 4,
           inD = bitsD / 4;
  uint32_t a[mostElements], b[mostElements], c[mostElements];
  readFragment(warp, inst.op + inD, inA, bits, m * k, a);
  readFragment(warp, inst.op + inD + inA, inB, bits, k * n, b);
  readFragment(warp, inst.op + inD + inA + inB, inC, bitsC, m * n, c);
  uint64_t useful;
  if (integers) {
    bool saturate = inst.imm >> 32 & 1;
    useful = multiplyElements<int64_t>(
        shape, a, b, c, [=](uint32_t x) { return decodeInt(type, x); },
        [](uint32_t x) { return int32_t(x); },
        [=](int64_t sum) {
          return uint32_t(saturate ? std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX) : sum);
        });
  } else {
    useful = multiplyElements<float>(
        shape, a, b, c, [=](uint32_t x) { return decode(type, x); },
        [=](uint32_t x) { return bitsC == 16 ? fromHalf(uint16_t(x)) : std::bit_cast<float>(x); },
        [=](float sum) {
          return bitsD == 16 ? toHalf(sum) : std::bit_cast<uint32_t>(canonical(sum));
        });
  }
  writeFragment(warp, inst.op, inD, bitsD, m * n, c);
  warp.countMatrix(uint64_t(2) * m * n * k, 2 * useful);
}

uint32_t sizesOf(std::string_view shape) {
  if (shape == "m16n16k16")
    return 16 | 16 << 6 | 16 << 12;
  if (shape == "m32n8k16")
    return 32 | 8 << 6 | 16 << 12;
  if (shape == "m8n32k16")
    return 8 | 32 << 6 | 16 << 12;
  return 16 | 16 << 6 | 8 << 12; // m16n16k8
}

} // namespace

bool bindWmma(const Match &match, Inst &inst) {
  inst.kind = Kind::Aligned;
  const auto &words = match.words;
  if (words[0] == "mma") {
    bool named = match.types.size() == 4; // otherwise those of f16 are left out
    Type input = named ? match.types[1] : Type::F16;
    Type d = match.types[0], c = match.types.back();
    inst.aux = sizesOf(words[5]) | uint32_t(input) << 24;
    inst.imm = int64_t(ptx::bitsOf(c)) | int64_t(ptx::bitsOf(d)) << 8 |
               int64_t(match.form.operands[1].vector) << 16 |
               int64_t(match.form.operands[2].vector) << 24 | int64_t(match.has("satfinite")) << 32;
    inst.run = multiply;
    return true;
  }
  uint32_t operand = words[1] == "a" ? 0 : words[1] == "b" ? 1 : 2;
  inst.aux = sizesOf(words[5]) | operand << 18 | uint32_t(words[4] == "col") << 20 |
             uint32_t(match.space() == Space::Generic) << 21 |
             uint32_t(match.space() == Space::Global) << 22 |
             uint32_t(match.source.operands.size() == 3) << 23;
  inst.imm = ptx::bitsOf(match.type());
  inst.run = words[0] == "load" ? load : store;
  return true;
}

} // namespace fc::emu
