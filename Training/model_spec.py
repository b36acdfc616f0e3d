"""What the trained weights will say about themselves; what their input must look like."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Literal

from SegMambaCore.case.case import ROLES
from SegMambaCore.model_file.spec import ModelSpec

if TYPE_CHECKING:  # it imports PyTorch, which preparing cases does not need
    from Training.networks.registry import NetworkName

Activation = Literal["sigmoid", "softmax"]

OUTPUTS: dict[Activation, tuple[str, ...]] = {
    "sigmoid": ("WT", "TC", "ET"),
    "softmax": ("background", "NCR", "ED", "ET"),
}


def model_spec(
    activation: Activation,
    network: NetworkName = "small",
    patch: tuple[int, int, int] = (128, 128, 128),
    training: str = "",
    cases: Iterable[str] = (),
    missing_contrasts: int = 0,
) -> ModelSpec:
    """Return the metadata of weights trained here: BraTS orientation and spacing, z-score over the brain."""
    return ModelSpec(
        name=f"{network}-brats-{activation}",
        network=network,
        channels=ROLES,
        spacing=(1.0, 1.0, 1.0),
        orientation="LPS",
        normalisation="zscore_brain",
        activation=activation,
        outputs=OUTPUTS[activation],
        patch=patch,
        training=training,
        cases=tuple(sorted(cases)),
        date=date.today().isoformat(),
        missing_contrasts=missing_contrasts,
        licence="weights: research use only, see the model card",
    )
