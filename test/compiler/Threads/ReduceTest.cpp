// ReduceTest.cpp - reductions within a thread, across lanes and across warps
#include "Bench.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace fc::test;
using fc::rt::Elem;

namespace {

/// y[i] = kind over j of x[i, j], an `I` x `J` tile in the given place.
std::string kernelText(const std::string &kind, const std::string &type, int I, int J, int warps,
                       const std::string &place, const std::string &slice) {
  std::string i = std::to_string(I), j = std::to_string(J),
              whole = "!fc.tile<" + type + ", [i: " + i + ", j: " + j + "], #P>",
              x = "!fc.tensor<" + type + ", [\"I\", \"J\"]>",
              y = "!fc.tensor<" + type + ", [\"I\"]>", ii = "!fc.tile<i32, [i: " + i + "], #I>",
              jj = "!fc.tile<i32, [j: " + j + "], #J>";
  return "#P = #fc.place<\"" + place + "\">\n#I = #fc.place<\"" + slice +
         "\">\n#J = #fc.place<\"v j:" + j + ":1\">\nfc.kernel @k(%x: " + x + ", %y: " + y +
         ") params [\"x\", \"y\"] outputs 1 schedule <warps = " + std::to_string(warps) +
         ", stages = 1> {\n" +
         "%n = fc.dim \"J\"\nfc.program (b in %n) {\n^bb0(%b: i32):\n  %c0 = arith.constant 0 : "
         "i32\n  %ii = fc.iota %c0 : " +
         ii + "\n  %jj = fc.iota %c0 : " + jj + "\n  %t = fc.read %x[%ii, %jj] : " + x + ", (" +
         ii + ", " + jj + ") -> " + whole + "\n  %r = fc.reduce " + kind +
         " over [\"j\"] %t : " + whole + " -> !fc.tile<" + type + ", [i: " + i + "], #I>\n" +
         "  fc.write %r to %y[%ii] : " + y + ", (" + ii + ") from !fc.tile<" + type + ", [i: " + i +
         "], #I>\n}\n}\n";
}

struct Case {
  const char *kind, *type;
  Elem elem;
  int I, J, warps;
  const char *place, *slice;
};

class Reduce : public testing::TestWithParam<Case> {};

TEST_P(Reduce, AgreesWithOneThread) {
  const Case &c = GetParam();
  Array x = Array::random(c.elem, {c.I, c.J}, 7), y = Array::make(c.elem, {c.I});
  ASSERT_EQ(run(kernelText(c.kind, c.type, c.I, c.J, c.warps, c.place, c.slice),
                {{{"x", &x}, {"y", &y}}, {{"J", 1}}, {}, 1}),
            "");
  std::string kind = c.kind;
  for (int i = 0; i < c.I; ++i) {
    double expected = x.at({i, 0});
    for (int j = 1; j < c.J; ++j) {
      double v = x.at({i, j});
      expected = kind == "sum"   ? expected + v
                 : kind == "max" ? std::max(expected, v)
                 : kind == "min" ? std::min(expected, v)
                 : kind == "any" ? double(expected || v)
                                 : double(expected && v);
    }
    EXPECT_NEAR(y.at({i}), expected, c.elem == Elem::F32 ? 1e-5 : 0) << i;
  }
}

const char *quads = "v j:4:1 i:2:8 | l j:4:4 i:8:1 | w i:4:16",
           *quadRows = "v i:2:8 | l _:4 i:8:1 | w i:4:16";
const char *oneWarp = "v j:2:1 i:8:1 | l j:32:2", *inOne = "v i:8:1";
const char *crossing = "v j:2:1 i:2:8 | l i:8:1 j:4:2 | w j:4:8",
           *crossingRows = "v i:2:8 | l i:8:1";
const char *mixed = "v j:3:1 | l j:2:3 i:4:1 | w i:2:4 j:2:6",
           *mixedRows = "v | l _:2 i:4:1 | w i:2:4";

INSTANTIATE_TEST_SUITE_P(
    Places, Reduce,
    testing::Values(Case{"sum", "f32", Elem::F32, 64, 16, 4, quads, quadRows},
                    Case{"max", "f32", Elem::F32, 64, 16, 4, quads, quadRows},
                    Case{"min", "f32", Elem::F32, 64, 16, 4, quads, quadRows},
                    Case{"sum", "i32", Elem::I32, 64, 16, 4, quads, quadRows},
                    Case{"max", "i64", Elem::I64, 64, 16, 4, quads, quadRows},
                    Case{"sum", "i64", Elem::I64, 8, 64, 2, oneWarp, inOne},
                    Case{"any", "i1", Elem::Bool, 64, 16, 4, quads, quadRows},
                    Case{"all", "i1", Elem::Bool, 8, 64, 1, oneWarp, inOne},
                    Case{"sum", "f32", Elem::F32, 8, 64, 4, oneWarp, inOne},
                    Case{"sum", "f32", Elem::F32, 16, 32, 4, crossing, crossingRows},
                    Case{"max", "f32", Elem::F32, 16, 32, 4, crossing, crossingRows},
                    Case{"any", "i1", Elem::Bool, 16, 32, 4, crossing, crossingRows},
                    Case{"min", "i64", Elem::I64, 16, 32, 4, crossing, crossingRows},
                    Case{"sum", "f32", Elem::F32, 8, 12, 4, mixed, mixedRows}));

} // namespace
