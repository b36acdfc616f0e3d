"""The probability of each region, whatever the network's outputs are."""

from __future__ import annotations

from typing import Any

import numpy as np

from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.regions import REGIONS


def region_probabilities(probabilities: Any, spec: ModelSpec) -> dict[str, Any]:
    """Return the probabilities of WT, TC and ET, each (...), from those of the outputs (outputs, ...), array or tensor.

    Classes that exclude each other are added up. Regions with outputs of their own may contradict each other; as in
    `decide`, the inner one wins: a region is at least as probable as what lies within it.
    """
    if spec.activation == "softmax":
        of_class = dict(zip(spec.outputs, probabilities, strict=True))
        core = of_class["NCR"] + of_class["ET"]
        return {"WT": core + of_class["ED"], "TC": core, "ET": of_class["ET"]}
    own = {region: probabilities[spec.outputs.index(region)] for region in REGIONS}
    core = _larger(own["TC"], own["ET"])
    return {"WT": _larger(own["WT"], core), "TC": core, "ET": own["ET"]}


def _larger(a: Any, b: Any) -> Any:
    return np.maximum(a, b) if isinstance(a, np.ndarray) else a.maximum(b)
