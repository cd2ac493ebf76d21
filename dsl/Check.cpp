// Check.cpp - all kernels of a program, and rule K1: that they agree on the names they share.
#include "dsl/KernelChecker.h"

namespace fc::dsl {

namespace {

/// What a name means in a kernel, as far as the kernels must agree on it.
struct Meaning {
  std::string text; ///< "the tensor f16[B, H, M, D]"
  uint64_t key;     ///< equal for equal meanings
  Loc loc;
  std::string_view kernel;
};

class Agreement {
public:
  explicit Agreement(Reporter &reporter) : reporter(reporter) {}

  void add(const Kernel &kernel, const ast::Kernel &syntax, KernelChecker &checker) {
    bool constantsAgree = true;
    for (size_t i = 0; i < kernel.cparams.size(); ++i) {
      const CParam &param = kernel.cparams[i];
      std::string text = param.isType ? fmt::format("the type {}", name(param.type))
                         : param.type == Elem::F32
                             ? fmt::format("the number {}", param.floatValue)
                             : fmt::format("the {} {}", spelled(param.type), param.intValue);
      constantsAgree &= agrees(param.name, {text, std::hash<std::string>()(text),
                                            syntax.cparams[i].name.loc, kernel.name});
    }
    for (const Dim *dim : kernel.dims)
      agrees(dim->name, {"a dimension", 1, dim->loc, kernel.name});
    for (const Scalar *scalar : kernel.scalars)
      agrees(scalar->name, {"a scalar", 2, scalar->loc, kernel.name});
    if (!constantsAgree)
      return; // the shapes would differ for that alone
    for (const auto *list : {&kernel.inputs, &kernel.outputs})
      for (const Tensor *tensor : *list) {
        uint64_t key = 3 + uint64_t(tensor->elem);
        std::string dims;
        for (const Tensor::Extent &extent : tensor->shape) {
          key = key * 1000003 + (extent.size ? checker.structure(extent.size) : 0) + extent.orOne;
          dims += (dims.empty() ? "" : ", ") + extent.text;
        }
        agrees(tensor->name, {fmt::format("the tensor {}[{}]", name(tensor->elem), dims), key,
                              tensor->loc, kernel.name});
      }
  }

private:
  bool agrees(const std::string &name, Meaning meaning) {
    auto [other, fresh] = meanings.emplace(name, meaning);
    if (fresh || other->second.key == meaning.key)
      return true;
    reporter
        .report(Diag::KernelsDisagree, meaning.loc, name, meaning.text, other->second.text,
                other->second.kernel)
        .note(other->second.loc, fmt::format("kernel `{}` has it here", other->second.kernel))
        .fix("use another name for one of them");
    return false;
  }

  Reporter &reporter;
  std::map<std::string, Meaning> meanings;
};

} // namespace

void check(const std::vector<ast::File> &files, const std::deque<SourceFile> &sources,
           const Defines &defines, Program &program, Reporter &reporter) {
  FnScope fns = collectFns(files, reporter);
  std::map<std::string_view, Loc> names;
  std::set<std::string> params;
  Agreement agreement(reporter);
  for (const ast::Kernel &syntax : files[0].kernels) {
    if (reporter.full())
      return;
    auto [other, fresh] = names.emplace(syntax.name.text, syntax.name.loc);
    if (!fresh)
      reporter.report(Diag::KernelTwice, syntax.name.loc, syntax.name.text)
          .note(other->second, "the other one is here");
    for (const ast::Param &param : syntax.cparams)
      params.insert(std::string(param.name.text));
    Kernel &kernel = program.kernels.emplace_back();
    KernelChecker checker(syntax, sources, fns, defines, program, kernel, reporter);
    checker.check();
    agreement.add(kernel, syntax, checker);
  }
  std::vector<std::string_view> candidates(params.begin(), params.end());
  for (const auto &[name, value] : defines)
    if (!params.contains(name)) {
      auto handle = reporter.report(Diag::DefineUnknown, {}, name);
      if (auto meant = nearest(name, candidates))
        handle.fix(fmt::format("did you mean `{}`?", *meant));
      else if (!candidates.empty())
        handle.note({}, fmt::format("there are {}", fmt::join(candidates, ", ")));
    }
}

} // namespace fc::dsl
