"""Contrasts that were not given: what to say of a result without them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.model_file.figures import missing_contrast_dice
from SegMambaCore.model_file.spec import ModelSpec


def missing_sentences(missing: Sequence[str], spec: ModelSpec) -> tuple[str, ...]:
    """Return a sentence or two about the contrasts (roles) that are missing, none where there are all.

    What such input reached on held-out cases is told where the model's file tells it; a model that was not trained for
    so many missing contrasts is said not to be.
    """
    if not missing:
        return ()
    titles = _listed(ROLE_TITLES[role] for role in missing)
    what = f"{titles} {'is' if len(missing) == 1 else 'are'} missing"
    if len(missing) > spec.missing_contrasts:
        return (
            f"{what}, and the model was not trained for that: do not rely on the result. Give all four contrasts, or "
            "use a model that was.",
        )
    dice = missing_contrast_dice(spec, missing)
    if dice is None:
        return (f"{what}. How good the model is on such input was not measured.",)
    figures = _listed(f"{region} {value:.2f}" for region, value in dice.items())
    return (f"{what}. On held-out cases such input reached a mean Dice of {figures}.",)


def missing_figures(case: Case, spec: ModelSpec) -> dict[str, Any]:
    """Return the report's entry: the roles that are missing, whether the model knows such input, the Dice it reached.

    Dice is by region, of held-out cases; null where nothing is missing or nothing was measured.
    """
    return {
        "roles": list(case.missing),
        "trained_for": len(case.missing) <= spec.missing_contrasts,
        "held_out_dice": missing_contrast_dice(spec, case.missing) if case.missing else None,
    }


def _listed(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
