// Instances.cpp - the launches of the examples.
#include "Instances.h"
#include "TestKernel.h"
#include <numeric>

namespace fc::dsl::test {
namespace {

int64_t between(std::mt19937_64 &rng, int64_t lo, int64_t hi) {
  return std::uniform_int_distribution<int64_t>(lo, hi)(rng);
}

Array randomInts(std::mt19937_64 &rng, Elem elem, std::vector<int64_t> shape, int64_t lo,
                 int64_t hi) {
  Array array = Array::zeros(elem, std::move(shape));
  for (int64_t &x : array.i)
    x = between(rng, lo, hi);
  return array;
}

ScalarValue intScalar(int64_t value) { return {0, value}; }

/// Block-sparse rows: `count` blocks of a row, in a list without repeats; the rest of the list is
/// garbage.
void fillBsr(Arguments &args, std::mt19937_64 &rng) {
  int64_t b = 1, h = 2, rb = 3, l = 3,
          blocks = 3; // ceil(10 / 4) rows of blocks, ceil(20 / 8) blocks of keys
  args.tensors["count"] = randomInts(rng, Elem::I32, {b, h, rb}, 0, 3);
  args.tensors["list"] = randomInts(rng, Elem::I32, {b, h, rb, l}, -1000, -1);
  for (int64_t row = 0; row < b * h * rb; ++row) {
    std::vector<int64_t> order(blocks);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), rng);
    for (int64_t n = 0; n < args.tensors["count"].i[row]; ++n)
      args.tensors["list"].i[row * l + n] = order[n];
  }
}

/// Pages of each sequence, no page twice; entries past a sequence's length are garbage.
Array pageTable(std::mt19937_64 &rng, const std::vector<int64_t> &lengths, int64_t width,
                int64_t page, int64_t pages) {
  std::vector<int64_t> order(pages);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), rng);
  Array table =
      ints({int64_t(lengths.size()), width}, std::vector<int64_t>(lengths.size() * width, -99));
  size_t next = 0;
  for (size_t b = 0; b < lengths.size(); ++b)
    for (int64_t at = 0; at * page < lengths[b]; ++at)
      table.i[b * width + at] = order[next++];
  return table;
}

