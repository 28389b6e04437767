# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""A 2-simplicial attention layer in JAX, with grouped heads and the paper's biases (Roy et al. 2025).

    python layer_jax.py

runs it on random tokens in two ways, the whole batch under jit and each sequence under vmap, which give the same. There
is no gradient yet, so this layer is for inference.
"""

import functools

import jax
import jax.numpy as jnp

import simplexir.jax


def init(key, width, heads, key_heads):
    """The projections: a query for each head; two keys and two values for each key head."""
    dim = width // heads
    names = {"query": (width, heads, dim), "keys_values": (width, 4, key_heads, dim), "out": (heads, dim, width)}
    keys = jax.random.split(key, len(names))
    return {name: jax.random.normal(k, shape) * width ** -0.5 for k, (name, shape) in zip(keys, names.items())}


def layer(parameters, x, windows=(512, 32)):
    """x and the result are [batch, length, width]. The second key gets 1 / dim added to each element, the second value
    1, so that the layer can fall back to dot-product attention."""
    query = jnp.einsum("blw,whd->blhd", x, parameters["query"])
    key1, key2, value1, value2 = jnp.einsum("blw,wnhd->nblhd", x, parameters["keys_values"])
    out, _ = simplexir.jax.attention(query, [key1, key2], [value1, value2], windows,
                                     key_biases=[0.0, 1 / query.shape[-1]], value_biases=[0.0, 1.0])
    return jnp.einsum("blhd,hdw->blw", out, parameters["out"])


def main():
    parameters = init(jax.random.key(0), width=256, heads=8, key_heads=2)
    x = jax.random.normal(jax.random.key(1), (3, 48, 256))
    forward = functools.partial(layer, parameters, windows=(16, 4))
    whole = jax.jit(forward)(x)
    each = jax.jit(jax.vmap(forward))(x[:, None])[:, 0]
    difference = float(jnp.linalg.norm(each - whole) / jnp.linalg.norm(whole))
    print(f"mapped over the batch, the result differs by {difference:.1e} from that of the whole")
    return 0 if difference < 1e-5 else 1


if __name__ == "__main__":
    raise SystemExit(main())
