# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""simplexir.attention on NumPy arrays, against the definition."""

import ml_dtypes
import numpy as np
import pytest
import reference

import simplexir

CASES = {
    "dot product": dict(num_keys=1, windows=[0]),
    "trilinear": dict(windows=[5, 3]),
    "order four": dict(num_keys=3, windows=[3, 2, 2]),
    "order five": dict(num_keys=4, windows=[2, 2, 2, 2]),
    "determinant": dict(windows=[4, 4], form="determinant", dim=7),
    "bidirectional": dict(windows=[3, 2], bidirectional=True),
    "scale": dict(windows=[4, 4], scale=-0.5),
    "biases": dict(windows=[4, 4], key_biases=[0.0, 0.125], value_biases=[0.0, 1.0]),
    "positions": dict(windows=[4, 4], positions=(3, 1)),
    "key range": dict(windows=[4, 4], positions=(0, 0), key_range=(2, 9)),
    "value dim": dict(windows=[4, 4], value_dim=5),
    "one key head": dict(windows=[4, 4], key_heads=1),
    "ragged": dict(windows=[0, 6], queries=5, length=17, batch=3),
}
SHAPES = ("batch", "queries", "length", "heads", "key_heads", "dim", "value_dim", "num_keys")


@pytest.mark.parametrize("case", CASES)
def test_float32(case):
    shapes = {k: v for k, v in CASES[case].items() if k in SHAPES}
    attributes = {k: v for k, v in CASES[case].items() if k not in SHAPES}
    inputs = reference.make(np.random.default_rng(1), np.float32, **shapes)
    reference.check(simplexir.attention(*inputs, **attributes), reference.attention(*inputs, **attributes), np.float32)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, ml_dtypes.bfloat16])
def test_element_types(dtype):
    inputs = reference.make(np.random.default_rng(2), dtype)
    out, lse = simplexir.attention(*inputs, windows=[5, 3])
    assert out.dtype == dtype and lse.dtype == (np.float64 if dtype is np.float64 else np.float32)
    reference.check((out, lse), reference.attention(*inputs, windows=[5, 3]), dtype)


def test_a_wrong_window_is_seen():
    """The comparison can fail."""
    inputs = reference.make(np.random.default_rng(3), np.float32)
    with pytest.raises(AssertionError):
        reference.check(simplexir.attention(*inputs, windows=[5, 3]),
                        reference.attention(*inputs, windows=[5, 4]), np.float32)


def test_strides_are_used_in_place():
    query, keys, values = reference.make(np.random.default_rng(4), np.float32, heads=4, key_heads=4)
    expected = simplexir.attention(query, keys, values, [4, 4])
    # Heads before lengths, and a fused projection cut into its parts.
    query = np.ascontiguousarray(query.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    fused = np.concatenate(keys + values, axis=-1)
    parts = [fused[..., i * 8:i * 8 + 8] for i in range(4)]
    assert not parts[0].flags.c_contiguous
    found = simplexir.attention(query, parts[:2], parts[2:], [4, 4])
    assert (found[0] == expected[0]).all() and (found[1] == expected[1]).all()


def test_dlpack():
    """An array of which only the protocol is known."""
    class Foreign:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **arguments):
            return self.array.__dlpack__(**arguments)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    query, keys, values = reference.make(np.random.default_rng(5), np.float32)
    expected = simplexir.attention(query, keys, values, [4, 4])
    found = simplexir.attention(Foreign(query), [Foreign(k) for k in keys], [Foreign(v) for v in values], [4, 4])
    assert (found[0] == expected[0]).all() and (found[1] == expected[1]).all()


def test_out():
    query, keys, values = reference.make(np.random.default_rng(6), np.float32)
    out, lse = np.empty_like(query), np.empty((1, 4, 12), np.float32)
    found = simplexir.attention(query, keys, values, [4, 4], out=(out, lse))
    assert found[0] is out and found[1] is lse
    reference.check(found, reference.attention(query, keys, values, [4, 4]), np.float32)


@pytest.mark.parametrize("shape", [dict(batch=0), dict(queries=0), dict(length=0)])
def test_empty(shape):
    inputs = reference.make(np.random.default_rng(7), np.float32, **shape)
    reference.check(simplexir.attention(*inputs, windows=[4, 4]), reference.attention(*inputs, windows=[4, 4]),
                    np.float32)


def test_shards_with_halos_are_the_whole():
    """Two shards of the sequence, each with the keys of its halo, give the bits of one call."""
    query, keys, values = reference.make(np.random.default_rng(8), np.float32, queries=256, length=256)
    whole = simplexir.attention(query, keys, values, [64, 64])
    for start in (0, 128):
        halo = min(start, 64)
        part = slice(start - halo, start + 128)
        shard = simplexir.attention(query[:, start:start + 128], [k[:, part] for k in keys],
                                    [v[:, part] for v in values], [64, 64], positions=(start, start - halo),
                                    key_range=(start - halo, start + 128))
        assert (shard[0] == whole[0][:, start:start + 128]).all()
        assert (shard[1] == whole[1][:, :, start:start + 128]).all()


def test_threads():
    inputs = reference.make(np.random.default_rng(9), np.float32)
    before = simplexir.get_num_threads()
    many = simplexir.attention(*inputs, windows=[4, 4])
    simplexir.set_num_threads(1)
    assert simplexir.get_num_threads() == 1
    one = simplexir.attention(*inputs, windows=[4, 4])
    simplexir.set_num_threads(before)
    assert (one[0] == many[0]).all()
