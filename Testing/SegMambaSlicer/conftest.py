"""A real MRML scene for every test, with the logics that slicer.util and the module expect."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).resolve().parent

if importlib.util.find_spec("slicer") is None:
    # There are wheels for Linux and Windows only.
    collect_ignore_glob = ["test_*.py", "*/test_*.py"]

    def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was left out, and why."""
        terminalreporter.write_line(
            "Testing/SegMambaSlicer skipped: no slicer-core (pip install slicer-core)"
        )

else:
    # As Slicer does with a module's folder, and this folder for the helpers of the tests.
    sys.path[:0] = [str(HERE.parent.parent / "SegMambaSlicer"), str(HERE)]

    import slicer
    import slicer.util
    from standins import slicer_python
    from standins.application import Application

    slicer_python.install()

    @pytest.fixture(autouse=True)
    def scene(tmp_path: Path) -> Iterator[slicer.vtkMRMLScene]:
        """Give each test an empty scene as slicer.mrmlScene, and the logics of three of Slicer's modules."""
        scene = slicer.vtkMRMLScene()
        slicer.mrmlScene = scene
        logics = {
            "volumes": slicer.vtkSlicerVolumesLogic(),
            "segmentations": slicer.vtkSlicerSegmentationsModuleLogic(),
            "terminologies": slicer.vtkSlicerTerminologiesModuleLogic(),
        }
        for logic in logics.values():
            logic.SetMRMLScene(scene)
        slicer.modules = SimpleNamespace(
            **{name: SimpleNamespace(logic=lambda logic=logic: logic) for name, logic in logics.items()}
        )
        temporary = tmp_path / "slicer"
        temporary.mkdir()
        slicer.app = Application(scene, str(temporary))
        slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        yield scene
        slicer.app.layoutManager().close()
        scene.Clear()
