// OnlinePrograms.cpp - the programs, their inputs, and the way from text to folds
#include "test/compiler/Online/OnlinePrograms.h"
#include "compiler/Import/Import.h"
#include "compiler/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;

namespace fc::test {

ArrayRef<OnlineProgram> onlinePrograms() {
  static const OnlineProgram list[] = {
      {"Softmax", "o: f32[M, D]", "o[i, d] = dot[j](softmax[j](seen) as T, v[j, d])", 1, 3},
      {"WrittenOut", "o: f32[M, D]",
       "let m = max[j](seen)\n let e = exp(seen - m)\n o[i, d] = dot[j](e as T, v[j, d]) / "
       "sum[j](e)",
       1, 3},
      {"Sink", "o: f32[M, D]",
       "let m = max(max[j](seen), sink[i])\n let e = exp(seen - m)\n"
       "o[i, d] = dot[j](e as T, v[j, d]) / (sum[j](e) + exp(sink[i] - m))",
       1, 3},
      {"SinkFirst", "o: f32[M, D]",
       "let m = max(max[j](seen), sink[i])\n let e = exp(seen - m)\n let p = e / (sum[j](e) + "
       "exp(sink[i] - m))\n"
       "o[i, d] = dot[j](p as T, v[j, d])",
       1, 3},
      {"OffByOne", "o: f32[M, D]",
       "let m = max(max[j](seen), 0)\n let e = exp(seen - m)\n"
       "o[i, d] = dot[j]((e / (sum[j](e) + exp(-m))) as T, v[j, d])",
       1, 3},
      {"LogSumExp", "lse: f32[M]", "lse[i] = logsumexp[j](seen)", 1, 2},
      {"SoftmaxAndLogSumExp", "o: f32[M, D], lse: f32[M]",
       "o[i, d] = dot[j](softmax[j](seen) as T, v[j, d])\n lse[i] = logsumexp[j](seen)", 1, 3},
      {"MaximumToo", "o: f32[M, D], lse: f32[M], top: f32[M]",
       "o[i, d] = dot[j](softmax[j](seen) as T, v[j, d])\n lse[i] = logsumexp[j](seen)\n"
       "top[i] = max[j](seen)",
       1, 3},
      {"TwoSoftmaxes", "o: f32[M, D]",
       "let other = where(j <= i + off, t[i, j], -inf)\n"
       "o[i, d] = dot[j](softmax[j](seen) as T, v[j, d]) - 0.25 * dot[j](softmax[j](other) as T, "
       "v[j, d])",
       1, 6},
      {"TwoInOneProduct", "o: f32[M, D]",
       "let other = where(j <= i + off, t[i, j], -inf)\n"
       "o[i, d] = dot[j]((softmax[j](seen) - sink[i] * softmax[j](other)) as T, v[j, d])",
       1, 6},
      {"Sigmoid", "o: f32[M, D]",
       "o[i, d] = dot[j](where(j <= i + off, sigmoid(s[i, j] - 3), 0) as T, v[j, d])", 1, 1},
      {"PlainSums", "o: f32[M, D], r: f32[M]",
       "let a = max(seen, 0)\n o[i, d] = dot[j](a as T, v[j, d])\n r[i] = sum[j](a)", 1, 2},
      {"Dropout", "o: f32[M, D]",
       "o[i, d] = dot[j](where(x[i, j] > -1, softmax[j](seen) / 0.5, 0) as T, v[j, d])", 1, 3},
      {"Softcap", "o: f32[M, D]",
       "let cap = where(j <= i + off, 30 * tanh(s[i, j] / 30), -inf)\n"
       "o[i, d] = dot[j](softmax[j](cap) as T, v[j, d])",
       1, 3},
      {"BiasOfInfinity", "o: f32[M, D]",
       "let b = seen + where(x[i, j] > 0.5, -inf, x[i, j])\n o[i, d] = dot[j](softmax[j](b) as T, "
       "v[j, d])",
       1, 3},
      {"Exponents2", "o: f32[M, D]",
       "let m = max[j](seen)\n let e = exp2(seen - m)\n o[i, d] = dot[j](e, x[i, j] * v[j, d]) / "
       "sum[j](e)",
       1, 3},
      {"RingStep", "o: f32[M, D], m1: f32[M], l1: f32[M]",
       "let m = max(sink[i], max[j](seen))\n let e = exp(seen - m)\n let old = exp(sink[i] - m)\n"
       "m1[i] = m\n l1[i] = old * 2 + sum[j](e)\n o[i, d] = old * 3 + dot[j](e as T, v[j, d])",
       1, 3},
      {"MeanVariance", "mean: f32[M], variance: f32[M]",
       "let n = sum[j](where(j >= 0, 1.0, 0))\n let mu = sum[j](x[i, j]) / n\n mean[i] = mu\n"
       "variance[i] = sum[j]((x[i, j] - mu) * (x[i, j] - mu)) / n",
       1, 5},
      {"LayerNorm", "o: f32[M, D]",
       "let n = sum[j](where(j >= 0, 1.0, 0))\n let mu = sum[j](x[i, j]) / n\n let c = x[i, j] - "
       "mu\n"
       "let variance = sum[j](c * c) / n\n o[i, d] = dot[j](c / sqrt(variance + 0.00001), f[j, d])",
       1, 7},
      {"FourthMoment", "r: f32[M]",
       "let n = sum[j](where(j >= 0, 1.0, 0))\n let mu = sum[j](x[i, j]) / n\n let c = x[i, j] - "
       "mu\n"
       "r[i] = sum[j](c * c * c * c) / n",
       1, 7},
      {"GradientGiven", "o: f32[M, D]",
       "let p = exp(seen - sink[i])\n o[i, d] = dot[j]((p * (x[i, j] - 0.5)) as bf16, h[j, d])", 1,
       1},
      {"GradientNothingStored", "o: f32[M, D], delta: f32[M]",
       "let p = softmax[j](seen)\n let dl = sum[j](p * x[i, j])\n delta[i] = dl\n"
       "o[i, d] = dot[j]((p * (x[i, j] - dl)) as bf16, h[j, d])",
       1, 5},
      {"MinMaxNormalised", "o: f32[M, D]",
       "let lo = min[j](x[i, j])\n let hi = max[j](x[i, j])\n"
       "o[i, d] = dot[j]((x[i, j] - lo) / (hi - lo), f[j, d])",
       1, 4},
      {"ArgmaxCarry", "o: f32[M, D], at: f32[M]",
       "let m = max[j](s[i, j])\n at[i] = min[j](where(s[i, j] == m, j * 1.0, inf))\n"
       "o[i, d] = dot[j](where(s[i, j] == m, x[i, j], 0), f[j, d])",
       1, 3},
      {"Entropy", "r: f32[M]",
       "let p = softmax[j](seen)\n r[i] = -sum[j](where(p > 0, p * log(p), 0))", 1, 3},
      {"EntropyOfLogits", "r: f32[M]",
       "let m = max[j](s[i, j])\n let e = exp(s[i, j] - m)\n let l = sum[j](e)\n"
       "r[i] = log(l) - sum[j](e * (s[i, j] - m)) / l",
       1, 3},
      {"Divergence", "r: f32[M]",
       "let other = where(j <= i + off, t[i, j], -inf)\n let p = softmax[j](seen)\n let q = "
       "softmax[j](other)\n"
       "r[i] = sum[j](where(p > 0, p * (log(p) - log(q)), 0))",
       1, 6, true},
      {"WeightedVariance", "mean: f32[M], variance: f32[M]",
       "let p = softmax[j](seen)\n let mu = sum[j](p * x[i, j])\n mean[i] = mu\n"
       "variance[i] = sum[j](p * (x[i, j] - mu) * (x[i, j] - mu))",
       1, 5},
      {"MaskInsideExp", "r: f32[M]",
       "let m = max[j](seen)\n let c = j <= i + off\n"
       "r[i] = sum[j](exp(where(c, s[i, j] - m, -inf)) * x[i, j]) / sum[j](where(c, exp(s[i, j] - "
       "m), 0))",
       1, 3},
      {"MinusLogSumExp", "o: f32[M, D]",
       "let p = exp(seen - logsumexp[j](seen))\n o[i, d] = dot[j](p as T, v[j, d])", 1, 3},
      {"Squared", "o: f32[M, D]",
       "let p = softmax[j](seen)\n o[i, d] = dot[j]((p * p) as T, v[j, d]) / sum[j](p * p)", 1, 0},
      {"LargestWeight", "a: f32[M], b: f32[M]",
       "let p = softmax[j](s[i, j])\n a[i] = max(max[j](p), 0)\n b[i] = where(any[j](p > 0.5), "
       "1.0, 0.0)",
       1, 2},
      {"Centred", "o: f32[M, D]",
       "let n = sum[j](where(j >= 0, 1.0, 0))\n o[i, d] = dot[j]((softmax[j](s[i, j]) - 1.0 / n) * "
       "x[i, j], f[j, d])",
       1, 5},
      {"HalfOfTheMaximum", "r: f32[M]",
       "let m = max[j](t[i, j] / 8)\n r[i] = sum[j](exp(t[i, j] / 8 - m / 2))", 1, 2},
      {"Peeled", "r: f32[M]",
       "let m = max[j](x[i, j])\n let a = max[j](min(x[i, j], 0.5) - m)\n r[i] = a + min[j](3 - "
       "x[i, j] * 2 + m)",
       1, 3},
      {"UnknownSign", "r: f32[M]",
       "let a = sum[j](x[i, j])\n r[i] = max(max[j](t[i, j] * a), -1000000)", 1, 3},
      {"ScaledValues", "o: f32[M, D]",
       "o[i, d] = dot[j]((softmax[j](seen) * f[j, 0]) as bf16, h[j, d])", 1, 3},
      {"ExcludedKeys", "o: f32[M, D]",
       "let a = where(j < off + 5 and j <= i + off, s[i, j], -inf)\n"
       "o[i, d] = dot[j](softmax[j](a) as T, padded[j, d])",
       1, 3},
      {"ExcludedProducts", "o: f32[M, D]",
       "o[i, d] = dot[j](where(j < off + 5, x[i, j], 0) as T, (padded[j, d] * 2) as T)", 1, 1},
      {"ExcludedSigmoid", "o: f32[M, D]",
       "o[i, d] = dot[j](sigmoid(where(j < off + 5, s[i, j], -inf)) as T, padded[j, d])", 1, 1},
      {"ExcludedByHand", "o: f32[M, D]",
       "var l: f32[i] = 0\n var a: f32[i, d] = 0\n for tile c in 0 .. N {\n"
       "let e = exp(where(c < off + 5, x[i, c], -inf))\n l = l + sum[c](e)\n"
       "a = a + dot[c](e as T, padded[c, d])\n }\n o[i, d] = a / l",
       0, 0},
      {"MaximumOfIntegers", "r: f32[M]", "r[i] = max[j](where(x[i, j] > 0, j, -1)) * 1.0", 1, 1},
      {"Counted", "r: f32[M]",
       "let m = max[j](x[i, j])\n r[i] = sum[j](where(x[i, j] > 0, 1, 0)) + m", 1, 2},
      {"WriteInTheWalk", "w: f32[M, N], lse: f32[M]",
       "w[i, j] = seen * 2\n lse[i] = logsumexp[j](seen)", 1, 2},
      {"WriteAlone", "w: f32[M, N]", "w[i, j] = seen * 2", 1, 0},
      {"WriteSoftmax", "w: f32[M, N]", "w[i, j] = softmax[j](seen)\n schedule { walks j = 2 }", 2,
       2},
      {"Sparsemax", "o: f32[M, D]",
       "let y = s[i, j]\n let in1 = y > max[j](y) - 1\n"
       "let tau = (sum[j](where(in1, y, 0)) - 1) / sum[j](where(in1, 1, 0))\n"
       "o[i, d] = dot[j](max(y - tau, 0) as T, v[j, d])\n schedule { walks j = 3 }",
       3, 1},
      {"Temperature", "o: f32[M, D]",
       "let m = max[j](seen)\n let e = exp((seen - m) / max(m, 1))\n"
       "o[i, d] = dot[j](e as T, v[j, d]) / sum[j](e)\n schedule { walks j = 2 }",
       2, 1},
      {"Deviation", "r: f32[M]",
       "let mu = sum[j](x[i, j]) / sum[j](where(j >= 0, 1.0, 0))\n r[i] = sum[j](abs(x[i, j] - "
       "mu))\n schedule { walks j = 2 }",
       2, 2},
      {"Bisection", "r: f32[M]",
       "let y = x[i, j]\n let top = max[j](y)\n var lo: f32[i] = top - 4\n var hi: f32[i] = top\n"
       "for c in 0 .. 20 {\n let mid = (lo + hi) / 2\n let z = sum[j](max(y - mid, 0))\n"
       "lo = where(z > 1, mid, lo)\n hi = where(z > 1, hi, mid)\n }\n r[i] = sum[j](max(y - lo, "
       "0))",
       3, 1},
  };
  return list;
}

void PrintTo(const OnlineProgram &program, std::ostream *os) { *os << program.name; }

std::string textOf(const OnlineProgram &program) {
  return std::string("kernel test<T: type = f16, D: int = 4>(\n"
                     "  s: f32[M, N], t: f32[M, N], x: f32[M, N], v: T[N, D], h: bf16[N, D],\n"
                     "  f: f32[N, D], padded: T[N, D],\n"
                     "  sink: f32[M], off: int\n) -> (") +
         program.outputs +
         ")\n{\n  grid tile i in M\n  axis j in N, d in D\n"
         "  let seen = where(j <= i + off, s[i, j], -inf)\n" +
         program.body + "\n}\n";
}

//===-- From text to folds -----------------------------------------------------===//

KernelOp Imported::op() const { return *module.get().getOps<KernelOp>().begin(); }

Imported import(const std::string &text, const dsl::Defines &defines, const std::string &path) {
  Imported result;
  dsl::Diagnostics diagnostics;
  result.program = dsl::checkSource(path, text, defines, diagnostics);
  if (!result.program) {
    for (const auto &diagnostic : diagnostics.list)
      result.diagnostics += diagnostic.message + "\n";
    return result;
  }
  result.context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  result.context->loadDialect<FcDialect, arith::ArithDialect, math::MathDialect>();
  ScopedDiagnosticHandler handler(result.context.get(), [&](Diagnostic &diagnostic) {
    result.diagnostics += diagnostic.str() + "\n";
    return success();
  });
  result.module = importProgram(*result.context, *result.program);
  return result;
}

bool Imported::run(bool fuse) {
  ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &diagnostic) {
    llvm::raw_string_ostream os(diagnostics);
    os << diagnostic.getLocation() << ": " << diagnostic.str() << "\n";
    for (Diagnostic &note : diagnostic.getNotes())
      os << note.getLocation() << ": note: " << note.str() << "\n";
    return success();
  });
  PassManager pm(context.get());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  if (fuse) {
    pm.addNestedPass<KernelOp>(createFuseOnlineSoftmax());
    pm.addPass(createCanonicalizerPass());
    pm.addPass(createCSEPass());
    pm.addNestedPass<KernelOp>(createDropExcluded());
  }
  return succeeded(pm.run(*module));
}

