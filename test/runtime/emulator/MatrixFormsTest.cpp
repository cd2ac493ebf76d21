// Forms of wmma and mma.sync that share their semantics with others (ptx/wmma.ptx, ptx/mma*.ptx
// have the vectors of those): every shape and layout of integers and bf16, accumulators of mixed
// types, and 8-bit floats with half the depth or half accumulators, against sums in 64 bits or
// float.
#include "runtime/emulator/Emulator.h"
#include "runtime/emulator/Half.h"
#include "runtime/emulator/MmaLayout.h"

#include <algorithm>
#include <bit>
#include <climits>
#include <cstring>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

namespace fc::emu {
namespace {

struct Shape {
  unsigned m, n, k;
  std::string text() const { return fmt::format("m{}n{}k{}", m, n, k); }
};
constexpr Shape shapes[] = {{16, 16, 16}, {32, 8, 16}, {8, 32, 16}};

using Bytes = std::vector<uint8_t>;

/// Runs a kernel of pointers a, b, c to filled buffers and d to one of `bytes`.
Bytes run(const std::string &ptx, Bytes a, Bytes b, Bytes c, size_t bytes, std::string &fault) {
  Report error;
  auto module = Module::load(ptx, "form.ptx", error);
  if (!module) {
    fault = error.text + "\n" + ptx;
    return {};
  }
  Bytes d(bytes, 0xcd);
  Launch launch;
  launch.entry = "k";
  launch.block = {32, 1, 1};
  launch.params.resize(32);
  launch.buffers = {{"a", a.data(), a.size(), true},
                    {"b", b.data(), b.size(), true},
                    {"c", c.data(), c.size(), true},
                    {"d", d.data(), d.size(), false}};
  launch.pointers = {{0, 0, 0}, {8, 1, 0}, {16, 2, 0}, {24, 3, 0}};
  Result result = launch.entry.empty() ? Result() : emu::launch(*module, launch);
  fault = result.ok ? "" : result.report.text;
  return d;
}

std::string registers(const char *name, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += fmt::format("{}%{}{}", i ? ", " : "", name, i);
  return text + "}";
}

const char *const head = ".version 8.7\n.target sm_89\n.address_size 64\n"
                         ".visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c, .param "
                         ".u64 d)\n{\n.reg .b32 %a<8>, %b<8>, %c<8>, %d<8>, %t;\n"
                         ".reg .b64 %p<5>, %o;\nld.param.u64 %p0, [a];\nld.param.u64 %p1, [b];\n"
                         "ld.param.u64 %p2, [c];\nld.param.u64 %p3, [d];\n";

/// Of lines so long: at least the 16 bytes that elements of 8 bits need.
unsigned strideOf(unsigned length) { return std::max(length, 16u); }

/// wmma.load, .mma, .store of one shape, layout and set of types.
std::string wmma(const Shape &shape, bool columnA, bool columnB, const std::string &in,
                 const std::string &typeC, const std::string &typeD, const std::string &tail) {
  unsigned bits = in == "f16" || in == "bf16" ? 16 : 8;
  // Fragments of f16 have eight registers whatever the shape.
  unsigned inA = in == "f16" ? 8 : shape.m * shape.k * bits / 1024;
  unsigned inB = in == "f16" ? 8 : shape.n * shape.k * bits / 1024;
  auto inAcc = [](const std::string &type) { return type == "f16" ? 4u : 8u; };
  const char *layout[] = {"row", "col"};
  std::string s = shape.text(),
              types = in == "f16" ? typeD + "." + typeC : typeD + "." + in + "." + in + "." + typeC;
  return head +
         fmt::format("wmma.load.a.sync.aligned.{}.{}.global.{} {}, [%p0], {};\n", layout[columnA],
                     s, in, registers("a", inA), strideOf(columnA ? shape.m : shape.k)) +
         fmt::format("wmma.load.b.sync.aligned.{}.{}.global.{} {}, [%p1], {};\n", layout[columnB],
                     s, in, registers("b", inB), strideOf(columnB ? shape.k : shape.n)) +
         fmt::format("wmma.load.c.sync.aligned.row.{}.global.{} {}, [%p2];\n", s, typeC,
                     registers("c", inAcc(typeC))) +
         fmt::format("wmma.mma.sync.aligned.{}.{}.{}.{}{} {}, {}, {}, {};\n", layout[columnA],
                     layout[columnB], s, types, tail, registers("d", inAcc(typeD)),
                     registers("a", inA), registers("b", inB), registers("c", inAcc(typeC))) +
         fmt::format("wmma.store.d.sync.aligned.row.{}.global.{} [%p3], {};\nret;\n}}\n", s, typeD,
                     registers("d", inAcc(typeD)));
}

template <class T> T at(const Bytes &bytes, size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}
template <class T> void put(Bytes &bytes, size_t index, T value) {
  std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
}

TEST(Wmma, IntegersOfEveryShapeAndLayout) {
  std::mt19937 random(1);
  for (const Shape &shape : shapes)
    for (unsigned layouts = 0; layouts < 4; ++layouts)
      for (bool isSigned : {false, true})
        for (bool saturate : {false, true}) {
          bool columnA = layouts & 1, columnB = layouts & 2;
          unsigned strideA = strideOf(columnA ? shape.m : shape.k);
          unsigned strideB = strideOf(columnB ? shape.k : shape.n);
          Bytes a(strideA * (columnA ? shape.k : shape.m)), c(shape.m * shape.n * 4);
          Bytes b(strideB * (columnB ? shape.n : shape.k));
          for (Bytes *bytes : {&a, &b})
            for (uint8_t &x : *bytes)
              x = uint8_t(random());
          for (size_t i = 0; i < c.size() / 4; ++i)
            put(c, i, int32_t(i % 3 ? int32_t(random() % 1000) : INT32_MAX - int32_t(i)));
          std::string fault;
          std::string type = isSigned ? "s8" : "u8";
          Bytes d =
              run(wmma(shape, columnA, columnB, type, "s32", "s32", saturate ? ".satfinite" : ""),
                  a, b, c, c.size(), fault);
          ASSERT_EQ(fault, "");
          auto element = [&](const Bytes &bytes, unsigned index) {
            return isSigned ? int64_t(int8_t(bytes[index])) : int64_t(bytes[index]);
          };
          for (unsigned i = 0; i < shape.m; ++i)
            for (unsigned j = 0; j < shape.n; ++j) {
              int64_t sum = at<int32_t>(c, i * shape.n + j);
              for (unsigned x = 0; x < shape.k; ++x)
                sum += element(a, columnA ? x * strideA + i : i * strideA + x) *
                       element(b, columnB ? j * strideB + x : x * strideB + j);
              int32_t want = saturate ? int32_t(std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX))
                                      : int32_t(uint32_t(uint64_t(sum)));
              ASSERT_EQ(at<int32_t>(d, i * shape.n + j), want)
                  << shape.text() << " " << type << " " << i << " " << j;
            }
        }
}

TEST(Wmma, FloatsOfEveryShapeAndAccumulator) {
  std::mt19937 random(2);
  for (const Shape &shape : shapes)
    for (auto [in, typeC, typeD] : {std::tuple{"bf16", "f32", "f32"},
                                    {"f16", "f32", "f32"},
                                    {"f16", "f16", "f32"},
                                    {"f16", "f32", "f16"},
                                    {"f16", "f16", "f16"}}) {
      bool brain = in == std::string("bf16");
      bool halfC = typeC == std::string("f16"), halfD = typeD == std::string("f16");
      Bytes a(shape.m * shape.k * 2), b(shape.k * shape.n * 2);
      Bytes c(shape.m * shape.n * (halfC ? 2 : 4));
      auto small = [&] { return float(int(random() % 9) - 4); };
      for (Bytes *bytes : {&a, &b})
        for (size_t i = 0; i < bytes->size() / 2; ++i)
          put(*bytes, i, brain ? toBfloat(small()) : toHalf(small()));
      for (size_t i = 0; i < size_t(shape.m) * shape.n; ++i)
        halfC ? put(c, i, toHalf(small())) : put(c, i, small());
      std::string fault;
      Bytes d = run(wmma(shape, false, true, in, typeC, typeD, ""), a, b, c,
                    size_t(shape.m) * shape.n * (halfD ? 2 : 4), fault);
      ASSERT_EQ(fault, "");
      auto value = [&](const Bytes &bytes, size_t i) {
        uint16_t bits = at<uint16_t>(bytes, i);
        return brain ? fromBfloat(bits) : fromHalf(bits);
      };
      for (unsigned i = 0; i < shape.m; ++i)
        for (unsigned j = 0; j < shape.n; ++j) {
          size_t index = size_t(i) * shape.n + j;
          float sum = halfC ? fromHalf(at<uint16_t>(c, index)) : at<float>(c, index);
          for (unsigned x = 0; x < shape.k; ++x)
            sum += value(a, i * shape.k + x) * value(b, j * shape.k + x);
          // Small integers: exact in every type.
          float seen = halfD ? fromHalf(at<uint16_t>(d, index)) : at<float>(d, index);
          ASSERT_EQ(seen, sum) << shape.text() << " " << in << " " << typeC << " " << typeD;
        }
    }
}

TEST(Mma, SmallFloatsWithHalfTheDepthOrHalfAccumulators) {
  // Small integers as e4m3: exact.
  auto encode = [](int v) -> uint8_t {
    constexpr uint8_t codes[] = {0x00, 0x38, 0x40, 0x44, 0x48};
    return uint8_t(codes[std::abs(v)] | (v < 0 ? 0x80 : 0));
  };
  std::mt19937 random(3);
  for (unsigned k : {16u, 32u})
    for (bool half : {false, true}) {
      unsigned inA = k / 8, inB = k / 16, inC = half ? 2 : 4;
      int A[16][32], B[32][8], C[16][8];
      Bytes a(inA * 128), b(inB * 128), c(inC * 128);
      for (auto &row : A)
        for (int &x : row)
          x = int(random() % 9) - 4;
      for (auto &row : B)
        for (int &x : row)
          x = int(random() % 9) - 4;
      for (auto &row : C)
        for (int &x : row)
          x = int(random() % 9) - 4;
      // Register r of lane l lies at byte (32 r + l) * 4.
      for (unsigned l = 0; l < 32; ++l) {
        for (unsigned i = 0; i < inA * 4; ++i)
          a[(i / 4 * 32 + l) * 4 + i % 4] = encode(A[mmaA(l, i, 8).row][mmaA(l, i, 8).column]);
        for (unsigned i = 0; i < inB * 4; ++i)
          b[(i / 4 * 32 + l) * 4 + i % 4] = encode(B[mmaB(l, i, 8).row][mmaB(l, i, 8).column]);
        for (unsigned i = 0; i < 4; ++i) {
          float value = float(C[mmaC(l, i).row][mmaC(l, i).column]);
          half ? put(c, (i / 2 * 32 + l) * 2 + i % 2, toHalf(value)) : put(c, i * 32 + l, value);
        }
      }
      std::string text = head + std::string("mov.u32 %t, %tid.x;\nmul.wide.u32 %o, %t, 4;\n"
                                            "add.s64 %p0, %p0, %o;\nadd.s64 %p1, %p1, %o;\n"
                                            "add.s64 %p2, %p2, %o;\nadd.s64 %p3, %p3, %o;\n");
      for (auto [name, count, pointer] : {std::tuple{'a', inA, 0}, {'b', inB, 1}, {'c', inC, 2}})
        for (unsigned r = 0; r < count; ++r)
          text += fmt::format("ld.global.b32 %{}{}, [%p{}+{}];\n", name, r, pointer, 128 * r);
      text += fmt::format("mma.sync.aligned.m16n8k{}.row.col.{}.e4m3.e4m3.{} {}, {}, {}, {};\n", k,
                          half ? "f16" : "f32", half ? "f16" : "f32", registers("d", inC),
                          registers("a", inA), registers("b", inB), registers("c", inC));
      for (unsigned r = 0; r < inC; ++r)
        text += fmt::format("st.global.b32 [%p3+{}], %d{};\n", 128 * r, r);
      std::string fault;
      Bytes d = run(text + "ret;\n}\n", a, b, c, inC * 128, fault);
      ASSERT_EQ(fault, "");
      for (unsigned l = 0; l < 32; ++l)
        for (unsigned i = 0; i < 4; ++i) {
          auto [row, column] = mmaC(l, i);
          int sum = C[row][column];
          for (unsigned x = 0; x < k; ++x)
            sum += A[row][x] * B[x][column];
          float seen = half ? fromHalf(at<uint16_t>(d, (i / 2 * 32 + l) * 2 + i % 2))
                            : at<float>(d, i * 32 + l);
          ASSERT_EQ(seen, float(sum)) << k << " " << half << " lane " << l << " " << i;
        }
    }
}

} // namespace
} // namespace fc::emu
