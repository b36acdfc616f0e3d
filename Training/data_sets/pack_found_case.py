"""From a case that was found to its pack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.case.prepare import crop_to_box, prepare_case
from SegMambaCore.case.prepared import PreparedCase
from SegMambaCore.volume.resample import resample, to_orientation
from Training.case_pack import write_pack
from Training.data_sets.checks import check_complete, check_grids, check_labels
from Training.data_sets.found_case import FoundCase
from Training.model_spec import model_spec
from Training.quantise import pack_case


def pack_found_case(found: FoundCase, output: Path) -> Path:
    """Read, check, prepare and pack a case; return the pack's path.

    What the network will see is made by `SegMambaCore.case`, as a user's case is.
    Raises SegMambaError when a file is missing or unusable, or the case fails a check.
    """
    case, labels = found.read_scans(), found.read_labels()
    check_complete(case)
    check_grids(case, labels)
    prepared = prepare_case(case, model_spec("sigmoid"))
    on_grid = resample(labels, prepared.record.model_grid, interpolation="nearest").array
    cropped = crop_to_box(on_grid, prepared.record)
    check_labels(on_grid, cropped, prepared.tensor)
    mean, deviation = _scanner_units(case, prepared)
    pack = pack_case(
        found.name,
        prepared.tensor,
        cropped,
        prepared.record,
        mean=mean,
        deviation=deviation,
        sources=case.hashes,
        data_set=found.data_set,
        notes=prepared.warnings,
    )
    return write_pack(pack, output)


def _scanner_units(case: Case, prepared: PreparedCase) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return which intensities became z-scores of 0, and how much apart those of 0 and 1 were, by channel."""
    record = prepared.record
    means, deviations = [], []
    for role, channel in zip(ROLES, prepared.tensor, strict=True):
        volume = to_orientation(case.volumes[role], "LPS")
        if not volume.grid.matches(record.model_grid):
            volume = resample(volume, record.model_grid)
        brain = crop_to_box(volume.array, record)[channel != 0].astype(np.float64)
        means.append(brain.mean())
        deviations.append(brain.std())
    return np.array(means, dtype=np.float32), np.array(deviations, dtype=np.float32)
