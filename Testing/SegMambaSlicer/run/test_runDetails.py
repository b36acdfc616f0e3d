"""What "Copy details" gives: enough for help, nothing about the patient."""

from __future__ import annotations

from pathlib import Path

import pytest
import slicer
from jobs import finish
from scenes import add_case, fake_program
from SegMambaLib.result.runHistory import RunHistory
from SegMambaLib.run.segmentationJob import SegmentationJob
from SegMambaLib.run.segmentCommand import RunChoices


def failed_job(behaviour: str) -> SegmentationJob:
    volumes = add_case()
    for role, volume in volumes.items():
        volume.SetName(f"DOE^JANE {role}")
    program = fake_program(FAKE_BEHAVIOUR=behaviour)
    job = SegmentationJob(volumes, None, RunChoices(), program, RunHistory(), Path(slicer.app.temporaryPath))
    finish(job)
    return job


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("error", "t2w.nrrd: not a number among the voxels."),
        ("traceback", "ModuleNotFoundError: No module named 'torch'"),
        ("displaced", "does not lie on the voxels of the reference volume"),
    ],
)
def test_details_help_and_name_nobody(behaviour: str, expected: str) -> None:
    job = failed_job(behaviour)
    assert expected in job.details
    assert "Command: " in job.details and "-m SegMambaCore segment --t1n" in job.details
    assert '{"event": "phase", "phase": "read"' in job.details
    assert "Slicer 5.13.0 (revision 31053)" in job.details and "torch " in job.details
    assert "DOE" not in job.details
    assert ("DOE^JANE t2w" in job.errorMessage) == (behaviour == "error")  # on the screen it is wanted


def test_a_result_that_was_not_imported_is_described_by_its_report() -> None:
    assert '"mirror": "leftright"' in failed_job("displaced").details


def test_the_name_of_a_lost_volume_is_not_told_either() -> None:
    volumes = add_case()
    volumes["t1c"].SetName("DOE^JANE")
    folder = Path(slicer.app.temporaryPath)
    job = SegmentationJob(volumes, None, RunChoices(), fake_program(), RunHistory(), folder)
    slicer.mrmlScene.RemoveNode(volumes["t1c"])
    finish(job)
    assert "The volume DOE^JANE was removed" in job.errorMessage
    assert "The volume T1Gd was removed" in job.details
    assert "DOE" not in job.details


def test_the_users_home_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path(slicer.app.temporaryPath).parent)
    details = failed_job("error").details
    assert str(Path(slicer.app.temporaryPath).parent) not in details
    assert "~/slicer/SegMamba-" in details.replace("\\", "/")
