# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""Higher-order attention, compiled: see `simplexir.attention`."""

import sys

from . import _core, _kernels
from ._cache import CacheWarning, cache_info, clear_cache, set_cache_dir
from ._core import Artifact, Error
from ._kernels import CompileError

__version__ = "0.1.0"
__all__ = ["attention", "load", "Artifact", "Error", "CompileError", "CacheWarning", "cache_info", "clear_cache",
           "set_cache_dir", "set_num_threads", "get_num_threads"]

_core.set_maker(_kernels.make)
_torch_tensor = _torch_dispatch = _is_compiling = None


def _check_windows(windows):
    if isinstance(windows, int):
        raise TypeError(f"windows is {windows}, expected a sequence: one size for each key")


def attention(query, keys, values, windows, form="multilinear", bidirectional=False, scale=None, key_biases=None,
              value_biases=None, positions=None, key_range=None, *, out=None, stream=None):
    """Attention over tuples of keys; returns (out, lse).

    query [B, Sq, H, D], each key [B, Sk, Hk, D] and each value [B, Sk, Hk, Dv] are arrays of one element type
    (bfloat16, float16, float32, or float64 on the CPU) and one device: NumPy's, PyTorch's, JAX's, CuPy's, or
    anything with `__dlpack__`. None is copied. Any strides do, but the last dimension must be contiguous.
    out is [B, Sq, H, Dv]; lse [B, H, Sq] is the natural log of the sum of exp(logit), in float32 (float64 for
    float64).

    windows        one size for each key; 0 is unlimited
    form           "multilinear", or "determinant" with two keys
    bidirectional  |P - p| < w instead of P - w < p <= P
    scale          default 1 / sqrt(D)
    key_biases, value_biases   a number for each key and value, added to each of its elements
    positions      (q0, k0): where the first query and the first key stand; default (Sk - Sq, 0)
    key_range      (lo, hi): only keys at lo <= p < hi exist; default all
    out            arrays (out, lse) to write to, instead of new ones
    stream         for arrays on a GPU other than PyTorch's and JAX's: a CUDA stream as a number

    The kernel is compiled when its class of shapes is first used, and kept on disk; B, Sq and Sk are not part of the
    class. docs/python.md says more.
    """
    # The modules of frameworks set these when they are imported, so that later calls need not look for them.
    if _torch_tensor is not None and isinstance(query, _torch_tensor) and out is None and stream is None:
        if not _is_compiling():
            results = _core.torch_eager(query, keys, values, windows, form, bidirectional, scale, key_biases, value_biases,
                                        positions, key_range)
            if results is not None:
                return results
        return _torch_dispatch(query, keys, values, windows, form, bidirectional, scale, key_biases, value_biases,
                               positions, key_range)
    _check_windows(windows)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(query, torch.Tensor):
        if out is not None or stream is not None:
            raise TypeError("out and stream are not for PyTorch's tensors: the result is new, on the current stream")
        from .torch import attention as implementation
        return implementation(query, keys, values, windows, form, bidirectional, scale, key_biases, value_biases,
                              positions, key_range)
    jax = sys.modules.get("jax")
    if jax is not None and isinstance(query, jax.Array):
        if out is not None or stream is not None:
            raise TypeError("out and stream are not for JAX's arrays: the result is new, in the order of XLA's work")
        from .jax import attention as implementation
        return implementation(query, keys, values, windows, form, bidirectional, scale, key_biases, value_biases,
                              positions, key_range)
    allocate = (lambda *_: out) if out is not None else _allocator(query)
    return tuple(_core.attention(query, keys, values, windows, form, bidirectional, scale, key_biases, value_biases,
                                 positions, key_range, allocate, stream or 0))


def _allocator(query):
    """A function that makes the results where the query is."""
    def allocate(out_shape, lse_shape, out_type, lse_type):
        namespace = sys.modules.get(type(query).__module__.split(".")[0])
        if _is_on_gpu(query):
            if not hasattr(namespace, "empty"):
                raise TypeError(f"simplexir cannot make a {type(query).__name__} on a GPU: pass out=(out, lse)")
            with query.device if hasattr(query.device, "__enter__") else _nothing():
                return (namespace.empty(out_shape, dtype=query.dtype),
                        namespace.empty(lse_shape, dtype=_NUMPY_NAMES[lse_type]))
        import numpy
        return numpy.empty(out_shape, _numpy_type(out_type)), numpy.empty(lse_shape, _numpy_type(lse_type))
    return allocate


class _nothing:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


_NUMPY_NAMES = {"f16": "float16", "f32": "float32", "f64": "float64"}


def _numpy_type(name):
    if name != "bf16":
        return _NUMPY_NAMES[name]
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        raise TypeError("bfloat16 in NumPy needs the package ml_dtypes, or pass out=(out, lse)") from None
    return bfloat16


def _is_on_gpu(array):
    return not hasattr(array, "__array_interface__") and hasattr(array, "__dlpack_device__") \
        and int(array.__dlpack_device__()[0]) not in (1, 3)


def load(path):
    """The artifact in a .simplex file. An artifact is code: load only what you trust."""
    with open(path, "rb") as file:
        return Artifact(file.read())


def set_num_threads(count):
    """Threads that work on the CPU; 0 is as many as the hardware has, which is the default."""
    _core.set_num_threads(count)


def get_num_threads():
    return _core.get_num_threads()
