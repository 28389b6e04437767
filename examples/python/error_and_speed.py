# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""Error and speed of 2-simplicial attention over the length of the sequence, as a table and a plot.

    python error_and_speed.py [--lengths 128 256 512 1024] [--output=plot.svg] [--framework=numpy|torch] [--device=cuda]

The error of each element type is that against the same attention in float64 (on the CPU), on the same rounded inputs;
docs/spec.md has the bounds. The speed is beside plain operations on gathered windows (einsum and a softmax), which is
what one writes without a kernel.
"""

import argparse
import math
import time

import numpy as np

import simplexir

HEADS, KEY_HEADS, DIM = 8, 1, 64
WINDOWS = (64, 16)


def make(length):
    draw = np.random.default_rng(length).standard_normal
    return (draw((1, length, HEADS, DIM)), [draw((1, length, KEY_HEADS, DIM)) for _ in range(2)],
            [draw((1, length, KEY_HEADS, DIM)) for _ in range(2)])


def convert(inputs, dtype, options):
    query, keys, values = inputs
    if options.framework == "torch":
        import torch

        def array(x):
            return torch.tensor(x).to(options.device, getattr(torch, dtype))
    else:
        import ml_dtypes

        def array(x):
            return x.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    return array(query), [array(k) for k in keys], [array(v) for v in values]


def to_float64(x):
    return x.double().cpu().numpy() if hasattr(x, "cpu") else np.asarray(x).astype(np.float64)


def gathered(query, keys, values):
    """In NumPy: the keys of every query's windows side by side, then plain products."""
    length = query.shape[1]

    def window(x, size):
        index = np.arange(length)[:, None] - np.arange(size)
        return x[0, np.maximum(index, 0), 0], index >= 0
    (k1, m1), (k2, m2) = window(keys[0], WINDOWS[0]), window(keys[1], WINDOWS[1])
    (v1, _), (v2, _) = window(values[0], WINDOWS[0]), window(values[1], WINDOWS[1])
    products = query[0][:, :, None] * k1[:, None]
    logits = np.matmul(products, np.swapaxes(k2, 1, 2)[:, None]) / math.sqrt(DIM)
    logits = np.where((m1[:, :, None] & m2[:, None])[:, None], logits, -np.inf)
    weights = np.exp(logits - logits.max((-1, -2), keepdims=True))
    weights /= weights.sum((-1, -2), keepdims=True)
    return (np.matmul(weights, v2[:, None]) * v1[:, None]).sum(2)


def seconds(function, synchronize):
    function()
    times = []
    for _ in range(5):
        synchronize()
        start = time.perf_counter()
        function()
        synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times)[2]


def measure(length, options):
    synchronize = (lambda: None)
    dtypes = ["float32", "float16", "bfloat16"]
    if options.device != "cpu":
        import torch
        synchronize = torch.cuda.synchronize
    row = {"length": length}
    inputs = make(length)
    for dtype in dtypes:
        operands = convert(inputs, dtype, options)
        rounded = (to_float64(operands[0]), [to_float64(x) for x in operands[1]], [to_float64(x) for x in operands[2]])
        exact, _ = simplexir.attention(*rounded, WINDOWS)
        found = to_float64(simplexir.attention(*operands, WINDOWS)[0])
        row["error " + dtype] = np.linalg.norm(found - exact) / np.linalg.norm(exact)
        row["ms " + dtype] = 1e3 * seconds(lambda: simplexir.attention(*operands, WINDOWS), synchronize)
    query, keys, values = (x.astype(np.float32) if isinstance(x, np.ndarray) else [y.astype(np.float32) for y in x]
                           for x in inputs)
    row["ms gathered float32, NumPy"] = 1e3 * seconds(lambda: gathered(query, keys, values), lambda: None)
    return row


def plot(rows, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4))
    lengths = [row["length"] for row in rows]
    for axes, prefix, label in ((left, "error ", "relative error of out"), (right, "ms ", "milliseconds")):
        for name in rows[0]:
            if name.startswith(prefix):
                axes.loglog(lengths, [row[name] for row in rows], "o-", label=name.removeprefix(prefix))
        axes.set_xlabel("length")
        axes.set_ylabel(label)
        axes.legend()
    figure.suptitle(f"2-simplicial attention, heads {HEADS}/{KEY_HEADS}, dim {DIM}, windows {list(WINDOWS)}")
    figure.tight_layout()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 256, 512, 1024])
    parser.add_argument("--framework", choices=["numpy", "torch"], default="numpy")
    parser.add_argument("--device", default="cpu", help="for torch")
    parser.add_argument("--output", help="where the plot goes (.svg, .png, .pdf); needs matplotlib")
    options = parser.parse_args()
    if options.device != "cpu" and options.framework != "torch":
        parser.error("--device needs --framework=torch")
    rows = [measure(length, options) for length in options.lengths]
    for name in rows[0]:
        print(f"{name:28}" + "".join(f"{row[name]:12.3g}" for row in rows))
    if options.output:
        try:
            plot(rows, options.output)
        except ImportError as error:
            parser.error(f"the plot needs matplotlib: {error}")


if __name__ == "__main__":
    main()
