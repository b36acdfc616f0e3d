"""Segment Editor, made ready for correcting the regions."""

from __future__ import annotations

import slicer

from .regionMasks import referenceVolume

_TAG = "SegmentEditor"
"""The singleton tag of the node with which the Segment Editor module works."""


def allowOverlap() -> slicer.vtkMRMLSegmentEditorNode:
    """Let painting one segment leave the others as they are, and return Segment Editor's node.

    Its default would cut WT where TC is painted.
    """
    editor = slicer.mrmlScene.GetSingletonNode(_TAG, "vtkMRMLSegmentEditorNode")
    if editor is None:
        editor = slicer.vtkMRMLSegmentEditorNode()
        editor.SetSingletonTag(_TAG)
        editor = slicer.mrmlScene.AddNode(editor)
    editor.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
    return editor


def prepareSegmentEditor(segmentation: slicer.vtkMRMLSegmentationNode, region: str = "ET") -> None:
    """Select a segmentation, its volume and a region for when Segment Editor is opened, with overlap allowed.

    Raises ValueError when the segmentation's volume is not in the scene.
    """
    volume = referenceVolume(segmentation)
    editor = allowOverlap()
    editor.SetAndObserveSegmentationNode(segmentation)
    if hasattr(editor, "SetAndObserveSourceVolumeNode"):
        editor.SetAndObserveSourceVolumeNode(volume)
    else:  # the name before Slicer 5.2
        editor.SetAndObserveMasterVolumeNode(volume)
    if segmentation.GetSegmentation().GetSegment(region) is not None:
        editor.SetSelectedSegmentID(region)
