# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""The custom call in JAX, on all the platforms that this JAX has."""

import ctypes
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
import reference

import simplexir

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
from jax.sharding import NamedSharding, PartitionSpec  # noqa: E402

import simplexir.jax  # noqa: E402


def has(platform):
    try:
        return bool(jax.devices(platform))
    except RuntimeError:
        return False


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not has("cuda"), reason="no GPU for JAX"))]


@pytest.fixture(params=DEVICES)
def device(request):
    with jax.default_device(jax.devices(request.param)[0]):
        yield request.param


def make(dtype=np.float32, dim=16, **shape):
    return jax.tree.map(jnp.asarray, reference.make(np.random.default_rng(1), dtype, dim=dim, value_dim=dim, **shape))


def check(found, inputs, **attributes):
    numpy = jax.tree.map(np.asarray, inputs)
    reference.check(found, reference.attention(*numpy, **attributes), inputs[0].dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_element_types(device, dtype):
    inputs = make(jnp.dtype(dtype))
    out, lse = simplexir.attention(*inputs, windows=[5, 3])
    assert out.dtype == dtype and lse.dtype == np.float32 and out.device.platform == ("gpu" if device == "cuda" else "cpu")
    check((out, lse), inputs, windows=[5, 3])


def test_float64():
    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        inputs = make(np.float64)
        check(simplexir.attention(*inputs, windows=[5, 3], positions=(jnp.asarray(2), 0)), inputs, windows=[5, 3],
              positions=(2, 0))


@pytest.mark.parametrize("attributes", [
    dict(bidirectional=True), dict(scale=-0.25), dict(key_biases=[0.0, 0.125], value_biases=[0.0, 1.0]),
    dict(positions=[3, 1], key_range=[2, 9]), dict(form="determinant")], ids=str)
def test_attributes(device, attributes):
    inputs = make()
    jitted = jax.jit(lambda *x: simplexir.attention(*x, windows=[5, 3], **attributes))
    check(jitted(*inputs), inputs, windows=[5, 3], **attributes)


def test_traced_positions(device):
    inputs = make()
    jitted = jax.jit(lambda start, high, *x: simplexir.attention(*x, windows=[5, 3], positions=(start, 1),
                                                                 key_range=(2, high)))
    for start, high in ((3, 9), (0, 4)):
        check(jitted(start, high, *inputs), inputs, windows=[5, 3], positions=(start, 1), key_range=(2, high))


def test_vmap(device):
    query, keys, values = make(batch=2)
    queries = jnp.stack([query, query * 2, -query])
    mapped = jax.vmap(lambda q: simplexir.attention(q, keys, values, [5, 3]))(queries)
    nested = jax.vmap(jax.vmap(lambda q: simplexir.attention(q, keys, values, [5, 3])))(queries[None])
    # Other positions for each: several launches.
    moved = jax.vmap(lambda q, start: simplexir.attention(q, keys, values, [5, 3], positions=(start, 0),
                                                          key_range=(0, 10)))(queries, jnp.arange(3))
    for i in range(3):
        check([x[i] for x in mapped], (queries[i], keys, values), windows=[5, 3])
        check([x[0, i] for x in nested], (queries[i], keys, values), windows=[5, 3])
        check([x[i] for x in moved], (queries[i], keys, values), windows=[5, 3], positions=(i, 0), key_range=(0, 10))


@pytest.mark.skipif(not has("cpu") or len(jax.devices("cpu")) < 4, reason="fewer than 4 CPU devices")
@pytest.mark.parametrize("axis", ["batch", "heads"])
def test_shard_map(axis):
    """Batch and heads need no exchange."""
    mesh = jax.make_mesh((4,), ("x",), devices=jax.devices("cpu")[:4])
    inputs = jax.device_put(make(batch=4, heads=8, key_heads=4), jax.devices("cpu")[0])
    expected = simplexir.attention(*inputs, windows=[5, 3])
    spec = PartitionSpec("x") if axis == "batch" else PartitionSpec(None, None, "x")
    lse = PartitionSpec("x") if axis == "batch" else PartitionSpec(None, "x")
    mapped = jax.jit(jax.shard_map(lambda *x: simplexir.attention(*x, windows=[5, 3]), mesh=mesh,
                                   in_specs=(spec, spec, spec), out_specs=(spec, lse)))
    found = mapped(*jax.device_put(inputs, NamedSharding(mesh, spec)))
    assert len(found[0].sharding.device_set) == 4
    assert all((np.asarray(a) == np.asarray(b)).all() for a, b in zip(found, expected))


def load_example():
    import importlib.util
    path = pathlib.Path(__file__).parents[2] / "examples" / "python" / "sharded_jax.py"
    spec = importlib.util.spec_from_file_location("sharded_jax", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.sharded_attention


@pytest.mark.skipif(not has("cpu") or len(jax.devices("cpu")) < 4, reason="fewer than 4 CPU devices")
def test_sharded_sequence_is_the_whole():
    """Against the definition; and without the key range the first shard would see its empty halo."""
    sharded_attention = load_example()
    mesh = jax.make_mesh((4,), ("sequence",), devices=jax.devices("cpu")[:4])
    inputs = make(queries=32, length=32)
    placed = jax.device_put(inputs, NamedSharding(mesh, PartitionSpec(None, "sequence")))
    found = jax.device_get(sharded_attention(*placed, [7, 4], mesh))
    check(found, inputs, windows=[7, 4])
    original = simplexir.jax.attention
    try:
        simplexir.jax.attention = lambda *x, key_range, **rest: original(*x, **rest)
        wrong = jax.device_get(sharded_attention(*placed, [7, 4], mesh))
    finally:
        simplexir.jax.attention = original
    with pytest.raises(AssertionError):
        check(wrong, inputs, windows=[7, 4])
    for windows, halo, message in (([0, 4], None, "an unlimited window"), ([7, 4], 5, "the halo is 5, expected at least"),
                                   ([16, 4], None, "the halo is 15, expected .* at most a shard, 8")):
        with pytest.raises(ValueError, match=message):
            sharded_attention(*placed, windows, mesh, halo=halo)


def test_no_gradient():
    query, keys, values = make()
    for transform in (jax.grad, jax.jacfwd):
        with pytest.raises(NotImplementedError, match="has no gradient .issue 'Gradients' of SimplexIR."):
            transform(lambda q: simplexir.attention(q, keys, values, [4, 4])[0].sum())(query)


ERRORS = [
    (lambda q, k, v: (q[0], k, v), ValueError, "query has shape [12, 4, 16], expected rank 4"),
    (lambda q, k, v: (q, [k[0], k[1].astype(jnp.float16)], v), TypeError,
     "keys[1] has element type float16, expected float32 as query"),
    (lambda q, k, v: (q.astype(jnp.int32), k, v), TypeError, "query has element type int32, expected bfloat16"),
    (lambda q, k, v: (q, k, v[:1]), ValueError, "found 2 keys, 1 values and 2 windows"),
    (lambda q, k, v: (q[:, :, :3], k, v), jax.errors.JaxRuntimeError,
     "simplexir.jax.attention: query has 3 heads, expected a multiple of the 2 heads of keys[0]"),
    (lambda q, k, v: (q, k, [v[0], v[1][:, :-1]]), jax.errors.JaxRuntimeError, "values[1] has length and heads [11, 2]"),
]


@pytest.mark.parametrize("edit, error, message", ERRORS, ids=[message[:40] for _, _, message in ERRORS])
def test_errors(edit, error, message):
    with pytest.raises(error, match=re.escape(message)):
        jax.block_until_ready(simplexir.attention(*edit(*make()), windows=[4, 4]))


def test_other_arguments():
    with pytest.raises(TypeError, match="out and stream are not for JAX's arrays"):
        simplexir.attention(*make(), windows=[4, 4], stream=1)
    with pytest.raises(ValueError, match="positions has 3 numbers, expected 2"):
        simplexir.attention(*make(), windows=[4, 4], positions=(1, 2, 3))


def test_compile_errors_come_through(fresh_cache, monkeypatch):
    monkeypatch.setattr(simplexir._kernels, "compile_kernel", lambda *_: 1 / 0)
    with pytest.raises(jax.errors.JaxRuntimeError, match="division by zero"):
        jax.block_until_ready(simplexir.attention(*make(), windows=[4, 4]))


class _Frame:
    """A call of a handler by hand, in the layout of XlaFfi.h."""

    class Extension(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("type", ctypes.c_int32), ("next", ctypes.c_void_p)]

    class Version(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("extension", ctypes.c_void_p), ("major", ctypes.c_int),
                    ("minor", ctypes.c_int)]

    class Buffer(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("extension", ctypes.c_void_p), ("dtype", ctypes.c_int32),
                    ("data", ctypes.c_void_p), ("rank", ctypes.c_int64), ("dims", ctypes.POINTER(ctypes.c_int64))]

    class Buffers(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("extension", ctypes.c_void_p), ("count", ctypes.c_int64),
                    ("types", ctypes.c_void_p), ("buffers", ctypes.POINTER(ctypes.c_void_p))]

    class Span(ctypes.Structure):
        _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_size_t)]

    class ArrayAttr(ctypes.Structure):
        _fields_ = [("dtype", ctypes.c_int32), ("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]

    class Attrs(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("extension", ctypes.c_void_p), ("count", ctypes.c_int64),
                    ("types", ctypes.POINTER(ctypes.c_int32)), ("names", ctypes.POINTER(ctypes.c_void_p)),
                    ("attrs", ctypes.POINTER(ctypes.c_void_p))]


def handler(name):
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(get(getattr(simplexir._core, name), None))


def call_handler(name, stage, extension=None, shapes=(), results=(), windows=()):
    """Without memory behind the buffers, as in the stages before the execution."""
    F, keep = _Frame, []

    def buffers(shapes):
        made = [F.Buffer(ctypes.sizeof(F.Buffer), None, 11, None, len(shape), (ctypes.c_int64 * len(shape))(*shape))
                for shape in shapes]
        keep.append(made)
        return F.Buffers(ctypes.sizeof(F.Buffers), None, len(made), None,
                         (ctypes.c_void_p * len(made))(*map(ctypes.addressof, made)))

    class Frame(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("extension", ctypes.c_void_p), ("api", ctypes.c_void_p),
                    ("context", ctypes.c_void_p), ("stage", ctypes.c_int32), ("arguments", F.Buffers),
                    ("results", F.Buffers), ("attrs", F.Attrs)]

    numbers = (ctypes.c_int64 * len(windows))(*windows)
    values = [F.ArrayAttr(5, len(windows), ctypes.addressof(numbers)), F.Span(b"multilinear", 11)]
    names = [F.Span(b"windows", 7), F.Span(b"form", 4)]
    attrs = F.Attrs(ctypes.sizeof(F.Attrs), None, 2, (ctypes.c_int32 * 2)(1, 4),
                    (ctypes.c_void_p * 2)(*map(ctypes.addressof, names)),
                    (ctypes.c_void_p * 2)(*map(ctypes.addressof, values)))
    # Room for the functions of XLA, none of which is called; its version is at 16.
    api = (ctypes.c_char * 512)()
    frame = Frame(ctypes.sizeof(Frame), extension, ctypes.addressof(api), None, stage, buffers(shapes), buffers(results),
                  attrs)
    return handler(name)(ctypes.addressof(frame))


@pytest.mark.parametrize("name, traits", [("jax_cpu", 0), ("jax_gpu", 1), ("jax_gpu_with_numbers", 0)])
def test_traits(name, traits):
    """XLA captures into its command buffers what always launches the same."""
    class Metadata(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("version", _Frame.Version), ("traits", ctypes.c_uint32)]

    class Extension(ctypes.Structure):
        _fields_ = [("base", _Frame.Extension), ("metadata", ctypes.POINTER(Metadata))]

    metadata = Metadata(ctypes.sizeof(Metadata), _Frame.Version(), 77)
    extension = Extension(_Frame.Extension(ctypes.sizeof(Extension), 1, None), ctypes.pointer(metadata))
    assert call_handler(name, 3, ctypes.addressof(extension)) is None
    assert metadata.traits == traits


def test_initialize_makes_the_kernel():
    """So that the execution, which may be captured, has nothing left to load."""
    before, dim = simplexir._core.count_kernels(), 24
    shapes = dict(shapes=[(2, 5, 2, dim)] * 5, results=[(2, 5, 2, dim), (2, 2, 5)], windows=(3, 4))
    for stage in (0, 1):  # too early: no buffers, no stream
        assert call_handler("jax_cpu", stage, **shapes) is None
        assert simplexir._core.count_kernels() == before
    for _ in range(2):
        assert call_handler("jax_cpu", 2, **shapes) is None
        assert simplexir._core.count_kernels() == before + 1


def test_target_by_numbers():
    """Numbers that are known at run time only make it another target."""
    inputs = make()
    for traced, target in ((False, "simplexir_attention"), (True, "simplexir_attention_with_numbers")):
        def call(start, *x):
            return simplexir.attention(*x, windows=[5, 3], positions=(start if traced else 2, 0))
        assert f"@{target}(" in jax.jit(call).lower(2, *inputs).as_text()


CAPTURED = """
import jax, numpy as np, simplexir
x = [jax.random.normal(jax.random.key(i), (1, 64, 2, 64), jax.numpy.bfloat16) for i in range(5)]
def plain(q, a, b, c, d):
    out = q
    for _ in range(4):  # a row of launches with other work between
        out, lse = simplexir.attention(out * 0.5, [a, b], [c, d], [16, 8])
    return out, lse
def layers(*x):
    return jax.jit(plain)(*x)
for run in range(6):
    x[0] = x[0][:, ::-1]
    found = layers(*x)
    with jax.disable_jit():
        expected = plain(*x)
    for a, b in zip(found, expected):
        np.testing.assert_array_equal(np.asarray(a, np.float32), np.asarray(b, np.float32))
print("equal")
"""


@pytest.mark.skipif(not has("cuda"), reason="no GPU for JAX")
def test_command_buffer():
    """A row of calls in one CUDA graph, with other operands each time; XLA's log says how many commands it has."""
    environment = {**os.environ, "XLA_FLAGS": "--xla_gpu_graph_min_graph_size=2", "TF_CPP_MIN_LOG_LEVEL": "0",
                   "TF_CPP_VMODULE": "command_buffer_thunk=3", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    result = subprocess.run([sys.executable, "-c", CAPTURED], capture_output=True, text=True, env=environment, timeout=300)
    assert result.returncode == 0 and "equal" in result.stdout, result.stderr[-3000:]
    # Four products and the four calls between them.
    assert re.search(r"commands=8\b", result.stderr), "XLA made no command buffer of all calls: " + result.stderr[-3000:]


LAYOUTS = {
    "ApiVersion": ("XLA_FFI_Api_Version", "structSize:struct_size major:major_version minor:minor_version"),
    "Buffer": ("XLA_FFI_Buffer", "dtype:dtype data:data rank:rank dims:dims"),
    "ByteSpan": ("XLA_FFI_ByteSpan", "data:ptr size:len"),
    "ScalarAttr": ("XLA_FFI_Scalar", "dtype:dtype value:value"),
    "ArrayAttr": ("XLA_FFI_Array", "dtype:dtype size:size data:data"),
    "Buffers": ("XLA_FFI_Args", "size:size types:types buffers:args"),
    "Attrs": ("XLA_FFI_Attrs", "size:size types:types names:names attrs:attrs"),
    "ErrorCreateArgs": ("XLA_FFI_Error_Create_Args", "message:message code:errc"),
    "StreamGetArgs": ("XLA_FFI_Stream_Get_Args", "context:ctx stream:stream"),
    "DeviceOrdinalGetArgs": ("XLA_FFI_DeviceOrdinal_Get_Args", "context:ctx deviceOrdinal:device_ordinal"),
    "Api": ("XLA_FFI_Api", "version:api_version errorCreate:XLA_FFI_Error_Create streamGet:XLA_FFI_Stream_Get "
                           "deviceOrdinalGet:XLA_FFI_DeviceOrdinal_Get"),
    "CallFrame": ("XLA_FFI_CallFrame", "extension:extension_start api:api context:ctx stage:stage args:args rets:rets "
                                       "attrs:attrs"),
    "Metadata": ("XLA_FFI_Metadata", "version:api_version traits:traits"),
    "MetadataExtension": ("XLA_FFI_Metadata_Extension", "metadata:metadata"),
}


def test_interface_is_jaxlibs(tmp_path):
    """The structs written down in XlaFfi.h are those of the header that this JAX ships."""
    source = '#include "XlaFfi.h"\n#include "xla/ffi/api/c_api.h"\nusing namespace simplexir::python;\n'
    for ours, (theirs, fields) in LAYOUTS.items():
        for field in fields.split():
            our, their = field.split(":")
            source += f'static_assert(offsetof(xla::{ours}, {our}) == offsetof({theirs}, {their}), "{ours}.{our}");\n'
    for ours, theirs in (("BF16", "DataType_BF16"), ("F64", "DataType_F64"), ("S64", "DataType_S64"),
                         ("PRED", "DataType_PRED"), ("String", "AttrType_STRING"), ("Array", "AttrType_ARRAY"),
                         ("Scalar", "AttrType_SCALAR"), ("executeStage", "ExecutionStage_EXECUTE"),
                         ("initializeStage", "ExecutionStage_INITIALIZE"),
                         ("commandBufferCompatible", "HANDLER_TRAITS_COMMAND_BUFFER_COMPATIBLE"),
                         ("metadataExtension", "Extension_Metadata"), ("majorVersion", "API_MAJOR"),
                         ("invalidArgument", "Error_Code_INVALID_ARGUMENT")):
        source += f'static_assert(int(xla::{ours}) == int(XLA_FFI_{theirs}), "{ours}");\n'
    (tmp_path / "layout.cpp").write_text(source)
    folder = pathlib.Path(__file__).parents[1] / "src"
    if not folder.exists():
        pytest.skip("no sources here")
    subprocess.run([os.environ.get("CXX", "c++"), "-std=c++17", "-fsyntax-only", "-I", folder, "-I", jax.ffi.include_dir(),
                    tmp_path / "layout.cpp"], check=True)
