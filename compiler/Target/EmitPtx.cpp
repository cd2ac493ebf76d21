// EmitPtx.cpp - translation to LLVM IR, optimisation, the NVPTX back end, ptxas
//
// In process and without libdevice. Nearly all time of a compilation goes into this file, and a
// kernel has up to three forms, each an entry of its own: every entry is optimised and written in a
// thread and an LLVMContext of its own, and the texts are put together (MergePtx). One defect of
// MLIR 22 is worked around here: calls of inline assembly lack `convergent`, and jump threading
// would copy a barrier into both arms of a divergent branch.
#include "compiler/Target/EmitPtx.h"
#include "compiler/Target/MergePtx.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/CorrelatedValuePropagation.h"
#include "llvm/Transforms/Scalar/DivRemPairs.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/GVN.h"
#include "llvm/Transforms/Scalar/IndVarSimplify.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"
#include "llvm/Transforms/Scalar/Reassociate.h"
#include "llvm/Transforms/Scalar/SCCP.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Scalar/SpeculativeExecution.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"
#include "llvm/Transforms/Vectorize/VectorCombine.h"
#include <mutex>

extern "C" void LLVMInitializeNVPTXTarget();
extern "C" void LLVMInitializeNVPTXTargetInfo();
extern "C" void LLVMInitializeNVPTXTargetMC();
extern "C" void LLVMInitializeNVPTXAsmPrinter();

using namespace llvm;

namespace fc {

static Error failure(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

static Expected<std::unique_ptr<TargetMachine>> createMachine(PtxTarget target) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const Target *backend = TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return failure("the NVPTX back end is missing: " + error);
  TargetOptions options;
  std::unique_ptr<TargetMachine> machine(
      backend->createTargetMachine(triple, target.cpu, "+ptx" + std::to_string(target.ptx), options,
                                   Reloc::PIC_, std::nullopt, CodeGenOptLevel::Aggressive));
  if (!machine)
    return failure("the NVPTX back end does not know " + target.cpu);
  return machine;
}

/// `.global .align 1 .b8 __fc_manifest[]`, zero-terminated, kept though nothing refers to it.
static void addManifest(Module &module, StringRef manifest) {
  Constant *bytes = ConstantDataArray::getString(module.getContext(), manifest, /*AddNull=*/true);
  auto *global = new GlobalVariable(module, bytes->getType(), /*isConstant=*/true,
                                    GlobalValue::ExternalLinkage, bytes, "__fc_manifest", nullptr,
                                    GlobalValue::NotThreadLocal, /*AddressSpace=*/1);
  global->setAlignment(Align(1));
  appendToUsed(module, {global});
}

static Expected<std::unique_ptr<Module>>
translate(mlir::ModuleOp source, const TargetMachine &machine, LLVMContext &context) {
  mlir::registerBuiltinDialectTranslation(*source->getContext());
  mlir::registerLLVMDialectTranslation(*source->getContext());
  mlir::registerNVVMDialectTranslation(*source->getContext());
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(source, context, "kernels");
  if (!module)
    return failure("translation to LLVM IR failed");
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  for (Function &function : *module)
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallInst>(&instruction); call && call->isInlineAsm())
        call->addFnAttr(Attribute::Convergent);
  return module;
}

/// Of LLVM's O3, in its order, what these kernels need. A kernel is one function without calls,
/// allocas or loops to vectorise, and its tiles are unrolled already: the other passes of O3, taken
/// away one by one, changed a few instructions of 4 kernels of 25, and took a third of the time.
static FunctionPassManager optimizations() {
  FunctionPassManager passes;
  passes.addPass(SimplifyCFGPass());
  passes.addPass(EarlyCSEPass());
  passes.addPass(SCCPPass());
  passes.addPass(InstCombinePass());
  passes.addPass(EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(SpeculativeExecutionPass(/*OnlyIfDivergentTarget=*/true));
  passes.addPass(CorrelatedValuePropagationPass());
  passes.addPass(InstCombinePass());
  passes.addPass(ReassociatePass());
  // Headers are rotated between two hoistings, the first of which keeps to what always runs.
  LoopPassManager hoist;
  LICMOptions careful;
  careful.AllowSpeculation = false;
  hoist.addPass(LICMPass(careful));
  hoist.addPass(LoopRotatePass());
  hoist.addPass(LICMPass(LICMOptions()));
  passes.addPass(createFunctionToLoopPassAdaptor(std::move(hoist), /*UseMemorySSA=*/true));
  passes.addPass(InstCombinePass());
  passes.addPass(createFunctionToLoopPassAdaptor(IndVarSimplifyPass()));
  passes.addPass(VectorCombinePass());
  passes.addPass(GVNPass());
  passes.addPass(SCCPPass());
  passes.addPass(InstCombinePass());
  // What two sides of a branch begin with stays there: before it, results and what they are made of
  // would live at once.
  passes.addPass(
      SimplifyCFGPass(SimplifyCFGOptions().hoistCommonInsts(false).sinkCommonInsts(true)));
  passes.addPass(InstCombinePass());
  passes.addPass(createFunctionToLoopPassAdaptor(LICMPass(LICMOptions()),
                                                 /*UseMemorySSA=*/true));
  passes.addPass(DivRemPairsPass());
  return passes;
}

/// Function passes alone, so that a kernel's code does not depend on those beside it.
static void optimize(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  ModulePassManager passes;
  // The target's own: what special registers can hold, from the size of a block.
  builder.invokePipelineStartEPCallbacks(passes, OptimizationLevel::O3);
  passes.addPass(createModuleToFunctionPassAdaptor(optimizations()));
  passes.run(module, modules);
}

static Expected<std::string> generate(Module &module, TargetMachine &machine) {
  SmallString<0> text;
  raw_svector_ostream stream(text);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, CodeGenFileType::AssemblyFile))
    return failure("the NVPTX back end cannot emit PTX");
  passes.run(module);
  return text.str().str();
}

