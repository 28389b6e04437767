"""Compiles random attentions with random forced schedules to PTX: each compiles, or is refused by a message that names
the limit of a schedule or of the chip.

    force-schedules.py SIMPLEX-COMPILE --seed 1 --count 40 --scratch FILE.mlir
"""

import argparse
import random
import subprocess
import sys

EXPECTED = ("schedule", "of shared memory a block")


def make_module(pick):
    element = pick("bf16", "f16", "f32")
    dim = pick(16, 40, 64, 96, 128, 256)
    value_dim = pick(dim, dim, 16, 72, 128)
    heads, key_heads = pick((1, 1), (8, 1), (64, 1), (128, 1), (16, 2), (6, 2))
    count = pick(1, 2, 2, 3)
    form = pick("multilinear", "determinant") if count == 2 else "multilinear"
    windows = [pick(0, 4, 32) for _ in range(count - 1)] + [pick(0, 64, 512)]
    warps, splits = pick(1, 2, 4, 8, 12, 16, 32, 64), pick(1, 2, 3, 4, 8)
    rows, keys = pick(1, 8, 16, 24, 32, 64, 128, 256, 512), pick(8, 16, 32, 64, 128, 256, 4096)
    stages, wgmma = pick(1, 2, 2, 2, 3), pick(True, False, False)
    if pick(True, True, False):  # plausible, so that some compile
        warps, splits, stages, keys = pick(4, 8), pick(1, 2, 4), 2, pick(16, 32, 64, 128)
        rows = 16 * warps // splits * (1 if wgmma else pick(1, 1, 2))
    schedule = f"rows = {rows}, keys = {keys}, splits = {splits}, warps = {warps}, stages = {stages}"
    if wgmma:
        schedule += ", wgmma = true"
    if (wgmma and pick(True, False)) or pick(*[False] * 15, True):
        schedule += ", pairs = true"
        if pick(True, False):
            schedule += f", second_keys = {pick(0, 16, 16, 32, 64, 128, 24)}"
    if (wgmma and count < 3 and pick(True, False)) or pick(*[False] * 15, True):
        schedule += ", skew = true"
    q = f"tensor<?x?x{heads}x{dim}x{element}>"
    k = f"tensor<?x?x{key_heads}x{dim}x{element}>"
    v = f"tensor<?x?x{key_heads}x{value_dim}x{element}>"
    results = f"(tensor<?x?x{heads}x{value_dim}x{element}>, tensor<?x{heads}x?xf32>)"
    names = [[f"%{letter}{i}" for i in range(count)] for letter in "kv"]
    arguments = ", ".join([f"%q: {q}"] + [f"{x}: {k}" for x in names[0]] + [f"{x}: {v}" for x in names[1]])
    return f"""func.func @attend({arguments}) -> {results} {{
  %out, %lse = simplex.attention query(%q) keys({', '.join(names[0])}) values({', '.join(names[1])})
      form {form} windows {windows} {{schedule = #simplex.schedule<{schedule}>}}
      : ({', '.join([q] + [k] * count + [v] * count)}) -> {results}
  return %out, %lse : {results[1:-1]}
}}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--scratch", required=True)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    pick = lambda *values: generator.choice(values)  # noqa: E731
    bad = compiled = 0
    for _ in range(options.count):
        module, chip = make_module(pick), pick("sm_90a", "sm_90a", "sm_80", "sm_89")
        with open(options.scratch, "w") as file:
            file.write(module)
        command = [options.tool, options.scratch, f"--chip={chip}", "--emit=ptx", "-o", options.scratch + ".ptx"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300)
        first = result.stderr.split("\n")[0]
        compiled += result.returncode == 0
        if result.returncode not in (0, 1) or (result.returncode and not any(word in first for word in EXPECTED)):
            bad += 1
            print(f"status {result.returncode} for {chip}: {first}\n{module}")
    print(f"{options.count} schedules, {bad} unexpected; {compiled} compiled")
    return 1 if bad or not compiled else 0


if __name__ == "__main__":
    sys.exit(main())
