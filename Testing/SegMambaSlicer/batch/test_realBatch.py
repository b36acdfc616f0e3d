"""The real command beside Slicer, with its own weights: three synthetic patients, one of them damaged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import SimpleITK as sitk
import slicer
from SegMambaLib.batch.batch import Batch
from SegMambaLib.batch.loadPatient import loadPatient
from SegMambaLib.models.modelFiles import modelFiles
from SegMambaLib.run.program import Program, coreParentFolder
from SegMambaLib.run.programRun import RunState
from SegMambaLib.run.segmentCommand import RunChoices

from .patients import list_nodes_in_hierarchy

pytestmark = pytest.mark.slow


def test_from_folders_to_segments(tmp_path: Path) -> None:
    if not modelFiles():
        pytest.skip("no weights in SegMambaCore/weights")
    program = Program(sys.executable, {**os.environ, "PYTHONPATH": str(coreParentFolder())})
    patients = tmp_path / "patients"
    sample = [program.python, "-m", "SegMambaCore", "sample", str(patients / "A")]
    subprocess.run(sample, env=program.environment, check=True, capture_output=True)
    shutil.copytree(patients / "A", patients / "B")
    damaged = next((patients / "B").glob("*t2f*"))
    damaged.write_bytes(damaged.read_bytes()[:1000])

    batch = Batch(lambda: program, Path(slicer.app.temporaryPath))
    batch.find(patients, tmp_path / "results")
    while not batch.pollSearch():
        time.sleep(0.1)
    assert [row.status for row in batch.rows.values()] == ["", ""]
    batch.start(RunChoices(quality="fast", device="cpu"))
    while not batch.poll().isOver:
        time.sleep(0.1)
    assert batch.run.state is RunState.SUCCEEDED, batch.errorMessage
    assert [row.status for row in batch.rows.values()] == ["done", "failed"]
    assert "cut short" in batch.rows["B"].remarks[0]

    list_nodes_in_hierarchy()
    loaded = loadPatient("A", batch.rows["A"].sources, batch.resultFolder("A"))
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(batch.resultFolder("A") / "segmentation.nii.gz")))
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(loaded.segmentation, "WT", loaded.volumes["t1c"])
    assert (mask > 0).sum() == (labels > 0).sum() > 0
    assert ((mask > 0) == (labels > 0)).all()
