"""Telling whether a segment was changed since it was computed."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.volume.bounding_box import bounding_box

COMPUTED_TAG = "SegMamba.Computed"
"""A segment's tag in a .seg.nrrd and in 3D Slicer: the fingerprint of what the network found."""

MODEL_TAG = "SegMamba.Model"
"""The name of the network that found it."""

DATE_TAG = "SegMamba.Date"
"""The day on which it did, ISO 8601."""

ALGORITHM_TYPE_TAG = "DICOM.SegmentAlgorithmType"
"""AUTOMATIC, or SEMIAUTOMATIC once it was edited: 3D Slicer writes it into DICOM SEG, MANUAL where there is none."""

ALGORITHM_NAME_TAG = "DICOM.SegmentAlgorithmName"
"""What 3D Slicer writes into DICOM SEG with it."""


def fingerprint(mask: NDArray) -> str:
    """Return 16 hexadecimal digits for the shape that a mask (k, j, i) shows; margins do not matter.

    The place is left out: the box that 3D Slicer keeps around a segment grows and shrinks.
    """
    inside = np.asarray(mask) != 0
    box = bounding_box(inside)
    shown = inside[box] if box else inside[:0]
    digest = hashlib.blake2b(repr(shown.shape).encode(), digest_size=8)
    digest.update(np.packbits(shown).tobytes())
    return digest.hexdigest()
