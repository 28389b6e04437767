# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""A 2-simplicial attention layer in PyTorch, with grouped heads and the paper's biases (Roy et al. 2025).

    python layer_torch.py [--device=cuda] [--compile]

runs it on random tokens in two ways, whole and token by token with a cache of keys, which give the same rows. There is
no backward yet, so this layer is for inference.
"""

import argparse

import torch

import simplexir


class SimplicialAttention(torch.nn.Module):
    """`heads` query heads share `key_heads` heads of two keys and two values. The second key gets 1 / dim added to each
    element, the second value 1, so that the layer can fall back to dot-product attention."""

    def __init__(self, width, heads, key_heads, windows=(512, 32)):
        super().__init__()
        self.heads, self.key_heads, self.dim, self.windows = heads, key_heads, width // heads, windows
        self.query = torch.nn.Linear(width, heads * self.dim, bias=False)
        self.keys_values = torch.nn.Linear(width, 4 * key_heads * self.dim, bias=False)
        self.out = torch.nn.Linear(heads * self.dim, width, bias=False)

    def forward(self, x, cache=None):
        """x is [batch, length, width]. With a cache, [batch, past, 4, key_heads, dim], x are the tokens that follow it.
        Returns the result and the cache for the next call."""
        batch, length, _ = x.shape
        query = self.query(x).view(batch, length, self.heads, self.dim)
        new = self.keys_values(x).view(batch, length, 4, self.key_heads, self.dim)
        cache = new if cache is None else torch.cat([cache, new], 1)
        # Views of one array, not copies: only the last dimension has to be contiguous. By default the queries are the
        # last ones of the keys, as they are here.
        key1, key2, value1, value2 = cache.unbind(2)
        out, _ = simplexir.attention(query, [key1, key2], [value1, value2], self.windows,
                                     key_biases=[0.0, 1 / self.dim], value_biases=[0.0, 1.0])
        return self.out(out.reshape(batch, length, -1)), cache


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="with torch.compile(fullgraph=True)")
    options = parser.parse_args()
    torch.manual_seed(0)
    dtype = torch.bfloat16 if options.device != "cpu" else torch.float32
    layer = SimplicialAttention(width=256, heads=8, key_heads=2, windows=(16, 4)).to(options.device, dtype)
    forward = torch.compile(layer, fullgraph=True, dynamic=True) if options.compile else layer
    x = torch.randn(2, 48, 256, device=options.device, dtype=dtype)
    with torch.no_grad():
        whole, _ = forward(x)
        rows, cache = [], None
        for i in range(x.shape[1]):
            row, cache = forward(x[:, i:i + 1], cache)
            rows.append(row)
    difference = (torch.cat(rows, 1) - whole).norm() / whole.norm()
    print(f"token by token, the result differs by {difference.item():.1e} from that of the whole")
    return 0 if difference < (1e-2 if dtype == torch.bfloat16 else 1e-5) else 1


if __name__ == "__main__":
    raise SystemExit(main())
