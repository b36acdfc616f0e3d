"""The accuracy that a model file carries: what a run of the same recipe reached on cases held out from it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from SegMambaCore.case.case import ROLES
from SegMambaCore.model_file.spec import ModelSpec

_COLUMN = re.compile(r"(dice|hd95)_([A-Z]+)_(\w+?)(?:_mm)?")


@dataclass(frozen=True)
class Figures:
    """One line of the held-out table.

    statistic: "mean" or "median" over the cases. way: how they were segmented, "windows, mirrors all".
    convention: of empty masks and of HD95, "brats2021". dice: by region. hd95_mm: millimetres by region.
    """

    statistic: str
    way: str
    cases: int
    convention: str
    dice: dict[str, float]
    hd95_mm: dict[str, float]


def held_out_figures(spec: ModelSpec) -> list[Figures]:
    """Return the lines of `spec.figures["held_out"]`, as Training/export.py writes them; those it understands.

    They belong to the recipe, not to these weights, which may have been trained on more: `spec.training` and
    the model card say how far the two lie apart.
    """
    held_out = spec.figures.get("held_out")
    if not isinstance(held_out, dict):
        return []
    lines = (_line(str(title), values) for title, values in held_out.items())
    return [line for line in lines if line is not None]


def missing_contrast_dice(spec: ModelSpec, missing: Collection[str]) -> dict[str, float] | None:
    """Return the mean Dice by region that held-out cases reached without these contrasts (roles).

    None where the file does not tell: nobody measured it, for `spec.figures["missing"]` has no such line.
    """
    lines = spec.figures.get("missing")
    line = lines.get(missing_key(missing)) if isinstance(lines, Mapping) else None
    try:
        return {str(region): float(value) for region, value in line.items()} if line else None
    except (AttributeError, TypeError, ValueError):
        return None


def missing_key(roles: Collection[str]) -> str:
    """Return how `spec.figures["missing"]` names a set of contrasts: "t1c+t2f"."""
    return "+".join(role for role in ROLES if role in roles)


def _line(title: str, values: Any) -> Figures | None:
    statistic, comma, way = title.partition(", ")
    if not comma or not isinstance(values, Mapping):
        return None
    numbers: dict[str, dict[str, float]] = {"dice": {}, "hd95": {}}
    conventions = set()
    try:
        for column, value in values.items():
            match = _COLUMN.fullmatch(str(column))
            if match:
                measure, region, convention = match.groups()
                numbers[measure][region] = float(value)
                conventions.add(convention)
        cases = int(values["cases"])
    except (ValueError, TypeError, KeyError):
        return None
    if not numbers["dice"] or len(conventions) != 1:
        return None
    return Figures(statistic, way, cases, conventions.pop(), numbers["dice"], numbers["hd95"])
