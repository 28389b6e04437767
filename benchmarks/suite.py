# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is measured on a GPU, and the table of targets made of it."""

import dataclasses

from cases import Case
from report import Count, Ratio

OURS, PORTABLE = "simplexir", "simplexir portable"
CUBLAS, TRITON, TRITON_TUNED = "cublas", "triton", "triton autotuned"
CUDNN, FLEX = "cudnn", "flexattention"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One problem; `implementation` is our kernel for the chip asked for, or the portable one."""

    case: Case
    implementation: str = OURS
    peers: tuple = ()
    #: Also timed back to back.
    sustained: bool = True

    @property
    def name(self):
        return self.case.name

    @property
    def key(self):
        return self.name + (" portable" if self.implementation == PORTABLE else "")

    @property
    def file(self):
        text = "".join(c if c.isalnum() or c in "-_" else "_" for c in self.key)
        return text + ".simplex"


def windows_name(heads, windows):
    return f"H{heads} w({','.join(map(str, windows))})"


def grid():
    return [(heads, (32, last)) for heads in (64, 128) for last in (256, 512, 1024)]


def cells():
    """Every cell of the table, then a few beside it."""
    make = []
    for heads, windows in grid():
        case = Case(windows_name(heads, windows), heads=heads, windows=windows)
        make.append(Cell(case, peers=(TRITON, TRITON_TUNED)))
    for heads in (64, 128):
        make.append(Cell(Case(windows_name(heads, (32, 512)), heads=heads), PORTABLE))
    make += [
        Cell(Case("H64 w(512,32)", windows=(512, 32))),
        Cell(Case("D96", dim=96)),
        Cell(Case("determinant D96", dim=96, form="determinant")),
        Cell(Case("determinant D128", form="determinant")),
        Cell(Case("n=2 w512 S16384", windows=(512,), batch=1, length=16384), peers=(FLEX,)),
        Cell(Case("n=2 causal H16 Hk16", windows=(0,), heads=16, key_heads=16), peers=(CUDNN,)),
        Cell(Case("n=4 w(4,8,256)", windows=(4, 8, 256))),
        Cell(Case("group 16", key_heads=4)),
        Cell(Case("group 8", key_heads=8)),
        Cell(Case("H128 S1024", heads=128, length=1024)),
        Cell(Case("H128 S16384", heads=128, length=16384)),
        Cell(Case("f16", dtype="f16"), sustained=False),
        Cell(Case("D64", dim=64), sustained=False),
        Cell(Case("determinant D64", dim=64, form="determinant"), sustained=False),
        Cell(Case("biases", key_bias=1 / 128, value_bias=1.0), sustained=False),
    ]
    return make


def rows():
    """The table of targets. A denominator of cuBLAS is the mean of before and after."""
    cublas = ("8192^3", CUBLAS)
    base, wide = ("H64 w(32,512)", OURS), ("H128 w(32,512)", OURS)
    names = [windows_name(*point) for point in grid()]
    shares = [Ratio(f"{name}, to cuBLAS", (name, OURS), cublas, 0.85) for name in names]
    return shares + [
        Count("of these cells, at 0.93 of cuBLAS", shares, 0.93, 3),
        *(Ratio(f"{name}, to autotuned Triton", (name, OURS), (name, TRITON_TUNED), 1.7) for name in names),
        Ratio("determinant to trilinear, D96", ("determinant D96", OURS), ("D96", OURS), 0.95),
        Ratio("determinant to trilinear, D128", ("determinant D128", OURS), base, 0.95),
        Ratio("windows (512,32) to (32,512), H64", ("H64 w(512,32)", OURS), base, 0.97, most=1.03),
        Ratio("n=2 w512 H64 S16384, to FlexAttention", ("n=2 w512 S16384", OURS), ("n=2 w512 S16384", FLEX), 2.0),
        Ratio("n=2 causal H16 Hk16, to cuDNN SDPA", ("n=2 causal H16 Hk16", OURS),
              ("n=2 causal H16 Hk16", CUDNN), 0.9),
        Ratio("n=4 w(4,8,256) to n=3 w(32,256), as many tuples", ("n=4 w(4,8,256)", OURS), ("H64 w(32,256)", OURS),
              0.85),
        Ratio("n=4 w(4,8,256) to n=3 w(32,512)", ("n=4 w(4,8,256)", OURS), base, None),
        Ratio("group 16, to Hk1", ("group 16", OURS), base, 0.8),
        Ratio("group 8, to Hk1", ("group 8", OURS), base, 0.7),
        Ratio("S1024 to S8192, H128", ("H128 S1024", OURS), wide, 0.85),
        Ratio("S16384 to S8192, H128", ("H128 S16384", OURS), wide, 1.0),
        Ratio("portable kernel, H64, to autotuned Triton", ("H64 w(32,512)", PORTABLE),
              ("H64 w(32,512)", TRITON_TUNED), 1.0),
        Ratio("portable kernel, H128, to autotuned Triton", ("H128 w(32,512)", PORTABLE),
              ("H128 w(32,512)", TRITON_TUNED), 1.0),
    ]
