"""What the limits in a model's file make of a result: figures, sentences, and silence without limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from SegMambaCore.case.case import ROLES
from SegMambaCore.case.likeness import case_figures, fit_usual
from SegMambaCore.segmentation.decide import decide
from SegMambaCore.segmentation.trust import Trust, assess_trust, trust_figures
from Training.model_spec import model_spec

SPEC = model_spec("sigmoid")
SHAPE = (24, 24, 24)


def _tensor(seed: int) -> np.ndarray:
    tensor = np.zeros((4, *SHAPE), np.float32)
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(1, 20, 20, 20))
    tensor[:, 2:-2, 2:-2, 2:-2] = shared + rng.normal(size=(4, 20, 20, 20))
    return tensor


def _probabilities(enhancing: float, voxels: int = 8) -> np.ndarray:
    probabilities = np.full((3, *SHAPE), 0.001, np.float32)
    probabilities[:2, 4:16, 4:16, 4:16] = 0.99
    probabilities[2, 6:8, 6:8, 6 : 6 + voxels // 4] = enhancing
    return probabilities


def _assess(spec: object, probabilities: np.ndarray, tensor: np.ndarray | None = None) -> Trust:
    tensor = _tensor(50) if tensor is None else tensor
    return assess_trust(tensor, probabilities, decide(probabilities, spec), spec)  # type: ignore[arg-type]


def test_a_file_without_limits_says_nothing() -> None:
    trust = _assess(SPEC, _probabilities(0.6))
    assert trust == Trust()
    assert trust.warnings == ()
    figures = trust_figures(trust, SPEC)
    assert (figures["expected_dice"], figures["input"], figures["left_out_ml"]) == (None, None, {})


def test_a_region_that_promises_little_is_named() -> None:
    spec = replace(SPEC, least_expected_dice={"WT": 0.8, "ET": 0.9})
    trust = _assess(spec, _probabilities(0.55, voxels=40))
    assert trust.unsure == ("ET",)
    assert trust.warnings == (
        "The model is unsure of its own result: enhancing tumor (ET). Look at it closely.",
    )
    figures = trust_figures(trust, spec)
    assert figures["expected_dice"]["WT"] > 0.95 > 0.9 > figures["expected_dice"]["ET"]
    assert figures["least_expected_dice"] == {"WT": 0.8, "ET": 0.9}


def test_what_was_left_out_is_told_with_its_volume() -> None:
    spec = replace(SPEC, least_volume_ml={"ET": 0.05}, least_expected_dice={"ET": 0.99})
    trust = _assess(spec, _probabilities(0.9, voxels=32))
    assert trust.warnings == (
        "Enhancing tumor (ET): 0.03 mL were found and left out, as so little is more often wrong than right.",
    )
    assert trust_figures(trust, spec)["left_out_ml"] == {"ET": 0.032}


def test_an_unlike_input_is_told_by_the_figure_that_is_farthest_out() -> None:
    usual = fit_usual([case_figures(_tensor(seed), ROLES) for seed in range(30)])
    spec = replace(SPEC, usual_figures=usual.to_dict())
    assert not _assess(spec, _probabilities(0.9)).warnings
    without_agent = _tensor(50)[[0, 0, 2, 3]]
    trust = _assess(spec, _probabilities(0.9), without_agent)
    assert "farthest out: correlation of T1 and T1Gd" in trust.warnings[0]
    figures = trust_figures(trust, spec)["input"]
    assert figures["unlike"] and figures["distance"] > figures["limit"] == usual.most_unlike
