"""Slicer is killed amid a run: the real command notices, ends, and removes the copies of the volumes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from jobs import is_alive, wait_until
from scenes import REPOSITORY

pytestmark = pytest.mark.slow

SLICER = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
import slicer, slicer.util
from standins import slicer_python
from standins.application import Application
slicer_python.install()
scene = slicer.mrmlScene = slicer.vtkMRMLScene()
logics = {"volumes": slicer.vtkSlicerVolumesLogic(), "segmentations": slicer.vtkSlicerSegmentationsModuleLogic()}
for logic in logics.values():
    logic.SetMRMLScene(scene)
slicer.modules = SimpleNamespace(**{name: SimpleNamespace(logic=lambda l=logic: l) for name, logic in logics.items()})
slicer.app = Application(scene, sys.argv[1])
from SegMambaLib import sampleData
from SegMambaLib.result.runHistory import RunHistory
from SegMambaLib.run import program
from SegMambaLib.run.segmentationJob import SegmentationJob
from SegMambaLib.run.segmentCommand import RunChoices
found = program.Program(sys.executable, program._environment())
sampleData.findProgram = lambda: found
volumes = dict(zip(("t1n", "t1c", "t2w", "t2f"), sampleData.loadSample()))
job = SegmentationJob(volumes, None, RunChoices(quality="best"), found, RunHistory(), Path(sys.argv[1]))
while job.run.phase is None or job.run.phase.phase != "segment":
    assert not job.poll().isOver, job.errorMessage
    time.sleep(0.05)
print(job.run._process._process.pid, flush=True)
time.sleep(300)
"""


def test_no_process_and_no_file_is_left(tmp_path: Path) -> None:
    folders = [REPOSITORY / "SegMambaSlicer", REPOSITORY / "Testing" / "SegMambaSlicer", REPOSITORY]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    folder = tmp_path / "temporary"
    folder.mkdir()
    command = [sys.executable, "-c", SLICER, str(folder)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as application:
        line = application.stdout.readline()
        assert line.strip().isdecimal()
        run = psutil.Process(int(line))
        processes = [run, *run.children(recursive=True)]
        assert any(folder.iterdir())
        application.kill()
    wait_until(lambda: not any(is_alive(process) for process in processes), seconds=15)
    wait_until(lambda: not any(folder.iterdir()))
