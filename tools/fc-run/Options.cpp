// Options.cpp - the command line of fc-run.
#include "tools/fc-run/Options.h"
#include "runtime/Runtime.h"
#include "tools/fc-run/Pairs.h"
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sstream>

namespace fc::run {
namespace {

constexpr const char *description =
    R"(Runs the kernels of a PTX that fcc made, and checks them against their .fc text.

Inputs are files or random; every output is compared with the .fc evaluated naively in float64. Without a GPU the
PTX itself runs on an emulator, which also finds reads out of bounds, races, missing waits and deadlocks.)";

constexpr const char *examples = R"(
Examples:
  fc-run causal.fc --shape B=1,H=8,G=2,M=200,N=333 --check
      compiles with the fcc beside this tool, runs on random inputs, compares with the reference
  fc-run attn.ptx --shape B=1,H=8,G=8,M=512,N=512 --seed 1 --check attention.fc
      the same from a PTX
  fc-run attn.ptx --in q=q.npy --in k=k.npy --in v=v.npy --out o=o.npy
      real data; the files give the dimensions
  fc-run causal.fc -D D=128 -D T=bf16 --strategy=scalar --shape ... --check
      other compile-time parameters, another rung
  fc-run attn.ptx --list
      the kernels and their parameters
  fc-run mine.ptx --entry sum --block 256 --arg out:f32:1 --arg in:f32:3000 --arg 3000
      a kernel of another compiler's PTX: does the emulator find a fault?

Random inputs (the same on every machine; each tensor has its own sequence, from --seed and its name):
  floats           normal, mean 0, deviation 1, rounded to the element type
  bool             true with probability 1/2
  i8 / u8          uniform, -8 .. 7 / 0 .. 15
  i16 i32 u32 i64  0, since most are lengths or indices; say otherwise with --fill:
    --fill len=const:200   --fill doc=steps:4   --fill table=arange   --fill cu=cumulative:N
    --fill bias=zeros      --fill idx=uniform:0:16   --fill x=normal
  steps:K rises from 0 to K-1 in equal parts along the last axis; cumulative:T rises from 0 to T. A number may be a
  dimension's name.

.npy files: f16, f32, f64 for floats; integers and bool for those; bf16 and 8-bit floats as their raw bits in u2
(or V2) and u1.

Without --device a GPU is used where there is one that works (FLASHCORE_CUDA_LIBRARY=none hides it). The emulator
is slower and finds what a GPU does not tell: say --device=emulator when a kernel misbehaves.

Exit code: 0 all is well, 1 a check failed or the emulator found a fault, 2 anything else.)";

} // namespace

