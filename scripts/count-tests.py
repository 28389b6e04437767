"""Adds up test results; its last line is `N passed, N failed, N skipped`.

    count-tests.py FOLDER --unit-status N --lit-status N [CHECK=pass|fail|skip ...]

FOLDER has `ctest.xml` (JUnit), `lit.json`, and `pytest.xml` (JUnit) if the Python package was tested. A googletest program counts as the
tests in its summary, any other program as one test.
"""

import argparse
import json
import os
import re
import sys
import xml.etree.ElementTree as xml


def summary(word, output):
    found = re.search(r"^\[ *%s *\] (\d+) tests?" % word, output, re.M)
    return int(found.group(1)) if found else 0


def count_unit(path, total):
    for case in xml.parse(path).getroot().iter("testcase"):
        failed = case.find("failure") is not None or case.get("status") == "fail"
        skipped = case.find("skipped") is not None
        output = case.findtext("system-out") or ""
        if "[==========]" in output and "[  PASSED  ]" in output:
            skips = summary("SKIPPED", output)
            total["passed"] += summary("PASSED", output)
            total["skipped"] += skips
            # Failed after its summary, as a sanitizer's exit does: still a failure.
            total["failed"] += max(summary("FAILED", output), int(failed))
        else:  # no googletest, or it died before its summary
            total["failed" if failed else "skipped" if skipped else "passed"] += 1


def count_pytest(path, total):
    for case in xml.parse(path).getroot().iter("testcase"):
        failed = case.find("failure") is not None or case.find("error") is not None
        skipped = case.find("skipped") is not None
        total["failed" if failed else "skipped" if skipped else "passed"] += 1


def count_lit(path, total):
    with open(path) as file:
        for test in json.load(file)["tests"]:
            code = test["code"]
            if code in ("PASS", "XFAIL", "FLAKYPASS"):
                total["passed"] += 1
            elif code in ("UNSUPPORTED", "SKIPPED", "EXCLUDED"):
                total["skipped"] += 1
            else:
                total["failed"] += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--unit-status", type=int, required=True)
    parser.add_argument("--lit-status", type=int, required=True)
    parser.add_argument("checks", nargs="*")
    options = parser.parse_intermixed_args()
    total = {"passed": 0, "failed": 0, "skipped": 0}

    for name, count, status in (("ctest.xml", count_unit, options.unit_status),
                                ("lit.json", count_lit, options.lit_status)):
        before = total["failed"]
        path = os.path.join(options.folder, name)
        if os.path.exists(path):
            count(path, total)
        if status and total["failed"] == before:
            total["failed"] += 1  # it failed and left no report of it
    path = os.path.join(options.folder, "pytest.xml")
    if os.path.exists(path):
        count_pytest(path, total)
    if not total["passed"] + total["failed"]:
        total["failed"] = 1  # nothing ran
    for check in options.checks:
        total[{"pass": "passed", "skip": "skipped"}.get(check.split("=")[-1], "failed")] += 1
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % total)
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
