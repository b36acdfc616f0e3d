"""3x3x3 convolutions on NVIDIA GPUs where channels are few: launches the kernels of conv3.cu.

At full resolution SegMamba has 16 to 48 channels. There cuDNN's implicit matrix products are bound by reading their
input 27 times from the cache; these kernels read it about twice.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from SegMambaCore.gpu.nvrtc import IO_OF, CudaKernel, CudaProgram

_LAYOUT = torch.channels_last_3d
_TILE = 8
_MOST_CHANNELS = 48
"""With more of them cuDNN is the faster one, measured on an H100; so it is below these voxels, where tiles are few."""

_FEWEST_VOXELS = 96**3


def takes(x: Tensor, weight: Tensor) -> bool:
    """Whether the kernels can, and should, convolve x (batch, in, D, H, W) with weight (out, in, 3, 3, 3)."""
    return (
        _type_of(x) in (torch.float16, torch.bfloat16)
        and x.is_contiguous(memory_format=_LAYOUT)
        and all(channels % 16 == 0 and channels <= _MOST_CHANNELS for channels in weight.shape[:2])
        and x.shape[0] * x[0, 0].numel() >= _FEWEST_VOXELS
        and _has_matrix_units(x.device.index)
    )


def convolve3_cuda(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return the convolution with padding 1, differentiable in all arguments, in x's type or that of autocast.

    x: as `takes` wants it. weight: (out, in, 3, 3, 3). bias: (out,), added in float32.
    """
    dtype = _type_of(x)
    return _forward(
        x.to(dtype).contiguous(memory_format=_LAYOUT),
        weight.to(dtype),
        None if bias is None else bias.float(),
    )


@cache
def _has_matrix_units(device: int) -> bool:
    """Ampere and later: cp.async, bfloat16, and shared memory for the smallest block."""
    capable = torch.cuda.get_device_capability(device) >= (8, 0)
    return capable and _shared_bytes(16) <= _most_shared_bytes(device)


def _type_of(x: Tensor) -> torch.dtype:
    return torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else x.dtype


# ---------------------------------------------------------------------------------------------------------------
# Operators, registered so that autograd and torch.compile see through them


