# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""The kernels on disk: found again, never trusted, safe to share, and not needed."""

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import reference

import simplexir
from simplexir import _kernels


@pytest.fixture
def count(monkeypatch):
    """How often the compiler was asked."""
    calls, compile_kernel = [], _kernels.compile_kernel
    monkeypatch.setattr(_kernels, "compile_kernel", lambda *a: calls.append(a) or compile_kernel(*a))
    return calls


def run(queries=12, batch=1, windows=(4, 4), **shape):
    inputs = reference.make(np.random.default_rng(1), np.float32, queries=queries, length=queries, batch=batch, **shape)
    found = simplexir.attention(*inputs, windows=list(windows))
    reference.check(found, reference.attention(*inputs, windows=list(windows)), np.float32)


def files(folder):
    return sorted((folder / "v1").iterdir())


def test_one_kernel_for_all_lengths(fresh_cache, count):
    run()
    run(queries=5, batch=3)
    run(queries=0)
    assert len(count) == 1 and len(files(fresh_cache)) == 1
    assert simplexir.cache_info()["in_memory"] == 1 and simplexir.cache_info()["kernels"] == 1
    run(windows=(4, 3))
    run(dim=16)
    assert len(count) == 3


def test_found_on_disk(fresh_cache, count):
    run()
    simplexir._core.forget_kernels()
    run()
    assert len(count) == 1
    assert simplexir.clear_cache() == 1 and not files(fresh_cache)
    run()
    assert len(count) == 2


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "other kernel", "text"])
def test_damaged_entries_are_rebuilt(fresh_cache, count, damage):
    run()
    (file,) = files(fresh_cache)
    data = file.read_bytes()
    if damage == "other kernel":  # a valid artifact under a wrong name
        run(windows=(4, 2))
        (other,) = (f for f in files(fresh_cache) if f != file)
        shutil.copy(other, file)
    else:
        middle = len(data) // 2
        file.write_bytes({"cut": data[:middle], "empty": b"", "text": b"not an artifact",
                          "bit": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]}[damage])
    before = len(count)
    simplexir._core.forget_kernels()
    run()
    assert len(count) == before + 1 and file.read_bytes() == data


def test_another_compiler_is_another_kernel(fresh_cache, count, monkeypatch):
    run()
    monkeypatch.setattr(_kernels, "_digest", "0" * 64)
    simplexir._core.forget_kernels()
    run()
    assert len(count) == 2 and len(files(fresh_cache)) == 2


def test_files_of_others_are_not_used(fresh_cache, count):
    run()
    (file,) = files(fresh_cache)
    file.chmod(0o666)
    simplexir._core.forget_kernels()
    run()
    assert len(count) == 2
    file.unlink()
    file.symlink_to("/dev/zero")
    simplexir._core.forget_kernels()
    run()
    assert len(count) == 3


def test_shared_folder_is_not_used(fresh_cache, count):
    (fresh_cache / "v1").chmod(0o777)
    with pytest.warns(simplexir.CacheWarning, match="can be written by others .*mode 777.*a kernel is code"):
        run()
    simplexir._core.forget_kernels()
    run()
    assert len(count) == 2 and not files(fresh_cache)
    with pytest.raises(PermissionError, match="can be written by others"):
        simplexir.set_cache_dir(fresh_cache)


def test_no_folder(fresh_cache, count):
    simplexir.set_cache_dir(None)
    run()
    assert simplexir.cache_info()["dir"] is None and simplexir.cache_info()["kernels"] == 0
    with pytest.raises(OSError):
        simplexir.set_cache_dir("/proc/simplexir")


SCRIPT = """
import sys, warnings
sys.path.insert(0, {tests!r})
import os, resource, signal
import numpy as np, reference, simplexir
inputs = reference.make(np.random.default_rng(1), np.float32)
{prepare}
warnings.simplefilter("always")
reference.check(simplexir.attention(*inputs, windows=[4, 4]), reference.attention(*inputs, windows=[4, 4]), np.float32)
print("right")
"""


def script(cache, prepare=""):
    code = SCRIPT.format(tests=os.path.dirname(__file__), prepare=prepare)
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "XDG_CACHE_HOME": str(cache)},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_full_disk(tmp_path):
    """Writes fail half way, as they do without space: a limit on the size of files."""
    prepare = ("signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
               "simplexir._core.load_compiler(simplexir._kernels.COMPILER)\n"
               "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))")
    out, err = script(tmp_path, prepare).communicate()
    assert out == "right\n" and "CacheWarning" in err and "File too large" in err, err
    assert list((tmp_path / "simplexir" / "v1").iterdir()) == []


def test_read_only(tmp_path):
    """A folder that this user cannot write; root becomes nobody for it."""
    (tmp_path / "simplexir" / "v1").mkdir(parents=True)
    (tmp_path / "simplexir" / "v1").chmod(0o555)
    prepare = ("simplexir._core.load_compiler(simplexir._kernels.COMPILER)\n"
               "if os.getuid() == 0: os.setuid(65534)")
    out, err = script(tmp_path, prepare).communicate()
    assert out == "right\n" and "CacheWarning" in err and "kept in memory only" in err, err


def test_processes_share_a_folder(tmp_path):
    processes = [script(tmp_path) for _ in range(4)]
    for process in processes:
        out, err = process.communicate()
        assert out == "right\n" and "Warning" not in err, err
    (file,) = (tmp_path / "simplexir" / "v1").iterdir()
    simplexir.Artifact(file.read_bytes())


def test_compile_time(fresh_cache, busy):
    """A new class of shapes takes under two seconds; this one is a real one."""
    inputs = reference.make(np.random.default_rng(1), np.float32, queries=4, length=4, heads=64, key_heads=1, dim=128,
                            value_dim=128)
    before = busy()
    simplexir.attention(*inputs, windows=[512, 32])
    assert busy() - before < 2


def test_progress(fresh_cache, monkeypatch, capfd):
    compile_ = simplexir._core.compile
    monkeypatch.setattr(simplexir._core, "compile", lambda *a: time.sleep(1.2) or compile_(*a))
    run()
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].startswith("simplexir: compiling f32 multilinear attention, 2 keys, heads 4/2, dims 8/8, windows")
    assert lines[1].startswith("simplexir: done after 1.")
