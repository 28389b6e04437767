#!/usr/bin/env python3
# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bar and roofline charts, PNG and SVG, of the results.csv that bench.py writes.

    benchmarks/draw.py build/benchmarks/results.csv -o build/benchmarks

Works on any machine with matplotlib.
"""

import argparse
import pathlib
import sys

import matplotlib
import matplotlib.ticker

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

import report  # noqa: E402

# Colours that people who see few colours can tell apart (Okabe and Ito).
COLOURS = {"simplexir": "#0072B2", "simplexir portable": "#56B4E9", "triton": "#E69F00", "triton autotuned": "#D55E00",
           "cudnn": "#009E73", "flexattention": "#CC79A7"}
OTHERS = ("#999999", "#F0E442", "#000000", "#8855AA")
NAMES = {"sustained_tflops": "launches back to back", "tflops": "median of single launches"}
STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 150,
         "svg.hashsalt": "simplexir", "legend.frameon": False}


def rates(measurements, mode):
    """{cell: {implementation: rate}} and the rate of cuBLAS, or None."""
    cells, cublas = {}, []
    for m in measurements:
        rate = getattr(m, mode)
        if rate is None:
            continue
        if m.implementation == "cublas":
            cublas.append(rate)
        else:
            cells.setdefault(m.cell, {}).setdefault(m.implementation, rate)
    return cells, sum(cublas) / len(cublas) if cublas else None


def colour(implementation, known):
    if implementation in COLOURS:
        return COLOURS[implementation]
    others = [name for name in known if name not in COLOURS]
    return OTHERS[others.index(implementation) % len(OTHERS)]


def draw_bars(measurements, context, mode):
    cells, cublas = rates(measurements, mode)
    known = list(dict.fromkeys(name for cell in cells.values() for name in cell))
    unit, factor = ("TFLOP/s", 1) if context["target"] == "gpu" else ("GFLOP/s", 1000)
    figure, axes = plt.subplots(figsize=(8, 1.3 + 0.17 * sum(len(c) + 0.6 for c in cells.values())),
                                layout="constrained")
    at, ticks, seen = 0.0, [], set()
    for cell, values in cells.items():
        ticks.append((at + (len(values) - 1) / 2, cell))
        for implementation, rate in values.items():
            label = None if implementation in seen else implementation
            seen.add(implementation)
            axes.barh(at, rate * factor, 0.9, color=colour(implementation, known), label=label)
            axes.text(rate * factor, at, f" {rate * factor:.3g}", va="center", fontsize=7)
            at += 1
        at += 0.6
    if cublas:
        axes.axvline(cublas * factor, color="black", lw=1, ls="--", label="cuBLAS 8192^3")
    axes.set_yticks([y for y, _ in ticks], [name for _, name in ticks])
    axes.set_ylim(at - 0.6, -1)
    axes.margins(x=0.08)
    axes.set_xlabel(f"{unit}, {NAMES[mode]}; {context['device']}")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=4, fontsize=7)
    return figure


def draw_roofline(measurements, context, mode):
    cells, cublas = rates(measurements, mode)
    bandwidth = next((m.gbps for m in measurements if m.implementation == "copy" and m.gbps), None)
    points = [m for m in measurements if m.implementation not in ("cublas", "copy")
              and getattr(m, mode) is not None and m.bytes]
    if not points:
        return None
    known = list(dict.fromkeys(m.implementation for m in points))
    figure, axes = plt.subplots(figsize=(7, 4.2))
    intensities = [m.flop / m.bytes for m in points]
    low, high = min(intensities) / 3, max(intensities) * 8
    if cublas and bandwidth:
        low = min(low, cublas * 1e3 / bandwidth / 3)
        ridge = cublas * 1e3 / bandwidth  # FLOP a byte
        axes.plot([low, ridge, high], [low * bandwidth / 1e3, cublas, cublas], color="black", lw=1)
        axes.text(high, cublas * 1.04, "cuBLAS 8192^3", ha="right", fontsize=7)
        axes.text(low, cublas * 1.04, f"memory, {bandwidth:.0f} GB/s", fontsize=7)
    seen = set()
    for m, intensity in zip(points, intensities):
        label = None if m.implementation in seen else m.implementation
        seen.add(m.implementation)
        axes.scatter(intensity, getattr(m, mode), 22, color=colour(m.implementation, known), label=label, zorder=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.set_xlabel("FLOP for each byte of inputs and results")
    axes.set_ylabel(f"TFLOP/s, {NAMES[mode]}")
    axes.set_title(context["device"], fontsize=9)
    axes.legend(loc="lower right", fontsize=7)
    figure.tight_layout()
    return figure


def draw(path, folder, mode=None):
    """Writes bars and roofline, .png and .svg, and returns their paths."""
    measurements, context = report.read_csv(path)
    if mode is None:  # medians: every cell has one
        mode = "tflops"
    written = []
    with plt.rc_context(STYLE):
        for name, function in (("bars", draw_bars), ("roofline", draw_roofline)):
            figure = function(measurements, context, mode)
            if figure is None:
                continue
            for kind in ("png", "svg"):
                target = pathlib.Path(folder) / f"{name}.{kind}"
                figure.savefig(target, metadata={"Date": None} if kind == "svg" else None)
                written.append(target)
            plt.close(figure)
    return written


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("."), metavar="DIR")
    parser.add_argument("--sustained", action="store_true", help="draw the rates of launches back to back")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for target in draw(options.csv, options.output, "sustained_tflops" if options.sustained else "tflops"):
        print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