@torch.library.custom_op("segmamba::convolve3", mutates_args=())
def _forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    sizes, wide = _sizes(x, weight.shape[0]), _width_of_block(x.device.index, weight.shape[0])
    sizes.splits = _splits(sizes, wide, sizes.outputs // wide, x.device.index)
    y = _empty(x, weight.shape[0])
    # (in / 16, 27, 2, out, 8): what a block reads lies together.
    packed = weight.flatten(2).unflatten(1, (-1, 2, 8)).permute(1, 4, 2, 0, 3).contiguous()
    kernel, shared_bytes = _kernel("convolve3", x, wide), _shared_bytes(wide)
    grid = (sizes.splits, sizes.outputs // wide, 1)
    kernel.launch(grid, 32 * 8, (x, packed, bias, y, sizes), shared_bytes)
    return y


@_forward.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return _empty(x, weight.shape[0])


@torch.library.custom_op("segmamba::convolve3_weights_gradient", mutates_args=())
def _weights_gradient(x: Tensor, dy: Tensor) -> Tensor:
    """(out, in, 3, 3, 3) in float32."""
    sizes, wide = _sizes(x, dy.shape[1]), _width_of_block(x.device.index, dy.shape[1])
    parts = sizes.inputs // 16 * (sizes.outputs // wide)
    sizes.splits = _splits(sizes, wide, parts, x.device.index)
    partial = x.new_empty((sizes.splits, 27, sizes.outputs, sizes.inputs), dtype=torch.float32)
    kernel, shared_bytes = _kernel("weights_gradient", x, wide), _shared_bytes(wide)
    grid = (sizes.splits, sizes.inputs // 16, sizes.outputs // wide)
    kernel.launch(grid, 32 * 9, (x, dy, partial, sizes), shared_bytes)
    return partial.sum(0).permute(1, 2, 0).unflatten(2, (3, 3, 3)).contiguous()


@_weights_gradient.register_fake
def _(x: Tensor, dy: Tensor) -> Tensor:
    return x.new_empty((dy.shape[1], x.shape[1], 3, 3, 3), dtype=torch.float32)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, bias = inputs
    ctx.has_bias = bias is not None
    ctx.save_for_backward(x, weight)


def _differentiate(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    dy = dy.contiguous(memory_format=_LAYOUT)
    dx = dw = db = None
    if ctx.needs_input_grad[0]:
        dx = _forward(dy, weight.flip((2, 3, 4)).transpose(0, 1), None)
    if ctx.needs_input_grad[1]:
        dw = _weights_gradient(x, dy).to(weight.dtype)
    if ctx.has_bias:
        db = dy.sum((0, 2, 3, 4), dtype=torch.float32)
    return dx, dw, db


_forward.register_autograd(_differentiate, setup_context=_save)

# ---------------------------------------------------------------------------------------------------------------
# Launching


class _Sizes(ctypes.Structure):
    """`Sizes` of conv3.cu."""

    _fields_ = [
        (name, ctypes.c_int)
        for name in (
            *("batch", "depth", "height", "width", "inputs", "outputs"),
            *("tiles_d", "tiles_h", "tiles_w", "splits"),
        )
    ]


def _sizes(x: Tensor, outputs: int) -> _Sizes:
    batch, inputs, *shape = x.shape
    return _Sizes(batch, *shape, inputs, outputs, *(-(-n // _TILE) for n in shape), 1)


def _splits(sizes: _Sizes, wide: int, parts: int, device: int) -> int:
    """Blocks that share the tiles, where `parts` of them work beside each other on the channels of one tile."""
    tiles = sizes.batch * sizes.tiles_d * sizes.tiles_h * sizes.tiles_w
    at_once = _multiprocessors(device) * (2 if wide == 16 else 1)
    return min(tiles, max(1, at_once // parts))


def _width_of_block(device: int, outputs: int) -> int:
    """Output channels a block computes, the macro WIDE: as many as the GPU's shared memory allows."""
    fitting = [wide for wide in (48, 32, 16) if _shared_bytes(wide) <= _most_shared_bytes(device)]
    return next(wide for wide in fitting if outputs % wide == 0)


def _shared_bytes(wide: int) -> int:
    """Of two stages, each a plane of 16 channels with its border, and the weights (or dy, which is smaller)."""
    above = wide // 8 * (_TILE**3 * 16 + 64)
    return 2 * (2 * (10**3 * 16 + 64) + max(27 * wide * 32, above))


@cache
def _is_hopper(device: int) -> bool:
    """Whether four warps can multiply together: no GPU before Hopper can, and those after it in another way."""
    return torch.cuda.get_device_capability(device) == (9, 0)


@cache
def _multiprocessors(device: int) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count


@cache
def _most_shared_bytes(device: int) -> int:
    properties = torch.cuda.get_device_properties(device)
    return properties.shared_memory_per_block_optin  # type: ignore[attr-defined]  # missing in its stubs alone


def _empty(x: Tensor, channels: int) -> Tensor:
    return torch.empty(
        (x.shape[0], channels, *x.shape[2:]), dtype=x.dtype, device=x.device, memory_format=_LAYOUT
    )


def _kernel(name: str, x: Tensor, wide: int) -> CudaKernel:
    return _compiled(x.device.index, IO_OF[x.dtype], wide, name)


@cache
def _compiled(device: int, io: int, wide: int, name: str) -> CudaKernel:
    return _program(device, io, wide).kernel(name, _shared_bytes(wide))


@cache
def _program(device: int, io: int, wide: int) -> CudaProgram:
    # With fewer output channels than 48, Hopper's own instruction was not faster.
    macros = {"IO": io, "WIDE": wide, "HOPPER": int(wide == 48 and _is_hopper(device))}
    return CudaProgram(Path(__file__).with_name("conv3.cu"), macros, device)
