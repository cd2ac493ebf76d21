"""Kernels called with NumPy arrays, on the emulator."""
import inspect
import os
import subprocess
import tempfile
import threading
import unittest
from unittest import mock

import numpy

import flashcore
from support import FAKE, KERNELS, ROOT, attention, inputs, kernel, random


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = kernel()
        cls.q, cls.keys, cls.v = inputs()
        cls.o, cls.lse = attention(cls.q, cls.keys, cls.v)

    def test_the_first_output_by_default(self):
        o = self.k(self.q, self.keys, self.v)
        self.assertEqual((o.shape, o.dtype), ((1, 2, 20, 16), numpy.float16))
        numpy.testing.assert_allclose(o, self.o, atol=2e-3)

    def test_by_name_and_mixed(self):
        numpy.testing.assert_allclose(self.k(v=self.v, k=self.keys, q=self.q), self.o, atol=2e-3)
        numpy.testing.assert_allclose(self.k(self.q, v=self.v, k=self.keys), self.o, atol=2e-3)

    def test_outputs_that_are_asked_for(self):
        result = self.k(self.q, self.keys, self.v, outputs=("o", "lse"))
        numpy.testing.assert_allclose(result.o, self.o, atol=2e-3)
        numpy.testing.assert_allclose(result.lse, self.lse, atol=2e-3)
        lse = self.k(self.q, self.keys, self.v, outputs="lse")
        self.assertEqual(lse.dtype, numpy.float32)
        numpy.testing.assert_allclose(lse, self.lse, atol=2e-3)
        swapped = self.k(self.q, self.keys, self.v, outputs=("lse", "o"))
        self.assertEqual(swapped[0].ndim, 3)
        self.assertEqual(swapped._fields, ("lse", "o"))

    def test_an_output_of_the_callers(self):
        mine = numpy.full((1, 2, 20, 16), 7, numpy.float16)
        self.assertIs(self.k(self.q, self.keys, self.v, o=mine), mine)
        numpy.testing.assert_allclose(mine, self.o, atol=2e-3)

    def test_scalars_do_not_stay(self):
        scaled = self.k(self.q, self.keys, self.v, scale=1.0)
        numpy.testing.assert_allclose(scaled, attention(self.q, self.keys, self.v, scale=1.0)[0], atol=4e-3)
        numpy.testing.assert_allclose(self.k(self.q, self.keys, self.v), self.o, atol=2e-3)

    def test_strides_are_taken_as_they_are(self):
        # [B, M, H, D] in memory, and a broadcast over heads.
        bshd = numpy.ascontiguousarray(self.q.swapaxes(1, 2)).swapaxes(1, 2)
        self.assertFalse(bshd.flags.c_contiguous)
        numpy.testing.assert_allclose(self.k(bshd, self.keys, self.v), self.o, atol=2e-3)
        one = self.keys[:, :1]
        shared = numpy.broadcast_to(one, self.keys.shape)
        numpy.testing.assert_allclose(self.k(self.q, shared, self.v), attention(self.q, shared, self.v)[0], atol=2e-3)

    def test_grouped_heads_and_other_lengths(self):
        q, keys, v = random(2, 4, 5, 16), random(2, 2, 70, 16, seed=5), random(2, 2, 70, 16, seed=6)
        expected = attention(q, keys.repeat(2, 1), v.repeat(2, 1))[0]
        numpy.testing.assert_allclose(self.k(q, keys, v), expected, atol=2e-3)

    def test_one_shape_after_another(self):
        for m, n in ((20, 33), (20, 33), (5, 33), (5, 70), (20, 33), (20, 33)):
            arrays = inputs(m=m, n=n)
            o, lse = self.k(*arrays, outputs=("o", "lse"))
            expected = attention(*arrays)
            numpy.testing.assert_allclose(o, expected[0], atol=2e-3)
            numpy.testing.assert_allclose(lse, expected[1], atol=2e-3)
            numpy.testing.assert_allclose(self.k(*arrays), expected[0], atol=2e-3)
        swapped = numpy.ascontiguousarray(self.q.swapaxes(1, 2)).swapaxes(1, 2)  # the same shape, other strides
        numpy.testing.assert_allclose(self.k(swapped, self.keys, self.v), self.o, atol=2e-3)

    def test_no_rows(self):
        self.assertEqual(self.k(self.q[:, :, :0], self.keys, self.v).shape, (1, 2, 0, 16))

    def test_counters_and_variant(self):
        self.k(self.q, self.keys, self.v)
        self.assertTrue(self.k.variant)
        self.assertGreater(self.k.counters["warp_instructions"]["total"], 0)

    def test_causal(self):
        o = kernel("causal")(self.q, self.keys, self.v)
        numpy.testing.assert_allclose(o, attention(self.q, self.keys, self.v, causal=True)[0], atol=2e-3)

    def test_threads(self):
        failures = []

        def work(seed):
            q = random(1, 2, 20, 16, seed=seed)
            expected = attention(q, self.keys, self.v)[0]
            for _ in range(5):
                if numpy.abs(self.k(q, self.keys, self.v) - expected).max() > 2e-3:
                    failures.append(seed)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Bits(unittest.TestCase):
    """bf16 where NumPy has no type for it."""

    @staticmethod
    def to_bits(x):
        raw = x.astype(numpy.float32).view(numpy.uint32)
        return ((raw + 0x7FFF + ((raw >> 16) & 1)) >> 16).astype(numpy.uint16)

    @staticmethod
    def from_bits(bits):
        return (bits.astype(numpy.uint32) << 16).view(numpy.float32)

    def test_bits_in_and_out(self):
        k = kernel(T="bf16")
        arrays = [self.to_bits(x) for x in inputs()]
        o = k(*arrays)
        self.assertEqual(o.dtype, numpy.uint16)
        expected = attention(*map(self.from_bits, arrays))[0]
        numpy.testing.assert_allclose(self.from_bits(o), expected, atol=2e-2)

    def test_ml_dtypes(self):
        try:
            import ml_dtypes
        except ImportError:
            self.skipTest("ml_dtypes cannot be imported")
        arrays = [x.astype(ml_dtypes.bfloat16) for x in inputs()]
        o = kernel(T="bf16")(*arrays)
        self.assertEqual(o.dtype, ml_dtypes.bfloat16)
        numpy.testing.assert_allclose(o.astype(numpy.float32), attention(*arrays)[0], atol=2e-2)


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = kernel()
        cls.q, cls.keys, cls.v = inputs()

    def refused(self, kind, text, *args, **kwargs):
        with self.assertRaisesRegex(kind, text) as caught:
            self.k(*args, **kwargs)
        self.assertIsInstance(caught.exception, flashcore.Error)
        return caught.exception

    def test_what_the_runtime_refuses(self):
        self.refused(flashcore.RefusedError, r"`v` is not given, expected `f16\[B, G, N, D\]`", self.q, self.keys)
        self.refused(ValueError, r"`k` has shape \[1, 2, 33, 8\].*extent 3 is 8", self.q, self.keys[..., :8], self.v)
        self.refused(flashcore.RefusedError, "`q` is f32, expected", self.q.astype(numpy.float32), self.keys, self.v)
        wide = random(1, 2, 20, 32)
        self.refused(flashcore.RefusedError, "the last must be 1", wide[..., ::2], self.keys, self.v)
        self.refused(flashcore.RefusedError, "H % G == 0", random(1, 3, 4, 16), self.keys, self.v)
        self.refused(flashcore.RefusedError, "q.*has 3 dimensions|rank", self.q[0], self.keys, self.v)

    def test_a_call_of_the_wrong_form(self):
        self.refused(TypeError, "takes 4 inputs and 5 were given", self.q, self.keys, self.v, 1.0, 2)
        self.refused(TypeError, "has no parameter `z`", self.q, self.keys, self.v, z=1)
        self.refused(TypeError, "`q` is given twice", self.q, q=self.q)
        self.refused(TypeError, "`scale` is an array, and must be a number", self.q, self.keys, self.v, self.q)
        self.refused(TypeError, "`q` is of type list, and must be an array", [1], self.keys, self.v)
        self.refused(flashcore.ArgumentError, "has no output `x`", self.q, self.keys, self.v, outputs="x")
        self.refused(flashcore.ArgumentError, "no output is asked for", self.q, self.keys, self.v, outputs=())
        self.refused(flashcore.ArgumentError, "no array was given")
        self.refused(flashcore.ArgumentError, "dtype complex64", self.q.astype(numpy.complex64), self.keys, self.v)

    def test_an_output_that_cannot_be_written(self):
        mine = numpy.zeros((1, 2, 20, 16), numpy.float16)
        mine.flags.writeable = False
        self.refused(flashcore.RefusedError, "`o` is read-only", self.q, self.keys, self.v, o=mine)

    def test_a_stride_of_half_an_element(self):
        raw = numpy.zeros(20 * 2 * 33 + 64, numpy.uint8)
        odd = numpy.lib.stride_tricks.as_strided(raw.view(numpy.float16), (1, 2, 20, 16), (0, 660, 33, 2))
        self.refused(flashcore.RefusedError, "stride of 33 bytes", odd, self.keys, self.v)

    def test_it_still_works_after_a_refusal(self):
        self.refused(flashcore.RefusedError, "`v` is not given", self.q, self.keys)
        self.assertEqual(self.k(self.q, self.keys, self.v).shape, (1, 2, 20, 16))


