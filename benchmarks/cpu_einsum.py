# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A compiled kernel on the CPU beside two ways to write it in numpy.

B 1, S 1024, H 8, Hk 1, D 64, n = 3, windows (128, 16), f32, random normal
inputs; `--threads` threads for each (bench.py --target=cpu). Blocks of queries are spread over threads
and each BLAS call uses one, so that numpy's elementwise work is threaded too.
"""
import ctypes
import math
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"  # before numpy is loaded
import numpy as np  # noqa: E402

from report import Measurement, Ratio  # noqa: E402

S, H, D = 1024, 8, 64
WINDOWS = (128, 16)
SCALE = 1 / math.sqrt(D)
CELL = "S1024 H8 D64 w(128,16) f32"
GATHERED, MASKED, PEAK = "einsum, gathered windows", "einsum, all keys and a mask", "FMA peak"

MODULE = f"""
func.func @attention(%q: tensor<1x{S}x{H}x{D}xf32>, %k1: tensor<1x{S}x1x{D}xf32>,
    %k2: tensor<1x{S}x1x{D}xf32>, %v1: tensor<1x{S}x1x{D}xf32>, %v2: tensor<1x{S}x1x{D}xf32>)
    -> (tensor<1x{S}x{H}x{D}xf32>, tensor<1x{H}x{S}xf32>) {{
  %out, %lse = simplex.attention query(%q) keys(%k1, %k2) values(%v1, %v2)
      form multilinear windows [{WINDOWS[0]}, {WINDOWS[1]}]
      : (tensor<1x{S}x{H}x{D}xf32>, tensor<1x{S}x1x{D}xf32>, tensor<1x{S}x1x{D}xf32>,
         tensor<1x{S}x1x{D}xf32>, tensor<1x{S}x1x{D}xf32>)
      -> (tensor<1x{S}x{H}x{D}xf32>, tensor<1x{H}x{S}xf32>)
  return %out, %lse : tensor<1x{S}x{H}x{D}xf32>, tensor<1x{H}x{S}xf32>
}}
"""


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("rank", ctypes.c_int32),
                ("dtype", ctypes.c_int32), ("device_type", ctypes.c_int32),
                ("device_id", ctypes.c_int32)]


class Argument(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint64), ("kind", ctypes.c_int32),
                ("reserved", ctypes.c_int32), ("index", ctypes.c_int64), ("tensor", Tensor)]


class Compiled:
    """A kernel of a .simplex file, launched through the runtime's C ABI."""

    def __init__(self, build, threads, chip):
        self.lib = ctypes.CDLL(str(build / "lib/libsimplexir_runtime.so"))
        self.lib.simplexirLastError.restype = ctypes.c_char_p
        self.lib.simplexirArtifactKernelAt.restype = ctypes.c_void_p
        with tempfile.TemporaryDirectory() as folder:
            source, artifact = Path(folder, "a.mlir"), Path(folder, "a.simplex")
            source.write_text(MODULE)
            subprocess.run([build / "bin/simplex-compile", source, f"--chip={chip}", "-o", artifact],
                           check=True)
            handle = ctypes.c_void_p()
            self.check(self.lib.simplexirArtifactLoadFile(str(artifact).encode(), ctypes.byref(handle)))
        self.kernel = ctypes.c_void_p(self.lib.simplexirArtifactKernelAt(handle, ctypes.c_size_t(0)))
        self.check(self.lib.simplexirSetNumThreads(threads))

    def check(self, status):
        if status:
            sys.exit("runtime: " + self.lib.simplexirLastError().decode())

    def prepare(self, q, keys, values):
        self.out = np.full((1, S, H, D), np.nan, np.float32)
        self.lse = np.full((1, H, S), np.nan, np.float32)
        self.arrays = [q[None], *(x[None, :, None] for x in (*keys, *values)), self.out, self.lse]
        self.arguments = (Argument * len(self.arrays))()
        for argument, array in zip(self.arguments, self.arrays):
            words = ctypes.c_int64 * array.ndim
            argument.struct_size = ctypes.sizeof(Argument)
            argument.tensor = Tensor(array.ctypes.data, words(*array.shape),
                                     words(*(s // array.itemsize for s in array.strides)),
                                     array.ndim, 2, 0, 0)

    def __call__(self):
        self.check(self.lib.simplexirKernelLaunch(self.kernel, self.arguments,
                                                  ctypes.c_size_t(len(self.arguments)), None))
        return self.out[0], self.lse[0].T


def softmax(logits):
    """In place over the last two axes; the log of the sum beside it."""
    peak = logits.max((-1, -2), keepdims=True)
    np.exp(np.subtract(logits, peak, out=logits), out=logits)
    total = logits.sum((-1, -2), keepdims=True)
    logits /= total
    return logits, (np.log(total) + peak)[..., 0, 0]


def masked_block(first, q, keys, values, block=32):
    """All keys, and a mask: einsum as one writes it, contracted through BLAS."""
    i = np.arange(first, first + block)[:, None]
    j = np.arange(S)[None]
    masks = [(j <= i) & (j > i - w) for w in WINDOWS]
    logits = np.einsum("ihd,jd,kd->ihjk", q[first:first + block] * np.float32(SCALE), *keys,
                       optimize=["einsum_path", (0, 1), (0, 1)])
    mask = (masks[0][:, :, None] & masks[1][:, None, :])[:, None]
    np.copyto(logits, np.float32(-np.inf), where=~mask)
    p, lse = softmax(logits)
    out = np.einsum("ihjk,jd,kd->ihd", p, *values, optimize=["einsum_path", (0, 2), (0, 1)])
    return out, lse


def gathered_block(first, q, keys, values, block=16):
    """Windows gathered a query; numpy's einsum has no batched product, so the
    two large ones are matmul, which is faster."""
    i = np.arange(first, first + block)[:, None]
    at = [i - np.arange(w)[None] for w in WINDOWS]
    k1, k2 = (x[np.maximum(a, 0)] for x, a in zip(keys, at))
    v1, v2 = (x[np.maximum(a, 0)] for x, a in zip(values, at))
    combined = np.einsum("ihd,ijd->ihjd", q[first:first + block] * q.dtype.type(SCALE), k1)
    shape = (block, H, *WINDOWS)
    logits = (combined.reshape(block, -1, D) @ k2.swapaxes(1, 2)).reshape(shape)
    mask = (at[0] >= 0)[:, :, None] & (at[1] >= 0)[:, None, :]
    np.copyto(logits, q.dtype.type(-np.inf), where=~mask[:, None])
    p, lse = softmax(logits)
    inner = (p.reshape(block, -1, WINDOWS[1]) @ v2).reshape(block, H, WINDOWS[0], D)
    return np.einsum("ihjd,ijd->ihd", inner, v1), lse


def run_blocks(function, block, threads, *arrays, step=1):
    """Every `step`th block of queries."""
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda first: function(first, *arrays), range(0, S, block * step)))
    return (np.concatenate([part[i] for part in parts]) for i in (0, 1))


