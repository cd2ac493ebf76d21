// Compile.cpp - text -> checked program -> fc module -> stages -> LLVM IR -> PTX, one call an arrow
#include "compiler/Compile.h"
#include "compiler/DumpStages.h"
#include "compiler/Explain/Picture.h"
#include "compiler/IR/Fc.h"
#include "compiler/Import/Import.h"
#include "compiler/Messages.h"
#include "compiler/Target/EmitHeader.h"
#include "compiler/Target/EmitPtx.h"
#include "compiler/Target/Manifest.h"
#include "compiler/Target/TargetInfo.h"
#include "compiler/Target/TunedSchedules.h"
#include "dsl/DumpAst.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SHA256.h"
#include <set>

using namespace llvm;
using mlir::failed;

namespace fc {

namespace {

std::nullopt_t refuse(raw_ostream &errors, const Twine &message) {
  errors << "fcc: error: " << message << "\n";
  return std::nullopt;
}

template <class T> std::optional<T> valueOr(Expected<T> value, raw_ostream &errors) {
  if (value)
    return std::move(*value);
  return refuse(errors, toString(value.takeError()));
}

/// The kernel that is compiled, where it is one and the text does not fix its schedule.
const dsl::Kernel *kernelToTune(const dsl::Program &program, const CompileOptions &options) {
  const dsl::Kernel *only = nullptr;
  for (const dsl::Kernel &kernel : program.kernels)
    if (options.kernel.empty() || kernel.name == options.kernel) {
      if (only || !kernel.schedules.empty())
        return nullptr;
      only = &kernel;
    }
  return only;
}

/// `options` with the strategy and the schedule of a tuned table, where it has them for this
/// kernel. What the command line says wins.
Expected<CompileOptions> withTunedSchedule(const CompileOptions &options,
                                           const dsl::Program &program) {
  TunedQuery query{kernelToTune(program, options), "", options.target, options.strategy};
  if (!query.kernel || options.tuned == "none")
    return options;
  query.sha256 =
      toHex(SHA256::hash(arrayRefFromStringRef(program.files.front().text)), /*LowerCase=*/true);
  std::string table = builtInTunedTable(options.target).str();
  query.measuredOnly = options.tuned.empty();
  if (!options.tuned.empty()) {
    auto file = MemoryBuffer::getFile(options.tuned);
    if (!file)
      return createStringError(file.getError(),
                               "cannot read " + options.tuned + ": " + file.getError().message());
    table = (*file)->getBuffer().str();
  }
  CompileOptions result = options;
  if (table.empty())
    return result;
  Expected<std::optional<TunedSchedule>> found = findTuned(table, query);
  if (!found)
    return found.takeError();
  if (*found) {
    result.strategy = (*found)->strategy;
    result.schedule = (*found)->items;
    llvm::append_range(result.schedule, options.schedule);
  }
  return result;
}

/// Whether each item of `options.schedule` is there once; if not, `errors` says which is not.
bool isScheduleClear(const CompileOptions &options, raw_ostream &errors) {
  std::set<StringRef> keys;
  for (StringRef item : options.schedule)
    if (StringRef key = item.split('=').first.trim(); !keys.insert(key).second) {
      refuse(errors, "--schedule: `" + key + "` is given twice");
      return false;
    }
  return true;
}

/// Whether a launch may have the dimensions of `options.shape`: all that are given in their range,
/// and no `assume` of dimensions alone is broken. If not, `errors` says why.
bool isShapePossible(const CompileOptions &options, const dsl::Program &program,
                     raw_ostream &errors) {
  for (const dsl::Kernel &kernel : program.kernels) {
    if (!options.kernel.empty() && kernel.name != options.kernel)
      continue;
    dsl::Dims dims;
    for (const dsl::Dim *dim : kernel.dims)
      if (auto it = options.shape.find(dim->name); it != options.shape.end())
        dims.insert(*it);
    if (std::string wrong = explain::wrongDims(dims); !wrong.empty()) {
      refuse(errors, wrong);
      return false;
    }
    for (const dsl::Stmt &stmt : kernel.body) {
      dsl::ScalarValue holds;
      // Of what is not known, nothing is.
      if (stmt.kind != dsl::Stmt::Assume || dsl::evalScalar(*stmt.value, dims, {}, holds) ||
          holds.i)
        continue;
      refuse(errors, program.files[stmt.loc.file].path + ":" + Twine(stmt.loc.line) + ":" +
                         Twine(stmt.loc.col) + ": error: `assume " + dsl::formula(*stmt.value) +
                         "` does not hold");
      return false;
    }
  }
  return true;
}

/// Whether `options.shape` gives all dimensions of what is compiled and no others; if not, `errors`
/// says why.
bool isWholeShape(const CompileOptions &options, const dsl::Program &program, raw_ostream &errors) {
  std::set<std::string> known;
  for (const dsl::Kernel &kernel : program.kernels) {
    if (!options.kernel.empty() && kernel.name != options.kernel)
      continue;
    std::vector<std::string> missing;
    for (const dsl::Dim *dim : kernel.dims) {
      known.insert(dim->name);
      if (!options.shape.contains(dim->name))
        missing.push_back("`" + dim->name + "`");
    }
    if (!missing.empty()) {
      refuse(errors, "--shape is a hint if it gives all dimensions of `" + kernel.name +
                         "`; it does not say " + join(missing, ", "));
      return false;
    }
  }
  for (const auto &[name, size] : options.shape)
    if (!known.contains(name)) {
      refuse(errors, "--shape gives `" + name + "`, which is no dimension of what is compiled");
      return false;
    }
  return true;
}

/// `M=512` for each dimension of the launch in mind.
std::vector<std::string> shapeItems(const CompileOptions &options) {
  std::vector<std::string> items;
  for (const auto &[name, size] : options.shape)
    items.push_back(name + "=" + std::to_string(size));
  return items;
}

/// Runs the stages up to `options.stopAfter`. A pass that crashes, or fails without a word, leaves
/// a reproducer.
bool runStages(mlir::ModuleOp module, const CompileOptions &options, Messages &messages,
               StageDumper &dumper, explain::Collector *collector) {
  PipelineOptions pipeline;
  pipeline.target = options.target;
  pipeline.strategy = options.strategy;
  pipeline.warnUnsafeRows = options.warnUnsafeRows;
  for (const std::string &item : options.schedule)
    pipeline.schedule.push_back(item);
  for (const std::string &item : shapeItems(options))
    pipeline.shape.push_back(item);
  pipeline.stopAfter = options.emit == Emit::Mlir ? options.stopAfter : Stage::Thread;
  mlir::PassManager passes(module.getContext());
  messages.catchCrashes(passes);
  dumper.addTo(passes);
  if (collector)
    collector->addTo(passes);
  buildPipeline(passes, pipeline);
  bool ok = succeeded(passes.run(module));
  messages.finish(ok);
  return ok;
}

/// Where the schedule's items come from, in words.
std::vector<std::string> whySchedule(const CompileOptions &asked, const CompileOptions &tuned) {
  std::vector<std::string> reasons, measured;
  if (!asked.schedule.empty())
    reasons.push_back("the command line asks for " + join(asked.schedule, ", "));
  for (const std::string &item : tuned.schedule)
    if (!is_contained(asked.schedule, item))
      measured.push_back(item);
  if (!measured.empty())
    reasons.push_back("the table of tuned schedules has " + join(measured, ", "));
  return reasons;
}

/// What was asked to be told; false after saying what is wrong with the question.
bool tell(explain::Collector &collector, const dsl::Program &program, const CompileOptions &options,
          const ExplainOptions &explain, Explained &explained, raw_ostream &errors) {
  std::string wrong = collector.error();
  if (wrong.empty() && explain.draw) {
    StringRef kernel = options.kernel.empty() ? StringRef(program.kernels.front().name)
                                              : StringRef(options.kernel);
    explained.picture = explain::drawMask(collector, kernel, wrong);
    if (!wrong.empty())
      wrong = "--picture: " + wrong;
  }
  if (!wrong.empty()) {
    refuse(errors, wrong);
    return false;
  }
  explained.text =
      explain.asJson ? explain::asJson(collector.kernels()) : explain::asText(collector.kernels());
  return true;
}

std::optional<std::string> compile(const CompileOptions &options, const ExplainOptions *explain,
                                   Explained *explained, raw_ostream &errors) {
  const TargetInfo *target = findTarget(options.target);
  if (!target)
    return refuse(errors,
                  "no target is called `" + options.target + "`; there are " + targetNames());

  dsl::Diagnostics diagnostics;
  std::unique_ptr<dsl::Program> program =
      dsl::checkFile(options.input, options.defines, diagnostics);
  errors << diagnostics.render(options.color);
  if (!program)
    return std::nullopt;
  if (!options.kernel.empty() && !program->kernel(options.kernel)) {
    std::string names;
    for (const dsl::Kernel &kernel : program->kernels)
      names += (names.empty() ? "`" : ", `") + kernel.name + "`";
    return refuse(errors,
                  options.input + " has no kernel `" + options.kernel + "`; it has " + names);
  }
  if (!isScheduleClear(options, errors) || !isShapePossible(options, *program, errors))
    return std::nullopt;
  if (options.emit == Emit::Ast)
    return dsl::dumpAst(*program);

  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<FcDialect, mlir::arith::ArithDialect, mlir::math::MathDialect,
                      mlir::scf::SCFDialect, mlir::gpu::GPUDialect, mlir::LLVM::LLVMDialect,
                      mlir::NVVM::NVVMDialect>();
  Messages messages(context, program->files, errors, options.color);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      importProgram(context, *program, options.kernel, options.target);
  if (!module) {
    messages.finish(false);
    return std::nullopt;
  }
  std::optional<CompileOptions> tuned = valueOr(withTunedSchedule(options, *program), errors);
  if (!tuned)
    return std::nullopt;
  // An explanation can be of a launch of which less is said; then it is no hint.
  std::string incomplete;
  raw_string_ostream why(incomplete);
  if (!tuned->shape.empty() && !isWholeShape(*tuned, *program, explain ? why : errors)) {
    if (!explain)
      return std::nullopt;
    tuned->shape.clear();
  }
  StageDumper dumper(options.dumpStages, *program, *tuned);
  std::optional<explain::Collector> collector;
  if (explain)
    collector.emplace(*program, *target,
                      explain::ScheduleAsked{tuned->strategy, tuned->schedule, shapeItems(*tuned),
                                             whySchedule(options, *tuned)},
                      *explain->conditions, explain->launch ? &*explain->launch : nullptr);
  if (!runStages(*module, *tuned, messages, dumper, collector ? &*collector : nullptr))
    return std::nullopt;
  if (!dumper.error().empty())
    return refuse(errors, "--dump-stages: " + dumper.error());
  if (options.emit == Emit::Mlir)
    return printModule(*module);

  PtxTarget ptxTarget{target->name, target->ptxVersion};
  std::string manifest = writeManifest(*program, *module, options.target);
  if (options.emit == Emit::Llvm || !options.dumpStages.empty()) {
    std::optional<std::string> llvmIr = valueOr(emitLlvm(*module, ptxTarget, manifest), errors);
    if (!llvmIr)
      return std::nullopt;
    dumper.dump("llvm.ll", [&](raw_ostream &os) { os << *llvmIr; });
    if (options.emit == Emit::Llvm)
      return llvmIr;
  }
  std::optional<std::string> ptx = valueOr(emitPtx(*module, ptxTarget, manifest), errors);
  if (!ptx)
    return std::nullopt;
  dumper.dump("kernels.ptx", [&](raw_ostream &os) { os << *ptx; });
  if (collector) {
    collector->assemble(*ptx);
    if (!tell(*collector, *program, options, *explain, *explained, errors))
      return std::nullopt;
  }
  if (options.emit == Emit::Header)
    return emitHeader(*program, options.kernel, *ptx, options.input);
  if (options.emit == Emit::Cubin)
    return valueOr(assembleCubin(*ptx, options.target), errors);
  return ptx;
}

} // namespace

std::optional<std::string> compile(const CompileOptions &options, raw_ostream &errors) {
  return compile(options, nullptr, nullptr, errors);
}

std::optional<std::string> compile(const CompileOptions &options, const ExplainOptions &explain,
                                   Explained &explained, raw_ostream &errors) {
  return compile(options, &explain, &explained, errors);
}

} // namespace fc
