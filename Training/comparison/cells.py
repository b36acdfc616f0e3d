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
        _plain(costs.parameters_m, 2),
        _plain(costs.gmacs, 0),
        _plain(costs.seconds, 2),
        _plain(costs.peak_gb, 2),
    )


def mean_cell(figure: Figure) -> str:
    """Return a mean as the paper's table has it."""
    return _plain(figure.mean, 2)


def interval_cell(figure: Figure) -> str:
    """Return an interval's ends."""
    return f"[{_plain(figure.low, 1)}, {_plain(figure.high, 1)}]"


def p_cell(p: float) -> str:
    """Return a p value with two digits, small ones as a bound."""
    if math.isnan(p):
        return UNKNOWN
    return "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def _plain(value: float | None, decimals: int) -> str:
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.{decimals}f}"