CommandLine parseCommandLine(int argc, const char *const *argv) {
  Options options;
  std::vector<std::string> shape, in, out, set, fill;
  std::string checkFile;
  bool noRaces = false;

  CLI::App app(description, "fc-run");
  app.footer(examples);
  app.set_version_flag("--version", std::string(rt::version));
  app.add_option("input", options.input, "a .ptx made by fcc, or a .fc to compile first");
  app.add_option("--kernel", options.kernels, "run this kernel only (may be repeated)")
      ->type_name("NAME");
  app.add_option("--shape", shape, "dimensions that no file gives: B=1,H=8,M=512")
      ->type_name("NAME=N,...")
      ->expected(1, 64)
      ->allow_extra_args(false);
  app.add_option("--in", in, "an input from a .npy file: q=q.npy")->type_name("NAME=FILE");
  app.add_option("--out", out, "an output to a .npy file: o=o.npy")->type_name("NAME=FILE");
  app.add_option("--set", set, "a scalar: scale=0.125")->type_name("NAME=VALUE");
  app.add_option("--fill", fill, "how an input without a file is filled (below)")
      ->type_name("NAME=HOW");
  app.add_option("--null", options.null, "pass a null pointer for this tensor")->type_name("NAME");
  app.add_option("--seed", options.seed, "of random inputs and of random orders in the emulator")
      ->type_name("N");

  app.add_option(
         "--variant", options.variant,
         "run this launch variant of each kernel, whatever its condition (--list names them)")
      ->type_name("NAME");

  auto *check = app.add_option("--check", checkFile,
                               "compare with this .fc, evaluated in float64; without a file, "
                               "with the .fc given or the one that the PTX names")
                    ->type_name("[FILE]")
                    ->expected(0, 1)
                    ->group("Checking");
  app.add_option("--rel-l2", options.relL2,
                 "tolerance of |x - ref| / |ref| in L2 (default by the coarsest type that the text "
                 "rounds the output to, or what it is made of: f32 1e-5, f16 1e-3, bf16 8e-3, "
                 "8-bit floats 5e-2; integers must be equal)")
      ->type_name("X")
      ->check(CLI::NonNegativeNumber)
      ->group("Checking");
  app.add_option(
         "--max-abs", options.maxAbs,
         "tolerance of |x - ref| (default f32 2e-5, f16 0.01, bf16 0.06, 8-bit floats 0.25; times "
         "the root mean "
         "square of the reference if that is over 1, and at least a unit in the last place)")
      ->type_name("X")
      ->check(CLI::NonNegativeNumber)
      ->group("Checking");

  app.add_option(
         "--device", options.device,
         "emulator, cuda (the first GPU), cuda:N, or auto: the first GPU if there is one that "
         "works, else the emulator")
      ->type_name("NAME")
      ->group("Device");
  app.add_option("--async", options.async,
                 "when asynchronous copies land in the emulator: lazy (as late as allowed, "
                 "the default), eager or random")
      ->type_name("HOW")
      ->group("Device");
  app.add_option("--threads", options.threads, "threads of this machine to use; 0: one per core")
      ->type_name("N")
      ->check(CLI::Range(0, 1024))
      ->group("Device");
  app.add_option("--sms", options.sms,
                 "SMs that the emulator claims to have (default: as the target's best known board)")
      ->type_name("N")
      ->group("Device");
  app.add_flag("--no-races", noRaces, "do not look for races (faster)")->group("Device");
  app.add_option("--max-instructions", options.maxInstructions,
                 "warp instructions after which the emulator gives a block up as endless "
                 "(default 2^30; 0: never)")
      ->type_name("N")
      ->group("Device");
  app.add_flag("--exact-mma", options.exactMma,
               "tensor cores of the emulator round as the hardware does")
      ->group("Device");

  constexpr const char *plain = "A kernel of any PTX, say of nvcc -ptx, on the emulator";
  app.add_option("--entry", options.entry, "the kernel to launch; the PTX needs no manifest")
      ->type_name("NAME")
      ->group(plain);
  app.add_option("--grid", options.grid, "blocks (default 1)")->type_name("X,Y,Z")->group(plain);
  app.add_option("--block", options.block, "threads of a block (default 1)")
      ->type_name("X,Y,Z")
      ->group(plain);
  app.add_option("--shared", options.shared, "bytes of dynamic shared memory")
      ->type_name("N")
      ->group(plain);
  app.add_option("--arg", options.args,
                 "a parameter, in order: a number, or a buffer as in:f32:3000, out:f32:1 or "
                 "inout:i32:64:arange (type, elements, and how it is filled as for --fill)")
      ->type_name("WHAT")
      ->allow_extra_args(false)
      ->group(plain);

  app.add_option("-D", options.defines, "a compile-time parameter: -D D=128 -D T=bf16")
      ->type_name("NAME=VALUE")
      ->group("Compiling a .fc (handed on to fcc)");
  app.add_option("--target", options.target, "sm_80, sm_90a, ...")
      ->type_name("SM")
      ->group("Compiling a .fc (handed on to fcc)");
  app.add_option("--strategy", options.strategy, "scalar, tensor, pipelined, specialized or auto")
      ->type_name("NAME")
      ->group("Compiling a .fc (handed on to fcc)");
  app.add_option("--schedule", options.schedule, "i=64,j=64,warps=4,stages=2,split:j=2")
      ->type_name("ITEMS")
      ->group("Compiling a .fc (handed on to fcc)");

  app.add_flag("--json", options.json, "print one JSON object instead of the table")
      ->group("Output");
  app.add_flag("--counters", options.counters, "print what the emulator counted")->group("Output");
  app.add_option(
         "--roofline", options.roofline,
         "print what a board's data sheet makes of the counters: l4, a100, h100, h200, rtx4090")
      ->type_name("BOARD")
      ->group("Output");
  app.add_flag("--mutate", options.mutate,
               "leave out each commit, wait, barrier and fence in turn, and ask that the emulator "
               "reports it")
      ->group("Output");
  app.add_flag("--list", options.list,
               "print the kernels of the PTX and their parameters, and stop")
      ->group("Output");
  app.add_flag("--list-ptx", options.listPtx,
               "print the forms of instructions that the emulator executes, and stop")
      ->group("Output");
  app.add_flag("--list-checks", options.listChecks,
               "print the faults that the emulator finds, and stop")
      ->group("Output");

  CommandLine result;
  auto usage = [&](const std::string &message) {
    result.text = fmt::format("fc-run: {}\n`fc-run --help` shows examples\n", message);
    result.exitCode = 2;
    return result;
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &success) { // --help, --version
    std::ostringstream out, err;
    app.exit(success, out, err);
    result.text = out.str();
    return result;
  } catch (const CLI::ParseError &error) {
    return usage(error.what());
  }
  if (options.entry.empty() && (!options.args.empty() || options.shared))
    return usage("--arg and --shared go with --entry");
  if (options.input.empty() && !options.listChecks && !options.listPtx)
    return usage("input is required: a .ptx or a .fc");
  options.check = check->count() > 0;
  options.checkFile = checkFile;
  options.races = !noRaces;
  for (auto message :
       {parseNumbers("--shape", shape, options.dims), parsePairs("--in", in, options.in),
        parsePairs("--out", out, options.out), parsePairs("--set", set, options.set),
        parsePairs("--fill", fill, options.fill)})
    if (message)
      return usage(*message);
  result.options = std::move(options);
  return result;
}

} // namespace fc::run
