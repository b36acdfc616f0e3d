"""The module as Slicer sets it up: real Qt widgets, a real scene; stand-ins for Slicer's own widgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import slicer
from scenes import REPOSITORY, fake_program

pytest.importorskip("PySide6.QtUiTools", reason="PySide6-Essentials is not installed or lacks its libraries")

import SegMamba
from standins.pythonqt import LoadedUi, childWidgetVariables


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[SegMamba.SegMambaWidget]:
    """The panel, with two models installed and the fake command."""
    monkeypatch.setattr(slicer.util, "loadUI", LoadedUi)
    monkeypatch.setattr(slicer.util, "childWidgetVariables", childWidgetVariables)
    models = [Path("small.safetensors"), Path("tom.safetensors")]
    monkeypatch.setattr("SegMambaLib.logic.modelFiles", lambda: models)
    monkeypatch.setattr("SegMambaLib.logic.findProgram", fake_program)
    widget = SegMamba.SegMambaWidget()
    widget.resourceFolder = str(REPOSITORY / "SegMambaSlicer" / "Resources")
    widget.setup()
    widget.logic.packages.areReady = True
    widget.layout.window.show()
    yield widget
    widget.cleanup()
