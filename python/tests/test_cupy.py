# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""CuPy's arrays, which come and go by DLPack."""

import numpy as np
import pytest
import reference

import simplexir

cupy = pytest.importorskip("cupy")


def has_gpu():
    try:
        return cupy.cuda.runtime.getDeviceCount() > 0
    except cupy.cuda.runtime.CUDARuntimeError:
        return False


pytestmark = pytest.mark.skipif(not has_gpu(), reason="no GPU")


@pytest.mark.parametrize("stream", ["default", "own"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_arrays(stream, dtype):
    inputs = reference.make(np.random.default_rng(1), dtype, dim=16, value_dim=16)
    query, keys, values = cupy.asarray(inputs[0]), *([cupy.asarray(x) for x in part] for part in inputs[1:])
    own = cupy.cuda.Stream(non_blocking=True) if stream == "own" else None
    out, lse = simplexir.attention(query, keys, values, [4, 4], stream=own and own.ptr)
    if own:
        own.synchronize()
    assert isinstance(out, cupy.ndarray) and out.dtype == dtype and lse.dtype == np.float32
    reference.check((out.get(), lse.get()), reference.attention(*inputs, windows=[4, 4]), dtype)


def test_mixed_devices():
    query, keys, values = reference.make(np.random.default_rng(1), np.float32, dim=16, value_dim=16)
    with pytest.raises(ValueError, match=r"keys\[0\] is on cpu, expected cuda:0 as query"):
        simplexir.attention(cupy.asarray(query), keys, values, [4, 4])
