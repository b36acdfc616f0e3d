"""A model card made from what the weights, their training and their evaluation know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from torch import nn

from SegMambaCore.case.case import ROLE_TITLES
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.regions import REGIONS
from Training.comparison.cells import plain
from Training.comparison.table1 import METRICS, Metric
from Training.evaluation.summary import way_of
from Training.evaluation.table import number, read_table
from Training.metrics.conventions import DESCRIPTIONS, column_name
from Training.networks.registry import NETWORKS, NetworkName
from Training.run_record import CONFIG, RunRecord
from Training.split import patient_of

CASES, SUMMARY = "cases.csv", "summary.csv"

_NORMALISATIONS = {
    "zscore_brain": "z-score per channel over the brain, background 0",
    "zscore_crop": "z-score per channel over the whole box, background included",
}
_OUTPUTS = {
    "sigmoid": "sigmoid regions, which overlap; the inner region wins where they disagree",
    "softmax": "softmax classes",
}


def model_card(
    network: nn.Module,
    spec: ModelSpec,
    file: Path,
    run: tuple[RunRecord, Path] | None,
    evaluation: Path | None,
) -> str:
    """Return the card as Markdown.

    file: the weights, written already. run: the training's record and folder. evaluation: an output folder of
    Training/evaluate.py.
    Raises SegMambaError when the evaluation cannot be read.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    measured = _measured_cases(evaluation)
    return environment.get_template("model_card.md.jinja").render(
        name=spec.name,
        file=file.name,
        megabytes=f"{file.stat().st_size / 1e6:.1f}",
        parameters=f"{sum(p.numel() for p in network.parameters()):,}",
        title=NETWORKS[cast(NetworkName, spec.network)].title,
        spec=spec,
        channels=", ".join(ROLE_TITLES[role] for role in spec.channels),
        spacing=" x ".join(f"{step:g}" for step in spec.spacing),
        normalisation=_NORMALISATIONS[spec.normalisation],
        output=f"{', '.join(spec.outputs)}: {_OUTPUTS[spec.activation]}",
        patients=len({patient_of(case) for case in spec.cases}),
        run=None if run is None else run[0],
        config="" if run is None else (run[1] / CONFIG).read_text(encoding="utf-8").rstrip(),
        overlap=len(measured & set(spec.cases)),
        measured=len(measured),
        figures=[] if evaluation is None else _figures(evaluation / SUMMARY),
    )


def _measured_cases(evaluation: Path | None) -> set[str]:
    return set() if evaluation is None else {row["case"] for row in read_table(evaluation / CASES)}


def _figures(summary: Path) -> list[dict[str, Any]]:
    """A table for each way of inference and convention."""
    lines = read_table(summary)
    tables = []
    for way in dict.fromkeys(map(way_of, lines)):
        by_statistic = {line["statistic"]: line for line in lines if way_of(line) == way}
        for convention, metrics in METRICS.items():
            columns = {
                (metric, region): column_name(metric.key, region, convention)
                for metric in metrics
                for region in REGIONS
            }
            if all(column in by_statistic["mean"] for column in columns.values()):
                tables.append(
                    {
                        "convention": convention,
                        "way": " ".join(f"{name} {value}" for name, value in way),
                        "description": DESCRIPTIONS[convention],
                        "heads": [f"{metric.title} {region} {metric.unit}" for metric, region in columns],
                        "rows": [_row(statistic, by_statistic, columns) for statistic in ("mean", "median")],
                    }
                )
    return tables


def _row(
    statistic: str, lines: dict[str, dict[str, str]], columns: dict[tuple[Metric, str], str]
) -> dict[str, str | Sequence[str]]:
    names = (statistic, f"{statistic}_ci95_low", f"{statistic}_ci95_high")
    cells = []
    for (metric, _), column in columns.items():
        value, low, high = (metric.factor * number(lines[name][column]) for name in names)
        cells.append(f"{plain(value, 1)} [{plain(low, 1)}, {plain(high, 1)}]")
    return {"title": statistic, "cells": cells}
