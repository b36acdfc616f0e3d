"""When a pass is launched, recorded and replayed; the recording itself is seen on a GPU only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from SegMambaCore.inference import prepared_network
from SegMambaCore.inference.prepared_network import Passes, PreparedNetwork

from .stand_ins import convolution

CPU = torch.device("cpu")
SHAPE = (2, 4, 8, 8, 8)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, by passes that believe they can record."""
    done: list[str] = []

    class Recording:
        def __init__(self, forward: Callable[[Tensor], Tensor], x: Tensor) -> None:
            done.append("record")
            self._forward, self._x = forward, x

        def takes(self, x: Tensor) -> bool:
            return x is self._x

        def replay(self) -> Tensor:
            done.append("replay")
            return self._x[:, :3]

    monkeypatch.setattr(prepared_network, "RecordedPass", Recording)
    return done


def passes_that_record(done: list[str]) -> tuple[Passes, Tensor]:
    passes = PreparedNetwork(convolution(1)).passes_on(CPU, half=False)
    launch = passes.forward

    def forward(x: Tensor) -> Tensor:
        done.append("launch")
        return launch(x)

    passes.forward = forward
    passes._recordable = True
    return passes, passes.input_of(SHAPE)


def test_the_second_pass_of_many_is_replayed(done: list[str]) -> None:
    passes, x = passes_that_record(done)
    for to_come in (4, 3, 2, 1, 0):
        passes.run(x, to_come)
    assert done == ["launch", "record", "replay", "replay", "replay", "replay"]


def test_few_passes_are_launched(done: list[str]) -> None:
    passes, x = passes_that_record(done)
    for to_come in (2, 1, 0):
        passes.run(x, to_come)
    assert done == ["launch"] * 3


def test_what_cannot_be_recorded_is_launched(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(prepared_network, "RecordedPass", full)
    passes, x = passes_that_record(done)
    for to_come in (4, 3, 2):
        passes.run(x, to_come)
    assert done == ["launch"] * 3


def test_passes_are_kept_for_the_same_device_and_format_alone() -> None:
    ready = PreparedNetwork(convolution(1))
    first = ready.passes_on(CPU, half=False)
    assert ready.passes_on(CPU, half=False) is first
    ready.forget()
    assert ready.passes_on(CPU, half=False) is not first
