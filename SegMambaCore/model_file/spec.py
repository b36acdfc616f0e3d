"""What a weights file says about the network it holds and the input it was trained with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SEGMAMBA_NETWORKS = ("tom", "paper", "small")
"""The networks that SegMambaCore builds: see `build_network`."""


@dataclass(frozen=True)
class ModelSpec:
    """The metadata of a weights file; stored as JSON in its safetensors header.

    network: one of SEGMAMBA_NETWORKS; another name in the file of a network that somebody else builds, which is read
        only by whom knows that name (see `read_model`).
    channels: roles in the order of the input channels.
    spacing: millimetres along the tensor's (D, H, W) axes, i.e. the array axes (k, j, i).
    orientation: anatomical direction towards which the array's i, j, k axes run; "LPS" is BraTS (D = k runs
        to superior).
    normalisation: "zscore_brain": per channel over the voxels that differ from background, which becomes 0;
        "zscore_crop": per channel over the whole box, background included (the public code's way).
    cases: names of the cases it was trained on: nothing measured on them is worth anything.
    missing_contrasts: how many contrasts may be missing (0 in their place) in the input it was trained for.
    least_volume_ml: by region; what is found with less is taken for absent. Chosen on held-out cases.
    least_expected_dice: by region; a lower promise of its own probabilities (`expected_dice`) is worth a warning.
    usual_figures: of its training cases, `Usual.to_dict`; a case that lies far from them is worth a warning.
    activation: "sigmoid" over `outputs` = regions ("WT", "TC", "ET"), or "softmax" over `outputs` = classes
        ("background", "NCR", "ED", "ET").
    """

    name: str
    network: str
    channels: tuple[str, ...]
    spacing: tuple[float, float, float]
    orientation: str
    normalisation: Literal["zscore_brain", "zscore_crop"]
    activation: Literal["sigmoid", "softmax"]
    outputs: tuple[str, ...]
    patch: tuple[int, int, int] = (128, 128, 128)
    training: str = ""
    cases: tuple[str, ...] = ()
    date: str = ""
    licence: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    missing_contrasts: int = 0
    least_volume_ml: dict[str, float] = field(default_factory=dict)
    least_expected_dice: dict[str, float] = field(default_factory=dict)
    usual_figures: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the spec as one line of JSON."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> ModelSpec:
        """Parse what `to_json` wrote. Raises ValueError or TypeError when keys are missing or unknown."""
        fields = json.loads(text)
        for key in ("channels", "spacing", "outputs", "patch", "cases"):
            if key in fields:
                fields[key] = tuple(fields[key])
        return ModelSpec(**fields)
