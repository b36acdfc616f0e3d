"""report.json: what went in, what ran, what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from SegMambaCore import __version__
from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.case.missing import missing_figures
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.measures.measure import Measures
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.preparation.preparation import Preparation
from SegMambaCore.report.figures import lesion_figures, region_figures
from SegMambaCore.report.statement import RESEARCH_USE_ONLY
from SegMambaCore.segmentation.regions import LabelConvention
from SegMambaCore.segmentation.trust import Trust, trust_figures
from SegMambaCore.whole_file import write_whole_file

SCHEMA_VERSION = 1
"""Grows whenever a key changes its meaning or goes away; new keys leave it as it is."""

_NOTES = (
    "The whole tumor includes edema: its volume is not the tumor burden.",
    "A region that was not found may still exist: it is not proof of absence.",
    "Sides and diameters are computed. The middle of the head is approximated; no diameter crosses a cavity.",
)


@dataclass(frozen=True)
class Run:
    """All that is known about one segmentation of one case.

    model_sha256: of the weights file.
    settings_asked, settings_used: before and after the device decided what was left open.
    device_name: as a person knows it, for instance the graphics card's name.
    started, finished: with their time zone.
    seconds: wall time by phase, in order.
    trust: what the limits in the model's file say of the result.
    peak_memory_gb: 1e9 bytes at the network's peak, of all tensors on a GPU, on a CPU what the process grew by.
    trust: what the limits in the model's file say of the result.
    fallbacks: what was given up on the way.
    warnings: sentences about the input and the result.
    preparation: what was done to the volumes; None where the user wanted them left as they are.
    similarity: normalised mutual information of each channel with the reference within the brain.
    """

    case: Case
    measures: Measures
    label_convention: LabelConvention
    model: ModelSpec
    model_sha256: str
    settings_asked: InferenceSettings
    settings_used: InferenceSettings
    device_name: str
    started: datetime
    finished: datetime
    seconds: Mapping[str, float]
    trust: Trust = field(default_factory=Trust)
    peak_memory_gb: float | None = None
    fallbacks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    preparation: Preparation | None = None
    similarity: Mapping[str, float] = field(default_factory=dict)


def write_report(run: Run, path: Path) -> None:
    """Write a run as JSON: millimetres, millilitres, seconds; times in ISO 8601; unknown is null.

    Raises SegMambaError when the file cannot be written; then nothing has changed.
    """
    text = json.dumps(_report(run), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole_file(path, (text + "\n").encode("utf-8"))


def _report(run: Run) -> dict[str, Any]:
    return {
        "schema": "segmamba-report",
        "schema_version": SCHEMA_VERSION,
        "statement": RESEARCH_USE_ONLY,
        "program": {"name": "SegMamba", "version": __version__},
        "started": run.started.isoformat(timespec="seconds"),
        "finished": run.finished.isoformat(timespec="seconds"),
        "reference": run.case.reference,
        "missing": missing_figures(run.case, run.model),
        "inputs": {role: _input(run.case, role) for role in run.case.volumes},
        "model": {
            "name": run.model.name,
            "network": run.model.network,
            "sha256": run.model_sha256,
            "date": run.model.date,
            "licence": run.model.licence,
        },
        "settings": {"asked": asdict(run.settings_asked), "used": asdict(run.settings_used)},
        "device": run.device_name,
        "fallbacks": list(run.fallbacks),
        "preparation": None if run.preparation is None else _preparation(run.preparation),
        "similarity": {role: round(value, 4) for role, value in run.similarity.items()},
        "seconds": {phase: round(seconds, 3) for phase, seconds in run.seconds.items()},
        "peak_memory_gb": None if run.peak_memory_gb is None else round(run.peak_memory_gb, 3),
        "label_convention": run.label_convention,
        "regions": region_figures(run.measures),
        "lesions": lesion_figures(run.measures),
        "measurable_from_mm": run.measures.least_diameter_mm,
        "trust": trust_figures(run.trust, run.model),
        "warnings": list(run.warnings),
        "notes": list(_NOTES),
    }


def _input(case: Case, role: str) -> dict[str, Any]:
    volume, source = case.volumes[role], case.sources.get(role)
    series = source if isinstance(source, DicomSeries) else None
    return {
        "title": ROLE_TITLES[role],
        # Folders within a study are often called by the patient's name.
        "path": None if source is None else str(series.root if series else source),
        "series": _series(series) if series else None,
        "sha256": case.hashes.get(role),
        "shape": list(volume.array.shape[::-1]),  # voxels along i, j, k, as the spacing
        "spacing_mm": [round(step, 6) for step in volume.grid.spacing],
    }


def _series(series: DicomSeries) -> dict[str, Any]:
    return {
        "number": series.label,
        "description": series.description,
        "date": series.subject.day,
        "images": len(series.stack.frames),
    }


def _preparation(preparation: Preparation) -> dict[str, Any]:
    brain = preparation.brain
    return {
        "registered": {
            role: {
                "matrix_ras_mm": [[round(value, 6) for value in row] for row in motion.matrix.tolist()],
                "moved_mm": round(motion.millimetres, 2),
                "doubtful": motion.is_doubtful,
            }
            for role, motion in preparation.motions.items()
        },
        "brain": None
        if brain is None
        else {
            "found_in": list(brain.roles),
            "was_given": brain.was_given,
            "volume_ml": round(brain.volume_ml, 1),
        },
    }
