"""From probabilities to the masks of the regions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.least_volume import small_regions, without_small_regions
from SegMambaCore.segmentation.regions import REGIONS

if TYPE_CHECKING:  # PyTorch takes seconds to import, and arrays do without
    from torch import Tensor

_THRESHOLD = 0.5


@overload
def decide(
    probabilities: NDArray[np.float32], spec: ModelSpec, voxel_ml: float | None = None
) -> dict[str, NDArray[np.bool_]]: ...
@overload
def decide(probabilities: Tensor, spec: ModelSpec, voxel_ml: float | None = None) -> dict[str, Tensor]: ...
def decide(probabilities: Any, spec: ModelSpec, voxel_ml: float | None = None) -> dict[str, Any]:
    """Return the masks of WT, TC and ET, each (...), from probabilities (outputs, ...) in the order of the spec.

    An array gives arrays; a tensor gives tensors, on its own device. Regions smaller than the spec's least volume are
    left out. voxel_ml: of the probabilities' grid, where that is not the model's.

    Raises ValueError when the outputs are not those of the spec.
    """
    voxel_ml = _voxel_ml(spec) if voxel_ml is None else voxel_ml
    return without_small_regions(_decided(probabilities, spec), spec.least_volume_ml, voxel_ml)


def dropped_regions(probabilities: NDArray[np.float32] | Tensor, spec: ModelSpec) -> dict[str, float]:
    """Return the millilitres of each region that `decide` leaves out because it is too small."""
    return small_regions(_decided(probabilities, spec), spec.least_volume_ml, _voxel_ml(spec))


def _voxel_ml(spec: ModelSpec) -> float:
    return math.prod(spec.spacing) / 1000


def _decided(probabilities: Any, spec: ModelSpec) -> dict[str, Any]:
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
