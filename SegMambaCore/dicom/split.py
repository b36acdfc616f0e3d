"""From the images of a DICOM series to the volumes in it: echoes, times, planes and derived images apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from SegMambaCore.dicom.frame import Frame
from SegMambaCore.dicom.stack import Stack, alike, stack

_FEWEST = 3
"""An attribute that leaves fewer images together does not tell volumes apart, but slices."""

_TELLING_APART = (
    "ImageType",
    "EchoTime",
    "InversionTime",
    "DiffusionBValue",
    "TemporalPositionIdentifier",
    "AcquisitionNumber",
)


def stacks_of(frames: Sequence[Frame]) -> list[Stack]:
    """Return the volumes of one series, the order of the images kept as far as it goes.

    Images of different planes or sizes are never one volume. Those of the same plane are told apart by an
    attribute only where together they are no volume, and apart they are.
    """
    groups: list[list[Frame]] = []
    for frame in _without_copies(frames):
        group = next((group for group in groups if alike(group[0], frame)), None)
        if group is None:
            groups.append([frame])
        else:
            group.append(frame)
    return [volume for group in groups for volume in _divided(group)]


def _without_copies(frames: Sequence[Frame]) -> list[Frame]:
    """Archives send a file twice now and then."""
    return list({(frame.instance or frame.file, frame.number): frame for frame in frames}.values())


def _divided(frames: Sequence[Frame]) -> list[Stack]:
    whole = stack(frames)
    if not whole.problem or frames[0].position is None:
        return [whole]
    for keyword in _TELLING_APART:
        parts: dict[str, list[Frame]] = defaultdict(list)
        for frame in frames:
            parts[frame.attributes[keyword]].append(frame)
        if len(parts) > 1 and all(len(part) >= _FEWEST for part in parts.values()):
            divided = [volume for part in parts.values() for volume in _divided(part)]
            if any(not volume.problem for volume in divided):
                return divided
    return [whole]
