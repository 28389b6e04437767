# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The public Triton kernel of pytorch/FBGEMM (experimental/simplicial_attention), as shipped and autotuned.

It is not part of this project. Autotuning tries its own list of configurations for each problem by itself, since the
kernel's autotuner does not tell 64 heads from 128. Processes compile them into Triton's cache, the promising ones
first, until the time is over; what they have not reached is not tried, and the note says how many were.
"""

import itertools
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import time

#: Its SIMPLICIAL_AUTOTUNE list, with the order in which to try it.
SHIPPED = {"BLOCK_SIZE_KV": 64, "num_stages_0": 16, "num_stages_1": 1, "num_warps": 4}


def configurations():
    names = ("num_stages_0", "num_stages_1", "BLOCK_SIZE_KV", "num_warps")
    order = itertools.product((16, 8, 32), (1, 2, 3, 4), (64, 128, 32, 256), (4, 8))
    return [dict(zip(names, values)) for values in order]


def find(folder):
    """The folder that holds ops/triton/fwd.py, in or below a checkout."""
    folder = pathlib.Path(folder)
    for inside in ("", "simplicial", "simplicial_attention/simplicial",
                   "fbgemm_gpu/experimental/simplicial_attention/simplicial",
                   "FBGEMM/fbgemm_gpu/experimental/simplicial_attention/simplicial"):
        if (folder / inside / "ops/triton/fwd.py").exists():
            return folder / inside
    return None


class Kernel:
    """The kernel below its autotuner."""

    def __init__(self, folder):
        sys.path.insert(0, str(folder))
        from ops.triton import fwd
        self.module = fwd
        self.function = getattr(fwd._gqa_pack_fwd_kernel, "fn", fwd._gqa_pack_fwd_kernel)

    def record(self, case, inputs):
        """(grid, arguments, keywords, out) of the launch that its wrapper makes."""
        calls = []

        class Recorder:
            def __getitem__(self, grid):
                return lambda *arguments, **keywords: calls.append((grid, arguments, keywords))

        original, self.module._gqa_pack_fwd_kernel = self.module._gqa_pack_fwd_kernel, Recorder()
        try:
            out, _ = self.module.triton_fwd(*inputs, *case.windows)
        finally:
            self.module._gqa_pack_fwd_kernel = original
        grid, arguments, keywords = calls[0]
        return (grid(keywords) if callable(grid) else grid), arguments, keywords, out


class Tuner:
    def __init__(self, folder, cases, seconds, processes=None):
        self.folder, self.cases, self.seconds = folder, cases, seconds
        self.directory = tempfile.TemporaryDirectory()
        self.begin = time.monotonic()
        tasks = pathlib.Path(self.directory.name, "tasks")
        tasks.write_bytes(pickle.dumps((str(folder), cases)))
        count = processes or max(1, (os.cpu_count() or 2) - 2)
        self.workers = []
        for i in range(count):
            with open(self.log(i), "w") as log:
                self.workers.append(subprocess.Popen(
                    [sys.executable, __file__, str(tasks), str(i), str(count), str(seconds)], stderr=log))
        self.kernel = Kernel(folder)

    def log(self, worker):
        return pathlib.Path(self.directory.name, f"log-{worker}")

    def wait(self):
        """Until all have been compiled, or the time is over; a worker finishes what it has begun."""
        for i, worker in enumerate(self.workers):
            try:
                status = worker.wait(max(0.1, self.begin + self.seconds + 20 - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                continue
            if status:
                lines = self.log(i).read_text().strip().splitlines() or [f"status {status}"]
                print(f"a compiler of the Triton peer ended early: {lines[-1]}", flush=True)

    def close(self):
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        self.directory.cleanup()

    def compiled(self, case):
        """Configurations of a case that are in Triton's cache."""
        found = []
        for path in sorted(pathlib.Path(self.directory.name).glob("done-*")):
            for line in path.read_text().splitlines():
                index, configuration = json.loads(line)
                if self.cases[index] == case and configuration:
                    found.append(configuration)
        return found

    def shipped(self, case, inputs):
        def launch():
            return self.kernel.module.triton_fwd(*inputs, *case.windows)
        return launch, lambda: launch()[0], ""

    def tuned(self, case, inputs, clock):
        grid, arguments, keywords, out = self.kernel.record(case, inputs)
        bind = lambda c, g: lambda: self.kernel.function[g](*arguments, **keywords, **c)  # noqa: E731
        best, fastest, tried, total = None, float("inf"), 0, len(configurations())
        # Without any from the workers, compile here. One from the cache costs about a second, too: each cell has its
        # share of the time.
        cached = self.compiled(case)
        ready = [each for each in configurations() if each in cached]
        deadline = time.monotonic() + self.seconds / len(self.cases)
        for configuration in ready or [SHIPPED, *configurations()]:
            if best and time.monotonic() > deadline:
                break
            trial = bind(configuration, (grid[0], 1))  # one batch is enough to compare
            try:
                first = clock.median(trial, 1)
                if first < 1.2 * fastest:
                    first = clock.median(trial, 3)
            except Exception:  # more shared memory than there is
                continue
            tried += 1
            if first < fastest:
                best, fastest = configuration, first
        if best is None:
            raise RuntimeError("no configuration runs")
        launch = bind(best, grid)

        def result():
            out.fill_(float("nan"))
            launch()
            return out

        note = (f"keys {best['BLOCK_SIZE_KV']}, stages {best['num_stages_0']}/{best['num_stages_1']}, "
                f"{best['num_warps']} warps; {tried} of {total} tried")
        return launch, result, note


def work(tasks, part, count, seconds):
    """Compiles every `count`th configuration."""
    deadline = time.monotonic() + seconds
    folder, cases = pickle.loads(pathlib.Path(tasks).read_bytes())
    import torch
    kernel = Kernel(folder)
    calls = []
    for case in cases:
        grid, arguments, keywords, _ = kernel.record(case, case.inputs("meta"))
        arguments = [a.dtype if isinstance(a, torch.Tensor) else a for a in arguments]
        calls.append((grid, arguments, keywords))
    list_ = [(i, c) for c in configurations() for i in range(len(cases))]
    with open(pathlib.Path(tasks).parent / f"done-{part}", "w") as done:
        for index, configuration in list_[part::count]:
            if time.monotonic() > deadline:
                return
            grid, arguments, keywords = calls[index]
            try:
                kernel.function.warmup(*arguments, grid=grid, **keywords, **configuration)
            except Exception:
                configuration = None
            print(json.dumps([index, configuration]), file=done, flush=True)


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
