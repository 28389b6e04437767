# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""The operation in NumPy and float64, by its definition: every tuple of keys is looked at."""

import itertools

import numpy as np

# Relative and Frobenius for out, absolute for lse: docs/spec.md.
BOUNDS = {"float64": (1e-11, 1e-9), "float32": (1e-5, 1e-4), "float16": (2e-3, 2e-3), "bfloat16": (1e-2, 5e-3)}


def make(rng, dtype, batch=1, queries=12, length=12, heads=4, key_heads=2, dim=8, value_dim=8, num_keys=2):
    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)
    return (draw(batch, queries, heads, dim), [draw(batch, length, key_heads, dim) for _ in range(num_keys)],
            [draw(batch, length, key_heads, value_dim) for _ in range(num_keys)])


def combine(form, query, key):
    if form == "multilinear":
        return query * key
    whole = len(query) // 3 * 3
    cross = np.cross(query[:whole].reshape(-1, 3), key[:whole].reshape(-1, 3)).ravel()
    return np.concatenate([cross, query[whole:] * key[whole:]])


def attention(query, keys, values, windows, form="multilinear", bidirectional=False, scale=None, key_biases=None,
              value_biases=None, positions=None, key_range=None):
    count = len(keys)
    query = np.asarray(query, np.float64)
    keys = [np.asarray(k, np.float64) + b for k, b in zip(keys, key_biases or [0] * count)]
    values = [np.asarray(v, np.float64) + b for v, b in zip(values, value_biases or [0] * count)]
    batch, queries, heads, dim = query.shape
    length, key_heads = keys[0].shape[1:3]
    scale = dim ** -0.5 if scale is None else scale
    q0, k0 = positions or (length - queries, 0)
    low, high = key_range or (k0, k0 + length)
    out = np.zeros((batch, queries, heads, values[0].shape[3]))
    lse = np.full((batch, heads, queries), -np.inf)

    def allowed(i, j, window):
        distance = q0 + i - (k0 + j)
        near = window == 0 or (abs(distance) < window if bidirectional else distance < window)
        return low <= k0 + j < high and near and (bidirectional or distance >= 0)

    for b, i, h in itertools.product(range(batch), range(queries), range(heads)):
        g = h // (heads // key_heads)
        choices = [[j for j in range(length) if allowed(i, j, w)] for w in windows]
        logits, products = [], []
        for tuple_ in itertools.product(*choices):
            vector = query[b, i, h]
            for key, j in zip(keys[:-1], tuple_):
                vector = combine(form, vector, key[b, j, g])
            logits.append(scale * (vector @ keys[-1][b, tuple_[-1], g]))
            products.append(np.prod([v[b, j, g] for v, j in zip(values, tuple_)], axis=0))
        if logits:
            peak = max(logits)
            weights = np.exp(np.array(logits) - peak)
            out[b, i, h] = weights @ np.array(products) / weights.sum()
            lse[b, h, i] = peak + np.log(weights.sum())
    return out, lse


def check(found, expected, dtype):
    """`found` within the documented bounds, which count on logits below 16."""
    relative, absolute = BOUNDS[np.dtype(dtype).name]
    rounding = {"float16": 2 ** -11, "bfloat16": 2 ** -8}.get(np.dtype(dtype).name, 0) * 4
    out, lse = (np.asarray(x).astype(np.float64) for x in found)
    assert out.shape == expected[0].shape and lse.shape == expected[1].shape
    empty = np.isneginf(expected[1])
    assert (np.isneginf(lse) == empty).all()
    error = np.linalg.norm(out - expected[0]) / max(np.linalg.norm(expected[0]), 1e-300)
    assert error <= relative + rounding, error
    worst = np.abs(lse[~empty] - expected[1][~empty]).max(initial=0)
    assert worst <= absolute + rounding, worst
