# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""What is wrong in a call is said, with what was found and what was expected."""

import re

import numpy as np
import pytest
import reference

import simplexir

RNG = np.random.default_rng(0)


def call(edit, **attributes):
    operands = dict(zip(("query", "keys", "values"), reference.make(RNG, np.float32)))
    edit(operands)
    return simplexir.attention(**operands, **{"windows": [4, 4], **attributes})


def nothing(_):
    pass


def replace(name, index, edit):
    def apply(operands):
        if index is None:
            operands[name] = edit(operands[name])
        else:
            operands[name][index] = edit(operands[name][index])
    return apply


OPERANDS = [
    (replace("keys", 1, lambda k: k.astype(np.float64)), TypeError, "keys[1] has element type f64, expected f32 as query"),
    (replace("query", None, lambda q: q.astype(np.int32)), TypeError,
     "query has element type int32, expected bfloat16, float16, float32 or float64"),
    (replace("query", None, lambda q: q.astype(">f4")), TypeError, "query has element type >f4"),
    (replace("values", 0, lambda v: v.tolist()), TypeError, "values[0] is a list, expected an array"),
    (replace("query", None, lambda q: q[0]), ValueError, "query has shape [12, 4, 8], expected rank 4"),
    (replace("keys", 0, lambda k: np.asfortranarray(k)), ValueError,
     "keys[0] has innermost stride 24, expected 1: make its last dimension contiguous"),
    (replace("keys", 1, lambda k: k[:, :-1]), ValueError, "keys[1] has length and heads [11, 2], expected [12, 2]"),
    (replace("values", 1, lambda v: np.concatenate([v, v])), ValueError, "values[1] has batch 2, expected 1 as query"),
    (replace("keys", 0, lambda k: np.concatenate([k, k], -1)), ValueError, "keys[0] has dim 16, expected 8 as query"),
    (replace("values", 1, lambda v: v[..., :4]), ValueError, "values[1] has dim 4, expected 8 as values[0]"),
    (replace("values", None, lambda v: v[:1]), ValueError, "found 1 values, expected 2, one for each key"),
    (replace("keys", None, lambda k: []), ValueError, "found 0 keys, expected 1 to 4"),
    (replace("keys", None, lambda k: k * 3), ValueError, "found more than 4 keys"),
    (replace("query", None, lambda q: q[:, :, :3]), ValueError,
     "query has 3 heads, expected a multiple of the 2 heads of keys[0]"),
    (replace("query", None, lambda q: q[:, :, :0]), ValueError, "heads and dims must be at least 1"),
]


@pytest.mark.parametrize("edit, error, message", OPERANDS, ids=[message[:40] for _, _, message in OPERANDS])
def test_operands(edit, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call(edit)


ATTRIBUTES = [
    (dict(windows=[4]), ValueError, "windows has 1 numbers, expected 2"),
    (dict(windows=[4, 4, 4, 4, 4]), ValueError, "windows has 5 numbers"),
    (dict(windows=[4, -1]), ValueError, "window 1 is -1, expected at least 0"),
    (dict(form="bilinear"), ValueError, "form is 'bilinear', expected one of multilinear, determinant"),
    (dict(scale=float("nan")), ValueError, "scale is not finite"),
    (dict(key_biases=[1.0]), ValueError, "key_biases has 1 numbers, expected 2"),
    (dict(value_biases=[1.0, float("inf")]), ValueError, "a bias is not finite"),
    (dict(positions=[1]), ValueError, "positions has 1 numbers, expected 2"),
    (dict(key_range=[1, 2, 3]), ValueError, "key_range has 3 numbers, expected 2"),
    (dict(positions=[1 << 61, 0]), simplexir.Error, "expected an index of at most 2^60"),
]


@pytest.mark.parametrize("attributes, error, message", ATTRIBUTES, ids=[message[:40] for _, _, message in ATTRIBUTES])
def test_attributes(attributes, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call(nothing, **attributes)


def test_one_number_for_windows():
    with pytest.raises(TypeError, match="windows is 4, expected a sequence: one size for each key"):
        call(nothing, windows=4)


def test_determinant_needs_two_keys():
    query, keys, values = reference.make(RNG, np.float32)
    with pytest.raises(ValueError, match="the determinant form needs two keys and a dim of at least 3, found 1 and 8"):
        simplexir.attention(query, keys[:1], values[:1], [4], form="determinant")


@pytest.mark.parametrize("edit, error, message", [
    (lambda out, lse: (out.astype(np.float64), lse), TypeError, "out has element type f64, expected f32"),
    (lambda out, lse: (out, lse[:, :1]), ValueError, "lse has another shape"),
    (lambda out, lse: (np.broadcast_to(out[:, :1], out.shape), lse), ValueError, "out is read-only"),
])
def test_results(edit, error, message):
    query, keys, values = reference.make(RNG, np.float32)
    with pytest.raises(error, match=re.escape(message)):
        simplexir.attention(query, keys, values, [4, 4], out=edit(np.zeros_like(query), np.zeros((1, 4, 12), "f4")))


def test_mixed_devices():
    """No GPU is needed to see that one operand is said to be on one."""
    class OnGpu:
        def __init__(self, array, device):
            self.array, self.device = array, device

        def __dlpack__(self, **_):
            return self.array.__dlpack__()

        def __dlpack_device__(self):
            return (self.device, 0)

    from ctypes import POINTER, c_int, c_void_p, cast, py_object, pythonapi
    pythonapi.PyCapsule_GetPointer.restype = c_void_p
    pythonapi.PyCapsule_GetPointer.argtypes = [py_object, __import__("ctypes").c_char_p]

    class Relabelled(OnGpu):
        def __dlpack__(self, **_):
            capsule = self.array.__dlpack__()
            address = pythonapi.PyCapsule_GetPointer(capsule, b"dltensor")
            cast(address + 8, POINTER(c_int))[0] = self.device  # DLTensor.device.device_type
            return capsule

    query, keys, values = reference.make(RNG, np.float32)
    with pytest.raises(ValueError, match=r"keys\[1\] is on cuda:0, expected cpu as query"):
        simplexir.attention(query, [keys[0], Relabelled(keys[1], 2)], values, [4, 4])
    with pytest.raises(ValueError, match="query is on a device of DLPack type 8, expected the CPU or a CUDA device"):
        simplexir.attention(Relabelled(query, 8), keys, values, [4, 4], out=(query, query))
