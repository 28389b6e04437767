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


def test_layer_jax(tmp_path):
    output = run("layer_jax.py", needs=["jax"], XDG_CACHE_HOME=str(tmp_path))
    assert "mapped over the batch, the result differs by" in output


@pytest.mark.parametrize("arguments, same", [
    ([], True),  # shards of 256 and a halo of 128: multiples of the key tile
    (["--length=1000", "--halo=127"], False), (["--devices=2", "--windows", "64", "64", "--halo=64"], True)])
def test_sharded_jax(arguments, same, tmp_path):
    output = run("sharded_jax.py", *arguments, needs=["jax"], XDG_CACHE_HOME=str(tmp_path), JAX_PLATFORMS="cpu")
    assert "out differs by" in output
    assert not same or output.endswith(", the same bits\n"), output


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_error_and_speed(framework, tmp_path):
    arguments = ["--lengths", "32", "64", f"--framework={framework}"]
    if importlib.util.find_spec("matplotlib"):
        arguments.append(f"--output={tmp_path / 'plot.svg'}")
    rows = [line.rsplit(None, 2) for line in run("error_and_speed.py", *arguments, needs=[framework],
                                                 XDG_CACHE_HOME=str(tmp_path)).splitlines()]
    table = {name: [float(x) for x in numbers] for name, *numbers in rows}
    assert table["length"] == [32, 64] and table["ms gathered float32, NumPy"][0] > 0
    for dtype, bound in (("float32", 1e-5), ("float16", 4e-3), ("bfloat16", 3e-2)):
        assert 0 < max(table["error " + dtype]) < bound
    assert len(arguments) == 4 or (tmp_path / "plot.svg").stat().st_size > 1000
