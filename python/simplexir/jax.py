# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""JAX: a custom call for the CPU and CUDA, under jit, vmap and shard_map."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from . import _core

# XLA captures the first one into its command buffers (CUDA graphs): it launches and does nothing else, as its kernel is
# loaded in the stage before. The other one waits for numbers that are known at run time only.
_TARGET, _TARGET_WITH_NUMBERS = "simplexir_attention", "simplexir_attention_with_numbers"
for _name, _handler in ((_TARGET, _core.jax_gpu), (_TARGET_WITH_NUMBERS, _core.jax_gpu_with_numbers)):
    jax.ffi.register_ffi_target(_name, _core.jax_cpu, platform="cpu")
    jax.ffi.register_ffi_target(_name, {"initialize": _handler, "execute": _handler}, platform="CUDA")

NO_GRADIENT = ("simplexir.jax.attention has no gradient (issue 'Gradients' of SimplexIR): differentiate around it, or use "
               "jax.lax.stop_gradient on its operands")


def attention(query, keys, values, windows, form="multilinear", bidirectional=False, scale=None, key_biases=None,
              value_biases=None, positions=None, key_range=None):
    """As simplexir.attention, on JAX's arrays.

    The numbers in positions and key_range may be traced. On a GPU such a call waits for them; constants cost nothing.
    """
    _check(query, keys, values, windows)
    attributes = {"windows": np.asarray(windows, np.int64), "form": form, "bidirectional": bool(bidirectional)}
    for name, numbers in (("scale", None if scale is None else [scale]), ("key_biases", key_biases),
                          ("value_biases", value_biases)):
        if numbers is not None:
            attributes[name] = np.asarray(numbers, np.float64)
    operands = [query, *keys, *values]
    for name, pair in (("positions", positions), ("key_range", key_range)):
        if pair is None:
            continue
        if len(pair) != 2:
            raise ValueError(f"{name} has {len(pair)} numbers, expected 2")
        if any(isinstance(number, jax.Array) for number in pair):
            attributes["dynamic_" + name] = True
            integer = jnp.int64 if jax.config.jax_enable_x64 else jnp.int32
            operands.append(jnp.stack([jnp.asarray(number, integer) for number in pair]))
        else:
            attributes[name] = np.asarray(pair, np.int64)
    frozen = tuple((name, tuple(value.tolist()) + (value.dtype.char,) if isinstance(value, np.ndarray) else value)
                   for name, value in attributes.items())
    return tuple(_call(frozen, tuple(operands)))


def _check(query, keys, values, windows):
    if not len(keys) == len(values) == len(windows) or not 1 <= len(keys) <= 4:
        raise ValueError(f"found {len(keys)} keys, {len(values)} values and {len(windows)} windows, expected as many of "
                         "each, 1 to 4")
    if query.dtype not in (jnp.bfloat16, jnp.float16, jnp.float32, jnp.float64):
        raise TypeError(f"query has element type {query.dtype}, expected bfloat16, float16, float32 or float64")
    for kind, arrays in (("query", [query]), ("keys", keys), ("values", values)):
        for index, array in enumerate(arrays):
            name = kind if kind == "query" else f"{kind}[{index}]"
            if array.ndim != 4:
                raise ValueError(f"{name} has shape {list(array.shape)}, expected rank 4 [batch, length, heads, dim]")
            if array.dtype != query.dtype:
                raise TypeError(f"{name} has element type {array.dtype}, expected {query.dtype} as query")


# A function of its own for the sake of a clear error: without it, JAX says only that a custom call has no derivative.
@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _call(frozen, operands):
    attributes = {name: np.asarray(value[:-1], value[-1]) if isinstance(value, tuple) else value
                  for name, value in frozen}
    query, value = operands[0], operands[2 * len(attributes["windows"])]
    batch, length, heads, _ = query.shape
    state = jnp.float64 if query.dtype == jnp.float64 else jnp.float32
    # Results vary over the mesh axes of shard_map that any operand varies over.
    varying = {}
    if hasattr(jax, "typeof"):
        axes = frozenset().union(*(getattr(jax.typeof(operand), "vma", None) or () for operand in operands))
        varying = {"vma": axes} if axes else {}
    results = (jax.ShapeDtypeStruct((batch, length, heads, value.shape[3]), query.dtype, **varying),
               jax.ShapeDtypeStruct((batch, heads, length), state, **varying))
    with_numbers = "dynamic_positions" in attributes or "dynamic_key_range" in attributes
    target = _TARGET_WITH_NUMBERS if with_numbers else _TARGET
    return jax.ffi.ffi_call(target, results, vmap_method="broadcast_all")(*operands, **attributes)


@_call.defjvp
def _no_gradient(frozen, primals, tangents):
    raise NotImplementedError(NO_GRADIENT)
