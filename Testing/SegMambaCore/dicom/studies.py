"""DICOM series and studies as scanners and archives write them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import EnhancedMRImageStorage

from SegMambaCore.sample.dicom_series import SeriesHeader, Study, make_slices
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.volume.geometries import rotation

SECRET_NAME, SECRET_ID = "Zwiebelfisch^Amalia", "PID-774411"
SECRETS = ("zwiebelfisch", "amalia", "774411")
STUDY = Study(SECRET_NAME, SECRET_ID)


def oblique(shape: tuple[int, int, int] = (10, 14, 12), seed: int = 0) -> Volume:
    """Random integers on an oblique grid with three different spacings."""
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = rotation((10, 20, 30)) @ np.diag([-0.9, -1.1, 4.0])
    affine[:3, 3] = (31.5, -17.25, 8.125)
    return Volume(rng.integers(-50, 1000, shape, dtype=np.int16), affine)


def save(slices: Sequence[FileDataset], folder: Path, extension: str = "") -> Path:
    """Write slices in an order that says nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(slices):
        name = f"{one.SeriesNumber:03}{(number * 7) % 101:05}{extension}"
        one.save_as(folder / name, enforce_file_format=True)
    return folder


def classic(
    volume: Volume, number: int = 3, description: str = "Ax T1", **attributes: object
) -> list[FileDataset]:
    """A series of single slices."""
    return make_slices(volume, SeriesHeader(number, description, attributes), STUDY)


def enhanced(stacks: Sequence[Sequence[FileDataset]], shuffled: bool = True) -> FileDataset:
    """One multi-frame file with the slices of several series, all of one series and interleaved."""
    slices = [one for group in zip(*stacks, strict=True) for one in group]
    if shuffled:
        slices = [slices[index] for index in np.random.default_rng(1).permutation(len(slices))]
    first = slices[0]
    whole = copy.deepcopy(stacks[0][0])
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    whole.SOPInstanceUID = whole.file_meta.MediaStorageSOPInstanceUID = STUDY.uid_of(
        "enhanced", first.SeriesNumber
    )
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "EchoTime",
        "RepetitionTime",
    ):
        if keyword in whole:
            delattr(whole, keyword)
    for keyword in ("SliceThickness", "SpacingBetweenSlices", "ScanningSequence", "InstanceNumber"):
        delattr(whole, keyword)
    whole.InstanceNumber = 1
    whole.EchoPulseSequence, whole.InversionRecovery, whole.EchoPlanarPulseSequence = "SPIN", "NO", "NO"
    whole.NumberOfFrames = len(slices)
    whole.PixelData = b"".join(one.PixelData for one in slices)
    shared = Dataset()
    shared.PixelMeasuresSequence = [_item(first, "PixelSpacing", "SliceThickness", "SpacingBetweenSlices")]
    shared.PlaneOrientationSequence = [_item(first, "ImageOrientationPatient")]
    if "RepetitionTime" in first:
        shared.MRTimingAndRelatedParametersSequence = [_item(first, "RepetitionTime")]
    whole.SharedFunctionalGroupsSequence = [shared]
    whole.PerFrameFunctionalGroupsSequence = [_own(one) for one in slices]
    return whole


def _own(one: FileDataset) -> Dataset:
    group = Dataset()
    group.PlanePositionSequence = [_item(one, "ImagePositionPatient")]
    if "EchoTime" in one:
        echo = Dataset()
        echo.EffectiveEchoTime = float(one.EchoTime)
        group.MREchoSequence = [echo]
    return group


def _item(one: FileDataset, *keywords: str) -> Dataset:
    item = Dataset()
    for keyword in keywords:
        setattr(item, keyword, getattr(one, keyword))
    return item
