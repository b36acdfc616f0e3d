"""Edits are told once they pause, whoever makes them."""

from __future__ import annotations

import numpy as np
import pytest
import SegMamba
import slicer
from panel_steps import choose, section, wait_for_end
from scenes import SHAPE, add_case
from SegMambaLib.panel.runSection import RunSection


@pytest.fixture
def told(module: SegMamba.SegMambaWidget, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []
    monkeypatch.setattr(section(module, RunSection), "segmentsEdited", lambda: calls.append("edited"))
    return calls


def edit(module: SegMamba.SegMambaWidget, region: str = "WT") -> None:
    node = module.logic.getParameterNode()
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        np.ones(SHAPE, np.uint8), node.segmentation, region, node.t1c
    )


def pause(module: SegMamba.SegMambaWidget) -> None:
    if module._watcher._timer.active:
        module._watcher._timer.stop()
        module._watcher.onQuiet()


def test_an_edit_is_told_once_even_with_segment_editor_open(
    module: SegMamba.SegMambaWidget, told: list[str]
) -> None:
    choose(module, add_case())
    section(module, RunSection).ui.segmentButton.click()
    wait_for_end(module)
    pause(module)
    assert told
    told.clear()
    pause(module)
    assert told == []
    module.exit()
    edit(module)
    edit(module, "TC")
    pause(module)
    assert told == ["edited"]


def test_a_closed_scene_is_not_watched_any_more(module: SegMamba.SegMambaWidget, told: list[str]) -> None:
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    module.logic.getParameterNode().segmentation = segmentation
    assert told == ["edited"]
    segmentation.GetSegmentation().AddEmptySegment("WT")
    pause(module)
    assert told == ["edited", "edited"]
    slicer.mrmlScene.Clear()
    segmentation.GetSegmentation().AddEmptySegment("TC")
    assert not module._watcher._timer.active
