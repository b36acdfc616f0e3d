"""The comparison as LaTeX tables in the shape of the paper's Table 1, for documents that load booktabs and graphicx."""

from __future__ import annotations

from Training.comparison.cells import cost_cells, mean_cell
from Training.comparison.comparison import Comparison
from Training.comparison.table1 import AREAS, Metric, Table
from Training.metrics.conventions import DESCRIPTIONS

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_COSTS = (r"Param.\ (M)", "GMACs", "s/case", "GB")


def latex(comparison: Comparison) -> str:
    """Return a table environment for each convention, which the caption and every column of figures name."""
    return "\n".join(_table(comparison, table) for table in comparison.tables)


def escaped(text: str) -> str:
    """Return text in which no character is a command of TeX."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _table(comparison: Comparison, table: Table) -> str:
    convention = escaped(table.convention)
    scores = len(table.metrics)
    groups = " & ".join(rf"\multicolumn{{{scores}}}{{c}}{{{area}}}" for area in AREAS)
    rules = "".join(rf"\cmidrule(lr){{{2 + scores * n}-{1 + scores * (n + 1)}}}" for n in range(len(AREAS)))
    heads = " & ".join(_head(metric, convention) for _ in AREAS for metric in table.metrics)
    body = "\n".join(_row(comparison, table, evaluation.name) for evaluation in comparison.evaluations)
    what = f"{escaped(comparison.size)}, convention \\texttt{{{convention}}}: {escaped(DESCRIPTIONS[table.convention])}"
    return rf"""\begin{{table*}}
\centering
\caption{{{what}. Means; bold: the best.}}
\label{{tab:comparison-{table.convention}}}
\resizebox{{\textwidth}}{{!}}{{%
\begin{{tabular}}{{l{"r" * scores * len(AREAS)}{"r" * len(_COSTS)}}}
\toprule
 & {groups} & & & & \\
{rules}
Model & {heads} & {" & ".join(_COSTS)} \\
\midrule
{body}
\bottomrule
\end{{tabular}}}}
\end{{table*}}
"""


def _head(metric: Metric, convention: str) -> str:
    title = escaped(metric.title).replace(" ", r"\\")
    arrow = r"$\uparrow$" if metric.more_is_better else r"$\downarrow$"
    return rf"\shortstack{{{title}\\{escaped(metric.unit)} {arrow}\\({convention})}}"


def _row(comparison: Comparison, table: Table, model: str) -> str:
    cells = [escaped(model)]
    for area in AREAS:
        for metric in table.metrics:
            cell = escaped(mean_cell(table.figures[model, metric.key, area]))
            cells.append(rf"\textbf{{{cell}}}" if (model, metric.key, area) in table.best else cell)
    cells += map(escaped, cost_cells(comparison.costs[model]))
    return f"{' & '.join(cells)} \\\\"
