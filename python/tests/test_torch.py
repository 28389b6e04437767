# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""The operator in PyTorch, on the CPU and, where there is one, on a GPU."""

import re

import ml_dtypes
import numpy as np
import pytest
import reference

import simplexir

torch = pytest.importorskip("torch")
import simplexir.torch  # noqa: E402

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
NUMPY = {torch.float64: np.float64, torch.float32: np.float32, torch.float16: np.float16,
         torch.bfloat16: ml_dtypes.bfloat16}


def make(device="cpu", dtype=torch.float32, **shape):
    query, keys, values = reference.make(np.random.default_rng(1), np.float32, **shape)
    def tensor(array):
        return torch.tensor(array, device=device, dtype=dtype)
    return tensor(query), [tensor(k) for k in keys], [tensor(v) for v in values]


def check(found, inputs, **attributes):
    def numpy(tensor):
        return tensor.detach().cpu().to(torch.float64).numpy()
    query, keys, values = inputs
    expected = reference.attention(numpy(query), [numpy(k) for k in keys], [numpy(v) for v in values], **attributes)
    reference.check([numpy(x) for x in found], expected, NUMPY[query.dtype])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_element_types(device, dtype):
    inputs = make(device, dtype, dim=16, value_dim=16)
    if device == "cuda" and dtype == torch.float64:
        with pytest.raises(RuntimeError, match="f64, which only the CPU has"):
            simplexir.attention(*inputs, windows=[5, 3])
        return
    out, lse = simplexir.attention(*inputs, windows=[5, 3])
    assert out.dtype == dtype and lse.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert out.device == lse.device == inputs[0].device
    check((out, lse), inputs, windows=[5, 3])


@pytest.mark.parametrize("attributes", [
    dict(bidirectional=True), dict(scale=-0.25), dict(key_biases=[0.0, 0.125], value_biases=[0.0, 1.0]),
    dict(positions=[3, 1], key_range=[2, 9]), dict(form="determinant")], ids=str)
@pytest.mark.parametrize("device", DEVICES)
def test_attributes(device, attributes):
    inputs = make(device, dim=16, value_dim=16)
    check(simplexir.attention(*inputs, windows=[5, 3], **attributes), inputs, windows=[5, 3], **attributes)
    check(torch.ops.simplexir.attention(*inputs, [5, 3], **attributes), inputs, windows=[5, 3], **attributes)


def test_registered_from_cpp():
    version = tuple(map(int, torch.__version__.split("+")[0].split(".")[:2]))
    if version < (2, 10):
        pytest.skip(f"PyTorch {torch.__version__} has no lists in its stable interface")
    assert simplexir.torch.registered_from == "C++"


def test_kernel_in_python():
    """What an older PyTorch gets."""
    inputs = make()
    expected = simplexir.attention(*inputs, windows=[5, 3], scale=0.5)
    found = simplexir.torch._in_python(*inputs, [5, 3], "multilinear", False, 0.5)
    assert torch.equal(found[0], expected[0]) and torch.equal(found[1], expected[1])
    check(simplexir.torch._in_python(*inputs, [5, 3]), inputs, windows=[5, 3])


def test_strides():
    query, keys, values = make(heads=4, key_heads=4)
    fused = torch.cat([query, *keys, *values], -1)
    parts = fused.split(8, -1)
    expected = simplexir.attention(query, keys, values, [4, 4])
    found = simplexir.attention(parts[0], parts[1:3], parts[3:5], [4, 4])
    assert torch.equal(found[0], expected[0])


@pytest.mark.parametrize("device", DEVICES)
def test_opcheck(device):
    """PyTorch's own checks of an operator: schema, autograd registration, fake, AOT dispatch."""
    query, keys, values = make(device, dim=16, value_dim=16)
    torch.library.opcheck(torch.ops.simplexir.attention.default, (query, keys, values, [4, 4]),
                          dict(key_biases=[0.0, 1.0], positions=[0, 0], key_range=[0, 9]))


def test_fake():
    with torch.device("meta"):
        query, key, value = torch.empty(2, 5, 6, 8), torch.empty(2, 9, 3, 8), torch.empty(2, 9, 3, 4)
    out, lse = torch.ops.simplexir.attention(query, [key], [value], [4])
    assert out.shape == (2, 5, 6, 4) and lse.shape == (2, 6, 5) and lse.dtype == torch.float32
    with pytest.raises(RuntimeError, match="found 1 keys, 2 values and 1 windows, expected as many"):
        torch.ops.simplexir.attention(query, [key], [value, value], [4])


@pytest.mark.parametrize("device", DEVICES)
def test_compile(device):
    calls = []

    def backend(graph, inputs):
        calls.append(graph)
        return graph

    def layer(query, keys, values):
        out, lse = simplexir.attention(query * 2, keys, values, [4, 4], key_biases=[0.0, 0.5],
                                       positions=(query.shape[1] - 8, 0))
        return out + 1, lse

    compiled = torch.compile(layer, fullgraph=True, dynamic=True, backend=backend)
    inductor = torch.compile(layer, fullgraph=True, dynamic=True)
    for length in (12, 16, 20):
        inputs = make(device, dim=16, value_dim=16, queries=length, length=length)
        expected = layer(*inputs)
        for function in (compiled, inductor):
            found = function(*inputs)
            assert torch.equal(found[1], expected[1]) and torch.allclose(found[0], expected[0])
    assert len(calls) == 1  # not once a length


