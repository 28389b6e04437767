"""The measuring part of benchmarks/ on the CPU, with small cells: what it checks, and what it then reports.

    measure_test.py BENCHMARKS BUILD
"""

import argparse
import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

sys.path.insert(0, sys.argv.pop(1))
build = pathlib.Path(sys.argv.pop(1))
import bench  # noqa: E402
import gpu  # noqa: E402
import report  # noqa: E402
import suite  # noqa: E402
import torch  # noqa: E402
from cases import Case  # noqa: E402


class HostClock:
    def synchronize(self):
        pass

    def span(self, launch, count, readings=None):
        begin = time.perf_counter()
        for _ in range(count):
            launch()
        if readings is not None:
            readings += [(1.0, 1.0), (100.0, 2000.0), (100.0, None)]
        return 1e3 * (time.perf_counter() - begin)

    def median(self, launch, repeats):
        return sorted(self.span(launch, 1) for _ in range(repeats))[repeats // 2]


class Measure(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.folder.name)
        small = dict(batch=2, length=40, heads=4, dim=16, dtype="f32")
        cls.cells = [suite.Cell(Case("n=3", windows=(4, 8), **small)),
                     suite.Cell(Case("n=2", windows=(0,), **small), sustained=False),
                     suite.Cell(Case("determinant", form="determinant", windows=(3, 5), **small)),
                     suite.Cell(Case("biases", windows=(4, 8), key_bias=0.125, value_bias=1.0, **small)),
                     suite.Cell(Case("n=4", windows=(2, 3, 8), **small))]
        for cell in cls.cells:
            source = (folder / cell.file).with_suffix(".mlir")
            source.write_text(cell.case.mlir())
            tool, target = build / "bin/simplex-compile", folder / cell.file
            subprocess.run([tool, source, "--chip=native", "-o", target], check=True)
        cls.options = argparse.Namespace(runtime=build / "lib/libsimplexir_runtime.so", artifacts=folder, repeats=3,
                                         seconds=0.01)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def session(self):
        session = gpu.Session(self.options, HostClock(), "cpu")
        session.product, session.copied = 64, 1 << 12
        return session

    def test_measures(self):
        session = self.session()
        for cell in self.cells:
            session.ours(cell)
        session.time()
        self.assertEqual([m.error for m in session.measurements], [""] * (len(self.cells) + 3))
        ours = {m.cell: m for m in session.measurements if m.implementation == suite.OURS}
        self.assertEqual(list(ours), [cell.name for cell in self.cells])
        for m in ours.values():
            self.assertTrue(m.checked)
            self.assertLess(m.out_error, 1e-5)
            self.assertAlmostEqual(m.tflops, m.flop / m.median_ms / 1e9)
        self.assertGreater(ours["n=3"].sustained_tflops, 0)
        self.assertEqual((ours["n=3"].power_w, ours["n=3"].clock_mhz), (100.0, 2000.0))
        self.assertIsNone(ours["n=2"].sustained_tflops)
        first, last = session.measurements[0], session.measurements[-2]
        self.assertEqual((first.implementation, first.note, last.note), (suite.CUBLAS, "before", "after"))
        self.assertGreater(session.measurements[-1].gbps, 0)

    def test_times_of_another_version(self):
        (self.options.artifacts / "compile.json").write_text('{"seconds": 3.0, "ptxas_seconds": 2.5, "cpus": 2}')
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(bench.compile_rows(self.options.artifacts), [])
        self.assertIn("of another version", said.getvalue())

    def test_whole_run(self):
        """What bench.py prints and writes, with cells and device replaced."""
        folder = self.options.artifacts
        options = bench.parse(["--build", str(build), "--artifacts", str(folder), "--output", str(folder / "results"),
                               "--seconds", "0.01"])
        cells = [self.cells[0], suite.Cell(self.cells[1].case, peers=(suite.CUDNN, suite.TRITON_TUNED))]
        (folder / "compile.json").write_text(
            '{"cell": "x", "turns": 9, "best_seconds": 2.75, "seconds": 3.0, "ptxas_seconds": 2.5, "cpus": 2}')
        rows = [report.Ratio("a row", ("n=3", suite.OURS), ("8192^3", suite.CUBLAS), 1e-6)]

        class Session(gpu.Session):
            product, copied = 64, 1 << 12

            def __init__(self, options):
                super().__init__(options, HostClock(), "cpu")

        printed = io.StringIO()
        with mock.patch.object(gpu, "Session", Session), mock.patch.object(suite, "cells", lambda: cells), \
                mock.patch.object(suite, "rows", lambda: rows), mock.patch.object(
                    torch.cuda, "get_device_name", lambda: "a device"), contextlib.redirect_stdout(printed):
            status = bench.run_gpu(options)
        text = printed.getvalue()
        # There is no cuDNN on the CPU: no figures, and a status that says so.
        self.assertEqual(status, 1)
        self.assertIn("the Triton peer is not here (--peer): its cells are left out", text)
        self.assertRegex(text, r"n=2 +cudnn +-.*NO FIGURES: ")
        self.assertRegex(text, r"a row +[0-9.]+ +met +[0-9.]+ +met +1e-06")
        self.assertRegex(text, r"op to cubin, seconds, best of 9 \(2 CPUs where compiled\) +2.750 +not met")
        self.assertRegex(text, r"op to cubin, to ptxas alone, medians .*\) +1.200 +met")
        measurements, context = report.read_csv(folder / "results/results.csv")
        self.assertEqual(context, {"target": "gpu", "device": "a device"})
        self.assertEqual([m.error == "" for m in measurements], [True, True, True, False, True, True])

    def refused(self, make):
        session = self.session()
        session.peer(self.cells[0], "peer", make)
        session.time()
        m, = [m for m in session.measurements if m.implementation == "peer"]
        self.assertEqual((m.checked, m.tflops, m.sustained_tflops), (False, None, None))
        return m.error

    def test_refuses_a_wrong_peer(self):
        def make(case, inputs):
            out = torch.zeros(case.batch, case.length, case.heads, case.dv)
            return lambda: None, lambda: out, ""
        self.assertIn("the check failed: out 1.00e+00", self.refused(make))

    def test_refuses_what_is_not_finite(self):
        def make(case, inputs):
            out = torch.full((case.batch, case.length, case.heads, case.dv), float("nan"))
            return lambda: None, lambda: out, ""
        self.assertIn("the check failed", self.refused(make))

    def test_one_failure_hides_no_other(self):
        def make(case, inputs):
            raise RuntimeError("no such peer\nmore")
        self.assertEqual(self.refused(make), "no such peer")

    def test_refuses_our_wrong_kernel(self):
        """An artifact of another problem under the cell's name."""
        session = self.session()
        wrong = suite.Cell(Case("wrong", windows=(4, 7), batch=2, length=40, heads=4, dim=16, dtype="f32"))
        folder = self.options.artifacts
        (folder / wrong.file).write_bytes((folder / self.cells[0].file).read_bytes())
        session.ours(wrong)
        session.time()
        m, = [m for m in session.measurements if m.implementation == suite.OURS]
        self.assertIn("the check failed", m.error)
        self.assertIsNone(m.tflops)

    def test_refuses_a_launch_that_fails_later(self):
        launches = []

        def make(case, inputs):
            out = torch.empty(case.batch, case.length, case.heads, case.dv)
            rows = [(b, i, h) for b in range(case.batch) for i in range(case.length) for h in range(case.heads)]
            for b, i, h in rows:
                out[b, i, h] = case.row(inputs, b, i, h)[0]

            def launch():
                launches.append(1)
                if len(launches) > 2:
                    raise RuntimeError("launch failed")
            return launch, lambda: out, ""
        self.assertEqual(self.refused(make), "timing failed: launch failed")


FAKE = """
import torch


class Function:
    def __getitem__(self, grid):
        def launch(q, out, w1, w2, HEAD_DIM, BLOCK_SIZE_KV, num_stages_0, num_stages_1, num_warps):
            if num_stages_0 == 16:
                raise RuntimeError("out of resource: shared memory")
            out.fill_(num_warps)
            launches.append((grid, BLOCK_SIZE_KV, num_warps))
        return launch

    def warmup(self, q, out, w1, w2, grid, HEAD_DIM, BLOCK_SIZE_KV, num_stages_0, num_stages_1, num_warps):
        assert q == torch.bfloat16, "tensors are given as their types"
        if BLOCK_SIZE_KV == 256:
            raise RuntimeError("does not compile")


class Autotuner:
    fn = Function()


launches = []
_gqa_pack_fwd_kernel = Autotuner()


def triton_fwd(q, k1, k2, v1, v2, w1, w2):
    out = torch.zeros_like(q)
    _gqa_pack_fwd_kernel[lambda meta: (q.shape[1], q.shape[0])](q, out, w1, w2, HEAD_DIM=q.shape[3])
    return out, None
"""


class TritonPeer(unittest.TestCase):
    def test_tunes(self):
        import triton_peer
        self.assertEqual(len({tuple(sorted(c.items())) for c in triton_peer.configurations()}), 96)
        self.assertIn(triton_peer.SHIPPED, triton_peer.configurations())
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name, "simplicial")
            (folder / "ops/triton").mkdir(parents=True)
            (folder / "ops/triton/fwd.py").write_text(FAKE)
            self.assertEqual(triton_peer.find(name), folder)
            self.assertIsNone(triton_peer.find(folder / "ops"))
            case = Case("x", windows=(2, 4), batch=2, length=8, heads=4, dim=16)
            other = Case("y", windows=(2, 4), batch=2, length=8, heads=8, dim=16)
            tuner = triton_peer.Tuner(folder, [case, other], 60, processes=2)
            try:
                tuner.wait()
                self.assertEqual(len(tuner.compiled(case)), 72)
                launch, result, note = tuner.tuned(case, case.inputs("cpu"), HostClock())
            finally:
                tuner.close()
            # Compiled: three in four; of them those of 8 or 32 stages run.
            self.assertIn("48 of 96 tried", note)
            launches = tuner.kernel.module.launches
            del launches[:]
            out = result()
            (grid, keys, warps), = launches
            self.assertEqual(grid, (8, 2))
            self.assertIn(f"keys {keys}, ", note)
            self.assertTrue((out == warps).all())


if __name__ == "__main__":
    unittest.main()
