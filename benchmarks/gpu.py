#!/usr/bin/env python3
# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times SimplexIR's kernels beside cuBLAS and the Triton peer.

    benchmarks/gpu.py                       # compiles with build/release/bin/simplex-compile, runs, prints a table
    benchmarks/gpu.py --compile-only DIR    # only writes the artifacts, on a machine without a GPU
    benchmarks/gpu.py --artifacts DIR       # runs what --compile-only wrote

Every result is compared with float64 on fresh random inputs first; a cell whose check fails gets no figure. Outputs
are filled with NaN before. Times are medians of CUDA-event timings; cuBLAS is measured before and after. FLOPs are
2 (D + Dv) for every allowed (head, tuple).

The peer is fbgemm_gpu/experimental/simplicial_attention/simplicial of pytorch/FBGEMM, which is not part of this
project: give the folder that holds ops/triton/fwd.py as --peer (SIMPLICIAL_AUTOTUNE=1 makes it search).
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

from cases import Case

ROOT = pathlib.Path(__file__).resolve().parent.parent

CASES = [
    Case("trilinear D128"),
    Case("trilinear D128 f16", dtype="f16"),
    Case("trilinear D128 w(512,32)", windows=(512, 32)),
    Case("trilinear D128 H128", heads=128),
    Case("trilinear D96", dim=96),
    Case("determinant D96", dim=96, form="determinant"),
    Case("determinant D128", form="determinant"),
    Case("trilinear D64", dim=64),
    Case("determinant D64", dim=64, form="determinant"),
    Case("trilinear group 16", key_heads=4),
    Case("n=4 w(4,8,256)", windows=(4, 8, 256), batch=1),
    Case("n=2 w512 S16384", windows=(512,), length=16384),
    Case("trilinear biases", key_bias=1 / 128, value_bias=1.0),
]


def artifact(folder, case):
    return folder / (case.name.replace(" ", "_").replace("(", "").replace(")", "").replace(",", "x") + ".simplex")


def compile_cases(cases, folder, chip, options):
    folder.mkdir(parents=True, exist_ok=True)
    tool = ROOT / "build/release/bin/simplex-compile"
    for case in cases:
        source = artifact(folder, case).with_suffix(".mlir")
        source.write_text(case.mlir())
        subprocess.run([tool, source, f"--chip={chip}", "-o", artifact(folder, case)] + options, check=True)


def median_ms(torch, launch, repeats):
    launch()
    torch.cuda.synchronize()
    times = []
    for _ in range(repeats):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        launch()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return sorted(times)[len(times) // 2]


def cublas(torch, repeats):
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    return 2 * 8192**3 / median_ms(torch, lambda: a @ b, max(repeats, 10)) / 1e9


def has_peer(case):
    """What the peer computes: trilinear, bf16, one key head, a head dim that is a power of two. (Its kernel takes
    biases and does not add them.)"""
    return (case.n == 3 and case.form == "multilinear" and case.dtype == "bf16" and case.key_heads == 1
            and not case.key_bias and case.dim & (case.dim - 1) == 0)


def run_peer(torch, folder, case, inputs, repeats):
    sys.path.insert(0, str(folder))
    from ops.triton.fwd import triton_fwd
    q, k1, k2, v1, v2 = inputs
    call = lambda: triton_fwd(q, k1, k2, v1, v2, *case.windows)  # noqa: E731
    out, lse = call()
    return median_ms(torch, call, repeats), out


def run(options, cases):
    import torch
    from simplexir_ctypes import Runtime
    runtime = Runtime(options.runtime)
    torch.manual_seed(int.from_bytes(os.urandom(4), "little"))
    rows = [{"name": "cuBLAS 8192^3 before", "tflops": cublas(torch, options.repeats)}]
    for case in cases:
        row = {"name": case.name}
        rows.append(row)
        try:
            inputs = case.inputs()
            out = torch.full((case.batch, case.length, case.heads, case.dv), float("nan"), device="cuda",
                             dtype=inputs[0].dtype)
            lse = torch.full((case.batch, case.heads, case.length), float("nan"), device="cuda")
            launch = runtime.load(artifact(options.artifacts, case)).bind(*inputs, out, lse)
            launch()
            torch.cuda.synchronize()
            row["out_error"], row["lse_error"], fine = case.check(inputs, out, lse)
            if not fine:
                raise RuntimeError("the check failed")
            row["tflops"] = case.flops() / median_ms(torch, launch, options.repeats) / 1e9
            if options.peer and has_peer(case):
                ms, peer = run_peer(torch, options.peer, case, inputs, options.repeats)
                row["peer_tflops"] = case.flops() / ms / 1e9
                row["peer_difference"] = ((peer.double() - out.double()).norm() / out.double().norm()).item()
        except Exception as error:  # one cell must not hide the others
            row["error"] = str(error).splitlines()[0][:100]
        torch.cuda.empty_cache()
        print(format_row(row), flush=True)
    rows.append({"name": "cuBLAS 8192^3 after", "tflops": cublas(torch, options.repeats)})
    return torch.cuda.get_device_name(), rows


def format_row(row):
    number = lambda key, digits: f"{row[key]:.{digits}f}" if key in row else "-"  # noqa: E731
    text = f"{row['name']:<26} {number('tflops', 1):>8} TFLOP/s  peer {number('peer_tflops', 1):>6}"
    if "out_error" in row:
        text += f"  out {row['out_error']:.1e} lse {row['lse_error']:.1e}"
    if "peer_difference" in row:
        text += f" to peer {row['peer_difference']:.1e}"
    return text + (f"  FAILED: {row['error']}" if "error" in row else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chip", default="sm_90a")
    parser.add_argument("--artifacts", type=pathlib.Path, help="a folder of compiled cases")
    parser.add_argument("--compile-only", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--compile-option", action="append", default=[], help="passed on to simplex-compile")
    parser.add_argument("--runtime", type=pathlib.Path, default=ROOT / "build/release/lib/libsimplexir_runtime.so")
    parser.add_argument("--peer", type=pathlib.Path)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case.name]
    if options.compile_only:
        return compile_cases(cases, options.compile_only, options.chip, options.compile_option)
    if not options.artifacts:
        options.artifacts = ROOT / "build/benchmarks"
        compile_cases(cases, options.artifacts, options.chip, options.compile_option)
    device, rows = run(options, cases)
    print(f"\n{device}")
    for row in rows:
        print(format_row(row))
    if options.json:
        options.json.write_text(json.dumps({"device": device, "rows": rows}, indent=1))
    return 1 if any("error" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
