# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""The wheel: what is in it, and that it works by itself."""

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

SOURCE = pathlib.Path(__file__).parents[2]
pytest.importorskip("scikit_build_core")

SCRIPT = """
import numpy as np, simplexir
simplexir.set_cache_dir(None)
x = np.ones((1, 4, 1, 8), 'f4')
out, lse = simplexir.attention(x, [x, x], [x, x], [2, 2])
print(simplexir.__file__, out.min(), out.max())
"""


def test_wheel(tmp_path):
    # In one folder always, and with the compilers that the rest of the project is built with, so that a second build
    # is short; ccache tells compilers apart by their names.
    environment = {**os.environ, "CC": "cc", "CXX": "c++"}
    environment.pop("PYTHONPATH", None)
    result = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-C", "build-dir=build/wheel",
         "-w", tmp_path, SOURCE], env=environment, cwd=SOURCE, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    (wheel,) = tmp_path.glob("simplexir-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    names = {str(path.relative_to(tmp_path / "site" / "simplexir")) for path in (tmp_path / "site").rglob("*.so*")}
    assert {"lib/libSimplexIR-C.so.1", "lib/libsimplexir_runtime.so.1"} < names and len(names) == 3, names
    assert wheel.stat().st_size < 4e6
    result = subprocess.run([sys.executable, "-c", SCRIPT], env={**environment, "PYTHONPATH": str(tmp_path / "site")},
                            cwd=tmp_path, capture_output=True, text=True)
    assert result.stdout == f"{tmp_path}/site/simplexir/__init__.py 1.0 1.0\n", result.stderr
