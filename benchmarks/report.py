# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measurements to a table of ratios, CSV and JSON. Needs nothing but Python.

A measurement whose result was not checked, or failed the check, has no figures: `Measurement.refuse` takes them away,
and `withhold` does so once more before anything is printed or written.
"""

import csv
import dataclasses
import json
import math

FIGURES = ("median_ms", "tflops", "sustained_tflops", "gbps", "power_w", "clock_mhz")


@dataclasses.dataclass
class Measurement:
    cell: str
    implementation: str
    flop: float = 0.0
    bytes: float = 0.0  # inputs and results once
    checked: bool = False
    out_error: float | None = None
    lse_error: float | None = None
    median_ms: float | None = None
    tflops: float | None = None
    sustained_tflops: float | None = None
    gbps: float | None = None
    power_w: float | None = None
    clock_mhz: float | None = None
    note: str = ""
    error: str = ""

    def refuse(self, why):
        self.checked, self.error = False, why
        for name in FIGURES:
            setattr(self, name, None)

    def set_median(self, milliseconds):
        self.median_ms = milliseconds
        self.tflops = self.flop / milliseconds / 1e9


def withhold(measurements):
    """Takes the figures of unchecked measurements away."""
    for m in measurements:
        if not m.checked or m.error:
            m.refuse(m.error or "its result was not checked")
    return measurements


class Figures:
    """The rate of a (cell, implementation) in a mode: `tflops` or `sustained_tflops`."""

    def __init__(self, measurements):
        self.measurements = withhold(measurements)

    def get(self, key, mode):
        cell, implementation = key
        rates = [getattr(m, mode) for m in self.measurements
                 if m.cell == cell and m.implementation == implementation]
        if not rates or any(rate is None for rate in rates):
            return None  # nothing, or a check of one of several runs failed
        return sum(rates) / len(rates)


@dataclasses.dataclass(frozen=True)
class Ratio:
    label: str
    numerator: tuple
    denominator: tuple
    least: float | None  # without it, the row is for information
    most: float | None = None

    def value(self, figures, mode):
        top, bottom = figures.get(self.numerator, mode), figures.get(self.denominator, mode)
        return top / bottom if top and bottom else None

    def target(self):
        if self.least is None:
            return ""
        return f"{self.least:g}" + (f"..{self.most:g}" if self.most is not None else "")

    def met(self, value):
        """Whether a target is met; None without value or target."""
        if value is None or self.least is None:
            return None
        return self.least <= value and (self.most is None or value <= self.most)

    def format(self, value):
        return f"{value:.3f}"


@dataclasses.dataclass(frozen=True)
class Count:
    """How many ratios reach a threshold."""

    label: str
    ratios: list
    threshold: float
    need: int

    def value(self, figures, mode):
        values = [ratio.value(figures, mode) for ratio in self.ratios]
        return None if any(v is None for v in values) else sum(v >= self.threshold for v in values)

    def target(self):
        return str(self.need)

    def met(self, value):
        return None if value is None else value >= self.need

    def format(self, value):
        return str(value)


WORDS = {True: "met", False: "not met", None: "-"}


def evaluate(rows, measurements):
    """A dictionary for each row of the table."""
    figures, result = Figures(measurements), []
    for row in rows:
        entry = {"what": row.label, "target": row.target()}
        for mode, name in (("tflops", "median"), ("sustained_tflops", "sustained")):
            value = row.value(figures, mode)
            entry[name] = None if value is None else row.format(value)
            entry[name + "_verdict"] = WORDS[row.met(value)]
        result.append(entry)
    return result


def format_table(table):
    head = ("what", "median", "", "sustained", "", "target")
    lines = [head] + [(e["what"], e["median"] or "-", e["median_verdict"], e["sustained"] or "-",
                       e["sustained_verdict"], e["target"] or "-") for e in table]
    return align(lines, left=(0, 2, 4))


def align(lines, left):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(text.ljust(w) if i in left else text.rjust(w)
                               for i, (text, w) in enumerate(zip(line, widths))).rstrip() for line in lines)


def format_measurements(measurements):
    def number(value, form):
        return "-" if value is None else format(value, form)
    lines = [("cell", "implementation", "ms", "TFLOP/s", "sustained", "W", "MHz", "out", "lse", "")]
    for m in withhold(measurements):
        note = f"NO FIGURES: {m.error}" if m.error else m.note
        if m.gbps is not None:
            note = f"{m.gbps:.0f} GB/s {note}".strip()
        lines.append((m.cell, m.implementation, number(m.median_ms, ".3f"), number(m.tflops, ".4g"),
                      number(m.sustained_tflops, ".4g"), number(m.power_w, ".0f"), number(m.clock_mhz, ".0f"),
                      number(m.out_error, ".1e"), number(m.lse_error, ".1e"), note))
    return align(lines, left=(0, 1, 9))


def write_csv(path, measurements, context):
    """One line a measurement; the context (device, target) is repeated in each."""
    names = [field.name for field in dataclasses.fields(Measurement)]
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, ["target", "device", *names])
        writer.writeheader()
        for m in withhold(measurements):
            values = dataclasses.asdict(m)
            writer.writerow({"target": context.get("target", ""), "device": context.get("device", ""),
                             **{k: "" if v is None else v for k, v in values.items()}})


def read_csv(path):
    """(measurements, context) of a file that `write_csv` wrote."""
    fields, measurements, context = dataclasses.fields(Measurement), [], {}
    with open(path, newline="") as file:
        for line in csv.DictReader(file):
            context = {"target": line["target"], "device": line["device"]}
            values = {}
            for field in fields:
                text = line[field.name]
                if field.type is bool:
                    values[field.name] = text == "True"
                elif field.type is str:
                    values[field.name] = text
                else:
                    values[field.name] = float(text) if text else None
            measurements.append(Measurement(**values))
    return withhold(measurements), context


def write_json(path, measurements, table, context):
    def finite(value):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    cells = [{k: finite(v) for k, v in dataclasses.asdict(m).items()} for m in withhold(measurements)]
    with open(path, "w") as file:
        json.dump({**context, "table": table, "measurements": cells}, file, indent=1)
        file.write("\n")
