"""The buttons for the result, after a run with the fake command."""

from __future__ import annotations

import numpy as np
import pytest
import SegMamba
import slicer
from panel_steps import choose, section, wait_for_end
from scenes import SHAPE, add_case, masks_on
from SegMambaLib.panel.resultSection import ResultSection
from SegMambaLib.panel.runSection import RunSection
from SegMambaLib.result.contrastLayout import LAYOUT, ContrastLayout


@pytest.fixture
def result(module: SegMamba.SegMambaWidget) -> ResultSection:
    """The section after a run."""
    choose(module, add_case())
    section(module, RunSection).ui.segmentButton.click()
    wait_for_end(module)
    pause(module)
    return section(module, ResultSection)


def pause(module: SegMamba.SegMambaWidget) -> None:
    """Let the moment pass after which edits are told."""
    module._watcher.onQuiet()


def test_before_a_run_there_is_nothing_to_do(module: SegMamba.SegMambaWidget) -> None:
    ui = section(module, ResultSection).ui
    assert ui.resultLabel.text == "The regions appear here after a run."
    for button in (ui.editButton, ui.nestButton, ui.jumpButton, ui.undoButton, ui.contrastsButton):
        assert not button.enabled
        assert button.toolTip


def test_a_result_is_in_3d_and_at_its_largest_cross_section(
    module: SegMamba.SegMambaWidget, result: ResultSection
) -> None:
    segmentation = module.logic.job.segmentation
    assert segmentation.GetClosedSurfaceInternalRepresentation("ET").GetNumberOfPoints() > 0
    display = segmentation.GetDisplayNode()
    assert display.GetVisibility3D() and display.GetSegmentOpacity3D("WT") < display.GetSegmentOpacity3D("ET")
    origin = slicer.util.arrayFromVTKMatrix(slicer.util.getNode("vtkMRMLSliceNodeRed").GetSliceToRAS())[:3, 3]
    bounds = np.zeros(6)
    segmentation.GetRASBounds(bounds)
    assert all(bounds[2 * axis] < origin[axis] < bounds[2 * axis + 1] for axis in range(3))
    assert result.ui.resultLabel.text == "ET lies in TC, and TC in WT."


def test_edit_opens_segment_editor_with_overlap_allowed(
    module: SegMamba.SegMambaWidget, result: ResultSection
) -> None:
    result.ui.editButton.click()
    assert slicer.app.module == "SegmentEditor"
    editor = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    assert editor.GetSegmentationNode() is module.logic.job.segmentation
    assert editor.GetSourceVolumeNode() is module.logic.getParameterNode().t1c
    assert editor.GetOverwriteMode() == editor.OverwriteNone


def test_regions_are_made_to_nest_and_that_is_undone(
    module: SegMamba.SegMambaWidget, result: ResultSection
) -> None:
    node = module.logic.getParameterNode()
    before = masks_on(node.segmentation, node.t1c)
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        np.zeros(SHAPE, np.uint8), node.segmentation, "TC", node.t1c
    )
    pause(module)
    assert result.ui.resultLabel.text == "ET reaches outside TC. Make regions nest mends it."
    result.ui.nestButton.click()
    count = int(before["ET"].sum())
    assert result.ui.resultLabel.text.startswith(f"Made to nest (voxels: ET -{count}).")
    assert not masks_on(node.segmentation, node.t1c)["ET"].any()
    assert result.ui.undoButton.text == "Undo nesting"
    result.ui.undoButton.click()
    np.testing.assert_array_equal(masks_on(node.segmentation, node.t1c)["ET"], before["ET"])
    assert not result.ui.undoButton.enabled


def test_a_mistake_is_said_in_the_panel(module: SegMamba.SegMambaWidget, result: ResultSection) -> None:
    slicer.mrmlScene.RemoveNode(module.logic.getParameterNode().t1c)
    result.ui.nestButton.click()
    assert "is not in the scene" in module._errorBox.ui.errorLabel.text
    assert module.layout.indexOf(module._errorBox.widget) == module.layout.indexOf(result.widget) + 1


def test_four_contrasts_and_back(module: SegMamba.SegMambaWidget, result: ResultSection) -> None:
    former = slicer.app.layoutManager().layout
    result.ui.contrastsButton.click()
    assert slicer.app.layoutManager().layout == LAYOUT
    assert result.ui.contrastsButton.text == "Back to the former layout"
    result.ui.contrastsButton.click()
    assert slicer.app.layoutManager().layout == former
    assert result.ui.contrastsButton.text == "Four contrasts side by side"


def test_a_saved_scene_that_brings_the_four_contrasts_can_be_left(
    module: SegMamba.SegMambaWidget, result: ResultSection
) -> None:
    result.ui.contrastsButton.click()
    result._layout = ContrastLayout()  # of another session
    result.ui.contrastsButton.click()
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