//===-- Data -------------------------------------------------------------------===//

dsl::Arguments randomArguments(const dsl::Kernel &kernel, const dsl::Dims &dims, Scores scores,
                               std::mt19937 &rng) {
  dsl::Arguments arguments;
  arguments.dims = dims;
  std::normal_distribution<double> normal;
  auto extent = [&](const std::string &text) -> int64_t {
    auto it = dims.find(text);
    return it != dims.end() ? it->second : 4; // D
  };
  for (const dsl::Tensor *tensor : kernel.inputs) {
    std::vector<int64_t> shape;
    for (const auto &size : tensor->shape)
      shape.push_back(extent(size.text));
    dsl::Array array = dsl::Array::zeros(tensor->elem, shape);
    bool score = tensor->name == "s" || tensor->name == "t" || tensor->name == "sink";
    double sign = tensor->name == "t" ? -1 : 1, columns = shape.back();
    for (size_t i = 0; i < array.f.size(); ++i) {
      double value = normal(rng);
      if (score)
        switch (scores) {
        case Scores::Plain:
          value *= 2;
          break;
        case Scores::LargePositive:
          value = sign * 900 + 40 * value;
          break;
        case Scores::LargeNegative:
          value = -sign * 900 + 40 * value;
          break;
        case Scores::Rising:
          value += 400 * (2 * double(i % shape.back()) / columns - 1);
          break;
        case Scores::Sparse:
          value = rng() % 10 && tensor->name != "sink" ? -std::numeric_limits<double>::infinity()
                                                       : 3 * value;
          break;
        }
      array.f[i] = value;
    }
    for (int64_t &value : array.i)
      value = rng() % 4;
    arguments.tensors[tensor->name] = std::move(array);
  }
  for (const dsl::Scalar *scalar : kernel.scalars)
    arguments.scalars[scalar->name] = {normal(rng), int64_t(rng() % 7) - 3};
  // Keys past a length hold anything.
  if (auto it = arguments.tensors.find("padded"); it != arguments.tensors.end()) {
    int64_t length = std::max<int64_t>(arguments.scalars["off"].i + 5, 0);
    for (int64_t i = length * it->second.shape[1]; i < it->second.size(); ++i)
      it->second.f[i] = std::numeric_limits<double>::quiet_NaN();
  }
  return arguments;
}

