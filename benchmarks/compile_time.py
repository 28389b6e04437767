#!/usr/bin/env python3
# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From one operation to a cubin: simplex-compile in a new process each time,
beside ptxas alone on the same PTX, in turns.

Wall time and processor time (user and system, of all child processes), best and
median; the last lines are ratios to ptxas alone.
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def measure(command):
    """Seconds on the clock, and of the processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode:
        raise RuntimeError(" ".join(map(str, command)) + "\n" + result.stderr.rstrip())
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure_in_turns(commands, repeats):
    """What `measure` says of each of several commands by name: of two equal processes one may take half as long again
    where other machines share the caches."""
    times = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            times[name].append(measure(command))
    return times


def find_ptxas():
    home = Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"))
    return shutil.which("ptxas") or (home / "bin/ptxas" if (home / "bin/ptxas").exists() else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, default=[ROOT / "examples/trilinear.mlir"])
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--chip", default="sm_90a")
    parser.add_argument("--ptxas", default=find_ptxas())
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    if not options.ptxas:
        sys.exit("no ptxas: not in PATH, nor in CUDA_HOME; --ptxas names one")
    tool = options.build / "bin/simplex-compile"
    print(f"{options.chip}, {options.repeats} processes each, load average {os.getloadavg()[0]:.1f}")
    for file in options.files:
        with tempfile.TemporaryDirectory() as folder:
            ptx, cubin = Path(folder, "kernel.ptx"), Path(folder, "kernel.cubin")
            compile_to = [tool, file, f"--chip={options.chip}", "-o"]
            candidates = {
                "operation to cubin": compile_to + [cubin, "--emit=cubin", f"--ptxas={options.ptxas}"],
                "operation to PTX": compile_to + [ptx, "--emit=ptx"],
                "ptxas alone": [options.ptxas, "-v", "-O3", "-arch", options.chip, ptx, "-o", cubin],
            }
            try:
                measure(candidates["operation to PTX"])  # ptxas reads it
                times = measure_in_turns(candidates, options.repeats)
            except RuntimeError as error:
                sys.exit(str(error))
        print(file.name)
        for name, samples in times.items():
            wall, cpu = zip(*samples)
            print(f"  {name:20} wall best {min(wall):.3f} s, median {statistics.median(wall):.3f} s; "
                  f"processor best {min(cpu):.3f} s, median {statistics.median(cpu):.3f} s")
        whole, alone = times["operation to cubin"], times["ptxas alone"]
        for name, reduce in (("best", min), ("median", statistics.median)):
            ratio = [reduce(w[i] for w in whole) / reduce(a[i] for a in alone) for i in (0, 1)]
            print(f"  cubin to ptxas alone, {name}: {ratio[0]:.2f} on the clock, {ratio[1]:.2f} of processor time")


if __name__ == "__main__":
    main()
