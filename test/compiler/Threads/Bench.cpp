// Bench.cpp - text -> passes -> PTX -> emulator
#include "Bench.h"
#include "compiler/IR/Fc.h"
#include "compiler/Target/EmitPtx.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "runtime/emulator/Emulator.h"
#include "llvm/Support/Error.h"
#include <cstring>

using namespace mlir;

namespace fc::test {

//===-- Arrays ---------------------------------------------------------------------===//

Array Array::make(rt::Elem elem, std::vector<int64_t> shape, int64_t pad, int64_t start) {
  Array array;
  array.elem = elem;
  array.shape = shape;
  array.start = start;
  array.strides.assign(shape.size(), 1);
  for (int dim = int(shape.size()) - 2; dim >= 0; --dim)
    array.strides[dim] =
        array.strides[dim + 1] * shape[dim + 1] + (dim == int(shape.size()) - 2 ? pad : 0);
  int64_t count = shape.empty() ? 1 : array.strides[0] * shape[0];
  array.bytes.assign((start + count) * rt::bytesOf(elem), std::byte(0));
  return array;
}

Array Array::random(rt::Elem elem, std::vector<int64_t> shape, unsigned seed, int64_t pad,
                    int64_t start) {
  Array array = make(elem, shape, pad, start);
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::uniform_int_distribution<int> small(0, 9);
  for (size_t i = 0; i < array.bytes.size() / rt::bytesOf(elem); ++i)
    rt::store(elem, array.bytes.data(), i,
              rt::isFloat(elem)        ? normal(engine)
              : elem == rt::Elem::Bool ? small(engine) % 2
                                       : small(engine) - 4);
  return array;
}

size_t Array::offset(const std::vector<int64_t> &index) const {
  size_t at = start;
  for (size_t dim = 0; dim < index.size(); ++dim)
    at += index[dim] * strides[dim];
  return at;
}
double Array::at(std::vector<int64_t> index) const {
  return rt::load(elem, bytes.data(), offset(index));
}
void Array::set(std::vector<int64_t> index, double value) {
  rt::store(elem, bytes.data(), offset(index), value);
}

//===-- Compiling ------------------------------------------------------------------===//

Compiled compile(const std::string &placed) {
  Compiled result;
  DialectRegistry registry;
  registry.insert<FcDialect, arith::ArithDialect, math::MathDialect, scf::SCFDialect,
                  gpu::GPUDialect, LLVM::LLVMDialect, NVVM::NVVMDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      result.error += diagnostic.str() + "\n";
    return success();
  });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(placed, &context);
  if (!module)
    return result;
  PassManager passes(&context);
  passes.addNestedPass<KernelOp>(createStageCopies());
  passes.addNestedPass<KernelOp>(createAllocateShared({.target = "sm_80"}));
  passes.addPass(createLowerToThreads());
  if (failed(passes.run(*module))) {
    if (result.error.empty())
      result.error = "a pass failed without a word";
    return result;
  }
  for (auto function : module->getOps<LLVM::LLVMFuncOp>()) {
    for (auto name : function->getAttrOfType<ArrayAttr>("fc.args").getAsValueRange<StringAttr>())
      result.args.push_back(name.str());
    result.threads = function->getAttrOfType<IntegerAttr>("fc.block").getInt();
    result.shared = function->getAttrOfType<IntegerAttr>("fc.shared").getInt();
  }
  llvm::Expected<std::string> ptx = emitPtx(*module, PtxTarget{"sm_80", 70});
  if (!ptx) {
    result.error = llvm::toString(ptx.takeError());
    return result;
  }
  result.ptx = *ptx;
  for (size_t at = 0; (at = result.ptx.find("bar.sync", at)) != std::string::npos; ++at)
    ++result.barriers;
  return result;
}

//===-- Running --------------------------------------------------------------------===//

std::string launch(const Compiled &kernel, Run &run) {
  emu::Report report;
  auto module = emu::Module::load(kernel.ptx, "test.ptx", report);
  if (!module)
    return report.text;
  emu::Launch launch;
  launch.entry = module->entries().at(0);
  launch.grid = {run.ctas, 1, 1};
  launch.block = {uint32_t(kernel.threads), 1, 1};
  launch.sharedBytes = kernel.shared;
  auto params = module->params(launch.entry);
  if (params.size() != kernel.args.size())
    return "the entry takes " + std::to_string(params.size()) + " parameters, fc.args names " +
           std::to_string(kernel.args.size());
  for (size_t i = 0; i < params.size(); ++i) {
    const std::string &arg = kernel.args[i];
    std::string kind = arg.substr(0, arg.find(':')), name = arg.substr(arg.find(':') + 1);
    launch.params.resize(params[i].offset + params[i].size);
    auto put = [&](auto value) {
      std::memcpy(&launch.params[params[i].offset], &value, params[i].size);
    };
    if (kind == "tensor") {
      Array *array = run.tensors.at(name);
      put(uint64_t(0));
      if (array->null)
        continue;
      launch.pointers.push_back({params[i].offset, int(launch.buffers.size()),
                                 uint64_t(array->start * rt::bytesOf(array->elem))});
      launch.buffers.push_back({name, array->bytes.data(), array->bytes.size(), true});
    } else if (kind == "stride") {
      size_t colon = name.find(':');
      put(int64_t(
          run.tensors.at(name.substr(0, colon))->strides.at(std::stoi(name.substr(colon + 1)))));
    } else if (kind == "dim") {
      put(int32_t(run.dims.at(name)));
    } else if (params[i].size == 4) {
      put(float(run.scalars.at(name)));
    } else if (params[i].size == 8) {
      put(int64_t(run.scalars.at(name)));
    } else {
      put(uint8_t(run.scalars.at(name)));
    }
  }
  emu::Result result = emu::launch(*module, launch);
  return result.ok ? "" : result.report.text;
}

std::string run(const std::string &placed, Run given) {
  Compiled kernel = compile(placed);
  if (!kernel.error.empty())
    return kernel.error;
  return launch(kernel, given);
}

} // namespace fc::test
