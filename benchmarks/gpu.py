# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures the cells of suite.py on a GPU, beside cuBLAS, cuDNN, FlexAttention and the Triton peer.

Everything is prepared and checked first; then come all medians of single launches, between two of cuBLAS; then all
sustained rates, launches back to back, between two of cuBLAS. So a power cap acts on a kernel and cuBLAS alike.
"""

import dataclasses
import math
import os
import time

import torch

import nvml
import peers
import suite
from report import Measurement
from simplexir_ctypes import Runtime


class CudaClock:
    """Times launches on the current stream."""

    def __init__(self):
        properties = torch.cuda.get_device_properties(torch.cuda.current_device())
        self.sensor = nvml.Sensor(getattr(properties, "uuid", None))

    def synchronize(self):
        torch.cuda.synchronize()

    def median(self, launch, repeats):
        """Milliseconds; one launch at a time."""
        launch()
        return median([self.span(launch, 1) for _ in range(repeats)])

    def span(self, launch, count, readings=None):
        """Milliseconds of `count` launches; what the sensor says meanwhile goes into `readings`."""
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begin.record()
        for _ in range(count):
            launch()
        end.record()
        while readings is not None and not end.query():
            readings.append(self.sensor.read())
            time.sleep(0.02)
        end.synchronize()
        return begin.elapsed_time(end)


def first_line(error):
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__


def median(values):
    return sorted(values)[len(values) // 2] if values else None


@dataclasses.dataclass
class Prepared:
    """A checked result, and how to compute it again."""

    measurement: Measurement
    launch: object
    sustained: bool = True


class Session:
    product, copied = 8192, 1 << 28  # sizes of the product and the copy

    def __init__(self, options, clock=None, device="cuda"):
        self.options, self.device = options, device
        self.clock = clock or CudaClock()
        self.runtime = Runtime(options.runtime)
        self.prepared, self.measurements = [], []
        self.first_inputs = {}

    def add(self, measurement, launch, sustained=True):
        self.measurements.append(measurement)
        if not measurement.error:
            self.prepared.append(Prepared(measurement, launch, sustained))
        return measurement

    def attempt(self, cell, implementation, prepare, sustained=True):
        """`prepare(measurement)` returns a launch after it has checked the result."""
        case = cell.case
        m = Measurement(cell.name, implementation, flop=case.flops(), bytes=case.bytes())
        launch = None
        try:
            launch = prepare(m)
        except Exception as error:  # one cell must not hide the others
            m.refuse(first_line(error))
        if m.error:
            print(f"{m.cell}, {m.implementation}: {m.error}", flush=True)
        return self.add(m, launch, sustained)

    def check(self, m, case, inputs, out, lse=None):
        m.out_error, lse_error, fine = case.check(inputs, out, lse)
        m.lse_error = None if lse is None else lse_error
        if not fine:
            raise RuntimeError(f"the check failed: out {m.out_error:.2e}"
                               + ("" if lse is None else f", lse {lse_error:.2e}"))
        m.checked = True

    def inputs(self, case):
        """Kernels of one problem run on the same arrays."""
        if case not in self.first_inputs:
            self.first_inputs[case] = case.inputs(self.device)
        return self.first_inputs[case]

    def ours(self, cell):
        def prepare(m):
            case = cell.case
            inputs = self.inputs(case)
            out = torch.full((case.batch, case.length, case.heads, case.dv), math.nan, device=self.device,
                             dtype=inputs[0].dtype)
            lse = torch.full((case.batch, case.heads, case.length), math.nan, device=self.device)
            launch = self.runtime.load(self.options.artifacts / cell.file).bind(*inputs, out, lse)
            launch()
            self.clock.synchronize()
            self.check(m, case, inputs, out, lse)
            first = out.clone(), lse.clone()
            out.fill_(math.nan), lse.fill_(math.nan)
            launch()
            self.clock.synchronize()
            if not (torch.equal(first[0], out) and torch.equal(first[1], lse)):
                raise RuntimeError("a second launch gives other bits")
            return launch
        self.attempt(cell, cell.implementation, prepare, cell.sustained)

    def peer(self, cell, implementation, make):
        """`make(case, inputs)` is a function that returns (out in our order of dims, note)."""
        def prepare(m):
            inputs = self.inputs(cell.case)
            launch, result, m.note = make(cell.case, inputs)
            self.check(m, cell.case, inputs, result())
            return launch
        self.attempt(cell, implementation, prepare, cell.sustained)

    def cublas(self):
        """Two measurements of one product, before and after, and its launch."""
        size = self.product
        a, b = (torch.randn(size, size, device=self.device, dtype=torch.bfloat16) for _ in range(2))
        c = torch.full_like(a, math.nan)
        torch.mm(a, b, out=c)
        want = a[:8].double() @ b.double()
        error = ((c[:8].double() - want).norm() / want.norm()).item()
        pair = []
        for when in ("before", "after"):
            m = Measurement("8192^3", suite.CUBLAS, flop=2.0 * size**3, bytes=6.0 * size**2, out_error=error,
                            checked=error < 1e-2, note=when)
            if not m.checked:
                m.refuse(f"the check failed: {error:.2e}")
            pair.append(m)
        return pair, lambda: torch.mm(a, b, out=c)

    def copy(self):
        """The bandwidth of device memory, for the roofline."""
        source = torch.randn(self.copied, device=self.device)
        target = torch.empty_like(source)
        target.copy_(source)
        m = Measurement("copy", "copy", bytes=2.0 * source.numel() * source.element_size())
        m.checked = torch.equal(source, target)
        if m.checked:
            m.median_ms = self.clock.median(lambda: target.copy_(source), 9)
            m.gbps = m.bytes / m.median_ms / 1e6
        return m

    def time(self):
        """All medians, then all sustained rates, each between two of cuBLAS; and the memory's bandwidth."""
        (before, after), product = self.cublas()
        turns = [Prepared(before, product), *self.prepared, Prepared(after, product)]
        turns = [turn for turn in turns if not turn.measurement.error]
        for turn in turns:
            self.guard(self.time_median, turn)
        if self.options.seconds > 0:
            for turn in turns:
                if turn.sustained and not turn.measurement.error:
                    self.guard(self.time_sustained, turn)
        self.measurements = [before, *self.measurements, after, self.copy()]

    def guard(self, function, turn):
        try:
            function(turn.measurement, turn.launch)
        except Exception as error:
            turn.measurement.refuse("timing failed: " + first_line(error))

    def time_median(self, m, launch):
        m.set_median(self.clock.median(launch, self.options.repeats))

    def time_sustained(self, m, launch):
        count = max(3, math.ceil(1000 * self.options.seconds / m.median_ms))
        readings = []
        total = self.clock.span(launch, count, readings)
        m.sustained_tflops = m.flop * count / total / 1e9
        # The second half: the first may still cool down or warm up.
        readings = readings[len(readings) // 2:]
        m.power_w, m.clock_mhz = (median([r[i] for r in readings if r[i] is not None]) for i in (0, 1))


def run(options, cells):
    """Measurements, and the device's name."""
    torch.manual_seed(int.from_bytes(os.urandom(4), "little"))
    tuned = [cell for cell in cells if suite.TRITON_TUNED in cell.peers]
    triton = None
    if options.peer and tuned:
        import triton_peer
        triton = triton_peer.Tuner(options.peer, [cell.case for cell in tuned], options.peer_seconds)
    elif tuned:
        print("the Triton peer is not here (--peer): its cells are left out", flush=True)
    session = Session(options)
    try:
        for cell in cells:
            session.ours(cell)
            if suite.FLEX in cell.peers:
                session.peer(cell, suite.FLEX, lambda *a: peers.flex(*a, tune=options.tune_flex))
            if suite.CUDNN in cell.peers:
                session.peer(cell, suite.CUDNN, peers.cudnn)
            print(f"checked: {cell.key}", flush=True)
        if triton:
            triton.wait()
            for cell in tuned:
                session.peer(cell, suite.TRITON, triton.shipped)
                session.peer(cell, suite.TRITON_TUNED, lambda *a: triton.tuned(*a, clock=session.clock))
                print(f"tuned: {cell.key}", flush=True)
    finally:
        if triton:
            triton.close()
    session.time()
    return session.measurements, torch.cuda.get_device_name()
