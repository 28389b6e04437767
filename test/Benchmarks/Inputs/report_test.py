"""The parts of benchmarks/ that need no GPU: counting, refusing, the table, CSV and JSON."""

import json
import math
import os
import sys
import tempfile
import unittest

sys.path.insert(0, sys.argv.pop(1))
import report  # noqa: E402
import suite  # noqa: E402
from cases import Case  # noqa: E402
from report import Count, Measurement, Ratio  # noqa: E402


def count_tuples(case):
    """Allowed tuples of one head, one by one."""
    total = 0
    for i in range(case.length):
        product = 1
        for w in case.windows:
            product *= sum(1 for j in range(case.length) if j <= i and (w == 0 or i - w < j))
        total += product
    return total


def measured(cell, implementation, rate, sustained=None, **values):
    return Measurement(cell, implementation, flop=1e12, checked=True, median_ms=1e3 / rate, tflops=rate,
                       sustained_tflops=sustained, **values)


class Counting(unittest.TestCase):
    def test_flops(self):
        for windows in ((4,), (0,), (2, 5), (5, 2), (3, 0), (2, 3, 4)):
            case = Case("x", windows=windows, length=9, batch=3, heads=8, dim=16, value_dim=24)
            self.assertEqual(case.flops(), 2 * (16 + 24) * 3 * 8 * count_tuples(case), windows)

    def test_bytes(self):
        case = Case("x", windows=(2, 4), length=10, batch=2, heads=8, key_heads=2, dim=16)
        elements = 20 * 16 * (2 * 8 + 4 * 2)  # query and out, two keys and two values
        self.assertEqual(case.bytes(), 2 * elements + 4 * 2 * 8 * 10)


class Refusing(unittest.TestCase):
    def setUp(self):
        self.good = measured("a", "simplexir", 600.0, 550.0)
        self.bad = measured("a", "triton", 300.0, 290.0, power_w=700.0)
        self.bad.refuse("the check failed: out 1.00e+00")
        self.unchecked = measured("b", "simplexir", 999.0)
        self.unchecked.checked = False
        self.all = [self.good, self.bad, self.unchecked]

    def test_no_figures(self):
        report.withhold(self.all)
        for m in (self.bad, self.unchecked):
            self.assertEqual([getattr(m, name) for name in report.FIGURES], [None] * len(report.FIGURES))
        self.assertEqual(self.good.tflops, 600.0)

    def test_printed(self):
        text = report.format_measurements(self.all)
        self.assertIn("NO FIGURES: the check failed: out 1.00e+00", text)
        self.assertIn("NO FIGURES: its result was not checked", text)
        for figure in ("300.0", "290.0", "999.0", "700"):
            self.assertNotIn(figure, text)

    def test_written(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.csv")
            report.write_csv(path, self.all, {"target": "gpu", "device": "X"})
            with open(path) as file:
                self.assertNotIn("999", file.read())
            path = os.path.join(folder, "a.json")
            report.write_json(path, self.all, [], {"target": "gpu"})
            with open(path) as file:
                cells = json.load(file)["measurements"]
            self.assertEqual([cell["tflops"] for cell in cells], [600.0, None, None])

    def test_a_ratio_of_it(self):
        entry, = report.evaluate([Ratio("r", ("a", "simplexir"), ("a", "triton"), 1.7)], self.all)
        self.assertEqual((entry["median"], entry["median_verdict"]), (None, "-"))

    def test_one_of_two_runs(self):
        """No mean of cuBLAS before and after, if one of them is missing."""
        pair = [measured("8192^3", "cublas", 700.0), measured("8192^3", "cublas", 700.0)]
        pair[1].refuse("timing failed")
        self.assertIsNone(report.Figures(pair).get(("8192^3", "cublas"), "tflops"))


class Table(unittest.TestCase):
    def setUp(self):
        self.measurements = [measured("8192^3", "cublas", 740.0, 700.0), measured("8192^3", "cublas", 760.0, 700.0),
                             measured("a", "simplexir", 675.0, 560.0), measured("b", "simplexir", 750.0, 700.0)]
        self.rows = [Ratio("a", ("a", "simplexir"), ("8192^3", "cublas"), 0.85),
                     Ratio("b", ("b", "simplexir"), ("a", "simplexir"), 0.97, most=1.03),
                     Ratio("c", ("c", "simplexir"), ("a", "simplexir"), 1.0),
                     Ratio("d", ("b", "simplexir"), ("a", "simplexir"), None)]
        self.rows.append(Count("n", self.rows[:1], 0.9, 1))

    def test_verdicts(self):
        a, b, c, d, n = report.evaluate(self.rows, self.measurements)
        self.assertEqual((a["median"], a["median_verdict"], a["sustained"], a["sustained_verdict"]),
                         ("0.900", "met", "0.800", "not met"))
        self.assertEqual((b["median"], b["median_verdict"], b["target"]), ("1.111", "not met", "0.97..1.03"))
        self.assertEqual((c["median"], c["median_verdict"]), (None, "-"))
        self.assertEqual((d["median"], d["median_verdict"]), ("1.111", "-"))
        self.assertEqual((n["median"], n["median_verdict"], n["sustained_verdict"]), ("1", "met", "not met"))

    def test_text(self):
        lines = report.format_table(report.evaluate(self.rows, self.measurements)).splitlines()
        self.assertEqual(lines[1].split(), ["a", "0.900", "met", "0.800", "not", "met", "0.85"])
        self.assertEqual(len(lines), 6)

    def test_csv(self):
        self.measurements[0].note = 'with, a comma and "quotes"'
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.csv")
            report.write_csv(path, self.measurements, {"target": "gpu", "device": "X, Y"})
            read, context = report.read_csv(path)
        self.assertEqual(read, self.measurements)
        self.assertEqual(context, {"target": "gpu", "device": "X, Y"})

    def test_json_is_finite(self):
        self.measurements[0].out_error = math.inf
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.json")
            report.write_json(path, self.measurements, [], {})
            with open(path) as file:
                text = file.read()
        self.assertNotIn("Infinity", text)


class Suite(unittest.TestCase):
    def test_every_row_has_its_cells(self):
        known = {("8192^3", suite.CUBLAS)}
        for cell in suite.cells():
            known.add((cell.name, cell.implementation))
            known.update((cell.name, peer) for peer in cell.peers)
        for row in suite.rows():
            if isinstance(row, Ratio):
                self.assertIn(row.numerator, known, row.label)
                self.assertIn(row.denominator, known, row.label)

    def test_files_differ(self):
        files = [cell.file for cell in suite.cells()]
        self.assertEqual(len(set(files)), len(files))

    def test_modules(self):
        for cell in suite.cells():
            self.assertIn(f"windows {list(cell.case.windows)}", cell.case.mlir())


if __name__ == "__main__":
    unittest.main()
