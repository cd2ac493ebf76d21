// MessagesTest.cpp - what is said when passes refuse, and when they break
#include "compiler/Messages.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace mlir;
using testing::HasSubstr;
using testing::Not;

namespace {

/// A pass that fails, with an error at line 2, column 3 or without a word.
struct FailingPass : PassWrapper<FailingPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FailingPass)
  explicit FailingPass(bool says) : says(says) {}
  StringRef getArgument() const override { return "failing"; }
  void runOnOperation() override {
    if (says) {
      InFlightDiagnostic diagnostic = getOperation().emitError("the mask is odd");
      diagnostic.attachNote(FileLineColLoc::get(&getContext(), "k.fc", 1, 1)) << "it begins here";
    }
    signalPassFailure();
  }
  bool says;
};

struct MessagesTest : testing::Test {
  MessagesTest() : context(MLIRContext::Threading::DISABLED) {
    files.push_back({"k.fc", "first line\n\tsecond line\n"});
    module = ModuleOp::create(FileLineColLoc::get(&context, "k.fc", 2, 3));
  }
  std::string run(bool says) {
    std::string text;
    llvm::raw_string_ostream errors(text);
    fc::Messages messages(context, files, errors, /*color=*/false);
    PassManager passes(&context);
    messages.catchCrashes(passes);
    passes.addPass(std::make_unique<FailingPass>(says));
    messages.finish(succeeded(passes.run(*module)));
    return text;
  }
  MLIRContext context;
  std::vector<fc::dsl::SourceFile> files;
  OwningOpRef<ModuleOp> module;
};

TEST_F(MessagesTest, ARefusalShowsTheLineACaretAndItsNotes) {
  EXPECT_EQ(run(true), "k.fc:2:3: error: the mask is odd\n"
                       "  \tsecond line\n"
                       "  \t ^\n"
                       "k.fc:1:1: note: it begins here\n"
                       "  first line\n"
                       "  ^\n");
}

TEST_F(MessagesTest, APassThatFailsWithoutAWordLeavesAReproducer) {
  llvm::SmallString<128> folder, old;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("fc-messages", folder));
  ASSERT_FALSE(llvm::sys::fs::current_path(old));
  ASSERT_FALSE(llvm::sys::fs::set_current_path(folder));
  std::string text = run(false);
  EXPECT_THAT(text, HasSubstr("a pass failed without saying why; this is a bug in fcc"));
  size_t begin = text.find("fcc-crash-");
  ASSERT_NE(begin, std::string::npos) << text;
  std::string file = text.substr(begin, text.find('`', begin) - begin);
  auto reproducer = llvm::MemoryBuffer::getFile(file);
  ASSERT_TRUE(bool(reproducer)) << file;
  EXPECT_THAT((*reproducer)->getBuffer().str(), HasSubstr("mlir_reproducer"));
  EXPECT_THAT((*reproducer)->getBuffer().str(), HasSubstr("failing"));
  ASSERT_FALSE(llvm::sys::fs::set_current_path(old));
  llvm::sys::fs::remove_directories(folder);
}

} // namespace
