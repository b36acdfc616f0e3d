"""The comparison as one HTML page that needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from SegMambaCore.report.statement import RESEARCH_USE_ONLY
from SegMambaCore.segmentation.regions import REGIONS
from Training.comparison.cells import COST_HEADS, cost_cells, interval_cell, mean_cell, p_cell
from Training.comparison.comparison import Comparison
from Training.comparison.pictures import CasePictures
from Training.comparison.plots import plot_cases, plot_differences
from Training.comparison.table1 import AREAS, METRICS, Table
from Training.evaluation.table import number
from Training.metrics.conventions import COUNTS, DESCRIPTIONS, column_name

CERTAIN = 0.05


def page(
    comparison: Comparison,
    worst: Mapping[str, Sequence[str]],
    pictures: Mapping[str, CasePictures | str],
) -> str:
    """Return the page.

    worst: cases with the models they were chosen for, see `worst_cases`, by the first table's convention. pictures:
    of each of them, or why there are none.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    convention = comparison.tables[0].convention
    return environment.get_template("page.html").render(
        statement=RESEARCH_USE_ONLY,
        models=[evaluation.name for evaluation in comparison.evaluations],
        first=comparison.evaluations[0].name,
        size=comparison.size,
        areas=AREAS,
        regions=list(REGIONS),
        cost_heads=COST_HEADS,
        tables=[_table(comparison, table) for table in comparison.tables],
        worst_convention=convention,
        legend=[{"key": key, "colour": _hex(region.colour)} for key, region in REGIONS.items()],
        cases=[_case(comparison, convention, name, worst[name], pictures[name]) for name in worst],
        notes=comparison.notes,
    )


def _table(comparison: Comparison, table: Table) -> dict[str, Any]:
    heads = [
        {"title": metric.title, "unit": metric.unit, "arrow": "↑" if metric.more_is_better else "↓"}
        for metric in table.metrics
    ]
    differences = list(_differences(comparison, table))
    return {
        "convention": table.convention,
        "description": DESCRIPTIONS[table.convention],
        "heads": heads,
        "rows": [_row(comparison, table, evaluation.name) for evaluation in comparison.evaluations],
        "counts": _counts(comparison, table) if table.counts else [],
        "cases_plot": _data_url(plot_cases(comparison, table).encode(), "svg+xml"),
        "differences": differences,
        "differences_plot": _data_url(plot_differences(comparison, table).encode(), "svg+xml")
        if differences
        else "",
    }


def _row(comparison: Comparison, table: Table, model: str) -> dict[str, Any]:
    keys = [(model, metric.key, area) for area in AREAS for metric in table.metrics]
    return {
        "model": model,
        "cells": [
            {
                "mean": mean_cell(table.figures[key]),
                "interval": interval_cell(table.figures[key]),
                "best": key in table.best,
            }
            for key in keys
        ],
        "costs": cost_cells(comparison.costs[model]),
    }


def _counts(comparison: Comparison, table: Table) -> list[dict[str, Any]]:
    return [
        {
            "model": evaluation.name,
            "cells": [
                " / ".join(str(table.counts[evaluation.name, region, kind]) for kind in COUNTS)
                for region in REGIONS
            ],
        }
        for evaluation in comparison.evaluations
    ]


def _differences(comparison: Comparison, table: Table) -> Iterator[dict[str, Any]]:
    """The tests of Dice and HD95: a convention's further scores are in the Markdown alone."""
    titles = {
        column_name(metric.key, region, table.convention): (region, metric)
        for metric in table.metrics
        for region in REGIONS
    }
    for row in comparison.differences:
        if row["column"] not in titles:
            continue
        region, metric = titles[str(row["column"])]
        mean, low, high = (
            metric.factor * float(row[name]) for name in ("mean_difference", "ci95_low", "ci95_high")
        )
        yield {
            "model": row["model"],
            "region": region,
            "metric": f"{metric.title} {metric.unit}",
            "mean": f"{mean:+.2f}",
            "interval": f"[{low:+.2f}, {high:+.2f}]",
            "p": p_cell(float(row["p"])),
            "p_holm": p_cell(float(row["p_holm"])),
            "certain": float(row["p_holm"]) < CERTAIN,
        }


def _case(
    comparison: Comparison, convention: str, name: str, models: Sequence[str], drawn: CasePictures | str
) -> dict[str, Any]:
    case: dict[str, Any] = {"name": name, "models": models, "problem": "", "offset": "", "pictures": []}
    if isinstance(drawn, str):
        return case | {"problem": drawn}
    rows = {evaluation.name: evaluation.rows[name] for evaluation in comparison.evaluations}
    pictures = [
        {
            "title": picture.model or "Reference",
            "source": _data_url(picture.png, "png"),
            "dice": _dice(rows[picture.model], convention) if picture.model else "",
        }
        for picture in drawn.pictures
    ]
    return case | {"offset": drawn.offset, "pictures": pictures}


def _dice(row: Mapping[str, str], convention: str) -> str:
    metric, _ = METRICS[convention]
    values = {region: number(row[column_name(metric.key, region, convention)]) for region in REGIONS}
    figures = ", ".join(
        f"{region}\N{NO-BREAK SPACE}{metric.factor * value:.1f}" for region, value in values.items()
    )
    return f"{metric.title} {metric.unit} ({convention}): {figures}"


def _hex(colour: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)


def _data_url(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
