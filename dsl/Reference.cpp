// Reference.cpp - evaluates a kernel: binds the launch, walks the grid, checks what was written.
//
// The grid is cut into items, one for each point of its scalar axes (and each piece of rows where
// there are few points); threads take them in order. Inside an item the rows go through in chunks,
// so that a value over rows and keys fits a cache; nothing in the language can tell (rule A4: no
// reduction over a grid axis).
#include "dsl/Reference.h"
#include "dsl/ReferenceEval.h"
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <mutex>
#include <new>
#include <thread>

namespace fc::dsl {
namespace {

/// Elements of the largest value that a chunk of rows aims at (1 MiB of float64).
constexpr int64_t kAimedElements = int64_t(1) << 17;
/// Rows below which a chunk is cut only to save memory: products of fewer rows are slow.
constexpr int64_t kFewRows = 16;
/// And the elements at which memory is to be saved (64 MiB a value).
constexpr int64_t kManyElements = int64_t(1) << 23;
/// Rows of an item where the scalar axes have fewer points than there are threads to feed.
constexpr int64_t kRowsOfItem = 256;

using MaybeError = std::optional<ReferenceError>;

struct Interval {
  int64_t lo, hi;
};

struct Item {
  std::vector<int64_t> points; ///< of the scalar axes of the grid
  std::vector<Interval> tiles; ///< of its tile axes
};

/// One evaluation of a launch, with one way to cut free loops.
class GridRun {
public:
  GridRun(const Launch &launch, const Plan &plan, int cut, int threads)
      : launch(launch), plan(plan), cut(cut), threads(threads) {
    for (const Axis *axis : launch.kernel.grid)
      (axis->isPoint() ? points : tiles).push_back(axis);
  }

  MaybeError run();

private:
  const Launch &launch;
  const Plan &plan;
  int cut, threads;
  std::vector<const Axis *> points, tiles;
  std::vector<Item> items;

