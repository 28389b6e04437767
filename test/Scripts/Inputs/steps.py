"""Counts its steps as ninja, lit or ctest do."""

import sys

if sys.argv[1] == "ninja":
    for step in range(1, 41):
        print("[%d/40] Building CXX object %d.o" % (step, step))
        if step == 10:
            print("a.cpp:1:2: error: no such thing")
    sys.exit(1)
if sys.argv[1] == "lit":
    for step, name in enumerate("abcd", 1):
        print("%s: SimplexIR :: %s.mlir (%d of 4)" % ("FAIL" if name == "d" else "PASS", name, step))
    print("Testing Time: 1.00s")
if sys.argv[1] == "ctest":
    for step in (1, 2):
        print("%d/2 Test #%d: unit%d ............   Passed    1.00 sec" % (step, step, step))
    print("100% tests passed, 0 tests failed out of 2")
