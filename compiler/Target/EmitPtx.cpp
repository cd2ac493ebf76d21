// EmitPtx.cpp - translation to LLVM IR, optimisation, the NVPTX back end, ptxas
//
// In process and without libdevice. One defect of MLIR 22 is worked around here: calls of inline
// assembly lack `convergent`, and jump threading would copy a barrier into both arms of a divergent
// branch.
#include "compiler/Target/EmitPtx.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
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
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"
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

Expected<std::unique_ptr<Module>> translateToLlvm(mlir::ModuleOp source, PtxTarget target,
                                                  StringRef manifest, LLVMContext &context) {
  auto machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  mlir::registerBuiltinDialectTranslation(*source->getContext());
  mlir::registerLLVMDialectTranslation(*source->getContext());
  mlir::registerNVVMDialectTranslation(*source->getContext());
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(source, context, "kernels");
  if (!module)
    return failure("translation to LLVM IR failed");
  module->setTargetTriple((*machine)->getTargetTriple());
  module->setDataLayout((*machine)->createDataLayout());
  for (Function &function : *module)
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallInst>(&instruction); call && call->isInlineAsm())
        call->addFnAttr(Attribute::Convergent);
  if (!manifest.empty())
    addManifest(*module, manifest);

  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  PassBuilder builder(machine->get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3).run(*module, modules);
  return module;
}

Expected<std::string> emitPtx(Module &module, PtxTarget target) {
  auto machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  SmallString<0> text;
  raw_svector_ostream stream(text);
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, CodeGenFileType::AssemblyFile))
    return failure("the NVPTX back end cannot emit PTX");
  passes.run(module);
  return text.str().str();
}

Expected<std::string> emitPtx(mlir::ModuleOp source, PtxTarget target, StringRef manifest) {
  LLVMContext context;
  auto module = translateToLlvm(source, target, manifest, context);
  if (!module)
    return module.takeError();
  return emitPtx(**module, target);
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
