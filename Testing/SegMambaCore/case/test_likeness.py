"""Figures of a case against plain NumPy, and what an unusual one is told by."""

from __future__ import annotations

import json

import numpy as np
import pytest

from SegMambaCore.case.case import ROLES
from SegMambaCore.case.likeness import Usual, case_figures, fit_usual, unlikeness

SHAPE = (32, 36, 40)


def _case(seed: int, noise: float = 0.3, volume: float = 1.0) -> np.ndarray:
    """Four channels (4, D, H, W) that share a pattern, each in its own way, in a ball; z-scores."""
    rng = np.random.default_rng(seed)
    d, h, w = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    radius = 0.8 * volume * (1 + 0.02 * rng.normal())
    brain = d**2 + h**2 + w**2 < radius**2
    pattern = np.sin(5 * d + rng.normal()) + np.cos(4 * h)
    other = np.cos(6 * w + rng.normal())
    mixes = (pattern, 0.8 * pattern + 0.3 * other, other - 0.5 * pattern, np.exp(other))
    channels = [mix + noise * rng.normal(size=SHAPE) for mix in mixes]
    return np.stack([np.where(brain, (x - x[brain].mean()) / x[brain].std(), 0) for x in channels]).astype(
        np.float32
    )


CASES = [case_figures(_case(seed), ROLES) for seed in range(30)]
USUAL = fit_usual(CASES)


def test_figures_are_numpys() -> None:
    tensor = _case(0)
    figures = case_figures(tensor, ROLES)
    sample = tensor[:, ::2, ::2, ::2]
    inside = sample[:, (sample != 0).any(0)]
    assert len(figures) == 1 + 4 * 8 + 6
    assert figures["T2, percentile 95"] == pytest.approx(np.percentile(inside[2], 95))
    assert np.tanh(figures["correlation of T1 and T2"]) == pytest.approx(np.corrcoef(inside)[0, 2])
    steps = np.abs(tensor[3, ::2, 1::2, ::2] - tensor[3, ::2, :-1:2, ::2])
    both = (tensor[3, ::2, 1::2, ::2] != 0) & (tensor[3, ::2, :-1:2, ::2] != 0)
    rows = np.log(steps[both].mean())
    assert figures["T2-FLAIR, detail within slices"] == pytest.approx(rows, abs=0.5)


def test_a_case_of_the_same_kind_is_usual() -> None:
    distances = [unlikeness(case_figures(_case(seed), ROLES), USUAL).distance for seed in range(100, 120)]
    assert np.median(distances) == pytest.approx(1, abs=0.35)
    assert np.mean(np.array(distances) > USUAL.most_unlike) <= 0.15


@pytest.mark.parametrize(
    ("tensor", "figure"),
    [
        (_case(7)[[0, 0, 2, 3]], "correlation of T1 and T1Gd"),
        (_case(7)[[0, 1, 3, 2]], "T2"),
        (_case(7, noise=1.5), "detail"),
        (_case(7, volume=1.2), "volume of the brain"),
    ],
)
def test_an_unusual_case_is_told_by_what_is_wrong(tensor: np.ndarray, figure: str) -> None:
    found = unlikeness(case_figures(tensor, ROLES), USUAL)
    assert found.distance > USUAL.most_unlike
    assert figure in found.figure


def test_a_missing_contrast_has_no_figures_and_raises_no_alarm() -> None:
    tensor = _case(101)
    tensor[1] = 0
    figures = case_figures(tensor, ROLES)
    assert not any("T1Gd" in name for name in figures)
    assert unlikeness(figures, USUAL).distance < USUAL.most_unlike


def test_the_distance_is_mahalanobis_over_the_shrunk_correlation() -> None:
    table = np.array([[case[name] for name in USUAL.names] for case in CASES])
    figures = case_figures(_case(50, noise=0.5), ROLES)
    scores = (np.array(list(figures.values())) - table.mean(0)) / table.std(0, ddof=1)
    shrunk = 0.8 * np.corrcoef(table.T) + 0.2 * np.eye(len(scores))
    expected = np.sqrt(scores @ np.linalg.inv(shrunk) @ scores / len(scores))
    assert unlikeness(figures, USUAL).distance == pytest.approx(expected, rel=0.02)


def test_usual_figures_come_back_from_json_and_nonsense_is_refused() -> None:
    assert Usual.from_dict(json.loads(json.dumps(USUAL.to_dict()))) == USUAL
    with pytest.raises(KeyError):
        Usual.from_dict({})
    with pytest.raises(ValueError, match="different lengths"):
        Usual.from_dict({**USUAL.to_dict(), "mean": [1.0]})
