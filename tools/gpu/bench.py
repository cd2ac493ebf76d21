"""FlashCore beside the peers, in one process, taking turns: PyTorch's SDPA by backend, FlexAttention compiled, Triton.

Every implementation of a shape computes the same attention on the same tensors; its result is compared with float32 before it
is timed, and one that is wrong is not timed. On a GPU a run is the replay of a graph of one call (of the call itself where it
cannot be captured), between two events, after the L2 was filled with other data; the runs of all implementations take turns, so
that clocks and heat are the same for all. Reported: the median and p10, p90 in microseconds, and TFLOP/s by the usual
convention: 4 B H M N D operations, halved under a causal mask.

On a CPU (the rehearsal) times are the clock's, and say nothing.
"""
import statistics
import sys
import time

import machine
from common import KIT, Part, kernels, load_flashcore, one_line

try:
    import torch
except ImportError as why:
    torch, WHY = None, one_line(why)

# B, H, S, D, causal: heads and batch shrink as lengths grow, as the field measures it.
SHAPES = [(4, 16, 4096, 64, False), (4, 16, 4096, 64, True), (2, 16, 4096, 128, False), (2, 16, 4096, 128, True),
          (16, 16, 1024, 64, True), (1, 16, 16384, 128, True), (1, 16, 16384, 64, False), (4, 16, 512, 128, False)]
SMALL = [(1, 2, 96, 64, False), (1, 2, 96, 64, True)]
TOLERANCE = 4e-3  # relative, in L2, for f16