def measure(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = tuple(function())
        times.append(time.perf_counter() - start)
    return min(times), sorted(times)[len(times) // 2], result


def measure_peak(build, threads):
    """GFLOP/s of `threads` cores at once, by simplexir-cpu-kernel-bench; None where it measures none (no AVX-512)."""
    tool = build / "bin/simplexir-cpu-kernel-bench"
    if not tool.exists():
        return None
    runs = [subprocess.Popen([tool, "--peak"], stdout=subprocess.PIPE, text=True)
            for _ in range(threads)]
    words = [run.communicate()[0].split() for run in runs]
    return sum(float(w[-2]) for w in words) if all(w[-1:] == ["GFLOP/s"] for w in words) else None


def run(options):
    """Measurements, and ratios of the kernel to the others."""
    rng = np.random.default_rng()
    q = rng.standard_normal((S, H, D), np.float32)
    keys, values = ([rng.standard_normal((S, D), np.float32) for _ in range(2)] for _ in range(2))
    wide = [q.astype(np.float64)] + [[x.astype(np.float64) for x in y] for y in (keys, values)]
    expected, expected_lse = run_blocks(gathered_block, 16, options.threads, *wide)

    kernel = Compiled(options.build, options.threads, "native")
    kernel.prepare(q, keys, values)
    peaks = [measure_peak(options.build, options.threads)]
    candidates = [
        ("simplexir", kernel, options.repeats, 1),
        (GATHERED, lambda: run_blocks(gathered_block, 16, options.threads, q, keys, values), options.numpy_repeats, 1),
        (MASKED, lambda: run_blocks(masked_block, 32, options.threads, q, keys, values, step=options.masked_step), 1,
         options.masked_step),
        ("simplexir", kernel, options.repeats, 1)]
    counts = np.arange(1, S + 1)
    flop = 2.0 * 2 * D * H * (np.minimum(counts, WINDOWS[0]) * np.minimum(counts, WINDOWS[1])).sum()
    size = 4.0 * (2 * S * H * D + 4 * S * D + S * H)
    measurements = []
    print(f"{options.threads} threads, load average {os.getloadavg()[0]:.1f}")
    for name, function, repeats, step in candidates:
        if step == 0:
            continue
        best, median, (out, lse) = measure(function, repeats)
        rows = np.arange(S).reshape(-1, 32)[::step].ravel()
        m = Measurement(CELL, name, flop=flop, bytes=size)
        m.out_error = float(np.linalg.norm(out - expected[rows]) / np.linalg.norm(expected[rows]))
        m.lse_error = float(np.abs(lse - expected_lse[rows]).max())
        if m.out_error <= 1e-5 and m.lse_error <= 1e-4:
            m.checked = True
            m.set_median(median * step * 1e3)
            m.note = f"best {best * step * 1e3:.2f} ms of {repeats}, {flop / (best * step) * 1e-9:.1f} GFLOP/s"
        else:
            m.refuse(f"the check failed: out {m.out_error:.2e} (bound 1e-5), lse {m.lse_error:.2e} (bound 1e-4)")
        measurements.append(m)
    peaks = [p for p in (*peaks, measure_peak(options.build, options.threads)) if p]
    rows = [Ratio(f"kernel to {name}", (CELL, "simplexir"), (CELL, name), None) for name in (GATHERED, MASKED)]
    if peaks:
        peak = Measurement(CELL, PEAK, checked=True, tflops=max(peaks) * 1e-3,
                           note=f"of {options.threads} cores, best of before and after")
        measurements.append(peak)
        rows.append(Ratio("kernel to the FMA peak", (CELL, "simplexir"), (CELL, PEAK), None))
    return measurements, rows
