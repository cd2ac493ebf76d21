// Launch.cpp - Module::load and launch(): checks of what the caller gave, the host threads over
// CTAs, and the report.
//
// CTAs are independent, so workers take them from a counter; each has its own machine and its own
// tally, and the first fault in CTA order is the one reported, whatever ran first. A kernel whose
// CTAs may talk to each other (global atomics, volatile or ordered accesses) runs on one thread.
#include "runtime/emulator/Checks.h"
#include "runtime/emulator/Conflicts.h"
#include "runtime/emulator/Decoder.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <thread>

namespace fc::emu {

namespace {

class LoadedModule final : public Module {
public:
  ptx::ParsedModule parsed;
  ModuleLayout layout;
  std::vector<std::unique_ptr<Program>> programs;
  /// Initial bytes of each module variable, addresses filled in.
  std::vector<std::vector<std::byte>> initial;

  std::vector<std::string> entries() const override {
    std::vector<std::string> names;
    for (const auto &program : programs)
      names.emplace_back(program->function->name);
    return names;
  }

  std::span<const std::byte> global(std::string_view symbol) const override {
    for (size_t i = 0; i < parsed.variables.size(); ++i)
      if (parsed.variables[i].name == symbol && parsed.variables[i].space != ptx::Space::Shared)
        return initial[i];
    return {};
  }

  std::string target() const override { return parsed.target; }

  const Program *find(std::string_view entry) const {
    for (const auto &program : programs)
      if (program->function->name == entry)
        return program.get();
    return nullptr;
  }

  std::vector<Param> params(std::string_view entry) const override {
    const Program *program = find(entry);
    return program ? program->params : std::vector<Param>();
  }

