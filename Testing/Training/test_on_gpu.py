"""Samples are drawn and changed while the GPU works: nothing makes the host wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from Testing.Training.synthetic import synthetic_pack, tiny_config
from Training.augmentation import augment_intensities
from Training.case_store import NOT_BRAIN, CaseStore
from Training.sampling import draw_batch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture
def waiting_is_an_error() -> Iterator[None]:
    yield torch.cuda.set_sync_debug_mode("error")
    torch.cuda.set_sync_debug_mode("default")


def _always() -> object:
    settings = tiny_config().augmentation
    certain = {name: 1.0 for name in vars(settings) if name.startswith("p_")}
    return replace(settings, **certain)  # type: ignore[arg-type]


@pytest.mark.parametrize("whole", [True, False])
def test_no_sample_waits_for_the_gpu(whole: bool, request: pytest.FixtureRequest) -> None:
    packs = [synthetic_pack(name, (40, 44, 36), seed) for seed, name in enumerate("ab")]
    store = CaseStore(packs, torch.device("cuda"))
    config = tiny_config(augmentation=_always())
    rng = np.random.default_rng(0)
    request.getfixturevalue("waiting_is_an_error")
    for _ in range(5):
        images, tissue = draw_batch(store, config, whole, [rng])
        changed = augment_intensities(images, tissue != NOT_BRAIN, config.augmentation, [rng])
    torch.cuda.set_sync_debug_mode("default")
    assert torch.isfinite(changed).all()