  void enumerate(Evaluator &evaluator, Item &item, size_t depth);
  void addItems(Evaluator &evaluator, const Item &item);
  void splitRows();
  void runItem(Evaluator &evaluator, const Item &item);
  void runChunks(Evaluator &evaluator, const Item &item, size_t depth);
  std::vector<int64_t> chunkSizes(const Evaluator &evaluator, const Item &item) const;
};

/// All points of the scalar axes from number `depth` on; a range may depend on the axes before it.
void GridRun::enumerate(Evaluator &evaluator, Item &item, size_t depth) {
  if (depth == points.size()) {
    addItems(evaluator, item);
    return;
  }
  Evaluator::Range range = evaluator.rangeOf(points[depth]);
  for (int64_t at = range.lo; at < range.hi; ++at) {
    evaluator.setPoint(points[depth], at);
    item.points.push_back(at);
    enumerate(evaluator, item, depth + 1);
    item.points.pop_back();
  }
}

void GridRun::addItems(Evaluator &evaluator, const Item &item) {
  items.push_back(item);
  for (const Axis *axis : tiles) {
    Evaluator::Range range = evaluator.rangeOf(axis);
    items.back().tiles.push_back({range.lo, range.hi});
    if (range.lo == range.hi) {
      items.pop_back();
      return;
    }
  }
}

void GridRun::splitRows() {
  if (tiles.empty() || items.size() >= size_t(threads) * 4)
    return;
  std::vector<Item> pieces;
  for (const Item &item : items) {
    auto [lo, hi] = item.tiles[0];
    for (int64_t at = lo; at < hi; at += kRowsOfItem) {
      pieces.push_back(item);
      pieces.back().tiles[0] = {at, std::min(at + kRowsOfItem, hi)};
    }
  }
  items = std::move(pieces);
}

/// How many rows of each tile axis to take at a time, from what the evaluator has seen so far.
std::vector<int64_t> GridRun::chunkSizes(const Evaluator &evaluator, const Item &item) const {
  std::vector<int64_t> rows;
  for (const Interval &interval : item.tiles)
    rows.push_back(interval.hi - interval.lo);
  while (!rows.empty()) {
    auto largest = std::max_element(rows.begin(), rows.end());
    std::optional<int64_t> elements = evaluator.largestValue(tiles, rows);
    bool small = elements && *elements <= kAimedElements;
    bool fewRows = *largest <= kFewRows && (!elements || *elements <= kManyElements);
    if (small || fewRows || *largest == 1)
      break;
    *largest = (*largest + 1) / 2;
  }
  return rows;
}

void GridRun::runChunks(Evaluator &evaluator, const Item &item, size_t depth) {
  if (depth == tiles.size()) {
    evaluator.run(launch.kernel.body);
    return;
  }
  auto [lo, hi] = item.tiles[depth];
  for (int64_t at = lo; at < hi;) {
    int64_t next = std::min(at + chunkSizes(evaluator, item)[depth], hi);
    evaluator.setRange(tiles[depth], at, next);
    runChunks(evaluator, item, depth + 1);
    at = next;
  }
}

void GridRun::runItem(Evaluator &evaluator, const Item &item) {
  for (size_t n = 0; n < points.size(); ++n)
    evaluator.setPoint(points[n], item.points[n]);
  runChunks(evaluator, item, 0);
}

MaybeError GridRun::run() {
  auto guarded = [](auto fn) -> MaybeError {
    try {
      fn();
    } catch (const Failure &failure) {
      return failure.error;
    } catch (const std::bad_alloc &) {
      return ReferenceError{{}, "the reference is out of memory"};
    }
    return std::nullopt;
  };

  MaybeError error = guarded([&] {
    Evaluator evaluator(launch, plan, cut);
    Item item;
    enumerate(evaluator, item, 0);
  });
  if (error)
    return error;
  splitRows();

  // Items are taken in order, so when one fails all before it are done or under way: of the errors,
  // that of the first item is the same whatever the threads do.
  std::atomic<size_t> next{0}, failed{items.size()};
  std::mutex mutex;
  auto work = [&] {
    Evaluator evaluator(launch, plan, cut);
    for (size_t n; (n = next.fetch_add(1)) < items.size() && n < failed.load();) {
      MaybeError found = guarded([&] { runItem(evaluator, items[n]); });
      std::lock_guard<std::mutex> lock(mutex);
      if (found && n < failed.load()) {
        failed = n;
        error = found;
      }
    }
  };
  std::vector<std::thread> others;
  for (int n = 1; n < std::min<int>(threads, int(items.size())); ++n)
    others.emplace_back(work);
  work();
  for (std::thread &thread : others)
    thread.join();
  return error;
}

//===-- one kernel
//--------------------------------------------------------------------------------===//

std::vector<int64_t> unravel(int64_t offset, const std::vector<int64_t> &shape) {
  std::vector<int64_t> indices(shape.size());
  for (size_t n = shape.size(); n-- > 0; offset /= shape[n])
    indices[n] = offset % shape[n];
  return indices;
}

MaybeError checkInputs(const Kernel &kernel, const Arguments &args) {
  for (const Tensor *tensor : kernel.inputs) {
    auto it = args.tensors.find(tensor->name);
    if (it == args.tensors.end()) {
      if (tensor->read)
        return ReferenceError{tensor->loc,
                              fmt::format("`{}` is null, but the kernel reads it", tensor->name)};
      continue;
    }
    const Array &array = it->second;
    if (array.elem != tensor->elem)
      return ReferenceError{tensor->loc,
                            fmt::format("`{}` is {}, but an array of {} is given", tensor->name,
                                        name(tensor->elem), name(array.elem))};
    int64_t held = int64_t(isFloat(array.elem) ? array.f.size() : array.i.size());
    if (held != array.size())
      return ReferenceError{
          tensor->loc,
          fmt::format("the array given for `{}` has {} elements, but its shape [{}] {}",
                      tensor->name, held, fmt::join(array.shape, ", "), array.size())};
  }
  return std::nullopt;
}

/// Whether two evaluations of one element agree but for rounding.
bool agree(double a, double b) {
  if (std::isnan(a) || std::isnan(b) || std::isinf(a) || std::isinf(b))
    return a == b || (std::isnan(a) && std::isnan(b));
  return std::fabs(a - b) <= 1e-9 * std::max({1.0, std::fabs(a), std::fabs(b)});
}

/// Two evaluations that differ only in where free loops were cut (rule A5).
MaybeError compareCuts(const Kernel &kernel, const Stmt &tileLoop,
                       const std::map<std::string, Output> &whole,
                       const std::map<std::string, Output> &thirds) {
  for (const Tensor *tensor : kernel.outputs) {
    auto it = whole.find(tensor->name);
    if (it == whole.end())
      continue;
    const Array &a = it->second.values, &b = thirds.at(tensor->name).values;
    for (int64_t n = 0, size = a.size(); n < size; ++n) {
      bool floats = isFloat(a.elem);
      if (floats ? agree(a.f[n], b.f[n]) : a.i[n] == b.i[n])
        continue;
      std::string values = floats
                               ? fmt::format("{} with one tile and {} with three", a.f[n], b.f[n])
                               : fmt::format("{} with one tile and {} with three", a.i[n], b.i[n]);
      return ReferenceError{
          tileLoop.loc,
          fmt::format("the result depends on where `for tile {}` is cut: `{}[{}]` is {}",
                      tileLoop.axis->name, tensor->name, fmt::join(unravel(n, a.shape), ", "),
                      values)};
    }
  }
  return std::nullopt;
}

MaybeError checkWritten(const Kernel &kernel, const std::map<std::string, Output> &outputs) {
  for (const Tensor *tensor : kernel.outputs) {
    auto it = outputs.find(tensor->name);
    if (it == outputs.end())
      continue;
    const std::vector<uint8_t> &written = it->second.written;
    auto hole = std::find(written.begin(), written.end(), 0);
    if (hole != written.end())
      return ReferenceError{
          tensor->loc,
          fmt::format("`{}[{}]` is never written; every element is to be written once",
                      tensor->name,
                      fmt::join(unravel(hole - written.begin(), it->second.values.shape), ", "))};
  }
  return std::nullopt;
}

MaybeError evaluateInto(const Kernel &kernel, const Arguments &args,
                        const ReferenceOptions &options, std::map<std::string, Output> &outputs) {
  Launch launch{kernel, {}, args.scalars, {}, {}};
  Shapes shapes;
  for (const Tensor *tensor : kernel.inputs)
    if (auto it = args.tensors.find(tensor->name); it != args.tensors.end()) {
      shapes[tensor->name] = it->second.shape;
      launch.inputs[tensor] = &it->second;
    }
  if (MaybeError error = checkInputs(kernel, args))
    return error;
  if (MaybeError error = bindDims(kernel, shapes, args.dims, launch.dims))
    return error;
  if (MaybeError error = bindScalars(kernel, launch.dims, launch.scalars))
    return error;

  Plan plan(kernel, launch.scalars);
  int threads =
      options.threads > 0 ? options.threads : std::max(1, int(std::thread::hardware_concurrency()));
  auto evaluateCut = [&](int cut, std::map<std::string, Output> &into) -> MaybeError {
    launch.outputs.clear();
    for (const Tensor *tensor : kernel.outputs) {
      if (args.nullOutputs.count(tensor->name))
        continue;
      std::vector<int64_t> shape;
      if (MaybeError error = shapeOf(*tensor, launch.dims, shape))
        return error;
      Output &output = into[tensor->name];
      output.values = Array::zeros(tensor->elem, shape);
      output.written.assign(output.values.size(), 0);
      launch.outputs[tensor] = &output;
    }
    return GridRun(launch, plan, cut, threads).run();
  };

  if (MaybeError error = evaluateCut(0, outputs))
    return error;
  if (!options.allowUnwritten)
    if (MaybeError error = checkWritten(kernel, outputs))
      return error;
  if (const Stmt *tileLoop = plan.freeTileLoop()) {
    std::map<std::string, Output> thirds;
    if (MaybeError error = evaluateCut(1, thirds))
      return error;
    return compareCuts(kernel, *tileLoop, outputs, thirds);
  }
  return std::nullopt;
}

} // namespace

Outcome evaluate(const Kernel &kernel, const Arguments &args, const ReferenceOptions &options) {
  Outcome outcome;
  outcome.error = evaluateInto(kernel, args, options, outcome.outputs);
  if (outcome.error)
    outcome.outputs.clear();
  return outcome;
}

Outcome evaluate(const Program &program, const Arguments &args, const ReferenceOptions &options) {
  Outcome all;
  Arguments known = args;
  for (const Kernel &kernel : program.kernels) {
    Outcome one = evaluate(kernel, known, options);
    if (one.error) {
      all.error = one.error;
      all.outputs.clear();
      return all;
    }
    for (auto &[name, output] : one.outputs) {
      known.tensors.try_emplace(name, output.values);
      all.outputs[name] = std::move(output);
    }
  }
  return all;
}

} // namespace fc::dsl
