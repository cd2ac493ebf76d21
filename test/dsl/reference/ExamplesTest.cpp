// Every program of test/dsl/examples, run on a small instance, and held against another way to the
// same result: another program, a permuted layout, a finite difference.
#include "Instances.h"
#include "TestKernel.h"
#include <filesystem>

using namespace fc::dsl;
using namespace fc::dsl::test;

namespace {

const std::string folder = FC_SOURCE_DIR "/test/dsl/examples/";

std::unique_ptr<Program> example(const std::string &name, const Defines &defines) {
  Diagnostics diagnostics;
  std::unique_ptr<Program> program = checkFile(folder + name + ".fc", defines, diagnostics);
  if (!program)
    ADD_FAILURE() << diagnostics.render();
  return program;
}

/// Runs an example on its instance; `change` edits the arguments first.
Outcome runExample(const std::string &name, uint64_t seed = 0,
                   std::function<void(Arguments &)> change = nullptr) {
  const Instance &instance = instances().at(name);
  std::unique_ptr<Program> program = example(name, instance.defines);
  if (!program)
    return {};
  Arguments args = argumentsFor(*program, instance, seed);
  if (change)
    change(args);
  Outcome outcome = evaluate(*program, args);
  if (outcome.error)
    ADD_FAILURE() << outcome.error->render(*program);
  return outcome;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (auto &entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".fc")
      all.push_back(entry.path().stem().string());
  std::sort(all.begin(), all.end());
  return all;
}

class Examples : public testing::TestWithParam<std::string> {};

TEST_P(Examples, Runs) {
  ASSERT_TRUE(instances().count(GetParam())) << "no instance for " << GetParam();
  for (uint64_t seed : {1, 2}) {
    Outcome outcome = runExample(GetParam(), seed);
    for (auto &[name, output] : outcome.outputs) {
      EXPECT_THAT(output.written, testing::Each(1));
      // Of rows without keys; and `s` holds masked scores.
      bool mayBeInf = name == "lse" || name == "pl" || name == "m1" || name == "s";
      double sum = 0;
      for (double x : output.values.f) {
        EXPECT_TRUE(std::isfinite(x) || (mayBeInf && x == -kInf)) << name << " has " << x;
        sum += std::isfinite(x) ? std::fabs(x) : 0;
      }
      EXPECT_GT(sum, 0) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Examples, testing::ValuesIn(names()),
                         [](auto &info) { return info.param; });

/// One head's rows of a [.., .., rows, size] array.
std::vector<double> slice(const Array &array, int64_t first, int64_t count) {
  return {array.f.begin() + first, array.f.begin() + first + count};
}

TEST(ExamplePairs, TheLoopByHandIsTheFormula) {
  // by_hand has `j <= i`; with N = M that is causal_gqa's mask.
  auto square = [](Arguments &args) {
    args.dims["N"] = args.dims["M"];
    for (const char *name : {"k", "v"})
      args.tensors[name] = [&] {
        std::mt19937_64 rng(name[0]);
        return randomFloats(rng, Elem::F16, {2, 2, 9, 16});
      }();
  };
  expectNear(valuesOf(runExample("by_hand", 3, square)),
             valuesOf(runExample("causal_gqa", 3, square)));
}

TEST(ExamplePairs, SplitKeysAreMerged) {
  auto same = [](Arguments &args) {
    std::mt19937_64 rng(5);
    args.tensors["q"] = randomFloats(rng, Elem::F16, {2, 4, 16});
    for (const char *name : {"k", "v"})
      args.tensors[name] = randomFloats(rng, Elem::F16, {2, 2, 14, 16});
  };
  expectNear(valuesOf(runExample("splitkv_explicit", 0, same)),
             valuesOf(runExample("splitkv_schedule", 0, same)));
}

TEST(ExamplePairs, RetentionInChunksIsRetention) {
  expectNear(valuesOf(runExample("retention", 7)), valuesOf(runExample("retention_chunks", 7)));
}

TEST(ExamplePairs, StickBreakingByScanAndByHand) {
  expectNear(valuesOf(runExample("stickbreaking", 7)),
             valuesOf(runExample("stickbreaking_hand", 7)), 1e-11);
}

TEST(ExamplePairs, UnfusedIsCausal) {
  auto softcapped = [](Arguments &args) { args.scalars["cap"] = {1e7, 0}; }; // no cap to speak of
  expectNear(valuesOf(runExample("unfused", 9)), valuesOf(runExample("softcap", 9, softcapped)),
             1e-9);
}

TEST(ExamplePairs, LinearAttentionCarriesItsState) {
  // Chunks of any length give the same, so the state that one hands on is right.
  Instance instance = instances().at("linear");
  std::vector<std::vector<double>> results;
  for (const char *chunk : {"1", "4", "64"}) {
    instance.defines["C"] = chunk;
    std::unique_ptr<Program> program = example("linear", instance.defines);
    results.push_back(valuesOf(evaluate(*program, argumentsFor(*program, instance, 4))));
  }
  expectNear(results[0], results[1]);
  expectNear(results[0], results[2]);
}

TEST(ExamplePairs, VarlenIsCausalSequenceBySequence) {
  std::mt19937_64 rng(11);
  Array q = randomFloats(rng, Elem::F16, {17, 4, 16}),
        k = randomFloats(rng, Elem::F16, {23, 2, 16}),
        v = randomFloats(rng, Elem::F16, {23, 2, 16});
  Outcome packed = runExample("varlen", 0, [&](Arguments &args) {
    args.tensors["q"] = q;
    args.tensors["k"] = k;
    args.tensors["v"] = v;
  });
  std::vector<double> o = valuesOf(packed);
  std::unique_ptr<Program> causal = example("causal_gqa", {{"D", "16"}});
  const int64_t cuq[] = {0, 9, 12, 17}, cuk[] = {0, 14, 14, 23};
  for (int b = 0; b < 3; ++b) {
    auto alone = [&](const Array &x, int64_t lo,
                     int64_t hi) { // [token, head, d] to [1, head, token, d]
      int64_t heads = x.shape[1];
      Array out = Array::zeros(Elem::F16, {1, heads, hi - lo, 16});
      for (int64_t t = lo; t < hi; ++t)
        for (int64_t h = 0; h < heads; ++h)
          std::copy_n(x.f.begin() + (t * heads + h) * 16, 16,
                      out.f.begin() + (h * (hi - lo) + t - lo) * 16);
      return out;
    };
    Arguments args;
    args.tensors = {{"q", alone(q, cuq[b], cuq[b + 1])},
                    {"k", alone(k, cuk[b], cuk[b + 1])},
                    {"v", alone(v, cuk[b], cuk[b + 1])}};
    std::vector<double> expected = valuesOf(evaluate(*causal, args));
    int64_t rows = cuq[b + 1] - cuq[b];
    for (int64_t h = 0; h < 4; ++h)
      for (int64_t t = 0; t < rows; ++t)
        for (int64_t d = 0; d < 16; ++d)
          EXPECT_NEAR(o[((cuq[b] + t) * 4 + h) * 16 + d], expected[(h * rows + t) * 16 + d], 1e-12);
  }
}

TEST(ExamplePairs, PagesAreOnlyALayout) {
  // The same keys in another order of pages.
  Outcome one = runExample("paged", 0);
  Outcome two = runExample("paged", 0, [](Arguments &args) {
    Array &table = args.tensors["table"];
    for (int64_t &page : table.i)
      if (page >= 0)
        page = 11 - page;
    for (const char *name : {"k", "v"}) {
      Array &pool = args.tensors[name];
      size_t page = pool.f.size() / 12;
      Array old = pool;
      for (size_t n = 0; n < 12; ++n)
        std::copy_n(old.f.begin() + n * page, page, pool.f.begin() + (11 - n) * page);
    }
  });
  expectNear(valuesOf(one), valuesOf(two));
  // The second sequence has no keys.
  std::vector<double> o = valuesOf(one);
  EXPECT_THAT(slice(one.outputs.at("o").values, 4 * 16, 4 * 16), testing::Each(0.0));
}

TEST(ExamplePairs, BlockSparseRowsSeeTheirBlocks) {
  // With every block in the list it is plain attention.
  auto everything = [](Arguments &args) {
    args.tensors["count"] = ints({1, 2, 3}, std::vector<int64_t>(6, 3));
    std::vector<int64_t> list;
    for (int row = 0; row < 6; ++row)
      for (int64_t block : {2, 0, 1})
        list.push_back(block);
    args.tensors["list"] = ints({1, 2, 3, 3}, list);
  };
  auto same = [](Arguments &args) {
    std::mt19937_64 rng(3);
    args.dims.insert({{"B", 1}, {"H", 2}, {"M", 10}, {"N", 20}});
    args.dims["B"] = 1, args.dims["M"] = 10, args.dims["N"] = 20;
    args.tensors["q"] = randomFloats(rng, Elem::F16, {1, 2, 10, 16});
    args.tensors["k"] = randomFloats(rng, Elem::F16, {1, 2, 20, 16});
    args.tensors["v"] = randomFloats(rng, Elem::F16, {1, 2, 20, 16});
  };
  Outcome sparse = runExample("bsr", 0, [&](Arguments &args) {
    everything(args);
    same(args);
  });
  expectNear(valuesOf(sparse), valuesOf(runExample("attention", 0, same)));
}

/// The loss whose gradient with respect to o is `weights`: sum of weights * o.
double loss(const Program &causal, const Arguments &args, const std::vector<double> &weights) {
  std::vector<double> o = valuesOf(evaluate(causal, args));
  double total = 0;
  for (size_t n = 0; n < o.size(); ++n)
    total += weights[n] * o[n];
  return total;
}

TEST(ExamplePairs, TheBackwardPassIsTheDerivative) {
  const Instance &instance = instances().at("backward");
  std::unique_ptr<Program> causal = example("causal_gqa", {{"D", "8"}, {"T", "f32"}});
  Defines defines = {{"D", "8"}, {"T", "f32"}};
  std::unique_ptr<Program> backward = example("backward", defines);
  ASSERT_TRUE(causal && backward);
  Arguments args = argumentsFor(*backward, instance, 8);
  Outcome forward = evaluate(*causal, args);
  args.tensors["o"] = {Elem::F32, {1, 4, 6, 8}, valuesOf(forward), {}};
  args.tensors["lse"] = {Elem::F32, {1, 4, 6}, valuesOf(forward, "lse"), {}};
  Outcome gradients = evaluate(*backward, args);
  std::vector<double> weights = args.tensors["do"].f;
  for (const char *name : {"q", "k", "v"}) {
    std::vector<double> gradient = valuesOf(gradients, std::string("d") + name);
    for (size_t n = 0; n < gradient.size(); n += 7) {
      double step = 1e-5;
      Arguments up = args, down = args;
      up.tensors[name].f[n] += step;
      down.tensors[name].f[n] -= step;
      double slope = (loss(*causal, up, weights) - loss(*causal, down, weights)) / (2 * step);
      EXPECT_NEAR(gradient[n], slope, 1e-8) << "d" << name << "[" << n << "]";
    }
  }
}

} // namespace
