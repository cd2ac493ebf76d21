// MergePtxTest.cpp - modules of one kernel each, put together
#include "compiler/Target/MergePtx.h"
#include "gtest/gtest.h"

using namespace fc;

namespace {

std::string module(const std::string &head, const std::string &name, const std::string &body,
                   const std::string &files) {
  return "//\n// Generated\n//\n\n.version 8.0\n.target sm_80\n\n\t// .globl\t" + name + "\n" +
         head + "\n.visible .entry " + name + "()\n{\n" + body + "\tret;\n}\n" +
         "\t.section\t.debug_macinfo\t{\t}\n" + files;
}

std::string bodyOf(const std::string &ptx, const std::string &name) {
  size_t from = ptx.find(".entry " + name + "()");
  return from == std::string::npos ? "" : ptx.substr(from, ptx.find("\n}\n", from) - from);
}

size_t count(const std::string &text, const std::string &what) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size())
    ++found;
  return found;
}

TEST(MergePtx, OneModuleStaysAsItIs) {
  std::string one = module(".extern .shared .b8 s[];\n", "f", "\t.loc\t1 2 3\n$L__BB0_1:\n",
                           "\t.file\t1 \"a b.fc\"\n");
  EXPECT_EQ(mergePtx({one}), one);
}

TEST(MergePtx, HeadOnceAndEveryFunctionInTurn) {
  std::string shared = ".extern .shared .align 1024 .b8 s[];\n";
  std::string manifest = ".visible .global .align 1 .b8 m[2] = {1, 0};\n";
  std::string merged = mergePtx({module(shared + manifest, "f", "\tbar.sync 0;\n", ""),
                                 module(shared, "g", "\tmembar.cta;\n", ""),
                                 module(shared + ".global .b8 t[4];\n", "h", "", "")});
  EXPECT_EQ(count(merged, ".version"), 1u);
  EXPECT_EQ(count(merged, ".target"), 1u);
  EXPECT_EQ(count(merged, shared), 1u);
  EXPECT_EQ(count(merged, manifest), 1u);
  EXPECT_EQ(count(merged, ".debug_macinfo"), 1u);
  // What only a later module declares is there before the first function.
  EXPECT_LT(merged.find(".global .b8 t[4];"), merged.find(".entry f"));
  EXPECT_NE(bodyOf(merged, "f").find("bar.sync"), std::string::npos);
  EXPECT_NE(bodyOf(merged, "g").find("membar"), std::string::npos);
  EXPECT_LT(merged.find(".entry f"), merged.find(".entry g"));
  EXPECT_LT(merged.find(".entry g"), merged.find(".entry h"));
}

TEST(MergePtx, LinesKeepTheirFile) {
  std::string merged = mergePtx(
      {module("", "f", "\t.loc\t1 7 8\n\t.loc\t2 1 2\n",
              "\t.file\t1 \"a.fc\"\n\t.file\t2 \"lib.fc\"\n"),
       module("", "g", "\t.loc\t1 3 4\n\t.loc\t2 9 9\n\t.loc\t3 5 6\n",
              "\t.file\t1 \"lib.fc\"\n\t.file\t2 \"a.fc\"\n\t.file\t3 \"own words.fc\"\n")});
  EXPECT_NE(
      merged.find("\t.file\t1 \"a.fc\"\n\t.file\t2 \"lib.fc\"\n\t.file\t3 \"own words.fc\"\n"),
      std::string::npos);
  EXPECT_EQ(count(merged, ".file"), 3u);
  EXPECT_NE(bodyOf(merged, "f").find("\t.loc\t1 7 8\n\t.loc\t2 1 2\n"), std::string::npos);
  EXPECT_NE(bodyOf(merged, "g").find("\t.loc\t2 3 4\n\t.loc\t1 9 9\n\t.loc\t3 5 6\n"),
            std::string::npos);
}

TEST(MergePtx, BracesWithinAFunctionDoNotEndIt) {
  std::string body = "\t{ .reg .b32 %x;\n\tmov.b32 %x, 1;\n\t}\n";
  std::string merged = mergePtx({module("", "f", body, ""), module("", "g", body, "")});
  EXPECT_EQ(count(merged, "mov.b32 %x, 1;"), 2u);
  EXPECT_EQ(count(merged, "\n}\n"), 2u);
}

TEST(MergePtx, NothingOfNothing) { EXPECT_EQ(mergePtx({}), ""); }

} // namespace
