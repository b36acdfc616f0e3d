"""How far a result can be trusted, as far as the model itself and its training cases can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.likeness import Unlikeness, Usual, case_figures, unlikeness
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.decide import dropped_regions
from SegMambaCore.segmentation.expected_dice import expected_dice, unsure_regions
from SegMambaCore.segmentation.region_probabilities import region_probabilities
from SegMambaCore.segmentation.regions import REGIONS


@dataclass(frozen=True)
class Trust:
    """What the limits in a model's file say of one result; empty for a file without limits.

    expected_dice: by region, what the network's probabilities promise. unsure: regions whose promise is too low.
    likeness: how far the input lies from the training cases. unlike: whether that is too far.
    dropped_ml: by region, millilitres that were found and left out as too small to be believed.
    """

    expected_dice: dict[str, float] = field(default_factory=dict)
    unsure: tuple[str, ...] = ()
    likeness: Unlikeness | None = None
    unlike: bool = False
    dropped_ml: dict[str, float] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the report and the panel."""
        sentences = []
        if self.unlike and self.likeness is not None:
            sentences.append(
                "The input does not look like the cases that the model was trained on (farthest out: "
                f"{self.likeness.figure}). Check that each contrast has its role and the skull is removed, and look at "
                "the result closely."
            )
        if self.unsure:
            regions = ", ".join(f"{REGIONS[region].title.lower()} ({region})" for region in self.unsure)
            sentences.append(f"The model is unsure of its own result: {regions}. Look at it closely.")
        sentences += [
            f"{REGIONS[region].title} ({region}): {volume:.2f} mL were found and left out, as so little is more often "
            "wrong than right."
            for region, volume in self.dropped_ml.items()
        ]
        return tuple(sentences)


def assess_trust(
    tensor: NDArray[np.float32],
    probabilities: Any,
    masks: Mapping[str, Any],
    spec: ModelSpec,
) -> Trust:
    """Compare a result with the limits in the model's file.

    tensor: the prepared input (channels, D, H, W). probabilities: (outputs, D, H, W). masks: what was decided. Both
    arrays, or tensors wherever they are.
    """
    promises: dict[str, float] = {}
    if spec.least_expected_dice:
        promises = expected_dice(region_probabilities(probabilities, spec), masks)
    likeness, unlike = None, False
    if spec.usual_figures:
        usual = Usual.from_dict(spec.usual_figures)
        likeness = unlikeness(case_figures(tensor, spec.channels), usual)
        unlike = likeness.distance > usual.most_unlike
    dropped = dropped_regions(probabilities, spec) if spec.least_volume_ml else {}
    unsure = unsure_regions(promises, spec.least_expected_dice)
    return Trust(
        expected_dice=promises,
        # What was left out is told with its volume: that it was doubtful goes without saying.
        unsure=tuple(region for region in unsure if region not in dropped),
        likeness=likeness,
        unlike=unlike,
        dropped_ml=dropped,
    )


def trust_figures(trust: Trust, spec: ModelSpec) -> dict[str, Any]:
    """Return the report's entry: figures beside their limits; null where the model's file has none."""
    likeness = None
    if trust.likeness is not None:
        likeness = {
            "distance": round(trust.likeness.distance, 3),
            "limit": spec.usual_figures["most_unlike"],
            "farthest_out": trust.likeness.figure,
            "unlike": trust.unlike,
        }
    return {
        "expected_dice": {region: round(value, 3) for region, value in trust.expected_dice.items()} or None,
        "least_expected_dice": spec.least_expected_dice or None,
        "unsure": list(trust.unsure),
        "input": likeness,
        "left_out_ml": {region: round(volume, 4) for region, volume in trust.dropped_ml.items()},
        "least_volume_ml": spec.least_volume_ml or None,
    }