  void build() {
    layout = layOutModule(parsed);
    for (const ptx::Variable &variable : parsed.variables) {
      std::vector<std::byte> bytes(variable.space == ptx::Space::Shared ? 0 : variable.bytes);
      std::copy(variable.init.begin(), variable.init.end(), bytes.begin());
      for (const ptx::Variable::Fixup &fixup : variable.fixups) {
        uint64_t address = 0;
        bool found = false;
        for (size_t i = 0; i < parsed.variables.size() && !found; ++i)
          if (parsed.variables[i].name == fixup.symbol) {
            address = layout.addresses[i] + uint64_t(fixup.addend);
            found = true;
          }
        if (!found)
          throw ptx::Error{variable.line, fmt::format("`{}` is not declared", fixup.symbol)};
        if (fixup.byte + 8 > bytes.size())
          throw ptx::Error{variable.line,
                           fmt::format("the address of `{}` needs 8 bytes", fixup.symbol)};
        std::memcpy(bytes.data() + fixup.byte, &address, 8);
      }
      initial.push_back(std::move(bytes));
    }
    for (const ptx::Function &function : parsed.functions)
      programs.push_back(decode(parsed, function, layout));
  }
};

Report refuse(std::string id, const std::string &what, const std::string &rule) {
  Report report;
  report.id = std::move(id);
  report.text = fmt::format("error: {}: {} [{}]", what, rule, report.id);
  return report;
}

/// Shared memory that a CTA of a target may have.
uint32_t sharedLimit(unsigned sm) {
  switch (sm) {
  case 80:
  case 87:
    return 163 * 1024;
  case 90:
  case 100:
  case 103:
    return 227 * 1024;
  default:
    return sm < 80 ? 64 * 1024 : 99 * 1024; // 86, 89, 120
  }
}

std::optional<Report> checkLaunch(const LoadedModule &module, const Program *program,
                                  const Launch &launch) {
  auto dims = [](const std::array<uint32_t, 3> &d) {
    return fmt::format("({}, {}, {})", d[0], d[1], d[2]);
  };
  if (!program) {
    std::string known;
    for (const std::string &name : module.entries())
      known += fmt::format("{}`{}`", known.empty() ? "" : ", ", name);
    return refuse("LAUNCH",
                  fmt::format("`{}` is no kernel of {}", launch.entry, module.parsed.name),
                  fmt::format("it has {}", known.empty() ? "none" : known));
  }
  uint64_t threads = uint64_t(launch.block[0]) * launch.block[1] * launch.block[2];
  if (!threads || threads > 1024 || launch.block[0] > 1024 || launch.block[1] > 1024 ||
      launch.block[2] > 64)
    return refuse("LAUNCH", fmt::format("block {}", dims(launch.block)),
                  "a block has 1 to 1024 threads, at most 64 in z");
  if (!launch.grid[0] || !launch.grid[1] || !launch.grid[2] || launch.grid[0] > INT32_MAX ||
      launch.grid[1] > 65535 || launch.grid[2] > 65535)
    return refuse("LAUNCH", fmt::format("grid {}", dims(launch.grid)),
                  "a grid has at least one block, at most 65535 in y and z");
  const ptx::Function &function = *program->function;
  if (function.requiredBlock[0] && function.requiredBlock != launch.block)
    return refuse("LAUNCH", fmt::format("block {}", dims(launch.block)),
                  fmt::format("`{}` requires {}", launch.entry, dims(function.requiredBlock)));
  if (function.maxBlock[0] &&
      threads > uint64_t(function.maxBlock[0]) * function.maxBlock[1] * function.maxBlock[2])
    return refuse(
        "LAUNCH", fmt::format("block {}", dims(launch.block)),
        fmt::format("`{}` has at most {} threads", launch.entry,
                    uint64_t(function.maxBlock[0]) * function.maxBlock[1] * function.maxBlock[2]));
  if (launch.params.size() != program->paramBytes)
    return refuse("LAUNCH", fmt::format("{} bytes of parameters", launch.params.size()),
                  fmt::format("`{}` takes {}", launch.entry, program->paramBytes));
  uint64_t shared = uint64_t(program->staticShared) + launch.sharedBytes;
  if (shared > sharedLimit(module.parsed.sm))
    return refuse("SMEM-LIMIT",
                  fmt::format("{} bytes of shared memory ({} static, {} dynamic)", shared,
                              program->staticShared, launch.sharedBytes),
                  fmt::format("a block on {} has at most {}", module.parsed.target,
                              sharedLimit(module.parsed.sm)));
  for (const Launch::Pointer &pointer : launch.pointers)
    if (pointer.buffer < 0 || size_t(pointer.buffer) >= launch.buffers.size() ||
        launch.params.size() < 8 || pointer.paramOffset > launch.params.size() - 8)
      return refuse("LAUNCH",
                    fmt::format("a pointer to buffer {} at parameter byte {}", pointer.buffer,
                                pointer.paramOffset),
                    "pointers have to name a buffer given and lie within the parameters");
  return std::nullopt;
}

Report makeReport(const Program &program, const Cta &cta, const Warp &warp, const Fault &fault) {
  Report report;
  report.id = fault.id;
  // The program counter stays on the instruction that throws.
  uint32_t at = std::min<uint32_t>(warp.pc, uint32_t(program.code.size() - 1));
  uint32_t source = program.code[at].source;
  report.ptxLine = ptxLineOf(program, source);
  report.fcLine = fcLineOf(program, source);
  std::string where =
      fault.lane < 0
          ? fmt::format("{}, warp {}", ctaText(*cta.grid, cta.linear), warp.index)
          : threadText(*cta.grid, cta.linear, warp.index * warpSize + uint32_t(fault.lane));
  report.text = fmt::format("{}: error: {} [{}]\n", report.ptxLine, fault.what, fault.id);
  if (!program.function->body.empty())
    report.text += fmt::format("  {}\n", program.function->body[source].text);
  report.text += fmt::format("  in kernel `{}`, {}\n", program.function->name, where);
  if (!report.fcLine.empty())
    report.text += fmt::format("  from {}\n", report.fcLine);
  if (!fault.notes.empty())
    report.text += fmt::format("  {}\n", fault.notes);
  report.text += fmt::format("  rule: {}", fault.rule);
  return report;
}

/// CTAs in the order in which they run: by seed under Async::Random, else as they are numbered.
uint64_t ctaAt(const Launch &launch, uint64_t index, uint64_t count) {
  if (launch.async != Launch::Async::Random || count < 2)
    return index;
  // A Feistel network over the next even power of two, walked until it lands below count.
  unsigned bits = 1;
  while ((uint64_t(1) << (2 * bits)) < count)
    ++bits;
  uint64_t half = (uint64_t(1) << bits) - 1, x = index;
  do {
    uint64_t left = x >> bits, right = x & half;
    for (uint64_t round = 0; round < 4; ++round) {
      uint64_t f = (right + round * 0x9e3779b97f4a7c15u + launch.seed) * 0xbf58476d1ce4e5b9u;
      uint64_t next = left ^ ((f >> 29) & half);
      left = right;
      right = next;
    }
    x = left << bits | right;
  } while (x >= count);
  return x;
}

void fillCounters(Counters &counters, const Tally &tally) {
  uint64_t total = 0;
  for (size_t i = 0; i < tally.classes.size(); ++i) {
    if (Class(i) == Class::Memory)
      continue;
    counters[fmt::format("warp_instructions.{}", nameOf(Class(i)))] = tally.classes[i];
    total += tally.classes[i];
  }
  counters["warp_instructions.total"] = total;
  counters["warp_instructions"] = total;
  counters["shared_wavefronts"] = tally.sharedWavefronts;
  counters["shared_wavefronts_ideal"] = tally.sharedWavefrontsIdeal;
  counters["global_sectors"] = tally.globalSectors;
  counters["global_sectors_ideal"] = tally.globalSectorsIdeal;
  counters["global_bytes_read"] = tally.globalRead;
  counters["global_bytes_written"] = tally.globalWritten;
  counters["barriers"] = tally.barriers;
  counters["mma"] = tally.mma;
  counters["tensor_flops_issued"] = tally.tensorFlops;
  counters["tensor_flops_useful"] = tally.tensorFlopsUseful;
  counters["async_copies"] = tally.asyncCopies;
  counters["async_bytes"] = tally.asyncBytes;
  counters["async_groups"] = tally.asyncGroups;
  counters["tensor_flops_in_flight"] = tally.flopsInFlight;
}

/// What the workers share.
struct Run {
  Grid grid;
  uint64_t count = 0;
  std::atomic<uint64_t> next{0}, done{0};
  std::atomic<uint64_t> failedAt{UINT64_MAX}; ///< lowest position with a fault
  std::mutex mutex;
  Report report;
  Tally tally;

