"""What is said of a result without some of the contrasts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from SegMambaCore.case.case import Case
from SegMambaCore.case.missing import missing_figures, missing_sentences
from SegMambaCore.case.prepare import prepare_case
from Testing.SegMambaCore.case.phantoms import coarse_phantom
from Training.model_spec import model_spec

WHOLE, _ = coarse_phantom()
UNTRAINED = model_spec("sigmoid")
TRAINED = replace(
    UNTRAINED,
    missing_contrasts=2,
    figures={"missing": {"t2w": {"WT": "0.8512", "TC": "0.77", "ET": "0.66"}}},
)


def _without(*roles: str) -> Case:
    return replace(WHOLE, volumes={r: v for r, v in WHOLE.volumes.items() if r not in roles}, reference="t1n")


def test_nothing_is_said_of_a_whole_case() -> None:
    assert missing_sentences(WHOLE.missing, UNTRAINED) == ()
    assert missing_figures(WHOLE, TRAINED) == {"roles": [], "trained_for": True, "held_out_dice": None}


def test_a_model_that_was_not_trained_for_it_is_not_to_be_relied_on() -> None:
    (warning,) = missing_sentences(_without("t2w").missing, UNTRAINED)
    assert warning.startswith(
        "T2 is missing, and the model was not trained for that: do not rely on the result."
    )
    assert not missing_figures(_without("t2w"), UNTRAINED)["trained_for"]


def test_what_such_input_reached_is_told_where_it_was_measured() -> None:
    assert missing_sentences(_without("t2w").missing, TRAINED) == (
        "T2 is missing. On held-out cases such input reached a mean Dice of WT 0.85, TC 0.77 and ET 0.66.",
    )
    assert missing_figures(_without("t2w"), TRAINED)["held_out_dice"]["TC"] == 0.77
    assert missing_sentences(_without("t2w", "t1c").missing, TRAINED) == (
        "T1Gd and T2 are missing. How good the model is on such input was not measured.",
    )


@pytest.mark.parametrize("normalisation", ["zscore_brain", "zscore_crop"])
def test_the_missing_channel_is_zero_and_the_others_are_what_they_were(normalisation: str) -> None:
    spec = replace(UNTRAINED, normalisation=normalisation)  # type: ignore[arg-type]
    whole = prepare_case(replace(WHOLE, reference="t1n"), spec)
    prepared = prepare_case(_without("t1c"), spec)
    assert prepared.tensor.shape == whole.tensor.shape
    assert not prepared.tensor[1].any()
    np.testing.assert_allclose(prepared.tensor[[0, 2, 3]], whole.tensor[[0, 2, 3]], atol=1e-5)
    assert prepared.warnings[0].startswith("T1Gd is missing")
