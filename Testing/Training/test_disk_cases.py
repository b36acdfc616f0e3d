"""Cases on the disk give the samples that cases in memory give, read ahead by other processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from SegMambaCore.errors import SegMambaError
from Testing.Training.synthetic import SHIPPED, synthetic_pack, tiny_config
from Training import sampling
from Training.case_pack import write_pack
from Training.case_store import CaseStore
from Training.cases import open_cases, whole_box
from Training.config import Augmentation, Config, read_config
from Training.disk_cases import DiskCases, _Boxes
from Training.sampling import draw_batch, reads_of
from Training.training_batch import coming_reads, shows_whole_brain, training_batch

CPU = torch.device("cpu")
SHAPES = ((70, 48, 40), (40, 66, 36), (36, 40, 72))
PACKS = [synthetic_pack(f"case{number}", shape, number) for number, shape in enumerate(SHAPES)]
NAMES = [pack.name for pack in PACKS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs")
    for pack in PACKS:
        write_pack(pack, folder)
    return folder


def _changed_often(**changes: object) -> Config:
    shipped = read_config(SHIPPED).augmentation
    often = {name: 0.5 for name in vars(shipped) if name.startswith("p_")} | {"p_skull": 0.0}
    names = {name: value for name, value in often.items() if name in Augmentation.__dataclass_fields__}
    return tiny_config(augmentation=replace(shipped, **names), **changes)  # type: ignore[arg-type]


def test_boxes_are_those_of_the_cases_in_memory(folder: Path) -> None:
    store, disk = CaseStore(PACKS, CPU), DiskCases(folder, NAMES, CPU, workers=0)
    assert (disk.shapes, len(disk)) == (store.shapes, len(store))
    for case, box in [(0, (slice(31, 70), slice(0, 48), slice(5, 7))), (2, whole_box(SHAPES[2]))]:
        for ours, theirs in zip(disk.crop(case, box), store.crop(case, box), strict=True):
            assert (ours.dtype, ours.device) == (theirs.dtype, theirs.device)
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_a_sample_is_the_same_when_only_its_box_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    store, config = CaseStore(PACKS, CPU), _changed_often(p_tumor=0.5)
    # These two need all of a case.
    settings = replace(config.augmentation, p_elastic=0.0, p_lesion_paste=0.0)
    config = replace(config, augmentation=settings)
    volume = 0.0

    def everything(_plan: object, _shape: object, case: tuple[int, int, int]) -> object:
        return whole_box(case)

    def generators() -> list[np.random.Generator]:
        return [np.random.default_rng((7, n)) for n in range(24)]

    boxes = draw_batch(store, config, False, generators())
    for case, box in reads_of(store, config, False, generators()):
        volume += np.prod([side.stop - side.start for side in box]) / np.prod(SHAPES[case])
    monkeypatch.setattr(sampling, "_box_of", everything)
    wholes = draw_batch(store, config, False, generators())
    np.testing.assert_allclose(boxes[0].numpy(), wholes[0].numpy(), atol=2e-4)
    # A voxel halfway between two may fall to either.
    assert (boxes[1] != wholes[1]).float().mean() < 1e-3
    assert volume < 0.5 * 24


@pytest.fixture
def nothing_is_read_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise AssertionError("read while the training waited")

    yield monkeypatch.setattr(_Boxes, "__getitem__", refuse)


def test_processes_read_ahead_what_a_resumed_training_will_need(
    folder: Path, nothing_is_read_here: None
) -> None:
    config = _changed_often(p_whole=0.3)
    store, disk = CaseStore(PACKS, CPU), DiskCases(folder, NAMES, CPU, workers=2)
    batches, first = (1, 2), 5  # those of one of several processes
    disk.expect(coming_reads(disk, config, first, batches))
    for step in range(first, first + 6):
        for batch in batches:
            whole = shows_whole_brain(config, step)
            for ours, theirs in zip(
                training_batch(disk, config, whole, step, batch),
                training_batch(store, config, whole, step, batch),
                strict=True,
            ):
                np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_a_pack_that_was_damaged_meanwhile_is_named(tmp_path: Path) -> None:
    path = write_pack(PACKS[0], tmp_path)
    disk = DiskCases(tmp_path, NAMES[:1], CPU, workers=1)
    box = whole_box(SHAPES[0])
    path.write_bytes(path.read_bytes()[:3000])
    disk.expect([(0, box)])
    with pytest.raises(SegMambaError, match=r"case0\.b2nd: is damaged"):
        disk.crop(0, box)


def test_cases_stay_on_the_disk_where_memory_is_too_small(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(open_cases(folder, NAMES, CPU), CaseStore)
    size = sum(5 * np.prod(shape) for shape in SHAPES)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1.9 * size))
    assert isinstance(open_cases(folder, NAMES, CPU), DiskCases)
    with pytest.raises(SegMambaError, match=r"other\.b2nd: there is no such pack"):
        open_cases(folder, ["other"], CPU)
    with pytest.raises(SegMambaError, match="no packs to train on"):
        open_cases(folder, [], CPU)
