"""The real command lays the second scan of a patient onto the first; cancel leaves nothing."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import slicer
from patients import AFFINE, add_patient, add_scan, motion
from scenes import REPOSITORY
from SegMambaLib.followUp.followUp import FollowUp
from SegMambaLib.followUp.layScan import isLaid
from SegMambaLib.inputs.exportVolumes import worldAffine
from SegMambaLib.run.program import Program
from SegMambaLib.run.programRun import RunState


@pytest.fixture
def followUp(monkeypatch: pytest.MonkeyPatch) -> FollowUp:
    program = Program(sys.executable, {**os.environ, "PYTHONPATH": str(REPOSITORY)})
    monkeypatch.setattr("SegMambaLib.followUp.followUp.findProgram", lambda: program)
    return FollowUp()


def wait(followUp: FollowUp) -> RunState:
    end = time.monotonic() + 120
    while not followUp.poll().isOver and time.monotonic() < end:
        time.sleep(0.05)
    assert followUp.job is not None
    return followUp.job.state


def test_a_grown_lesion_in_a_moved_head(followUp: FollowUp) -> None:
    patient = add_patient()
    first = add_scan(patient, "First", 4, "20240502")
    second = add_scan(patient, "Second", 6, "20240620", motion())
    followUp.register(first, [second])
    with pytest.raises(RuntimeError, match="running already"):
        followUp.register(first, [second])
    assert wait(followUp) is RunState.SUCCEEDED, followUp.job and followUp.job.errorMessage
    corners = np.array([[0, 0, 0, 1], [49, 0, 0, 1], [0, 59, 0, 1], [0, 0, 47, 1], [49, 59, 47, 1]])
    off = (worldAffine(second.reference) @ corners.T - AFFINE @ corners.T)[:3]
    assert np.linalg.norm(off, axis=0).max() < 1.5  # half a voxel, at the corners of the array
    assert isLaid(second) and not isLaid(first)
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []
    followUp.removeRegistrations([first, second])
    np.testing.assert_allclose(worldAffine(second.reference), motion() @ AFFINE)


def test_an_error_names_the_volume_and_moves_nothing(followUp: FollowUp) -> None:
    patient = add_patient()
    first, second = add_scan(patient, "First", 4), add_scan(patient, "Second", 4)
    slicer.util.arrayFromVolume(second.reference)[:] = 0
    followUp.register(first, [second])
    assert wait(followUp) is RunState.FAILED
    assert followUp.job is not None
    assert followUp.job.errorMessage.startswith("Second T1Gd: the image is empty")
    assert not isLaid(second)
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


@pytest.mark.parametrize("how", ["cancel", "stopNow"])
def test_cancel_leaves_no_process_and_no_file(followUp: FollowUp, how: str) -> None:
    patient = add_patient()
    first, second = add_scan(patient, "First", 4), add_scan(patient, "Second", 4, moved=motion())
    followUp.register(first, [second])
    getattr(followUp, how)()
    assert wait(followUp) is RunState.CANCELLED
    assert not isLaid(second)
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []
    assert psutil.Process().children(recursive=True) == []


def test_a_scan_without_its_volume_is_refused(followUp: FollowUp) -> None:
    patient = add_patient()
    first, second = add_scan(patient, "First", 4), add_scan(patient, "Second", 4)
    slicer.mrmlScene.RemoveNode(second.reference)
    with pytest.raises(ValueError, match="Second tumor was segmented is not in the scene"):
        followUp.register(first, [second])
