"""Random displacements: as large and as smooth as asked for, and applied along the right axes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from Testing.Training.synthetic import synthetic_pack, tiny_config
from Training import sampling
from Training.case_store import CaseStore
from Training.elastic import displacement_field
from Training.sampling import draw_batch

CPU = torch.device("cpu")


@pytest.mark.parametrize("sigma", [2.0, 4.0, 7.0])
def test_displacements_have_unit_deviation_and_the_correlation_of_smoothed_noise(sigma: float) -> None:
    fields = torch.cat(
        [displacement_field((64, 64, 64), sigma, CPU, np.random.default_rng(n)) for n in range(6)]
    ).numpy()
    assert fields.shape == (18, 64, 64, 64)
    assert fields.mean() == pytest.approx(0.0, abs=0.15)
    assert fields.std() == pytest.approx(1.0, abs=0.1)
    lag = round(sigma)
    # White noise smoothed by a Gaussian is correlated as exp(-d^2 / 4 sigma^2).
    expected = np.exp(-(lag**2) / (4 * sigma**2))
    for axis in (1, 2, 3):
        moved = np.moveaxis(fields, axis, -1)
        found = (moved[..., :-lag] * moved[..., lag:]).mean() / (fields**2).mean()
        assert found == pytest.approx(expected, abs=0.06)


def test_a_bent_sample_agrees_with_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = synthetic_pack("bent", (24, 20, 28))
    settings = replace(
        tiny_config().augmentation,
        p_elastic=1.0,
        elastic_sigma_voxels=(4.0, 4.0),
        elastic_deviation_voxels=(1.5, 1.5),
    )
    shape = (24, 20, 28)
    field = displacement_field(shape, 4.0, CPU, np.random.default_rng(7))
    monkeypatch.setattr(sampling, "displacement_field", lambda *_: field)
    config = tiny_config(whole=shape, augmentation=settings)
    images, _ = draw_batch(CaseStore([pack], CPU), config, True, [np.random.default_rng(0)])

    where = np.indices(shape) + 1.5 * field.numpy()
    oracle = np.stack([map_coordinates(channel, where, order=1) for channel in pack.tensor()])
    inside = map_coordinates((pack.tensor() != 0).any(0).astype(float), where, order=1) > 0.999
    assert inside.sum() > 2000
    np.testing.assert_allclose(images[0].numpy()[:, inside], oracle[:, inside], atol=2e-3)
