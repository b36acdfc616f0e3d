"""Probabilities of regions from either kind of outputs; they agree with what `decide` makes of them."""

from __future__ import annotations

import numpy as np

from SegMambaCore.segmentation.decide import decide
from SegMambaCore.segmentation.region_probabilities import region_probabilities
from Training.model_spec import model_spec

RNG = np.random.default_rng(0)


def test_classes_add_up() -> None:
    classes = RNG.dirichlet(np.ones(4), size=50).T.astype(np.float32)  # background, NCR, ED, ET
    regions = region_probabilities(classes, model_spec("softmax"))
    np.testing.assert_allclose(regions["WT"], 1 - classes[0], atol=1e-6)
    np.testing.assert_allclose(regions["TC"], classes[1] + classes[3], atol=1e-6)
    np.testing.assert_array_equal(regions["ET"], classes[3])


def test_regions_nest_and_their_halves_are_the_masks() -> None:
    outputs = RNG.random((3, 500), dtype=np.float32)
    spec = model_spec("sigmoid")
    regions, masks = region_probabilities(outputs, spec), decide(outputs, spec)
    assert (regions["WT"] >= regions["TC"]).all() and (regions["TC"] >= regions["ET"]).all()
    for region, mask in masks.items():
        np.testing.assert_array_equal(regions[region] >= 0.5, mask)
