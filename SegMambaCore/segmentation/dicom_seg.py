"""A segmentation as DICOM SEG, on the images of the series that it lies on."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from SegMambaCore import __version__
from SegMambaCore.dicom.file import opened
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.errors import SegMambaError
from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.segmentation.terminology import ANATOMIC_REGION, CATEGORY, REGION_TYPES, Code
from SegMambaCore.whole_file import write_whole_file

# highdicom takes most of a second to import.
if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription
    from highdicom.sr import CodedConcept
    from pydicom.dataset import Dataset

_SERIES_NUMBER = 1000  # beyond those of scanners
_DESCRIBED = "Computed, not reviewed. For research use only."
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Headers may lack what the standard wants at least empty, and a SEG takes over.
_AT_LEAST_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PositionReferenceIndicator",
)


class NoDicomSegError(SegMambaError):
    """The series cannot carry a SEG, whoever writes it."""

    sign = "no DICOM SEG can refer to it"

    def __init__(self, series: DicomSeries, reason: str) -> None:
        super().__init__(f"{series.name}: {self.sign}, as {reason}.")


@dataclass(frozen=True)
class Algorithm:
    """What found the segments. sha256: of the weights file, hexadecimal digits."""

    model: str
    sha256: str


def why_no_dicom_seg() -> str:
    """Return what keeps this installation from writing DICOM SEG, and what to do; "" when nothing does."""
    if find_spec("highdicom") is None:
        return (
            "No DICOM SEG was written: the package highdicom is not installed. Install it (pip install highdicom), "
            "or export the segments from 3D Slicer."
        )
    return ""


def write_dicom_seg(
    segmentation: Segmentation,
    source: DicomSeries,
    path: Path,
    algorithm: Algorithm,
    further_sources: Sequence[DicomSeries] = (),
) -> None:
    """Write WT, TC and ET as three overlapping binary segments, one frame for each image that shows one.

    source: the series whose images the frames lie on, and whose patient and study the SEG belongs to. Where these
    are the slices of the segmentation's grid, voxels are taken over as they are; on those of a sheared series,
    which has been straightened, each takes the nearest.
    further_sources: the other series that the segments were found in.
    Raises NoDicomSegError when the series cannot carry a SEG, SegMambaError when the file cannot be written.
    """
    import highdicom

    headers = _headers(source)
    first = headers[0]
    is_multi_frame = "NumberOfFrames" in first
    if is_multi_frame:
        headers = [_of_frames_alone(source, headers)]
    if not first.get("FrameOfReferenceUID"):
        raise NoDicomSegError(source, "it has no frame of reference")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they show values of headers, and those may tell who the patient is
        masks = _on_frames(segmentation, source)
        try:
            seg = highdicom.seg.Segmentation(
                source_images=headers,
                pixel_array=masks,
                segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
                segment_descriptions=[
                    _description(number, key, algorithm) for number, key in enumerate(REGIONS, start=1)
                ],
                series_instance_uid=highdicom.UID(),
                series_number=_SERIES_NUMBER + int(first.get("SeriesNumber") or 0),
                sop_instance_uid=highdicom.UID(),
                instance_number=1,
                manufacturer="SegMamba",
                manufacturer_model_name=algorithm.model,
                software_versions=__version__,
                device_serial_number=algorithm.sha256[:16] or "none",
                omit_empty_frames=bool(masks.any()),  # there has to be one
                content_label="SEGMENTATION",
                content_description=_DESCRIBED,
                series_description="SegMamba WT, TC, ET",
                further_source_images=[header for one in further_sources for header in _headers(one)] or None,
            )
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise NoDicomSegError(source, "its headers break the standard") from error
        if is_multi_frame:
            _name_frames(seg, source)
        seg.ContentCreatorName = ""  # wanted, if only empty, and highdicom leaves it out
        content = io.BytesIO()
        seg.save_as(content)
    write_whole_file(path, content.getvalue())


def _headers(series: DicomSeries) -> list[Dataset]:
    """The headers of the files, in the order of the slices."""
    from pydicom import dcmread

    headers: list[Dataset] = []
    for _, stream in opened(series.files):
        header = dcmread(stream, stop_before_pixels=True)
        for keyword in _AT_LEAST_EMPTY:
            if keyword not in header:
                setattr(header, keyword, "")
        headers.append(header)
    return headers


def _of_frames_alone(series: DicomSeries, headers: Sequence[Dataset]) -> Dataset:
    """The header of an enhanced image as if it had the frames of the series alone, in the order of the slices."""
    if len(headers) > 1:
        raise NoDicomSegError(series, "its frames lie in several files")
    (header,) = headers
    groups = header.PerFrameFunctionalGroupsSequence
    header.PerFrameFunctionalGroupsSequence = [groups[frame.number] for frame in series.stack.frames]
    header.NumberOfFrames = len(series.stack.frames)
    return header


def _name_frames(seg: Dataset, series: DicomSeries) -> None:
    """Refer to the frames by the numbers that they have in the file."""
    frames = series.stack.frames
    # The frames of several segments on one image share an item.
    items = {
        id(image): image
        for group in seg.PerFrameFunctionalGroupsSequence
        for derivation in group.get("DerivationImageSequence", ())
        for image in derivation.SourceImageSequence
    }
    for image in items.values():
        image.ReferencedFrameNumber = frames[int(image.ReferencedFrameNumber) - 1].number + 1


def _on_frames(segmentation: Segmentation, source: DicomSeries) -> NDArray[np.bool_]:
    """Return the masks on the images of the source, shape (slices, rows, columns, regions)."""
    frames = source.stack.frames
    rows, columns = frames[0].size
    result = np.zeros((len(frames), rows * columns, len(REGIONS)), dtype=np.bool_)
    assert source.stack.affine is not None  # else nothing would have been read from it
    to_grid = np.linalg.inv(segmentation.grid.affine) @ _LPS_TO_RAS @ source.stack.affine
    j, i = np.indices((rows, columns))
    pixels = np.stack([i, j, np.zeros_like(i), np.ones_like(i)], axis=-1).reshape(-1, 4)
    limits = np.array(segmentation.grid.shape[::-1])
    for k in range(len(frames)):
        pixels[:, 2] = k
        index = np.rint(pixels @ to_grid[:3].T).astype(np.intp)
        inside = ((index >= 0) & (index < limits)).all(axis=1)
        place = tuple(index[inside, axis] for axis in (2, 1, 0))
        for number, key in enumerate(REGIONS):
            result[k, inside, number] = segmentation.masks[key][place]
    return result.reshape(len(frames), rows, columns, len(REGIONS))


def _description(number: int, key: str, algorithm: Algorithm) -> SegmentDescription:
    import highdicom
    from pydicom.sr.codedict import codes

    description = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=key,
        segmented_property_category=_coded(CATEGORY),
        segmented_property_type=_coded(REGION_TYPES[key]),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name=f"SegMamba {algorithm.model}",
            family=codes.DCM.ArtificialIntelligence,
            version=__version__,
            parameters={"model": algorithm.model, "sha256": algorithm.sha256},
        ),
        tracking_uid=highdicom.UID(),
        tracking_id=f"SegMamba {key}",
        anatomic_regions=[_coded(ANATOMIC_REGION)],
        display_color=_color(REGIONS[key].colour, highdicom.color.CIELabColor),
    )
    description.SegmentDescription = REGIONS[key].title
    return description


def _coded(code: Code) -> CodedConcept:
    import highdicom

    return highdicom.sr.CodedConcept(code.value, code.scheme, code.meaning)


def _color(rgb: tuple[float, float, float], cielab: Any) -> Any:
    return cielab.from_rgb(*(round(255 * part) for part in rgb))
