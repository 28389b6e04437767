#!/usr/bin/env python3
# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times SimplexIR's kernels beside what else there is, and compares them with their targets.

    benchmarks/bench.py                       # on a GPU: compiles, checks, measures, prints, writes CSV, JSON, charts
    benchmarks/bench.py --compile-only DIR    # only writes the artifacts, on a machine without a GPU
    benchmarks/bench.py --artifacts DIR       # measures what --compile-only wrote; needs PyTorch, no LLVM
    benchmarks/bench.py --target=cpu          # a kernel on the CPU beside numpy

On a GPU: cuBLAS 8192^3, cuDNN's SDPA and FlexAttention (all through PyTorch) and, given --peer, the public Triton
kernel of pytorch/FBGEMM, as shipped and autotuned. Every result is compared with float64 on fresh random inputs
first, with outputs full of NaN before, and a second launch must give the same bits; what fails gets no figures. FLOPs
are 2 (D + Dv) for every allowed (head, tuple). "median" is of single launches, "sustained" of launches back to back for
a second.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import compile_time
import report
import suite

ROOT = pathlib.Path(__file__).resolve().parent.parent


def compile_cells(cells, folder, options):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compile.json").unlink(missing_ok=True)
    tool = options.build / "bin/simplex-compile"

    def compile_one(cell):
        source = folder / (cell.file.removesuffix(".simplex") + ".mlir")
        source.write_text(cell.case.mlir())
        chip = options.portable_chip if cell.implementation == suite.PORTABLE else options.chip
        command = [tool, source, f"--chip={chip}", "-o", folder / cell.file, *options.compile_option]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            return f"{cell.key}: {result.stderr.strip().splitlines()[-1] if result.stderr else result.returncode}"
        return None

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        failures = [message for message in pool.map(compile_one, cells) if message]
    for message in failures:
        print(f"cannot compile {message}", file=sys.stderr)
    times = time_compiler(cells[0], options) if cells else None
    if times:
        (folder / "compile.json").write_text(json.dumps(times))
    return 1 if failures else 0


