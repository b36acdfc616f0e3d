"""What a model costs: the last columns of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

from Training.comparison.evaluated import Evaluated
from Training.describe import Description, describe
from Training.networks.registry import NETWORKS, NetworkName


@dataclass(frozen=True)
class Costs:
    """None: not known.

    parameters_m: millions. gmacs: multiply-adds of one patch of 4 x 128^3, 1e9. Both are sums over the members of an
    ensemble. seconds: a case, the median. peak_gb: 1e9 bytes, the largest case.
    """

    parameters_m: float | None
    gmacs: float | None
    seconds: float | None
    peak_gb: float | None


def costs_of(evaluation: Evaluated) -> Costs:
    """Count what can be counted of the networks; the rest is what the evaluation measured.

    Raises SegMambaError when a network's package is not installed.
    """
    parameters, gmacs = _size(evaluation.networks)
    return Costs(parameters, gmacs, evaluation.seconds, evaluation.peak_gb)


def _size(networks: Sequence[str]) -> tuple[float | None, float | None]:
    if not networks or any(name not in NETWORKS for name in networks):
        return None, None
    described = [_described(cast(NetworkName, name)) for name in networks]
    return sum(d.parameters for d in described) / 1e6, sum(d.macs for d in described) / 1e9


@cache
def _described(name: NetworkName) -> Description:
    return next(describe([name]))
