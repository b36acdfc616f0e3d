"""What becomes of the logits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from SegMambaCore.inference.prediction import Prediction
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.segmentation.decide import decide

from .stand_ins import SPEC

CLASSES = replace(SPEC, activation="softmax", outputs=("background", "NCR", "ED", "ET"))


@pytest.mark.parametrize("spec", [SPEC, CLASSES], ids=["sigmoid", "softmax"])
def test_masks_are_what_is_decided_from_the_probabilities(spec) -> None:
    logits = torch.randn(len(spec.outputs), 6, 7, 8, generator=torch.Generator().manual_seed(0))
    prediction = Prediction(logits, spec, InferenceSettings(), (6, 7, 8), (), 0.0)
    expected = torch.sigmoid(logits) if spec is SPEC else torch.softmax(logits, 0)
    np.testing.assert_array_equal(prediction.probabilities, expected.numpy())
    masks = decide(prediction.probabilities, spec)
    assert prediction.masks.keys() == masks.keys()
    for region, mask in masks.items():
        assert prediction.masks[region].dtype == np.bool_
        np.testing.assert_array_equal(prediction.masks[region], mask)
