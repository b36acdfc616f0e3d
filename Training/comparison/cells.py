"""How figures are spelled, in every format alike."""

from __future__ import annotations

import math

from Training.comparison.costs import Costs
from Training.comparison.table1 import Figure

UNKNOWN = "-"

COST_HEADS = ("Parameters, M", "GMACs", "s a case", "GB")


def cost_cells(costs: Costs) -> tuple[str, str, str, str]:
    """Return a model's cells below COST_HEADS."""
    return (
        plain(costs.parameters_m, 2),
        plain(costs.gmacs, 0),
        plain(costs.seconds, 2),
        plain(costs.peak_gb, 2),
    )


def mean_cell(figure: Figure) -> str:
    """Return a mean as the paper's table has it."""
    return plain(figure.mean, 2)


def interval_cell(figure: Figure) -> str:
    """Return an interval's ends."""
    return f"[{plain(figure.low, 1)}, {plain(figure.high, 1)}]"


def p_cell(p: float) -> str:
    """Return a p value with two digits, small ones as a bound."""
    if math.isnan(p):
        return UNKNOWN
    return "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def plain(value: float | None, decimals: int) -> str:
    """Return a number with so many decimals."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.{decimals}f}"
