"""What a user does in the panel, for tests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TypeVar

import SegMamba
import slicer
from SegMambaLib.panel.inputsSection import InputsSection
from SegMambaLib.panel.runSection import RunSection
from SegMambaLib.panel.section import Section

AnySection = TypeVar("AnySection", bound=Section)


def section(module: SegMamba.SegMambaWidget, kind: type[AnySection]) -> AnySection:
    """Return the panel's section of a class."""
    return next(part for part in module.sections if isinstance(part, kind))


def choose(module: SegMamba.SegMambaWidget, volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode]) -> None:
    """Select volumes by role."""
    ui = section(module, InputsSection).ui
    for role, volume in volumes.items():
        getattr(ui, f"{role}Selector").setCurrentNode(volume)


def wait_for_end(module: SegMamba.SegMambaWidget) -> None:
    """Let the timer tick until the run is over."""
    run = section(module, RunSection)
    end = time.monotonic() + 20
    while run._timer.active and time.monotonic() < end:
        run.onTimer()
        time.sleep(0.02)
    assert not run._timer.active
