"""What the result's file says of its segments, from the command's writer to the panel."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import slicer
import vtk
from scenes import SHAPE, add_volume, oblique_affine
from SegMambaLib.measures.segmentState import SegmentState, segmentOrigin, segmentState, setReviewed
from SegMambaLib.result.importSegments import importSegments
from SegMambaLib.result.runHistory import RunHistory

from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.segmentation.write import write_seg_nrrd
from SegMambaCore.volume.volume import Grid


def written(path: Path, seed: int, model: str) -> Path:
    random = np.random.default_rng(seed)
    masks = {region: random.random(SHAPE) < 0.3 for region in ("WT", "TC", "ET")}
    write_seg_nrrd(Segmentation(masks, Grid(SHAPE, oblique_affine())), path, model)
    return path


def states(segmentation: slicer.vtkMRMLSegmentationNode) -> set[SegmentState]:
    return {segmentState(segmentation, region) for region in ("WT", "TC", "ET")}


def test_a_result_is_as_computed_until_it_is_edited_and_again_after_the_next_run(tmp_path: Path) -> None:
    reference = add_volume("T1Gd", np.zeros(SHAPE, np.int16))
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    first = written(tmp_path / "first.seg.nrrd", 1, "small|44")
    importSegments(first, segmentation, reference, oblique_affine())
    assert states(segmentation) == {SegmentState.COMPUTED}
    origin = segmentOrigin(segmentation, "ET")
    assert (origin.model, origin.date) == ("small 44", date.today().isoformat())

    slicer.util.updateSegmentBinaryLabelmapFromArray(np.ones(SHAPE, np.uint8), segmentation, "WT", reference)
    setReviewed(segmentation, "TC", True)
    assert states(segmentation) == set(SegmentState)
    history = RunHistory()
    history.saveState(segmentation, "Undo last run")
    importSegments(written(tmp_path / "second.seg.nrrd", 2, "tom"), segmentation, reference, oblique_affine())
    assert states(segmentation) == {SegmentState.COMPUTED}
    assert segmentOrigin(segmentation, "ET").model == "tom"

    history.undo()
    assert states(segmentation) == set(SegmentState)
    assert segmentOrigin(segmentation, "ET").model == "small 44"


def test_slicer_exports_to_dicom_seg_how_a_segment_was_made(tmp_path: Path) -> None:
    reference = add_volume("T1Gd", np.zeros(SHAPE, np.int16))
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    importSegments(written(tmp_path / "a.seg.nrrd", 1, "small"), segmentation, reference, oblique_affine())

    def dicom(region: str, what: str) -> str:
        value = vtk.reference("")
        segmentation.GetSegmentation().GetSegment(region).GetTag(f"DICOM.SegmentAlgorithm{what}", value)
        return str(value)

    slicer.util.updateSegmentBinaryLabelmapFromArray(np.ones(SHAPE, np.uint8), segmentation, "WT", reference)
    states(segmentation)
    assert [dicom(region, "Type") for region in ("WT", "TC", "ET")] == [
        "SEMIAUTOMATIC",
        "AUTOMATIC",
        "AUTOMATIC",
    ]
    assert dicom("WT", "Name") == "SegMamba small"
    importSegments(written(tmp_path / "b.seg.nrrd", 2, "tom"), segmentation, reference, oblique_affine())
    assert (dicom("WT", "Type"), dicom("WT", "Name")) == ("AUTOMATIC", "SegMamba tom")


def test_a_result_that_was_loaded_by_hand_is_as_computed(tmp_path: Path) -> None:
    path = written(tmp_path / "first.seg.nrrd", 1, "tom")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert storage.ReadData(segmentation)
    assert states(segmentation) == {SegmentState.COMPUTED}


def test_other_results_have_no_origin(tmp_path: Path) -> None:
    reference = add_volume("T1Gd", np.zeros(SHAPE, np.int16))
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    importSegments(written(tmp_path / "a.seg.nrrd", 1, ""), segmentation, reference, oblique_affine())
    assert segmentOrigin(segmentation, "WT").model == ""
    assert states(segmentation) == {SegmentState.EDITED}
