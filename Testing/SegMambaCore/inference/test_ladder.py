"""Memory runs out; the result comes nevertheless."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.ladder import CPU_BYTES_PER_VOXEL, Plan, first_plan, run_down_the_ladder
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.settings import InferenceSettings

from .stand_ins import OutOfMemoryAbove, random_input, spec

SHAPE = (20, 32, 24)
ERRORS = [
    MemoryError(),
    torch.cuda.OutOfMemoryError("CUDA out of memory."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: not enough memory: you tried to allocate"
    ),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("MPS backend out of memory"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error)[:24])
def test_one_pass_that_does_not_fit_becomes_windows(error: Exception) -> None:
    network, x = OutOfMemoryAbove(16**3, error), random_input(SHAPE)
    result = predict(network, spec(), x.numpy(), InferenceSettings(device="cpu"))
    expected = torch.sigmoid(network.convolution(x[None])[0]).detach().numpy()
    np.testing.assert_allclose(result.probabilities, expected, atol=1e-5)
    assert result.window == (16, 16, 16)
    assert result.settings_used.mode == "windows"
    assert result.fallbacks == (
        "Memory ran out on the CPU with 20 x 32 x 24 voxels at once: went on with 16 x 16 x 16.",
    )


def test_windows_shrink_twice() -> None:
    network = OutOfMemoryAbove(8**3, MemoryError())
    result = predict(
        network, spec(), random_input(SHAPE).numpy(), InferenceSettings(mode="windows", device="cpu")
    )
    assert result.window == (8, 8, 8)
    assert len(result.fallbacks) == 2


def test_nothing_fits() -> None:
    network = OutOfMemoryAbove(8**3 - 1, MemoryError())
    with pytest.raises(SegMambaError, match="Out of memory: even 8 x 8 x 8") as caught:
        predict(network, spec(), random_input(SHAPE).numpy(), InferenceSettings(device="cpu"))
    assert len(str(caught.value).splitlines()) <= 3


def test_other_errors_are_not_swallowed() -> None:
    network = OutOfMemoryAbove(0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        predict(network, spec(), random_input(SHAPE).numpy(), InferenceSettings(device="cpu"))


def test_progress_starts_again_on_the_next_rung() -> None:
    told: list[tuple[int, int]] = []
    network = OutOfMemoryAbove(16**3, MemoryError())
    predict(
        network,
        spec(),
        random_input((16, 16, 32)).numpy(),
        InferenceSettings(device="cpu"),
        on_progress=lambda done, total, _: told.append((done, total)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make up a GPU's memory, in GB; 80 until told otherwise."""

    def has(free: float, *, limit: float = 1.0, allocated: float = 0.0, kept: float = 0.0) -> None:
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (int(free * 1e9), 80_000_000_000))
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: int(allocated * 1e9))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: int(kept * 1e9))
        monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda _: limit, raising=False)

    has(80)
    return has


@pytest.mark.usefixtures("gpu")
def test_every_rung_of_a_gpu_in_order() -> None:
    """No GPU needed: the attempt only looks at the plan."""
    asked = InferenceSettings()
    patch, shape = (128, 128, 128), (140, 176, 144)
    big = replace(spec(), patch=patch)
    tried: list[Plan] = []

    def attempt(plan: Plan) -> torch.Tensor:
        tried.append(plan)
        if plan.settings.device != "cpu" or plan.window != patch:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return torch.zeros(1)

    _, plan, fallbacks = run_down_the_ladder(
        attempt, first_plan(asked, "cuda:0", big, shape), asked, big, shape
    )
    assert [(p.settings.device, p.batch, p.host_sums, p.window) for p in tried] == [
        ("cuda:0", 8, False, (128, 128, 128)),
        ("cuda:0", 4, False, (128, 128, 128)),
        ("cuda:0", 2, False, (128, 128, 128)),
        ("cuda:0", 1, False, (128, 128, 128)),
        ("cuda:0", 1, True, (128, 128, 128)),
        ("cuda:0", 1, True, (96, 96, 96)),
        ("cuda:0", 1, True, (64, 64, 64)),
        ("cpu", 1, True, shape),
        ("cpu", 1, True, (128, 128, 128)),
    ]
    assert tried[0].half and not tried[-1].half
    # The CPU's own defaults, as nobody asked for mirrors: eight of them would take minutes.
    assert tried[0].settings.mirror == "all" and plan.settings.mirror == "none"
    assert len(fallbacks) == len(tried) - 1
    assert len(set(fallbacks)) == len(fallbacks)


@pytest.mark.parametrize(
    ("memory", "batch"),
    [
        ({"free": 80}, 8),
        ({"free": 8}, 4),
        ({"free": 6}, 2),
        ({"free": 4}, 1),
        ({"free": 1}, 1),
        ({"free": 80, "limit": 0.1}, 4),  # a limit of 8 GB, as --memory-gb sets it
        ({"free": 2, "allocated": 1, "kept": 9}, 4),  # what PyTorch keeps for later is free too
    ],
    ids=str,
)
def test_the_batch_is_chosen_by_free_memory(
    gpu: Callable[..., None], memory: dict[str, float], batch: int
) -> None:
    gpu(**memory)
    tom = replace(spec(), network="tom", patch=(128, 128, 128))
    assert first_plan(InferenceSettings(), "cuda:0", tom, (140, 176, 144)).batch == batch


@pytest.mark.usefixtures("gpu")
def test_a_batch_stays_where_32_bits_count_its_elements() -> None:
    plan = first_plan(InferenceSettings(mode="onepass"), "cuda:0", spec(), (144, 176, 144))
    assert plan.batch == 4
    assert plan.batch * 144 * 176 * 144 * 96 < 2**31


@pytest.mark.usefixtures("gpu")
def test_mirrors_that_were_asked_for_stay_on_the_cpu() -> None:
    asked = InferenceSettings(mirror="leftright")

    def attempt(plan: Plan) -> torch.Tensor:
        if plan.settings.device != "cpu":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return torch.zeros(1)

    start = first_plan(asked, "cuda:0", spec(), SHAPE)
    _, plan, _ = run_down_the_ladder(attempt, start, asked, spec(), SHAPE)
    assert plan.settings.mirror == "leftright"


def test_what_free_memory_cannot_hold_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(available=CPU_BYTES_PER_VOXEL["small"] * 16**3)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    network = OutOfMemoryAbove(10**9, MemoryError())
    result = predict(network, spec(), random_input(SHAPE).numpy(), InferenceSettings(device="cpu"))
    assert {shape[2:] for shape in network.seen} == {(16, 16, 16)}
    assert result.fallbacks[0].startswith("Memory would run out on the CPU with 20 x 32 x 24")


def test_the_smallest_patch_is_tried_whatever_the_free_memory_looks_like(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=0))
    network = OutOfMemoryAbove(10**9, MemoryError())
    result = predict(network, spec(), random_input(SHAPE).numpy(), InferenceSettings(device="cpu"))
    assert result.window == (8, 8, 8)
