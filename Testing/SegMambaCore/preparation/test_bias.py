"""An uneven coil is taken out of the brain, and nothing else changes."""

from __future__ import annotations

import numpy as np

from SegMambaCore.preparation.bias import without_bias
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom


def test_a_bias_field_is_taken_out() -> None:
    even = coarse_phantom()[0].volumes["t1n"]
    brain = even.array > 0
    k = np.linspace(-1, 1, even.array.shape[0])[:, None, None]
    field = np.broadcast_to(np.exp(0.4 * k), even.array.shape)
    corrected = without_bias(Volume((even.array * field).astype(np.float32), even.affine), None)
    before, after = (
        np.log(array[brain] / even.array[brain]).std() for array in (even.array * field, corrected.array)
    )
    assert after < 0.5 * before
    np.testing.assert_array_equal(corrected.array != 0, brain)
