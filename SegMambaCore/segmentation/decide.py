"""From probabilities to the masks of the regions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.regions import REGIONS

_THRESHOLD = 0.5


def decide(probabilities: NDArray[np.float32], spec: ModelSpec) -> dict[str, NDArray[np.bool_]]:
    """Return the masks of WT, TC and ET, each (...), from probabilities (outputs, ...) in the order of the spec.

    Raises ValueError when the outputs are not those of the spec.
    """
    if len(probabilities) != len(spec.outputs):
        raise ValueError(f"Probabilities of {len(probabilities)} outputs for {', '.join(spec.outputs)}.")
    if spec.activation == "softmax":
        classes = probabilities.argmax(axis=0)
        label = {name: classes == number for number, name in enumerate(spec.outputs)}
        core = label["NCR"] | label["ET"]
        return {"WT": core | label["ED"], "TC": core, "ET": label["ET"]}

    masks = {region: probabilities[spec.outputs.index(region)] >= _THRESHOLD for region in REGIONS}
    # Three independent outputs may disagree. The inner region wins and the outer ones grow: a label map, with
    # its one label a voxel, says the same, and a voxel too much of oedema does less harm than a lost
    # enhancing focus.
    masks["TC"] |= masks["ET"]
    masks["WT"] |= masks["TC"]
    return masks
