# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention that PyTorch brings along. Each function returns (launch, a function that computes the result, note).

Both take [B, H, S, D], which is how the arrays are laid out for them; results come back as [B, S, H, D].
"""

import torch


def _arrange(inputs):
    return [x.transpose(1, 2).contiguous() for x in inputs]


def cudnn(case, inputs):
    """cuDNN through scaled_dot_product_attention, full causal."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    if case.windows != (0,):
        raise RuntimeError("cuDNN is called for a causal mask without a window")
    q, k, v = _arrange(inputs)

    def launch():
        with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
            return torch.nn.functional.scaled_dot_product_attention(
                q, k, v, is_causal=True, enable_gqa=case.heads != case.key_heads)

    return launch, lambda: launch().transpose(1, 2), f"cuDNN {torch.backends.cudnn.version()}"


def flex(case, inputs, tune=False):
    """FlexAttention, compiled, with a sliding window as its block mask."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    (window,) = case.windows
    q, k, v = _arrange(inputs)

    def mask(_batch, _head, query, key):
        return (key <= query) & (query - key < window)

    block_mask = create_block_mask(mask, None, None, case.length, case.length, device=q.device)
    compiled = torch.compile(flex_attention, dynamic=False, mode="max-autotune-no-cudagraphs" if tune else None)

    def launch():
        return compiled(q, k, v, block_mask=block_mask, enable_gqa=case.heads != case.key_heads)

    return launch, lambda: launch().transpose(1, 2), "autotuned" if tune else ""
