"""Runs every CUDA kernel of SegMamba once, at small sizes, for NVIDIA's sanitizer:

PYTORCH_NO_CUDA_MEMORY_CACHING=1 compute-sanitizer --tool memcheck python -m Testing.SegMambaCore.gpu.exercise_kernels
compute-sanitizer --tool racecheck python -m Testing.SegMambaCore.gpu.exercise_kernels
"""

from __future__ import annotations

import torch
from torch import Tensor

from SegMambaCore.inference.cuda_patches import add_outputs_cuda, write_patches_cuda
from SegMambaCore.inference.mirrors import mirror_axes
from SegMambaCore.network.cuda_conv3 import convolve3_cuda
from SegMambaCore.network.instance_norm import norm_act, norm_add_act
from SegMambaCore.network.layer_norm import LayerNorm
from SegMambaCore.network.mamba_layer import MambaLayer
from SegMambaCore.scan.selective_scan import selective_scan

LAYOUT = torch.channels_last_3d


def main() -> None:
    """Everything forward and, where there is one, backward."""
    for dtype in (torch.float16, torch.bfloat16):
        convolutions(dtype)
        norms(dtype)
        mamba(dtype)
        scan(dtype)
        patches(dtype)
    torch.cuda.synchronize()
    print("every kernel ran")


def convolutions(dtype: torch.dtype) -> None:
    """Each way of conv3.cu: 16, 32 and 48 channels out (the last on Hopper's own instruction), sides no tile fits."""
    for channels, out in ((16, 16), (16, 32), (32, 16), (48, 48)):
        x, weight = volume(channels, dtype), normal(out, channels, 3, 3, 3).requires_grad_()
        bias = normal(out).requires_grad_()
        differentiate(convolve3_cuda(x, weight, bias), x, weight, bias)


def norms(dtype: torch.dtype) -> None:
    """Instance norm and layer norm, with what is fused with them."""
    for norm_residual in (False, True):
        x, residual = volume(16, dtype), volume(16, dtype)
        y = norm_add_act(x * 1, residual, norm_residual=norm_residual, slope=0.01)
        differentiate(y, x, residual)
    x = volume(32, dtype)
    differentiate(norm_act(x * 1, 0.0), x)
    layer, tokens = LayerNorm(48).cuda(), normal(2, 77, 48).to(dtype).requires_grad_()
    differentiate(layer(tokens), tokens, *layer.parameters())


def mamba(dtype: torch.dtype) -> None:
    """All directions as one operator: convolutions, projections, scans, gate."""
    layer, tokens = MambaLayer(32, ("", "_b", "_s")).cuda(), normal(2, 330, 32).to(dtype).requires_grad_()
    with torch.autocast("cuda", dtype, cache_enabled=False):
        differentiate(layer(tokens, 10), tokens, *layer.parameters())


def scan(dtype: torch.dtype) -> None:
    """One direction, of a length that is no multiple of a chunk."""
    u, dt = (normal(1, 700, 48).to(dtype).requires_grad_() for _ in range(2))
    b, c = (normal(1, 700, 16).to(dtype).requires_grad_() for _ in range(2))
    a = (-normal(48, 16).abs() - 0.1).requires_grad_()
    d, bias = normal(48).requires_grad_(), normal(48).requires_grad_()
    differentiate(selective_scan(u, dt, a, b, c, d, bias, backend="cuda"), u, dt, a, b, c, d, bias)


def patches(dtype: torch.dtype) -> None:
    """A patch in all its reflections, and their sum."""
    axes, box = mirror_axes("all", "LPS"), (slice(2, 7), slice(0, 4), slice(3, 9))
    source = normal(1, 4, 9, 4, 10).to(dtype).contiguous(memory_format=LAYOUT)
    batch = torch.empty(8, 4, 5, 4, 6, device="cuda", dtype=dtype).contiguous(memory_format=LAYOUT)
    write_patches_cuda(batch, source, box, axes)
    logits = normal(8, 3, 5, 4, 6).to(dtype).contiguous(memory_format=LAYOUT)
    add_outputs_cuda(normal(3, 9, 4, 10), logits, normal(5, 4, 6).abs(), box, axes)


def differentiate(y: Tensor, *of: Tensor) -> None:
    """Run the backward pass of y."""
    torch.autograd.grad(y.float().square().sum(), of)


def volume(channels: int, dtype: torch.dtype) -> Tensor:
    """(1, channels, 13, 18, 21), channels last."""
    x = normal(1, channels, 13, 18, 21).to(dtype).contiguous(memory_format=LAYOUT)
    return x.requires_grad_()


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, device="cuda")


if __name__ == "__main__":
    main()
