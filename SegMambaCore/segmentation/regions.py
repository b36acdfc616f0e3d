"""The three regions of a brain tumor, and the BraTS label maps that encode them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.errors import SegMambaError


@dataclass(frozen=True)
class Region:
    """A nested part of the tumor.

    key: BraTS' abbreviation. title: its full name. colour: red, green, blue in 0..1.
    """

    key: str
    title: str
    colour: tuple[float, float, float]


# Cyan, yellow and red stay apart from each other and from an image's grey for every kind of colour
# blindness, where the customary green would turn grey or yellow.
REGIONS = {
    "WT": Region("WT", "Whole tumor", (0.0, 0.72, 0.82)),
    "TC": Region("TC", "Tumor core", (1.0, 0.82, 0.1)),
    "ET": Region("ET", "Enhancing tumor", (0.95, 0.2, 0.2)),
}
"""From the outermost to the innermost: ET lies within TC, TC within WT."""

LabelConvention = Literal["brats2021", "brats2023"]

NECROTIC_LABEL = 1  # NCR, with the non-enhancing tumor
OEDEMA_LABEL = 2  # ED
ENHANCING_LABEL: dict[LabelConvention, int] = {"brats2021": 4, "brats2023": 3}

_FOREIGN_LABEL_HINTS: dict[tuple[LabelConvention, int], str] = {
    ("brats2021", 3): "In BraTS 2023 it is enhancing tumor: read the file as brats2023 if it follows that.",
    ("brats2023", 4): "It is enhancing tumor up to BraTS 2021 and resection cavity from 2024 on:"
    " read the file as brats2021 only if it is of the former kind.",
}


def regions_from_label_map(
    label_map: NDArray, convention: LabelConvention, name: str = "label map"
) -> dict[str, NDArray[np.bool_]]:
    """Return the masks of WT, TC and ET, each of the label map's shape.

    name: what the error calls the label map.
    Raises SegMambaError for a label that the convention does not know.
    """
    enhancing = label_map == ENHANCING_LABEL[convention]
    core = enhancing | (label_map == NECROTIC_LABEL)
    whole = core | (label_map == OEDEMA_LABEL)
    foreign = label_map[~whole & (label_map != 0)]
    if foreign.size:
        raise SegMambaError(_foreign_label_message(float(foreign[0]), convention, name))
    return {"WT": whole, "TC": core, "ET": enhancing}


def label_map_from_regions(
    masks: Mapping[str, NDArray[np.bool_]], convention: LabelConvention
) -> NDArray[np.uint8]:
    """Return the label map of three masks, of their shape.

    Where masks are not nested, the innermost region decides, as in BraTS' own conversion.
    """
    label_map = np.zeros(masks["WT"].shape, dtype=np.uint8)
    label_map[masks["WT"]] = OEDEMA_LABEL
    label_map[masks["TC"]] = NECROTIC_LABEL
    label_map[masks["ET"]] = ENHANCING_LABEL[convention]
    return label_map


def _foreign_label_message(label: float, convention: LabelConvention, name: str) -> str:
    known = f"0, {NECROTIC_LABEL}, {OEDEMA_LABEL} and {ENHANCING_LABEL[convention]}"
    message = f"{name}: holds the label {label:g}, but {convention} knows only {known}."
    for (hint_convention, hint_label), hint in _FOREIGN_LABEL_HINTS.items():
        if (hint_convention, hint_label) == (convention, label):
            message += f"\n{hint}"
    return message
