"""What the DICOM header of an MRI series says about its contrast: times, sequence, kind of image.

The limits hold for 1.5 and 3 tesla and leave wide gaps between the contrasts: in a gap the header says nothing.
"""

from __future__ import annotations

from typing import Literal

from SegMambaCore.case.series import Series

Weighting = Literal["T1", "T2", "FLAIR"]

_UNWANTED_KINDS = {
    "ADC": "an ADC map",
    "DIFFUSION": "diffusion",
    "TRACEW": "diffusion",
    "FA": "a map of anisotropy",
    "PERFUSION": "perfusion",
    "ASL": "perfusion",
    "LOCALIZER": "a localizer",
    "SUBTRACT": "a subtraction",
    "SUBTRACTION": "a subtraction",
    "PROJECTION IMAGE": "a projection",
    "MIP": "a projection",
    "MINIP": "a projection",
    "MNIP": "a projection",
    "MIN IP": "a projection",
    "SCREEN SAVE": "a screen save",
    "SCREENSAVE": "a screen save",
    "CSA REPORT": "a report",
    "PHASE MAP": "a phase image",
    "P": "a phase image",
    "SWI": "susceptibility",
    "T1 MAP": "a computed map",
    "T2 MAP": "a computed map",
}  # values of ImageType, most of them the vendors' own
_UNWANTED_SEQUENCES = {"ep_b": "diffusion", "epfid": "perfusion or functional MRI", "swi": "susceptibility"}


def unwanted_by_header(series: Series) -> str | None:
    """Return why the header rules out that a series is one of the four contrasts, or None."""
    if series.modality not in ("", "MR"):
        return f"its modality is {series.modality}, not MR"
    for kind in sorted(series.image_type & _UNWANTED_KINDS.keys()):
        return f"its header says {kind}: {_UNWANTED_KINDS[kind]}"
    sequence = series.sequence_name.lstrip("*")
    for start, meaning in _UNWANTED_SEQUENCES.items():
        if sequence.startswith(start):
            return f"its sequence {sequence} means {meaning}"
    if "EP" in series.scanning_sequence:
        return "its header says echo-planar imaging: diffusion, perfusion or functional MRI"
    return None


def weighting_by_header(series: Series) -> tuple[Weighting, str] | None:
    """Return the weighting by echo, repetition and inversion time, and why; None where they leave it open.

    FLAIR nulls fluid: an inversion time above 1500 ms with a long echo. Inversion times around 1 s with a short
    echo are those of MPRAGE and of T1 with dark fluid.
    """
    echo, repetition, inversion = series.echo_time, series.repetition_time, series.inversion_time
    if echo is None:
        return None
    if inversion is not None:
        if inversion >= 1500 and echo >= 60:
            return "FLAIR", f"inversion time {inversion:g} ms and long echo ({echo:g} ms): FLAIR"
        if 400 <= inversion <= 1400 and echo <= 40:
            return "T1", f"inversion time {inversion:g} ms and short echo ({echo:g} ms): T1"
        return None
    if repetition is None or "IR" in series.scanning_sequence:
        return None
    if series.scanning_sequence & {"GR", "SE"} == {"GR"}:
        if repetition <= 50 and echo <= 8:
            return "T1", f"gradient echo, repetition time {repetition:g} ms, echo {echo:g} ms: T1"
        return None
    if repetition >= 2000 and echo >= 70:
        return "T2", f"repetition time {repetition:g} ms and long echo ({echo:g} ms): T2"
    if repetition <= 1000 and echo <= 30:
        return "T1", f"repetition time {repetition:g} ms and short echo ({echo:g} ms): T1"
    return None
