# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention problems: their MLIR, inputs, exact FLOPs, and float64 results of single rows."""

import dataclasses
import math
import random

try:
    import torch
except ImportError:  # enough for compiling
    torch = None

DTYPES = {"bf16": "bfloat16", "f16": "float16", "f32": "float32"}
# Accuracy of the specification: relative (Frobenius) for out, absolute for lse.
BOUNDS = {"bf16": (1e-2, 5e-3), "f16": (2e-3, 2e-3), "f32": (1e-5, 1e-4)}


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    windows: tuple = (32, 512)
    form: str = "multilinear"
    dtype: str = "bf16"
    batch: int = 4
    length: int = 8192
    heads: int = 64
    key_heads: int = 1
    dim: int = 128
    value_dim: int = 0
    value_bias: float = 0.0
    key_bias: float = 0.0

    @property
    def n(self):
        return len(self.windows) + 1

    @property
    def dv(self):
        return self.value_dim or self.dim

    def mlir(self):
        """A function `attend` with dynamic batch and length."""
        m, t = len(self.windows), self.dtype
        q = f"tensor<?x?x{self.heads}x{self.dim}x{t}>"
        k = f"tensor<?x?x{self.key_heads}x{self.dim}x{t}>"
        v = f"tensor<?x?x{self.key_heads}x{self.dv}x{t}>"
        results = f"(tensor<?x?x{self.heads}x{self.dv}x{t}>, tensor<?x{self.heads}x?xf32>)"
        keys = [f"%k{i}" for i in range(1, m + 1)]
        values = [f"%v{i}" for i in range(1, m + 1)]
        arguments = ", ".join([f"%q: {q}"] + [f"{x}: {k}" for x in keys] + [f"{x}: {v}" for x in values])
        biases = ""
        if self.key_bias:
            biases += f" key_biases {[0.0] * (m - 1) + [self.key_bias]}"
        if self.value_bias:
            biases += f" value_biases {[0.0] * (m - 1) + [self.value_bias]}"
        return f"""func.func @attend({arguments}) -> {results} {{
  %out, %lse = simplex.attention query(%q) keys({', '.join(keys)}) values({', '.join(values)})
      form {self.form} windows {list(self.windows)}{biases}
      : ({', '.join([q] + [k] * m + [v] * m)}) -> {results}
  return %out, %lse : {results[1:-1]}
}}
"""

    def inputs(self, device="cuda"):
        """Random normal query, keys and values."""
        make = lambda heads, dim: torch.randn(  # noqa: E731
            self.batch, self.length, heads, dim, device=device, dtype=getattr(torch, DTYPES[self.dtype]))
        m = len(self.windows)
        return ([make(self.heads, self.dim)] + [make(self.key_heads, self.dim) for _ in range(m)]
                + [make(self.key_heads, self.dv) for _ in range(m)])

    def flops(self):
        """2 (D + Dv) for every allowed tuple and head."""
        tuples = 0
        for i in range(self.length):
            product = 1
            for window in self.windows:
                product *= min(i + 1, window or self.length)
            tuples += product
        return 2.0 * (self.dim + self.dv) * tuples * self.batch * self.heads

    def bytes(self):
        """Of the query, keys, values, out and lse, once each."""
        m, size = len(self.windows), 4 if self.dtype == "f32" else 2
        rows = self.batch * self.length
        elements = (self.heads + m * self.key_heads) * (self.dim + self.dv)
        return rows * (elements * size + self.heads * 4)

    def row(self, inputs, b, i, h):
        """out and lse of one row in float64."""
        m = len(self.windows)
        g = h // (self.heads // self.key_heads)
        q = inputs[0][b, i, h].double()
        begins = [max(0, i + 1 - w) if w else 0 for w in self.windows]
        keys = [inputs[1 + j][b, begins[j]:i + 1, g].double() for j in range(m)]
        values = [inputs[1 + m + j][b, begins[j]:i + 1, g].double() for j in range(m)]
        keys[-1], values[-1] = keys[-1] + self.key_bias, values[-1] + self.value_bias
        combined, weights = q[None], None
        for j in range(m):
            last = j + 1 == m
            if last:
                logits = combined @ keys[j].T
            elif self.form == "determinant":
                combined = _cross(q, keys[j])
            else:
                combined = (combined[:, None] * keys[j][None]).flatten(0, 1)
        logits = logits.flatten() / math.sqrt(self.dim)
        lse = torch.logsumexp(logits, 0)
        p = torch.exp(logits - lse).reshape(-1, len(values[-1]))
        out = p @ values[-1]
        for j in reversed(range(m - 1)):
            out = (out.reshape(-1, len(values[j]), self.dv) * values[j]).sum(1)
        return out.reshape(self.dv), lse

    def check(self, inputs, out, lse, rows=48, seed=None):
        """(relative error of out, error of lse, fine) over random rows, the first and the last. `lse` may be None."""
        pick = random.Random(seed)
        places = [(0, 0, 0), (self.batch - 1, self.length - 1, self.heads - 1)]
        places += [(pick.randrange(self.batch), pick.randrange(self.length), pick.randrange(self.heads))
                   for _ in range(rows)]
        off = norm = worst = 0.0
        for b, i, h in places:
            want, want_lse = self.row(inputs, b, i, h)
            off += (out[b, i, h].double() - want).square().sum().item()
            norm += want.square().sum().item()
            if lse is not None:
                worst = max(worst, abs(lse[b, h, i].double() - want_lse).item())
            if not math.isfinite(off) or not math.isfinite(worst):
                return math.inf, math.inf, False
        error = math.sqrt(off / norm)
        out_bound, lse_bound = BOUNDS[self.dtype]
        # Rounding of the combined keys and the probabilities; L is a few units here.
        slack = math.sqrt(self.n - 2)
        fine = error < out_bound * (1 + slack) and worst < lse_bound * (1 + 4 * slack)
        fine = fine and bool(torch.isfinite(out).all())
        return error, worst, fine and (lse is None or bool(torch.isfinite(lse).all()))


def _cross(q, keys):
    """The determinant's combiner: q x k in chunks of three, plain products of what is left over."""
    chunks = len(q) // 3 * 3
    a = q[:chunks].reshape(1, -1, 3)
    b = keys[:, :chunks].reshape(len(keys), -1, 3)
    cross = torch.linalg.cross(a.expand_as(b), b).reshape(len(keys), chunks)
    return torch.cat([cross, q[chunks:] * keys[:, chunks:]], 1)