class Bench:
    def __init__(self, part):
        self.part = part
        self.flashcore = load_flashcore()
        self.gpu = torch.cuda.is_available() and part.device != "emulator"
        self.where = torch.device("cuda", int(part.device.partition(":")[2] or 0)) if self.gpu else torch.device("cpu")
        self.flex = None
        self.flush = torch.empty(256 << 20, dtype=torch.int8, device=self.where) if self.gpu else None
        if self.gpu:
            torch.cuda.set_device(self.where)

    # -- implementations -----------------------------------------------------------------------------

    def rungs(self, q, causal):
        """The packed kernels for this problem, each PTX once, of targets that the GPU runs."""
        capability = "".join(map(str, torch.cuda.get_device_capability(self.where))) if self.gpu else "80"
        kinds, seen = {torch.float16: "f16", torch.bfloat16: "bf16"}, set()
        for entry in kernels():
            if entry["use"] == "check" and entry["source"] == ("causal.fc" if causal else "attention.fc") and \
                    entry["defines"] == {"D": q.shape[-1], "T": kinds[q.dtype]} and \
                    (not entry["target"].endswith("a") or entry["target"] == f"sm_{capability}a"):
                code = (KIT / "ptx" / entry["ptx"]).read_bytes()
                if code not in seen:
                    seen.add(code)
                    yield entry

    def ours(self, entry, q, k, v):
        kernel = self.flashcore.load(KIT / "ptx" / entry["ptx"], device=None if self.gpu else "emulator")
        return lambda: kernel(q, k, v)

    def sdpa(self, backend, q, k, v, causal):
        from torch.nn.attention import SDPBackend, sdpa_kernel

        kind = getattr(SDPBackend, backend)

        def call():
            with sdpa_kernel(kind):
                return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)

        return call

    def flexible(self, q, k, v, causal):
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention

        if self.flex is None:
            self.flex = torch.compile(flex_attention, dynamic=False)
        mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, q.shape[2], k.shape[2], device=self.where) if causal else None
        return lambda: self.flex(q, k, v, block_mask=mask)

    def triton(self, q, k, v, causal):
        if not self.gpu:
            raise RuntimeError("Triton needs a GPU to run on")
        sys.path.insert(0, str(KIT / "peers"))
        import flash_triton

        return lambda: flash_triton.attention(q, k, v, causal)[0]

    # -- measuring ------------------------------------------------------------------------------------

    def synchronize(self):
        if self.gpu:
            torch.cuda.synchronize(self.where)

    def expected(self, q, k, v, causal):
        """In float32, a head at a time so that long ones fit; on a GPU without TF32."""
        o = torch.empty_like(q, dtype=torch.float32)
        for b in range(q.shape[0]):
            for h in range(q.shape[1]):
                s = q[b, h].float() @ k[b, h].float().T * q.shape[-1] ** -0.5
                if causal:
                    s.masked_fill_(torch.ones_like(s, dtype=torch.bool).triu_(1), float("-inf"))
                o[b, h] = torch.softmax(s, -1) @ v[b, h].float()
        return o

    def prepare(self, call):
        """A graph of one call where it can be captured: then nothing of Python is timed."""
        if not self.gpu:
            return call, False
        try:
            stream = torch.cuda.Stream(self.where)
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(3):
                    call()
            torch.cuda.current_stream().wait_stream(stream)
            self.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                call()
            graph.replay()
            self.synchronize()
            return graph.replay, True
        except Exception:
            self.synchronize()
            return call, False

    def once(self, call):
        """Events of one run, to be read later; on a CPU the seconds."""
        if not self.gpu:
            start = time.perf_counter()
            call()
            return time.perf_counter() - start
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        self.flush.zero_()
        begin.record()
        call()
        end.record()
        return begin, end

    def shape(self, b, h, s, d, causal, dtype):
        generator = torch.Generator(device="cpu").manual_seed(0)
        q, k, v = (torch.randn(b, h, s, d, generator=generator).to(dtype).to(self.where) for _ in range(3))
        row = {"shape": {"B": b, "H": h, "S": s, "D": d, "causal": causal, "type": str(dtype).split(".")[1]}, "times": {}}
        self.part.result["shapes"].append(row)
        expected = self.expected(q, k, v, causal)
        ready = {}
        names = [name for name, _ in self.builders(q, k, v, causal)]
        for name, build in self.builders(q, k, v, causal):
            entry = row["times"][name] = {}
            if self.part.late():
                entry["skipped"] = "no time left"
                continue
            try:
                call = build()
                o = call()
                self.synchronize()
                error = float((o.float() - expected).norm() / expected.norm())
                entry["rel_l2"] = error
                if not error <= TOLERANCE * (8 if dtype == torch.bfloat16 else 1):
                    entry["skipped"] = f"wrong: {error:.1e} from float32"
                    continue
                ready[name], entry["graph"] = self.prepare(call)
                # Too slow to repeat often: the count follows from one run.
                start = time.perf_counter()
                ready[name]()
                self.synchronize()
                entry["first"] = time.perf_counter() - start
            except Exception as error:  # a peer that is not there, or does not take this shape
                entry["skipped"] = one_line(error)
            self.part.save()
        del expected
        self.take_turns(row, ready, names)
        flops = 4 * b * h * s * s * d * (0.5 if causal else 1)
        for entry in row["times"].values():
            if "median_us" in entry:
                entry["tflops"] = flops / entry["median_us"] / 1e6
        row["gpu_after"] = machine.gpu()
        self.part.save()

    def builders(self, q, k, v, causal):
        """(name, function that makes the call), so that what an implementation throws is its own."""
        def ours(entry):
            return lambda: self.ours(entry, q, k, v)

        listed = [(f"flashcore-{e['target']}-{e['strategy']}", ours(e)) for e in self.rungs(q, causal)
                  if not (e["strategy"] == "scalar" and q.shape[2] > 4096)]
        for backend in ("FLASH_ATTENTION", "CUDNN_ATTENTION", "EFFICIENT_ATTENTION", "MATH"):
            listed.append((f"sdpa-{backend.split('_')[0].lower()}", lambda backend=backend: self.sdpa(backend, q, k, v, causal)))
        listed.append(("flex", lambda: self.flexible(q, k, v, causal)))
        listed.append(("triton", lambda: self.triton(q, k, v, causal)))
        return listed

    def take_turns(self, row, ready, names):
        rounds = 3 if self.part.small else 100
        total = sum(row["times"][name]["first"] for name in ready) or 1e-9
        budget = min(self.part.left() / max(1, self.shapes_left), 25)
        rounds = max(3, min(rounds, int(budget / total)))
        taken = {name: [] for name in ready}
        for _ in range(rounds):
            if self.part.late():
                break
            for name, call in ready.items():
                taken[name].append(self.once(call))
        self.synchronize()
        for name, events in taken.items():
            if not events:
                continue
            micros = sorted(e[0].elapsed_time(e[1]) * 1e3 if self.gpu else e * 1e6 for e in events)
            row["times"][name].update(median_us=statistics.median(micros), p10_us=micros[len(micros) // 10],
                                      p90_us=micros[len(micros) * 9 // 10], runs=len(micros))

    def overhead(self):
        """Seconds of the host for one call from Python on tensors, with the GPU idle between."""
        entry = next((e for e in kernels() if e["use"] == "check" and e["source"] == "attention.fc" and e["strategy"] == "tensor"
                      and e["defines"].get("D") == 64 and e["defines"].get("T") == "f16"), None)
        if entry is None:
            return
        q = torch.zeros(1, 1, 16, 64, dtype=torch.float16, device=self.where)
        kernel = self.flashcore.load(KIT / "ptx" / entry["ptx"])
        times = []
        for _ in range(20 if self.part.small else 500):
            start = time.perf_counter()
            kernel(q, q, q)
            times.append(time.perf_counter() - start)
            self.synchronize()
        self.part.result["python_call_us"] = statistics.median(times) * 1e6


def main():
    part = Part(__doc__)
    if torch is None:
        part.result["skipped"] = f"PyTorch cannot be imported: {WHY}"
        part.finish()
        return
    part.result.update(shapes=[], torch=torch.__version__, gpu_before=machine.gpu())
    torch.backends.cuda.matmul.allow_tf32 = False
    bench = Bench(part)
    part.result["on"] = torch.cuda.get_device_name(bench.where) if bench.gpu else "the CPU: a rehearsal, its times say nothing"
    part.save()
    shapes = SMALL if part.small or not bench.gpu else SHAPES
    bench.overhead()
    for number, (b, h, s, d, causal) in enumerate(shapes):
        if part.late():
            break
        bench.shapes_left = len(shapes) - number
        bench.shape(b, h, s, d, causal, torch.float16)
        if bench.gpu:
            torch.cuda.empty_cache()
    part.finish()


if __name__ == "__main__":
    main()