  void work(bool reportsProgress) {
    Tally mine;
    Cta cta;
    cta.prepare(grid, mine);
    for (uint64_t i; (i = next.fetch_add(1)) < count && i < failedAt.load();) {
      try {
        cta.execute(ctaAt(*grid.launch, i, count));
      } catch (const Fault &fault) {
        std::lock_guard lock(mutex);
        if (i < failedAt.load()) {
          failedAt = i;
          report = makeReport(*grid.program, cta, *cta.running, fault);
        }
      }
      uint64_t finished = done.fetch_add(1) + 1;
      if (reportsProgress && grid.launch->progress)
        grid.launch->progress(grid.launch->progressContext, double(finished) / double(count));
    }
    std::lock_guard lock(mutex);
    tally.add(mine);
  }
};

void placeMemory(const LoadedModule &module, const Program &program, Launch &launch,
                 GlobalMemory &memory) {
  for (size_t i = 0; i < module.parsed.variables.size(); ++i) {
    const ptx::Variable &variable = module.parsed.variables[i];
    if (variable.space == ptx::Space::Shared || module.initial[i].empty())
      continue;
    Region region;
    region.base = module.layout.addresses[i];
    region.bytes = module.initial[i].size();
    region.name = variable.name;
    region.readOnly = variable.space == ptx::Space::Const;
    region.hostStorage = std::make_unique<uint8_t[]>(region.bytes);
    std::memcpy(region.hostStorage.get(), module.initial[i].data(), region.bytes);
    region.host = region.hostStorage.get();
    memory.place(std::move(region));
  }
  for (size_t i = 0; i < launch.buffers.size(); ++i) {
    Buffer &buffer = launch.buffers[i];
    Region region;
    region.bytes = buffer.bytes;
    region.host = static_cast<uint8_t *>(buffer.host);
    region.name = buffer.name.empty() ? fmt::format("buffer {}", i) : buffer.name;
    if (!buffer.initialized && buffer.bytes) {
      region.definedStorage = std::make_unique<uint8_t[]>(buffer.bytes);
      region.defined = region.definedStorage.get();
    }
    // cudaMalloc aligns to 256 bytes; a tensor inside an allocation may start at any 16, which is
    // what seeded runs show.
    uint64_t skew = launch.async == Launch::Async::Random ? 16 : 0;
    buffer.device = memory.add(std::move(region), 256, skew);
  }
  const WriteSet &writes = program.writes;
  auto watch = [&](uint64_t address) {
    if (Region *region = memory.find(address))
      region->watched = true;
  };
  for (Region &region : memory.all())
    region.watched = launch.checkRaces && writes.everything && !region.readOnly;
  if (launch.checkRaces) {
    for (const Launch::Pointer &pointer : launch.pointers)
      if (writes.params.count(pointer.paramOffset))
        watch(launch.buffers[size_t(pointer.buffer)].device);
    for (size_t variable : writes.variables)
      watch(module.layout.addresses[variable]);
  }
  uint64_t ctas = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
  size_t spent = 0;
  if (launch.checkRaces && ctas > 1 && ctas <= CtaTag::mostCtas && !program.communicates)
    for (Region &region : memory.all()) {
      if (!region.watched)
        continue;
      spent += region.tagBytes(program.globalGranule);
      if (spent <= conflictBudget)
        region.allocateTags(program.globalGranule);
    }
  for (const Launch::Pointer &pointer : launch.pointers) {
    uint64_t address = launch.buffers[size_t(pointer.buffer)].device + pointer.byteOffset;
    std::memcpy(launch.params.data() + pointer.paramOffset, &address, 8);
  }
}

} // namespace

std::span<const Check> checks() {
  static constexpr Check list[] = {
#define FC_CHECK(id, meaning) {id, meaning},
#include "runtime/emulator/Checks.def"
  };
  return list;
}

std::shared_ptr<const Module> Module::load(std::string_view ptx, std::string_view name,
                                           Report &error) {
  auto module = std::make_shared<LoadedModule>();
  try {
    module->parsed = ptx::parse(ptx, name);
    module->build();
  } catch (const ptx::Error &fault) {
    error = Report();
    error.id = "PARSE";
    error.ptxLine = fmt::format("{}:{}", name, fault.line);
    error.text = fmt::format("{}: error: {} [PARSE]", error.ptxLine, fault.message);
    return nullptr;
  } catch (const std::bad_alloc &) {
    error = Report();
    error.id = "PARSE";
    error.text = fmt::format("{}: error: the module does not fit in memory [PARSE]", name);
    return nullptr;
  }
  return module;
}

Result launch(const Module &module, Launch &launch) {
  auto start = std::chrono::steady_clock::now();
  Result result;
  const auto &loaded = static_cast<const LoadedModule &>(module);
  const Program *program = loaded.find(launch.entry);
  if (std::optional<Report> refused = checkLaunch(loaded, program, launch)) {
    result.report = std::move(*refused);
    return result;
  }
  GlobalMemory memory;
  placeMemory(loaded, *program, launch, memory);
  Run run;
  run.grid.program = program;
  run.grid.launch = &launch;
  run.grid.memory = &memory;
  run.grid.params = launch.params;
  run.grid.grid = launch.grid;
  run.grid.block = launch.block;
  run.grid.sharedBytes = program->dynamicShared + launch.sharedBytes;
  run.count = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
  std::optional<CtaOrder> order;
  if (launch.checkRaces && program->communicates && run.count > 1 &&
      run.count <= CtaOrder::mostCtas)
    run.grid.order = &order.emplace(run.grid);
  uint64_t threads = launch.hostThreads > 0 ? uint64_t(launch.hostThreads)
                                            : std::max(1u, std::thread::hardware_concurrency());
  threads = program->communicates ? 1 : std::min<uint64_t>({threads, run.count, 256});
  std::vector<std::thread> workers;
  for (uint64_t i = 1; i < threads; ++i)
    workers.emplace_back([&run] { run.work(false); });
  run.work(true);
  for (std::thread &worker : workers)
    worker.join();
  result.ok = run.failedAt == UINT64_MAX;
  result.report = std::move(run.report);
  if (result.ok)
    if (std::optional<Report> conflict = order ? order->conflict() : findCtaConflict(run.grid)) {
      result.ok = false;
      result.report = std::move(*conflict);
    }
  fillCounters(result.counters, run.tally);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

} // namespace fc::emu