class Loading(unittest.TestCase):
    def test_what_a_kernel_says_of_itself(self):
        k = kernel()
        self.assertIn("attention(q: f16[B, H, M, D], k: f16[B, G, N, D], v: f16[B, G, N, D], scale: f32 = 0.25) -> "
                      "(o: f16[B, H, M, D], lse: f32[B, H, M])", repr(k))
        self.assertEqual([p.name for p in k.params], ["q", "k", "v", "scale", "o", "lse"])
        self.assertEqual(list(inspect.signature(k).parameters), ["q", "k", "v", "scale", "o", "lse", "outputs"])
        self.assertEqual(k.target, "sm_80")

    def test_no_file_no_manifest_no_kernel(self):
        with self.assertRaisesRegex(flashcore.NotFoundError, "cannot read nowhere.ptx: No such file"):
            flashcore.load("nowhere.ptx")
        with self.assertRaisesRegex(flashcore.ModuleError, "has no manifest: fcc did not write it"):
            flashcore.loads(".version 7.0\n.target sm_80\n")
        code = kernel().code
        with self.assertRaisesRegex(flashcore.NotFoundError, "has no kernel `x`; it has `attention`"):
            flashcore.loads(code, "x")

    def test_several_kernels(self):
        scores = flashcore.compile(KERNELS / "unfused" / "attention.fc", D=16, kernel="scores", strategy="tensor")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "three.ptx")
            subprocess.run([flashcore.compiler_path(), KERNELS / "unfused" / "attention.fc", "-DD=16", "-o", path],
                           check=True)
            with self.assertRaisesRegex(flashcore.ArgumentError, "`scores`, `normalise`, `product`: say which one"):
                flashcore.load(path)
            kernels = flashcore.load_all(path)
        self.assertEqual(list(kernels), ["scores", "normalise", "product"])
        self.assertEqual(scores.name, "scores")
        q, keys, v = inputs()
        s = kernels["scores"](q, keys)
        p = kernels["normalise"](s)
        o = kernels["product"](p, v)
        numpy.testing.assert_allclose(o, attention(q, keys, v)[0], atol=4e-3)

    def test_broken_ptx(self):
        code = kernel().code.replace(b"ld.param", b"ld.nonsense", 1)
        q, keys, v = inputs()
        with self.assertRaises(flashcore.ModuleError):
            flashcore.loads(code)(q, keys, v)


