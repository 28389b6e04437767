# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""benchmarks/python_calls.py: what keeps it from measuring ends it with one line."""

import pathlib
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
SCRIPT = pathlib.Path(__file__).parents[2] / "benchmarks" / "python_calls.py"
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")


@pytest.mark.skipif(not SCRIPT.exists(), reason="no sources here")
@pytest.mark.parametrize("arguments, message", [
    pytest.param([], "PyTorch finds no GPU here", marks=no_gpu),
    (["--launches=3"], "--launches is 3, expected at least 50"),
    (["--peer=/nowhere"], "--peer: no ops/triton/fwd.py in /nowhere"),
    (["--c-benchmark=/nowhere"], "--c-benchmark: no simplexir-launch-overhead in /nowhere")])
def test_refusals(arguments, message):
    result = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == f"python_calls: {message}\n"
