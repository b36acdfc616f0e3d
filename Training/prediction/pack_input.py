"""A pack as the case that it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.case.prepare import place_back
from SegMambaCore.case.prepared import PreparedCase
from SegMambaCore.case.read_case import source_sha256
from SegMambaCore.command.choices import Choices
from SegMambaCore.command.make_ready import ReadyStudy
from SegMambaCore.command.steps import Steps
from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.preparation.prepare_study import leave_as_is
from SegMambaCore.volume.convert import lps_geometry
from SegMambaCore.volume.resample import resample, to_orientation
from SegMambaCore.volume.volume import Grid, Volume
from Training.case_pack import SUFFIX, PackHead, read_pack
from Training.model_spec import model_spec

_MADE_FOR = ("orientation", "spacing", "normalisation")


@dataclass(frozen=True)
class PackInput:
    """See `Input`. The result lies on the grid of the scans that the pack was made of."""

    path: Path

    @property
    def name(self) -> str:
        """See `Input`."""
        return self.path.name.removesuffix(SUFFIX)

    def sources(self) -> dict[str, Path]:
        """See `Input`."""
        return dict.fromkeys(ROLES, self.path)

    @property
    def is_prepared(self) -> bool:
        """See `Input`."""
        return True

    def read(self, spec: ModelSpec, choices: Choices, steps: Steps) -> ReadyStudy:
        """See `Input`. Intensities are the scanner's, but for the pack's quantisation."""
        steps.begin("read")
        for name in _MADE_FOR:
            ours, theirs = getattr(model_spec("sigmoid"), name), getattr(spec, name)
            if ours != theirs:
                raise SegMambaError(
                    f"{self.path}: packs have {name} {ours}, the model {spec.name} wants {theirs}. Predict the scans."
                )
        pack = read_pack(self.path)
        tensor = pack.tensor()
        volumes = {
            role: _scan(channel, mean, deviation, pack.head, role)
            for role, channel, mean, deviation in zip(
                ROLES, tensor, pack.head.mean, pack.head.deviation, strict=True
            )
        }
        hashes = dict.fromkeys(ROLES, source_sha256(self.path))
        channels = tensor[[ROLES.index(role) for role in spec.channels]]
        case = Case(volumes, sources={**self.sources()}, hashes=hashes)
        return ReadyStudy(leave_as_is(case), PreparedCase(channels, pack.head.record, pack.head.notes))


def _scan(
    z_scores: NDArray[np.float32], mean: np.float32, deviation: np.float32, head: PackHead, role: str
) -> Volume:
    """Return a contrast on the reference's grid, 0 outside of the brain."""
    scanner = np.where(z_scores != 0, z_scores * deviation + mean, np.float32(0))
    record = head.record
    whole = Volume(place_back(scanner, record, 0), record.model_grid.affine, f"{head.name} {role}")
    turned = to_orientation(whole, _orientation(record.reference_grid))
    return turned if turned.grid.matches(record.reference_grid) else resample(whole, record.reference_grid)


def _orientation(grid: Grid) -> str:
    _, _, direction = lps_geometry(grid)
    return sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(direction)