std::map<std::string, Instance> makeInstances() {
  const Dims heads = {{"B", 2}, {"H", 2}, {"G", 2}, {"M", 13}, {"N", 13}};
  const Dims groups = {{"B", 2}, {"H", 4}, {"G", 2}, {"M", 9}, {"N", 14}};
  const Defines d16 = {{"D", "16"}};
  std::map<std::string, Instance> all;
  for (const char *name : {"attention", "alibi", "gated", "lse_max", "qknorm", "sigmoid", "softcap",
                           "softmax1", "sparsemax_refused", "stickbreaking", "unfused", "chunked"})
    all[name] = {d16, heads, {}, nullptr};
  for (const char *name : {"by_hand", "causal_gqa", "sinks"})
    all[name] = {d16, groups, {}, nullptr};
  all["window"] = {d16, groups, {{"left", intScalar(4)}, {"right", intScalar(1)}}, nullptr};
  all["sinks"].scalars["width"] = intScalar(5);
  all["chunked"].scalars["chunk"] = intScalar(5);
  all["bias"] = {d16, heads, {}, nullptr};
  all["block_diffusion"] = {
      d16, {{"B", 1}, {"H", 2}, {"M", 32}}, {{"block", intScalar(4)}}, nullptr};
  all["bsr"] = {{{"D", "16"}, {"BM", "4"}, {"BN", "8"}},
                {{"B", 1}, {"H", 2}, {"M", 10}, {"N", 20}, {"RB", 3}, {"L", 3}},
                {},
                fillBsr};
  all["differential"] = {{{"D", "16"}, {"E", "24"}}, heads, {}, nullptr};
  all["document"] = {d16, heads, {}, [](Arguments &args, std::mt19937_64 &) {
                       args.tensors["doc"] =
                           ints({2, 13}, {0, 0, 0, 1, 1, 1, 1, 4, 4, 4, 5, 6, 6, //
                                          2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3});
                     }};
  all["dropout"] = {d16, heads, {{"seed", intScalar(0x123456789ABCDEF)}}, nullptr};
  all["fp8"] = {d16, groups, {}, nullptr};
  all["int8kv"] = {d16, groups, {}, [](Arguments &args, std::mt19937_64 &rng) {
                     args.tensors["k"] = randomInts(rng, Elem::I8, {2, 2, 14, 16}, -127, 127);
                     args.tensors["v"] = randomInts(rng, Elem::I8, {2, 2, 14, 16}, -127, 127);
                     args.tensors["ks"] = randomFloats(rng, Elem::F32, {2, 2, 14}, 0.01);
                   }};
  all["linear"] = {{{"D", "8"}, {"E", "16"}, {"C", "4"}}, heads, {}, nullptr};
  all["mla_prefill"] = {{{"D", "16"}, {"R", "8"}, {"E", "24"}}, groups, {}, nullptr};
  all["natten2d"] = {{{"D", "16"}, {"X", "5"}, {"Y", "6"}},
                     {{"B", 1}, {"H", 2}, {"M", 30}},
                     {{"r", intScalar(2)}},
                     nullptr};
  // Chosen blocks may be -1, and block 4 reaches past the 18 keys.
  all["nsa"] = {{{"D", "16"}, {"BLK", "4"}, {"STEP", "2"}, {"CLEN", "4"}},
                {{"B", 1}, {"H", 4}, {"G", 2}, {"M", 18}, {"N", 18}, {"C", 8}, {"K", 3}},
                {{"width", intScalar(6)}},
                [](Arguments &args, std::mt19937_64 &rng) {
                  args.tensors["chosen"] = randomInts(rng, Elem::I32, {1, 18, 2, 3}, -1, 4);
                }};
  all["paged"] = {{{"D", "16"}, {"PAGE", "4"}},
                  {{"B", 3}, {"H", 4}, {"G", 2}, {"P", 12}, {"W", 6}},
                  {},
                  [](Arguments &args, std::mt19937_64 &rng) {
                    args.tensors["len"] = ints({3}, {11, 0, 24});
                    args.tensors["table"] = pageTable(rng, {11, 0, 24}, 6, 4, 12);
                  }};
  all["paged_varlen"] = {{{"D", "16"}, {"PAGE", "4"}},
                         {{"B", 3}, {"H", 4}, {"G", 2}, {"P", 8}, {"S", 12}, {"W", 6}},
                         {{"longest", intScalar(5)}},
                         [](Arguments &args, std::mt19937_64 &rng) {
                           args.tensors["cuq"] = ints({4}, {0, 3, 3, 8});
                           args.tensors["len"] = ints({3}, {11, 5, 22});
                           args.tensors["table"] = pageTable(rng, {11, 5, 22}, 6, 4, 12);
                         }};
  all["relpos"] = {d16, {{"B", 1}, {"H", 2}, {"M", 13}, {"N", 11}, {"L", 9}}, {}, nullptr};
  // Per-head decays, log2 of something below 1.
  auto decays = [](Arguments &args, std::mt19937_64 &) {
    args.tensors["decay"] = floats({2}, {-0.125, -0.5});
  };
  all["retention"] = {{{"D", "16"}, {"E", "8"}}, heads, {}, decays};
  all["retention_chunks"] = {{{"D", "16"}, {"E", "8"}, {"C", "4"}}, heads, {}, decays};
  // A state that has seen nothing in some rows.
  all["ring"] = {d16, heads, {{"off", intScalar(-3)}}, [](Arguments &args, std::mt19937_64 &rng) {
                   args.tensors["m0"] = randomFloats(rng, Elem::F32, {2, 2, 13});
                   args.tensors["l0"] = floats({2, 2, 13}, std::vector<double>(52, 2.5));
                   for (size_t n : {0, 7, 30}) {
                     args.tensors["m0"].f[n] = -kInf;
                     args.tensors["l0"].f[n] = 0;
                   }
                 }};
  all["rope"] = {d16, groups, {}, nullptr};
  all["rope"].dims["L"] = 14;
  all["sparse_mla"] = {{{"D", "24"}, {"E", "16"}},
                       {{"B", 2}, {"H", 3}, {"M", 5}, {"N", 12}, {"K", 4}},
                       {{"scale", {0.25, 0}}},
                       [](Arguments &args, std::mt19937_64 &rng) {
                         args.tensors["top"] = randomInts(rng, Elem::I32, {2, 5, 4}, -1, 11);
                         std::fill_n(args.tensors["top"].i.begin(), 4, -1); // a row without keys
                       }};
  auto lengths = [](Arguments &args, std::mt19937_64 &) {
    args.tensors["len"] = ints({2}, {14, 5});
  };
  all["splitkv_explicit"] = {{{"D", "16"}, {"S", "4"}}, groups, {}, lengths};
  all["splitkv_schedule"] = {d16, groups, {}, lengths};
  all["stickbreaking_hand"] = {{{"D", "16"}, {"C", "4"}}, heads, {}, nullptr};
  all["t5"] = {d16, heads, {{"far", intScalar(10)}}, nullptr};
  all["t5"].dims["R"] = 8;
  all["tree"] = {d16, groups, {}, [](Arguments &args, std::mt19937_64 &rng) {
                   args.tensors["anc"] =
                       randomInts(rng, Elem::I32, {2, 9, 1}, -(1ll << 31), (1ll << 31) - 1);
                 }};
  all["tree"].dims["W"] = 1;
  all["varlen"] = {d16,
                   {{"B", 3}, {"H", 4}, {"G", 2}, {"P", 17}, {"S", 23}},
                   {{"longest", intScalar(9)}},
                   [](Arguments &args, std::mt19937_64 &) {
                     args.tensors["cuq"] = ints({4}, {0, 9, 12, 17});
                     args.tensors["cuk"] = ints({4}, {0, 14, 14, 23});
                   }};
  // The backward pass takes what the forward pass made; ExamplesTest gives `o` and `lse`.
  all["backward"] = {{{"D", "8"}}, {{"B", 1}, {"H", 4}, {"G", 2}, {"M", 6}, {"N", 7}}, {}, nullptr};
  return all;
}

} // namespace

const std::map<std::string, Instance> &instances() {
  static const std::map<std::string, Instance> all = makeInstances();
  return all;
}

Arguments argumentsFor(const Program &program, const Instance &instance, uint64_t seed) {
  std::mt19937_64 rng(seed);
  Arguments args;
  args.dims = instance.dims;
  args.scalars = instance.scalars;
  if (instance.fill)
    instance.fill(args, rng);
  std::set<std::string> made;
  for (const Kernel &kernel : program.kernels) {
    for (const Tensor *tensor : kernel.inputs) {
      if (args.tensors.count(tensor->name) || made.count(tensor->name))
        continue;
      std::vector<int64_t> shape;
      if (auto error = shapeOf(*tensor, instance.dims, shape))
        ADD_FAILURE() << error->message;
      EXPECT_TRUE(isFloat(tensor->elem)) << "no values for " << tensor->name;
      args.tensors[tensor->name] = randomFloats(rng, tensor->elem, shape);
    }
    for (const Tensor *tensor : kernel.outputs)
      made.insert(tensor->name);
  }
  return args;
}

} // namespace fc::dsl::test
