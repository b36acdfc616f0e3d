"""The Python beside Slicer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scenes import REPOSITORY
from SegMambaLib.models import modelFiles
from SegMambaLib.run.program import coreParentFolder, findProgram


def test_the_core_is_found_in_the_sources() -> None:
    assert coreParentFolder() == REPOSITORY


def test_pythonslicer_is_the_one_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / ("PythonSlicer.bat" if sys.platform == "win32" else "PythonSlicer")
    python.write_text("", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", "of the user")
    program = findProgram()
    assert Path(program.python) == python
    assert program.environment["PYTHONPATH"].split(os.pathsep) == [str(REPOSITORY), "of the user"]
    assert program.environment["PATH"] == str(tmp_path)


def test_a_slicer_without_pythonslicer_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="PythonSlicer was not found"):
        findProgram()


def test_the_models_are_the_weights_beside_the_core_and_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "SegMambaCore" / "weights"
    weights.mkdir(parents=True)
    for name in ("small-b.safetensors", "small-a.safetensors", "README.md"):
        (weights / name).touch()
    own = tmp_path / "own"
    own.mkdir()
    (own / "imported.safetensors").touch()
    monkeypatch.setenv("SEGMAMBA_MODELS", str(own))
    monkeypatch.setattr(modelFiles, "coreParentFolder", lambda: tmp_path)
    assert [path.stem for path in modelFiles.modelFiles()] == ["small-a", "small-b", "imported"]


def test_listing_the_models_loads_nothing_heavy() -> None:
    code = (
        "import sys, slicer; from standins import slicer_python; slicer_python.install();"
        "from SegMambaLib.models.modelFiles import modelFiles; modelFiles();"
        "print([name for name in ('torch', 'monai', 'SimpleITK') if name in sys.modules])"
    )
    folders = [str(REPOSITORY / "SegMambaSlicer"), str(REPOSITORY / "Testing" / "SegMambaSlicer")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_nothing_heavy_enters_slicers_process() -> None:
    """In a fresh interpreter: importing the module's library brings neither torch, MONAI nor SegMambaCore."""
    code = (
        "import sys, slicer; from standins import slicer_python; slicer_python.install(); import SegMamba;"
        "print([name for name in ('torch', 'monai', 'SimpleITK', 'SegMambaCore') if name in sys.modules])"
    )
    folders = [str(REPOSITORY / "SegMambaSlicer"), str(REPOSITORY / "Testing" / "SegMambaSlicer")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
