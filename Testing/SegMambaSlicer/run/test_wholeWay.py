"""Slicer's self-test, the example script and Sample Data: the real command with the shipped weights."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import pytest
import SegMamba
import slicer
from scenes import REPOSITORY, ROLES
from SegMambaLib.models.modelFiles import modelFiles
from SegMambaLib.run.program import Program
from SegMambaLib.sampleData import makeSample

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


@pytest.fixture(autouse=True)
def python_beside_slicer(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("logic", "sampleData"):
        monkeypatch.setattr(f"SegMambaLib.{module}.findProgram", lambda: Program(sys.executable, ENVIRONMENT))


needs_weights = pytest.mark.skipif(not modelFiles(), reason="no weights in SegMambaCore/weights")


@pytest.mark.slow
@needs_weights
def test_slicers_self_test_passes() -> None:
    result = SegMamba.SegMambaTest("test_theSampleFromFilesToCorrectedSegments").run()
    assert result.wasSuccessful() and not result.skipped, result.errors + result.failures
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


@pytest.mark.slow
@needs_weights
def test_the_example_script_writes_the_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    files = makeSample(tmp_path)
    status = run_example(monkeypatch, *(str(files[role]) for role in ROLES), str(tmp_path / "out.seg.nrrd"))
    captured = capsys.readouterr()
    assert status == [0], captured.err
    assert captured.out.splitlines()[0] in ("Starting", "Reading volumes")
    assert "Segmenting" in captured.out.splitlines()
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(tmp_path / "out.seg.nrrd"))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert storage.ReadData(node)
    assert list(node.GetSegmentation().GetSegmentIDs()) == ["WT", "TC", "ET"]


def run_example(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[int]:
    """Run the script as Slicer's --python-script does and return the exit codes it asked for."""
    status: list[int] = []
    script = REPOSITORY / "docs" / "examples" / "segment_case.py"
    monkeypatch.setattr(slicer.util, "exit", status.append)
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    runpy.run_path(str(script), run_name="__main__")
    return status


def test_the_example_script_ends_slicer_after_a_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    assert run_example(monkeypatch) == [2]
    assert "Slicer --no-splash --no-main-window" in capsys.readouterr().out
    monkeypatch.setattr(slicer.util, "loadVolume", lambda path: None)
    assert run_example(monkeypatch, "a", "b", "c", "d", str(tmp_path / "out.seg.nrrd")) == [1]
    assert "Select a volume for T1" in capsys.readouterr().err


def test_sample_data_is_registered_on_startup_and_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[dict] = []
    logic = SimpleNamespace(registerCustomSampleDataSource=lambda **source: registered.append(source))
    sample_data = types.ModuleType("SampleData")
    sample_data.SampleDataLogic = logic
    monkeypatch.setitem(sys.modules, "SampleData", sample_data)
    SegMamba.SegMamba(SimpleNamespace())
    assert registered == []
    slicer.app.completeStartup()
    (source,) = registered
    assert Path(source["thumbnailFileName"]).is_file()
    volumes = source["customDownloader"](None)
    assert [volume.GetName() for volume in volumes] == [f"Sample-{role}" for role in ROLES]
    assert slicer.util.arrayFromVolume(volumes[0]).shape == (150, 192, 160)
    assert len({slicer.util.arrayFromVolume(volume).mean() for volume in volumes}) == 4
    assert all(volume.GetStorageNode() is None for volume in volumes)
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_the_sample_needs_only_what_slicer_brings() -> None:
    """numpy and SimpleITK; not PyTorch, and nothing else of the requirements."""
    code = (
        "import sys, SegMambaCore.sample.phantom;"
        "names = ('torch', 'safetensors', 'numba', 'matplotlib', 'nrrd', 'tqdm', 'psutil');"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_sample_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RuntimeError, match=r"sample case could not be made.*file"):
        makeSample(tmp_path / "file")
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []
