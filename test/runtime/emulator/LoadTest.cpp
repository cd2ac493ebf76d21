// Texts that are no PTX, or none that the emulator knows: one clear message each, never a crash.
#include "runtime/emulator/Emulator.h"

#include <cstring>
#include <gtest/gtest.h>

namespace fc::emu {
namespace {

const std::string head = ".version 8.0\n.target sm_80\n.address_size 64\n";

std::string errorOf(const std::string &text) {
  Report error;
  return Module::load(text, "bad.ptx", error) ? "loaded" : error.text;
}
std::string errorIn(const std::string &body, const std::string &params = "") {
  return errorOf(head + ".visible .entry k(" + params + ")\n{\n  .reg .pred %p<4>;\n" +
                 "  .reg .b32 %r<4>;\n  .reg .b64 %d<4>;\n" + body + "\n}\n");
}

TEST(Load, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(errorOf(""), "bad.ptx:1: error: a module starts with `.version`, found the end of the "
                         "text [PARSE]");
  EXPECT_EQ(errorOf(".version 8.0\n.target gfx90a\n"),
            "bad.ptx:2: error: target `gfx90a` is not known; expected `sm_NN` [PARSE]");
  EXPECT_EQ(errorIn("  frobnicate.s32 %r1, %r2;"),
            "bad.ptx:9: error: instruction `frobnicate.s32` is not known [PARSE]");
  EXPECT_EQ(errorIn("  add.f17 %r1, %r2, %r3;"),
            "bad.ptx:9: error: `add.f17` is no known form of `add` [PARSE]");
  EXPECT_EQ(errorIn("  add.s64 %d1, %d2, %r3;"),
            "bad.ptx:9: error: `%r3` is .b32, `add.s64` takes .s64 here [PARSE]");
  EXPECT_EQ(errorIn("  add.s32 %r1, %r2;"),
            "bad.ptx:9: error: `add.s32` takes 3 operands, here are 2 [PARSE]");
  EXPECT_EQ(errorIn("  add.s32 %r1, %r2, %q3;"),
            "bad.ptx:9: error: register `%q3` is not declared [PARSE]");
  EXPECT_EQ(errorIn("  bra nowhere;"), "bad.ptx:9: error: label `nowhere` is not defined [PARSE]");
  EXPECT_EQ(errorIn("  call foo;"),
            "bad.ptx:9: error: `foo` is called and has no body in this module [PARSE]");
  EXPECT_EQ(errorIn("  call (x), foo;"),
            "bad.ptx:9: error: `x` is no `.param` variable of this body [PARSE]");
  EXPECT_EQ(errorIn("  @%p1 call foo;"),
            "bad.ptx:9: error: a `call` under a predicate is not supported [PARSE]");
  EXPECT_EQ(
      errorOf(head + ".func f()\n{\n  call f;\n}\n.entry k()\n{\n  call f;\n}\n"),
      "bad.ptx:6: error: `f` is called more than 64 deep; recursion is not supported [PARSE]");
  EXPECT_EQ(errorOf(head + ".func f()\n{\n  .bogus;\n}\n.entry k()\n{\n  ret;\n}\n"), "loaded");
  EXPECT_EQ(
      errorOf(head + ".func f()\n{\n  .bogus;\n}\n.entry k()\n{\n  call f;\n}\n"),
      "bad.ptx:10: error: `f` is called: line 6: directive `.bogus` is not known here [PARSE]");
  EXPECT_EQ(errorIn("  mul.rn.bf16x2 %r1, %r2, %r3;"),
            "bad.ptx:9: error: `mul.rn.bf16x2` needs sm_90, the module's target is sm_80 [PARSE]");
  EXPECT_EQ(errorIn("  add.s32 %r1, %r2, 1.5;").substr(0, 17), "bad.ptx:9: error:");
  EXPECT_EQ(errorIn("  mov.u32 %r1, %tid;").substr(0, 17), "bad.ptx:9: error:");
  EXPECT_EQ(errorIn("  cp.async.cg.shared.global [%r1], [%d1], 8;"),
            "bad.ptx:9: error: `cp.async.cg` copies 16, not 8 bytes [PARSE]");
}

TEST(Load, RefusesWhatIsTooLargeOrTooDeep) {
  EXPECT_NE(errorOf(head + ".global .b8 x[4000000000];\n"), "loaded");
  EXPECT_NE(errorOf(head + ".global .b64 x[99999999999999999999];\n"), "loaded");
  EXPECT_NE(errorIn("  .reg .b32 %x<4000000000>;"), "loaded");
  EXPECT_NE(errorIn(std::string(10000, '{')), "loaded");
  EXPECT_NE(errorIn("  mov.b32 %r1, " + std::string(10000, '{') + ";"), "loaded");
  EXPECT_NE(errorIn("  add.s32 %r1, %r2, " + std::string(10000, '!') + "%r3;"), "loaded");
  EXPECT_NE(errorIn("  .shared .b8 s[900000000];"), "loaded");
  // Each function calls the next one twice.
  std::string functions = ".func f0()\n{\n  ret;\n}\n";
  for (int i = 1; i < 60; ++i)
    functions += ".func f" + std::to_string(i) + "()\n{\n  call f" + std::to_string(i - 1) +
                 ";\n  call f" + std::to_string(i - 1) + ";\n}\n";
  EXPECT_NE(errorOf(head + functions + ".entry k()\n{\n  call f59;\n}\n"), "loaded");
}

TEST(Load, EveryPrefixOfAModuleIsRefusedOrLoaded) {
  std::string text = head +
                     ".global .align 4 .b8 m[4] = {1, 2, 3, 4};\n.visible .entry k(.param .u64 "
                     "o)\n{\n  .reg .b64 %d<2>;\n  ld.param.u64 %d1, [o];\n  { .reg .b32 x; "
                     "mov.u32 x, 5; st.global.u32 [%d1+4], x; }\n  ret;\n}\n";
  for (size_t n = 0; n <= text.size(); ++n)
    errorOf(text.substr(0, n));
  EXPECT_EQ(errorOf(text), "loaded");
}

TEST(Load, TellsOfItsContents) {
  Report error;
  auto module = Module::load(
      head +
          ".global .align 1 .b8 __fc_manifest[5] = {104, 101, 108, 108, 111};\n"
          ".global .align 8 .u64 where[1] = {__fc_manifest+1};\n"
          ".visible .entry k(.param .u32 a, .param .u64 b, .param .align 16 .b8 c[24])\n{ ret; }\n",
      "m.ptx", error);
  ASSERT_TRUE(module) << error.text;
  EXPECT_EQ(module->target(), "sm_80");
  EXPECT_EQ(module->entries(), std::vector<std::string>{"k"});
  auto bytes = module->global("__fc_manifest");
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size()), "hello");
  EXPECT_TRUE(module->global("absent").empty());
  auto params = module->params("k");
  ASSERT_EQ(params.size(), 3u);
  EXPECT_EQ(params[1].offset, 8u);
  EXPECT_EQ(params[2].offset, 16u);
  EXPECT_EQ(params[2].size, 24u);
}

TEST(Load, ALaunchThatDoesNotFitIsRefused) {
  Report error;
  auto module = Module::load(head + ".visible .entry k(.param .u64 a)\n{ ret; }\n", "m.ptx", error);
  ASSERT_TRUE(module);
  auto textOf = [&](Launch launch) {
    return launch.entry.empty() ? "" : emu::launch(*module, launch).report.text;
  };
  Launch launch;
  launch.entry = "missing";
  EXPECT_EQ(textOf(launch), "error: `missing` is no kernel of m.ptx: it has `k` [LAUNCH]");
  launch.entry = "k";
  EXPECT_EQ(textOf(launch), "error: 0 bytes of parameters: `k` takes 8 [LAUNCH]");
  launch.params.resize(8);
  EXPECT_EQ(textOf(launch), "");
  launch.pointers = {{4, 0, 0}};
  EXPECT_NE(textOf(launch), "");
  launch.pointers.clear();
  launch.grid = {0, 1, 1};
  EXPECT_NE(textOf(launch), "");
  launch.grid = {1, 1, 1};
  launch.block = {1025, 1, 1};
  EXPECT_NE(textOf(launch), "");
}

} // namespace
} // namespace fc::emu
