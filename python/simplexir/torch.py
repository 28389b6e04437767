# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""PyTorch: the operator torch.ops.simplexir.attention, and `attention`.

A plain eager call on plain tensors goes to the kernel directly (python/src/TorchEager.cpp); all others call the operator:
those of compiled and traced code, in modes, transforms and under the profiler, with subclasses, and those with errors.

The kernels are registered from C++, through PyTorch's stable C interface, which has lists and strings since 2.10; an
older PyTorch gets kernels in Python. `registered_from` says which.
"""

import os

import torch

import simplexir

from . import _core

SCHEMA = ("attention(Tensor query, Tensor[] keys, Tensor[] values, int[] windows, str form='multilinear', "
          "bool bidirectional=False, float? scale=None, float[]? key_biases=None, float[]? value_biases=None, "
          "SymInt[]? positions=None, SymInt[]? key_range=None) -> (Tensor, Tensor)")
NO_BACKWARD = ("simplexir::attention has no backward, so that it gives no gradients (issue 'Gradients' of SimplexIR): "
               "{} requires grad. Call it under torch.no_grad(), or detach its operands")

_library = torch.library.Library("simplexir", "DEF")
_library.define(SCHEMA, tags=tuple(getattr(torch.Tag, name) for name in ("pt2_compliant_tag", "needs_exact_strides")
                                   if hasattr(torch.Tag, name)))
_op = torch.ops.simplexir.attention.default
_state = {torch.float64: torch.float64}


def _fake(query, keys, values, windows, form="multilinear", bidirectional=False, scale=None, key_biases=None,
          value_biases=None, positions=None, key_range=None):
    torch._check(len(keys) >= 1 and len(keys) == len(values) == len(windows),
                 lambda: f"found {len(keys)} keys, {len(values)} values and {len(windows)} windows, expected as many")
    for tensor in (query, *keys, *values):
        torch._check(tensor.dim() == 4, lambda: f"an operand has shape {list(tensor.shape)}, expected rank 4")
        torch._check(tensor.dtype == query.dtype and tensor.device == query.device,
                     lambda: f"an operand is {tensor.dtype} on {tensor.device}, expected {query.dtype} on "
                             f"{query.device} as query")
    batch, length, heads, _ = query.shape
    return (query.new_empty((batch, length, heads, values[0].shape[3])),
            query.new_empty((batch, heads, length), dtype=_state.get(query.dtype, torch.float32)))


def _in_python(*arguments):
    """The kernel where the C interface is not there."""
    query = arguments[0]
    cuda = query.is_cuda

    def allocate(*_):
        return _fake(*arguments)
    full = list(arguments) + [None] * (11 - len(arguments))
    for index, default in ((4, "multilinear"), (5, False)):
        full[index] = default if full[index] is None else full[index]
    stream = torch.cuda.current_stream(query.device).cuda_stream if cuda else 0
    return tuple(_core.attention(*full, allocate, stream))


def _refuse(query, keys, values):
    """The name of the first operand that requires grad."""
    for name, tensors in (("query", [query]), ("keys", keys), ("values", values)):
        for index, tensor in enumerate(tensors):
            if tensor.requires_grad:
                return name if name == "query" else f"{name}[{index}]"
    return None


def _autograd(keyset, *arguments):
    if torch.is_grad_enabled() and (name := _refuse(*arguments[:3])):
        raise NotImplementedError(NO_BACKWARD.format(name))
    return _op.redispatch(keyset & torch._C._after_autograd_keyset, *arguments)


def _register():
    folder = os.path.join(os.path.dirname(torch.__file__), "lib")
    reason = _core.register_torch(os.path.join(folder, "libtorch_cpu.so"), os.path.join(folder, "libtorch_cuda.so"))
    if reason:
        for key in ("CPU", "CUDA"):
            _library.impl("attention", _in_python, key)
    torch.library.register_fake("simplexir::attention", _fake, lib=_library)
    _library.impl("attention", _autograd, "Autograd", with_keyset=True)
    return f"Python ({reason})" if reason else "C++"


registered_from = _register()


def _open_eager():
    """Eager calls without the dispatcher; or why not."""
    try:
        from torch._C._dynamo import guards  # Inductor's code makes its buffers with these
        empty = (guards._empty_strided_cpu, getattr(guards, "_empty_strided_cuda", None))
        checks = (torch._C._len_torch_function_stack, torch._C._len_torch_dispatch_stack, torch._C._is_tracing,
                  torch._C._functorch.get_dynamic_layer_stack_depth)
        if any(check() for check in checks):
            return "a mode of PyTorch is active while simplexir is imported"
        _core.open_torch_eager(torch.Tensor.__dlpack_c_exchange_api__, (torch.Tensor, torch.nn.Parameter), checks,
                               torch.is_grad_enabled, torch.Tensor.is_neg, vars(torch.autograd.profiler), empty,
                               (torch.bfloat16, torch.float16, torch.float32, torch.float64))
    except (ImportError, AttributeError, ValueError) as error:
        return f"this PyTorch is older or newer than what SimplexIR knows: {error}"
    return None


def _find_makers(folder):
    """How results are made without Python's detour, in the versions of PyTorch where that is known."""
    if not (2, 10) <= tuple(map(int, torch.__version__.split(".")[:2])) <= (2, 12):
        return
    dtypes = [torch.bfloat16, torch.float16, torch.float32, torch.float64]
    _core.shortcut_find_makers(folder, [_core.torch_dtype(i) for i in range(len(dtypes))])
    for index, dtype in enumerate(dtypes):
        found, expected = _core.shortcut_try_makers([2, 3, 4], index), torch.empty(2, 3, 4, dtype=dtype)
        if type(found) is not torch.Tensor or any(getattr(found, name) != getattr(expected, name)
                                                  for name in ("shape", "dtype", "device", "layout")) or \
                found.stride() != expected.stride() or found.storage_offset() or \
                found.untyped_storage().nbytes() != expected.untyped_storage().nbytes():
            raise ValueError(f"{found} is not {expected}")


