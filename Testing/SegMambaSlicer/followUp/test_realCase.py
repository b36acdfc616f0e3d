"""A real case twice, the second time in another place: loaded from a folder, registered, compared."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from patients import motion
from scenes import REPOSITORY
from SegMambaLib.followUp.followUp import FollowUp
from SegMambaLib.followUp.loadFolder import loadPatientFolder
from SegMambaLib.inputs.exportVolumes import worldAffine
from SegMambaLib.run.program import Program
from SegMambaLib.run.programRun import RunState

from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.volume import Volume
from SegMambaCore.volume.write import write_volume

_DATA = Path(os.environ.get("SEGMAMBA_DATA", REPOSITORY.parent / "shared" / "data"))
_CASE = _DATA / "brats" / "BraTS-GLI-00000-000"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _CASE.is_dir(), reason=f"no real data: {_CASE} is absent; set SEGMAMBA_DATA"),
]


def test_the_same_head_lies_on_itself_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(sys.executable, {**os.environ, "PYTHONPATH": str(REPOSITORY)})
    monkeypatch.setattr("SegMambaLib.followUp.followUp.findProgram", lambda: program)
    folder = tmp_path / "BraTS-GLI-00000"
    shutil.copytree(_CASE, folder / _CASE.name)
    for file in _CASE.glob("*.nii.gz"):
        volume = read_volume(file)
        moved = Volume(volume.array, motion(15) @ volume.affine)
        name = file.name.replace("-000-", "-001-")
        (folder / "BraTS-GLI-00000-001").mkdir(exist_ok=True)
        write_volume(moved, folder / "BraTS-GLI-00000-001" / name)

    scans, remarks = loadPatientFolder(folder)
    assert remarks == []
    first, second = scans
    assert len(second.volumes()) == 4
    followUp = FollowUp()
    followUp.register(first, [second])
    end = time.monotonic() + 120
    while not followUp.poll().isOver and time.monotonic() < end:
        time.sleep(0.1)
    assert followUp.job and followUp.job.state is RunState.SUCCEEDED, followUp.job.errorMessage
    corners = np.array([[0, 0, 0, 1], [239, 0, 0, 1], [0, 239, 0, 1], [239, 239, 154, 1]]).T
    for volume, original in zip(second.volumes(), first.volumes(), strict=True):
        off = (worldAffine(volume) @ corners - worldAffine(original) @ corners)[:3]
        assert np.linalg.norm(off, axis=0).max() < 0.1
    found = followUp.compare(scans, first)
    changes = [row.against_baseline.percent for row in found.rows if row.point.name == second.name]
    assert changes[1:] == pytest.approx([0, 0, 0], abs=0.01)  # ET, TC, WT
    assert changes[0] == pytest.approx(0, abs=2)  # products, in planes that differ by a trace