def test_export():
    class Layer(torch.nn.Module):
        def forward(self, query, keys, values):
            return simplexir.attention(query, keys, values, [4, 4])[0]

    length = torch.export.Dim("length", min=2, max=4096)
    shape = {1: length}
    program = torch.export.export(Layer(), make(), dynamic_shapes=(shape, [shape, shape], [shape, shape]))
    assert "simplexir.attention.default" in str(program.graph)
    inputs = make(queries=20, length=20)
    assert torch.equal(program.module()(*inputs), Layer()(*inputs))


@pytest.mark.parametrize("edit, name", [
    (lambda q, k, v: q.requires_grad_(), "query"), (lambda q, k, v: k[1].requires_grad_(), "keys[1]"),
    (lambda q, k, v: v[0].requires_grad_(), "values[0]")])
@pytest.mark.parametrize("call", [simplexir.attention, torch.ops.simplexir.attention], ids=["function", "operator"])
def test_no_backward(edit, name, call):
    inputs = make()
    edit(*inputs)
    with pytest.raises(NotImplementedError, match=re.escape(f"has no backward, so that it gives no gradients (issue "
                                                            f"'Gradients' of SimplexIR): {name} requires grad")):
        call(*inputs, [4, 4])
    with torch.no_grad():
        check(call(*inputs, [4, 4]), inputs, windows=[4, 4])
    with torch.inference_mode():
        check(call(*inputs, [4, 4]), inputs, windows=[4, 4])


def test_no_backward_compiled():
    query, keys, values = make()
    function = torch.compile(lambda *inputs: simplexir.attention(*inputs, [4, 4])[0], fullgraph=True, backend="aot_eager")
    with pytest.raises(Exception, match="has no backward"):
        function(query.requires_grad_(), keys, values)


ERRORS = [
    (lambda q, k, v: (q, [k[0], k[1].double()], v), "keys[1] has element type f64, expected f32 as query"),
    (lambda q, k, v: (q.long(), k, v), "query has another element type than bfloat16, float16, float32 or float64"),
    (lambda q, k, v: (q.mT.contiguous().mT, k, v), "query has innermost stride 4, expected 1"),
    (lambda q, k, v: (q, k, v[:1]), "found 1 values, expected 2"),
    (lambda q, k, v: (q[0], k, v), "query has shape [12, 4, 8], expected rank 4"),
    (lambda q, k, v: (q, k * 3, v), "found 6 keys, expected at most 4"),
    (lambda q, k, v: (q.to_sparse(), k, v), "Could not run 'simplexir::attention'"),
]


@pytest.mark.parametrize("edit, message", ERRORS, ids=[message[:40] for _, message in ERRORS])
def test_errors(edit, message):
    with pytest.raises((RuntimeError, NotImplementedError), match=re.escape(message)):
        simplexir.attention(*edit(*make()), windows=[4, 4])


def test_compile_errors_come_through(fresh_cache, monkeypatch):
    monkeypatch.setattr(simplexir._kernels, "compile_kernel", lambda *_: 1 / 0)
    with pytest.raises(RuntimeError, match="division by zero"):
        simplexir.attention(*make(), windows=[4, 4])


def test_other_arguments():
    with pytest.raises(TypeError, match="out and stream are not for PyTorch's tensors"):
        simplexir.attention(*make(), windows=[4, 4], stream=1)
    with pytest.raises(RuntimeError, match="form is 'bilinear', expected one of multilinear, determinant"):
        simplexir.attention(*make(), windows=[4, 4], form="bilinear")


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@gpu
def test_mixed_devices():
    query, keys, values = make("cuda", dim=16, value_dim=16)
    with pytest.raises(RuntimeError, match=re.escape("keys[1] is on cpu, expected cuda:0 as query")):
        simplexir.attention(query, [keys[0], keys[1].cpu()], values, [4, 4])


@gpu
def test_current_stream():
    """On another stream, behind a kernel that is still writing the operands."""
    query, keys, values = make("cuda", torch.bfloat16, dim=64, value_dim=64, queries=256, length=256)
    expected = simplexir.attention(query, keys, values, [32, 32])[0]
    source, target = query.clone(), torch.zeros_like(query)
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(50_000_000)
        target.copy_(source)
        out, _ = simplexir.attention(target, keys, values, [32, 32])
    stream.synchronize()
    assert torch.equal(out, expected)


@gpu
def test_graph():
    query, keys, values = make("cuda", torch.bfloat16, dim=64, value_dim=64, queries=256, length=256)
    simplexir.attention(query, keys, values, [32, 32])
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out, lse = simplexir.attention(query, keys, values, [32, 32])
    query.copy_(query.flip(1))
    graph.replay()
    expected = simplexir.attention(query, keys, values, [32, 32])
    assert torch.equal(out, expected[0]) and torch.equal(lse, expected[1])
