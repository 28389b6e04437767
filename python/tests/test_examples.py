# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""The programs in examples/python, each in a process of its own."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "python"


def run(name, *arguments, needs=(), **environment):
    for package in needs:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"no {package}")
    result = subprocess.run([sys.executable, EXAMPLES / name, *arguments], capture_output=True, text=True,
                            env={**os.environ, **environment})
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("arguments", [[], ["--compile"]], ids=["eager", "compile"])
def test_layer_torch(arguments, tmp_path):
    output = run("layer_torch.py", *arguments, needs=["torch"], XDG_CACHE_HOME=str(tmp_path))
    assert "token by token, the result differs by" in output
