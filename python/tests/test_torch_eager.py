# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""Eager calls without PyTorch's dispatcher: when they are taken, and that they are the same as with it."""

import gc
import os
import re
import subprocess
import sys
import threading

import pytest

import simplexir

torch = pytest.importorskip("torch")
import simplexir.torch  # noqa: E402
from test_torch import DEVICES, ERRORS, make  # noqa: E402

VERSION = tuple(map(int, torch.__version__.split("+")[0].split(".")[:2]))
direct = pytest.mark.skipif(simplexir.torch.eager_calls_through != "C++", reason=simplexir.torch.eager_calls_through)


@pytest.fixture
def dispatched(monkeypatch):
    """The calls that went through the operator."""
    calls, op = [], simplexir.torch._op

    class Spy:
        def __call__(self, *arguments):
            calls.append(arguments)
            return op(*arguments)

        def __getattr__(self, name):
            return getattr(op, name)

    monkeypatch.setattr(simplexir.torch, "_op", Spy())
    return calls


def equal(found, expected):
    return all(torch.equal(a, b) and a.dtype == b.dtype and a.device == b.device and a.stride() == b.stride()
               for a, b in zip(found, expected))


def test_known_version():
    if VERSION >= (2, 10):
        assert simplexir.torch.eager_calls_through == "C++"
    else:
        assert "the dispatcher (this PyTorch is older" in simplexir.torch.eager_calls_through


