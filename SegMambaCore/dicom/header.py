"""The header of a DICOM file, as far as it tells what the images show, whose they are and where they lie."""

from __future__ import annotations

import math
import re
import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue

from SegMambaCore.dicom.file import DicomFile
from SegMambaCore.dicom.frame import Frame
from SegMambaCore.dicom.subject import Subject

# Archives are full of values that the standard forbids. pydicom's warnings would show them, names included.
config.settings.reading_validation_mode = config.IGNORE
warnings.filterwarnings("ignore", module="pydicom")

_CLASS = re.compile(rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.([0-9.]+)")
_MR_CLASSES = (b"4", b"4.1", b"4.3", b"4.4")
_META_BYTES = 1024
# What pydicom raises for headers that are cut short or make no sense.
_UNREADABLE = (
    InvalidDicomError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    NotImplementedError,
    struct.error,
)

KEYWORDS = (
    "Modality",
    "SOPClassUID",
    "SeriesNumber",
    "SeriesDescription",
    "ProtocolName",
    "ContrastBolusAgent",
    "EchoTime",
    "RepetitionTime",
    "InversionTime",
    "ScanningSequence",
    "SequenceName",
    "ImageType",
    "MRAcquisitionType",
    "DiffusionBValue",
    "TemporalPositionIdentifier",
    "AcquisitionNumber",
)
"""The attributes that `Frame.attributes` has, in the words of a classic MR image."""

_PERSON = ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate")
_DATES = ("SeriesDate", "AcquisitionDate", "AcquisitionDateTime", "ContentDate")  # where the study has none
_IMAGE = (
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "BitsAllocated",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
)
_ENHANCED = (
    "ContrastBolusAgentSequence",
    "PulseSequenceName",
    "EchoPulseSequence",
    "InversionRecovery",
    "EchoPlanarPulseSequence",
    "AcquisitionContrast",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
_READ = [*KEYWORDS, *_PERSON, *_DATES, *_IMAGE, *_ENHANCED]

_PLACES = {
    "EchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "RepetitionTime": ("MRTimingAndRelatedParametersSequence", "RepetitionTime"),
    "InversionTime": ("MRModifierSequence", "InversionTimes"),
    "ImageType": ("MRImageFrameTypeSequence", "FrameType"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
    "TemporalPositionIdentifier": ("FrameContentSequence", "TemporalPositionIndex"),
    "AcquisitionNumber": ("FrameContentSequence", "FrameAcquisitionNumber"),
}
"""Where an enhanced image keeps, for each frame or for all, what a classic one has at its top."""


def read_frames(file: DicomFile, stream: IO[bytes]) -> list[Frame]:
    """Return the images that a DICOM file describes; none where it holds no image, such as a report.

    Raises ValueError when the header is damaged, unless it is that of something else than an MR image.
    """
    may_be_mr = _may_be_mr(stream)
    try:
        header = dcmread(stream, stop_before_pixels=True, specific_tags=_READ)
        frames = list(_frames(file, header))
    except _UNREADABLE as error:
        if may_be_mr:
            raise ValueError("The DICOM header cannot be read.") from error
        return []
    if may_be_mr and not frames:
        raise ValueError("The DICOM header says MR image, and describes none.")
    return frames


def _may_be_mr(stream: IO[bytes]) -> bool:
    """Return whether a file is an MR image by its first bytes; the stream is rewound."""
    found = _CLASS.search(stream.read(_META_BYTES))
    stream.seek(0)
    return found is not None and found[1] in _MR_CLASSES


def _frames(file: DicomFile, header: Dataset) -> Iterator[Frame]:
    if "Rows" not in header or "Columns" not in header:
        return
    subject = _subject(header)
    size = int(header.Rows), int(header.Columns)
    count = int(header.get("NumberOfFrames") or 1)
    samples, bits = int(header.get("SamplesPerPixel") or 1), int(header.get("BitsAllocated") or 16)
    common = _first(header, "SharedFunctionalGroupsSequence")
    own_groups: Sequence[Dataset] = header.get("PerFrameFunctionalGroupsSequence") or [Dataset()] * count
    for number, own in enumerate(own_groups[:count]):
        groups = (own, common)
        position = _numbers(_value(header, groups, "PlanePositionSequence", "ImagePositionPatient"), 3)
        orientation = _numbers(
            _value(header, groups, "PlaneOrientationSequence", "ImageOrientationPatient"), 6
        )
        spacing = _numbers(_value(header, groups, "PixelMeasuresSequence", "PixelSpacing"), 2)
        yield Frame(
            file=file,
            number=number,
            instance=str(header.get("SOPInstanceUID", "")),
            series=str(header.get("SeriesInstanceUID", "")),
            subject=subject,
            attributes=_attributes(header, groups),
            size=size,
            bytes=math.prod((*size, count, samples, bits)) // 8,
            position=position,
            orientation=orientation,
            spacing=spacing,
        )


def _subject(header: Dataset) -> Subject:
    name, identifier, birth_date, study, date = (str(header.get(key) or "").strip() for key in _PERSON)
    for key in _DATES:
        date = date or str(header.get(key) or "").strip()
    return Subject(name, identifier, birth_date, study, date[:8])


def _attributes(header: Dataset, groups: Sequence[Dataset]) -> Mapping[str, str]:
    texts = {key: _text(header.get(key)) for key in KEYWORDS}
    for key, (sequence, inner) in _PLACES.items():
        texts[key] = _text(_value(header, groups, sequence, inner)) or texts[key]
    texts["ScanningSequence"] = texts["ScanningSequence"] or _scanning_sequence(header)
    texts["SequenceName"] = texts["SequenceName"] or _text(header.get("PulseSequenceName"))
    agent = _first(header, "ContrastBolusAgentSequence")
    texts["ContrastBolusAgent"] = texts["ContrastBolusAgent"] or _text(agent.get("CodeMeaning"))
    # DIFFUSION, PERFUSION and the like
    texts["ImageType"] = "\\".join(
        filter(None, (texts["ImageType"], _text(header.get("AcquisitionContrast"))))
    )
    return texts


def _scanning_sequence(header: Dataset) -> str:
    """An enhanced image's sequence in the letters of a classic one."""
    letters = {"SPIN": ["SE"], "GRADIENT": ["GR"], "BOTH": ["SE", "GR"]}.get(
        header.get("EchoPulseSequence"), []
    )
    letters += ["IR"] if header.get("InversionRecovery") == "YES" else []
    letters += ["EP"] if header.get("EchoPlanarPulseSequence") == "YES" else []
    return "\\".join(letters)


def _value(header: Dataset, groups: Sequence[Dataset], sequence: str, keyword: str) -> Any:
    """A value of a frame's own functional group, or of the one that all share, or of the header itself."""
    for group in groups:
        if (value := _first(group, sequence).get(keyword)) is not None:
            return value
    return header.get(keyword)


def _first(dataset: Dataset, sequence: str) -> Dataset:
    items = dataset.get(sequence)
    return items[0] if items else Dataset()


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    if not isinstance(value, MultiValue) or len(value) != count:
        return None
    numbers = tuple(float(one) for one in value)
    return numbers if all(map(math.isfinite, numbers)) else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    return "\\".join(map(str, value)) if isinstance(value, (MultiValue, list)) else str(value).strip()