def _find_shortcuts():
    """Symbols of libtorch that answer faster than its Python functions; each only if both say the same."""
    folder = os.path.join(os.path.dirname(torch.__file__), "lib", "")
    try:
        _find_makers(folder)
    except (AttributeError, TypeError, ValueError):
        _core.shortcut_distrust_makers()
    states = []
    for inference in (False, True):
        with torch.inference_mode(inference):
            states.append((_core.shortcut_read_keys(os.path.join(folder, "libc10.so")),
                           torch._C._dispatch_tls_local_include_set().raw_repr(),
                           torch._C._dispatch_tls_local_exclude_set().raw_repr()))
    (plain, *sets), (other, *other_sets) = states
    if plain == (0, 0) and [a ^ b for a, b in zip(sets, other_sets)] == list(other) and any(other):
        _core.shortcut_trust_keys([plain, other])
    plain, parameter = torch.empty(1), torch.nn.Parameter(torch.empty(1), requires_grad=False)
    answers = [(_core.shortcut_read_negative(os.path.join(folder, "libtorch_cpu.so"), tensor), tensor.is_neg())
               for tensor in (plain, parameter, torch._neg_view(plain))]
    if any(found != expected for found, expected in answers):
        _core.shortcut_distrust_negative()


# How a plain call on plain tensors runs: "C++", or "the dispatcher" with the reason.
_why_not = _open_eager()
eager_calls_through = f"the dispatcher ({_why_not})" if _why_not else "C++"
try:
    _find_shortcuts()
except (AttributeError, TypeError, ValueError):
    _core.shortcut_distrust_negative()
_is_compiling = torch.compiler.is_compiling


def attention(query, keys, values, windows, form="multilinear", bidirectional=False, scale=None, key_biases=None,
              value_biases=None, positions=None, key_range=None):
    """As simplexir.attention, on tensors of the CPU or of one CUDA device, there on the current stream."""
    if not _is_compiling():
        results = _core.torch_eager(query, keys, values, windows, form, bidirectional, scale, key_biases, value_biases,
                                    positions, key_range)
        if results is not None:
            return results
    return _dispatch(query, keys, values, windows, form, bidirectional, scale, key_biases, value_biases, positions,
                     key_range)


def _dispatch(query, keys, values, windows, *rest):
    """The operator, for what eager calls leave to it."""
    simplexir._check_windows(windows)
    if _is_compiling():
        return _op(query, keys, values, windows, *rest)
    if torch.is_grad_enabled() and (name := _refuse(query, keys, values)):
        raise NotImplementedError(NO_BACKWARD.format(name))
    # What the kernel in Python for autograd would do, without its time.
    with torch._C._AutoDispatchBelowAutograd():
        return _op(query, keys, values, windows, *rest)


# simplexir.attention does the same as `attention` above, with a function call less.
simplexir._torch_tensor, simplexir._torch_dispatch, simplexir._is_compiling = torch.Tensor, _dispatch, _is_compiling
