# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import os

import pytest

import simplexir

# Before JAX looks for devices: four of the CPU.
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """The session's kernels; nothing of the user's."""
    simplexir.set_cache_dir(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def busy():
    """Seconds of processor time since the test began, its children's included: others may be using the machine."""
    start = sum(os.times()[:4])
    return lambda: sum(os.times()[:4]) - start


@pytest.fixture
def fresh_cache(tmp_path):
    """An empty cache, on disk and in memory, for one test."""
    before = simplexir.cache_info()["dir"]
    simplexir.set_cache_dir(tmp_path / "cache")
    simplexir._core.forget_kernels()
    yield tmp_path / "cache"
    simplexir.set_cache_dir(before)
    simplexir._core.forget_kernels()
