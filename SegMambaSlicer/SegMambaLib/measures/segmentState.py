"""Whose work a segment is: the network's as it is, edited, or reviewed by the user.

Kept in the segment's tags, which a saved scene or .seg.nrrd keeps too. "Reviewed" is Slicer's own segment status
"Completed", which the tables of segments show as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import slicer
import vtk
from slicer.i18n import tr as _

from ..core import makeCoreImportable
from .nodeArrays import segmentMask

_REVIEWED_TAG = "SegMamba.Reviewed"


class SegmentState(Enum):
    """What an export says of a segment."""

    COMPUTED = "as computed"
    EDITED = "edited"
    REVIEWED = "reviewed"

    @property
    def title(self) -> str:
        """Return the word in the user's language."""
        return {
            SegmentState.COMPUTED: _("as computed"),
            SegmentState.EDITED: _("edited"),
            SegmentState.REVIEWED: _("reviewed"),
        }[self]


@dataclass(frozen=True)
class Origin:
    """model: the network's name; date: ISO 8601; both "" for a segment that no network of ours found."""

    model: str
    date: str


def segmentState(segmentation: slicer.vtkMRMLSegmentationNode, identifier: str) -> SegmentState:
    """Return a segment's state.

    A reviewed segment that is edited afterwards is "edited" again, and in progress for Slicer. A segment
    without a fingerprint was not computed here, and counts as edited. What Slicer will say in DICOM SEG of how
    a computed segment was made, with a person's help or without, is kept true.
    """
    makeCoreImportable()
    from SegMambaCore.segmentation.fingerprint import ALGORITHM_TYPE_TAG, COMPUTED_TAG, fingerprint

    segment = segmentation.GetSegmentation().GetSegment(identifier)
    now = fingerprint(segmentMask(segmentation, identifier)[0])
    isComputed = _tag(segment, COMPUTED_TAG) == now
    algorithmType = "AUTOMATIC" if isComputed else "SEMIAUTOMATIC"
    if _tag(segment, ALGORITHM_TYPE_TAG) not in ("", algorithmType):
        segment.SetTag(ALGORITHM_TYPE_TAG, algorithmType)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if logic.GetSegmentStatus(segment) == logic.Completed:
        reviewed = _tag(segment, _REVIEWED_TAG)
        if not reviewed:  # marked in one of Slicer's tables
            segment.SetTag(_REVIEWED_TAG, now)
        if reviewed in ("", now):
            return SegmentState.REVIEWED
        setReviewed(segmentation, identifier, False)
    elif _tag(segment, _REVIEWED_TAG):  # no longer marked: what was reviewed says nothing about the next mark
        segment.RemoveTag(_REVIEWED_TAG)
    return SegmentState.COMPUTED if isComputed else SegmentState.EDITED


def setReviewed(segmentation: slicer.vtkMRMLSegmentationNode, identifier: str, reviewed: bool) -> None:
    """Mark a segment as reviewed as it is now, or as still to be reviewed."""
    makeCoreImportable()
    from SegMambaCore.segmentation.fingerprint import fingerprint

    segment = segmentation.GetSegmentation().GetSegment(identifier)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if reviewed:
        segment.SetTag(_REVIEWED_TAG, fingerprint(segmentMask(segmentation, identifier)[0]))
    else:
        segment.RemoveTag(_REVIEWED_TAG)
    logic.SetSegmentStatus(segment, logic.Completed if reviewed else logic.InProgress)


def segmentOrigin(segmentation: slicer.vtkMRMLSegmentationNode, identifier: str) -> Origin:
    """Return which network found a segment, and when."""
    makeCoreImportable()
    from SegMambaCore.segmentation.fingerprint import DATE_TAG, MODEL_TAG

    segment = segmentation.GetSegmentation().GetSegment(identifier)
    return Origin(_tag(segment, MODEL_TAG), _tag(segment, DATE_TAG))


def _tag(segment: slicer.vtkSegment, name: str) -> str:
    value = vtk.reference("")
    return str(value) if segment.GetTag(name, value) else ""
