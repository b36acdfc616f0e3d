"""The phantom's tumour: necrotic core, enhancing rim, oedema."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.sample.anatomy import CORTEX, CSF, VESSEL, Anatomy
from SegMambaCore.sample.canvas import Canvas, Field, Mass

NECROSIS, OEDEMA, ENHANCING = 1, 2, 3


@dataclass(frozen=True)
class TumourPlan:
    """Where and how large, in the head frame and millimetres.

    radius: of core and rim together; rim: its thickness; oedema: how far it reaches beyond.
    """

    centre: tuple[float, float, float]
    radius: float
    rim: float
    oedema: float

    @property
    def mass(self) -> Mass:
        """What pushes the tissue around it away."""
        return Mass(self.centre, self.radius + 6)

    @staticmethod
    def drawn(rng: np.random.Generator) -> TumourPlan:
        """Draw a tumour in the white matter of one hemisphere."""
        side = rng.choice((-1.0, 1.0))
        centre = (side * rng.uniform(26, 38), rng.uniform(-42, 38), rng.uniform(8, 30))
        return TumourPlan(centre, rng.uniform(11, 21), rng.uniform(3.0, 5.5), rng.uniform(6, 13))


def draw_tumour(
    rng: np.random.Generator, canvas: Canvas, plan: TumourPlan, anatomy: Anatomy
) -> tuple[NDArray[np.uint8], Field]:
    """Return the label map (1 necrosis, 2 oedema, 3 enhancing) and the distance from the core in mm."""
    frame, noise = canvas.frame, partial(canvas.noise, rng)
    stretch = rng.uniform(0.8, 1.25, size=3).astype(np.float32)
    x, y, z = (
        (axis - np.float32(middle)) / factor
        for axis, middle, factor in zip((frame.x, frame.y, frame.z), plan.centre, stretch, strict=True)
    )
    distance = np.sqrt(x**2 + y**2 + z**2) - np.float32(plan.radius)
    core_edge = distance + 0.16 * plan.radius * noise(7) + 0.8 * noise(3)
    rim = np.maximum(plan.rim * (1 + 0.45 * noise(7)), 1.0)
    # Oedema follows the white matter in fingers and stops short of the cortex, at sulci and at ventricles.
    reach = plan.oedema + 4.0 * noise(11) + 1.5 * noise(4) - np.float32(6) * (anatomy.tissue == CORTEX)

    labels = np.zeros(canvas.shape, dtype=np.uint8)
    passable = anatomy.brain & (anatomy.tissue != CSF) & (anatomy.tissue != VESSEL)
    labels[passable & (core_edge < reach)] = OEDEMA
    labels[anatomy.brain & (anatomy.depth > 2) & (core_edge < 0)] = ENHANCING
    labels[(labels == ENHANCING) & (core_edge < -rim)] = NECROSIS
    return labels, core_edge
