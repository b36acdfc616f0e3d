"""What is known about an MRI series before anybody looks at its voxels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DICOM_TAGS = {
    "SeriesDescription": "0008,103E",
    "ProtocolName": "0018,1030",
    "Modality": "0008,0060",
    "ContrastBolusAgent": "0018,0010",
    "EchoTime": "0018,0081",
    "RepetitionTime": "0018,0080",
    "InversionTime": "0018,0082",
    "ScanningSequence": "0018,0020",
    "SequenceName": "0018,0024",
    "ImageType": "0008,0008",
    "MRAcquisitionType": "0018,0023",
}
"""The DICOM attributes that `Series.from_dicom` looks at, by keyword."""

_NO_AGENT = {"", "0", "N", "NO", "NONE", "NEIN", "NON", "WITHOUT", "OHNE", "SANS", "N/A", "NA", "NIL"}


@dataclass(frozen=True)
class Series:
    """Names and header of one series; everything but the name may be unknown.

    name: of the file without its suffix, or what a program calls the volume.
    description, protocol: SeriesDescription and ProtocolName.
    has_agent: whether the header names a contrast agent. Technicians often leave that out, so False says
        nothing.
    echo_time, repetition_time, inversion_time: milliseconds, None where the header says nothing.
    scanning_sequence: DICOM's letters, SE, GR, IR, EP among them. image_type: for instance {"DERIVED", "ADC"}.
    three_dimensional: acquired as a 3D block (True) or slice by slice (False).
    """

    name: str
    description: str = ""
    protocol: str = ""
    modality: str = ""
    has_agent: bool = False
    echo_time: float | None = None
    repetition_time: float | None = None
    inversion_time: float | None = None
    scanning_sequence: frozenset[str] = frozenset()
    sequence_name: str = ""
    image_type: frozenset[str] = frozenset()
    three_dimensional: bool | None = None

    @classmethod
    def from_dicom(cls, name: str, attributes: Mapping[str, str]) -> Series:
        """Return a series with the attributes of one of its DICOM files, by keyword as in `DICOM_TAGS`.

        Values are DICOM's texts, several separated by backslashes. What is no number counts as unknown.
        """
        text = {keyword: str(attributes.get(keyword, "")).strip() for keyword in DICOM_TAGS}
        return cls(
            name=name,
            description=text["SeriesDescription"],
            protocol=text["ProtocolName"],
            modality=text["Modality"].upper(),
            has_agent=text["ContrastBolusAgent"].upper() not in _NO_AGENT,
            echo_time=_positive_number(text["EchoTime"]),
            repetition_time=_positive_number(text["RepetitionTime"]),
            inversion_time=_positive_number(text["InversionTime"]),
            scanning_sequence=_values(text["ScanningSequence"]),
            sequence_name=text["SequenceName"].lower(),
            image_type=_values(text["ImageType"]),
            three_dimensional={"2D": False, "3D": True}.get(text["MRAcquisitionType"].upper()),
        )


def _positive_number(text: str) -> float | None:
    try:
        number = float(text.split("\\")[0])
    except ValueError:
        return None
    return number if number > 0 else None  # a time of 0 is how some scanners say "does not apply"


def _values(text: str) -> frozenset[str]:
    return frozenset(value.strip().upper() for value in text.split("\\") if value.strip())