/// One kernel of a module to PTX, in a context of its own: bitcode is the way from one to another.
static Expected<std::string> emitKernel(StringRef bitcode, StringRef kernel, PtxTarget target,
                                        StringRef manifest) {
  auto machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto module = getLazyBitcodeModule(MemoryBufferRef(bitcode, "kernels"), context);
  if (!module)
    return module.takeError();
  for (Function &function : make_early_inc_range(**module))
    if (function.getName() != kernel && !function.isDeclaration()) {
      function.deleteBody();
      function.eraseFromParent();
    }
  if (Error error = (*module)->materializeAll())
    return std::move(error);
  if (!manifest.empty())
    addManifest(**module, manifest);
  optimize(**module, **machine);
  return generate(**module, **machine);
}

Expected<std::string> emitLlvm(mlir::ModuleOp source, PtxTarget target, StringRef manifest) {
  auto machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto module = translate(source, **machine, context);
  if (!module)
    return module.takeError();
  if (!manifest.empty())
    addManifest(**module, manifest);
  optimize(**module, **machine);
  std::string text;
  raw_string_ostream(text) << **module;
  return text;
}

Expected<std::string> emitPtx(mlir::ModuleOp source, PtxTarget target, StringRef manifest) {
  auto machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto module = translate(source, **machine, context);
  if (!module)
    return module.takeError();
  SmallString<0> bitcode;
  {
    raw_svector_ostream stream(bitcode);
    WriteBitcodeToFile(**module, stream, /*ShouldPreserveUseListOrder=*/true);
  }
  std::vector<StringRef> kernels;
  for (const Function &function : **module)
    if (!function.isDeclaration())
      kernels.push_back(function.getName());
  std::vector<std::optional<Expected<std::string>>> parts(kernels.size());
  {
    DefaultThreadPool pool(hardware_concurrency(kernels.size()));
    for (size_t i = 0; i < kernels.size(); ++i)
      pool.async(
          [&, i] { parts[i] = emitKernel(bitcode, kernels[i], target, i == 0 ? manifest : ""); });
  }
  std::vector<std::string> texts;
  Error wrong = Error::success();
  for (std::optional<Expected<std::string>> &part : parts)
    if (*part)
      texts.push_back(std::move(**part));
    else
      wrong = joinErrors(std::move(wrong), part->takeError());
  if (wrong)
    return std::move(wrong);
  return mergePtx(texts);
}

namespace {
/// A cubin and what `ptxas -v` said about it.
struct Assembled {
  std::string cubin, log;
};
} // namespace

static Expected<Assembled> assemble(StringRef ptx, StringRef cpu) {
  ErrorOr<std::string> ptxas = sys::findProgramByName("ptxas");
  if (!ptxas)
    ptxas = sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"});
  if (!ptxas)
    return failure("a .cubin needs `ptxas`, which is neither on PATH nor in /usr/local/cuda/bin; "
                   "write a .ptx instead: the driver assembles it at load");
  SmallString<128> input, output, log;
  if (sys::fs::createTemporaryFile("fcc", "ptx", input) ||
      sys::fs::createTemporaryFile("fcc", "cubin", output) ||
      sys::fs::createTemporaryFile("fcc", "log", log))
    return failure("cannot create a temporary file for `ptxas`");
  FileRemover removeInput(input), removeOutput(output), removeLog(log);
  {
    std::error_code code;
    raw_fd_ostream stream(input, code);
    stream << ptx;
    stream.close();
    if (code || stream.has_error())
      return failure("cannot write " + input);
  }
  std::string arch = ("-arch=" + cpu).str();
  std::string error;
  int status = sys::ExecuteAndWait(*ptxas, {*ptxas, "-v", arch, input, "-o", output}, std::nullopt,
                                   {std::nullopt, StringRef(log), StringRef(log)}, 0, 0, &error);
  auto words = MemoryBuffer::getFile(log);
  if (status != 0)
    return failure("`ptxas` refused the PTX: " +
                   (words ? (*words)->getBuffer().trim() : StringRef(error)));
  auto cubin = MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!cubin)
    return failure("`ptxas` wrote nothing");
  return Assembled{(*cubin)->getBuffer().str(), words ? (*words)->getBuffer().str() : ""};
}

Expected<std::string> assembleCubin(StringRef ptx, StringRef cpu) {
  Expected<Assembled> assembled = assemble(ptx, cpu);
  if (!assembled)
    return assembled.takeError();
  return std::move(assembled->cubin);
}

Expected<std::string> ptxasLog(StringRef ptx, StringRef cpu) {
  Expected<Assembled> assembled = assemble(ptx, cpu);
  if (!assembled)
    return assembled.takeError();
  return std::move(assembled->log);
}

} // namespace fc
