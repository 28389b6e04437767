"""Writes the complete examples in TableGen descriptions and in docs as one MLIR file.

    extract-examples.py FILE... > examples.mlir

An example is complete if its ```mlir block starts with `func.func` or `module`; what
comes after a line `// ==>` is what a pass makes of it (see check-reference.py).
Others are fragments and are skipped. Fails when a file given has no block at all.
"""

import re
import sys

BLOCK = re.compile(r"^[ \t]*```mlir\n(.*?)^[ \t]*```", re.S | re.M)


def main():
    for path in sys.argv[1:]:
        with open(path) as file:
            text = file.read()
        blocks = list(BLOCK.finditer(text))
        if not blocks:
            sys.exit("%s: no ```mlir block" % path)
        for block in blocks:
            body = block.group(1).partition("// ==>")[0]
            if not re.match(r"\s*(//[^\n]*\s*)*(func\.func|module)", body):
                continue
            line = text.count("\n", 0, block.start(1)) + 1
            print("// from %s:%d\n%s\n// -----\n" % (path.rsplit("/", 1)[-1], line, body))


if __name__ == "__main__":
    main()
