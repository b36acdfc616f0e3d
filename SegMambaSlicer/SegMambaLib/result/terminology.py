"""The segments' meaning in Slicer's vocabulary."""

from __future__ import annotations

from pathlib import Path

import slicer

TERMINOLOGY = Path(__file__).resolve().parents[2] / "Resources" / "SegMamba.term.json"


def loadTerminology() -> None:
    """Make the segments' types known to Slicer: its bundled lists lack "Enhancing Lesion"."""
    slicer.modules.terminologies.logic().LoadTerminologyFromFile(str(TERMINOLOGY))