@unittest.skipUnless(FAKE.exists(), f"{FAKE} is not built")
class OnAGpu(unittest.TestCase):
    """NumPy arrays on a GPU, which here is the fake driver: copied there and back."""

    @classmethod
    def setUpClass(cls):
        patch = mock.patch.dict(os.environ, FLASHCORE_CUDA_LIBRARY=str(FAKE))
        patch.start()
        cls.addClassCleanup(patch.stop)
        cls.k = flashcore.loads(kernel().code, device="cuda")
        cls.arrays = inputs()
        cls.o, cls.lse = attention(*cls.arrays)

    def test_there_and_back(self):
        self.assertIn("fake GPU 0", flashcore.device("cuda").title)
        o, lse = self.k(*self.arrays, outputs=("o", "lse"))
        numpy.testing.assert_allclose(o, self.o, atol=2e-3)
        numpy.testing.assert_allclose(lse, self.lse, atol=2e-3)
        self.assertEqual(self.k.counters, {})

    def test_into_a_view(self):
        whole = numpy.full((1, 20, 2, 16), 7, numpy.float16)
        view = whole.swapaxes(1, 2)
        self.assertIs(self.k(*self.arrays, o=view), view)
        numpy.testing.assert_allclose(whole.swapaxes(1, 2), self.o, atol=2e-3)

    def test_refusals_and_scalars(self):
        with self.assertRaisesRegex(flashcore.RefusedError, "`v` is not given"):
            self.k(*self.arrays[:2])
        scaled = self.k(*self.arrays, scale=1.0)
        numpy.testing.assert_allclose(scaled, attention(*self.arrays, scale=1.0)[0], atol=4e-3)


class Devices(unittest.TestCase):
    def test_the_emulator(self):
        emulator = flashcore.device("emulator")
        self.assertIs(flashcore.device("emulator"), emulator)
        self.assertEqual(emulator.name, "emulator")
        other = flashcore.Device("emulator")
        other.set_option("races", False)
        with self.assertRaises(flashcore.Error):
            other.set_option("speed", "high")
        with self.assertRaisesRegex(flashcore.UnsupportedError, "no device `tpu`"):
            flashcore.Device("tpu")

    def test_a_fault_names_itself(self):
        gather = flashcore.compile(ROOT / "test" / "runtime" / "inputs" / "gather.fc", strategy="scalar")
        x = numpy.arange(4, dtype=numpy.float32)
        numpy.testing.assert_array_equal(gather(x, numpy.array([3, 1], numpy.int32)), [3, 1])
        with self.assertRaises(flashcore.FaultError) as caught:
            gather(x, numpy.array([3, 1000000], numpy.int32))
        self.assertEqual(caught.exception.id, "OOB")
        self.assertIn("gather.fc", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