@direct
@pytest.mark.parametrize("attributes", [
    {}, dict(bidirectional=True), dict(scale=-0.25), dict(key_biases=[0.0, 0.125], value_biases=(0.0, 1.0)),
    dict(positions=[3, 1], key_range=(2, 9)), dict(form="determinant")], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("device", DEVICES)
def test_same_bits(device, dtype, attributes, dispatched):
    inputs = make(device, dtype, dim=16, value_dim=16)
    found = simplexir.attention(*inputs, windows=[5, 3], **attributes)
    assert isinstance(found, tuple) and not dispatched
    assert equal(found, torch.ops.simplexir.attention(*inputs, [5, 3], **attributes))


@direct
@pytest.mark.parametrize("device", DEVICES)
def test_taken(device, dispatched):
    """Also for parameters, views, empty tensors, and where grad mode is on but nothing requires grad."""
    query, keys, values = make(device, heads=4, key_heads=4)
    expected = torch.ops.simplexir.attention(query, keys, values, [4, 4])
    fused = torch.cat([query, *keys, *values], -1).split(8, -1)
    parameters = [torch.nn.Parameter(key) for key in keys]
    assert equal(simplexir.attention(fused[0], fused[1:3], fused[3:5], (4, 4)), expected)
    with torch.no_grad():
        assert equal(simplexir.attention(query, parameters, values, [4, 4]), expected)
    with torch.inference_mode():
        found = simplexir.attention(query, keys, values, [4, 4])
        assert equal(found, expected) and found[0].is_inference()
    with torch.autocast(device, dtype=torch.bfloat16):
        assert equal(simplexir.attention(query, keys, values, [4, 4]), expected)
    out, lse = simplexir.attention(query[:, :0], keys, values, [4, 4])
    assert out.shape == (1, 0, 4, 8) and lse.shape == (1, 4, 0)
    assert not dispatched
    results = []
    thread = threading.Thread(target=lambda: results.append(simplexir.attention(query, keys, values, [4, 4])))
    thread.start(), thread.join()
    assert equal(results[0], expected) and not dispatched


class Subclass(torch.Tensor):
    pass


class FunctionMode(torch.overrides.TorchFunctionMode):
    def __torch_function__(self, function, types, arguments=(), keywords=None):
        return function(*arguments, **(keywords or {}))


class DispatchMode(torch.utils._python_dispatch.TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        self.seen.append(function)
        return function(*arguments, **(keywords or {}))


@direct
@pytest.mark.parametrize("device", DEVICES)
def test_not_taken_in_modes(device, dispatched):
    inputs = make(device)
    expected = simplexir.attention(*inputs, [4, 4])

    def call(*_):
        return simplexir.attention(*inputs, [4, 4])

    assert not dispatched
    with FunctionMode():
        assert equal(call(), expected)
    assert len(dispatched) == 1
    with DispatchMode() as mode:
        found = call()
    assert equal(found, expected) and len(dispatched) == 2 and mode.seen == [torch.ops.simplexir.attention.default]
    with torch.autograd.profiler.profile() as profile:
        assert equal(call(), expected)
    assert len(dispatched) == 3 and "simplexir::attention" in [event.name for event in profile.function_events]
    with torch.device(device):  # a function mode too
        assert equal(call(), expected)
    assert len(dispatched) == 4
    assert equal(call(), expected) and len(dispatched) == 4


@direct
def test_not_taken_for_other_tensors(dispatched):
    query, keys, values = make()
    expected = simplexir.attention(query, keys, values, [4, 4])
    negated = torch._neg_view(query)  # as imaginary parts of conjugates are
    assert equal(simplexir.attention(negated, keys, values, [4, 4]), simplexir.attention(-query, keys, values, [4, 4]))
    assert len(dispatched) == 1
    assert equal(simplexir.attention(query, keys, [values[0], torch._neg_view(-values[1])], [4, 4]), expected)
    assert len(dispatched) == 2
    assert equal(simplexir.attention(query.as_subclass(Subclass), keys, values, [4, 4]), expected)
    assert equal(simplexir.attention(query, [keys[0], keys[1].as_subclass(Subclass)], values, [4, 4]), expected)
    assert len(dispatched) == 4
    conjugate = torch.complex(torch.zeros_like(query), -query).conj()
    assert equal(simplexir.attention(conjugate.imag.contiguous(), keys, values, [4, 4]), expected)
    with torch._subclasses.FakeTensorMode() as mode:
        out, lse = simplexir.attention(*torch.utils._pytree.tree_map(mode.from_tensor, (query, keys, values)), [4, 4])
    assert type(out) is torch._subclasses.FakeTensor and lse.shape == expected[1].shape and len(dispatched) == 5
    with pytest.raises(NotImplementedError, match="simplexir::attention"):
        simplexir.attention(query.to_mkldnn(), keys, values, [4, 4])
    assert len(dispatched) == 6
    zeros = torch._efficientzerotensor(query.shape)
    assert equal(simplexir.attention(zeros.clone(), keys, values, [4, 4]),
                 simplexir.attention(torch.zeros_like(query), keys, values, [4, 4]))


@direct
def test_not_taken_in_transforms(dispatched):
    query, keys, values = make()
    expected = simplexir.attention(query, keys, values, [4, 4])
    seen = []

    def inside(x):
        seen.append(simplexir.attention(query, keys, values, [4, 4]))
        return x * 2

    torch.func.functionalize(inside)(query)
    torch.vmap(inside)(query)
    torch.func.jvp(inside, (query,), (query,))
    assert len(dispatched) == 3 and all(equal(found, expected) for found in seen)
    with pytest.raises(NotImplementedError, match="has no backward"):
        torch.func.grad(lambda x: simplexir.attention(x, keys, values, [4, 4])[0].sum())(query)
    assert len(dispatched) == 3
    with pytest.raises(RuntimeError, match="simplexir::attention|Batching rule|data pointer|storage"):
        torch.vmap(lambda x: simplexir.attention(x[None], [keys[0][:1]], [values[0][:1]], [4])[0])(query)
    assert len(dispatched) == 4


@direct
def test_not_taken_by_tracers(dispatched):
    query, keys, values = make()
    expected = simplexir.attention(query, keys, values, [4, 4])

    def function(query):
        return simplexir.attention(query, keys, values, [4, 4])

    traced = torch.jit.trace(function, query, check_trace=False)
    assert "simplexir::attention" in str(traced.graph) and len(dispatched) == 1
    assert equal(traced(query), expected)
    from torch.fx.experimental.proxy_tensor import make_fx
    for options in ({}, dict(pre_dispatch=True), dict(tracing_mode="fake"), dict(tracing_mode="fake", pre_dispatch=True)):
        operands = (query, *keys, *values)
        graph = make_fx(lambda *x: simplexir.attention(x[0], x[1:3], x[3:5], [4, 4]), **options)(*operands)
        assert "simplexir.attention.default" in str(graph.graph), options
        assert equal(graph(*operands), expected)
    exported = torch.export.export(Layer(keys, values), (query,), strict=False)
    assert "simplexir.attention.default" in str(exported.graph)


class Layer(torch.nn.Module):
    def __init__(self, keys, values):
        super().__init__()
        self.keys, self.values = keys, values

    def forward(self, query):
        return simplexir.attention(query, self.keys, self.values, [4, 4])


@direct
def test_not_taken_by_compiled_code():
    query, keys, values = make()
    graphs = []
    compiled = torch.compile(lambda q: simplexir.attention(q, keys, values, [4, 4]), fullgraph=True,
                             backend=lambda graph, _: graphs.append(graph) or graph)
    assert equal(compiled(query), simplexir.attention(query, keys, values, [4, 4]))
    assert "simplexir.attention.default" in str(graphs[0].graph)


MORE_ERRORS = [
    (lambda q, k, v: (q[:, :, :3], k, v), {}, "query has 3 heads, expected a multiple of the 2 heads of keys[0]"),
    (lambda q, k, v: (q, k, [v[0], v[1][:, :-1]]), {}, "values[1] has length and heads [11, 2]"),
    (lambda q, k, v: (q, k, v), dict(windows=[4]), "windows has 1 numbers, expected 2"),
    (lambda q, k, v: (q, k, v), dict(windows=[4, -1]), "window 1 is -1, expected at least 0"),
    (lambda q, k, v: (q, k, v), dict(scale=float("inf")), "scale is not finite"),
    (lambda q, k, v: (q, k, v), dict(key_biases=[1.0]), "key_biases has 1 numbers, expected 2"),
    (lambda q, k, v: (q, k, v), dict(positions=[1]), "positions needs 2 numbers"),
    (lambda q, k, v: (q, k, v), dict(form="bilinear"), "form is 'bilinear'"),
    (lambda q, k, v: (q[..., :2].contiguous(), [x[..., :2].contiguous() for x in k], v), dict(form="determinant"),
     "the determinant form needs two keys and a dim of at least 3"),
    (lambda q, k, v: (q, [], []), dict(windows=[]), "found 0 keys"),
    (lambda q, k, v: (q.to("meta"), k, v), {}, "an operand is torch.float32 on cpu, expected torch.float32 on meta as query"),
]


@pytest.mark.parametrize("edit, attributes, message", [(edit, {}, message) for edit, message in ERRORS] + MORE_ERRORS,
                         ids=[message[:40] for *_, message in ERRORS + MORE_ERRORS])
def test_same_errors(edit, attributes, message):
    """The same type and text with the dispatcher."""
    operands = edit(*make())
    attributes = {"windows": [4, 4], **attributes}
    raised = []
    for call in (simplexir.attention, torch.ops.simplexir.attention):
        with pytest.raises((RuntimeError, NotImplementedError), match=re.escape(message)) as info:
            call(*operands, **attributes)
        raised.append((info.type, str(info.value).splitlines()[0]))
    assert raised[0] == raised[1]


def test_same_errors_of_the_compiler(fresh_cache, monkeypatch):
    inputs, calls = make(), []

    def fail(*_):
        calls.append(None)
        raise ValueError("no compiler today")

    monkeypatch.setattr(simplexir._kernels, "compile_kernel", fail)
    raised = []
    for call in (simplexir.attention, torch.ops.simplexir.attention):
        with pytest.raises(RuntimeError, match="no compiler today") as info:
            call(*inputs, windows=[4, 4])
        raised.append((info.type, str(info.value)))
    assert raised[0] == raised[1] and len(calls) == 2  # once each


def test_windows_is_a_sequence():
    for call in (simplexir.attention, simplexir.torch.attention):
        with pytest.raises(TypeError, match="windows is 4, expected a sequence"):
            call(*make(), 4)


@pytest.mark.parametrize("device", DEVICES)
def test_no_leaks(device):
    """Neither of operands, nor of results, nor of what is left behind when the call is not for this way."""
    query, keys, values = make(device)
    negated, windows, broken = torch._neg_view(query), [4, 4], [values[0], values[0][:, :1]]
    watched = [query, *keys, *values, negated, windows, keys, values, None, True, torch.float32, torch.Tensor]

    def counts():
        gc.collect()
        return [sys.getrefcount(x) for x in watched]

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def calls(count):
        for _ in range(count):
            out, lse = simplexir.attention(query, keys, values, windows, scale=0.5, positions=[1, 0])
        assert sys.getrefcount(out) == sys.getrefcount(lse) == 2
        for length in range(1, count // 10):  # sizes that differ
            simplexir.attention(query[:, :1 + length % 12], keys, values, windows, scale=0.5, positions=[1, 0])
        for _ in range(count // 10):
            simplexir.attention(negated, keys, values, windows)
            with pytest.raises(RuntimeError):
                simplexir.attention(query, keys, broken, windows)

    calls(500)
    before, memory = counts(), resident()
    calls(10000)
    assert all(abs(after - count) < 100 for after, count in zip(counts(), before))
    assert resident() - memory < 8 << 20


def run_without(what):
    script = f"import torch\n{what}\nimport simplexir, simplexir.torch\n" + """
torch.manual_seed(0)
x = [torch.randn(1, 4, 1, 16) for _ in range(5)]
found = simplexir.attention(x[0], x[1:3], x[3:5], [2, 2])
expected = torch.ops.simplexir.attention(x[0], x[1:3], x[3:5], [2, 2])
assert all(torch.equal(a, b) for a, b in zip(found, expected))
negated = simplexir.attention(torch._neg_view(x[0]), x[1:3], x[3:5], [2, 2])
assert torch.equal(negated[0], simplexir.attention(-x[0], x[1:3], x[3:5], [2, 2])[0])
class Mode(torch.overrides.TorchFunctionMode):
    seen = 0
    def __torch_function__(self, function, types, arguments=(), keywords=None):
        Mode.seen += 1
        return function(*arguments, **(keywords or {}))
with Mode():
    simplexir.attention(x[0], x[1:3], x[3:5], [2, 2])
assert Mode.seen
traced = torch.jit.trace(lambda q: simplexir.attention(q, x[1:3], x[3:5], [2, 2]), x[0], check_trace=False)
assert "simplexir::attention" in str(traced.graph)
print(simplexir.torch.eager_calls_through)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@direct
@pytest.mark.parametrize("what, reason", [
    ("del torch.Tensor.__dlpack_c_exchange_api__", "__dlpack_c_exchange_api__"),
    ("del torch._C._len_torch_function_stack", "_len_torch_function_stack"),
    ("import torch._C._dynamo; del torch._C._dynamo.guards._empty_strided_cpu", "_empty_strided_cpu"),
], ids=["no exchange", "no modes", "no allocation"])
def test_older_torch(what, reason):
    """What is missing in a PyTorch sends the calls through the dispatcher."""
    assert re.match(r"the dispatcher \(this PyTorch is older or newer .*" + reason, run_without(what))


@direct
def test_without_shortcuts():
    """The Python functions are asked where a symbol is missing or says something else."""
    nothing = "import simplexir; c = simplexir._core; "
    for what in ("c.shortcut_read_keys = lambda *_: (1, 1)", "c.shortcut_read_negative = lambda *_: True",
                 "c.shortcut_read_negative = lambda *_: int('not there')",
                 "c.shortcut_find_makers = lambda *_: int('not there')",
                 "torch.__version__ = type(torch.__version__)('99.0')",
                 "c.torch_dtype = lambda i: (6, 5, 7, 15)[i]"):
        assert run_without(nothing + what) == "C++"


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@direct
@gpu
def test_results_are_the_allocators(dispatched):
    """So that record_stream, memory statistics and graphs' pools know them."""
    inputs = make("cuda", torch.bfloat16, dim=16, value_dim=16)
    simplexir.attention(*inputs, [4, 4])
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    out, lse = simplexir.attention(*inputs, [4, 4])
    assert torch.cuda.memory_allocated() - before >= out.nbytes + lse.nbytes
    out.record_stream(torch.cuda.Stream())
    del out, lse
    torch.cuda.synchronize()
    assert not dispatched


@direct
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="fewer than 2 GPUs")
def test_other_device(dispatched):
    """On a GPU that is not the current one."""
    inputs = make("cuda:1", torch.bfloat16, dim=16, value_dim=16)
    assert torch.cuda.current_device() == 0
    found = simplexir.attention(*inputs, [4, 4])
    assert not dispatched and found[0].device == torch.device("cuda:1")
    assert equal(found, torch.ops.simplexir.attention(*inputs, [4, 4]))
    assert torch.cuda.current_device() == 0
