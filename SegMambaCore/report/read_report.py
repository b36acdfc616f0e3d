"""A report.json of an earlier run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from SegMambaCore.report.report import SCHEMA_VERSION


@dataclass(frozen=True)
class EarlierRun:
    """What a report says about a run that is over.

    hashes: SHA-256 of each input by role. settings_asked: as `InferenceSettings` has them.
    volumes_ml: millilitres by region, None for a region that was not found. lesions: how many parts each
        region has, specks left out. sides: by region, None where there is no lesion.
    measurable: how many enhancing lesions are. largest: the longest diameter, its perpendicular (millimetres)
        and their product (square millimetres) of the enhancing lesion where that is largest; None without one.
    preparation: whether the volumes were prepared where they needed it.
    warnings: about the input, then what was given up on the way.
    finished: ISO 8601. seconds: of the whole run. segment_seconds: of these, the network's and the way back to the
        reference's grid. peak_memory_gb: of the network, None where an older report does not tell.
    """

    hashes: dict[str, str | None]
    reference: str
    model_name: str
    network: str
    model_sha256: str
    settings_asked: dict[str, Any]
    label_convention: str
    preparation: bool
    volumes_ml: dict[str, float | None]
    lesions: dict[str, int]
    sides: dict[str, str | None]
    measurable: int
    largest: tuple[float, float, float] | None
    warnings: tuple[str, ...]
    device: str
    finished: str
    seconds: float
    segment_seconds: float
    peak_memory_gb: float | None


def read_report(path: Path) -> EarlierRun | None:
    """Return what a report says; None where there is none, or one of another version or kind."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if report["schema_version"] != SCHEMA_VERSION:
            return None
        return EarlierRun(
            hashes={role: source["sha256"] for role, source in report["inputs"].items()},
            reference=report["reference"],
            model_name=report["model"]["name"],
            network=report["model"]["network"],
            model_sha256=report["model"]["sha256"],
            settings_asked=report["settings"]["asked"],
            label_convention=report["label_convention"],
            preparation=report.get("preparation") is not None,
            volumes_ml={
                region: figures["volume_ml"] if figures["found"] else None
                for region, figures in report["regions"].items()
            },
            lesions={
                region: figures["lesions"] - figures["specks"]
                for region, figures in report["regions"].items()
            },
            sides={region: figures["side"] for region, figures in report["regions"].items()},
            measurable=sum(lesion["measurable"] for lesion in report["lesions"]),
            largest=_largest(report["lesions"]),
            warnings=(*report["warnings"], *report["fallbacks"]),
            device=report["device"],
            finished=report["finished"],
            seconds=sum(report["seconds"].values()),
            segment_seconds=report["seconds"]["segment"],
            peak_memory_gb=report.get("peak_memory_gb"),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _largest(lesions: list[dict[str, Any]]) -> tuple[float, float, float] | None:
    figures = [
        (lesion["longest"]["mm"], lesion["perpendicular"]["mm"], lesion["product_mm2"])
        for lesion in lesions
        if lesion["product_mm2"] is not None
    ]
    return max(figures, key=lambda figure: figure[2], default=None)
