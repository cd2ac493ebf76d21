"""Kernels called with PyTorch tensors: on the CPU here, so on the emulator; and traced by torch.compile."""
import unittest

import numpy

import flashcore
from support import attention, inputs, kernel

try:
    import torch

    WHY = None
except ImportError as error:
    torch = None
    WHY = f"PyTorch cannot be imported: {error}"

TRACES = torch is not None and hasattr(torch.library, "custom_op")


@unittest.skipIf(torch is None, WHY)
class Tensors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = kernel()
        cls.arrays = inputs()
        cls.q, cls.keys, cls.v = map(torch.from_numpy, cls.arrays)
        cls.o, cls.lse = attention(*cls.arrays)

    def close(self, tensor, expected, atol=2e-3):
        numpy.testing.assert_allclose(tensor.double().numpy(), expected, atol=atol)

    def test_tensors_in_and_out(self):
        o, lse = self.k(self.q, self.keys, v=self.v, outputs=("o", "lse"))
        self.assertEqual((o.dtype, lse.dtype, o.device.type), (torch.float16, torch.float32, "cpu"))
        self.close(o, self.o)
        self.close(lse, self.lse)

    def test_bfloat16(self):
        arrays = [x.to(torch.bfloat16) for x in (self.q, self.keys, self.v)]
        o = kernel(T="bf16")(*arrays)
        self.assertEqual(o.dtype, torch.bfloat16)
        self.close(o, attention(*[x.double().numpy() for x in arrays])[0], atol=2e-2)

    def test_strides(self):
        bshd = self.q.transpose(1, 2).contiguous().transpose(1, 2)
        self.assertFalse(bshd.is_contiguous())
        self.close(self.k(bshd, self.keys, self.v), self.o)
        packed = torch.stack([self.keys, self.v], dim=3)  # one tensor, two views
        self.close(self.k(self.q, packed[:, :, :, 0], packed[:, :, :, 1]), self.o)
        shared = self.keys[:, :1].expand_as(self.keys)
        self.close(self.k(self.q, shared, self.v), attention(self.arrays[0], shared.numpy(), self.arrays[2])[0])
        with self.assertRaisesRegex(flashcore.RefusedError, "the last must be 1"):
            self.k(self.q.transpose(2, 3).contiguous().transpose(2, 3), self.keys, self.v)

    def test_in_place(self):
        o = torch.full_like(self.q, 7)
        self.assertIs(self.k(self.q, self.keys, self.v, o=o), o)
        self.close(o, self.o)

    def test_refusals(self):
        with self.assertRaisesRegex(flashcore.RefusedError, "`q` requires a gradient, and the kernel has no backward"):
            self.k(self.q.clone().requires_grad_(), self.keys, self.v)
        with torch.no_grad():
            self.close(self.k(self.q.clone().requires_grad_(), self.keys, self.v), self.o)
        with self.assertRaisesRegex(flashcore.RefusedError, "`q` on the CPU and `k` on numpy"):
            self.k(self.q, self.arrays[1], self.v)
        with self.assertRaisesRegex(flashcore.RefusedError, "must be strided"):
            self.k(self.q.to_sparse(), self.keys, self.v)
        with self.assertRaisesRegex(flashcore.RefusedError, "tensors on `meta` cannot be used"):
            self.k(self.q.to("meta"), self.keys, self.v)
        with self.assertRaisesRegex(flashcore.RefusedError, "`q` is f32, expected"):
            self.k(self.q.float(), self.keys, self.v)

    def test_compile_takes_a_dtype(self):
        self.assertEqual(kernel(T=torch.bfloat16).params[0].elem, "bf16")

    def test_without_custom_ops(self):
        if TRACES:
            self.skipTest(f"PyTorch {torch.__version__} has torch.library.custom_op")
        with self.assertRaisesRegex(flashcore.UnsupportedError, "2.4 or later"):
            self.k.torch_op()


@unittest.skipUnless(TRACES, WHY or f"PyTorch {getattr(torch, '__version__', '')} has no torch.library.custom_op (2.4 has)")
class Traced(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = kernel()
        cls.arrays = inputs()
        cls.tensors = list(map(torch.from_numpy, cls.arrays))
        cls.op = cls.k.torch_op()

    def setUp(self):
        torch._dynamo.reset()

    def compiled(self, function, **options):
        # "eager" runs the traced graph as it is: inductor would need a C++ compiler.
        return torch.compile(function, backend="aot_eager", fullgraph=True, **options)

    def test_a_call_is_one_node_of_the_graph(self):
        graphs = []

        def keep(module, example):
            graphs.append(module)
            return module.forward

        run = torch.compile(lambda q, k, v: self.k(q * 2, k, v, scale=0.5) + 1, backend=keep, fullgraph=True)
        o = run(*self.tensors)
        self.assertEqual(len(graphs), 1)
        targets = [str(node.target) for node in graphs[0].graph.nodes]
        self.assertEqual(sum("flashcore.attention_" in target for target in targets), 1)
        q, k, v = self.arrays
        numpy.testing.assert_allclose(o.numpy(), attention(2 * q, k, v, scale=0.5)[0] + 1, atol=4e-3)

    def test_the_first_call_may_be_a_traced_one(self):
        k = kernel("causal", schedule="i=32")
        o = self.compiled(lambda q, keys, v: k(q, keys, v))(*self.tensors)
        numpy.testing.assert_allclose(o.numpy(), attention(*self.arrays, causal=True)[0], atol=2e-3)

    def test_several_outputs_and_names(self):
        run = self.compiled(lambda q, k, v: self.k(v=v, k=k, q=q, outputs=("lse", "o")))
        lse, o = run(*self.tensors)
        expected = attention(*self.arrays)
        numpy.testing.assert_allclose(o.numpy(), expected[0], atol=2e-3)
        numpy.testing.assert_allclose(lse.numpy(), expected[1], atol=2e-3)

    def test_symbolic_sizes(self):
        compiles = []

        def count(module, example):
            compiles.append(module)
            return module.forward

        run = torch.compile(lambda q, k, v: self.k(q, k, v), backend=count, fullgraph=True, dynamic=True)
        for m, n in ((20, 33), (7, 50), (64, 65)):
            arrays = inputs(m=m, n=n)
            numpy.testing.assert_allclose(run(*map(torch.from_numpy, arrays)).numpy(), attention(*arrays)[0], atol=2e-3)
        self.assertEqual(len(compiles), 1)

    def test_the_fake_agrees_with_the_kernel(self):
        torch.library.opcheck(self.op, (*self.tensors, None, "o,lse"),
                              test_utils=("test_schema", "test_faketensor", "test_aot_dispatch_dynamic"))

    def test_meta_tensors(self):
        o, lse = self.op(*[x.to("meta") for x in self.tensors], None, "o,lse")
        self.assertEqual((tuple(o.shape), o.dtype, o.device.type), ((1, 2, 20, 16), torch.float16, "meta"))
        self.assertEqual((tuple(lse.shape), lse.dtype), ((1, 2, 20), torch.float32))

    def test_export(self):
        k = self.k

        class Model(torch.nn.Module):
            def forward(self, q, keys, v):
                return k(q, keys, v)

        program = torch.export.export(Model(), tuple(self.tensors))
        numpy.testing.assert_allclose(program.module()(*self.tensors).numpy(), attention(*self.arrays)[0], atol=2e-3)


if __name__ == "__main__":
    unittest.main()