Launch launchOf(const dsl::Kernel &kernel, const dsl::Arguments &arguments,
                const dsl::Outcome &outcome) {
  Launch launch{arguments.tensors, arguments.scalars, arguments.dims};
  for (const dsl::Tensor *tensor : kernel.outputs)
    launch.tensors[tensor->name] =
        dsl::Array::zeros(tensor->elem, outcome.outputs.at(tensor->name).values.shape);
  return launch;
}

double distance(const Launch &launch, const dsl::Outcome &outcome, bool overflows) {
  double worst = 0;
  for (auto &[name, output] : outcome.outputs) {
    const dsl::Array &seen = launch.tensors.at(name);
    for (size_t i = 0; i < output.values.f.size(); ++i) {
      double a = seen.f[i], b = output.values.f[i];
      // Where the text has no number, what is derived may: 0 * -inf is excluded, not NaN.
      if (a == b || std::isnan(b) || (overflows && std::isinf(b)))
        continue;
      if (!std::isfinite(a) || !std::isfinite(b))
        return std::numeric_limits<double>::infinity();
      worst = std::max(worst, std::abs(a - b) / std::max(1.0, std::abs(b)));
    }
    for (size_t i = 0; i < output.values.i.size(); ++i)
      worst = std::max(worst, double(std::abs(seen.i[i] - output.values.i[i])));
  }
  return worst;
}

} // namespace fc::test
