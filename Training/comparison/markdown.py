"""The comparison as Markdown tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from SegMambaCore.segmentation.regions import REGIONS
from Training.comparison.cells import COST_HEADS, cost_cells, interval_cell, mean_cell, p_cell
from Training.comparison.comparison import Comparison
from Training.comparison.table1 import AREAS, Table
from Training.metrics.conventions import COUNTS, DESCRIPTIONS


def markdown(comparison: Comparison) -> str:
    """Return a table of means, one of intervals and one of differences for each convention, then the notes."""
    lines = []
    for table in comparison.tables:
        lines += [
            f"## Convention `{table.convention}`",
            "",
            f"{comparison.size}; {DESCRIPTIONS[table.convention]}.",
            "",
            *_means(comparison, table),
            "",
            "95 % intervals:",
            "",
            *_intervals(comparison, table),
            "",
        ]
        if table.counts:
            lines += ["Lesions over all cases, TP / FP / FN:", "", *_counts(comparison, table), ""]
        if rows := list(_differences(comparison, table)):
            lines += [f"Differences against {comparison.evaluations[0].name}:", "", *rows, ""]
    return "\n".join([*lines, *(f"- {note}" for note in comparison.notes), ""])


def _means(comparison: Comparison, table: Table) -> Iterator[str]:
    yield from _head(["Model", *_score_heads(table), *COST_HEADS])
    for evaluation in comparison.evaluations:
        cells = [_text(evaluation.name)]
        for area in AREAS:
            for metric in table.metrics:
                key = (evaluation.name, metric.key, area)
                cell = mean_cell(table.figures[key])
                cells.append(f"**{cell}**" if key in table.best else cell)
        yield _line([*cells, *cost_cells(comparison.costs[evaluation.name])])


def _intervals(comparison: Comparison, table: Table) -> Iterator[str]:
    yield from _head(["Model", *_score_heads(table)])
    for evaluation in comparison.evaluations:
        figures = [
            interval_cell(table.figures[evaluation.name, metric.key, area])
            for area in AREAS
            for metric in table.metrics
        ]
        yield _line([_text(evaluation.name), *figures])


def _counts(comparison: Comparison, table: Table) -> Iterator[str]:
    yield from _head(["Model", *(f"{region}, `{table.convention}`" for region in REGIONS)])
    for evaluation in comparison.evaluations:
        cells = [
            " / ".join(str(table.counts[evaluation.name, region, kind]) for kind in COUNTS)
            for region in REGIONS
        ]
        yield _line([_text(evaluation.name), *cells])


def _differences(comparison: Comparison, table: Table) -> Iterator[str]:
    rows = [row for row in comparison.differences if row["convention"] == table.convention]
    if rows:
        yield from _head(["Model", "Column", "Mean difference", "95 % interval", "p", "p, Holm"])
    for row in rows:
        yield _line(
            [
                _text(str(row["model"])),
                f"`{row['column']}`",
                f"{row['mean_difference']:+.4g}",
                f"[{row['ci95_low']:+.4g}, {row['ci95_high']:+.4g}]",
                p_cell(float(row["p"])),
                p_cell(float(row["p_holm"])),
            ]
        )


def _score_heads(table: Table) -> list[str]:
    return [
        f"{area} {metric.title} {metric.unit}, `{table.convention}`"
        for area in AREAS
        for metric in table.metrics
    ]


def _head(titles: Sequence[str]) -> list[str]:
    return [_line(titles), _line(["---", *["---:"] * (len(titles) - 1)])]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(name: str) -> str:
    return re.sub(r"([\\|*_`<>\[\]])", r"\\\1", name)
