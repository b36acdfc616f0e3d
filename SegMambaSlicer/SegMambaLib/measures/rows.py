"""The rows of the panel's two tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .linePair import LinePair
from .segmentState import Origin, SegmentState

if TYPE_CHECKING:
    from SegMambaCore.measures.measure import LesionMeasures


@dataclass(frozen=True)
class RegionRow:
    """A region's figures; side: None where nothing was found; means: by role, of the volumes that are selected."""

    region: str
    volumeMl: float
    lesions: int
    specks: int
    side: str | None
    means: Mapping[str, float | None]
    state: SegmentState
    origin: Origin


@dataclass(frozen=True)
class LesionRow:
    """An enhancing lesion's figures: those of its lines where it has some, which the user may have dragged.

    placed: the lines that it was given.
    """

    number: int
    measures: LesionMeasures
    placed: LinePair | None
    leastDiameterMm: float

    @property
    def pair(self) -> LinePair | None:
        """The lesion's lines; None where it has none, or the user has deleted some of them since."""
        return self.placed if self.placed and self.placed.isWhole else None

    @property
    def hasLostLines(self) -> bool:
        """Whether the user has deleted a line or one of its ends."""
        return self.placed is not None and self.pair is None

    @property
    def diametersMm(self) -> tuple[float, float] | None:
        """Longest and perpendicular; None for a lesion too small to have any."""
        if self.pair:
            return self.pair.lengthsMm()
        if self.measures.longest is None or self.measures.perpendicular is None:
            return None
        return self.measures.longest.length_mm, self.measures.perpendicular.length_mm

    @property
    def productMm2(self) -> float | None:
        """The diameters' product."""
        return None if self.diametersMm is None else self.diametersMm[0] * self.diametersMm[1]

    @property
    def isMeasurable(self) -> bool:
        """Whether the diameters are long enough, on enough slices."""
        from SegMambaCore.measures.measurable import is_measurable

        diameters = self.diametersMm
        return diameters is not None and is_measurable(*diameters, self.measures.slices, self.leastDiameterMm)

    @property
    def isTarget(self) -> bool:
        """Whether the user has ticked it."""
        return self.pair is not None and self.pair.isTarget

    @property
    def isEdited(self) -> bool:
        """Whether the user has dragged a line."""
        return self.pair is not None and self.pair.isEdited