def time_compiler(cell, options, repeats=9):
    """Seconds of one kernel to a cubin in a cold process, and of ptxas alone; None where one of them fails.

    The best of the seconds, which only interference lengthens, and medians for the ratio.
    """
    ptxas = next((option.split("=", 1)[1] for option in options.compile_option if option.startswith("--ptxas=")),
                 compile_time.find_ptxas())
    if not ptxas:
        print("no time to compile: no ptxas", file=sys.stderr)
        return None
    print(f"timing the compiler, {repeats} turns", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        source, ptx, cubin = (folder / file for file in ("a.mlir", "a.ptx", "a.cubin"))
        source.write_text(cell.case.mlir())
        emit = [options.build / "bin/simplex-compile", source, f"--chip={options.chip}", f"--ptxas={ptxas}"]
        try:
            compile_time.measure([*emit, "--emit=ptx", "-o", ptx])
            times = compile_time.measure_in_turns(
                {"whole": [*emit, "--emit=cubin", "-o", cubin],
                 "ptxas": [ptxas, "-O3", "-arch", options.chip, ptx, "-o", cubin]}, repeats)
        except (RuntimeError, OSError) as error:
            print(f"no time to compile: {error}", file=sys.stderr)
            return None
    whole, alone = ([wall for wall, _ in times[name]] for name in ("whole", "ptxas"))
    return {"cell": cell.key, "turns": repeats, "best_seconds": min(whole), "seconds": statistics.median(whole),
            "ptxas_seconds": statistics.median(alone), "cpus": os.cpu_count()}


def compile_rows(folder):
    """Rows of the table about the time to compile, measured with --compile-only."""
    path = folder / "compile.json"
    if not path.exists():
        return []
    times = json.loads(path.read_text())
    if not times.keys() >= {"turns", "best_seconds", "seconds", "ptxas_seconds", "cpus"}:
        print(f"{path} is of another version: no rows about the time to compile", file=sys.stderr)
        return []
    rows = []
    for what, value, target in (
            (f"op to cubin, seconds, best of {times['turns']}", times["best_seconds"], 2.0),
            ("op to cubin, to ptxas alone, medians", times["seconds"] / times["ptxas_seconds"], 1.5)):
        rows.append({"what": f"{what} ({times['cpus']} CPUs where compiled)", "median": f"{value:.3f}",
                     "median_verdict": report.WORDS[value <= target], "sustained": None, "sustained_verdict": "-",
                     "target": f"at most {target:g}"})
    return rows


def run_gpu(options):
    cells = [cell for cell in suite.cells() if options.only in cell.key]
    if options.compile_only:
        return compile_cells(cells, options.compile_only, options)
    if not options.artifacts:
        options.artifacts = ROOT / "build/benchmarks/artifacts"
        if compile_cells(cells, options.artifacts, options):
            return 1
    if options.peer:
        import triton_peer
        found = triton_peer.find(options.peer)
        if not found:
            sys.exit(f"bench: --peer: no ops/triton/fwd.py in {options.peer}")
        options.peer = found
    import gpu
    begin = time.monotonic()
    measurements, device = gpu.run(options, cells)
    table = report.evaluate(suite.rows(), measurements) + compile_rows(options.artifacts)
    context = {"target": "gpu", "device": device, "seconds": round(time.monotonic() - begin, 1)}
    return finish(options, measurements, table, context)


def run_cpu(options):
    try:
        import cpu_einsum
    except ImportError as error:
        sys.exit(f"bench: --target=cpu: {error} (scripts/setup --benchmarks)")
    measurements, rows = cpu_einsum.run(options)
    context = {"target": "cpu", "device": f"{options.threads} threads"}
    return finish(options, measurements, report.evaluate(rows, measurements), context)


def finish(options, measurements, table, context):
    """Writes and prints everything; the status is 1 if a check failed."""
    print("\n" + report.format_measurements(measurements))
    options.output.mkdir(parents=True, exist_ok=True)
    report.write_csv(options.output / "results.csv", measurements, context)
    report.write_json(options.output / "results.json", measurements, table, context)
    try:
        import draw
    except ImportError:
        print(f"no matplotlib here: benchmarks/draw.py {options.output}/results.csv draws the charts elsewhere")
    else:
        draw.draw(options.output / "results.csv", options.output)
    shown = [entry for entry in table if entry["median"] or entry["sustained"]]
    print(f"\n{context['device']}" + (f", {context['seconds']} s" if "seconds" in context else ""))
    print(report.format_table(shown))
    failed = [m for m in measurements if m.error]
    for m in failed:
        print(f"no figures for {m.cell}, {m.implementation}: {m.error}")
    return 1 if failed else 0


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/benchmarks", metavar="DIR",
                        help="for results.csv, results.json and the charts")
    parser.add_argument("--repeats", type=int, default=7, help="launches of which the median is taken")
    gpu = parser.add_argument_group("--target=gpu")
    gpu.add_argument("--compile-only", type=pathlib.Path, metavar="DIR")
    gpu.add_argument("--artifacts", type=pathlib.Path, metavar="DIR", help="a folder of compiled cells")
    gpu.add_argument("--runtime", type=pathlib.Path, help="libsimplexir_runtime.so, if not that of --build")
    gpu.add_argument("--chip", default="sm_90a")
    gpu.add_argument("--portable-chip", default="sm_90", help="for the portable kernel")
    gpu.add_argument("--compile-option", action="append", default=[], help="passed on to simplex-compile")
    gpu.add_argument("--jobs", type=int, default=2, help="compilations at a time")
    gpu.add_argument("--only", default="", help="cells whose name contains this")
    gpu.add_argument("--seconds", type=float, default=1.0, help="of a sustained measurement; 0: none")
    gpu.add_argument("--peer", type=pathlib.Path, metavar="DIR", help="a checkout of pytorch/FBGEMM, or its "
                     "simplicial folder")
    gpu.add_argument("--peer-seconds", type=float, default=60, help="for compiling the peer's configurations")
    gpu.add_argument("--tune-flex", action="store_true", help="FlexAttention with max-autotune (half a minute)")
    cpu = parser.add_argument_group("--target=cpu")
    cpu.add_argument("--threads", type=int, default=2)
    cpu.add_argument("--numpy-repeats", type=int, default=3, help="of gathered windows")
    cpu.add_argument("--masked-step", type=int, default=8, choices=(0, 1, 2, 4, 8, 16),
                     help="time every Nth block of the masked einsum, whose blocks are equal work, and multiply; 0 "
                          "leaves it out")
    options = parser.parse_args(arguments)
    if not options.runtime:
        options.runtime = options.build / "lib/libsimplexir_runtime.so"
    return options


def main():
    options = parse()
    if options.target == "cpu":
        return run_cpu(options)
    if not options.compile_only:
        import torch
        if not torch.cuda.is_available():
            sys.exit("bench: PyTorch finds no GPU here; --compile-only works without one, --target=cpu measures the CPU")
    return run_gpu(options)


if __name__ == "__main__":
    sys.exit(main())
