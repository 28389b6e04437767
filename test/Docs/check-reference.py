"""Checks the reference pages, and runs the examples of passes.

    check-reference.py SIMPLEX_OPT PAGE.md...

A page is what mlir-tblgen makes of a TableGen file. Every operation and pass on it must
have an example. An example of a pass, if complete, is IR (from `func.func` or `module`),
a line `// ==>`, and what is to be seen after the pass: its operations, in this order.
"""

import re
import subprocess
import sys

SECTION = re.compile(r"^### `(-?)([\w.-]+)`.*?\n(.*?)(?=^### |^## |\Z)", re.S | re.M)
BLOCK = re.compile(r"^[ \t]*```mlir\n(.*?)^[ \t]*```", re.S | re.M)
ARROW = "// ==>"


def run(tool, flag, before, after):
    """An error message, or nothing."""
    result = subprocess.run([tool, flag], input=before, capture_output=True, text=True)
    if result.returncode:
        return result.stderr
    if not after:
        return "no '%s' and no result after it" % ARROW
    position = 0
    without_comments = re.sub(r"//.*", "", after)
    wanted = re.findall(r"\b(?:arith|func|gpu|llvm|math|memref|scf|simplex|vector)\.\w+", without_comments)
    # Attributes are named like operations.
    attributes = ("simplex.kernel", "simplex.schedule", "simplex.scratch", "simplex.workspace")
    wanted = [op for op in wanted if op not in attributes]
    if not wanted:
        return "the result names no operation"
    for op in wanted:
        found = re.compile(re.escape(op) + r"\b").search(result.stdout, position)
        if not found:
            return "%s is not in the result after what comes before it:\n%s" % (op, result.stdout)
        position = found.end()
    return None


def main():
    tool, errors, examples, ran = sys.argv[1], [], 0, 0
    for path in sys.argv[2:]:
        with open(path) as file:
            sections = list(SECTION.finditer(file.read()))
        if not sections:
            sys.exit("%s: no operation or pass" % path)
        for section in sections:
            is_pass, name, text = section.groups()
            blocks = [block.group(1) for block in BLOCK.finditer(text)]
            if not blocks:
                errors.append("%s: no example" % name)
            examples += len(blocks)
            for block in blocks:
                if not is_pass or not re.match(r"\s*(func\.func|module)", block):
                    continue
                before, _, after = block.partition(ARROW)
                ran += 1
                error = run(tool, "--" + name, before, after)
                if error:
                    errors.append("%s: %s" % (name, error))
    print("%d examples, %d run" % (examples, ran))
    if errors:
        sys.exit("\n".join(errors))


if __name__ == "__main__":
    main()
