"""The kernels of patches.cu against flips and slices: on a CPU, and on a GPU where there is one."""

from __future__ import annotations

import pytest
import torch

from SegMambaCore.inference.cuda_patches import add_outputs_cuda, takes, takes_outputs, write_patches_cuda
from SegMambaCore.inference.mirrors import mirror_axes

from ..gpu.emulation import emulated, needs_compiler  # noqa: F401

LAYOUT = torch.channels_last_3d
BOX = (slice(2, 7), slice(0, 4), slice(3, 9))
SHAPE = (9, 4, 10)


def volume(channels: int, dtype: torch.dtype, device: str) -> torch.Tensor:
    x = torch.randn(1, channels, *SHAPE, generator=torch.Generator().manual_seed(0)).to(device, dtype)
    return x.contiguous(memory_format=LAYOUT)


def check_patches(channels: int, dtype: torch.dtype, device: str) -> None:
    source, axes = volume(channels, dtype, device), mirror_axes("all", "LPS")
    batch = torch.full((8, channels, 5, 4, 6), -7.0, dtype=dtype, device=device).contiguous(
        memory_format=LAYOUT
    )
    assert takes(source, batch, 8)
    write_patches_cuda(batch, source, BOX, axes)
    patch = source[(slice(None), slice(None), *BOX)]
    assert torch.equal(batch, torch.cat([patch.flip(of_job) for of_job in axes]))


def check_sums(outputs: int, dtype: torch.dtype, device: str, *, weighted: bool, padded: bool) -> None:
    axes = mirror_axes("all", "LPS")[: 5 if padded else 8]
    g = torch.Generator().manual_seed(1)
    size = (6, 8, 7) if padded else (5, 4, 6)  # a network that pads returns a part of a larger tensor
    whole = (
        torch.randn(len(axes), outputs, *size, generator=g).to(device, dtype).contiguous(memory_format=LAYOUT)
    )
    logits = whole[..., :5, :4, :6]
    weights = torch.rand(5, 4, 6, generator=g).to(device) if weighted else None
    sums = torch.randn(outputs, *SHAPE, generator=g).to(device)
    expected = sums.double()
    for output, of_job in zip(logits.double().split(1), axes, strict=True):
        expected[(slice(None), *BOX)] += output.flip(of_job)[0] * (1 if weights is None else weights.double())
    assert takes_outputs(sums, logits)
    add_outputs_cuda(sums, logits, weights, BOX, axes)
    torch.testing.assert_close(sums.double(), expected, atol=5e-6, rtol=1e-6)


WAYS = [(3, torch.bfloat16, True, True), (4, torch.float32, False, False), (3, torch.bfloat16, True, False)]


@needs_compiler
@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(("channels", "dtype"), [(4, torch.float16), (3, torch.float32), (1, torch.bfloat16)])
def test_a_patch_in_all_its_reflections(channels: int, dtype: torch.dtype) -> None:
    check_patches(channels, dtype, "cpu")


@needs_compiler
@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(("outputs", "dtype", "weighted", "padded"), WAYS)
def test_outputs_come_back_weighted(outputs: int, dtype: torch.dtype, weighted: bool, padded: bool) -> None:
    check_sums(outputs, dtype, "cpu", weighted=weighted, padded=padded)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu() -> None:
    check_patches(4, torch.float16, "cuda")
    check_patches(3, torch.float32, "cuda")
    for outputs, dtype, weighted, padded in [*WAYS, (3, torch.float16, True, True)]:
        check_sums(outputs, dtype, "cuda", weighted=weighted, padded=padded)


def test_what_the_kernels_take() -> None:
    batch, sums = volume(4, torch.float16, "cpu"), torch.zeros(3, 4, 4, 4)
    assert not takes(volume(4, torch.float32, "cpu"), batch, 1)  # of another type
    assert not takes(batch.contiguous(), batch, 1)  # channels first
    assert not takes(batch, batch, 9)
    assert not takes_outputs(sums, torch.zeros(9, 3, 4, 4, 4).contiguous(memory_format=LAYOUT))
    assert not takes_outputs(sums, torch.zeros(1, 3, 4, 4, 4))
