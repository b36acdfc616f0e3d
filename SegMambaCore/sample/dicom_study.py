"""The synthetic patient as a DICOM study: the four series among others that an archive has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.errors import SegMambaError
from SegMambaCore.sample.dicom_series import SeriesHeader, Study, write_series
from SegMambaCore.volume.volume import Volume

_SERIES: dict[str, tuple[int, str, dict[str, Any]]] = {
    "t1n": (3, "Ax T1 SE", {"RepetitionTime": 550, "EchoTime": 12}),
    "t2w": (4, "Ax T2 TSE", {"RepetitionTime": 4500, "EchoTime": 95}),
    "t2f": (
        5,
        "Ax FLAIR",
        {"ScanningSequence": ["SE", "IR"], "RepetitionTime": 9000, "EchoTime": 110, "InversionTime": 2500},
    ),
    "t1c": (
        7,
        "Ax T1 SE post Gd",
        {"RepetitionTime": 550, "EchoTime": 12, "ContrastBolusAgent": "Gadolinium"},
    ),
}


def write_dicom_study(case: Case, folder: Path, study: Study | None = None) -> Path:
    """Write a case with integer values as a study: a localizer, the four series and an ADC map.

    Raises SegMambaError when the folder cannot be written to.
    """
    study = study or Study()
    others = {"1-localizer": _localizer(case.volumes["t2w"]), "6-adc": _adc_map(case.volumes["t2w"])}
    try:
        for name, (volume, header) in others.items():
            write_series(volume, header, study, folder / name)
        for role in ROLES:
            number, description, attributes = _SERIES[role]
            header = SeriesHeader(number, description, attributes)
            write_series(case.volumes[role], header, study, folder / f"{number}-{role}")
    except OSError as error:
        raise SegMambaError(f"{folder}: cannot be written to ({error.strerror}). Choose another.") from error
    return folder


def _localizer(volume: Volume) -> tuple[Volume, SeriesHeader]:
    """Three slices, far apart."""
    step = len(volume.array) // 4
    affine = volume.affine.copy()
    affine[:, 3] = affine @ (0, 0, step, 1)
    affine[:, 2] *= step
    slices = Volume(np.ascontiguousarray(volume.array[step::step][:3]), affine)
    image_type = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    return slices, SeriesHeader(1, "localizer", {"ImageType": image_type, "RepetitionTime": 8, "EchoTime": 4})


def _adc_map(volume: Volume) -> tuple[Volume, SeriesHeader]:
    """Every third slice of the T2, as diffusion would be."""
    affine = volume.affine.copy()
    affine[:, 2] *= 3
    slices = Volume(np.ascontiguousarray(volume.array[::3]), affine)
    attributes = {
        "ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"],
        "ScanningSequence": "EP",
        "RepetitionTime": 6000,
        "EchoTime": 90,
    }
    return slices, SeriesHeader(6, "ep2d_diff_ADC", attributes)
